"""What an image costs a network, and how much it learns."""

from __future__ import annotations

import pytest

from tools import paths
from tools.cli import UserError
from tools.nets.cost import flops_an_image, flops_in_child, load, weights


def test_an_image_costs_what_its_layers_multiply(tmp_path):
    """4 maps of 3 x 3 at 4 x 8 places, then 10 outputs of 128: forward, twice that backward, once at the bottom."""
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text("""
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 6 dim: 10 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "score" type: "InnerProduct" bottom: "conv" top: "score" inner_product_param { num_output: 10 } }
""")
    convolution, score = 2 * 9 * 4 * 4 * 8, 2 * 128 * 10
    assert flops_an_image(load(deploy)) == 2 * convolution + 3 * score
    assert weights(load(deploy)) == 9 * 4 + 4 + 128 * 10 + 10


def test_a_child_counts_the_same():
    deploy = paths.PROTOTXT / "rcnn" / "deploy.prototxt"
    assert flops_in_child(deploy) == flops_an_image(load(deploy))


def test_a_net_that_caffe_refuses_is_named_in_one_line(tmp_path):
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text('layer { name: "conv" type: "Convolution" bottom: "nothing" top: "conv" }')
    with pytest.raises(UserError, match="deploy.prototxt: Caffe could not run it: .*nothing") as refused:
        flops_in_child(deploy)
    assert "\n" not in str(refused.value)
