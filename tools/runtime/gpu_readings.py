"""What Caffe's own commands print, as numbers; and how two trainings of the same weights are compared."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

NUMBER = r"([-+.\deE]+|-?nan|-?inf)"


def first(pattern: str, text: str) -> str:
    """The first group of the first match, line by line. ValueError where nothing matches."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ValueError(f"nothing in it is like {pattern}")
    return match[1]


def losses(log: str) -> dict[int, float]:
    """The loss of each iteration that `caffe train` displays."""
    return {int(i): float(loss) for i, loss in re.findall(rf"Iteration (\d+)(?: \([^)]*\))?, loss = {NUMBER}", log)}


def milliseconds(log: str) -> float:
    """The time of one pass forward and backward, out of what `caffe time` says."""
    return float(first(r"Average Forward-Backward: ([\d.e+-]+) ms", log))


def dearest_layers(log: str, number: int = 3) -> list[tuple[str, float]]:
    """The layers that take longest by `caffe time`, forward and backward, each with its share of all layers' time."""
    times: dict[str, float] = {}
    for layer, time in re.findall(r"\]\s+(\S+)\s+(?:forward|backward): ([\d.e+-]+) ms\.", log):
        times[layer] = times.get(layer, 0) + float(time)
    ranked = sorted(times, key=lambda layer: -times[layer])[:number]
    return [(layer, times[layer] / sum(times.values())) for layer in ranked]


class Tests(NamedTuple):
    """How many of Caffe's own tests have passed, and the names of those that have failed."""

    passed: int
    failed: list[str]


def tests(log: str) -> Tests:
    """What `caffe-gtest` has said, be it to its end or cut off."""
    passed = re.findall(r"^\[       OK \] (\S+) \(", log, re.MULTILINE)
    return Tests(len(passed), re.findall(r"^\[  FAILED  \] (\S+?),? .*\(\d+ ms\)$", log, re.MULTILINE))


def largest_relative_difference(one: dict[int, float], other: dict[int, float], iterations: int) -> float:
    """The largest |a - b| / |b| of the losses of the first ``iterations``; NaN where one of these is missing or NaN."""
    a, b = (np.array([losses.get(i, np.nan) for i in range(iterations)]) for losses in (one, other))
    return float(np.max(np.abs(a - b) / np.abs(b)))


def last_mean(losses: dict[int, float], number: int = 10) -> float:
    """The mean of the last losses: one alone depends on the clips that it is of."""
    return float(np.mean([losses[iteration] for iteration in sorted(losses)[-number:]]))
