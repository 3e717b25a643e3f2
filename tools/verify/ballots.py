"""Who voted: the command, the run and the snapshot of a vote, and its clips passed again through the network.

A vote may be older than the run that stands in its place, or than the snapshots that are kept: then that is said, and
nothing is compared. It is the vote of a snapshot where its hash says so, or where the network gives its probabilities.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import numpy as np

from tools import paths
from tools.settings import Settings, given_settings, parse
from tools.songs import roots
from tools.songs.splits import LEAKY
from tools.train.snapshots import marked_sha256, whole_snapshots
from tools.verify.build import Build, content_of, prediction_of
from tools.verify.commands import check_settings
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, judge
from tools.verify.record import CHECK, check_own_hash
from tools.verify.training import Run
from tools.verify.votes import OF_FOLDS, Row, Vote, check_confusion, check_rows, check_songs, check_summary
from tools.vote import baseline
from tools.vote.other_root import test_lmdb

TOLERANCE = 1e-4  # of a probability, on another kind of processor; on the same kind there is no difference
BESIDE = ("build", "hosts", "caffe", "jobs", "gpu", "iters", "ranks", "weights")
ITERATION, OTHER_SONGS = "@iter=", "@test="  # what may follow the run's name in that of a vote
OF_BASELINE = {"net": baseline.NAME, "dtype": "float", "seed": baseline.SEED, "ranks": 1, "iteration": 0}
OF_BASELINE |= {"leaky": False, "run": baseline.NAME}
ALIKE = ("net", "dtype", "seed", "iteration", "ranks", "genres", "leaky")  # in all folds
Ballots = tuple[list[Row], np.ndarray]  # who each clip is, and its probabilities (clips, labels)


def check_vote(build: Build, folder: Path) -> Iterator[Outcome]:
    """Every check of a votes folder; the run, and the LMDBs of that, are looked for in the build folder."""
    vote = Vote(folder)
    checks: dict[str, Callable[[], str]] = {
        CHECK: partial(check_own_hash, folder / "summary.json"),
        "clips.csv is whole": partial(check_rows, vote),
        "summary recounted from clips.csv": partial(check_summary, vote),
        "songs.csv recounted from clips.csv": partial(check_songs, vote),
        "confusion.csv recounted from clips.csv": partial(check_confusion, vote),
        "command": partial(check_command, vote),
        "run": partial(check_run_of_vote, build, vote),
        "clips passed again through the network": partial(check_clips, build, vote),
    }
    for check, look in checks.items():
        yield judge(folder, check, look)


def check_command(vote: Vote) -> str:
    """The summary says what the command and the folder's name say."""
    summary, args, name = vote.summary, vote.arguments, vote.folder.name
    equal(summary["split"], vote.folder.parent.name, "split")
    if vote.module == "tools.vote.baseline":
        equal({key: summary[key] for key in OF_BASELINE}, OF_BASELINE, "what the baseline is")
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
    for key, value in (("net", settings.net), ("dtype", settings.dtype), ("seed", settings.seed)):
        if value is not None:
            equal(summary[key], value, key)
    leaks = LEAKY.get(settings.split, False) and summary["song_accuracy"] is not None and not args.test
    equal(bool(summary["leaky"]), bool(leaks), "leaky")
    split = settings.split_folder if vote.module == "tools.vote" else paths.joined_folds(settings.split)
    equal(vote.folder.parent.name, split, "split")
    return summary["command"]


def run_of(build: Build, vote: Vote) -> Run:
    """The run that stands where the vote's was. SkippedError where there is none."""
    records = (build.path / "runs" / vote.folder.parent.name).glob("[!.]*/run.json")
    for folder in sorted((record.parent for record in records), key=lambda run: len(run.name), reverse=True):
        if vote.folder.name.startswith((folder.name + ITERATION, folder.name + OTHER_SONGS)):
            return Run(folder, build.path)
        if vote.folder.name == folder.name:
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
    right |= {"genres": record["label_names"], "leaky": False if "test_fingerprint" in summary else record["leaky"]}
    for key, value in right.items():
        equal(summary[key], value, key)
    ranks = sorted({record["ranks"], *(stretch["ranks"] for stretch in record["stretches"])})
    if summary["ranks"] not in ranks:
        raise FailedError(f"ranks: {summary['ranks']} where {' or '.join(map(str, ranks))} is right")
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
            equal_rows(vote.rows, rows_of(lmdbs))
        raise SkippedError(f"the snapshot of iteration {summary['iteration']} is no longer kept")
    difference = describe_difference(vote, pass_again(run, models[summary["iteration"]], lmdbs))
    if difference and iteration is None:
        raise SkippedError("of an earlier run, which is no longer kept: vote again")
    if difference:
        raise FailedError(difference)
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
        again = pass_again(run, models[iteration], {"test": lmdb})
    difference = describe_difference(vote, again)
    if difference:
        raise FailedError(difference)
    return f"{len(vote.rows)} clips of {root}"


