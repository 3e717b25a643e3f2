"""What `tools.verify` is made of: the checks of LMDBs, runs, votes and the report."""
