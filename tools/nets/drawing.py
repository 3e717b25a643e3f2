"""A network drawn from its deploy.prototxt by Graphviz, layers from top to bottom.

Layers that work in place (ReLU, Dropout), and those that alone read a layer's result (normalisation, pooling), stand in
the box of the layer before. Layers alike side by side, such as the slices of the LSTM's time steps, stand once, with
their number.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from caffe.proto import caffe_pb2

from tools.cli import UserError
from tools.nets import prototxt
from tools.processes import child

FILLS = {
    "Input": "#eef1f4",
    "Convolution": "#d5e6f3",
    "InnerProduct": "#fbe7c6",
    "LSTM": "#dcd6ef",
    "Eltwise": "#d3ecdf",
    "Softmax": "#f6d5cd",
}
PLAIN = "#f6f7f8"
JOINED = ("ReLU", "Dropout", "LRN", "BatchNorm", "Scale", "Pooling")
SECONDS = 60  # for Caffe to tell shapes, and for Graphviz to draw
# Caffe's process dies of a prototxt that it refuses: shapes are asked for in a child
SHAPES = """
import json, sys, caffe
net = caffe.Net(sys.argv[1], caffe.TEST)
print(json.dumps({name: list(blob.data.shape[1:]) for name, blob in net.blobs.items()}))
"""


@dataclass(eq=False)
class Box:
    """One box of a drawing: a layer, with those that stand in it, and the boxes that it reads from."""

    name: str
    kind: str
    top: str
    sources: list[Box]
    lines: list[str] = field(default_factory=list)  # what it says of each layer
    layers: list[str] = field(default_factory=list)
    shape: list[int] | None = None  # of the last layer's result, without the batch; None where Caffe did not tell
    copies: int = 1


def describe(layer: caffe_pb2.LayerParameter) -> str:
    """A layer in a few words: its type and what sets it apart."""
    if layer.type == "Convolution":
        p = layer.convolution_param
        strides = ([p.stride_h or 1, p.stride_w or 1] if p.stride_h or p.stride_w else list(p.stride)) or [1]
        stride = f", stride {by(strides)}" if strides != [1] else ""
        kernel = [p.kernel_h, p.kernel_w] if p.kernel_h else 2 * [p.kernel_size[0]]
        return f"convolution {by(kernel)}, {p.num_output} maps{stride}"
    if layer.type == "Pooling":
        p = layer.pooling_param
        kind = "max" if p.pool == p.MAX else "average"
        if p.global_pooling:
            return f"global {kind} pooling"
        kernel = [p.kernel_h, p.kernel_w] if p.kernel_h else 2 * [p.kernel_size]
        return f"{kind} pooling {by(kernel)}, stride {by([p.stride_h, p.stride_w] if p.stride_h else [p.stride])}"
    if layer.type == "Power":
        p = layer.power_param
        scale = "" if p.scale == 1 else f"times {p.scale:g}"
        shift = "" if p.shift == 0 else f"plus {p.shift:g}"
        return ", ".join(filter(None, (scale, shift))) or layer.type
    if layer.type == "Eltwise":
        return ("product", "sum", "maximum")[layer.eltwise_param.operation]
    return {
        "InnerProduct": f"fully connected, {layer.inner_product_param.num_output}",
        "LSTM": f"LSTM, {layer.recurrent_param.num_output}",
        "Dropout": f"dropout {layer.dropout_param.dropout_ratio:.3g}",
        "LRN": f"normalisation over {layer.lrn_param.local_size} maps",
        "Input": "input",
        "Softmax": "softmax",
    }.get(layer.type, layer.type)


def by(sizes: list[int]) -> str:
    """``[33, 166]`` as '33 x 166'."""
    return " x ".join(map(str, sizes))


def boxes_of(net: caffe_pb2.NetParameter) -> list[Box]:
    """The boxes of a net, each knowing those that it reads from, in the order of the prototxt."""
    readers: dict[str, int] = {}
    for layer in net.layer:
        for bottom in set(layer.bottom) - set(layer.top):
            readers[bottom] = readers.get(bottom, 0) + 1
    boxes: list[Box] = []
    producer: dict[str, Box] = {}
    for layer in net.layer:
        sources = list(dict.fromkeys(producer[bottom] for bottom in layer.bottom if bottom in producer))
        in_place = bool(layer.bottom) and layer.bottom[0] == layer.top[0]
        lone = len(layer.bottom) == 1 and readers.get(layer.bottom[0]) == 1 and layer.type in JOINED
        if not (sources and (in_place or lone)):
            boxes.append(Box(layer.name, layer.type, layer.name, sources))
        box = sources[0] if sources and (in_place or lone) else boxes[-1]
        box.lines.append(describe(layer))
        box.layers.append(layer.name)
        box.top = layer.top[0] if layer.top else box.top
        producer.update(dict.fromkeys(layer.top, box))
    return fold(boxes)


def fold(boxes: list[Box]) -> list[Box]:
    """Boxes that say the same and read from the same boxes become one, with their number."""
    while True:
        first: dict[tuple, Box] = {}
        replaced: dict[Box, Box] = {}
        for box in boxes:
            stem = re.sub(r"\d+", "#", box.name)
            key = (stem, tuple(box.lines), tuple(sorted(id(source) for source in box.sources)))
            same = first.setdefault(key, box)
            if same is not box:
                same.copies += box.copies
                replaced[box] = same
        if not replaced:
            return boxes
        boxes = [box for box in boxes if box not in replaced]
        for box in boxes:
            box.sources = list(dict.fromkeys(replaced.get(source, source) for source in box.sources))


def quoted(text: str) -> str:
    """A string of Graphviz's language that stands for itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def label(box: Box) -> str:
    times = f"  ({box.copies} alike)" if box.copies > 1 else ""
    lines = [box.name + times, *box.lines, *([] if box.shape is None else [by(box.shape) or "1"])]
    # only our own line ends may be escapes
    return '"' + "\\n".join(quoted(line)[1:-1] for line in lines) + '"'


