"""Votes and runs as they would be read from a build folder, without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_build import shapes_told_once  # noqa: F401

from tools.nets.network import Network
from tools.report.collect import collect_kept, differences
from tools.report.page import Page, make_page
from tools.report.records import Run, Vote
from tools.settings import Settings, parse
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.vote.count import Clips


def make_run(split: str, net: str, lmdb: str = "a", fingerprint: str = "the songs", **given: str) -> Run:
    """A run of a split's folder, ``song-3`` or ``song-folds``, with such settings."""
    name, _, fold = split.removesuffix("-folds").partition("-")
    network = Network(net)
    settings = network.resolve(parse({"net": net, "split": name, "fold": fold or "0", **given}))
    record = {
        "data_fingerprint": fingerprint,
        "iteration": 1000,
        "ranks": 2,
        "lmdb": {"train": {"sha256": lmdb, "songs": 80}, "test": {"sha256": f"{lmdb}-test", "songs": 20}},
        "leaky": name == "clip",
        "label_names": list(GENRES),
        "versions": {},
    }
    folder = Path("build/runs", settings.split_folder, network.run_name(settings))
    return Run(folder, record, settings, [], differences(settings, network.resolve(Settings(net=net))))


def make_vote(
    split: str, net: str, clips: Clips | None = None, iteration: int = 1000, run: Run | None = None, **given: str
) -> Vote:
    """A vote, where it matters with clips that would be read from clips.csv, of a run with such settings."""
    summary: dict[str, Any] = {"ranks": 2, "leaky": False, "genres": list(GENRES)}
    if clips:
        summary["clip_accuracy"] = float(clips.right[clips.tested].mean())
    vote = Vote(Path("build/votes", split, net), net, split, iteration, summary, run or make_run(split, net, **given))
    vote.__dict__["clips"] = clips
    return vote


def make_clips(right: dict[str, list[bool]], trained: str = "test") -> Clips:
    """Clips 0, 1, ... of each song, of label 0, right or taken for 1; all but clip 0 are of the part ``trained``."""
    clips = [(track, number, hit) for track, hits in right.items() for number, hit in enumerate(hits)]
    predicted = np.array([0 if hit else 1 for _, _, hit in clips])
    return Clips(
        tracks=np.array([track for track, _, _ in clips]),
        clips=np.array([number for _, number, _ in clips]),
        parts=np.array([trained if number else "test" for _, number, _ in clips]),
        labels=np.zeros(len(clips), int),
        texts=np.eye(10)[predicted].astype(str),
        probabilities=np.eye(10)[predicted],
    )


@pytest.fixture(scope="session")
def kept_page() -> Page:
    """The page of the kept results, which takes long: what reads it is in the group "kept page"."""
    return make_page(collect_kept())


@pytest.fixture
def run() -> Callable[..., Run]:
    return make_run


@pytest.fixture
def vote() -> Callable[..., Vote]:
    return make_vote


@pytest.fixture
def clips() -> Callable[..., Clips]:
    return make_clips


@pytest.fixture
def native(run: Callable[..., Run]) -> Run:
    """A run that `make setup CAFFE=native` trained."""
    trained = run("song", "rcnn")
    trained.record["versions"]["caffe_package"] = runs.NATIVE
    return trained
