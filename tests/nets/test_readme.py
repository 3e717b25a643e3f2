"""The table of costs in prototxt/README.md is what the command beside it prints."""

from __future__ import annotations

import re

import pytest

from tools import paths
from tools.nets import cost
from tools.nets.network import NETS


@pytest.mark.parametrize("net", NETS)
def test_weights_and_multiplications_are_those_of_the_prototxt(net):
    loaded = cost.load(paths.PROTOTXT / net / "deploy.prototxt")
    page = (paths.PROTOTXT / "README.md").read_text()
    (row,) = re.findall(rf"^\| {net} \| ([\d,]+) \| ([\d.]+) M \|", page, re.MULTILINE)
    assert row == (f"{cost.weights(loaded):,}", f"{sum(cost.multiplications(loaded)) / 1e6:.1f}")
