"""The one place that knows where things lie under the build folder.

build/lmdb/<split>/<view>_<dtype>_<part>_lmdb     build/runs/<split>/<run>/     build/votes/<split>/<run>/

<split> and <run> are the names that `tools.settings` makes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tools.cli import printable

BUILD = Path("build")
CHECKOUT = Path(__file__).resolve().parent.parent
PROTOTXT = CHECKOUT / "prototxt"
DATA = CHECKOUT / "data"
RESULTS = DATA / "results" / "gtzan-mini"  # what is kept of build/ in the repository, of the paper's genres
OTHER_RESULTS = DATA / "results" / "seven-genres"  # and of those of its genres that can be kept apart by artist

LONGEST_NAME = 180  # bytes: a file system takes 255, and more is added to the name of a run
ALL_FOLDS = "song-folds"  # `joined_folds` of the split song


def joined_folds(split: str) -> str:
    """In the place of a split: the votes of all its folds as one, as song-folds or artist-folds."""
    return f"{split}-folds"


def variant(base: str, differences: Mapping[str, str]) -> str:
    """``base`` followed by what differs from the defaults, as ``rcnn@dtype=int,seed=3``.

    What no folder can be called, as many genres, ``hip-hop/rap`` or ``Soul, Funk``, is cut, and ends in ``~`` and 8
    digits of its SHA-256.
    """
    named = [f"{key}={value}" for key, value in differences.items()]
    name, fitting = (
        f"{base}@{','.join(parts)}" if parts else base for parts in (named, [part.replace(",", "-") for part in named])
    )
    fit = printable(fitting).replace("/", "-").encode("utf-8", "surrogateescape")
    if len(fit) <= LONGEST_NAME and fit == name.encode("utf-8", "surrogateescape"):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{fit[: LONGEST_NAME - 9].decode('utf-8', 'ignore')}~{digest}"


def lmdb_folder(build: Path, split: str) -> Path:
    return build / "lmdb" / split


def lmdb(build: Path, split: str, view: str, dtype: str, part: str) -> Path:
    return lmdb_folder(build, split) / f"{view}_{dtype}_{part}_lmdb"


def contents_file(build: Path) -> Path:
    """What is known of the songs' contents (`tools.songs.contents`)."""
    return build / "cache" / "songs.json"


def run_folder(build: Path, split: str, run: str) -> Path:
    return build / "runs" / split / run


def votes_folder(build: Path, split: str, run: str) -> Path:
    return build / "votes" / split / run
