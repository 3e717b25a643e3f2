"""What `tools.train` is made of: the run folder, and a rank of Caffe."""
