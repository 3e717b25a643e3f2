"""Training that goes from a trained network: WEIGHTS=RUN or a .caffemodel, copied layer by layer by their names."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from caffe.proto import caffe_pb2

from tools import files
from tools.cli import UserError
from tools.convert.datum import read_file
from tools.nets import prototxt
from tools.settings import Settings
from tools.train import snapshots

FILE = "weights.caffemodel"  # in the run folder: what it begins with, whatever becomes of the other network
DIGITS = 8


def named_by_hash(settings: Settings) -> tuple[Settings, Path | None]:
    """The settings with the first digits of the weights' SHA-256 in place of their path; and the file of the weights.

    A setting that consists of such digits already stays, and there is no file. UserError without such a run or file.
    """
    if not settings.weights or re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", settings.weights):
        return settings, None
    path = Path(settings.weights)
    file = snapshots.choose_snapshot(path, None)[1] if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"WEIGHTS={settings.weights}: no such run or .caffemodel: name one")
    return replace(settings, weights=files.sha256_of(file)[:DIGITS]), file


def first_weights(file: Path, net: caffe_pb2.NetParameter, label_names: list[str]) -> bytes:
    """What a net begins with, as a .caffemodel: without the weights of its last layer where the genres are others.

    UserError for a file that holds no weights, or none for any layer of the net.
    """
    refusal = f"WEIGHTS={file}: damaged, or no .caffemodel: name another"
    weights = read_file(caffe_pb2.NetParameter, file, refusal)
    scoring = prototxt.scoring_layer(net).name
    outputs = next((len(layer.blobs[-1].data) for layer in weights.layer if layer.name == scoring and layer.blobs), 0)
    genres = files.read_dict(file.parent / "run.json").get("label_names")  # that they were trained on, where it says
    alike = genres == label_names if genres else outputs == len(label_names)
    kept = [layer for layer in weights.layer if layer.blobs and (alike or layer.name != scoring)]
    if not {layer.name for layer in kept} & {layer.name for layer in net.layer}:
        raise UserError(f"WEIGHTS={file}: it has no layer of this network: name weights of the same one")
    del weights.layer[:]
    weights.layer.extend(kept)
    return weights.SerializeToString()
