"""GTZAN on disk: its genres, how its songs are named, who made them, and which songs a copy of it holds.

A copy holds a folder per genre with ``<genre>.NNNNN.{wav,au,flac}``. An odd file is left out and named with the reason.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools import paths
from tools.cli import printable
from tools.settings import GTZAN_GENRES
from tools.songs.tracks import LeftOut, Survey, Track

GENRES = GTZAN_GENRES  # in order of label
SONGS_A_GENRE = 100
# In order of preference where a song is there in several formats.
SUFFIXES = (".wav", ".au", ".flac")
ARTISTS = paths.DATA / "artists.csv"


def is_song_name(track: str) -> bool:
    """Whether a name is one of GTZAN's, as blues.00000."""
    genre, _, number = track.rpartition(".")
    return genre in GENRES and re.fullmatch(r"[0-9]{5}", number) is not None


def number_of(track: str) -> int:
    """37 of blues.00037."""
    return int(track.rpartition(".")[2])


def survey_gtzan(root: Path) -> Survey:
    """Look through a copy of GTZAN by names alone; no song is opened."""
    tracks, left_out = [], list(misnamed_folders(root))
    for label, genre in enumerate(GENRES):
        songs, odd = survey_genre(root / genre, label)
        tracks += songs
        left_out += odd
    return Survey(root, True, GENRES, tracks, left_out)


def misnamed_folders(root: Path) -> Iterator[LeftOut]:
    """What is named for a genre and is no folder, and folders with another spelling of one, as Hip-Hop."""
    for path in sorted(root.iterdir()):
        genre = re.sub("[^a-z]", "", path.name.lower())
        if path.name in GENRES and not path.is_dir():
            yield LeftOut(path.name, "not a folder")
        elif path.name not in GENRES and genre in GENRES and path.is_dir():
            yield LeftOut(printable(path.name), f"not spelled {genre}")


def survey_genre(folder: Path, label: int) -> tuple[list[Track], list[LeftOut]]:
    """The songs of one genre's folder, sorted by name, and what might be taken for songs and is not."""
    songs: dict[str, Track] = {}
    left_out = []
    candidates = [path for path in folder.iterdir() if looks_like_a_song(path)] if folder.is_dir() else []
    by_preference = {suffix: place for place, suffix in enumerate(SUFFIXES)}
    candidates.sort(key=lambda path: (path.stem, by_preference.get(path.suffix.lower(), len(SUFFIXES)), path.name))
    for path in candidates:
        reason = why_not_a_song(path)
        if reason is None and path.stem in songs:
            reason = f"the same song as {songs[path.stem].path.name}, which is taken"
        if reason is None:
            songs[path.stem] = Track(path.stem, folder.name, label, path, artists().get(path.stem, ("", 0))[0])
        else:
            left_out.append(LeftOut(printable(f"{folder.name}/{path.name}"), reason))
    return list(songs.values()), left_out


def looks_like_a_song(path: Path) -> bool:
    """By its name alone. Hidden files never do: archives packed on a Mac bring one for each song."""
    named_for_the_genre = path.name.startswith(f"{path.parent.name}.")
    return not path.name.startswith(".") and (named_for_the_genre or path.suffix.lower() in SUFFIXES)


def why_not_a_song(path: Path) -> str | None:
    """The reason why a file in a genre's folder can't be one of its songs; None if it can."""
    genre, suffix = path.parent.name, path.suffix.lower()
    if path.is_symlink() and not path.exists():
        return "a link to nothing"
    if suffix not in SUFFIXES:
        return "not a .wav, .au or .flac file"
    if not path.is_file():
        return "a folder, not a file" if path.is_dir() else "not a regular file"
    if not re.fullmatch(rf"{genre}\.[0-9]{{5}}", path.stem):
        return f"not named {genre}.NNNNN{suffix}"
    return None


@cache
def artists() -> dict[str, tuple[str, int]]:
    """The artist, a number, and the fold (0 to 2) of each song that the published artist-filtered folds have.

    Foleis and Tavares 2020, after Sturm's index of GTZAN's artists (data/README.md).
    """
    with ARTISTS.open(newline="", encoding="utf-8") as lines:
        return {row["track"]: (row["artist"], int(row["fold"]) - 1) for row in csv.DictReader(lines)}
