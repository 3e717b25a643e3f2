"""The one place that knows where things lie under the build folder.

build/lmdb/<split>/<view>_<dtype>_<part>_lmdb     build/runs/<split>/<run>/     build/votes/<split>/<run>/

<split> and <run> are the names that `tools.settings` makes.
"""

from __future__ import annotations

from pathlib import Path

BUILD = Path("build")
CHECKOUT = Path(__file__).resolve().parent.parent
PROTOTXT = CHECKOUT / "prototxt"
DATA = CHECKOUT / "data"
RESULTS = DATA / "results" / "gtzan-mini"  # what is kept of build/ in the repository, of the paper's genres
OTHER_RESULTS = DATA / "results" / "seven-genres"  # and of those of its genres that can be kept apart by artist

ALL_FOLDS = "song-folds"  # `joined_folds` of the split song


def joined_folds(split: str) -> str:
    """In the place of a split: the votes of all its folds as one, as song-folds or artist-folds."""
    return f"{split}-folds"


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
