"""A prototxt that training is given and should not be: of a network, of its deploy net, of its solver."""

from __future__ import annotations

import shutil

import pytest
from bad_input import HANDLED, Kinds, Place, edit

kind = Kinds(lambda place: (*place.command("tools.train"), "--ranks", 1, "--iters", 2), built=True)

NETWORK = {
    "a typo": ("convolution_param", "convolutoin_param", "mend that line"),
    "an unknown layer": ('"Convolution"', '"Convulsion"', "of unknown type 'Convulsion'"),
    "a blob that nothing makes": ('bottom: "conv1"', 'bottom: "conv0"', "conv0"),
    "a brace too few": ("convolution_param {", "convolution_param", "mend that line"),
    "a number in words": ("num_output: 32", "num_output: many", "mend that line"),
    "a negative number": ("num_output: 32", "num_output: -32", "mend that line"),
    "no output": ("num_output: 32", "num_output: 0", "num_output"),
    "a kernel larger than the input": ("kernel_size: 5", "kernel_size: 500", "complex_cnn"),
    "a mean file, which deploy can't subtract": ("mean_value: 137", 'mean_file: "mean"', "and nothing else"),
    "a filler that there is not": ('type: "msra"', 'type: "magic"', "magic"),
}
for name, (old, new, words) in NETWORK.items():

    @kind(f"prototxt: {name}", words, fast=name == "a blob that nothing makes")
    def _(place: Place, old: str = old, new: str = new) -> None:
        shutil.rmtree(place.run)
        for file in (place.prototxt() / "train_val.prototxt", place.prototxt() / "deploy.prototxt"):
            file.write_text(file.read_text().replace(old, new, 1))


# What leaves the weights as they are, and what they are used for another
DEPLOY = {
    "another pooling": ("pool: MAX", "pool: AVE", "its layer 'pool1' is not that of train_val.prototxt"),
    "a layer less": ('type: "ReLU"', 'type: "AbsVal"', "its layer 'relu1' is not that of train_val.prototxt"),
}
for name, (old, new, words) in DEPLOY.items():

    @kind(f"prototxt: a deploy net of {name}", words)
    def _(place: Place, old: str = old, new: str = new) -> None:
        edit(place.prototxt() / "deploy.prototxt", old, new)


CODE = 'layer { name: "mine" type: "%s" bottom: "data" top: "mine" python_param { module: "os" layer: "x" } }'
for layer in ("Python", "HDF5Output", "ImageData"):
    for file in ("train_val", "deploy"):

        @kind(f"prototxt: a layer {layer} in {file}", "which runs code or touches files")
        def _(place: Place, file: str = file, layer: str = layer) -> None:
            prototxt = place.prototxt() / f"{file}.prototxt"
            prototxt.write_text(f"{prototxt.read_text()}\n{CODE % layer}\n")


@kind("prototxt: fewer outputs than genres", "done, iteration 2", HANDLED)
def _(place: Place) -> None:
    shutil.rmtree(place.run)
    for file in ("train_val", "deploy"):
        edit(place.prototxt() / f"{file}.prototxt", "num_output: 10", "num_output: 4")


@kind("prototxt: another one than the run began with", "was begun with another prototxt")
def _(place: Place) -> None:
    for name in ("train_val", "deploy"):
        edit(place.prototxt() / f"{name}.prototxt", "num_output: 32", "num_output: 31")


@kind("prototxt: a solver of an unknown kind", "AdaMagic")
def _(place: Place) -> None:
    shutil.rmtree(place.run)
    file = place.prototxt() / "solver.prototxt"
    file.write_text(file.read_text() + '\ntype: "AdaMagic"\n')


kind.each(
    "prototxt",
    {
        "without a Data layer": (
            "has no Data layer",
            lambda place: (place.prototxt() / "train_val.prototxt").write_text('name: "none"\n'),
        ),
        "bytes that are no text": (
            "mend that line",
            lambda place: (place.prototxt() / "train_val.prototxt").write_bytes(b"\xff\xfe\x00"),
        ),
        "no deploy net": (
            "deploy.prototxt does not exist",
            lambda place: (place.prototxt() / "deploy.prototxt").unlink(),
        ),
        "a solver with a typo": (
            "solver.prototxt",
            lambda place: edit(place.prototxt() / "solver.prototxt", "momentum:", "momemtum:"),
        ),
    },
)


@pytest.mark.parametrize("kind", kind.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
