"""Data roots: GTZAN, a folder per genre of any music, or a table; and whether two are the same songs.

A root that can't be used at all is a UserError; a single odd file is left out and named with the reason.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tqdm import tqdm

from tools.cli import UserError, printable
from tools.settings import quoted
from tools.songs import contents
from tools.songs.gtzan import GENRES, SUFFIXES, is_song_name, survey_gtzan
from tools.songs.library import files_below, genre_folders, survey_folders, survey_table, why_not_audio
from tools.songs.tracks import Survey

# Where the genre folders lie in a root that was given a level or two too high, as archives unpack.
INNER_ROOTS = (".", "genres", "genres_original", "Data/genres_original", "Data")


def survey(root: Path) -> Survey:
    """Look through a data root by names; of other music than GTZAN, files of one size are compared, too.

    Raises UserError if the root is missing, or has no song in a genre's folder.
    """
    if not root.exists():
        raise UserError(
            f"{printable(root)}: no such folder: name one with a folder per genre, or a table, or type 'make data'"
        )
    if root.is_file():
        if root.suffix.lower() not in (".csv", ".tsv", ".txt"):
            raise UserError(
                f"{printable(root)}: neither a folder nor a table (.csv): name one; an archive has to be unpacked first"
            )
        return survey_table(root)
    root = locate_root(root)
    found = survey_gtzan(root) if is_gtzan(root) else survey_folders(root)
    if not found.tracks:
        first = f": {found.left_out[0].file} is {found.left_out[0].reason}" if found.left_out else ""
        raise UserError(f"{printable(root)}: no song in its genre folders{first}: put audio files into them")
    return found


def locate_root(root: Path) -> Path:
    """The folder that holds the genre folders: ``root`` itself, or where archives of GTZAN keep them in it."""
    for inner in INNER_ROOTS:
        if any((root / inner / genre).is_dir() for genre in GENRES):
            return root / inner
    if root.resolve().name in GENRES and not genre_folders(root):
        above = printable(root.resolve().parent)
        raise UserError(f"{printable(root)}: this is the folder of one genre: name the one above it, {above}")
    if not genre_folders(root):
        raise UserError(
            f"{printable(root)}: no folder in it: name one that holds a folder per genre, as blues or techno"
        )
    return root


def is_gtzan(root: Path) -> bool:
    """Whether every folder with songs has one of the ten names, and most songs are named as GTZAN's.

    What is in another format is not, as GTZAN made into mp3: that is any music.
    """
    songs = [path for folder in genre_folders(root) for path in files_below(folder) if why_not_audio(path) is None]
    folders = {path.relative_to(root).parts[0] for path in songs}
    named = sum(is_song_name(path.stem) and path.suffix.lower() in SUFFIXES for path in songs)
    no_song = not songs and all(folder.name in GENRES for folder in genre_folders(root))
    return no_song or (folders <= set(GENRES) and 2 * named > len(songs))


def check_genres(names: tuple[str, ...], genres: tuple[str, ...]) -> tuple[str, ...]:
    """The ``genres`` of a root that GENRES= names, in order of label; all of them where it names none.

    UserError for what is no list of two of them or more. It shows them as they can be typed.
    """
    if not names:
        return genres
    setting, choice = (printable(" ".join(map(quoted, listed))) for listed in (names, genres))
    unknown = sorted(set(names) - set(genres))
    if unknown:
        raise UserError(f"GENRES='{setting}': {printable(unknown[0])} is none of {choice}")
    if len(names) == 1:
        raise UserError(f"GENRES='{setting}': one genre is nothing to tell apart: name two or more of {choice}")
    return tuple(genre for genre in genres if genre in names)


def fingerprint(root: Path, build: Path | None = None) -> str:
    """sha256 over the names and contents of the songs of a data root: a copy of it has the same, another state has not.

    What is left out, and what may not be read, is part of it: once that is mended, it counts. Songs that were read for
    the folder ``build`` are not read again where nothing has touched them.
    """
    with contents.remembered(build):
        found = survey(root)
        songs = tqdm(found.tracks, "read", unit="song", disable=None, delay=1, leave=False)
        return digest_of(found, {track.path: contents.content_sha256(track.path, "shut") for track in songs})


def earlier_fingerprint(root: Path) -> str:
    """The former kind of `fingerprint`, over names, sizes and times of the songs. Older records still hold it."""
    found = survey(root)
    told = {}
    for track in found.tracks:
        status, shut = track.path.stat(), "" if os.access(track.path, os.R_OK) else "\0shut"
        told[track.path] = f"{status.st_size}\0{status.st_mtime_ns}{shut}"
    return digest_of(found, told)


def digest_of(found: Survey, told: dict[Path, str]) -> str:
    """sha256 over what is ``told`` of each song, its name, what is known of it, and what is left out."""
    base = found.root if found.root.is_dir() else found.root.parent
    digest = hashlib.sha256()
    for track in found.tracks:
        name = os.path.relpath(track.path, base)
        known = "" if found.is_gtzan else f"\0{track.genre}\0{track.artist}\0{track.part}"
        digest.update(f"{name}\0{told[track.path]}{known}\n".encode("utf-8", "surrogateescape"))
    for odd in found.left_out:
        digest.update(f"{odd.file}\0{odd.reason}\n".encode())
    return digest.hexdigest()


def is_of(root: Path, expected: str, build: Path | None = None) -> bool:
    """Whether the songs of ``root`` have the fingerprint ``expected``, be it of the present or of the former kind."""
    return expected == fingerprint(root, build) or expected == earlier_fingerprint(root)


def check_same_songs(root: Path, expected: str, made: Path, build: Path | None = None) -> None:
    """UserError unless the songs of ``root`` have the fingerprint ``expected``: those that ``made`` was made of."""
    if not is_of(root, expected, build):
        raise UserError(
            f"{printable(root)} holds other songs than {made} was made of: name those, or start again with 'make lmdb'"
        )
