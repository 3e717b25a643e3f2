"""What Caffe's own commands print, as numbers; and how two trainings of the same weights are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

NUMBER = r"([-+.\deE]+|-?nan|-?inf)"


def first(pattern: str, text: str) -> str:
    """The first group of the first match, line by line. ValueError where nothing matches."""
    match = re.search(pattern, text, re.MULTILINE)
    if match is None:
        raise ValueError(f"nothing in it is like {pattern}")
    return match.group(1)


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
    total = sum(times.values())
    ranked = sorted(times, key=lambda layer: times[layer], reverse=True)
    return [(layer, times[layer] / total) for layer in ranked[:number]]


@dataclass(frozen=True)
class Tests:
    """How many of Caffe's own tests have passed, and the names of those that have failed."""

    passed: int
    failed: list[str]


def tests(log: str) -> Tests:
    """What `caffe-gtest` has said, be it to its end or cut off."""
    passed = re.findall(r"^\[       OK \] (\S+) \(", log, re.MULTILINE)
    failed = re.findall(r"^\[  FAILED  \] (\S+?),? .*\(\d+ ms\)$", log, re.MULTILINE)
    return Tests(len(passed), failed)


def largest_relative_difference(one: dict[int, float], other: dict[int, float], iterations: int) -> float:
    """The largest |a - b| / |b| of the losses of the first ``iterations``; NaN where one of these is missing or NaN."""
    nan = float("nan")
    pairs = [(one.get(iteration, nan), other.get(iteration, nan)) for iteration in range(iterations)]
    differences = [abs(a - b) / abs(b) for a, b in pairs]
    return nan if any(d != d for d in differences) else max(differences)


def last_mean(by_iteration: dict[int, float], number: int = 10) -> float:
    """The mean of the last losses: one alone depends on the clips that it is of."""
    last = [by_iteration[iteration] for iteration in sorted(by_iteration)[-number:]]
    return sum(last) / len(last)


def spread(values: Sequence[float]) -> float:
    return max(values) - min(values)
