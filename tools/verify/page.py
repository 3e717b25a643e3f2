"""The check of the report: it says what the summaries of the votes say, and what would be said of them now."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tools.report import __main__ as report
from tools.report.collect import collect
from tools.report.headlines import NET_NAMES
from tools.verify.outcome import FailedError, Outcome, equal, judge


def check_report(build: Path) -> Iterator[Outcome]:
    """Every check of build/report, where there is one."""
    folder = build / "report"
    for check, look in (("figures are those of the votes", check_figures), ("up to date", check_tables)):
        yield judge(folder, check, partial(look, build))


def check_figures(build: Path) -> str:
    """Clip accuracies in summary.csv stand in the summary of a vote of that net, split and iteration."""
    shares = {}
    for file in (build / "votes").glob("[!.]*/[!.]*/summary.json"):
        summary = json.loads(file.read_text())
        key = (summary["net"], summary["split"], summary["iteration"])
        shares.setdefault(key, set()).add(summary["clip_accuracy"])
    nets = {name: net for net, name in NET_NAMES.items()}
    count = 0
    with (build / "report" / "summary.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            name, _, measure = row["what"].partition(", ")
            if row["state"] == "run" and measure == "test clips" and name in nets:
                known = shares.get((nets[name], row["split"], int(row["iteration"])), set())
                if float(row["ours"]) not in known:
                    raise FailedError(f"{row['what']}, split {row['split']}: no vote says {row['ours']}: make report")
                count += 1
    return f"{count} in summary.csv"


def check_tables(build: Path) -> str:
    """Every table of report.json is what would be made of the votes as they are now."""
    written = json.loads((build / "report" / "report.json").read_text())["tables"]
    now = report.make_tables(collect(build))
    for section, members in now.items():
        found = {table["name"]: table["rows"] for table in written[section]}
        for table in members:
            rows = json.loads(json.dumps(table.shown(), default=float))
            equal(found.get(table.name) == rows, True, f"table {table.name} is that of the votes (else: make report)")
    return f"{sum(map(len, now.values()))} tables"
