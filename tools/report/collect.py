"""What lies under the build folder: manifests, runs and votes, read for the report.

Nothing here fails because of one bad file: what can't be read is left out and named in `Collection.left_out`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tools import paths
from tools.cli import UserError
from tools.convert import manifest as manifests
from tools.nets.network import Network
from tools.report.table import Interval
from tools.settings import LMDB, RUN, Settings, text_of
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.vote import baseline
from tools.vote.count import Clips
from tools.vote.files import read_clips

RUN_KEYS = ("iteration", "data_fingerprint")  # besides those of `tools.train.runs`
VOTE_KEYS = ("leaky", "clips", "songs", "clip_accuracy", "clip_interval")

Source = TypeVar("Source")
Record = TypeVar("Record")
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
    def fingerprint(self) -> str:
        return self.run.record["data_fingerprint"]

    @property
    def trained_with(self) -> tuple[int | None, str | None]:
        """Ranks and build of Caffe: both change the last digits of the weights."""
        return self.summary.get("ranks"), self.run.record.get("versions", {}).get("caffe_package")

    @cached_property
    def clips(self) -> Clips:
        return read_clips(self.folder / "clips.csv")

    @cached_property
    def confusion(self) -> np.ndarray:
        """(10, 10), rows the outcome, columns the true genre."""
        with (self.folder / "confusion.csv").open(newline="") as lines:
            return np.array([row[1:] for row in list(csv.reader(lines))[1:]], dtype=float)

    @property
    def clips_right(self) -> Interval:
        return Interval(self.summary["clip_accuracy"], *self.summary["clip_interval"])

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
    """Everything that the report is made from."""

    build: Path
    runs: list[Run] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the split's folder under build/lmdb
    left_out: list[str] = field(default_factory=list)

    def data_of(self, fingerprint: str | None) -> dict[str, Any] | None:
        """What a manifest says of the data with this fingerprint: root, songs_present."""
        known = (manifest["data"] for manifest in self.manifests.values())
        return next((data for data in known if data["fingerprint"] == fingerprint), None)

    def same_songs(self, first: Vote, second: Vote) -> bool:
        """Whether two votes are of the same songs: of one fingerprint, or of two that made one LMDB, byte for byte.

        An earlier fingerprint is of one copy of the songs: it holds the times of their files.
        """
        both = {first.fingerprint, second.fingerprint}
        fingerprints: dict[str, set[str]] = {}
        for run in self.runs:
            for entry in run.record["lmdb"].values():
                fingerprints.setdefault(entry["sha256"], set()).add(run.record["data_fingerprint"])
        return len(both) == 1 or any(both <= alike for alike in fingerprints.values())

    def find_votes(self, net: str, split: str, **different: str | None) -> list[Vote]:
        """Votes of one run, by iteration. Only ``different`` differs from the plain run (None: whatever its value)."""
        by_iteration: dict[int, Vote] = {}
        for vote in self.votes:
            if (vote.net, vote.split) == (net, split) and matches(vote.differences, different):
                by_iteration.setdefault(vote.iteration, vote)
        return [by_iteration[iteration] for iteration in sorted(by_iteration)]

    def find_run(self, net: str, split: str, **different: str | None) -> Run | None:
        runs_of_net = (run for run in self.runs if (run.net, run.split) == (net, split))
        return next((run for run in runs_of_net if matches(run.differences, different)), None)

    def same_iteration(self, first: list[Vote], second: list[Vote]) -> tuple[Vote, Vote] | None:
        """The newest pair of votes at one iteration, on the same data, as many ranks and the same Caffe."""
        by_iteration = {vote.iteration: vote for vote in second}
        for vote in reversed(first):
            other = by_iteration.get(vote.iteration)
            if other and self.same_songs(vote, other) and vote.trained_with == other.trained_with:
                return vote, other
        return None


def matches(own: Differences, asked: dict[str, str | None]) -> bool:
    return own.keys() == asked.keys() and all(value in (None, own[key]) for key, value in asked.items())


def collect(build: Path) -> Collection:
    """Read what lies under ``build``; an empty or missing folder gives an empty collection."""
    left_out: list[str] = []
    made_from = read_all(sorted(build.glob("lmdb/[!.]*/manifest.json")), read_manifest, left_out)
    for folder, manifest in made_from:
        left_out += [f"{folder}: {song['file']}: {song['reason']}" for song in manifest["left_out"]]
    known = read_all(sorted(build.glob("runs/[!.]*/[!.]*/run.json")), read_run, left_out)
    compared = read_all(known, partial(set_apart, known), left_out)
    votes = read_all(sorted(build.glob("votes/[!.]*/[!.]*/summary.json")), partial(read_vote, compared), left_out)
    by_split = {folder.name: manifest for folder, manifest in made_from}
    return Collection(build, compared, votes, by_split, left_out)


def collect_kept() -> Collection:
    """What is kept in the repository. It was made, and is made again, under build/: so its commands say."""
    return replace(collect(paths.RESULTS), build=paths.BUILD)


def read_all(sources: Iterable[Source], read: Callable[[Source], Record], left_out: list[str]) -> list[Record]:
    """What ``read`` makes of each source; what it can't read is left out by name."""
    records = []
    for source in sources:
        try:
            records.append(read(source))
        except UserError as error:
            left_out.append(str(error))
        except (OSError, ValueError, TypeError, KeyError, IndexError, csv.Error) as error:
            left_out.append(f"{source}: not whole ({' '.join(str(error).split())}): make it again")
    return records


