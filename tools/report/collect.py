"""What lies under the build folder: manifests, runs and votes, read for the report.

Nothing here fails because of one bad file: what can't be read is left out and named in `Collection.left_out`.
"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from tools import paths
from tools.cli import UserError
from tools.convert import manifest as manifests
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.vote.count import Clips
from tools.vote.files import read_clips

ITERATION_SUFFIX = re.compile(r"@iter=(\d+)$")
RUN_KEYS = ("net", "split", "dtype", "iteration", "lmdb", "data_fingerprint")
VOTE_KEYS = ("net", "split", "leaky", "iteration", "clips", "songs", "clip_accuracy", "clip_interval")


@dataclass(frozen=True)
class Run:
    """A run folder: ``differences`` are what its name says differs from the defaults."""

    folder: Path
    split: str
    name: str
    record: dict
    metrics: list[dict]

    @property
    def net(self) -> str:
        return self.record["net"]

    @property
    def differences(self) -> dict[str, str]:
        return differences(self.name)


@dataclass(frozen=True)
class Vote:
    """A votes folder; ``run`` is the run that it is of, None where that run is gone."""

    folder: Path
    split: str
    name: str
    summary: dict
    run: Run | None

    @property
    def net(self) -> str:
        return self.summary["net"]

    @property
    def iteration(self) -> int:
        return self.summary["iteration"]

    @property
    def run_name(self) -> str:
        return ITERATION_SUFFIX.sub("", self.name)

    @property
    def differences(self) -> dict[str, str]:
        return differences(self.run_name)

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


def differences(name: str) -> dict[str, str]:
    """``rcnn@dtype=int,seed=3`` as {'dtype': 'int', 'seed': '3'}; a value may hold an @ of its own."""
    named = name.partition("@")[2]
    return dict(item.partition("=")[::2] for item in named.split(",") if "=" in item)


def matches(found: dict[str, str], wanted: dict[str, str | None]) -> bool:
    exact = {key: value for key, value in wanted.items() if value is not None}
    return found.keys() == wanted.keys() and all(found[key] == value for key, value in exact.items())


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
        record = read_json(file, RUN_KEYS, found.left_out)
        if record:
            metrics = read_metrics(file.with_name("metrics.jsonl"), found.left_out)
            found.runs.append(Run(file.parent, file.parent.parent.name, file.parent.name, record, metrics))
    by_name = {(run.split, run.name): run for run in found.runs}
    for file in sorted((build / "votes").glob("[!.]*/[!.]*/summary.json")):
        summary = read_json(file, VOTE_KEYS, found.left_out)
        if summary:
            split, name = file.parent.parent.name, file.parent.name
            # the votes of all folds are of five runs: the first stands for their data
            of_split = "song" if split == paths.ALL_FOLDS else split
            vote = Vote(file.parent, split, name, summary, by_name.get((of_split, ITERATION_SUFFIX.sub("", name))))
            add_vote(found, vote)
    return found


def collect_kept() -> Collection:
    """What is kept in the repository. It was made, and is made again, under build/: so its commands say."""
    found = collect(paths.RESULTS)
    found.build = paths.BUILD
    return found


def add_vote(found: Collection, vote: Vote) -> None:
    """Take a vote in if its files can be read and it is of the run that stands there now."""
    try:
        if not len(vote.clips.labels) or vote.confusion.shape != (len(GENRES), len(GENRES)):
            raise ValueError("no clips, or a confusion that is not 10 x 10")
    except (UserError, OSError, ValueError, TypeError, IndexError, KeyError, csv.Error) as error:
        found.left_out.append(f"{vote.folder}: not whole ({' '.join(str(error).split())}): vote again")
        return
    if vote.run and not runs.is_vote_of(vote.summary, vote.run.record, vote.run.folder):
        found.left_out.append(f"{vote.folder}: of an earlier run, on other LMDBs or with other weights: vote again")
        return
    found.votes.append(vote)


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
