"""Runs and votes as the report has them, and how one is found among them."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tools.cli import printable
from tools.report.paper import SONGS
from tools.report.table import Interval
from tools.settings import Settings
from tools.songs.gtzan import GENRES
from tools.songs.roots import INNER_ROOTS
from tools.vote.count import Clips
from tools.vote.files import read_clips

Differences = dict[str, str]  # from the plain run of a network, as make takes them: {'dropout': '0.4 0.6@3000'}


@dataclass(frozen=True)
class Run:
    """A run folder; ``differences`` are the settings in which it is not as the plain run of its network."""

    folder: Path
    record: dict[str, Any]
    settings: Settings
    metrics: list[dict[str, Any]]
    differences: Differences = field(default_factory=dict)

    @property
    def net(self) -> str:
        return self.settings.net

    @property
    def split(self) -> str:
        return self.settings.split_folder

    @property
    def fingerprint(self) -> str:
        """Of its songs."""
        return self.record["data_fingerprint"]

    @property
    def iteration(self) -> int:
        return self.record["iteration"]

    @property
    def is_of_paper(self) -> bool:
        """Whether it was trained on the ten genres of the paper; others have a section of their own."""
        return tuple(self.record["label_names"]) == GENRES

    @property
    def songs(self) -> int:
        """How many it was trained and tested on; split clip has most songs on both sides."""
        songs = [part["songs"] for part in self.record["lmdb"].values()]
        return max(songs) if self.record.get("leaky") else sum(songs)


@dataclass(frozen=True)
class Vote:
    """A votes folder; ``run`` is the run that it is of, of all folds the first."""

    folder: Path
    net: str
    split: str
    iteration: int
    summary: dict[str, Any]
    run: Run

    @property
    def differences(self) -> Differences:
        return self.run.differences

    @property
    def genres(self) -> tuple[str, ...]:
        """In order of label."""
        return tuple(self.summary["genres"])

    @property
    def tested_elsewhere(self) -> str | None:
        """The fingerprint of the songs that TEST= named; None where the run's own test part votes."""
        return self.summary.get("test_fingerprint")

    @property
    def test_root(self) -> str:
        """What TEST= named, as the vote's own command has it; its fingerprint where that does not tell."""
        words = shlex.split(self.summary.get("command", ""))
        return words[words.index("--test") + 1] if "--test" in words[:-1] else str(self.tested_elsewhere)[:8]

    @property
    def is_of_paper(self) -> bool:
        return self.genres == GENRES and not self.tested_elsewhere

    @property
    def fingerprint(self) -> str:
        return self.run.fingerprint

    @property
    def trained_with(self) -> tuple[int | None, str | None]:
        """Ranks and build of Caffe: both change the last digits of the weights, ranks the masks of dropout too."""
        return self.summary.get("ranks"), self.run.record.get("versions", {}).get("caffe_package")

    def is_comparable(self, other: Vote) -> bool:
        """Whether what lies between two votes can be what sets their runs apart, not what trained them.

        Two networks have no first weight and no mask in common, of one seed and of as many ranks or not.
        """
        (ranks, caffe), (other_ranks, other_caffe) = self.trained_with, other.trained_with
        alike = (ranks, self.run.settings.seed) == (other_ranks, other.run.settings.seed)
        return caffe == other_caffe and (alike or self.net != other.net)

    @cached_property
    def clips(self) -> Clips:
        return read_clips(self.folder / "clips.csv")

    @cached_property
    def confusion(self) -> np.ndarray:
        """(genres, genres), rows the outcome, columns the true genre."""
        with (self.folder / "confusion.csv").open(newline="") as lines:
            return np.array([row[1:] for row in list(csv.reader(lines))[1:]], dtype=float)

    @property
    def clips_right(self) -> Interval:
        return Interval(self.summary["clip_accuracy"], *self.summary["clip_interval"])

    @property
    def mean_over_genres(self) -> float:
        """Of the share right of each genre's test clips."""
        return float(self.confusion.diagonal()[self.confusion.sum(axis=0) > 0].mean())

    def songs_right(self, rule: str, threshold: int | None = None) -> Interval | None:
        """Songs right by a rule; the paper's thresholds are of 15 clips, the LSTM's 30 have twice that."""
        if not self.summary.get("song_accuracy"):
            return None
        share, ends = self.summary["song_accuracy"][rule], self.summary["song_interval"][rule]
        if threshold is None:
            return Interval(share, *ends)
        for key in (str(threshold), str(2 * threshold) if self.net == "lstm" else ""):
            if key in share:
                return Interval(share[key], *ends[key])
        return None


