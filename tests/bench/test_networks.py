"""The clock of Caffe's log; what Caffe's commands and ours are timed on; what PyTorch is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.bench import networks, passes
from tools.bench.part import SGEMM
from tools.cli import UserError
from tools.nets import cost

LOG = """I1125 23:59:58.500000    10 solver.cpp:239] Iteration 0 (0 iter/s, 0.1s/5 iters), loss = 2.3
I1125 23:59:59.000000    10 sgd_solver.cpp:105] Iteration 0, lr = 0.0001
I1125 23:59:59.500000    10 solver.cpp:239] Iteration 5 (5 iter/s, 1s/5 iters), loss = 2.2
I1126 00:00:00.700000    10 solver.cpp:239] Iteration 10 (5 iter/s, 1s/5 iters), loss = 2.1
I1126 00:00:01.500000    10 _caffe.cpp:68] Iteration 15 (5 iter/s, 1s/5 iters), loss = 2.0
"""


def test_iterations_are_timed_by_the_logs_own_clock_without_the_warm_up_and_past_midnight():
    assert networks.seconds_an_iteration(LOG, 5) == pytest.approx(0.2)


def test_a_log_that_ends_early_is_refused():
    with pytest.raises(UserError, match="1 losses in Caffe's log, where 4 are needed"):
        networks.seconds_an_iteration(LOG[:200], 5)


def test_every_way_is_timed_on_real_clips(build: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(networks.STRETCH, "simple_cnn", 2)
    plan = networks.make_plan("simple_cnn", build)
    assert networks.images_per_second(plan, "caffe train", 1) > 1
    assert networks.images_per_second(plan, "ours", 2) > 1
    assert networks.clips_tested(plan) > 1
    assert networks.clips_voted(plan) > 1


@pytest.mark.parametrize("net", networks.STRETCH)
def test_pytorch_gets_every_weight_once_and_what_caffe_makes_of_clips(net: str, small_build: Path, tmp_path: Path):
    (tmp_path / "lmdb").symlink_to(small_build / "lmdb")
    plan = networks.make_plan(net, tmp_path)
    networks.export_twin(plan, tmp_path / "twin.npz")
    with np.load(tmp_path / "twin.npz") as data:
        weights = sum(blob.size for name, blob in data.items() if "/" in name)
        assert data["prob"].shape == (len(data["clips"]), 10)
        np.testing.assert_allclose(data["prob"].sum(axis=1), 1, rtol=1e-5)
        assert np.ptp(data["prob"], axis=0).max() > 0.01, "a twin that hears nothing would answer the same"
    caffes = cost.load(plan.folder / "deploy.prototxt")
    statistics = sum(blob.count for layer in caffes.layers if layer.type == "BatchNorm" for blob in layer.blobs)
    assert weights == cost.weights(caffes) + statistics


def test_a_pass_is_timed_in_every_process_at_once():
    times = passes.time_passes(SGEMM, "a product of matrices", 2, 2)
    assert len(times) == 2
    assert all(0 < time.forward < time.both for time in times)


def test_a_network_that_caffe_refuses_or_is_too_slow_for_is_named(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UserError, match=r"^my net: Caffe could not run it: .*Sigh"):
        passes.time_passes(SGEMM.replace("InnerProduct", "Sigh"), "my net", 1, 1)
    monkeypatch.setattr(passes, "SECONDS", 0.01)
    with pytest.raises(UserError, match=r"^my net: Caffe took over 0.01 s .*busy\?$"):
        passes.time_passes(SGEMM, "my net", 1, 1)
