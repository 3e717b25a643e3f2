"""The Caffe that `make setup CAFFE=native` makes trains what Debian's binary trains, to rounding."""

from __future__ import annotations

import os
import re

import numpy as np
import pytest
from caffe.proto import caffe_pb2
from conftest import CHECKOUT, run_module

from tools.train import runs, snapshots

NATIVE = CHECKOUT / ".caffe" / "native"
STOCK = {**{name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}, "CAFFE": "stock"}
ON_NATIVE = {**STOCK, "LD_LIBRARY_PATH": str(NATIVE), "CAFFE": "native"}

pytestmark = pytest.mark.skipif(
    not (NATIVE / "fingerprint").exists(), reason="there is no native Caffe here: make setup CAFFE=native"
)


def trained(build, folder, surroundings):
    """The weights of the RCNN after 8 iterations in a build folder of its own, as one vector, and its run.json."""
    folder.mkdir()
    (folder / "lmdb").symlink_to(build / "lmdb")
    done = run_module(
        "tools.train", "--net", "rcnn", "--build", folder, "--batch", 4, "--iters", 8, "--ranks", 1, env=surroundings
    )
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "runs" / "song").iterdir()
    net = caffe_pb2.NetParameter.FromString(snapshots.whole_snapshots(run)[8].read_bytes())
    return np.concatenate([np.array(blob.data) for layer in net.layer for blob in layer.blobs]), runs.read_run(run)


def test_it_trains_what_stock_caffe_trains_to_rounding(small_build, tmp_path):
    stock, _ = trained(small_build, tmp_path / "stock", STOCK)
    native, record = trained(small_build, tmp_path / "native", ON_NATIVE)
    assert not np.array_equal(stock, native), "this was the same binary twice"
    np.testing.assert_allclose(native, stock, rtol=0, atol=1e-4)
    assert "rebuilt" in record["versions"]["caffe_package"]


def test_it_calls_the_newer_openblas():
    said = run_module("tools.runtime.health", env=ON_NATIVE)
    assert re.search(r"OpenBLAS 0\.3\.(3\d|[4-9]\d)", said.stdout), said.stdout