@dataclass
class Collection:
    """Everything that the report is made from: runs and votes of the paper's ten genres, and apart from them others."""

    build: Path
    runs: list[Run] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the split's folder under build/lmdb
    left_out: list[str] = field(default_factory=list)
    other_runs: list[Run] = field(default_factory=list)
    other_votes: list[Vote] = field(default_factory=list)
    kept_as: dict[str, str] = field(default_factory=dict)  # by fingerprint, what songs without a manifest are called

    def data_of(self, fingerprint: str | None) -> dict[str, Any] | None:
        """What a manifest says of the data with this fingerprint: root, songs_present."""
        known = (manifest["data"] for manifest in self.manifests.values())
        return next((data for data in known if data["fingerprint"] == fingerprint), None)

    def songs_of(self, fingerprint: str) -> int:
        """How many songs the data with this fingerprint have; 0 where nothing is left that tells."""
        data = self.data_of(fingerprint)
        if data:
            return data["songs_present"]
        runs = [run.songs for run in (*self.runs, *self.other_runs) if run.fingerprint == fingerprint]
        votes = (*self.votes, *self.other_votes)  # the baseline has no run
        return max(runs or (vote.summary["songs"] for vote in votes if vote.fingerprint == fingerprint), default=0)

    @property
    def songs(self) -> int:
        """How many songs the paper's runs are of; as many as the paper's own before there is any."""
        return max((self.songs_of(run.fingerprint) for run in self.runs), default=SONGS)

    def music_of(self, fingerprint: str) -> str:
        """The songs as people name them: ``gtzan-mini, 100 songs``."""
        data, songs = self.data_of(fingerprint), f"{self.songs_of(fingerprint):,} songs"
        name = root_name(Path(data["root"])) if data else self.kept_as.get(fingerprint)
        return f"{name}, {songs}" if name else f"{songs}, whose LMDBs are gone"

    @property
    def music(self) -> str:
        """The songs that the votes are of."""
        return "; ".join(dict.fromkeys(self.music_of(vote.fingerprint) for vote in self.votes))

    def same_songs(self, first: Vote, second: Vote) -> bool:
        """Whether two votes are of the same songs: of one fingerprint, or of two that made one LMDB, byte for byte.

        An earlier fingerprint is of one copy of the songs: it holds the times of their files.
        """
        made = [
            {entry["sha256"] for run in self.runs if run.fingerprint == one for entry in run.record["lmdb"].values()}
            for one in (first.fingerprint, second.fingerprint)
        ]
        return first.fingerprint == second.fingerprint or not made[0].isdisjoint(made[1])

    def find_votes(
        self, net: str, split: str, is_it: Callable[[Vote], bool] | None = None, **different: str
    ) -> list[Vote]:
        """Votes by iteration: of the run that differs from the plain one so, or of those that ``is_it`` tells."""
        votes = [vote for vote in self.votes if (vote.net, vote.split) == (net, split)]
        return by_iteration(vote for vote in votes if (is_it(vote) if is_it else vote.differences == different))

    def find_run(self, net: str, split: str, **different: str) -> Run | None:
        asked = (net, split, different)
        return next((run for run in self.runs if (run.net, run.split, run.differences) == asked), None)

    def pairs(self, first: list[Vote], second: list[Vote]) -> list[tuple[Vote, Vote]]:
        """Votes on the same data that can be compared."""
        return [(a, b) for a in first for b in second if a.is_comparable(b) and self.same_songs(a, b)]

    def same_iteration(self, first: list[Vote], second: list[Vote]) -> tuple[Vote, Vote] | None:
        """The newest of the pairs at one iteration."""
        pairs = [(a, b) for a, b in self.pairs(first, second) if a.iteration == b.iteration]
        return pairs[-1] if pairs else None


def is_synthetic(root: Path) -> bool:
    return (root.parent / "synth.json").exists() or "synthetic" in root.parts


def root_name(root: Path) -> str:
    """What people call a data root: the folder above one that every copy of GTZAN has, as ``genres``."""
    if is_synthetic(root):
        return "synthetic"
    inner = {part for path in INNER_ROOTS for part in Path(path).parts}
    return printable(next((part for part in reversed(root.absolute().parts) if part not in inner), root))


def by_iteration(votes: Iterable[Vote]) -> list[Vote]:
    """One vote an iteration, the first of several."""
    firsts: dict[int, Vote] = {}
    for vote in votes:
        firsts.setdefault(vote.iteration, vote)
    return [firsts[iteration] for iteration in sorted(firsts)]
