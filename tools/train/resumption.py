"""The files of a snapshot that Caffe writes: checked and finished once they are written, restored from any place."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import caffe
from caffe.proto import caffe_pb2
from google.protobuf.message import DecodeError

from tools.cli import UserError
from tools.convert.datum import read_message


def read_snapshot(file: Path, kind: Any) -> Any:
    """The message of Caffe's, of the class ``kind``, in ``file``.

    UserError unless it can be read: Caffe does not see a disk fill up at its last write.
    """
    try:
        return read_message(kind, file.read_bytes())
    except DecodeError:
        raise UserError(f"{file} was cut short as it was written: free some space, then go on") from None


def finish_snapshot(prefix: Path) -> None:
    """Check a snapshot, and have its weights name the LMDB by the last parts of its path.

    So that equal weights are equal files, wherever they were trained. UserError as `read_snapshot`.
    """
    read_snapshot(prefix.with_name(f"{prefix.name}.solverstate"), caffe_pb2.SolverState)
    model = prefix.with_name(f"{prefix.name}.caffemodel")
    net = read_snapshot(model, caffe_pb2.NetParameter)
    for layer in net.layer:
        if layer.data_param.source:
            layer.data_param.source = last_parts(layer.data_param.source)
    model.write_bytes(net.SerializeToString())


def last_parts(path: str) -> str:
    """song/cnn_float_train_lmdb of a path."""
    return "/".join(Path(path).parts[-2:])


def restore(solver: caffe.Solver, state: Path) -> None:
    """Restore a snapshot from where it lies now: its own path of the weights is the one that it was written to."""
    moved = read_snapshot(state, caffe_pb2.SolverState)
    moved.learned_net = str(state.with_suffix(".caffemodel"))
    with tempfile.NamedTemporaryFile(suffix=".solverstate") as file:
        file.write(moved.SerializeToString())
        file.flush()
        solver.restore(file.name)
