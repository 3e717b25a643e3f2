"""What `make check-data` and the maker of synthetic songs are given and should not be."""

from __future__ import annotations

import pytest
from bad_input import Kinds, Place


def synth(place: Place) -> tuple:
    return ("tools.songs.synthetic", "--out", place.folder / "genres", "--songs", 1)


kinds = Kinds(synth)
kinds.options(
    "synth",
    {
        "0 songs": (("--songs", 0), "not a number from 1 to 100"),
        "101 songs": (("--songs", 101), "not a number from 1 to 100"),
        "a negative seed": (("--seed", -1), "-1: not a whole number from 0"),
    },
)
kinds.add(
    "synth: a folder of someone's songs", "not made by this tool", lambda place: place.few_songs("jazz"), fast=True
)
kinds.add(
    "synth: a file in place of the folder",
    "not a folder: name another by --out",
    lambda place: (place.folder / "genres").write_text(""),
)
kinds.add("check of a data root that is none", "no such folder", lambda place: ("tools.songs", place.folder / "none"))


@pytest.mark.parametrize("kind", kinds.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
