"""What a part of the bench has measured: a line of JSON each, so that a bench that was stopped goes on where it stood.

Needs Python's standard library alone, since PyTorch's part runs in an environment of its own.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path


class Measurements:
    """The lines of one part, build/bench/<part>.jsonl. Each has what it was measured on, and its figures."""

    def __init__(self, bench: Path, part: str) -> None:
        self.file = bench / f"{part}.jsonl"

    def lines(self, **wanted: object) -> list[dict]:
        """The lines in which every field of ``wanted`` has its value, in the order they were measured."""
        if not self.file.exists():
            return []
        found = []
        for line in self.file.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue  # the last line of a bench that was killed
        return [line for line in found if all(line.get(key) == value for key, value in wanted.items())]

    def add(self, **line: object) -> None:
        """Keep a line, and show it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        shown = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in line.values())
        print(f"{self.file.stem}: {', '.join(shown)}", flush=True)

    def median(self, figure: str, **wanted: object) -> float | None:
        """The median of a figure over the lines wanted; None where nothing was measured."""
        values = [line[figure] for line in self.lines(**wanted) if line.get(figure) is not None]
        return statistics.median(values) if values else None
