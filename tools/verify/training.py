"""The checks of a run: its record, its snapshots, its metrics, and whether its LMDBs are still those it began with."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tools import files
from tools.convert import lmdbs
from tools.train import runs
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, judge

RECORD = ("net", "split", "fold", "leaky", "view", "dtype", "seed", "batch", "lmdb", "prototxt", "versions", "ranks")


def check_run(folder: Path) -> Iterator[Outcome]:
    """Every check of a run folder."""
    for check, look in (
        ("record", check_record),
        ("LMDBs are those it began with", check_lmdbs),
        ("snapshots", check_snapshots),
        ("metrics", check_metrics),
    ):
        yield judge(folder, check, partial(look, folder))


def check_record(folder: Path) -> str:
    record = runs.read_run(folder)
    equal([key for key in RECORD if key not in record], [], "what run.json lacks")
    equal(record["leaky"], record["split"].startswith("clip") and record["view"] != "song", "leaky")
    return f"whole, iteration {record['iteration']}, {record['state']}"


def check_lmdbs(folder: Path) -> str:
    for part, entry in runs.read_run(folder)["lmdb"].items():
        lmdb = Path(entry["path"])
        if not lmdb.is_dir():
            raise SkippedError(f"the LMDB is gone: {lmdb}")
        equal(lmdbs.count(lmdb), entry["records"], f"records of the {part} part")
        equal(lmdbs.content_hash(lmdb), entry["sha256"], f"sha256 of the {part} part")
    return "train and test"


def check_snapshots(folder: Path) -> str:
    """Every snapshot that was marked whole is byte for byte what it was then."""
    marks = sorted(folder.glob("*_iter_*.whole"))
    for mark in marks:
        for name, seen in json.loads(mark.read_text()).items():
            file = folder / name
            if not file.is_file():
                raise FailedError(f"{name} is gone: remove {mark.name} too")
            equal(files.sha256_of(file), seen["sha256"], f"sha256 of {name}")
    if not marks:
        raise SkippedError("none is whole yet")
    return f"{len(marks)} whole"


def check_metrics(folder: Path) -> str:
    """Losses and rates are finite, their iterations ascend, and none is beyond the newest iteration."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for kind in ("loss", "test_loss"):
        iterations = [line["iter"] for line in lines if kind in line]
        equal(iterations, sorted(set(iterations)), f"iterations with a {kind}")
    for line in lines:
        if not all(math.isfinite(value) for value in line.values()):
            raise FailedError(f"iteration {line['iter']} has a value that is not finite")
    return f"{len(lines)} lines"
