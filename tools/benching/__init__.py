"""What `make bench` is made of: each part measures and keeps what it saw; `tools.bench` makes the table of it."""
