"""What `tools.paper` is to run, and how long that takes."""
