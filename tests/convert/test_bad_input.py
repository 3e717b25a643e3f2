"""What `make lmdb` is given and should not be: data roots, tables, options, what stands in its way."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import HANDLED, Kinds, Place

WRITTEN = "song_int_train_lmdb"


def convert(place: Place, root: Path, *options: object) -> tuple:
    """The whole-song view of a few frames."""
    small = ("--views", "song", "--dtypes", "int", "--song-frames", 20)
    return ("tools.convert", root, "--build", place.folder / "made", *small, *options)


def table(place: Place, columns: str, row: Callable[[Path, str], str]) -> tuple:
    """A table of the songs of two genres; ``row`` writes the row of a song."""
    songs = sorted(song for genre in ("jazz", "pop") for song in (place.songs / genre).iterdir())
    rows = [row(song, song.parent.name) for song in songs]
    (place.folder / "songs.csv").write_text("\n".join([columns, *rows]), encoding="utf-8")
    return convert(place, place.folder / "songs.csv")


kind = Kinds(lambda place: convert(place, place.few_songs("jazz", "pop")))

# --- the data root ----------------------------------------------------------------------------------------------------

kind.each(
    "data root",
    {
        "missing": (
            "no such folder: name one with a folder per genre, or a table",
            lambda place: convert(place, place.folder / "none"),
        ),
        "a path with a line end, without a song": (
            "no such folder",
            lambda place: convert(place, place.folder / "one\ntwo"),
        ),
        "the folder of one genre": (
            "this is the folder of one genre: name",
            lambda place: convert(place, place.songs / "blues"),
        ),
    },
)


@kind("data root: empty", "no folder in it: name one that holds a folder per genre", fast=True)
def _(place: Place) -> tuple:
    (place.folder / "empty").mkdir()
    return convert(place, place.folder / "empty")


@kind("data root: an archive", "an archive has to be unpacked")
def _(place: Place) -> tuple:
    (place.folder / "genres.tar.gz").write_bytes(b"\x1f\x8b")
    return convert(place, place.folder / "genres.tar.gz")


@kind("data root: genre folders without a song", "no song in its genre folders")
def _(place: Place) -> tuple:
    (place.folder / "genres" / "blues").mkdir(parents=True)
    return convert(place, place.folder / "genres")


@kind("data root: one genre alone", WRITTEN, HANDLED)
def _(place: Place) -> tuple:
    return convert(place, place.few_songs("jazz"))


@kind(
    "data root: an eleventh genre without a usable song",
    "no song of polka to train on: add songs, or take the folder away",
)
def _(place: Place) -> None:
    (place.folder / "genres" / "polka").mkdir(parents=True)
    (place.folder / "genres" / "polka" / "polka.00000.wav").write_bytes(b"")


@kind("data root: a genre spelled otherwise than GTZAN's", "15 songs of 3 genres", HANDLED)
def _(place: Place) -> None:
    (place.folder / "genres").mkdir()
    (place.folder / "genres" / "Hip-Hop").symlink_to(place.songs / "hiphop")


@kind("data root: a genre of damaged songs", "no song of rock to train on")
def _(place: Place) -> tuple:
    root = place.few_songs("jazz")
    (root / "rock").mkdir()
    for number in range(5):
        (root / "rock" / f"rock.{number:05}.wav").write_bytes(b"")
    return convert(place, root)


@kind("data root: a path with spaces and more", WRITTEN, HANDLED, fast=True)
def _(place: Place) -> tuple:
    strange = place.folder / "a b\t'\"$(id);ü"
    strange.mkdir()
    return convert(place, place.few_songs("jazz", "pop").rename(strange / "genres"), "--build", strange / "build")


@kind("data root: links to links to songs", WRITTEN, HANDLED)
def _(place: Place) -> tuple:
    root = place.few_songs("jazz")
    (root / "pop").mkdir()
    for song in (place.songs / "pop").iterdir():
        (root / "pop" / song.name).symlink_to(song)
    (place.folder / "link").symlink_to("genres")
    (place.folder / "link to it").symlink_to(place.folder / "link")
    return convert(place, place.folder / "link to it")


# The rest about tables is in tests/songs/test_library.py
kind.each(
    "table",
    {
        "tabs and capitals": (
            "written to ",
            lambda place: table(place, "Path\tGenre", lambda path, genre: f"{path}\t{genre}"),
        ),
        "columns that it does not know": (
            "written to ",
            lambda place: table(place, "year,path,genre,mood", lambda path, genre: f"1999,{path},{genre},x"),
        ),
    },
    HANDLED,
)


@kind("table: empty", "no column 'path'")
def _(place: Place) -> tuple:
    (place.folder / "songs.csv").write_bytes(b"")
    return convert(place, place.folder / "songs.csv")


@kind("table: no song of it there", "there is no such file")
def _(place: Place) -> tuple:
    return table(place, "path,genre", lambda path, genre: f"gone/{path.name},{genre}")


@kind("table: of bytes that are no text", "save it as CSV in UTF-8")
def _(place: Place) -> tuple:
    (place.folder / "songs.csv").write_bytes(b"path,genre\n\xff\xfe,\x00\n")
    return convert(place, place.folder / "songs.csv")


@kind("locale: not ASCII names under LC_ALL=C", WRITTEN, HANDLED)
def _(place: Place) -> tuple:
    place.environment.update(LC_ALL="C", LANG="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    (place.folder / "ロック").mkdir()
    return convert(place, place.few_songs("jazz", "pop").rename(place.folder / "ロック" / "genres"))


@kind("locale: an unknown one", WRITTEN, HANDLED)
def _(place: Place) -> None:
    place.environment.update(LC_ALL="tlh_QO.UTF-8", LANG="tlh_QO.UTF-8")


# --- what stands in its way -------------------------------------------------------------------------------------------


@kind("make_lmdb: a build folder that is a file", "move the file that is in the way")
def _(place: Place) -> None:
    (place.folder / "made").write_text("")


@kind("make_lmdb: a build folder that is a link", "written to ", HANDLED)
def _(place: Place) -> None:
    (place.folder / "elsewhere").mkdir()
    (place.folder / "made").symlink_to("elsewhere")


@kind("make_lmdb: a build folder on a read-only disk", "give yourself access to it")
def _(place: Place) -> tuple:
    closed = place.folder / "closed"
    closed.mkdir(mode=0o555)
    # root gets in everywhere but into the sandbox's own root
    return convert(place, place.few_songs("jazz", "pop"), "--build", closed if os.geteuid() else "/usr/made")


def write_manifest(place: Place, text: str) -> None:
    folder = place.folder / "made" / "lmdb" / "song@song_frames=20"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(text)


kind.each(
    "make_lmdb",
    {
        "a manifest cut short": (WRITTEN, lambda place: write_manifest(place, '{"format": 1, "vie')),
        "a manifest of another form": (
            WRITTEN,
            lambda place: write_manifest(place, '{"format": 1, "views": 3, "data": []}'),
        ),
    },
    HANDLED,
)

# --- options ----------------------------------------------------------------------------------------------------------

options = Kinds(lambda place: convert(place, place.songs))
options.options(
    "make_lmdb",
    {
        "fold 7": (("--fold", 7), "FOLD=7"),
        "a fold of the split clip": (
            ("--split", "clip", "--fold", 1),
            "FOLD=1: the split clip has none",
        ),
        "an unknown split": (("--split", "album"), "SPLIT=album: give song, clip, "),
        "the filtered split of a subset": (("--split", "filtered"), "needs full GTZAN"),
        "an unknown view": (("--views", "cqt"), "invalid choice: 'cqt'"),
        "an unknown genre": (("--genres", "jazz polka"), "polka is none of"),
        "hop 0": (("--hop", 0), "HOP=0: give a whole number from 1"),
        "a window in words": (("--window", "wide"), "WINDOW=wide: give a whole number from 1"),
        "more bands than bins": (("--n-bands", 300, "--window", 512), "N_BANDS=300"),
        "an LSTM window that is no power of two": (("--lstm-window", 1000), "LSTM_WINDOW=1000"),
        "songs too short for the settings": (("--song-frames", 100_000), "can be used"),
        "jobs 0": (("--jobs", 0), "JOBS=0: give a whole number from 1"),
    },
)


@pytest.mark.parametrize("kind", [*kind.cases(), *options.cases()])
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
