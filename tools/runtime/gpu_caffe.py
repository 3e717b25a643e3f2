"""What the check of a GPU asks of pycaffe, each in a process of its own, since Caffe ends the process that it fails in.

python -m tools.runtime.gpu_caffe picks TRAIN_VAL CAFFEMODEL BATCHES [GPU]     the label picked for each test clip
python -m tools.runtime.gpu_caffe difference CAFFEMODEL CAFFEMODEL             the largest difference of a weight
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from tools import cli


def scores_blob(train_val: Path) -> str:
    """The blob that the accuracy is counted of: a row of scores a clip."""
    from caffe.proto import caffe_pb2
    from google.protobuf import text_format

    net = text_format.Parse(train_val.read_text(), caffe_pb2.NetParameter())
    return next(layer.bottom[0] for layer in net.layer if layer.type == "Accuracy")


def picks(train_val: Path, caffemodel: Path, batches: int, device: int | None) -> list[int]:
    """The label of the highest score for each clip of as many test batches; on the CPU for None."""
    import caffe

    if device is None:
        caffe.set_mode_cpu()
    else:
        caffe.set_device(device)
        caffe.set_mode_gpu()
    net = caffe.Net(str(train_val), str(caffemodel), caffe.TEST)
    blob, labels = scores_blob(train_val), []
    for _ in range(batches):
        net.forward()
        scores = net.blobs[blob].data
        labels += scores.reshape(-1, scores.shape[-1]).argmax(axis=1).tolist()
    return labels


def difference(one: Path, other: Path) -> float:
    """The largest absolute difference of a weight of two caffemodels of one network."""
    from caffe.proto import caffe_pb2

    nets = [caffe_pb2.NetParameter.FromString(file.read_bytes()) for file in (one, other)]
    weights = [[np.array(blob.data) for layer in net.layer for blob in layer.blobs] for net in nets]
    return max(float(np.abs(a - b).max()) for a, b in zip(*weights))


def main() -> None:
    what, *arguments = sys.argv[1:]
    if what == "picks":
        train_val, caffemodel, batches, *device = arguments
        print(json.dumps(picks(Path(train_val), Path(caffemodel), int(batches), int(device[0]) if device else None)))
    else:
        print(json.dumps(difference(*map(Path, arguments))))


if __name__ == "__main__":
    cli.run("gpu-check", main)
