"""Whether a record (manifest.json, run.json, summary.json) is what its tool wrote: it holds the hash of all else in it.

Much of it is compared with what it was made from, too. With what, when and where it was made, its hash alone tells.
"""

from __future__ import annotations

from pathlib import Path

from tools import files
from tools.verify.outcome import FailedError, SkippedError

CHECK = "record as it was written"


def check_own_hash(file: Path) -> str:
    """The hash in a record is its own. SkippedError where it has none."""
    as_written = files.is_as_written(file)
    if as_written is None:
        raise SkippedError(f"{file.name} has no hash of its own: it is of an earlier form")
    if not as_written:
        raise FailedError(f"{file.name} has changed since: it has another hash than it says")
    return "its own hash is right"
