"""Figures 2 and 3: each network drawn from its prototxt by Graphviz, layers from top to bottom.

Layers that work in place (ReLU, Dropout), and those that alone read a layer's result (normalisation, pooling), stand in
the box of the layer before. Layers alike side by side, such as the slices of the LSTM's time steps, stand once, with
their number.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from caffe.proto import caffe_pb2

from tools import paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.nets.network import NETS
from tools.report.canvas import Figure, svg_uri
from tools.report.headlines import net_name
from tools.report.layout import Row

FILLS = {
    "Input": "#eef1f4",
    "Convolution": "#d5e6f3",
    "InnerProduct": "#fbe7c6",
    "LSTM": "#dcd6ef",
    "Eltwise": "#d3ecdf",
    "Softmax": "#f6d5cd",
}
JOINED = ("ReLU", "Dropout", "LRN", "BatchNorm", "Scale", "Pooling")
PLAIN = "#f6f7f8"
GRAPHVIZ_SECONDS = 60
# Caffe's process dies of a prototxt that it refuses: shapes are asked for in a child
SHAPES = """
import json, os, sys
os.environ["GLOG_minloglevel"] = "3"
import caffe
net = caffe.Net(sys.argv[1], caffe.TEST)
print(json.dumps({name: list(blob.data.shape[1:]) for name, blob in net.blobs.items()}))
"""


class Box:
    """One box of the drawing: a layer, with those that stand in it."""

    def __init__(self, layer: caffe_pb2.LayerParameter) -> None:
        self.name = layer.name
        self.kind = layer.type
        self.lines = [describe(layer)]
        self.layers = [layer.name]
        self.top = layer.top[0] if layer.top else layer.name
        self.sources: list[Box] = []
        self.copies = 1


def describe(layer: caffe_pb2.LayerParameter) -> str:
    """A layer in a few words: its type and what sets it apart."""
    if layer.type == "Convolution":
        p = layer.convolution_param
        kernel = f"{p.kernel_h} x {p.kernel_w}" if p.HasField("kernel_h") else " x ".join(2 * [str(p.kernel_size[0])])
        if p.HasField("stride_h") or p.HasField("stride_w"):
            stride = f", stride {p.stride_h or 1} x {p.stride_w or 1}"
        else:
            stride = f", stride {p.stride[0]}" if p.stride and p.stride[0] > 1 else ""
        return f"convolution {kernel}, {p.num_output} maps{stride}"
    if layer.type == "Pooling":
        p = layer.pooling_param
        kind = "max" if p.pool == p.MAX else "average"
        if p.global_pooling:
            return f"global {kind} pooling"
        size = f"{p.kernel_h} x {p.kernel_w}" if p.HasField("kernel_h") else f"{p.kernel_size} x {p.kernel_size}"
        stride = f"{p.stride_h} x {p.stride_w}" if p.HasField("stride_h") else str(p.stride)
        return f"{kind} pooling {size}, stride {stride}"
    if layer.type == "InnerProduct":
        return f"fully connected, {layer.inner_product_param.num_output}"
    if layer.type == "LSTM":
        return f"LSTM, {layer.recurrent_param.num_output}"
    if layer.type == "Dropout":
        return f"dropout {layer.dropout_param.dropout_ratio:.3g}"
    if layer.type == "LRN":
        return f"normalisation over {layer.lrn_param.local_size} maps"
    if layer.type == "Eltwise":
        return {0: "product", 1: "sum", 2: "maximum"}[layer.eltwise_param.operation]
    return {"Input": "input", "Softmax": "softmax"}.get(layer.type, layer.type)


def boxes_of(net: caffe_pb2.NetParameter) -> list[Box]:
    """The boxes of a net, each knowing those that it reads from, in the order of the prototxt."""
    readers: dict[str, int] = {}
    for layer in net.layer:
        for bottom in set(layer.bottom) - set(layer.top):
            readers[bottom] = readers.get(bottom, 0) + 1
    made, producer = [], {}
    for layer in net.layer:
        sources = list(dict.fromkeys(producer[bottom] for bottom in layer.bottom if bottom in producer))
        in_place = bool(layer.bottom) and layer.bottom[0] == layer.top[0]
        lone = len(layer.bottom) == 1 and readers.get(layer.bottom[0]) == 1 and layer.type in JOINED
        if sources and (in_place or lone):
            box = sources[0]
            box.lines.append(describe(layer))
            box.layers.append(layer.name)
        else:
            box = Box(layer)
            box.sources = sources
            made.append(box)
        box.top = layer.top[0] if layer.top else box.top
        for top in layer.top:
            producer[top] = box
    return fold(made)


def fold(boxes: list[Box]) -> list[Box]:
    """Boxes that say the same and read from the same boxes become one, with their number."""
    while True:
        first: dict[tuple, Box] = {}
        replaced: dict[int, Box] = {}
        for box in boxes:
            stem = re.sub(r"\d+", "#", box.name)
            key = (stem, tuple(box.lines), tuple(sorted(id(source) for source in box.sources)))
            same = first.setdefault(key, box)
            if same is not box:
                same.copies += box.copies
                replaced[id(box)] = same
        if not replaced:
            return boxes
        boxes = [box for box in boxes if id(box) not in replaced]
        for box in boxes:
            box.sources = list(dict.fromkeys(replaced.get(id(source), source) for source in box.sources))


def quoted(text: str) -> str:
    """A string of Graphviz's language that stands for itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def label(box: Box, shapes: dict[str, list[int]]) -> str:
    times = f"  ({box.copies} alike)" if box.copies > 1 else ""
    lines = [box.name + times, *box.lines]
    if box.top in shapes:
        lines.append(" x ".join(map(str, shapes[box.top])) or "1")
    # only our own line ends may be escapes
    return '"' + "\\n".join(quoted(line)[1:-1] for line in lines) + '"'


