"""The command that makes a number: what stands under each row of the report, to be typed as it is."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Union

from tools import paths
from tools.report.collect import Collection, Differences, Run, Vote
from tools.songs.splits import FOLDS
from tools.train import runs

TARGETS = {"simple_cnn": "simple", "complex_cnn": "complex", "rcnn": "rcnn", "lstm": "lstm", "song_cnn": "song"}
EACH_FOLD = "$f"  # of a loop of the shell

Given = Union[str, int, Path, None]


def make(collection: Collection, targets: str, **named: Given) -> str:
    """``make TARGETS NAME=value ...``; what is None is left out, and so is the default build folder."""
    if collection.build != paths.BUILD:
        named["BUILD"] = collection.build
    values = {name: value if value == EACH_FOLD else shlex.quote(str(value)) for name, value in named.items()}
    return " ".join(
        ["make", targets, *(f"{name}={value}" for name, value in values.items() if named[name] is not None)]
    )


def variables(differences: Differences) -> dict[str, Given]:
    """``dropout`` as DROPOUT."""
    return {name.upper(): value for name, value in differences.items()}


def train_and_vote(
    collection: Collection, net: str, split: str | None, different: Differences | None = None, **named: Given
) -> str:
    """From songs to votes of one run. ``named``: FOLD, ITERS, ITERATION, RANKS, CAFFE, GTZAN."""
    train = f"train-{TARGETS[net]}" if net in TARGETS else "train"
    named = {"NET": net, "SPLIT": split, "FOLD": named.pop("FOLD", None), **variables(different or {}), **named}
    return make(collection, f"lmdb {train} vote", **named)


def each_fold(
    collection: Collection,
    net: str,
    split: str,
    folds: Iterable[int] = range(FOLDS),
    different: Differences | None = None,
    **named: Given,
) -> str:
    """The same for each fold in turn; those of split song are then voted on as one."""
    other_split = None if split == "song" else split
    command = train_and_vote(collection, net, other_split, different, FOLD=EACH_FOLD, **named)
    loop = f"for f in {' '.join(map(str, folds))}; do {command}; done"
    if other_split:
        return loop
    together = {"NET": net, **variables(different or {}), "ITERATION": named.get("ITERATION")}
    return f"{loop}; {make(collection, 'vote-folds', **together)}"


def needed(collection: Collection, net: str, split: str, different: Differences | None = None, **named: Given) -> str:
    """What to type for votes that are not there: of one run, or of all folds."""
    if split == paths.ALL_FOLDS:
        return each_fold(collection, net, "song", different=different, **named)
    return train_and_vote(collection, net, split, different, **named)


def command_of(collection: Collection, made: Run | Vote) -> str:
    """The command that made a run or a vote, with the ranks and the Caffe of it: both change the last digits."""
    run = made.run if isinstance(made, Vote) else made
    if run is None:
        return make(collection, "baseline")
    named = named_of(collection, made)
    if made.split == paths.ALL_FOLDS:
        return each_fold(collection, run.net, run.settings.split, different=run.differences, **named)
    return train_and_vote(
        collection, run.net, run.settings.split, run.differences, FOLD=run.settings.fold or None, **named
    )


def commands_of(collection: Collection, *votes: Vote) -> str:
    return "; ".join(command_of(collection, vote) for vote in votes)


def named_of(collection: Collection, run: Run | Vote) -> dict[str, Given]:
    """What its numbers depend on besides its settings: how far it went, on what ranks, Caffe and songs."""
    if isinstance(run, Vote):
        far = {"ITERS": run.iteration, "ITERATION": run.iteration, "RANKS": run.summary.get("ranks")}
        return {**far, **(origin_of(collection, run.run) if run.run else {})}
    return {"ITERS": run.record["iteration"], "RANKS": run.record.get("ranks"), **origin_of(collection, run)}


def origin_of(collection: Collection, run: Run) -> dict[str, Given]:
    """CAFFE=native where that trained the run; GTZAN=DIR where its songs are the user's, not synthetic nor unknown."""
    native = run.record.get("versions", {}).get("caffe_package") == runs.NATIVE
    data = collection.data_of(run.record["data_fingerprint"])
    root = None if data is None or is_synthetic(data) else os.path.relpath(data["root"])
    return {"CAFFE": "native" if native else None, "GTZAN": root}


def is_synthetic(data: dict[str, Any]) -> bool:
    root = Path(data["root"])
    return (root.parent / "synth.json").exists() or "synthetic" in root.parts


def describe_data(collection: Collection, fingerprint: str) -> str:
    """Which songs: synthetic, part of GTZAN or all of it, with their number and the fingerprint's first digits."""
    data = collection.data_of(fingerprint)
    short = fingerprint[:8]
    if data is None:
        return f"other data ({short})" if collection.manifests else f"no LMDBs kept ({short})"
    songs = data["songs_present"]
    if is_synthetic(data):
        return f"synthetic, {songs} songs ({short})"
    return f"full GTZAN, {songs} songs ({short})" if songs == 1000 else f"{songs} of GTZAN's 1000 songs ({short})"
