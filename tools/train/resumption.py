"""A snapshot's files, finished once they are written; and a run that goes on from them, as if it had not been stopped.

Caffe forgets its data cursor, its random state, of which dropout draws its masks, and the losses and accuracies that
the next display is to be the mean of.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import caffe
from caffe.proto import caffe_pb2

from tools import files
from tools.convert.datum import read_file

BATCHES = ".batches"  # beside .caffemodel and .solverstate


def read_snapshot(file: Path, kind: Any) -> Any:
    """UserError unless it can be read: Caffe does not see a disk fill up at its last write."""
    return read_file(kind, file, f"{file} was cut short as it was written: free some space, then go on")


def finish_snapshot(prefix: Path) -> None:
    """Check a snapshot, and have its weights name the LMDB by the last parts of its path, as song/cnn_float_train_lmdb.

    So that equal weights are equal files, wherever they were trained. UserError as `read_snapshot`.
    """
    read_snapshot(prefix.with_name(f"{prefix.name}.solverstate"), caffe_pb2.SolverState)
    model = prefix.with_name(f"{prefix.name}.caffemodel")
    net = read_snapshot(model, caffe_pb2.NetParameter)
    for layer in net.layer:
        if layer.data_param.source:
            layer.data_param.source = "/".join(Path(layer.data_param.source).parts[-2:])
    model.write_bytes(net.SerializeToString())


def restore(solver: caffe.Solver, state: Path) -> None:
    """Restore a snapshot from where it lies now: its own path of the weights is the one that it was written to."""
    moved = read_snapshot(state, caffe_pb2.SolverState)
    moved.learned_net = str(state.with_suffix(".caffemodel"))
    with files.temporary_file(moved.SerializeToString(), ".solverstate") as file:
        solver.restore(str(file))


def replay(net: caffe.Net, iterations: int, records: int, clips: int, iter_size: int = 1) -> None:
    """Bring the data cursor and the random state to where they stood after ``iterations`` of ``clips`` clips each.

    The cursor comes back to the same place every records / gcd(records, clips) iterations, so that it is moved by the
    remainder alone. Each Dropout layer draws one mask a forward pass, of which an iteration has ``iter_size``.
    """
    names = list(net._layer_names)
    data = [name for name, layer in zip(names, net.layers) if layer.type == "Data"]
    dropouts = [name for name, layer in zip(names, net.layers) if layer.type == "Dropout"]
    for _ in range(iter_size * (iterations % (records // math.gcd(records, clips)))):
        for name in data:
            net.forward(start=name, end=name)
    for _ in range(iter_size * iterations if dropouts else 0):
        for name in dropouts:
            net.forward(start=name, end=name)


def keep_batches(snapshot: Path, losses: list[float], accuracies: list[float]) -> None:
    """Write the newest batches' losses, and the accuracies since the last display, beside a snapshot."""
    text = json.dumps({"losses": losses, "accuracies": accuracies})
    files.write_whole(snapshot.with_name(snapshot.name + BATCHES), text + "\n")


def kept_batches(state: Path) -> tuple[list[float], list[float]]:
    """What `keep_batches` wrote beside a .solverstate; nothing where there is no such file."""
    file = state.with_suffix(BATCHES)
    if not file.exists():
        return [], []
    kept = json.loads(file.read_text())
    return kept["losses"], kept["accuracies"]
