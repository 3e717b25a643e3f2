"""Networks drawn from their prototxt."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from caffe.proto import caffe_pb2
from google.protobuf import text_format

from tools import paths
from tools.nets import drawing, prototxt

NETS = sorted(file.parent.name for file in paths.PROTOTXT.glob("*/deploy.prototxt"))


def parsed(text: str) -> caffe_pb2.NetParameter:
    return text_format.Parse(text, caffe_pb2.NetParameter())


@pytest.mark.parametrize("net", NETS)
def test_every_layer_of_a_net_stands_in_a_box_of_the_drawing(net):
    layers = {layer.name for layer in prototxt.read_net(paths.PROTOTXT / net / "deploy.prototxt").layer}
    boxes = drawing.boxes_of(prototxt.read_net(paths.PROTOTXT / net / "deploy.prototxt"))
    drawn = [name for box in boxes for name in box.layers]
    alike = sum(len(box.layers) * (box.copies - 1) for box in boxes)
    assert set(drawn) <= layers
    assert len(drawn) + alike == len(layers)


@pytest.mark.parametrize("net", NETS)
def test_a_drawing_is_svg_with_a_node_for_every_box(net):
    svg, boxes = drawing.draw(paths.PROTOTXT / net / "deploy.prototxt")
    root = ElementTree.fromstring(svg)
    nodes = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
    assert len(nodes) == len(boxes)


def test_shapes_are_those_that_caffe_gives_the_blobs():
    shapes = drawing.blob_shapes(paths.PROTOTXT / "complex_cnn" / "deploy.prototxt")
    assert shapes["data"] == [1, 33, 166]
    assert shapes["prob"] == [10]


def test_a_net_that_caffe_refuses_is_drawn_without_shapes(tmp_path):
    bad = tmp_path / "deploy.prototxt"
    bad.write_text('name: "bad" layer { name: "a" type: "InnerProduct" bottom: "nowhere" top: "a" }')
    assert drawing.blob_shapes(bad) == {}


def test_alike_layers_side_by_side_become_one_box_with_their_number():
    slices = "".join(f'layer {{ name: "flat{i}" type: "Flatten" bottom: "s{i}" top: "f{i}" }}' for i in range(20))
    tops = " ".join(f'top: "s{i}"' for i in range(20))
    bottoms = " ".join(f'bottom: "f{i}"' for i in range(20))
    net = parsed(
        'layer { name: "data" type: "Input" top: "data" }'
        f'layer {{ name: "slice" type: "Slice" bottom: "data" {tops} }}'
        f'{slices} layer {{ name: "concat" type: "Concat" {bottoms} top: "c" }}'
    )
    boxes = drawing.boxes_of(net)
    assert [(box.name, box.copies) for box in boxes] == [("data", 1), ("slice", 1), ("flat0", 20), ("concat", 1)]
    assert [source.name for source in boxes[-1].sources] == ["flat0"]


def test_a_layer_name_cannot_break_out_of_the_drawing():
    name = 'x"]; evil [label="<script>alert(1)</script>'
    box = drawing.Box(name, "ReLU", "a", [])
    root = ElementTree.fromstring(drawing.graphviz(drawing.dot_text([box])))
    nodes = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
    assert len(nodes) == 1
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ('type: "Convolution" convolution_param { num_output: 8 kernel_size: 5 }', "convolution 5 x 5, 8 maps"),
        (
            'type: "Convolution" convolution_param { num_output: 8 kernel_h: 5 kernel_w: 16 stride_h: 2 stride_w: 8 }',
            "convolution 5 x 16, 8 maps, stride 2 x 8",
        ),
        ('type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 }', "average pooling 3 x 3, stride 2"),
        ('type: "Pooling" pooling_param { pool: MAX global_pooling: true }', "global max pooling"),
        ('type: "Power" power_param { shift: -137 }', "plus -137"),
        ('type: "Power" power_param { scale: 0.25 }', "times 0.25"),
        ('type: "Power"', "Power"),
        ('type: "Eltwise"', "sum"),
        ('type: "Dropout" dropout_param { dropout_ratio: 0.4 }', "dropout 0.4"),
        ('type: "Reshape"', "Reshape"),
    ],
)
def test_a_layer_is_said_in_a_few_words(layer, words):
    assert drawing.describe(parsed(f'layer {{ name: "a" {layer} }}').layer[0]) == words


def test_a_net_that_caffe_is_too_slow_with_is_drawn_without_shapes(monkeypatch):
    monkeypatch.setattr(drawing, "SECONDS", 0.01)
    assert drawing.blob_shapes(paths.PROTOTXT / "complex_cnn" / "deploy.prototxt") == {}