def check_folds(build: Build, vote: Vote) -> str:
    """The votes of all folds are those of each fold, one after the other."""
    summary, (split, folds) = vote.summary, OF_FOLDS[vote.folder.parent.name]
    names = [Settings(split=split, fold=fold).split_folder for fold in range(folds)]
    votes = [Vote(paths.votes_folder(build.path, name, vote.folder.name)) for name in names]
    for each in votes:
        if not (each.folder / "summary.json").is_file():
            raise SkippedError(f"the vote of a fold is gone: {each.folder}")
    clips = [clip for each in votes for clip in zip(each.rows, each.probabilities)]
    rows, probabilities = zip(*sorted(clips))
    difference = describe_difference(vote, (list(rows), np.array(probabilities)))
    hashes = [each.summary["caffemodel_sha256"] for each in votes]
    if difference and all(a != b for a, b in zip(summary["caffemodel_sha256"], hashes)):
        raise SkippedError("the folds have been voted on again since: make vote-folds")
    if difference:
        raise FailedError(difference)
    right = {key: votes[0].summary[key] for key in ALIKE}
    right |= {"caffemodel_sha256": hashes, "run": ", ".join(each.summary["run"] for each in votes)}
    for key, value in right.items():
        equal(summary[key], value, key)
    return f"{len(rows)} clips of {folds} folds"


def rows_of(lmdbs: dict[str, Path]) -> list[Row]:
    """The clips of every song with a test clip, in order of song and clip, as the LMDBs have them."""
    rows: list[Row] = []
    for part, lmdb in lmdbs.items():
        content = content_of(lmdb)
        rows += [(track, clip, part, label) for (track, clip), label in zip(content.clips, content.labels)]
    tested = {track for track, _, part, _ in rows if part == "test"}
    return sorted(row for row in rows if row[0] in tested)


def pass_again(run: Run, model: Path, lmdbs: dict[str, Path]) -> Ballots:
    """The same clips, and what the network makes of them now, read from the texts that clips.csv would have."""
    rows: list[Row] = []
    probabilities = []
    for part, lmdb in lmdbs.items():
        prediction = prediction_of(run.folder / "deploy.prototxt", model, lmdb)
        clips = zip(prediction.tracks.tolist(), prediction.clips.tolist(), prediction.labels.tolist())
        rows += [(track, clip, part, label) for track, clip, label in clips]
        probabilities.append(prediction.probabilities.astype(str).astype(np.float64))
    place = {row: number for number, row in enumerate(rows)}
    chosen = rows_of(lmdbs)
    return chosen, np.concatenate(probabilities)[[place[row] for row in chosen]]


def describe_difference(vote: Vote, again: Ballots) -> str:
    """How a vote differs from what voted again, in words; nothing where it doesn't."""
    rows, right = again
    try:
        equal_rows(vote.rows, rows)
    except FailedError as error:
        return str(error)
    probabilities = np.array(vote.probabilities)
    if probabilities.shape != right.shape:
        return f"{probabilities.shape[1]} probabilities a clip where {right.shape[1]} are right"
    difference = np.abs(probabilities - right)
    # Most of them are the same to the last digit where the same processor computes: then all have to be
    tolerance = 0 if np.median(difference) == 0 else TOLERANCE
    if difference.max() <= tolerance:
        return ""
    clip, label = np.unravel_index(difference.argmax(), difference.shape)
    values = f"{probabilities[clip, label]:g} where the network gives {right[clip, label]:g}"
    return f"p{label} of clip {rows[clip][1]} of {rows[clip][0]}: {values}"


def equal_rows(rows: list[Row], right: list[Row]) -> None:
    odd = sorted(set(rows) ^ set(right))[:1]
    equal(odd, [], "clips that only one of clips.csv and LMDB has")
    equal(len(rows), len(right), "clips")
