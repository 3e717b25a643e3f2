"""Prototxt read, resolved and drawn; a forward pass; what a network costs."""
