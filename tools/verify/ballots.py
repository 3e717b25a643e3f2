"""Who voted: the command, the run and the snapshot of a vote, and its clips passed again through the network.

A vote may be older than the run that stands in its place, or than the snapshots that are kept: then that is said, and
nothing is compared. It is the vote of a snapshot where its hash says so, or where the network gives its probabilities.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from tools import paths
from tools.settings import Settings, given_settings, parse
from tools.songs import roots
from tools.songs.splits import LEAKY
from tools.train.runs import ranks_to
from tools.train.snapshots import marked_sha256, whole_snapshots
from tools.verify.build import Build, content_of, prediction_of
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, equal_items, judge_all
from tools.verify.record import CHECK, check_own_hash, check_settings
from tools.verify.training import Run
from tools.verify.votes import OF_FOLDS, Row, Vote, check_confusion, check_rows, check_songs, check_summary, rows_of
from tools.vote import baseline
from tools.vote.count import Clips, collect_clips
from tools.vote.folds import ALIKE, join
from tools.vote.other_root import test_lmdb

TOLERANCE = 1e-4  # of a probability, on another kind of processor; on the same kind there is no difference
BESIDE = ("build", "hosts", "caffe", "jobs", "gpu", "iters", "ranks", "weights")
ITERATION, OTHER_SONGS = "@iter=", "@test="  # what may follow the run's name in that of a vote
OF_BASELINE = {"net": baseline.NAME, "dtype": "float", "seed": baseline.SEED, "ranks": 1, "iteration": 0}
OF_BASELINE |= {"leaky": False, "run": baseline.NAME}


def check_vote(build: Build, folder: Path) -> Iterator[Outcome]:
    """Every check of a votes folder; the run, and the LMDBs of that, are looked for in the build folder."""
    vote = Vote(folder)
    alone = {
        "clips.csv is whole": check_rows,
        "summary recounted from clips.csv": check_summary,
        "songs.csv recounted from clips.csv": check_songs,
        "confusion.csv recounted from clips.csv": check_confusion,
        "command": check_command,
    }
    yield from judge_all(folder, {CHECK: check_own_hash}, folder / "summary.json")
    yield from judge_all(folder, alone, vote)
    in_build = {"run": check_run_of_vote, "clips passed again through the network": check_clips}
    yield from judge_all(folder, in_build, build, vote)


def check_command(vote: Vote) -> str:
    """The summary says what the command and the folder's name say."""
    summary, args, name = vote.summary, vote.arguments, vote.folder.name
    equal(summary["split"], vote.folder.parent.name, "split")
    if vote.module == "tools.vote.baseline":
        equal_items(summary, OF_BASELINE)
        equal(len(args.words), 1, "data roots in the command")
        return summary["command"]
    asked = f"{ITERATION}{summary['iteration']}" if args.iteration else ""
    asked += f"{OTHER_SONGS}{summary['test_fingerprint'][:8]}" if args.test else ""
    equal(args.iteration in ([], [str(summary["iteration"])]), True, "the iteration of the command")
    equal(name.endswith(asked), True, f"a name that ends in {asked}")
    equal([mark for mark in (ITERATION, OTHER_SONGS) if mark in name and mark not in asked], [], "not asked for")
    if args.run:
        equal(name, Path(args.run[0]).resolve().name + asked, "the run in the command")
        return summary["command"]
    settings = parse(given_settings(args))
    said = {"net": settings.net, "dtype": settings.dtype, "seed": settings.seed}
    equal_items(summary, {key: value for key, value in said.items() if value is not None})
    leaks = LEAKY.get(settings.split, False) and summary["song_accuracy"] is not None and not args.test
    equal(bool(summary["leaky"]), bool(leaks), "leaky")
    split = settings.split_folder if vote.module == "tools.vote" else paths.joined_folds(settings.split)
    equal(vote.folder.parent.name, split, "split")
    return summary["command"]


def run_of(build: Build, vote: Vote) -> Run:
    """The run that stands where the vote's was. SkippedError where there is none."""
    records = (build.path / "runs" / vote.folder.parent.name).glob("[!.]*/run.json")
    for folder in sorted((record.parent for record in records), key=lambda run: len(run.name), reverse=True):
        name = vote.folder.name
        if name == folder.name or name.startswith((folder.name + ITERATION, folder.name + OTHER_SONGS)):
            return Run(folder, build.path)
    raise SkippedError("its run is gone")


def check_run_of_vote(build: Build, vote: Vote) -> str:
    """The summary says what the record of its run says."""
    if vote.folder.parent.name in OF_FOLDS:
        raise SkippedError("see each of the folds")
    summary, run = vote.summary, run_of(build, vote)
    record, typed = run.record, Path(summary["run"])
    if typed.parts[-2:] != run.folder.parts[-2:] and typed.resolve() != run.folder.resolve():
        raise FailedError(f"run: {typed} where {run.folder} is right")
    right = {key: record[key] for key in ("net", "split", "dtype", "seed")}
    right |= {"ranks": ranks_to(record, summary["iteration"]), "genres": record["label_names"]}
    right["leaky"] = False if "test_fingerprint" in summary else record["leaky"]
    equal_items(summary, right)
    if not vote.arguments.run:
        check_settings(vote.arguments, run.settings, (), BESIDE)
    return str(run.folder)


