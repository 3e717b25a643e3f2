"""Songs to matrices to LMDBs: features, Datum, manifest."""
