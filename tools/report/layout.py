"""A table of the report: the same rows as text for the page and as plain values for a CSV file beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field

Values = dict[str, object]


@dataclass(frozen=True)
class Column:
    """A column of the page: ``show`` makes its text from a row's values."""

    title: str
    show: Callable[[Values], str]
    number: bool = True


@dataclass(frozen=True)
class Row:
    values: Values
    command: str = ""
    missing: bool = False  # not run yet: ``command`` says how
    note: str = ""


@dataclass
class Table:
    """``name`` is that of its CSV file."""

    name: str
    title: str
    columns: list[Column]
    rows: list[Row] = field(default_factory=list)
    note: str = ""

    def shown(self) -> list[dict]:
        """Rows as the template and report.json have them."""
        return [
            {
                "cells": [[c.title, c.show(row.values), c.number] for c in self.columns],
                "command": row.command,
                "missing": row.missing,
                "note": row.note,
            }
            for row in self.rows
        ]

    def csv(self) -> str:
        keys = list(dict.fromkeys(key for row in self.rows for key in row.values))
        stream = io.StringIO()
        writer = csv.DictWriter(stream, [*keys, "command", "state"], lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            state = "not run yet" if row.missing else "run"
            writer.writerow({**row.values, "command": row.command, "state": state})
        return stream.getvalue()


def percent(share: float | None, digits: int = 1) -> str:
    """A share, 0..1, in percent; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{digits}f}%"


def text(key: str) -> Callable[[Values], str]:
    return lambda values: "–" if values.get(key) is None else str(values[key])


def count(key: str) -> Callable[[Values], str]:
    return lambda values: "–" if values.get(key) is None else f"{values[key]:,}"


def share(key: str, digits: int = 1) -> Callable[[Values], str]:
    return lambda values: percent(values.get(key), digits)


def share_with_interval(key: str) -> Callable[[Values], str]:
    """``60.3% [52.1, 68.0]`` from the values ``key``, ``key_low`` and ``key_high``; the interval stays on one line."""

    def show(values: Values) -> str:
        if values.get(key) is None:
            return "–"
        low, high = values.get(f"{key}_low"), values.get(f"{key}_high")
        interval = "" if low is None or high is None else f" [{100 * low:.1f},\u00a0{100 * high:.1f}]"
        return percent(values[key]) + interval

    return show


def points(key: str) -> Callable[[Values], str]:
    return lambda values: "–" if values.get(key) is None else f"{values[key]:+.1f}"


def with_interval(key: str, value: float | None, interval: list[float] | None) -> Values:
    """A share and the ends of its interval under the keys that `share_with_interval` reads."""
    low, high = interval if interval else (None, None)
    return {key: value, f"{key}_low": low, f"{key}_high": high}
