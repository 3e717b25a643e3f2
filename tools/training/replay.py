"""What Caffe forgets in a snapshot: its data cursor, and its random state, of which dropout draws its masks."""

from __future__ import annotations

import math


def replay(net: object, iterations: int, records: int, batch: int) -> None:
    """Bring the data cursor and the random state to where they stood after ``iterations`` of the global ``batch``.

    The cursor comes back to the same place every records / gcd(records, batch) iterations, so that it is moved by the
    remainder alone. Each Dropout layer draws one mask an iteration, whatever its input.
    """
    names = list(net._layer_names)
    data = [name for name, layer in zip(names, net.layers) if layer.type == "Data"]
    dropouts = [name for name, layer in zip(names, net.layers) if layer.type == "Dropout"]
    for _ in range(iterations % (records // math.gcd(records, batch))):
        for name in data:
            net.forward(start=name, end=name)
    for _ in range(iterations if dropouts else 0):
        for name in dropouts:
            net.forward(start=name, end=name)
