"""What a part of the bench has measured: a line of JSON each, so that a bench that was stopped goes on where it stood.

Needs Python's standard library alone, since PyTorch's part runs in an environment of its own.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any, Union

Value = Union[str, int, float, list[str]]


class Measurements:
    """The lines of one part, build/bench/<part>.jsonl. Each has what it was measured on, and its figures."""

    def __init__(self, bench: Path, part: str) -> None:
        self.file = bench / f"{part}.jsonl"

    def lines(self, **on: Value) -> list[dict[str, Any]]:
        """The lines in which every field of ``on`` has its value, in the order in which they were measured."""
        if not self.file.exists():
            return []
        lines = []
        for line in self.file.read_text().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue  # the last line of a bench that was killed
        return [line for line in lines if all(line.get(key) == value for key, value in on.items())]

    def add(self, **line: Value) -> None:
        """Keep a line, and show it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        texts = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in line.values())
        print(f"{self.file.stem}: {', '.join(texts)}", flush=True)

    def median(self, figure: str, **on: Value) -> float | None:
        """The median of a figure over the lines measured on ``on``; None where there is none."""
        values = [line[figure] for line in self.lines(**on) if line.get(figure) is not None]
        return statistics.median(values) if values else None

    def ratio(self, figure: str, over: dict[str, Value], under: dict[str, Value]) -> float | None:
        """The median over the rounds of one way's figure to another's; None where no round has both."""
        below = {line["round"]: line[figure] for line in self.lines(**under)}
        ratios = [line[figure] / below[line["round"]] for line in self.lines(**over) if line["round"] in below]
        return statistics.median(ratios) if ratios else None
