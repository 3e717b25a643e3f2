"""Who voted: the command, the run and the snapshot of a vote, and its clips passed again through the network.

A vote may be older than the run that stands in its place, or than the snapshots that are kept: then that is said, and
nothing is compared. It is the vote of a snapshot where its hash says so, or where the network gives its probabilities.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from tools import paths
from tools.settings import Settings, given_settings, parse
from tools.songs import roots
from tools.songs.splits import JOINED, LEAKY
from tools.train.snapshots import marked_sha256, whole_snapshots
from tools.verify.build import Build, content_of, prediction_of
from tools.verify.commands import check_settings, read_command
from tools.verify.outcome import FailedError, SkippedError, equal
from tools.verify.training import Run
from tools.vote import baseline
from tools.vote.other_root import test_lmdb

TOLERANCE = 1e-4  # of a probability, on another kind of processor; on the same kind there is no difference
BESIDE = ("build", "hosts", "caffe", "jobs", "gpu", "iters", "ranks")
BESIDE_NAME = ("@iter=", "@test=")  # what may follow the run's name in that of a vote
OF_BASELINE = {"net": baseline.NAME, "dtype": "float", "seed": baseline.SEED, "ranks": 1, "iteration": 0}
OF_BASELINE |= {"leaky": False, "run": baseline.NAME}
OF_FOLDS = {paths.joined_folds(split): (split, folds) for split, folds in JOINED.items()}
Row = tuple[str, int, str, int]  # track, clip, part, label


def read_summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def module_of(folder: Path) -> str:
    """The tool that makes a vote of this name."""
    if folder.parent.name not in OF_FOLDS:
        return "tools.vote"
    is_baseline = folder.name == baseline.NAME or folder.name.startswith(f"{baseline.NAME}@")
    return "tools.vote.baseline" if is_baseline else "tools.vote.folds"


def arguments_of(folder: Path, command: str) -> argparse.Namespace:
    return read_command(command, [module_of(folder)], "iteration", "threshold", "data", "run", "test")


def check_command(build: Build, folder: Path) -> str:
    """The summary says what the command and the folder's name say."""
    summary = read_summary(folder)
    args = arguments_of(folder, summary["command"])
    settings = parse(given_settings(args))
    equal(summary["split"], folder.parent.name, "split")
    if module_of(folder) == "tools.vote.baseline":
        equal({key: summary[key] for key in OF_BASELINE}, OF_BASELINE, "what the baseline is")
        equal(len(args.words), 1, "data roots in the command")
        return summary["command"]
    asked = f"{BESIDE_NAME[0]}{args.iteration[0]}" if args.iteration else ""
    equal(asked in (f"{BESIDE_NAME[0]}{summary['iteration']}", ""), True, "the iteration of the command")
    suffix = f"{BESIDE_NAME[1]}{summary['test_fingerprint'][:8]}" if args.test else ""
    equal(folder.name.endswith(asked + suffix), True, "the name of its folder ends in what was asked for")
    equal([mark for mark in BESIDE_NAME if mark in folder.name and mark not in asked + suffix], [], "asked for")
    if args.run:
        equal(folder.name, Path(args.run[0]).resolve().name + asked + suffix, "the run in the command")
        return summary["command"]
    leaky = LEAKY.get(settings.split, False) and summary["song_accuracy"] is not None
    for key, value in (("net", settings.net), ("dtype", settings.dtype), ("seed", settings.seed)):
        if value is not None:
            equal(summary[key], value, key)
    equal(bool(summary["leaky"]), bool(leaky) and not args.test, "leaky")
    split = settings.split_folder if module_of(folder) == "tools.vote" else paths.joined_folds(settings.split)
    equal(folder.parent.name, split, "split")
    return summary["command"]


def run_of(build: Build, folder: Path) -> Run:
    """The run that stands where the vote's was. SkippedError where there is none."""
    runs_of_split = (build.path / "runs" / folder.parent.name).glob("[!.]*/run.json")
    for run in sorted((record.parent for record in runs_of_split), key=lambda run: len(run.name), reverse=True):
        if folder.name == run.name or folder.name.startswith(tuple(run.name + mark for mark in BESIDE_NAME)):
            return Run(run, build.path)
    raise SkippedError("its run is gone")


