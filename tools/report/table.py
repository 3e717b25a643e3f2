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


Value = Union[str, int, float, Interval, None]
Values = dict[str, Value]


def words(value: Value) -> str:
    """Text, which stands at the left of its column; everything else stands at the right."""
    return str(value)


def count(value: int) -> str:
    return f"{value:,}"


def percent(value: float, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}%"


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

    @property
    def number(self) -> bool:
        return self.form is not words

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

    def flat(self) -> dict[str, Any]:
        """The values with every interval in three, as a CSV file has them."""
        flat: dict[str, Any] = {}
        for key, value in self.values.items():
            if isinstance(value, Interval):
                ends = (None, None) if math.isnan(value.low) else value[1:]
                flat |= {key: value.value, f"{key}_low": ends[0], f"{key}_high": ends[1]}
            else:
                flat[key] = value
        return flat


@dataclass
class Table:
    """``name`` is that of its CSV file."""

    name: str
    title: str
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    note: str = ""

    def shown(self) -> list[dict[str, Any]]:
        """Rows as the template and report.json have them."""
        return [
            {
                "cells": [[column.title, column.cell(row.values), column.number] for column in self.columns],
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
    """Rows as a CSV file, with the command of each and whether it was run."""
    lines = [row.flat() for row in rows]
    keys = dict.fromkeys(key for line in lines for key in line)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*keys, "command", "state"], lineterminator="\n")
    writer.writeheader()
    for row, line in zip(rows, lines):
        writer.writerow({**line, "command": row.typed, "state": "not run yet" if row.missing else "run"})
    return stream.getvalue()
