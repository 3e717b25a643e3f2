"""The web page of `tools.serve`, and the server behind it."""
