"""Options, WEIGHTS= and run folders that training is given and should not be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from bad_input import HANDLED, Kinds, Place, edit, rename_layers, spoil_weights
from caffe.proto import caffe_pb2


def train(place: Place) -> tuple:
    return (*place.command("tools.train"), "--ranks", 1, "--iters", 2)


kind = Kinds(train, built=True)

# --- options ----------------------------------------------------------------------------------------------------------

kind.options(
    "train",
    {
        "ITERS=0": (("--iters", 0), "ITERS=0: give a whole number from 1"),
        "ITERS=-5": (("--iters", -5), "ITERS=-5"),
        "ITERS=many": (("--iters", "many"), "ITERS=many: give a whole number"),
        "ITERS beyond an int": (("--iters", 2**31), "ITERS=2147483648"),
        "RANKS=0": (("--ranks", 0), "RANKS=0: give a whole number from 1"),
        "RANKS=3 of a batch of 8": (("--ranks", 3), "RANKS=3: the batch of 8 clips does not divide"),
        "BATCH=0": (("--batch", 0), "BATCH=0"),
        "BATCH=-1": (("--batch", -1), "BATCH=-1"),
        "BATCH above all clips": (("--batch", 100_000), "BATCH=100000"),
        "SEED=-1": (("--seed", -1), "SEED=-1"),
        "SEED=x": (("--seed", "x"), "SEED=x: give a whole number"),
        "SEED beyond an int": (("--seed", 2**70), f"SEED={2**70}"),
        "BASE_LR=0": (("--base-lr", 0), "BASE_LR=0"),
        "BASE_LR=nan": (("--base-lr", "nan"), "BASE_LR=nan"),
        "BASE_LR=inf": (("--base-lr", "inf"), "BASE_LR=inf"),
        "BASE_LR=-1": (("--base-lr=-1",), "BASE_LR=-1"),
        "LR_STEPS in words": (
            ("--lr-steps", "1e-4 x@3"),
            'LR_STEPS="1e-4 x@3": give a number above 0 and below 1000, then VALUE@',
        ),
        "LR_STEPS of nan": (("--lr-steps", "nan"), "LR_STEPS"),
        "LR_STEPS of zero": (("--lr-steps", "0 1e-4@5"), "LR_STEPS"),
        "LR_STEPS in no order": (("--lr-steps", "1e-4 1e-5@9 1e-6@3"), "for each change, in order"),
        "LR_STEPS from below zero": (("--lr-steps", "1e-4 1e-5@-3"), "LR_STEPS"),
        "DROPOUT=1.5": (("--dropout", "1.5"), "DROPOUT=1.5"),
        "DROPOUT=nan": (("--dropout", "nan"), "DROPOUT=nan"),
        "DROPOUT later 2": (("--dropout", "0.5 2@1"), "DROPOUT"),
        "DROPOUT=x": (("--dropout", "x"), "DROPOUT=x: give a number"),
        "NEURONS of a net without LSTM": (("--neurons", 9), "NEURONS=9"),
        "GPU=0 where there is none": (("--gpu", "0"), "GPU=0: "),
        "GPU=x": (("--gpu", "x"), "GPU=x: give the numbers of the GPUs"),
        "GPU=-1": (("--gpu=-1",), "GPU=-1: give the numbers of the GPUs"),
        "a net that there is not": (("--net", "transformer"), "NET is one of"),
        "a net outside prototxt/": (("--net", "../prototxt/rcnn"), "give the name of a folder of prototxt/"),
        "a net by its path": (("--net", "prototxt/rcnn"), "NET=prototxt/rcnn: give the name of a folder of prototxt/"),
        "a split without LMDBs": (("--split", "clip"), "make lmdb SPLIT=clip"),
        "matrices without LMDBs": (("--window", 512), "make lmdb"),
    },
    linked=True,
)

# --- WEIGHTS= ---------------------------------------------------------------------------------------------------------


def from_weights(place: Place, weights: Path) -> tuple:
    return (*train(place), "--weights", weights)


def from_bytes(place: Place, weights: bytes) -> tuple:
    """From a .caffemodel with these bytes."""
    (place.folder / "my.caffemodel").write_bytes(weights)
    return from_weights(place, place.folder / "my.caffemodel")


kind.each(
    "WEIGHTS",
    {
        "that are not there": (
            "no such run or .caffemodel: name one",
            lambda place: from_weights(place, place.folder / "none"),
        ),
        "cut short": (
            "damaged, or no .caffemodel: name another",
            lambda place: from_bytes(place, place.model.read_bytes()[: place.model.stat().st_size // 2]),
        ),
        "of bytes": ("damaged, or no .caffemodel: name another", lambda place: from_bytes(place, b"\xff" * 1000)),
        "empty": ("it has no layer of this network", lambda place: from_bytes(place, b"")),
        "a folder that is no run": ("no whole snapshot", lambda place: from_weights(place, place.songs)),
    },
)


@kind("WEIGHTS: of another net", "it has no layer of this network")
def _(place: Place) -> tuple:
    net = caffe_pb2.NetParameter.FromString(place.model.read_bytes())
    rename_layers(net)
    return from_bytes(place, net.SerializeToString())


# --- the run folder ---------------------------------------------------------------------------------------------------

METRICS = b'{"iter": 0, "loss": 2\n\xff\n[]\n3\n{"iter": "x"}\n{"loss": 1}\n'

kind.each(
    "run",
    {
        "run.json cut short": (
            "run.json is not whole: remove",
            lambda place: (place.run / "run.json").write_text('{"net": "com'),
        ),
        "run.json of another form": (
            "run.json is not whole: remove",
            lambda place: (place.run / "run.json").write_text("[1, 2]"),
        ),
    },
)
kind.each(
    "run",
    {
        "metrics that are no JSON": (
            "done, iteration 2",
            lambda place: (place.run / "metrics.jsonl").write_bytes(METRICS),
        ),
        "a caffemodel cut short": ("done, iteration 2", lambda place: os.truncate(place.model, 1000)),
        "a solverstate without its model": ("done, iteration 2", lambda place: place.model.unlink()),
        "a mark of a snapshot that is no JSON": (
            "done, iteration 2",
            lambda place: place.model.with_suffix(".whole").write_bytes(b"\xff\xfe"),
        ),
        "its prototxt changed": (
            "done, iteration 2",
            lambda place: edit(place.run / "train_val.prototxt", "num_output: 32", "num_output: 31"),
        ),
    },
    HANDLED,
)


@kind("run: the weights of another net, marked whole", "Cannot copy param 0 weights from layer 'conv1'", fast=True)
def _(place: Place) -> None:
    def shrink(net: caffe_pb2.NetParameter) -> None:
        (blob,) = [layer.blobs[0] for layer in net.layer if layer.name == "conv1"]
        blob.shape.dim[:] = [1, 1, 1, 1]
        blob.data[:] = [1.0]

    spoil_weights(place, shrink)


@kind("run: a file in place of its folder", "complex_cnn@batch=8")
def _(place: Place) -> None:
    shutil.rmtree(place.run)
    place.run.write_text("")


@pytest.mark.parametrize("kind", kind.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
