"""What `tools.make_lmdb` is made of: songs to matrices in parallel, the manifest."""
