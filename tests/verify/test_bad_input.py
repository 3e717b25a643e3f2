"""What `make verify` finds in a build folder, and what it and `make repeat` can't do anything with."""

from __future__ import annotations

import json

import pytest
from bad_input import FOUND, Kinds, Place, edit, flip_record, spoil_weights, without
from caffe.proto import caffe_pb2

from tools import files

kind = Kinds(lambda place: ("tools.verify", "--build", place.build), built=True)


def in_sign(net: caffe_pb2.NetParameter) -> None:
    for layer in net.layer:
        for blob in layer.blobs:
            blob.data[:] = [-value for value in blob.data]


@kind("verify: weights flipped in sign, under hashes that fit", "clips passed again through the network", FOUND)
def _(place: Place) -> None:
    spoil_weights(place, in_sign)
    summary = json.loads((place.vote / "summary.json").read_text())
    summary["caffemodel_sha256"] = files.sha256_of(place.model)
    (place.vote / "summary.json").write_text(json.dumps(summary))


kind.each(
    "verify",
    {
        "one byte of an LMDB changed": ("cnn_float_test_lmdb", lambda place: flip_record(place.test_lmdb)),
        "the prototxt of a run changed": (
            "prototxt",
            lambda place: edit(place.run / "deploy.prototxt", "shift: -137", "shift: -100"),
        ),
    },
    FOUND,
)
kind.add("verify: nothing there", "make lmdb", lambda place: ("tools.verify", "--build", place.folder / "none"))

repeat = Kinds(lambda place: ("tools.verify.repeat", place.run), built=True)
repeat.each(
    "repeat",
    {
        "a run that is not there": ("no such run", lambda place: ("tools.verify.repeat", place.folder / "none")),
        "a run of another form": ("run.json is not whole", lambda place: without(place.run / "run.json", "dropout")),
    },
)


@pytest.mark.parametrize("kind", [*kind.cases(), *repeat.cases()])
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
