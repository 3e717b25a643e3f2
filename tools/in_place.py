"""One writer of a folder at a time, a folder that is put in place whole, and no process that outlives its parent."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Wait until no other process writes ``folder``, and keep others waiting. A killed process holds nobody up."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process is making {folder}: waiting for it", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def made_aside(folder: Path) -> Iterator[Path]:
    """An empty folder beside ``folder`` to fill, which takes its place at the end. Only for its `only_writer`.

    What a killed run left behind is removed first. ``folder`` is the old one, for a moment none, then the new one.
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


def die_with(parent: int) -> None:
    """Let the kernel kill this process as soon as its parent, the process ``parent``, is gone."""
    set_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
