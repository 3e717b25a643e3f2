"""What a part of the bench has measured: a line of JSON each, so that a bench that was stopped goes on where it stood.

Needs Python's standard library alone, since PyTorch's part runs in an environment of its own.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Union

from tools import files

Value = Union[str, int, float, list[str]]
Way = Mapping[str, Value]  # what a figure is measured on


class Measurements:
    """The lines of one part, build/bench/<part>.jsonl. Each has what it was measured on, and its figures."""

    def __init__(self, bench: Path, part: str) -> None:
        self.file = bench / f"{part}.jsonl"

    def lines(self, **on: Value) -> list[dict[str, Any]]:
        """The lines in which every field of ``on`` has its value, in the order in which they were measured."""
        return [line for line in files.json_lines(self.file) if on.items() <= line.items()]

    def add(self, **line: Value) -> None:
        """Keep a line, and show it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        texts = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in line.values())
        print(f"{self.file.stem}: {', '.join(texts)}", flush=True)

    def median(self, figure: str, **on: Value) -> float | None:
        """The median of a figure over the lines measured on ``on``; None where there is none."""
        return median([line[figure] for line in self.lines(**on)])

    def best(self, figure: str, ways: Sequence[Way]) -> Way:
        """Which of several ways has the highest median; the first where none was measured."""
        return max(ways, key=lambda way: self.median(figure, **way) or 0)

    def ratio(self, figure: str, over: Way, under: Way) -> float | None:
        """The median over the rounds of one way's figure to another's; None where no round has both."""
        below = {line["round"]: line[figure] for line in self.lines(**under)}
        return median([line[figure] / below[line["round"]] for line in self.lines(**over) if line["round"] in below])

    def quotient(self, over: str, under: str, **on: Value) -> float | None:
        """The median of one figure to another of the same line; None where there is no line."""
        return median([line[over] / line[under] for line in self.lines(**on)])


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
