"""The command that makes a number: what stands under each row of the report, to be typed as it is."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Union

from tools import paths
from tools.report.records import Collection, Differences, Run, Vote, is_synthetic
from tools.songs.splits import JOINED
from tools.train import runs
from tools.vote import baseline

TARGETS = {"simple_cnn": "simple", "complex_cnn": "complex", "rcnn": "rcnn", "lstm": "lstm", "song_cnn": "song"}
EACH_FOLD = "$f"  # of a loop of the shell
OF_A_RUN = ("FOLD", "ITERS", "RANKS", "CAFFE", "GTZAN")  # which a vote on all folds has no use for
JOINED_AS = {paths.joined_folds(split): split for split in JOINED}

Variables = Mapping[str, Union[str, int, None]]


def named(differences: Differences) -> dict[str, str]:
    """``dropout`` as DROPOUT."""
    return {name.upper(): value for name, value in differences.items()}


def make(collection: Collection, targets: str, variables: Variables) -> str:
    """``make TARGETS NAME=value ...``; what is None is left out, and so is the default build folder."""
    build = None if collection.build == paths.BUILD else str(collection.build)
    given = {name: str(value) for name, value in {**variables, "BUILD": build}.items() if value is not None}
    words = [f"{name}={text if text == EACH_FOLD else shlex.quote(text)}" for name, text in given.items()]
    return " ".join(["make", targets, *words])


def needed(
    collection: Collection, net: str, split: str, variables: Variables | None = None, folds: Sequence[int] = ()
) -> str:
    """From songs to votes: of one run; of each of some folds; or of all where ``split`` is song-folds, then as one."""
    given, joined = variables or {}, JOINED_AS.get(split)
    target = f"lmdb train-{TARGETS[net]} vote" if net in TARGETS else "lmdb train vote"
    if not (joined or folds):
        return make(collection, target, {"NET": net, "SPLIT": split, **given})
    said = {"NET": net, "SPLIT": None if joined == "song" else joined or split}  # the default needs no word
    each = make(collection, target, {**said, "FOLD": None, **given, **{"FOLD": EACH_FOLD}})
    loop = f"for f in {' '.join(map(str, folds or range(JOINED[joined or split])))}; do {each}; done"
    together = {name: value for name, value in given.items() if name not in OF_A_RUN}
    return loop if folds else f"{loop}; {make(collection, 'vote-folds', {**said, **together})}"


def command_of(collection: Collection, *results: Run | Vote) -> str:
    """The command that led to each run or vote, with the ranks and the Caffe of it: both change the last digits."""
    commands = []
    for result in results:
        joined = JOINED_AS.get(result.split)
        run = result.run if isinstance(result, Vote) else result
        if isinstance(result, Vote) and result.tested_elsewhere:
            tested: Variables = {"ITERATION": result.iteration, "TEST": result.test_root}
            if run.folder.is_relative_to(collection.build):
                commands.append(make(collection, "vote", {"RUN": str(run.folder), **tested}))
            else:  # kept without its weights
                trained = {**variables(collection, result), **tested}
                commands.append(needed(collection, run.net, run.settings.split, trained))
        elif run.net == baseline.NAME:
            commands.append(make(collection, "baseline", {"SPLIT": None if joined == "song" else joined}))
        else:
            split = result.split if joined else run.settings.split
            commands.append(needed(collection, run.net, split, variables(collection, result)))
    return "\n".join(commands)


def variables(collection: Collection, result: Run | Vote) -> Variables:
    """All that a run or a vote depends on but its network and split.

    GTZAN=DIR is said where the songs are the user's, not synthetic nor unknown.
    """
    voted = isinstance(result, Vote)
    run, record = (result.run, result.summary) if isinstance(result, Vote) else (result, result.record)
    native = run.record.get("versions", {}).get("caffe_package") == runs.NATIVE
    data = collection.data_of(run.fingerprint)
    return {
        "FOLD": run.settings.fold or None,
        **named(run.differences),
        "ITERS": result.iteration,
        "ITERATION": result.iteration if voted else None,
        "RANKS": record.get("ranks"),
        "CAFFE": "native" if native else None,
        "GTZAN": None if data is None or is_synthetic(Path(data["root"])) else os.path.relpath(data["root"]),
    }
