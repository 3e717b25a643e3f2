"""The table of networks in prototxt/README.md is what their prototxt says."""

from __future__ import annotations

import re

import pytest
from caffe.proto import caffe_pb2

from tools import paths
from tools.nets import cost
from tools.nets.network import NETS, Network


def row_of(net: str) -> dict[str, str]:
    """The cells of a network's row, by column."""
    page = (paths.PROTOTXT / "README.md").read_text()
    (table,) = re.findall(r"^\| network \| layers \|.*?\n\n", page, re.MULTILINE | re.DOTALL)
    head = table.splitlines()[0]
    (row,) = re.findall(rf"^\| {net} \|.*$", table, re.MULTILINE)
    head, row = (line.strip("| ").split(" | ") for line in (head, row))
    return dict(zip(head, row))


def word(layer: caffe_pb2.LayerParameter) -> str | None:
    """A layer as the README has it; None for one that it passes over."""
    if layer.name.startswith("rcl"):
        return f"rcl {layer.convolution_param.num_output}" if layer.name.endswith("_feedforward") else None
    words = {
        "Convolution": f"conv {layer.convolution_param.num_output}",
        "Pooling": "mean" if layer.pooling_param.global_pooling else "pool",
        "LSTM": f"lstm {layer.recurrent_param.num_output}",
        "InnerProduct": f"full {layer.inner_product_param.num_output}",
        "Dropout": "dropout",
    }
    return words.get(layer.type)


@pytest.mark.parametrize("net", NETS)
def test_the_layers_are_those_of_the_prototxt(net):
    assert row_of(net)["layers"] == ", ".join(filter(None, map(word, Network(net).train_val.layer)))


@pytest.mark.parametrize("net", NETS)
def test_weights_and_multiplications_are_those_of_the_prototxt(net):
    loaded, row = cost.load(paths.PROTOTXT / net / "deploy.prototxt"), row_of(net)
    assert row["weights"] == f"{cost.weights(loaded):,}"
    assert row["multiplications"] == f"{sum(cost.multiplications(loaded)) / 1e6:.1f} M"