def check_run_of_vote(build: Build, folder: Path) -> str:
    """The summary says what the record of its run says."""
    if folder.parent.name in OF_FOLDS:
        raise SkippedError("see each of the folds")
    summary, run = read_summary(folder), run_of(build, folder)
    typed = Path(summary["run"])
    if typed.parts[-2:] != run.folder.parts[-2:] and typed.resolve() != run.folder.resolve():
        raise FailedError(f"run: {typed} where {run.folder} is right")
    for key in ("net", "split", "dtype", "seed"):
        equal(summary[key], run.record[key], key)
    equal(summary["leaky"], False if "test_fingerprint" in summary else run.record["leaky"], "leaky")
    equal(summary["genres"], run.record["label_names"], "genres")
    ranks = sorted({run.record["ranks"], *(stretch["ranks"] for stretch in run.record["stretches"])})
    if summary["ranks"] not in ranks:
        raise FailedError(f"ranks: {summary['ranks']} where {' or '.join(map(str, ranks))} is right")
    args = arguments_of(folder, summary["command"])
    if not args.run:
        check_settings(args, run.settings, (), BESIDE)
    return str(run.folder)


def check_clips(build: Build, folder: Path) -> str:
    """Every clip of clips.csv, passed again through the network of its snapshot, gets the probabilities that it has."""
    if folder.parent.name in OF_FOLDS:
        return check_folds(build, folder)
    summary, run = read_summary(folder), run_of(build, folder)
    models = whole_snapshots(run.folder)
    iterations = {marked_sha256(model): iteration for iteration, model in models.items()}
    iteration = iterations.get(summary["caffemodel_sha256"])
    is_of_this_run = iteration is not None
    if "test_fingerprint" in summary:
        return check_other_songs(folder, run, models, iteration)
    parts = ("train", "test") if run.settings.split == "clip" else ("test",)
    sha256 = {part: run.record["lmdb"][part]["sha256"] for part in parts}
    if is_of_this_run:
        equal(summary["iteration"], iteration, "iteration of its snapshot")
        equal(summary["lmdb_sha256"], sha256, "lmdb_sha256")
    lmdbs = {part: run.lmdb(part) for part in parts}
    for part, lmdb in lmdbs.items():
        if not lmdb.is_dir() or content_of(lmdb).sha256 != sha256[part]:
            raise SkippedError("the LMDBs of its run are gone, or others by now")
    rows, probabilities = read_rows(folder)
    if summary["iteration"] not in models:
        if summary["lmdb_sha256"] == sha256:
            equal_rows(rows, rows_of(lmdbs))
        raise SkippedError(f"the snapshot of iteration {summary['iteration']} is no longer kept")
    again_rows, again = pass_again(run, models[summary["iteration"]], lmdbs)
    difference = describe_difference(rows, probabilities, again_rows, again)
    if difference and not is_of_this_run:
        raise SkippedError("of an earlier run, which is no longer kept: vote again")
    if difference:
        raise FailedError(difference)
    equal(summary["caffemodel_sha256"], marked_sha256(models[summary["iteration"]]), "caffemodel_sha256")
    equal(summary["lmdb_sha256"], sha256, "lmdb_sha256")
    return f"{len(rows)} clips"


def check_other_songs(folder: Path, run: Run, models: dict[int, Path], iteration: int | None) -> str:
    """The same of a vote on the songs of another root, whose LMDB is made again. SkippedError where they are gone."""
    summary = read_summary(folder)
    root = Path(arguments_of(folder, summary["command"]).test[0])
    if iteration is None:
        raise SkippedError("its snapshot is no longer kept")
    equal(summary["iteration"], iteration, "iteration of its snapshot")
    if not root.exists() or roots.fingerprint(root) != summary["test_fingerprint"]:
        raise SkippedError(f"its songs are gone, or others by now: {root}")
    with (
        tempfile.TemporaryDirectory() as aside,
        redirect_stdout(None),
        test_lmdb(root, run.folder, run.record, run.settings, Path(aside)) as lmdb,
    ):
        again = pass_again(run, models[iteration], {"test": lmdb})
    rows, probabilities = read_rows(folder)
    difference = describe_difference(rows, probabilities, *again)
    if difference:
        raise FailedError(difference)
    return f"{len(rows)} clips"


