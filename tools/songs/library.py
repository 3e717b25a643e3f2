"""Any music: a folder per genre, of any name, with songs of any name and format in it, at any depth; or a table.

A table is a CSV file with a header and the columns ``path`` (relative to the table, or absolute) and ``genre``, and
``artist`` and ``part`` (train, valid, test) where they are known. Genres are sorted by name; that is their label.
"""

from __future__ import annotations

import csv
import io
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tools.cli import UserError, printable
from tools.songs.audio import SUFFIXES
from tools.songs.contents import content_sha256
from tools.songs.tracks import LeftOut, Survey, Track

PARTS = ("train", "valid", "test")
FEWEST_GENRES, MOST_GENRES = 2, 100
UNDECIDED = "undecided"  # what is said of a song where no genre has votes enough

Song = tuple[dict[str, str], Path]  # what a table says of it, or would say: path, genre, artist, part; and its file


def genre_folders(root: Path) -> list[Path]:
    """The visible folders of a root, sorted by name."""
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def files_below(folder: Path) -> Iterator[Path]:
    """Every visible file of a folder, at any depth, sorted; links are followed, but no folder is entered twice.

    Raises OSError for a folder that may not be read: its songs would be missing without a word.
    """
    visited = set()
    for parent, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def refuse(error: OSError) -> NoReturn:
    raise error


def why_not_audio(path: Path) -> str | None:
    """The reason why a file can't be a song, by its name; None if it can."""
    if path.is_symlink() and not path.exists():
        return "a link to nothing"
    if path.suffix.lower() not in SUFFIXES:
        return f"not audio ({path.suffix or 'no suffix'})"
    return None if path.is_file() else "not a regular file"


def survey_folders(root: Path) -> Survey:
    """Look through a folder per genre by names alone. UserError for fewer than 2 genres, or more than 100."""
    songs: list[Song] = []
    strays = [path for path in sorted(root.iterdir()) if path.is_file() and not path.name.startswith(".")]
    left_out = [
        LeftOut(printable(path.name), "in no genre's folder") for path in strays if path.suffix.lower() in SUFFIXES
    ]
    for folder in genre_folders(root):
        files = list(files_below(folder))
        reasons = {path: why_not_audio(path) for path in files}
        left_out += [LeftOut(printable(path.relative_to(root)), why) for path, why in reasons.items() if why]
        placed = [(path, path.relative_to(root).as_posix()) for path, why in reasons.items() if not why]
        songs += [({"path": name, "genre": folder.name}, path) for path, name in placed]
        if not placed:
            left_out.append(LeftOut(printable(folder.name), "a folder without an audio file"))
    return survey_of(root, songs, left_out)


def unique_names(files: list[tuple[str, Path]]) -> list[str]:
    """The names of songs: where they lie, without suffix; with it where two would be equal. No file is there twice."""
    whole = [name for name, _ in files]
    names = [name[: len(name) - len(path.suffix)] for name, path in files]
    while len(set(names)) < len(names):  # of x.mp3, x.wav and x.wav.ogg the last is like the second only then
        times = Counter(names)
        names = [name if times[name] == 1 else with_suffix for name, with_suffix in zip(names, whole)]
    return names


def survey_of(root: Path, songs: list[Song], left_out: list[LeftOut]) -> Survey:
    genres = check_number(root, {row["genre"] for row, _ in songs}, left_out)
    names = unique_names([(row["path"], path) for row, path in songs])
    tracks = [
        Track(name, row["genre"], genres.index(row["genre"]), path, row.get("artist", ""), row.get("part", ""))
        for name, (row, path) in zip(names, songs)
    ]
    tracks.sort(key=lambda track: (track.label, track.track))
    return with_alike(Survey(root, False, genres, tracks, left_out))


def check_number(root: Path, genres: set[str], left_out: list[LeftOut]) -> tuple[str, ...]:
    """The genres sorted by name. UserError where they are too few, too many or not to be told apart."""
    if UNDECIDED in genres:
        raise UserError(f"{printable(root)}: a genre can't be called {UNDECIDED}, as songs without one are: rename it")
    if not FEWEST_GENRES <= len(genres) <= MOST_GENRES:
        first = f" (left out: {left_out[0].file}: {left_out[0].reason})" if left_out else ""
        raise UserError(
            f"{printable(root)}: it has songs of {len(genres)} genres{first}: "
            f"{FEWEST_GENRES} to {MOST_GENRES} are needed, with a folder for each, or in a table"
        )
    return tuple(sorted(genres))


def survey_table(table: Path) -> Survey:
    """The songs that a table names. UserError for a table that can't be read, or lacks a column."""
    songs, left_out, listed = [], [], set()
    for number, row in enumerate(read_table(table), 2):
        path = table.parent / row["path"]
        reason = why_not_listed(row, path) or ("listed twice" if row["path"] in listed else None)
        if reason:
            left_out.append(LeftOut(printable(row["path"] or f"line {number}"), reason))
        else:
            listed.add(row["path"])
            songs.append((row, path))
    return survey_of(table, songs, left_out)


def read_table(table: Path) -> list[dict[str, str]]:
    """The rows of a table, their values without spaces around them. Commas, semicolons or tabs part the columns."""
    try:
        text = table.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{printable(table)}: not a table in UTF-8: save it as CSV in UTF-8") from None
    comma = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=comma, strict=True)
    try:
        names = [name.strip().lower() for name in rows.fieldnames or []]
        for name in ("path", "genre"):
            if names.count(name) != 1:
                number = "two columns" if name in names else "no column"
                raise UserError(f"{printable(table)}: {number} '{name}': its first line has to name path and genre")
        rows.fieldnames = names
        return [{key: (value or "").strip() for key, value in row.items() if isinstance(key, str)} for row in rows]
    except csv.Error as error:
        raise UserError(f"{printable(table)}: {error}, in the row after line {rows.line_num}: mend it") from None


def why_not_listed(row: dict[str, str], path: Path) -> str | None:
    """The reason why a row names no song; None if it does."""
    if not row["path"] or not row["genre"]:
        return "a row without a path or a genre"
    if row.get("part") and row["part"] not in PARTS:
        return f"its part is '{printable(row['part'])}': give train, valid or test"
    try:
        return why_not_audio(path) if path.exists() or path.is_symlink() else "there is no such file"
    except OSError as error:  # of a name that is too long, or a folder that is shut
        return f"{error.strerror}"


def with_alike(survey: Survey) -> Survey:
    """The survey, with the songs that are alike byte for byte: only files of one size are read."""
    of_size: dict[int, list[Track]] = defaultdict(list)
    for track in survey.tracks:
        of_size[track.path.stat().st_size].append(track)
    first: dict[str, str] = {}
    for size, tracks in of_size.items():
        for track in tracks if size and len(tracks) > 1 else []:
            key = content_sha256(track.path, f"{track.path}: unread")
            if key in first:
                survey.alike[track.track] = first[key]
            first.setdefault(key, track.track)
    return survey
