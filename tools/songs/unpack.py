"""The songs of a downloaded archive, onto disk: nothing else of it, and nowhere else."""

from __future__ import annotations

import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Callable

from tqdm import tqdm

from tools.cli import printable
from tools.songs.gtzan import GENRES

SONG = re.compile(rf"(?:.*/)?(?P<genre>{'|'.join(GENRES)})/(?P<name>(?P=genre)\.[0-9]{{5}}\.(?:wav|au|flac))")
# A song of 30 s is 1.3 MB.
LARGEST_SONG = 64 << 20


class BadArchiveError(Exception):
    """An archive that is damaged or not to be trusted; the message says why in a few words."""


@dataclass(frozen=True)
class Member:
    """One entry of a tar or zip archive. ``open`` is None for all but regular files."""

    name: str
    size: int
    is_folder: bool
    open: Callable[[], IO[bytes] | None] | None  # None for a folder, a link, a device


def unpack_songs(archive: Path, genres: Path, largest: int) -> list[Path]:
    """Write the songs of a tar or zip archive to ``genres``/<genre>/<genre>.NNNNN.<suffix> and return their paths.

    Whatever lies above the genre's folder in the archive is dropped, other files are passed over.
    Raises BadArchiveError for a damaged archive, one without a song, and one with anything that an honest one has no
    use for: paths that lead out of it, links, devices, songs of enormous size or twice the same, or more than
    ``largest`` bytes of songs.
    """
    songs, size = [], 0
    try:
        for member in tqdm(members(archive), "unpack", unit="file", disable=None):
            refuse_hostile(member)
            song = SONG.fullmatch(member.name)
            if song and member.open:
                size += member.size
                if size > largest:
                    raise BadArchiveError(f"more than {largest / 1e6:,.0f} MB of songs in it")
                songs.append(genres / song["genre"] / song["name"])
                write_song(member, songs[-1])
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError) as error:
        raise BadArchiveError(f"damaged: {error}") from error
    except OSError as error:
        # gzip and bz2 report damage as an OSError without a number; one with a number is the file system's.
        if error.errno is not None:
            raise
        raise BadArchiveError(f"damaged: {error}") from error
    if not songs:
        raise BadArchiveError("no song named <genre>/<genre>.NNNNN.wav, .au or .flac in it")
    return songs


def members(archive: Path) -> Iterator[Member]:
    """The entries of an archive, in its own order."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for item in zipped.infolist():
                kind = stat.S_IFMT(item.external_attr >> 16)
                regular = not item.is_dir() and kind in (0, stat.S_IFREG)
                opened = partial(zipped.open, item) if regular else None
                yield Member(item.filename, item.file_size, item.is_dir(), opened)
        return
    if not is_tarfile(archive):
        raise BadArchiveError("neither a tar nor a zip archive")
    with tarfile.open(archive) as tar:
        for entry in tar:
            extract = partial(tar.extractfile, entry) if entry.isreg() else None
            yield Member(entry.name, entry.size, entry.isdir(), extract)
        # tarfile takes a damaged header for the end; only at the real one does gzip compare its checksum.
        while tar.fileobj and tar.fileobj.read(1 << 20):
            pass


def is_tarfile(archive: Path) -> bool:
    try:
        return tarfile.is_tarfile(archive)
    except (EOFError, zlib.error, lzma.LZMAError):
        return False


def refuse_hostile(member: Member) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise BadArchiveError(f"{printable(member.name)} leads out of the archive")
    if member.open is None and not member.is_folder:
        raise BadArchiveError(f"{printable(member.name)} is neither a file nor a folder")


def write_song(member: Member, path: Path) -> None:
    if member.size > LARGEST_SONG:
        raise BadArchiveError(f"{printable(member.name)} is {member.size} bytes large")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        content = member.open() if member.open else None
        if content is None:
            raise BadArchiveError(f"{printable(member.name)} is no file")
        with content as source, path.open("xb") as file:
            file.write(source.read(LARGEST_SONG))
    except FileExistsError:
        raise BadArchiveError(f"{printable(member.name)} is in it twice") from None
