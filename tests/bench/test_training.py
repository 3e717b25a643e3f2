"""The clock of Caffe's log, and which Caffe runs."""

from __future__ import annotations

import os

import pytest

from tools import paths
from tools.bench.training import environment, seconds_an_iteration
from tools.cli import UserError

LOG = """I1125 23:59:58.500000    10 solver.cpp:239] Iteration 0 (0 iter/s, 0.1s/5 iters), loss = 2.3
I1125 23:59:59.000000    10 sgd_solver.cpp:105] Iteration 0, lr = 0.0001
I1125 23:59:59.500000    10 solver.cpp:239] Iteration 5 (5 iter/s, 1s/5 iters), loss = 2.2
I1126 00:00:00.700000    10 solver.cpp:239] Iteration 10 (5 iter/s, 1s/5 iters), loss = 2.1
I1126 00:00:01.500000    10 _caffe.cpp:68] Iteration 15 (5 iter/s, 1s/5 iters), loss = 2.0
"""


def test_iterations_are_timed_by_the_logs_own_clock_without_the_warm_up_and_past_midnight():
    assert seconds_an_iteration(LOG, 5) == pytest.approx(0.2)


def test_a_log_that_ends_early_is_refused():
    with pytest.raises(UserError, match="no losses of iterations 5 and 15"):
        seconds_an_iteration(LOG[:300], 5)


def test_a_build_of_caffe_is_chosen_for_children_alone(monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere")
    with environment("native", threads=2):
        assert os.environ["LD_LIBRARY_PATH"] == str(paths.CHECKOUT / ".caffe" / "native")
        assert os.environ["OPENBLAS_NUM_THREADS"] == "2"
    with environment("stock"):
        assert "LD_LIBRARY_PATH" not in os.environ
    assert os.environ["LD_LIBRARY_PATH"] == "/somewhere"
