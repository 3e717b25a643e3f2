"""Floating-point operations that one image costs a net in training.

    python -m tools.nets.flops prototxt/rcnn/deploy.prototxt

Counted in convolutions, inner products and LSTM layers; the rest is small beside them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.cli import UserError
from tools.processes import child, last_words


def flops_an_image(deploy: Path) -> float:
    """Operations of a forward pass, and of one back to the weights and to what lies below, each as much.

    The lowest layer has nothing below.
    """
    import caffe

    net = caffe.Net(str(deploy), caffe.TEST)
    images = net.blobs["data"].num
    forward = []
    for name, layer in zip(net._layer_names, net.layers):
        if layer.type not in ("Convolution", "InnerProduct", "LSTM"):
            continue
        top = net.blobs[net.top_names[name][0]]
        weights = [blob.data for blob in net.params[name] if blob.data.ndim >= 2]
        places = top.count / (top.shape[-1] if layer.type != "Convolution" else top.shape[1])
        forward.append(2 * places * sum(matrix.size for matrix in weights) / images)
    return 3 * sum(forward) - forward[0]


def flops_in_child(deploy: Path) -> float:
    """The same by a child, whose Caffe keeps quiet and may die. UserError where it refuses the net."""
    command = [sys.executable, "-m", "tools.nets.flops", str(deploy.absolute())]
    with child(command, subprocess.PIPE, quiet=True) as process:
        said, words = process.communicate()
    if process.returncode:
        raise UserError(f"{deploy}: Caffe could not run it: {last_words(words)}")
    return float(said)


if __name__ == "__main__":
    print(flops_an_image(Path(sys.argv[1])))
