"""The command that makes a number: what stands under each row of the report, to be typed as it is."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path

from tools import paths
from tools.report.collect import Collection, Run, Vote
from tools.songs.splits import FOLDS
from tools.train import runs

TARGETS = {"simple_cnn": "simple", "complex_cnn": "complex", "rcnn": "rcnn", "lstm": "lstm", "song_cnn": "song"}
DROPOUT_BY_HAND = "0.4 0.6@3000 0.7@6000"  # the paper's schedule


def split_settings(split: str) -> dict[str, str]:
    """``song-2`` as SPLIT=song FOLD=2."""
    name, _, fold = split.partition("-")
    return {"SPLIT": name, "FOLD": fold} if fold else {"SPLIT": name}


def difference_settings(differences: dict[str, str]) -> dict[str, str]:
    """``dropout`` as DROPOUT."""
    return {key.upper(): value for key, value in differences.items()}


def make_command(
    net: str, split: str, differences: dict[str, str] | None = None, build: Path = paths.BUILD, **settings: object
) -> str:
    """``make lmdb train-... vote NET=...``, from songs to votes. ``settings``: ITERS, ITERATION, RANKS, GTZAN."""
    train = f"train-{TARGETS[net]}" if net in TARGETS else "train"
    named = {"NET": net, **split_settings(split), **difference_settings(differences or {}), **settings}
    if build != paths.BUILD:
        named["BUILD"] = build
    words = [f"{key}={shlex.quote(str(value))}" for key, value in named.items() if value is not None]
    return " ".join(["make", "lmdb", train, "vote", *words])


def folds_command(
    net: str,
    split: str,
    folds: Iterable[object],
    differences: dict[str, str] | None = None,
    build: Path = paths.BUILD,
    **settings: object,
) -> str:
    """The commands of `make_command` for each fold in turn; those of split song are then voted on as one."""
    each_fold = make_command(net, split, differences, build, **settings)
    named = f"SPLIT={split} FOLD=$f" if split != "song" else "FOLD=$f"
    made = f"for f in {' '.join(map(str, folds))}; do {each_fold.replace(f'SPLIT={split}', named)}; done"
    if split != "song":
        return made
    which = [f"{key}={shlex.quote(value)}" for key, value in difference_settings(differences or {}).items()]
    iteration = [f"ITERATION={settings['ITERATION']}"] if "ITERATION" in settings else []
    return f"{made}; {' '.join(['make vote-folds', f'NET={net}', *which, *iteration])}{build_setting(build)}"


def build_setting(build: Path) -> str:
    """`` BUILD=DIR``, or nothing for the default."""
    return "" if build == paths.BUILD else f" BUILD={shlex.quote(str(build))}"


def data_setting(collection: Collection, fingerprint: str | None) -> dict[str, str]:
    """GTZAN=DIR where the data are songs of the user's, nothing where they are synthetic or not known."""
    data = collection.data_of(fingerprint)
    if data is None or is_synthetic(data):
        return {}
    return {"GTZAN": os.path.relpath(data["root"])}


def is_synthetic(data: dict) -> bool:
    root = Path(data["root"])
    return (root.parent / "synth.json").exists() or "synthetic" in root.parts


def command_of_vote(collection: Collection, vote: Vote) -> str:
    """The command that made a vote, with the ranks and the Caffe that the run had: both change the last digits."""
    settings = settings_of(collection, vote)
    if vote.split == paths.ALL_FOLDS:
        return folds_command(vote.net, "song", range(FOLDS), vote.differences, collection.build, **settings)
    return make_command(vote.net, vote.split, vote.differences, collection.build, **settings)


def settings_of(collection: Collection, vote: Vote) -> dict[str, object]:
    """What besides the run's name a vote depends on: how far it went, on how many ranks, with what, on which songs."""
    return {
        "ITERS": vote.iteration,
        "ITERATION": vote.iteration,
        "RANKS": vote.summary.get("ranks"),
        **caffe_setting(vote.run),
        **data_setting(collection, vote.fingerprint),
    }


def caffe_setting(run: Run | None) -> dict[str, str]:
    """CAFFE=native where that trained the run, nothing for Debian's binary, the default."""
    built = run.record.get("versions", {}).get("caffe_package") if run else None
    return {"CAFFE": "native"} if built == runs.NATIVE else {}


def command_of_run(collection: Collection, run: Run) -> str:
    settings = caffe_setting(run) | data_setting(collection, run.record["data_fingerprint"])
    return make_command(
        run.net,
        run.split,
        run.differences,
        collection.build,
        ITERS=run.record["iteration"],
        RANKS=run.record.get("ranks"),
        **settings,
    )


def describe_data(collection: Collection, fingerprint: str | None) -> str:
    """Which songs: synthetic, part of GTZAN or all of it, with their number and the fingerprint's first digits."""
    if fingerprint is None:
        return "not known: the run is gone"
    data = collection.data_of(fingerprint)
    short = fingerprint[:8]
    if data is None:
        return f"other data ({short})" if collection.manifests else f"no LMDBs kept ({short})"
    songs = data["songs_present"]
    if is_synthetic(data):
        return f"synthetic, {songs} songs ({short})"
    return f"full GTZAN, {songs} songs ({short})" if songs == 1000 else f"{songs} of GTZAN's 1000 songs ({short})"