def dot_text(boxes: list[Box]) -> str:
    """The drawing in Graphviz's language."""
    lines = [
        "digraph net {",
        'rankdir=TB; ranksep=0.28; nodesep=0.25; bgcolor="white";',
        'node [shape=box style="rounded,filled" color="#8a949e" fontname="DejaVu Sans" fontsize=11];',
        'node [margin="0.14,0.07"];',
        'edge [color="#8a949e" arrowsize=0.6];',
    ]
    for box in boxes:
        lines.append(f"{quoted(box.name)} [label={label(box)} fillcolor={quoted(FILLS.get(box.kind, PLAIN))}];")
    for box in boxes:
        lines += [f"{quoted(source.name)} -> {quoted(box.name)};" for source in box.sources]
    return "\n".join([*lines, "}"])


def blob_shapes(deploy: Path) -> dict[str, list[int]]:
    """What Caffe makes of each blob of a deploy net, without the batch; empty where Caffe refuses the net."""
    command = [sys.executable, "-c", SHAPES, str(deploy.absolute())]
    try:
        with child(command, subprocess.DEVNULL, quiet=True) as process:
            return json.loads(process.communicate(timeout=SECONDS)[0])
    except (ValueError, subprocess.TimeoutExpired):
        return {}


def graphviz(dot: str) -> bytes:
    """The drawing as SVG. UserError where Graphviz is missing or fails."""
    try:
        command = ["dot", "-Tsvg"]
        return subprocess.run(command, input=dot.encode(), capture_output=True, timeout=SECONDS, check=True).stdout
    except FileNotFoundError:
        raise UserError("Graphviz's 'dot' is not here: type 'make setup'") from None
    except subprocess.SubprocessError as error:
        raise UserError(f"Graphviz's 'dot' could not draw a network: {error}") from None


def draw(deploy: Path) -> tuple[bytes, list[Box]]:
    """A deploy net as SVG, and the boxes of it. UserError where it can't be read or drawn."""
    boxes = boxes_of(prototxt.read_net(deploy))
    shapes = blob_shapes(deploy)
    for box in boxes:
        box.shape = shapes.get(box.top)
    return graphviz(dot_text(boxes)), boxes
