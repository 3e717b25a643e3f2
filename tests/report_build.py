"""A build folder with genuine runs and votes of a few iterations, for the tests of the report and of verify."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import done, shared

from tools.nets import drawing

# net, split, iterations, what else
RUNS = (
    ("complex_cnn", "song", 2, ()),
    ("complex_cnn", "clip", 2, ()),
    ("complex_cnn", "song", 2, ("--dtype", "int")),
    ("lstm", "song", 2, ()),
)

SHAPES: dict[bytes, dict[str, list[int]]] = {}


@pytest.fixture(scope="module", autouse=True)
def shapes_told_once() -> Iterator[None]:
    """For a report, Caffe tells the shapes of each network in a process of its own: once for all these reports."""
    tell = drawing.blob_shapes

    def remember(deploy: Path) -> dict[str, list[int]]:
        text = deploy.read_bytes()
        if not SHAPES.get(text):
            SHAPES[text] = tell(deploy)
        return SHAPES[text]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "blob_shapes", remember)
        yield


def empty_build() -> Path:
    """A build folder with a report, made of nothing."""
    return shared("empty_build", lambda build: done("tools.report", "--build", build))


def filled_build(songs: Path) -> Path:
    """A build folder with songs, LMDBs, the runs of RUNS with their votes, and the report of them."""

    def make(build: Path) -> None:
        root = build / "synthetic" / "genres"
        shutil.copytree(songs, root)
        done("tools.convert", root, "--split", "song", "--views", "cnn", "lstm", "--build", build)
        done("tools.convert", root, "--split", "clip", "--views", "cnn", "--dtypes", "float", "--build", build)
        for net, split, iterations, options in RUNS:
            named = ["--net", net, "--split", split, *options, "--build", build]
            done("tools.train", *named, "--iters", iterations, "--ranks", 1)
            done("tools.vote", *named, "--iteration", iterations)
        done("tools.report", "--build", build)

    return shared("filled_build", make)


ODD_GENRES = (
    "рок и джаз",
    '<b>"a" & c',
    "$x_1$",
    "a name of a genre that no picture has the room for",
    "techno",
)
MANY_GENRES = tuple(f"genre {k:02}" for k in range(32))


def music_build() -> Path:
    """A build folder with runs and votes on music that is not GTZAN: five genres of odd names, and 32."""

    def make(build: Path) -> None:
        for genres, split, net in ((ODD_GENRES, "song", "complex_cnn"), (MANY_GENRES, "clip", "simple_cnn")):
            root = build / f"{len(genres)} genres"
            write_songs(root, genres)
            named = ["--split", split, "--clips-a-song", 2, "--build", build]
            done("tools.convert", root, "--views", "cnn", "--dtypes", "float", *named)
            done("tools.train", "--net", net, "--batch", 8, *named, "--iters", 2, "--ranks", 1)
            done("tools.vote", "--net", net, "--batch", 8, *named)
        done("tools.report", "--build", build)

    return shared("music_build", make)


def write_songs(root: Path, genres: tuple[str, ...]) -> None:
    """Five songs of noise a genre, of two clips each."""
    random = np.random.default_rng(5)
    for genre in genres:
        (root / genre).mkdir(parents=True)
        for song in range(5):
            soundfile.write(root / genre / f"{song}.wav", random.normal(0, 0.1, 90_000), 22050)
