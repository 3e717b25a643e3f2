"""Snapshots of a run, and which of them are whole.

Caffe writes a snapshot in place, so that a killed one can leave half a file behind. A snapshot counts as whole only
once its mark, `<net>_iter_<N>.whole`, lies beside it, which holds the size and hash of each of its files.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from tools.cli import UserError
from tools.files import parse, sha256_of, write_whole

# Table 2's rows, the drop of the learning rate and the end of the paper's longest run, and the 1000 at which nets are
# compared: never pruned.
ITERATIONS_KEPT = (500, 1000, 4000, 10_000, 60_000, 100_000, 200_000)
NEWEST_KEPT = 5
MARKS = (".whole", ".begun")


def mark_begun(folder: Path, snapshot: str) -> None:
    """Declare that a snapshot is being written here: half of one, left by a killed process, is ours to remove."""
    (folder / f"{snapshot}.begun").touch()


def mark_whole(folder: Path, prefix: str, iteration: int) -> None:
    """Declare the snapshot of this iteration whole, once all of its files are written."""
    files = sorted(file for file in folder.glob(f"{prefix}_iter_{iteration}.*") if file.suffix not in MARKS)
    for file in files:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    mark = {file.name: {"bytes": file.stat().st_size, "sha256": sha256_of(file)} for file in files}
    write_whole(folder / f"{prefix}_iter_{iteration}.whole", json.dumps(mark, indent=1) + "\n")
    (folder / f"{prefix}_iter_{iteration}.begun").unlink(missing_ok=True)


def whole_snapshots(folder: Path) -> dict[int, Path]:
    """Iteration to .caffemodel of every whole snapshot of a run, in order of iteration."""
    marks = {iteration_of(mark): mark for mark in folder.glob("*_iter_*.whole")}
    return {n: marks[n].with_suffix(".caffemodel") for n in sorted(marks) if is_whole(marks[n])}


def iteration_of(file: Path) -> int:
    """500 of ``rcnn_iter_500.whole``; -1 for a file that is named otherwise."""
    match = re.search(r"_iter_(\d+)\.", file.name)
    return int(match[1]) if match else -1


def is_whole(mark: Path) -> bool:
    """Whether the files of a mark are of the sizes that it says."""
    try:
        entries = parse(mark.read_text())
        as_marked = all((mark.parent / name).stat().st_size == entry["bytes"] for name, entry in entries.items())
        has_hashes = all(isinstance(entry["sha256"], str) for entry in entries.values())
        in_place = all(Path(name).name == name for name in entries)
        return as_marked and has_hashes and in_place and mark.with_suffix(".caffemodel").name in entries
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def marked_sha256(model: Path) -> str:
    """The hash that the mark of a whole snapshot holds of its .caffemodel."""
    return parse(model.with_suffix(".whole").read_text())[model.name]["sha256"]


def choose_snapshot(folder: Path, iteration: int | None) -> tuple[int, Path]:
    """Number and .caffemodel of the snapshot of an iteration, or of the newest.

    UserError where there is none whole, or its weights are not those that it was marked whole with.
    """
    snapshots = whole_snapshots(folder)
    if not snapshots:
        raise UserError(f"{folder} has no whole snapshot yet: train it further")
    number = max(snapshots) if iteration is None else iteration
    if number not in snapshots:
        choice = ", ".join(map(str, snapshots))
        raise UserError(f"{folder} has no whole snapshot of iteration {number}: choose ITERATION= from {choice}")
    model = snapshots[number]
    if sha256_of(model) != marked_sha256(model):
        raise UserError(f"{model} has changed since it was written: remove it and train again, or choose an ITERATION")
    return number, model


def newest_resumable(folder: Path) -> int:
    """Iteration of the newest snapshot whose files are what they were when it was marked whole; 0 without one."""
    for iteration, model in reversed(whole_snapshots(folder).items()):
        marked = parse(model.with_suffix(".whole").read_text())
        unchanged = all(sha256_of(folder / name) == entry.get("sha256") for name, entry in marked.items())
        if unchanged and model.with_suffix(".solverstate").name in marked:
            return iteration
    return 0


def passed_over(folder: Path, iteration: int) -> list[Path]:
    """The marks of snapshots later than ``iteration``, where training goes
    on. They are not used: their files changed.
    """
    return sorted(mark for mark in folder.glob("*_iter_*.whole") if iteration_of(mark) > iteration)


def prune_snapshots(folder: Path) -> None:
    """Remove half-written and old snapshots of ours. The newest ones and those of the paper's iterations are kept."""
    whole = whole_snapshots(folder)
    kept = {n for n in whole if n in ITERATIONS_KEPT} | set(list(whole)[-NEWEST_KEPT:])
    ours = {iteration_of(mark) for suffix in MARKS for mark in folder.glob(f"*_iter_*{suffix}")}
    for file in folder.glob("*_iter_*"):
        if iteration_of(file) in ours - kept:
            file.unlink(missing_ok=True)


def unmarked(folder: Path) -> list[str]:
    """Snapshots without a mark of ours, as stock `caffe train` writes them."""
    ours = {iteration_of(mark) for suffix in MARKS for mark in folder.glob(f"*_iter_*{suffix}")}
    return sorted(file.name for file in folder.glob("*_iter_*.caffemodel") if iteration_of(file) not in ours)
