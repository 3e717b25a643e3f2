"""Networks drawn from their prototxt."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ElementTree

import pytest
from caffe.proto import caffe_pb2
from google.protobuf import text_format

from tools import paths
from tools.nets import prototxt
from tools.report import networks

NETS = sorted(file.parent.name for file in paths.PROTOTXT.glob("*/deploy.prototxt"))


def parsed(text: str) -> caffe_pb2.NetParameter:
    return text_format.Parse(text, caffe_pb2.NetParameter())


@pytest.mark.parametrize("net", NETS)
def test_every_layer_of_a_net_stands_in_a_box_of_the_drawing(net):
    layers = {layer.name for layer in prototxt.read_net(paths.PROTOTXT / net / "deploy.prototxt").layer}
    boxes = networks.boxes_of(prototxt.read_net(paths.PROTOTXT / net / "deploy.prototxt"))
    drawn = [name for box in boxes for name in box.layers]
    alike = sum(len(box.layers) * (box.copies - 1) for box in boxes)
    assert set(drawn) <= layers
    assert len(drawn) + alike == len(layers)


@pytest.mark.parametrize("net", NETS)
def test_a_drawing_is_svg_with_a_node_for_every_box(net):
    figure = networks.network_figure(net, paths.PROTOTXT / net / "deploy.prototxt")
    head, _, body = figure.uri.partition(",")
    assert head == "data:image/svg+xml;base64"
    root = ElementTree.fromstring(base64.b64decode(body))
    nodes = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
    assert len(nodes) == len(figure.rows)


def test_shapes_are_those_that_caffe_gives_the_blobs():
    shapes = networks.blob_shapes(paths.PROTOTXT / "complex_cnn" / "deploy.prototxt")
    assert shapes["data"] == [1, 33, 166]
    assert shapes["prob"] == [10]


def test_a_net_that_caffe_refuses_is_drawn_without_shapes(tmp_path):
    bad = tmp_path / "deploy.prototxt"
    bad.write_text('name: "bad" layer { name: "a" type: "InnerProduct" bottom: "nowhere" top: "a" }')
    assert networks.blob_shapes(bad) == {}


def test_alike_layers_side_by_side_become_one_box_with_their_number():
    slices = "".join(f'layer {{ name: "flat{i}" type: "Flatten" bottom: "s{i}" top: "f{i}" }}' for i in range(20))
    tops = " ".join(f'top: "s{i}"' for i in range(20))
    bottoms = " ".join(f'bottom: "f{i}"' for i in range(20))
    net = parsed(
        'layer { name: "data" type: "Input" top: "data" }'
        f'layer {{ name: "slice" type: "Slice" bottom: "data" {tops} }}'
        f'{slices} layer {{ name: "concat" type: "Concat" {bottoms} top: "c" }}'
    )
    boxes = networks.boxes_of(net)
    assert [(box.name, box.copies) for box in boxes] == [("data", 1), ("slice", 1), ("flat0", 20), ("concat", 1)]
    assert [source.name for source in boxes[-1].sources] == ["flat0"]


def test_a_layer_name_cannot_break_out_of_the_drawing():
    name = 'x"]; evil [label="<script>alert(1)</script>'
    box = networks.Box(parsed('layer { name: "a" type: "ReLU" bottom: "a" top: "a" }').layer[0])
    box.name = name
    root = ElementTree.fromstring(networks.graphviz(networks.dot_text([box], {})))
    nodes = [g for g in root.iter("{http://www.w3.org/2000/svg}g") if g.get("class") == "node"]
    assert len(nodes) == 1
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


def test_a_net_that_caffe_is_too_slow_with_is_drawn_without_shapes(monkeypatch):
    monkeypatch.setattr(networks, "GRAPHVIZ_SECONDS", 0.01)
    assert networks.blob_shapes(paths.PROTOTXT / "complex_cnn" / "deploy.prototxt") == {}
