"""The command that makes a number: what stands under each row of the report, to be typed as it is."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Union

from tools import paths
from tools.report.records import Collection, Differences, Run, Vote, is_synthetic
from tools.songs.splits import JOINED
from tools.train import runs
from tools.vote import baseline

TARGETS = {"simple_cnn": "simple", "complex_cnn": "complex", "rcnn": "rcnn", "lstm": "lstm", "song_cnn": "song"}
EACH_FOLD = "$f"  # of a loop of the shell
ORIGIN = ("RANKS", "CAFFE", "GTZAN")

Variables = Mapping[str, Union[str, int, None]]


def named(differences: Differences) -> Variables:
    """``dropout`` as DROPOUT."""
    return {name.upper(): value for name, value in differences.items()}


def make(collection: Collection, targets: str, variables: Variables) -> str:
    """``make TARGETS NAME=value ...``; what is None is left out, and so is the default build folder."""
    build = None if collection.build == paths.BUILD else str(collection.build)
    given = {name: str(value) for name, value in {**variables, "BUILD": build}.items() if value is not None}
    words = [f"{name}={text if text == EACH_FOLD else shlex.quote(text)}" for name, text in given.items()]
    return " ".join(["make", targets, *words])


def train_and_vote(collection: Collection, net: str, split: str | None, variables: Variables) -> str:
    """From songs to votes of one run."""
    train = f"train-{TARGETS[net]}" if net in TARGETS else "train"
    return make(collection, f"lmdb {train} vote", {"NET": net, "SPLIT": split, **variables})


def each_fold(
    collection: Collection, net: str, split: str, variables: Variables, folds: list[int] | None = None
) -> str:
    """The same for each fold in turn; where all are meant, they are then voted on as one."""
    said = None if split == "song" else split  # the default needs no word
    fold = {"FOLD": EACH_FOLD}
    each = train_and_vote(collection, net, said, {**fold, **variables, **fold})
    loop = f"for f in {' '.join(map(str, folds or range(JOINED[split])))}; do {each}; done"
    together = {name: value for name, value in variables.items() if name not in ("FOLD", "ITERS", *ORIGIN)}
    return loop if folds else f"{loop}; {make(collection, 'vote-folds', {'NET': net, 'SPLIT': said, **together})}"


def needed(collection: Collection, net: str, split: str, variables: Variables | None = None) -> str:
    """What to type for votes that are not there: of one run, or of all folds."""
    joined = next((each for each in JOINED if paths.joined_folds(each) == split), None)
    return (each_fold if joined else train_and_vote)(collection, net, joined or split, variables or {})


def command_of(collection: Collection, result: Run | Vote) -> str:
    """The command that led to a run or a vote, with the ranks and the Caffe of it: both change the last digits."""
    run = result.run if isinstance(result, Vote) else result
    if run.net == baseline.NAME:
        split = next((split for split in JOINED if paths.joined_folds(split) == result.split), None)
        return make(collection, "baseline", {"SPLIT": None if split == "song" else split})
    command = train_and_vote if result.split == run.split else each_fold
    return command(collection, run.net, run.settings.split, variables(collection, result))


def commands_of(collection: Collection, *votes: Vote) -> str:
    return "\n".join(command_of(collection, vote) for vote in votes)


def variables(collection: Collection, result: Run | Vote) -> Variables:
    """All that a run or a vote depends on but its network and split.

    GTZAN=DIR is said where the songs are the user's, not synthetic nor unknown.
    """
    run = result.run if isinstance(result, Vote) else result
    far = {"ITERS": result.iteration, "ITERATION": result.iteration} if isinstance(result, Vote) else {}
    native = run.record.get("versions", {}).get("caffe_package") == runs.NATIVE
    data = collection.data_of(run.record["data_fingerprint"])
    return {
        "FOLD": run.settings.fold or None,
        **named(run.differences),
        **(far or {"ITERS": run.record["iteration"]}),
        "RANKS": result.summary.get("ranks") if isinstance(result, Vote) else run.record.get("ranks"),
        "CAFFE": "native" if native else None,
        "GTZAN": None if data is None or is_synthetic(Path(data["root"])) else os.path.relpath(data["root"]),
    }
