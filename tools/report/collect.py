"""What lies under the build folder: manifests, runs and votes, read for the report.

Nothing here fails because of one bad file: what can't be read is left out and named in `Collection.left_out`.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tools import paths
from tools.cli import UserError
from tools.convert import manifest as manifests
from tools.nets.network import Network
from tools.settings import LMDB, RUN, Settings, text_of
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.vote import baseline
from tools.vote.count import Clips
from tools.vote.files import read_clips

RUN_KEYS = ("iteration", "data_fingerprint")  # besides those of `tools.train.runs`
VOTE_KEYS = ("net", "split", "leaky", "iteration", "run", "clips", "songs", "clip_accuracy", "clip_interval")


@dataclass(frozen=True)
class Run:
    """A run folder; ``differences`` are the settings in which it is not as the plain run of its network."""

    folder: Path
    record: dict[str, Any]
    settings: Settings
    metrics: list[dict[str, Any]]
    differences: dict[str, str] = field(default_factory=dict)

    @property
    def net(self) -> str:
        return self.settings.net

    @property
    def split(self) -> str:
        return self.settings.split_folder


@dataclass(frozen=True)
class Vote:
    """A votes folder; ``run`` is the run that it is of, of all folds the first; the baseline has none."""

    folder: Path
    summary: dict[str, Any]
    run: Run | None

    @property
    def net(self) -> str:
        return self.summary["net"]

    @property
    def split(self) -> str:
        return self.summary["split"]

    @property
    def iteration(self) -> int:
        return self.summary["iteration"]

    @property
    def run_name(self) -> str:
        return self.run.folder.name if self.run else self.net

    @property
    def differences(self) -> dict[str, str]:
        return self.run.differences if self.run else {}

    @property
    def fingerprint(self) -> str | None:
        return self.run.record["data_fingerprint"] if self.run else None

    @cached_property
    def clips(self) -> Clips:
        return read_clips(self.folder / "clips.csv")

    @cached_property
    def confusion(self) -> np.ndarray:
        """(10, 10), rows the outcome, columns the true genre."""
        with (self.folder / "confusion.csv").open(newline="") as lines:
            return np.array([row[1:] for row in list(csv.reader(lines))[1:]], dtype=float)


@dataclass
class Collection:
    """Everything that the report is made from."""

    build: Path
    runs: list[Run] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)
    manifests: dict[str, dict] = field(default_factory=dict)  # by the split's folder under build/lmdb
    left_out: list[str] = field(default_factory=list)

    def data_of(self, fingerprint: str | None) -> dict | None:
        """What a manifest says of the data with this fingerprint: root, songs_present."""
        known = (manifest["data"] for manifest in self.manifests.values())
        return next((data for data in known if data["fingerprint"] == fingerprint), None)

    def same_songs(self, first: Vote, second: Vote) -> bool:
        """Whether two votes are of the same songs: of one fingerprint, or of two that made one LMDB, byte for byte.

        A fingerprint is of one copy of the songs: it holds the times of their files.
        """
        wanted = {first.fingerprint, second.fingerprint}
        made: dict[str, set[str]] = {}
        for run in self.runs:
            for entry in run.record["lmdb"].values():
                made.setdefault(entry["sha256"], set()).add(run.record["data_fingerprint"])
        return len(wanted) == 1 or any(wanted <= fingerprints for fingerprints in made.values())

    def find_votes(self, net: str, split: str, **different: str | None) -> list[Vote]:
        """Votes of one run, by iteration. Only ``different`` may differ from the defaults (None: anything goes)."""
        found = {}
        for vote in self.votes:
            if vote.net == net and vote.split == split and matches(vote.differences, different):
                found.setdefault(vote.iteration, vote)
        return [found[iteration] for iteration in sorted(found)]

    def find_run(self, net: str, split: str, **different: str | None) -> Run | None:
        fitting = (r for r in self.runs if r.net == net and r.split == split and matches(r.differences, different))
        return next(fitting, None)


def differences(settings: Settings, plain: Settings) -> dict[str, str]:
    """The settings in which a run is not as the plain run of its network, as make takes them: ``{'dropout': '0.6'}``.

    A rate is named once: as base_lr where that alone tells it.
    """
    named = settings.differences(LMDB, RUN, defaults=dict(plain.items(RUN)))
    scaled = tuple((start, rate * settings.base_lr / plain.base_lr) for start, rate in plain.lr_steps)
    named.pop("lr_steps" if text_of(scaled) == text_of(settings.lr_steps) else "base_lr", None)
    return {name: text_of(getattr(settings, name), " ") for name in named}


def plain_settings(net: str, split: str, known: list[Run]) -> Settings:
    """The settings of the plain run of a network, of the same split if there is one, else as prototxt/ has them now.

    UserError where there is no such network any more.
    """
    plain = {run.split: run.settings for run in known if run.folder.name == run.net == net}
    return plain.get(split) or next(iter(plain.values()), None) or Network(net).resolve(Settings(net=net))


def matches(own: Mapping[str, str], asked: Mapping[str, str | None]) -> bool:
    exact = {key: value for key, value in asked.items() if value is not None}
    return own.keys() == asked.keys() and all(own[key] == value for key, value in exact.items())


def nearest(votes: list[Vote], iteration: int | None) -> Vote | None:
    """The vote to set beside the paper's ``iteration``: that one, else the last before it, else the first after.

    With no iteration the newest vote.
    """
    if not votes:
        return None
    if iteration is None:
        return votes[-1]
    before = [vote for vote in votes if vote.iteration <= iteration]
    return before[-1] if before else votes[0]


def collect(build: Path) -> Collection:
    """Read what lies under ``build``; an empty or missing folder gives an empty collection."""
    found = Collection(build)
    for file in sorted((build / "lmdb").glob("[!.]*/manifest.json")):
        manifest = read_json(file, ("lmdbs", "data", "left_out"), found.left_out)
        if manifest and manifests.read(file.parent) is None:
            found.left_out.append(f"{file}: not whole")
        elif manifest:
            found.manifests[file.parent.name] = manifest
            found.left_out += [f"{file.parent}: {song['file']}: {song['reason']}" for song in manifest["left_out"]]
    for file in sorted((build / "runs").glob("[!.]*/[!.]*/run.json")):
        add_run(found, file.parent)
    name_differences(found)
    for file in sorted((build / "votes").glob("[!.]*/[!.]*/summary.json")):
        summary = read_json(file, VOTE_KEYS, found.left_out)
        if summary:
            add_vote(found, file.parent, summary)
    return found


def collect_kept() -> Collection:
    """What is kept in the repository. It was made, and is made again, under build/: so its commands say."""
    found = collect(paths.RESULTS)
    found.build = paths.BUILD
    return found


def add_run(collection: Collection, folder: Path) -> None:
    """Take a run in if its record can be read."""
    try:
        record = runs.read_run(folder)
        missing = [key for key in RUN_KEYS if key not in record]
        if missing:
            raise UserError(f"{folder / 'run.json'}: without {', '.join(missing)}")
        settings = runs.settings_of(record, folder)
    except (UserError, OSError) as error:
        collection.left_out.append(str(error))
    else:
        metrics = read_metrics(folder / "metrics.jsonl", collection.left_out)
        collection.runs.append(Run(folder, record, settings, metrics))


def name_differences(collection: Collection) -> None:
    """Say of every run in what it is not as the plain run; leave out those of a network that is gone."""
    known, collection.runs = collection.runs, []
    for run in known:
        try:
            named = differences(run.settings, plain_settings(run.net, run.split, known))
        except UserError as error:
            collection.left_out.append(f"{run.folder}: {error}")
        else:
            collection.runs.append(replace(run, differences=named))


def run_of(summary: dict[str, Any], known: list[Run]) -> Run | None:
    """The run that a vote is of, the first where it is of several; None where it is gone."""
    by_place = {run.folder.parts[-2:]: run for run in known}
    places = (Path(folder).parts[-2:] for folder in str(summary["run"]).split(", "))
    return next((by_place[place] for place in places if place in by_place), None)


def add_vote(collection: Collection, folder: Path, summary: dict[str, Any]) -> None:
    """Take a vote in if its files can be read and it is of a run that stands there now."""
    vote = Vote(folder, summary, run_of(summary, collection.runs))
    try:
        if not len(vote.clips.labels) or vote.confusion.shape != (len(GENRES), len(GENRES)):
            raise ValueError("no clips, or a confusion that is not 10 x 10")
    except (UserError, OSError, ValueError, TypeError, IndexError, KeyError, csv.Error) as error:
        collection.left_out.append(f"{folder}: not whole ({' '.join(str(error).split())}): vote again")
        return
    if vote.run is None and vote.net != baseline.NAME:
        collection.left_out.append(f"{folder}: its run is gone: train and vote again")
    elif vote.run and not runs.is_vote_of(summary, vote.run.record, vote.run.folder):
        collection.left_out.append(f"{folder}: of an earlier run, on other LMDBs or with other weights: vote again")
    else:
        collection.votes.append(vote)


def read_json(file: Path, keys: tuple[str, ...], left_out: list[str]) -> dict | None:
    try:
        content = json.loads(file.read_text())
        missing = [key for key in keys if key not in content]
    except (OSError, ValueError, TypeError) as error:
        left_out.append(f"{file}: not whole ({' '.join(str(error).split())})")
        return None
    if missing:
        left_out.append(f"{file}: without {', '.join(missing)}")
        return None
    return content


def read_metrics(file: Path, left_out: list[str]) -> list[dict]:
    """The lines of metrics.jsonl; the last one may be cut short by a killed run."""
    lines = []
    try:
        for line in file.read_text(errors="replace").splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                continue
    except FileNotFoundError:
        return []  # a run that has only begun
    except OSError as error:
        left_out.append(f"{file}: {error.strerror}")
    return [line for line in lines if isinstance(line, dict) and "iter" in line]
