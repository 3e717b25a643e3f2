"""The genre of any song."""
