"""LMDBs of Datums, written and read.

A record's key is ``%08d_<track>_<clip>``, its value a Datum. Caffe's Data layer reads an LMDB in the order of its keys
and never shuffles, so the number in front is the order that training sees.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

import lmdb
import numpy as np

from tools.cli import UserError
from tools.convert.datum import parse
from tools.files import marks_of, read_dict, sha256_of, whole_folder

KEY = re.compile(r"\d{8}_(?P<track>.+)_(?P<clip>\d{2,})", re.DOTALL)
NAME_BYTES = 400
MAP_SIZE = 1 << 26  # doubled whenever it is full
TRANSACTION = 1 << 22  # bytes written at a time
ENVIRONMENTS: WeakValueDictionary[tuple[int, int], lmdb.Environment] = WeakValueDictionary()  # open now, by inode


@dataclass(frozen=True)
class Record:
    """One clip of an LMDB. ``array`` is (channels, height, width), uint8 or float32."""

    key: str
    track: str
    clip: int
    array: np.ndarray
    label: int


def record_key(number: int, track: str, clip: int) -> str:
    return f"{number:08d}_{short_name(track)}_{clip:02d}"


def short_name(track: str) -> str:
    """The name of a track as keys have it: LMDB's have room for 511 bytes."""
    whole = track.encode("utf-8", "surrogateescape")
    if len(whole) <= NAME_BYTES and "\0" not in track:
        return whole.decode("utf-8", "backslashreplace")
    digest = hashlib.sha256(whole).hexdigest()[:8]
    return f"{whole[: NAME_BYTES - 9].decode('utf-8', 'ignore')}~{digest}"


def write_lmdb(path: Path, records: Iterable[tuple[str, bytes]], map_size: int = MAP_SIZE) -> None:
    """Write (key, Datum bytes) records, in ascending order of their keys, to an LMDB that takes the place of any old.

    It is made aside and renamed. Raises OSError where the file system refuses, as when the disk is full.
    """
    with whole_folder(path) as aside:
        try:
            # Nobody else knows of this folder yet, and one flush at the end is enough for it.
            with lmdb.open(str(aside), map_size=map_size, lock=False, sync=False, metasync=False) as environment:
                for batch in batches(records):
                    put(environment, batch)
                    batch.clear()  # else it would be held while the next one is gathered
                environment.sync(True)
        except lmdb.Error as error:
            # What LMDB says of a full disk is 'input/output error'.
            full = shutil.disk_usage(aside).free < TRANSACTION
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path)) from None


def batches(records: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """The records in lists of about `TRANSACTION` bytes."""
    batch, size = [], 0
    for record in records:
        batch.append(record)
        size += len(record[1])
        if size >= TRANSACTION:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def put(environment: lmdb.Environment, batch: list[tuple[str, bytes]]) -> None:
    """Write one batch in one transaction; where the map is full, again in one of twice the size."""
    while True:
        try:
            with environment.begin(write=True) as transaction:
                for key, value in batch:
                    # Appending fills the pages; keys out of order would be refused.
                    if not transaction.put(key.encode(), value, append=True):
                        raise ValueError(f"key {key} is not above the one before it")
            return
        except lmdb.MapFullError:
            environment.set_mapsize(2 * environment.info()["map_size"])


@contextmanager
def opened(path: Path) -> Iterator[lmdb.Environment]:
    """An LMDB, opened to be read without a lock, so that it may lie on a read-only disk and be read by others too.

    Raises UserError for one that is missing, cut short, damaged or no LMDB, at any time that it is read.
    """
    file = path / "data.mdb"
    if not file.is_file():
        what = "a folder without an LMDB (data.mdb) in it" if path.is_dir() else "there is no such LMDB"
        raise UserError(f"{path}: {what}: type 'make lmdb' with the same settings first")
    if not os.access(file, os.R_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
    if not is_as_recorded(file, marks_of(file)):
        raise UserError(f"{path}: damaged: its bytes are not those that its manifest says: type 'make lmdb' again")
    try:
        environment = shared_environment(path, file.stat())
        # Its pages are mapped: to read past the end of the file would kill the process.
        pages = environment.info()["last_pgno"] + 1
        if file.stat().st_size < pages * environment.stat()["psize"]:
            raise UserError(f"{path}: cut short: remove it and type 'make lmdb' again")
        yield environment
    except lmdb.Error as error:
        reason = str(error).replace(f"{path}: ", "")
        raise UserError(f"{path}: damaged, or not an LMDB ({reason}): remove it and type 'make lmdb' again") from None


@lru_cache(maxsize=64)
def is_as_recorded(file: Path, _marks: tuple[int, ...]) -> bool:
    """Whether data.mdb has the hash that the manifest beside its LMDB says; True without a manifest.

    The hash is taken again when the file changes. Damaged pages would end this process once they are mapped.
    """
    try:
        expected = read_dict(file.parent.parent / "manifest.json")["files_sha256"][f"{file.parent.name}/{file.name}"]
    except (KeyError, TypeError):
        return True
    return sha256_of(file) == expected


def shared_environment(path: Path, status: os.stat_result) -> lmdb.Environment:
    """The one environment that a process may have of an LMDB, however many read it; it closes after the last."""
    identity = (status.st_dev, status.st_ino)
    environment = ENVIRONMENTS.get(identity)
    if environment is None:
        environment = lmdb.open(str(path), readonly=True, lock=False, create=False)
        ENVIRONMENTS[identity] = environment
    return environment


def read_lmdb(path: Path) -> Iterator[Record]:
    """The records of an LMDB in the order of their keys. Raises UserError as `opened` and `read_record`."""
    with opened(path) as environment, environment.begin() as transaction:
        for key, value in transaction.cursor():
            yield read_record(path, key, value)


def read_record(path: Path, key: bytes, value: bytes) -> Record:
    """One record of ``path``. Raises UserError for a key or a value that this project's tools don't write."""
    name = key.decode("utf-8", "backslashreplace")
    match = KEY.fullmatch(name)
    if match is None:
        raise UserError(
            f"{path}: its key {name!r} is not <number>_<track>_<clip>: another program wrote it: type 'make lmdb'"
        )
    try:
        array, label = parse(value)
    except ValueError as error:
        raise UserError(f"{path}: record {name}: {error}: remove the LMDB and type 'make lmdb' again") from None
    return Record(name, match["track"], int(match["clip"]), array, label)


def tracks(path: Path) -> set[str]:
    """The names of the songs that an LMDB has records of. Raises UserError as `opened`."""
    with opened(path) as environment, environment.begin() as transaction:
        keys = (key.decode("utf-8", "backslashreplace") for key in transaction.cursor().iternext(values=False))
        return {match["track"] for match in map(KEY.fullmatch, keys) if match}


def count(path: Path) -> int:
    """How many records an LMDB has. Raises UserError as `opened`."""
    with opened(path) as environment:
        return environment.stat()["entries"]


def content_hash(path: Path) -> str:
    """sha256 over each key followed by its value, in the order of the keys. Raises UserError as `opened`."""
    digest = hashlib.sha256()
    with opened(path) as environment, environment.begin(buffers=True) as transaction:
        for key, value in transaction.cursor():
            digest.update(key)
            digest.update(value)
    return digest.hexdigest()