def read_manifest(file: Path) -> tuple[Path, dict[str, Any]]:
    manifest = manifests.read(file.parent)
    if manifest is None:
        raise UserError(f"{file}: not whole: type 'make lmdb' again")
    return file.parent, manifest


def read_run(file: Path) -> Run:
    record = runs.read_run(file.parent)
    missing = [key for key in RUN_KEYS if key not in record]
    if missing:
        raise UserError(f"{file}: without {', '.join(missing)}: train again")
    return Run(file.parent, record, runs.settings_of(record, file.parent), read_metrics(file.parent / "metrics.jsonl"))


def read_metrics(file: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; the last one may be cut short by a killed run, or none be there yet."""
    lines = []
    for text in file.read_text(errors="replace").splitlines() if file.exists() else ():
        with suppress(ValueError):
            lines.append(json.loads(text))
    return [line for line in lines if isinstance(line, dict) and "iter" in line]


def set_apart(known: list[Run], run: Run) -> Run:
    """The run with what sets it apart from the plain run of its network, of the same split if there is one.

    Without a plain run, from the network as prototxt/ has it now. UserError where it is gone from there.
    """
    plain = {other.split: other.settings for other in known if other.folder.name == run.net == other.net}
    try:
        own = plain.get(run.split) or next(iter(plain.values()), None)
        own = own or Network(run.net).resolve(Settings(net=run.net))
    except UserError as error:
        raise UserError(f"{run.folder}: {error}") from None
    return replace(run, differences=differences(run.settings, own))


def differences(settings: Settings, plain: Settings) -> Differences:
    """The settings that are not as in ``plain``. A rate is named once: as base_lr where that alone tells it."""
    named = settings.differences(LMDB, RUN, defaults=dict(plain.items(RUN)))
    scaled = tuple((start, rate * settings.base_lr / plain.base_lr) for start, rate in plain.lr_steps)
    named.pop("lr_steps" if text_of(scaled) == text_of(settings.lr_steps) else "base_lr", None)
    return {name: text_of(getattr(settings, name), " ") for name in named}


def read_vote(known: list[Run], file: Path) -> Vote:
    """A vote whose files can be read. UserError where it is not of a run that stands there now."""
    folder, summary = file.parent, json.loads(file.read_text())
    run = run_of(folder, summary, known)
    vote = Vote(folder, summary["net"], summary["split"], summary["iteration"], summary, run)
    if not len(vote.clips.labels) or vote.confusion.shape != (len(GENRES), len(GENRES)):
        raise ValueError("no clips, or a confusion that is not 10 x 10")
    missing = [key for key in VOTE_KEYS if key not in summary]
    if missing:
        raise ValueError(f"without {', '.join(missing)}")
    if vote.net != baseline.NAME and not runs.is_vote_of(summary, run.record, run.folder):
        raise UserError(f"{folder}: of an earlier run, on other LMDBs or with other weights: vote again")
    return vote


def run_of(folder: Path, summary: dict[str, Any], known: list[Run]) -> Run:
    """The run that a vote is of, the first where it is of several. UserError where it is gone.

    The baseline has no folder but that of its vote.
    """
    if summary["net"] == baseline.NAME:
        return Run(folder, summary, Settings(net=baseline.NAME), [])
    by_place = {run.folder.parts[-2:]: run for run in known}
    for place in (Path(run).parts[-2:] for run in str(summary["run"]).split(", ")):
        if place in by_place:
            return by_place[place]
    raise UserError(f"{folder}: its run is gone: train and vote again")
