"""What the check of a GPU asks of pycaffe, each in a process of its own, since Caffe ends the process that it fails in.

    python -m tools.runtime.gpu_caffe picks TRAIN_VAL CAFFEMODEL BATCHES [GPU]     the label picked for each test clip
    python -m tools.runtime.gpu_caffe difference CAFFEMODEL CAFFEMODEL             the largest difference of a weight

The answer is JSON, on the last line.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools import cli
from tools.runtime.health import caffe_on


def picks(train_val: str, caffemodel: str, batches: str, device: str = "") -> list[int]:
    """The label of the highest score for each clip of as many test batches; on the CPU where no device is named."""
    caffe = caffe_on(int(device) if device else None)
    net = caffe.Net(train_val, caffemodel, caffe.TEST)
    accuracy = next(name for name, layer in zip(net._layer_names, net.layers) if layer.type == "Accuracy")
    scores, labels = net.blobs[net.bottom_names[accuracy][0]], []  # scores: a row a clip
    for _ in range(int(batches)):
        net.forward()
        labels += scores.data.reshape(-1, scores.data.shape[-1]).argmax(axis=1).tolist()
    return labels


def difference(one: str, other: str) -> float:
    """The largest absolute difference of a weight of two caffemodels of one network."""
    from caffe.proto import caffe_pb2

    nets = [caffe_pb2.NetParameter.FromString(Path(file).read_bytes()) for file in (one, other)]
    weights = [np.concatenate([blob.data for layer in net.layer for blob in layer.blobs]) for net in nets]
    return float(np.abs(weights[0] - weights[1]).max())


if __name__ == "__main__":
    answers: dict[str, Callable[..., list[int] | float]] = {"picks": picks, "difference": difference}
    cli.run("gpu-check", lambda: print(json.dumps(answers[sys.argv[1]](*sys.argv[2:]))))
