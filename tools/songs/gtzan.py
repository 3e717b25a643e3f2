"""The data set on disk: its genres, and which songs a data root holds.

A data root holds a folder per genre with ``<genre>.NNNNN.{wav,au,flac}``. A root that can't be used at all is a
UserError; a single odd file is left out and named with the reason.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.cli import UserError, printable

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
SONGS_A_GENRE = 100
# In order of preference where a song is there in several formats.
SUFFIXES = (".wav", ".au", ".flac")
# Where the genre folders lie in a root that was given a level or two too high, as archives unpack.
INNER_ROOTS = (".", "genres", "genres_original", "Data/genres_original", "Data")


@dataclass(frozen=True)
class Track:
    """A song: ``track`` is its name (blues.00000), ``label`` its genre's place in GENRES, ``path`` its file."""

    track: str
    genre: str
    label: int
    path: Path

    @property
    def number(self) -> int:
        return int(self.track.rpartition(".")[2])


@dataclass(frozen=True)
class LeftOut:
    """A file or folder of the data root that is no song, and why. ``file`` is relative to the root and printable."""

    file: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """What a data root holds: ``root`` is where the genre folders lie, ``tracks`` are sorted by label, then name."""

    root: Path
    tracks: list[Track]
    left_out: list[LeftOut]


def find_tracks(root: Path) -> list[Track]:
    """The songs of a data root, sorted by label, then by name; what `survey` leaves out is not among them.

    Raises UserError where `survey` does.
    """
    return survey(root).tracks


def survey(root: Path) -> Survey:
    """Look through a data root by names alone; no song is opened.

    Raises UserError if the root is missing, has no folder named for a genre, or no song in any of them.
    """
    root = locate_root(root)
    tracks, left_out = [], list(misnamed_folders(root))
    for label, genre in enumerate(GENRES):
        songs, odd = survey_genre(root / genre, label)
        tracks += songs
        left_out += odd
    if not tracks:
        first = f": {left_out[0].file} is {left_out[0].reason}" if left_out else ""
        raise UserError(f"{printable(root)}: no song named <genre>.NNNNN.wav, .au or .flac in its genre folders{first}")
    return Survey(root, tracks, left_out)


def locate_root(root: Path) -> Path:
    """The folder that holds the genre folders: ``root`` itself, or where archives of GTZAN keep them in it."""
    root = Path(root)
    remedy = "name the folder that holds blues/ to rock/"
    if not root.exists():
        raise UserError(f"{printable(root)}: no such folder: {remedy}, or type 'make data'")
    if not root.is_dir():
        raise UserError(f"{printable(root)}: not a folder: {remedy} (an archive has to be unpacked)")
    for inner in INNER_ROOTS:
        if any((root / inner / genre).is_dir() for genre in GENRES):
            return root / inner
    if root.resolve().name in GENRES:
        raise UserError(f"{printable(root)}: the folder of one genre: name {printable(root.resolve().parent)} above it")
    raise UserError(f"{printable(root)}: no folder in it is named for a genre, as blues or hiphop: {remedy}")


def misnamed_folders(root: Path) -> Iterator[LeftOut]:
    """What is named for a genre and is no folder, folders with another spelling of one, as Hip-Hop, and folders with
    songs of an eleventh. Others are no concern.
    """
    for path in sorted(root.iterdir()):
        genre = re.sub("[^a-z]", "", path.name.lower())
        if path.name in GENRES and not path.is_dir():
            yield LeftOut(path.name, "not a folder")
        elif path.name not in GENRES and genre in GENRES and path.is_dir():
            yield LeftOut(printable(path.name), f"not spelled {genre}")
        elif path.name not in GENRES and path.is_dir() and holds_songs(path):
            yield LeftOut(printable(path.name), "none of the ten genres")


def holds_songs(folder: Path) -> bool:
    """Whether a folder has songs named for it, as GTZAN names them. One that can't be looked into has none."""
    try:
        return any(re.fullmatch(r".+\.[0-9]{5}", path.stem) and looks_like_a_song(path) for path in folder.iterdir())
    except OSError:
        return False


def survey_genre(folder: Path, label: int) -> tuple[list[Track], list[LeftOut]]:
    """The songs of one genre's folder, sorted by name, and what might be taken for songs and is not."""
    songs: dict[str, Track] = {}
    left_out = []
    candidates = [path for path in folder.iterdir() if looks_like_a_song(path)] if folder.is_dir() else []
    for path in sorted(candidates, key=by_name_then_preference):
        reason = why_not_a_song(path)
        if reason is None and path.stem in songs:
            reason = f"the same song as {songs[path.stem].path.name}, which is taken"
        if reason is None:
            songs[path.stem] = Track(path.stem, folder.name, label, path)
        else:
            left_out.append(LeftOut(printable(f"{folder.name}/{path.name}"), reason))
    return list(songs.values()), left_out


def looks_like_a_song(path: Path) -> bool:
    """By its name alone. Hidden files never do: archives packed on a Mac bring one for each song."""
    named_for_the_genre = path.name.startswith(f"{path.parent.name}.")
    return not path.name.startswith(".") and (named_for_the_genre or path.suffix.lower() in SUFFIXES)


def by_name_then_preference(path: Path) -> tuple[str, int, str]:
    suffix = path.suffix.lower()
    return path.stem, SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES), path.name


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


def check_genres(genres: tuple[str, ...]) -> tuple[str, ...]:
    """The genres that GENRES= names, in order of label; all ten as (), which is the default.

    UserError for what is no list of two genres or more.
    """
    setting = f'GENRES="{printable(" ".join(genres))}"'
    unknown = sorted(set(genres) - set(GENRES))
    if unknown:
        raise UserError(f"{setting}: {printable(unknown[0])} is none of {' '.join(GENRES)}")
    if len(genres) == 1:
        raise UserError(f"{setting}: one genre is nothing to tell apart: name two or more of {' '.join(GENRES)}")
    return () if len(genres) in (0, len(GENRES)) else tuple(genre for genre in GENRES if genre in genres)


def fingerprint(root: Path) -> str:
    """sha256 over the names, sizes and times of the songs of a data root, so that another state of it is told apart.

    What is left out, and what may not be read, is part of it: once that is mended, it counts.
    """
    found = survey(root)
    digest = hashlib.sha256()
    for track in found.tracks:
        status = track.path.stat()
        name = track.path.relative_to(found.root).as_posix()
        shut = "" if os.access(track.path, os.R_OK) else "\0shut"
        digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}{shut}\n".encode())
    for odd in found.left_out:
        digest.update(f"{odd.file}\0{odd.reason}\n".encode())
    return digest.hexdigest()


def check_same_songs(root: Path, expected: str, made: str) -> None:
    """UserError unless the songs of ``root`` have the fingerprint ``expected``: those that ``made`` was made of."""
    if fingerprint(root) != expected:
        raise UserError(
            f"{printable(root)} holds other songs than {made} was made of: type 'make lmdb' first, or leave GTZAN out"
        )
