"""The networks are what the paper says of them, and where it is silent what Liang and Hu 2015 say."""

from __future__ import annotations

import caffe
import pytest
from caffe.proto import caffe_pb2

from tools import paths
from tools.nets import cost
from tools.nets.network import Network

GLOBAL = "global"


def layers(net: str) -> list[caffe_pb2.LayerParameter]:
    return list(Network(net).train_val.layer)


def of_type(net: str, *types: str) -> list[caffe_pb2.LayerParameter]:
    return [layer for layer in layers(net) if layer.type in types]


def kernel(layer: caffe_pb2.LayerParameter) -> int:
    (size,) = set(layer.convolution_param.kernel_size)
    return size


def weights(net: str) -> int:
    return cost.weights(cost.load(paths.PROTOTXT / net / "deploy.prototxt"))


def plan(net: str) -> list[str]:
    """A recurrent net in short, from input to score: conv, pool, rcl, drop."""
    short = {"Convolution": "conv", "Pooling": "pool", "Dropout": "drop", "InnerProduct": "score"}
    steps = []
    for layer in layers(net):
        if layer.name.startswith("rcl"):
            if layer.name.endswith("_feedforward"):
                steps.append("rcl")
        elif layer.type in short:
            steps.append(GLOBAL if layer.pooling_param.global_pooling else short[layer.type])
    return steps


def test_the_simple_net_has_two_convolutions_and_two_fully_connected_layers_and_no_dropout():
    assert len(of_type("simple_cnn", "Convolution")) == len(of_type("simple_cnn", "InnerProduct")) == 2
    assert not of_type("simple_cnn", "Dropout")


def test_the_simple_net_is_light_and_the_complex_one_heavy():
    assert weights("simple_cnn") <= weights("complex_cnn") / 3


def test_the_complex_net_has_four_convolutions_of_5_x_5_and_dropout_0_4_in_its_fully_connected_part():
    convolutions = of_type("complex_cnn", "Convolution")
    assert [kernel(layer) for layer in convolutions] == [5] * 4
    (dropout,) = of_type("complex_cnn", "Dropout")
    assert dropout.dropout_param.dropout_ratio == pytest.approx(0.4)
    order = [layer.name for layer in layers("complex_cnn")]
    first, last = (order.index(layer.name) for layer in of_type("complex_cnn", "InnerProduct"))
    assert order.index(convolutions[-1].name) < first < order.index(dropout.name) < last


def test_the_rcnn_has_two_convolutions_and_three_recurrent_layers_in_liang_and_hu_s_order():
    assert plan("rcnn") == ["conv", "pool", "rcl", "rcl", "pool", "rcl", "conv", GLOBAL, "drop", "score"]


def test_the_rcnn_s_poolings_are_of_the_maximum_and_that_in_the_middle_by_3_x_3_and_stride_2():
    pools = [layer.pooling_param for layer in of_type("rcnn", "Pooling") if not layer.pooling_param.global_pooling]
    assert all(pool.pool == caffe_pb2.PoolingParameter.MAX for pool in pools)
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(4, 3), (3, 2)]


def test_the_rcnn_normalises_over_an_eighth_of_a_layer_s_maps_and_one():
    maps = {layer.name: layer.convolution_param.num_output for layer in of_type("rcnn", "Convolution")}
    norms = of_type("rcnn", "LRN")
    assert len(norms) == 3 * 4
    for layer in norms:
        around = maps[layer.name.split("_")[0] + "_feedforward"]
        assert (layer.lrn_param.local_size, layer.lrn_param.beta) == (around // 8 + 1, pytest.approx(0.75))


def test_the_first_kernels_of_the_rcnn_are_5_x_5_and_all_others_3_x_3():
    assert [kernel(layer) for layer in of_type("rcnn", "Convolution")] == [5] + [3] * (3 * 4 + 1)


def test_the_rcnn_learns_at_1e_4_and_at_1e_5_from_100_000_to_200_000():
    said = Network("rcnn").solver
    assert said.lr_policy == "multistep"
    assert (said.base_lr, said.base_lr * said.gamma) == (pytest.approx(1e-4), pytest.approx(1e-5))
    assert (list(said.stepvalue), said.max_iter) == ([100_000], 200_000)


def test_the_lstm_has_two_layers_of_80_a_relu_layer_of_40_and_a_softmax_of_10():
    assert [layer.recurrent_param.num_output for layer in of_type("lstm", "LSTM")] == [80, 80]
    assert [layer.inner_product_param.num_output for layer in of_type("lstm", "InnerProduct")] == [40, 10]
    order = [layer.type for layer in layers("lstm")]
    assert order[order.index("InnerProduct") + 1] == "ReLU"
    assert "Dropout" not in order


def test_the_lstm_trains_for_500_rounds_of_1000_songs():
    (train,) = (layer for layer in of_type("lstm", "Data") if layer.include[0].phase == caffe.TRAIN)
    assert Network("lstm").solver.max_iter * train.data_param.batch_size == 500 * 800 * 30


def test_the_whole_song_net_trains_for_4000_times_15_iterations():
    assert Network("song_cnn").solver.max_iter == 4000 * 15
