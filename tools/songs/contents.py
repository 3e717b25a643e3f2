"""The hash of each song's content, computed again only where its size, times or inode are others than they were.

What is known is kept in build/cache/songs.json. It may be lost at any time: then all songs are read again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools import paths
from tools.files import marks_of, read_dict, sha256_of, write_whole

KNOWN: dict[str, list] = {}  # by path: the marks of the file, then its hash


def content_sha256(path: Path, unread: str) -> str:
    """The sha256 of a file, or ``unread`` for one that can't be read: it is left out, and named, by who needs it."""
    try:
        marks = list(marks_of(path))
        known = KNOWN.get(str(path.absolute()))
        if known is None or known[:-1] != marks:
            known = KNOWN[str(path.absolute())] = [*marks, sha256_of(path)]
    except OSError:
        return unread
    return known[-1]


@contextmanager
def remembered(build: Path | None) -> Iterator[None]:
    """Know the songs that were read for a build folder before, and keep what is read meanwhile for the next call.

    A build folder that can't be written keeps nothing; without one, this process alone knows.
    """
    if build is not None:
        kept = read_dict(paths.contents_file(build))
        KNOWN.update((path, entry) for path, entry in kept.items() if isinstance(entry, list) and len(entry) == 5)
    before = dict(KNOWN)
    yield
    if build is not None and before != KNOWN:
        with suppress(OSError):
            paths.contents_file(build).parent.mkdir(parents=True, exist_ok=True)
            write_whole(paths.contents_file(build), json.dumps(KNOWN) + "\n", lasting=False)
