"""The one place that knows where things lie under the build folder, and how what differs from the defaults is named.

build/lmdb/<split>/<view>_<dtype>_<part>_lmdb     build/runs/<split>/<net>/     build/votes/<split>/<run>/
"""

from __future__ import annotations

from pathlib import Path

BUILD = Path("build")
CHECKOUT = Path(__file__).resolve().parent.parent
PROTOTXT = CHECKOUT / "prototxt"
DATA = CHECKOUT / "data"
RESULTS = DATA / "results" / "gtzan-mini"  # what is kept of build/ in the repository

SPLITS = ("song", "clip", "filtered", "inner")
ALL_FOLDS = "song-folds"  # in the place of a split: the votes of all folds of the split song as one
VIEWS = ("cnn", "lstm", "song")
DTYPES = ("int", "float")


def variant(base: str, **differences: object) -> str:
    """``base`` followed by what differs from the defaults, as ``rcnn@dtype=int,seed=3``; None means 'as by default'."""
    named = [f"{key}={value}" for key, value in differences.items() if value is not None]
    return f"{base}@{','.join(named)}" if named else base


def split_name(split: str, fold: int = 0) -> str:
    """The folder of a split: ``song`` for fold 0, ``song-1`` or ``inner-1`` for others, ``clip``, ..."""
    return split if fold == 0 else f"{split}-{fold}"


def lmdb_folder(build: Path, split: str) -> Path:
    """Where the LMDBs of one split lie; ``split`` is a folder name, as `split_name` and `variant` make it."""
    return build / "lmdb" / split


def lmdb(build: Path, split: str, view: str, dtype: str, part: str) -> Path:
    return lmdb_folder(build, split) / f"{view}_{dtype}_{part}_lmdb"


def mean_file(build: Path, split: str, view: str, dtype: str) -> Path:
    return lmdb_folder(build, split) / f"{view}_{dtype}_mean.binaryproto"


def manifest(build: Path, split: str) -> Path:
    return lmdb_folder(build, split) / "manifest.json"


def run_folder(build: Path, split: str, run: str) -> Path:
    return build / "runs" / split / run


def votes_folder(build: Path, split: str, run: str) -> Path:
    return build / "votes" / split / run
