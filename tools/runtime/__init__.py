"""How Caffe gets onto a machine that has none, and how commands are run in it."""
