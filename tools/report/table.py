"""A table of the report: the same rows as text for the page and the README, and as plain values for a CSV file."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Union

DASH = "–"


class Interval(NamedTuple):
    """A share, 0..1, with the ends of its 95% interval if it has one: three columns of a CSV file."""

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def numbers(self) -> tuple[float | None, ...]:
        """With None for ends that it has not."""
        return tuple(None if math.isnan(number) else number for number in self)


Value = Union[str, int, float, Interval, None]
Values = dict[str, Value]


def words(value: Value) -> str:
    """Text, which stands at the left of its column; everything else stands at the right."""
    return str(value)


def count(value: int) -> str:
    return f"{value:,}"


def percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def interval(share: Interval) -> str:
    """``60.3% [52, 68]``."""
    return percent(share.value) + ("" if math.isnan(share.low) else f" [{100 * share.low:.0f}, {100 * share.high:.0f}]")


def gain(share: Interval) -> str:
    """A difference: ``+6.5 points [+2.7, +10.3]``."""
    return f"{100 * share.value:+.1f} points [{100 * share.low:+.1f}, {100 * share.high:+.1f}]"


@dataclass(frozen=True)
class Column:
    """``form`` makes a cell's text of a row's value under ``key``, and of the one under ``beside`` if there is one."""

    key: str
    title: str
    form: Callable[..., str] = str
    beside: str = ""

    def cell(self, values: Values) -> str:
        value = values.get(self.key)
        if self.beside:
            return self.form(value, values.get(self.beside))
        return DASH if value is None else self.form(value)


@dataclass(frozen=True)
class Row:
    values: Values
    command: str = ""  # one a line
    missing: bool = False  # not run yet: ``command`` says how
    note: str = ""

    @property
    def typed(self) -> str:
        """The commands on one line."""
        return "; ".join(self.command.splitlines())


@dataclass
class Table:
    """``name`` is that of its CSV file."""

    name: str
    title: str
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    note: str = ""

    def shown(self) -> list[dict[str, Any]]:
        """Rows as the template and report.json have them; of a cell title, text, and whether it stands at the right."""
        return [
            {
                "cells": [[column.title, column.cell(row.values), column.form is not words] for column in self.columns],
                "commands": row.command.splitlines(),
                "missing": row.missing,
                "note": row.note,
            }
            for row in self.rows
        ]

    def markdown(self, commands: bool = True) -> str:
        """What has been run, with the command of each row, as a README has it."""
        run = [row for row in self.rows if not row.missing]
        if not run:
            return "Not run yet."
        cells = [[column.title for column in self.columns], ["---"] * len(self.columns)]
        cells += [[column.cell(row.values) for column in self.columns] for row in run]
        last = ["command", "---", *(f"`{row.typed}`" for row in run)]
        lines = [f"| {' | '.join([*line, word] if commands else line)} |" for line, word in zip(cells, last)]
        return "\n".join(lines) + (f"\n\n{self.note}" if self.note else "")


def csv_text(rows: list[Row]) -> str:
    """Rows as a CSV file, with every interval in three columns, the command of each and whether it was run."""
    lines: list[dict[str, Any]] = []
    for row in rows:
        line: dict[str, Any] = {}
        for key, value in row.values.items():
            numbers = value.numbers if isinstance(value, Interval) else (value,)
            line |= dict(zip((key, f"{key}_low", f"{key}_high"), numbers))
        lines.append(line)
    keys = dict.fromkeys(key for line in lines for key in line)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*keys, "command", "state"], lineterminator="\n")
    writer.writeheader()
    for row, line in zip(rows, lines):
        writer.writerow({**line, "command": row.typed, "state": "not run yet" if row.missing else "run"})
    return stream.getvalue()
