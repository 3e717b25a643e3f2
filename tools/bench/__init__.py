"""Speed beside PyTorch and stock Caffe; robustness of the verdicts."""
