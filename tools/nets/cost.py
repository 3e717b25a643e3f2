"""What a network costs: its weights, its multiplications a clip, and its floating-point operations in training.

    python -m tools.nets.cost                                  # a row for each network of prototxt/
    python -m tools.nets.cost prototxt/rcnn/deploy.prototxt

Multiplications are counted in convolutions, inner products and LSTM layers; the rest is small beside them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import caffe

from tools import cli, paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.nets.network import NETS
from tools.processes import child, last_words

CHILD = "import sys; from tools.nets import cost; print(cost.flops_an_image(cost.load(sys.argv[1])))"


def load(deploy: Path) -> caffe.Net:
    return caffe.Net(str(deploy), caffe.TEST)


def weights(net: caffe.Net) -> int:
    """How many numbers are learned: what layers share counts once, the statistics of BatchNorm do not."""
    layers = (layer for layer in net.layers if layer.type != "BatchNorm")
    return sum({blob.data.ctypes.data: blob.count for layer in layers for blob in layer.blobs}.values())


def multiplications(net: caffe.Net) -> list[float]:
    """Of a clip, forward, in each layer that has a matrix of weights."""
    counts = []
    for name, layer in zip(net._layer_names, net.layers):
        if layer.type not in ("Convolution", "InnerProduct", "LSTM"):
            continue
        top = net.blobs[net.top_names[name][0]]
        places = top.count / (top.shape[-1] if layer.type != "Convolution" else top.shape[1])
        matrices = (blob.count for blob in layer.blobs if len(blob.shape) >= 2)
        counts.append(places * sum(matrices) / net.blobs["data"].num)
    return counts


def flops_an_image(net: caffe.Net) -> float:
    """Operations of a forward pass, and of one back to the weights and to what lies below, each as much.

    A multiplication is followed by an addition; the lowest layer has nothing below.
    """
    forward = multiplications(net)
    return 2 * (3 * sum(forward) - forward[0])


def flops_in_child(deploy: Path) -> float:
    """The same by a child, whose Caffe keeps quiet and may die. UserError where it refuses the net."""
    with child([sys.executable, "-c", CHILD, str(deploy.absolute())], subprocess.PIPE, quiet=True) as process:
        said, words = process.communicate()
    if process.returncode:
        raise UserError(f"{deploy}: Caffe could not run it: {last_words(words)}")
    return float(said)


def main() -> None:
    parser = cli.Parser(prog="cost", description=__doc__.splitlines()[0])
    every = [paths.PROTOTXT / net / "deploy.prototxt" for net in NETS]
    parser.add_argument("deploy", type=Path, nargs="*", default=every, help="default: every network of prototxt/")
    caffe.init_log(2)  # errors alone
    for file in parser.parse_args().deploy:
        prototxt.read_net(file)  # says in one line what is wrong with the file
        net = load(file)
        millions = sum(multiplications(net)) / 1e6
        print(f"{file.parent.name:12} {weights(net):9,} weights {millions:7.1f} M multiplications")


if __name__ == "__main__":
    cli.run("cost", main)
