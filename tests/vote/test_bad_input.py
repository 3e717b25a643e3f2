"""What `make vote` and `make vote-folds` are given and should not be: options, a run, LMDBs, folds."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import HANDLED, Kinds, Place, edit, rename_layers, replace, small_lmdb, spoil_weights, without
from caffe.proto import caffe_pb2

from tools import files

OTHER_NET = "is not the network that was trained"
OTHER_BYTES = "its bytes are not those that its manifest says"

kind = Kinds(lambda place: place.command("tools.vote"), built=True)


def heard_elsewhere(place: Place, trained_songs: str) -> tuple:
    """A vote on other songs, beside a list of those that were trained on."""
    replace(place.run / "trained_songs.json", trained_songs)
    return (*place.command("tools.vote"), "--test", place.few_songs("jazz", "pop"))


kind.options(
    "vote",
    {
        "threshold 0": (("--threshold", 0), "--threshold 0: a song has 15 clips here"),
        "threshold 16": (("--threshold", 16), "--threshold 16: a song has 15 clips here"),
        "threshold -1": (("--threshold=-1",), "--threshold -1"),
        "threshold x": (("--threshold", "x"), "THRESHOLD=x: give a whole number"),
        "an iteration that is not there": (("--iteration", 99), "choose ITERATION= from 1"),
        "a run that is not there": (("--seed", 99), "no such run"),
        "a net that there is not": (("--net", "transformer"), "NET is one of"),
    },
    linked=True,
)


@kind("vote: a caffemodel cut short", "no whole snapshot", fast=True)
def _(place: Place) -> None:
    os.truncate(place.model, 1000)


@kind("vote: a manifest of lists in lists", "written to ", HANDLED)
def _(place: Place) -> None:
    replace(place.lmdbs / "manifest.json", "[" * 100_000)


kind.each(
    "vote",
    {
        "the weights of another net": ("it is another network's", lambda place: spoil_weights(place, rename_layers)),
        "weights of NaN": ("got no probabilities", lambda place: spoil_weights(place, to_nan)),
        "a deploy net with a typo": (
            OTHER_NET,
            lambda place: edit(place.run / "deploy.prototxt", "convolution_param", "convolutoin_param"),
        ),
        "a deploy net that takes the input in otherwise": (
            OTHER_NET,
            lambda place: edit(place.run / "deploy.prototxt", "shift: -137", "shift: 0"),
        ),
        "no deploy net": ("deploy.prototxt", lambda place: (place.run / "deploy.prototxt").unlink()),
        "an LMDB made anew": (OTHER_BYTES, lambda place: small_lmdb(place.test_lmdb)),
        "an LMDB cut short": (OTHER_BYTES, lambda place: os.truncate(place.test_lmdb / "data.mdb", 100_000)),
        "songs that it was trained on of another form": (
            "are not kept: train again",
            lambda place: heard_elsewhere(place, "[]"),
        ),
        "run.json without its LMDBs": ("run.json", lambda place: without(place.run / "run.json", "lmdb")),
    },
)


def to_nan(net: caffe_pb2.NetParameter) -> None:
    for layer in net.layer:
        for blob in layer.blobs:
            blob.data[:] = [float("nan")] * len(blob.data)


@kind("vote: a deploy net that Caffe refuses", "conv0")
def _(place: Place) -> None:
    record = json.loads((place.run / "run.json").read_text())
    text = record["prototxt"]["deploy"].replace('bottom: "conv1"', 'bottom: "conv0"')
    (place.run / "deploy.prototxt").write_text(text)
    record["prototxt"]["deploy"] = text
    files.write_record(place.run / "run.json", record)


@kind("vote: a file in place of the votes", "votes")
def _(place: Place) -> None:
    shutil.rmtree(place.build / "votes")
    (place.build / "votes").write_text("")


# --- the votes of the folds -------------------------------------------------------------------------------------------

folds = Kinds(lambda place: place.command("tools.vote.folds"), built=True)
folds.add("vote_folds: a fold that is not there", "make lmdb train vote FOLD=1", lambda place: None, fast=True)

FOLDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a song in two folds": (lambda vote: None, "a song is in the test part of two folds"),
    "a summary cut short": (lambda vote: (vote / "summary.json").write_text('{"net"'), "summary.json"),
    "a summary of another form": (lambda vote: (vote / "summary.json").write_text("[]"), "summary.json"),
    "clips.csv cut short": (lambda vote: (vote / "clips.csv").write_text("track,clip\nx"), "clips.csv is not whole"),
    "clips.csv empty": (lambda vote: (vote / "clips.csv").write_text(""), "clips.csv is not whole"),
    "clips.csv of bytes": (lambda vote: (vote / "clips.csv").write_bytes(b"\xff\x00"), "clips.csv is not whole"),
}
for name, (spoil, words) in FOLDS.items():

    @folds(f"vote_folds: {name}", words)
    def _(place: Place, spoil: Callable = spoil) -> None:
        """Of five folds alike, the fourth is spoilt."""
        for fold in range(1, 5):
            shutil.copytree(place.vote, place.build / "votes" / f"song-{fold}" / place.vote.name)
        spoil(place.build / "votes" / "song-3" / place.vote.name)


@pytest.mark.parametrize("kind", [*kind.cases(), *folds.cases()])
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