def read_rows(folder: Path) -> tuple[list[Row], np.ndarray]:
    """Who each clip of clips.csv is, and its probabilities (clips, labels)."""
    with (folder / "clips.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if name not in ("track", "clip", "part", "label")]
    clips = [(row["track"], int(row["clip"]), row["part"], int(row["label"])) for row in rows]
    return clips, np.array([[float(row[name]) for name in names] for row in rows])


def rows_of(lmdbs: dict[str, Path]) -> list[Row]:
    """The clips of every song with a test clip, in order of song and clip, as the LMDBs have them."""
    rows: list[Row] = []
    for part, lmdb in lmdbs.items():
        content = content_of(lmdb)
        rows += [(track, clip, part, label) for (track, clip), label in zip(content.clips, content.labels)]
    tested = {track for track, _, part, _ in rows if part == "test"}
    return sorted(row for row in rows if row[0] in tested)


def pass_again(run: Run, model: Path, lmdbs: dict[str, Path]) -> tuple[list[Row], np.ndarray]:
    """The same clips, and what the network makes of them now, read from the texts that clips.csv would have."""
    rows, probabilities = [], []
    for part, lmdb in lmdbs.items():
        prediction = prediction_of(run.folder / "deploy.prototxt", model, lmdb)
        clips = zip(prediction.tracks.tolist(), prediction.clips.tolist(), prediction.labels.tolist())
        rows += [(track, clip, part, label) for track, clip, label in clips]
        probabilities.append(prediction.probabilities.astype(str).astype(np.float64))
    place = {row: number for number, row in enumerate(rows)}
    chosen = rows_of(lmdbs)
    return chosen, np.concatenate(probabilities)[[place[row] for row in chosen]]


def describe_difference(rows: list[Row], probabilities: np.ndarray, others: list[Row], again: np.ndarray) -> str:
    """How two votes on clips differ, in words; nothing where they don't."""
    try:
        equal_rows(rows, others)
    except FailedError as error:
        return str(error)
    if probabilities.shape != again.shape:
        return f"{probabilities.shape[1]} probabilities a clip where {again.shape[1]} are right"
    difference = np.abs(probabilities - again)
    # Most of them are the same to the last digit where the same processor computes: then all have to be
    tolerance = 0 if np.median(difference) == 0 else TOLERANCE
    if not difference.max() <= tolerance:
        clip, label = np.unravel_index(difference.argmax(), difference.shape)
        track, number, *_ = rows[clip]
        values = f"{probabilities[clip, label]:g} where the network gives {again[clip, label]:g}"
        return f"p{label} of clip {number} of {track}: {values}"
    return ""


def equal_rows(rows: list[Row], right: list[Row]) -> None:
    odd = sorted(set(rows) ^ set(right))[:1]
    equal(odd, [], "clips that only one of clips.csv and LMDB has")
    equal(len(rows), len(right), "clips")


def check_folds(build: Build, folder: Path) -> str:
    """The votes of all folds are those of each fold, one after the other."""
    summary = read_summary(folder)
    if module_of(folder) == "tools.vote.baseline":
        raise SkippedError("the baseline has no network: make baseline counts it anew")
    split, folds = OF_FOLDS[folder.parent.name]
    names = [Settings(split=split, fold=fold).split_folder for fold in range(folds)]
    votes = [paths.votes_folder(build.path, name, folder.name) for name in names]
    for vote in votes:
        if not (vote / "summary.json").is_file():
            raise SkippedError(f"the vote of a fold is gone: {vote}")
    summaries = [read_summary(vote) for vote in votes]
    sources = list(zip(*map(read_rows, votes)))
    rows, again = [row for of_fold in sources[0] for row in of_fold], np.concatenate(sources[1])
    order = sorted(range(len(rows)), key=rows.__getitem__)
    difference = describe_difference(*read_rows(folder), [rows[i] for i in order], again[order])
    hashes = [each["caffemodel_sha256"] for each in summaries]
    if difference and all(a != b for a, b in zip(summary["caffemodel_sha256"], hashes)):
        raise SkippedError("the folds have been voted on again since: make vote-folds")
    if difference:
        raise FailedError(difference)
    equal(summary["caffemodel_sha256"], hashes, "caffemodel_sha256")
    for key in ("net", "dtype", "seed", "iteration", "ranks", "genres", "leaky"):
        equal(summary[key], summaries[0][key], key)
    equal(summary["run"], ", ".join(each["run"] for each in summaries), "run")
    return f"{len(rows)} clips of {folds} folds"
