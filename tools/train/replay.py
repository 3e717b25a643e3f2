"""What Caffe forgets in a snapshot: its data cursor, its random state, of which dropout draws its masks, and the losses
and accuracies that the next display is to be the mean of.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import caffe

from tools import files

BATCHES = ".batches"  # beside .caffemodel and .solverstate


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