def dot_text(boxes: list[Box], shapes: dict[str, list[int]]) -> str:
    """The drawing in Graphviz's language."""
    lines = [
        "digraph net {",
        'rankdir=TB; ranksep=0.28; nodesep=0.25; bgcolor="white";',
        'node [shape=box style="rounded,filled" color="#8a949e" fontname="DejaVu Sans" fontsize=11];',
        'node [margin="0.14,0.07"];',
        'edge [color="#8a949e" arrowsize=0.6];',
    ]
    for box in boxes:
        fill = FILLS.get(box.kind, PLAIN)
        lines.append(f"{quoted(box.name)} [label={label(box, shapes)} fillcolor={quoted(fill)}];")
    for box in boxes:
        lines += [f"{quoted(source.name)} -> {quoted(box.name)};" for source in box.sources]
    return "\n".join([*lines, "}"])


def blob_shapes(deploy: Path) -> dict[str, list[int]]:
    """What Caffe makes of each blob of a deploy net, without the batch; empty where Caffe refuses the net."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", SHAPES, str(deploy)],
            capture_output=True,
            text=True,
            timeout=GRAPHVIZ_SECONDS,
            check=False,
        )
        return json.loads(child.stdout)
    except (ValueError, subprocess.TimeoutExpired):
        return {}


def graphviz(dot: str) -> bytes:
    """The drawing as SVG. UserError where Graphviz is missing or fails."""
    try:
        drawn = subprocess.run(
            ["dot", "-Tsvg"], input=dot.encode(), capture_output=True, timeout=GRAPHVIZ_SECONDS, check=True
        )
    except FileNotFoundError:
        raise UserError("Graphviz's 'dot' is not here: type 'make setup'") from None
    except subprocess.SubprocessError as error:
        raise UserError(f"Graphviz's 'dot' could not draw a network: {error}") from None
    return drawn.stdout


def network_figures(prototxts: Path = paths.PROTOTXT) -> tuple[list[Figure], list[str]]:
    """A figure per network that has a deploy.prototxt, and a line for each that can't be drawn."""
    figures, left_out = [], []
    folders = {file.parent.name: file for file in sorted(prototxts.glob("*/deploy.prototxt"))}
    for name in sorted(folders, key=lambda net: (NETS.index(net) if net in NETS else len(NETS), net)):
        try:
            figures.append(network_figure(name, folders[name]))
        except UserError as error:
            left_out.append(str(error))
    return figures, left_out


def network_figure(name: str, deploy: Path) -> Figure:
    net = prototxt.read_net(deploy)
    boxes = boxes_of(net)
    shapes = blob_shapes(deploy)
    weights = sum(1 for layer in net.layer if layer.type in ("Convolution", "InnerProduct", "LSTM"))
    rows = [
        Row({
            "net": name,
            "box": box.name,
            "layers": " ".join(box.layers),
            "copies": box.copies,
            "says": "; ".join(box.lines),
            "shape": " x ".join(map(str, shapes.get(box.top, []))),
        })
        for box in boxes
    ]  # fmt: skip
    caption = (
        f"{net_name(name)}: prototxt/{name}/deploy.prototxt, {len(net.layer)} layers, {weights} of them with weights."
    )
    uri = svg_uri(graphviz(dot_text(boxes, shapes)))
    return Figure(f"network_{name}", f"Layers of the {net_name(name)} from input to output", caption, uri, rows)
