"""What lies under the build folder: manifests, runs and votes, read for the report.

Nothing here fails because of one bad file: what can't be read is left out and named in `Collection.left_out`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tools import files, paths
from tools.cli import UserError
from tools.convert import manifest as manifests
from tools.nets.network import Network
from tools.report.records import Collection, Differences, Run, Vote
from tools.settings import LMDB, RUN, Settings, text_of, typed
from tools.train import runs
from tools.vote import baseline
from tools.vote.files import check_counted

VOTE_KEYS = ("leaky", "clips", "songs", "clip_accuracy", "clip_interval", "song_accuracy", "song_interval")

Source = TypeVar("Source")
Record = TypeVar("Record")


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
    return Collection(
        build,
        [run for run in compared if run.is_of_paper],
        [vote for vote in votes if vote.is_of_paper],
        by_split,
        left_out,
        other_runs=[run for run in compared if not run.is_of_paper],
        other_votes=[vote for vote in votes if not vote.is_of_paper],
    )


def collect_kept() -> Collection:
    """What is kept in the repository. It was made, and is made again, under build/: so its commands say."""
    kept, others = collect(paths.RESULTS), collect(paths.OTHER_RESULTS)
    return replace(
        kept,
        build=paths.BUILD,
        left_out=[*kept.left_out, *others.left_out],
        other_runs=others.other_runs,
        other_votes=others.other_votes,
        kept_as={vote.fingerprint: paths.RESULTS.name for vote in kept.votes}
        | {vote.fingerprint: paths.OTHER_RESULTS.name for vote in others.other_votes},
    )


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
    record = runs.read_unchanged(file.parent)
    settings = runs.settings_of(record, file.parent)
    run = Run(file.parent, record, settings, read_metrics(file.parent / "metrics.jsonl"))
    if run.songs < 1:  # which also fails where its LMDBs' songs are not told
        raise ValueError("without songs")
    return run


def read_metrics(file: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; the last one may be cut short by a killed run, or none be there yet."""
    return [line for line in files.json_lines(file) if isinstance(line, dict) and "iter" in line]


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
    return {name: typed(getattr(settings, name)) for name in named}


def read_vote(known: list[Run], file: Path) -> Vote:
    """A vote whose files can be read. UserError where it is not of a run that stands there now."""
    folder, summary = file.parent, files.parse(file.read_text())
    run = run_of(folder, summary, known)
    files.check_as_written(file, "vote again")
    vote = Vote(folder, summary["net"], summary["split"], summary["iteration"], summary, run)
    genres = len(vote.genres)
    columns = {vote.clips.probabilities.shape[1], *vote.confusion.shape}
    if columns != {genres} or not set(vote.clips.labels) <= set(range(genres)):
        raise ValueError(f"its clips or its confusion are not of its {genres} genres")
    missing = [key for key in VOTE_KEYS if key not in summary]
    if missing:
        raise ValueError(f"without {', '.join(missing)}")
    check_counted(vote.clips, summary["clip_accuracy"], folder)
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
