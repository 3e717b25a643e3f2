"""A deploy net that is not the net that was trained is refused, whatever it leaves out or does otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from caffe.proto import caffe_pb2

from tools.cli import UserError
from tools.nets.agreement import check_same_layers
from tools.nets.network import NETS, Network

FOLDER = Path("prototxt/mine")


def layer_of(net: caffe_pb2.NetParameter, name: str) -> caffe_pb2.LayerParameter:
    return next(layer for layer in net.layer if layer.name == name)


@pytest.mark.parametrize("net", NETS)
def test_each_network_is_used_as_it_is_trained(net):
    check_same_layers(Network(net).train_val, Network(net).deploy, FOLDER)


@pytest.mark.parametrize("net", NETS)
def test_a_layer_between_two_that_is_left_out_is_named(net):
    """Of each kind one. An in-place layer would be missed by nobody, Caffe least of all."""
    for kind in ("ReLU", "LRN", "Sigmoid", "Eltwise"):
        deploy = Network(net).deploy
        gone = next((layer for layer in deploy.layer if layer.type == kind), None)
        if gone is None:
            continue
        name = gone.name
        deploy.layer.remove(gone)
        with pytest.raises(UserError, match=f"mine/deploy.prototxt: it lacks the layer '{name}' of train_val.prototxt"):
            check_same_layers(Network(net).train_val, deploy, FOLDER)


def average(layer: caffe_pb2.LayerParameter) -> None:
    layer.pooling_param.pool = caffe_pb2.PoolingParameter.AVE


def pad(layer: caffe_pb2.LayerParameter) -> None:
    layer.convolution_param.pad[:] = [0]


def weaken(layer: caffe_pb2.LayerParameter) -> None:
    layer.relu_param.negative_slope = 0.1


def take_another(layer: caffe_pb2.LayerParameter) -> None:
    layer.bottom[:] = ["conv1"]


@pytest.mark.parametrize(
    ("name", "change"), [("pool1", average), ("conv2", pad), ("relu2", weaken), ("conv3", take_another)]
)
def test_a_layer_that_does_something_else_is_named(name: str, change: Callable):
    deploy = Network("complex_cnn").deploy
    change(layer_of(deploy, name))
    with pytest.raises(UserError, match=f"mine/deploy.prototxt: its layer '{name}' is not that of train_val.prototxt"):
        check_same_layers(Network("complex_cnn").train_val, deploy, FOLDER)


def test_how_weights_begin_and_are_learned_is_not_compared():
    train_val, deploy = Network("complex_cnn").train_val, Network("complex_cnn").deploy
    for layer in train_val.layer:
        if layer.type == "Convolution":
            layer.convolution_param.weight_filler.type = "gaussian"
            del layer.param[:]
    check_same_layers(train_val, deploy, FOLDER)
