"""Caffe's own solver, stepped: the plan of a run, its ranks, its record and its snapshots."""
