"""Music classification with neural networks on Caffe: a module per job, run as ``python -m tools.NAME``."""