def check_clips(build: Build, vote: Vote) -> str:
    """Every clip of clips.csv, passed again through the network of its snapshot, gets the probabilities that it has."""
    if vote.module == "tools.vote.baseline":
        raise SkippedError("the baseline has no network: make baseline counts it anew")
    if vote.folder.parent.name in OF_FOLDS:
        return check_folds(build, vote)
    summary, run = vote.summary, run_of(build, vote)
    models = whole_snapshots(run.folder)
    by_hash = {marked_sha256(model): iteration for iteration, model in models.items()}
    iteration = by_hash.get(summary["caffemodel_sha256"])
    if iteration is not None:
        equal(summary["iteration"], iteration, "iteration of its snapshot")
    if "test_fingerprint" in summary:
        return check_other_songs(build, vote, run, models, iteration)
    lmdbs = {part: run.lmdb(part) for part in (("train", "test") if run.settings.split == "clip" else ("test",))}
    sha256 = {part: run.record["lmdb"][part]["sha256"] for part in lmdbs}
    if iteration is not None:
        equal(summary["lmdb_sha256"], sha256, "lmdb_sha256")
    for part, lmdb in lmdbs.items():
        if not lmdb.is_dir() or content_of(lmdb).sha256 != sha256[part]:
            raise SkippedError("the LMDBs of its run are gone, or others by now")
    if summary["iteration"] not in models:
        if summary["lmdb_sha256"] == sha256:
            equal_rows(vote.rows, rows_in(lmdbs))
        raise SkippedError(f"the snapshot of iteration {summary['iteration']} is no longer kept")
    try:
        equal_clips(vote.clips, pass_again(run, models[summary["iteration"]], lmdbs))
    except FailedError:
        if iteration is None:
            raise SkippedError("of an earlier run, which is no longer kept: vote again") from None
        raise
    equal(summary["caffemodel_sha256"], marked_sha256(models[summary["iteration"]]), "caffemodel_sha256")
    equal(summary["lmdb_sha256"], sha256, "lmdb_sha256")
    return f"{len(vote.rows)} clips"


def check_other_songs(build: Build, vote: Vote, run: Run, models: dict[int, Path], iteration: int | None) -> str:
    """The same of a vote on the songs of another root, whose LMDB is made again. SkippedError where they are gone."""
    root = Path(vote.arguments.test[0])
    if iteration is None:
        raise SkippedError("its snapshot is no longer kept")
    if not root.exists() or not roots.is_of(root, vote.summary["test_fingerprint"], build.path):
        raise SkippedError(f"its songs are gone, or others by now: {root}")
    with (
        tempfile.TemporaryDirectory() as aside,
        redirect_stdout(None),
        test_lmdb(root, run.folder, run.record, run.settings, Path(aside)) as lmdb,
    ):
        equal_clips(vote.clips, pass_again(run, models[iteration], {"test": lmdb}))
    return f"{len(vote.rows)} clips of {root}"


def check_folds(build: Build, vote: Vote) -> str:
    """The votes of all folds are those of each fold, one after the other."""
    summary, (split, folds) = vote.summary, OF_FOLDS[vote.folder.parent.name]
    names = [Settings(split=split, fold=fold).split_folder for fold in range(folds)]
    votes = [Vote(paths.votes_folder(build.path, name, vote.folder.name)) for name in names]
    for each in votes:
        if not (each.folder / "summary.json").is_file():
            raise SkippedError(f"the vote of a fold is gone: {each.folder}")
    hashes = [each.summary["caffemodel_sha256"] for each in votes]
    try:
        equal_clips(vote.clips, join([each.clips for each in votes]))
    except FailedError:
        if all(a != b for a, b in zip(summary["caffemodel_sha256"], hashes)):
            raise SkippedError("the folds have been voted on again since: make vote-folds") from None
        raise
    right = {key: votes[0].summary[key] for key in ALIKE}
    right |= {"caffemodel_sha256": hashes, "run": ", ".join(each.summary["run"] for each in votes)}
    equal_items(summary, right)
    return f"{len(vote.rows)} clips of {folds} folds"


def rows_in(lmdbs: dict[str, Path]) -> list[Row]:
    """The clips of every song with a test clip, each once, in order of song and clip, as the LMDBs have them."""
    rows: set[Row] = set()
    for part, lmdb in lmdbs.items():
        content = content_of(lmdb)
        rows |= {(track, clip, part, label) for (track, clip), label in zip(content.clips, content.labels)}
    tested = {track for track, _, part, _ in rows if part == "test"}
    return sorted(row for row in rows if row[0] in tested)


def pass_again(run: Run, model: Path, lmdbs: dict[str, Path]) -> Clips:
    """The same clips, and what the network makes of them now."""
    predictions = {part: prediction_of(run.folder / "deploy.prototxt", model, lmdb) for part, lmdb in lmdbs.items()}
    return collect_clips(predictions, len(run.record["label_names"]))


def equal_clips(clips: Clips, right: Clips) -> None:
    """FailedError unless a vote has the clips that voted again, and their probabilities."""
    rows = rows_of(right)
    equal_rows(rows_of(clips), rows)
    equal(clips.probabilities.shape, right.probabilities.shape, "clips and probabilities of each")
    difference = np.abs(clips.probabilities - right.probabilities)
    # Most of them are the same to the last digit where the same processor computes: then all have to be
    tolerance = 0 if np.median(difference) == 0 else TOLERANCE
    if not difference.max() <= tolerance:
        clip, label = np.unravel_index(difference.argmax(), difference.shape)
        values = f"{clips.probabilities[clip, label]:g} where the network gives {right.probabilities[clip, label]:g}"
        raise FailedError(f"p{label} of clip {rows[clip][1]} of {rows[clip][0]}: {values}")


def equal_rows(rows: list[Row], right: list[Row]) -> None:
    odd = sorted(set(rows) ^ set(right))[:1]
    equal(odd, [], "clips that only one of clips.csv and LMDB has")
    equal(len(rows), len(right), "clips")
