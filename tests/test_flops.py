"""What an image costs."""

from __future__ import annotations

from tools.flops import flops_an_image, of_net


def test_an_image_costs_what_its_layers_multiply(tmp_path):
    """4 maps of 3 x 3 at 4 x 8 places, then 10 outputs of 128: forward, twice that backward, once at the bottom."""
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text("""
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 1 dim: 6 dim: 10 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "score" type: "InnerProduct" bottom: "conv" top: "score" inner_product_param { num_output: 10 } }
""")
    convolution, score = 2 * 9 * 4 * 4 * 8, 2 * 128 * 10
    assert flops_an_image(deploy) == 2 * convolution + 3 * score


def test_a_child_counts_the_same_for_a_net_of_the_project_s():
    """The RCNN's first convolution alone: 32 maps of 5 x 5 at 33 x 166 places, forward and back to its weights."""
    assert of_net("rcnn") > 2 * 2 * 25 * 32 * 33 * 166
