"""What `make classify` is given and should not be: options, a model, songs of every bad kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bad_audio
import pytest
from bad_input import Kinds, Place

NO_SONG = "give audio files, as mp3"


def hear(place: Place, song: Path, *arguments: object) -> tuple:
    return ("tools.classify", song, "--build", place.build, *arguments)


kind = Kinds(lambda place: hear(place, place.songs / "jazz" / "jazz.00000.wav"))
kind.options(
    "classify",
    {
        "threshold 0": (("--threshold", 0), "THRESHOLD=0"),
        "threshold 16": (("--threshold", 16), "THRESHOLD=16"),
        "threshold x": (("--threshold", "x"), "THRESHOLD=x: give a whole number"),
        "a model that is not there": (("--model", "/none"), "/none: no such run: name"),
        "an iteration that is not there": (("--iteration", 99), "choose ITERATION= from 1"),
        "a setting beside a run": (("--run", "r", "--net", "rcnn"), "NET= beside RUN=r: a run has its own settings"),
        "a net that there is not": (("--net", "transformer"), "NET is one of"),
    },
    linked=True,
)


@kind("classify: a model whose run.json is of another form", "is a run of an earlier form")
def _(place: Place) -> tuple:
    place.run.mkdir(parents=True)
    (place.run / "run.json").write_text('{"net": 3, "split": 3, "view": 3, "dtype": 3, "bands": 3, "lmdb": 3}')
    return (*kind.call(place), "--model", place.run)


kind.add("classify: a song that is not there", NO_SONG, lambda place: hear(place, place.folder / "none.wav"))


@kind("classify: a folder without a song", "no audio file in this folder")
def _(place: Place) -> tuple:
    (place.folder / "empty").mkdir()
    return hear(place, place.folder / "empty")


# Each kind of bad song on its own, as a user drops it on the page or names it on the command line
LONG_ENOUGH = ("cut short in its data", "a sample short", "numbered with letters")
OF_A_FOLDER = ("two files of one song", "of another suffix")
for name, (put, fate) in bad_audio.KINDS.items():
    if fate == bad_audio.USED or "name" in name or name in (*LONG_ENOUGH, *OF_A_FOLDER):
        continue

    @kind(f"classify: a song: {name}", NO_SONG, fast=name == "text")
    def _(place: Place, put: Callable = put) -> tuple:
        song = place.folder / "rock.00001.wav"
        put(song)
        return hear(place, song / "x" if song.is_dir() else song)


@pytest.mark.parametrize("kind", kind.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
