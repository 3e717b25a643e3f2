"""A web page to drop, record and hear songs on."""
