"""What `tools.download` is made of: fetching archives and unpacking them."""
