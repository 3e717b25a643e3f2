"""A build folder as make leaves it, a copy of it to be changed, and what verify says of that."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from report_build import filled_build, shapes_told_once  # noqa: F401

from tools.verify.ballots import check_vote
from tools.verify.build import Build
from tools.verify.lmdbs import check_folder
from tools.verify.outcome import Outcome
from tools.verify.training import check_run

CHECKS = {"lmdb": check_folder, "runs": check_run, "votes": check_vote}


@pytest.fixture(scope="session")
def whole(synthetic_songs: Path) -> Path:
    return filled_build(synthetic_songs)


@pytest.fixture
def build(whole: Path, tmp_path: Path) -> Path:
    """A copy of the build; its LMDBs and songs are links, since only what lies beside them is changed."""
    build = tmp_path / "build"
    for part in ("runs", "votes", "report"):
        shutil.copytree(whole / part, build / part)
    for source in whole.glob("lmdb/*/*"):
        target = build / source.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".json":
            shutil.copy2(source, target)
        else:
            target.symlink_to(source)
    (build / "synthetic").symlink_to(whole / "synthetic")
    return build


def outcomes_of(songs: Path, build: Path, folder: str) -> Iterator[Outcome]:
    """What verify says of one folder of a build, where the songs are named."""
    return CHECKS[folder.partition("/")[0]](Build(build, data=songs, songs=0), build / folder)


@pytest.fixture(scope="session")
def outcomes(whole: Path) -> Callable[[Path, str], Iterator[Outcome]]:
    return partial(outcomes_of, whole / "synthetic" / "genres")


@pytest.fixture(scope="session")
def first_failure(outcomes: Callable[[Path, str], Iterator[Outcome]]) -> Callable[[Path, str], str]:
    """What the first check of a folder says that fails; nothing where none does."""

    def look(build: Path, folder: str) -> str:
        return next((str(outcome) for outcome in outcomes(build, folder) if outcome.state == "FAIL"), "")

    return look
