"""Files and folders that are put in place whole, one writer at a time, and told by their hash."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tools.cli import UserError

SECONDS_TO_DIE = 2  # the processes of a killed tool may take a moment to be gone
OWN_HASH = "record_sha256"  # in a record: the hash of all else in it


@contextmanager
def whole_file(file: Path, lasting: bool = True) -> Iterator[Path]:
    """A path beside ``file`` to write to. It takes the place of ``file`` at the end, so that no half of it is seen.

    With ``lasting`` the disk is waited for. Without, the new file may be lost when the power fails.
    """
    begin = os.fsencode(file.name)[:200].decode("utf-8", "ignore")
    aside = file.with_name(f".{begin}.{secrets.token_hex(4)}")  # not the process id, which two sandboxes may share
    try:
        yield aside
        if lasting:
            with aside.open("rb") as stream:
                os.fsync(stream.fileno())
        aside.replace(file)
    except OSError as error:  # of what lies aside, or of a write, which names no file
        if error.filename in (None, str(aside)):
            error.filename, error.filename2 = str(file), None
        raise
    finally:
        aside.unlink(missing_ok=True)


def write_whole(file: Path, content: str | bytes, lasting: bool = True) -> None:
    """Write a text or bytes as `whole_file` does."""
    with whole_file(file, lasting) as aside:
        aside.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def temporary_file(content: str | bytes, suffix: str = "") -> Iterator[Path]:
    """A file with this content, for a while, for those who read nothing else."""
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(content.encode() if isinstance(content, str) else content)
        file.flush()
        yield Path(file.name)


def write_record(file: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON as `whole_file` does, with its own hash."""
    record = {key: value for key, value in record.items() if key != OWN_HASH}
    write_whole(file, json.dumps({**record, OWN_HASH: hash_of(record)}, indent=1) + "\n")


def parse(text: str) -> Any:
    """What a text of JSON says. ValueError where it is none, also where lists in lists are more than can be read."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("too many lists in lists") from None


def is_as_written(file: Path) -> bool | None:
    """Whether a record is what `write_record` wrote; None where it has no hash, as records of before.

    Raises OSError and ValueError for a file that can't be read as JSON.
    """
    record = parse(file.read_text())
    own = record.pop(OWN_HASH, None) if isinstance(record, dict) else None
    return None if own is None else own == hash_of(record)


def check_as_written(file: Path, remedy: str) -> None:
    """UserError, with the ``remedy``, for a record that was changed since: what is told of it would be wrong."""
    if is_as_written(file) is False:
        raise UserError(f"{file} has changed since it was written: put back what it was, or {remedy}")


def hash_of(record: dict[str, Any]) -> str:
    """The sha256 of a record, whatever the order of its keys."""
    as_read = json.loads(json.dumps(record))
    return hashlib.sha256(json.dumps(as_read, sort_keys=True).encode()).hexdigest()


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside ``folder`` to fill, which takes its place at the end. Only for the holder of its lock.

    What a killed process left behind is removed first. ``folder`` is the old one until the end, for a moment there is
    none, then it is the new one.
    """
    new, old = (folder.parent / f".{folder.name}.{kind}" for kind in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process writes ``folder``, and keep others waiting. A killed process holds nobody up."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        if not is_taken(lock.fileno()):
            print(f"another process is making {folder}: waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def only_holder(file: Path, refusal: str) -> Iterator[None]:
    """Hold the lock ``file`` for this process and its children. UserError with ``refusal`` where another holds it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        deadline = time.monotonic() + SECONDS_TO_DIE
        while not is_taken(lock.fileno()):
            if time.monotonic() > deadline:
                raise UserError(refusal)
            time.sleep(0.05)
        # A child holds it too: what it writes may last a moment longer than a killed parent
        os.set_inheritable(lock.fileno(), True)
        yield


def is_taken(lock: int) -> bool:
    """Take a lock, if no other process holds it; says whether this process has it now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def put_between(text: str, begin: str, end: str, content: str, file: Path) -> str:
    """The text of ``file`` with this content between two marks. UserError where a mark is missing."""
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise UserError(f"{file}: the marks '{begin}' and '{end}' are not both there: put them back")
    return f"{before}{begin}\n{content}\n{end}{after}"


def json_lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a file of JSON, parsed; none without a file. What a killed process left unfinished is dropped."""
    lines = []
    for text in file.read_text(errors="replace").splitlines() if file.exists() else []:
        with suppress(ValueError):
            lines.append(parse(text))
    return lines


def read_dict(file: Path) -> dict[str, Any]:
    """What a file of JSON says, by its keys; nothing where there is none that is whole, or it says something else."""
    try:
        content = parse(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def marks_of(file: Path) -> tuple[int, int, int, int]:
    """Size, times of change of content and inode, and inode. Whatever
    changes or replaces a file changes one of them.
    """
    status = file.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def sha256_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
