"""What `tools.classify` is made of: a song of any length, a model, a verdict, its picture."""
