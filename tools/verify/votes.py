"""The checks of a vote: its figures counted again from clips.csv in plain Python; its weights and clips."""

from __future__ import annotations

import csv
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from tools import files, paths
from tools.convert import lmdbs
from tools.songs.gtzan import GENRES
from tools.train import runs, snapshots
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, judge
from tools.vote.rules import bootstrap_interval

LABELS = range(len(GENRES))
TOLERANCE = 1e-9


class Counted:
    """The clips of clips.csv, and the songs that they make."""

    def __init__(self, folder: Path) -> None:
        with (folder / "clips.csv").open(newline="") as lines:
            self.rows = list(csv.DictReader(lines))
        self.probabilities = [[float(row[f"p{k}"]) for k in LABELS] for row in self.rows]
        self.labels = [int(row["label"]) for row in self.rows]
        self.picked = [max(LABELS, key=lambda k, p=p: (p[k], -k)) for p in self.probabilities]
        self.tested = [row["part"] == "test" for row in self.rows]
        self.songs: dict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(self.rows):
            self.songs[row["track"]].append(index)
        if not any(self.tested):
            raise FailedError("no test clip in clips.csv")

    def votes(self, track: str) -> list[int]:
        return [sum(self.picked[i] == k for i in self.songs[track]) for k in LABELS]

    def means(self, track: str) -> list[float]:
        clips = self.songs[track]
        return [math.fsum(self.probabilities[i][k] for i in clips) / len(clips) for k in LABELS]

    def label(self, track: str) -> int:
        return self.labels[self.songs[track][0]]

    def plurality(self, track: str, threshold: int) -> int | None:
        """The label with most votes, ties to the higher mean, or None below the threshold."""
        votes, means = self.votes(track), self.means(track)
        winner = max(LABELS, key=lambda k: (votes[k], means[k], -k))
        return winner if votes[winner] >= threshold else None

    def most_probable(self, track: str) -> int:
        means = self.means(track)
        return max(LABELS, key=lambda k: (means[k], -k))


def check_vote(folder: Path, runs_folder: Path) -> Iterator[Outcome]:
    """Every check of a votes folder; its run, and the LMDBs of that, are looked for in ``runs_folder``."""
    for check, look in (
        ("summary recounted from clips.csv", check_summary),
        ("songs.csv recounted from clips.csv", check_songs),
        ("confusion.csv recounted from clips.csv", check_confusion),
        ("weights", partial(check_weights, runs_folder)),
        ("clips are those of the LMDB", partial(check_clips, runs_folder)),
    ):
        yield judge(folder, check, partial(look, folder))


def read_summary(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def check_summary(folder: Path) -> str:
    """Every share and interval of summary.json is what clips.csv implies."""
    summary, counted = read_summary(folder), Counted(folder)
    tested = [i for i, is_tested in enumerate(counted.tested) if is_tested]
    right = [counted.picked[i] == counted.labels[i] for i in tested]
    equal(summary["clips"], len(tested), "clips")
    equal(summary["songs"], len(counted.songs), "songs")
    equal(summary["leaky"], not all(counted.tested), "leaky")
    near(summary["clip_accuracy"], sum(right) / len(right), "clip_accuracy")
    numbers = {track: number for number, track in enumerate(sorted(counted.songs))}
    of_clip = np.array([numbers[counted.rows[i]["track"]] for i in tested])
    one_clip_songs = summary["song_accuracy"] is None
    interval = wilson(sum(right), len(right)) if one_clip_songs else bootstrap_interval(of_clip, np.array(right))
    for found, expected in zip(summary["clip_interval"], interval):
        near(found, expected, "clip_interval")
    if one_clip_songs:
        equal(max(map(len, counted.songs.values())), 1, "clips of a song without a vote")
        return f"{len(tested)} clips"
    for rule, threshold, is_right in rules_of(summary, counted):
        shares, intervals = summary["song_accuracy"][rule], summary["song_interval"][rule]
        if threshold is not None:
            shares, intervals = shares[threshold], intervals[threshold]
        number = sum(map(is_right, counted.songs))
        near(shares, number / len(counted.songs), f"song_accuracy {rule} {threshold or ''}")
        for found, expected in zip(intervals, wilson(number, len(counted.songs))):
            near(found, expected, f"song_interval {rule} {threshold or ''}")
    return f"{len(tested)} clips, {len(counted.songs)} songs"


def rules_of(summary: dict, counted: Counted) -> Iterator[tuple[str, str | None, Callable[[str], bool]]]:
    """Each rule and threshold of a summary, and whether a song is right by it."""
    for threshold in summary["song_accuracy"]["true_label"]:
        least = int(threshold)
        yield "true_label", threshold, lambda t, least=least: counted.votes(t)[counted.label(t)] >= least
    for threshold in summary["song_accuracy"]["plurality"]:
        least = int(threshold)
        yield "plurality", threshold, lambda t, least=least: counted.plurality(t, least) == counted.label(t)
    yield "mean_probability", None, lambda t: counted.most_probable(t) == counted.label(t)


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95% interval in closed form."""
    z, share = 1.959963984540054, right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return middle - half, middle + half


def near(found: float, expected: float, what: str) -> None:
    if not abs(found - expected) <= TOLERANCE:
        raise FailedError(f"{what.strip()}: {found} where clips.csv says {expected}")


def check_songs(folder: Path) -> str:
    """Every line of songs.csv: votes, plurality at the lowest threshold, most probable label."""
    counted, summary = Counted(folder), read_summary(folder)
    with (folder / "songs.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    equal([row["track"] for row in rows], sorted(counted.songs), "its songs")
    thresholds = (summary["song_accuracy"] or {"true_label": ["1"]})["true_label"]
    lowest = min(map(int, thresholds))
    for row in rows:
        track = row["track"]
        equal(int(row["label"]), counted.label(track), f"label of {track}")
        equal([int(row[f"v{k}"]) for k in LABELS], counted.votes(track), f"votes of {track}")
        winner = counted.plurality(track, lowest)
        equal(row["plurality"], "undecided" if winner is None else str(winner), f"plurality of {track}")
        equal(int(row["mean_probability"]), counted.most_probable(track), f"mean_probability of {track}")
    return f"{len(rows)} songs"


def check_confusion(folder: Path) -> str:
    counted = Counted(folder)
    with (folder / "confusion.csv").open(newline="") as lines:
        shares = [[float(value) for value in row[1:]] for row in list(csv.reader(lines))[1:]]
    for label, genre in enumerate(GENRES):
        clips = [i for i, tested in enumerate(counted.tested) if tested and counted.labels[i] == label]
        for outcome in LABELS:
            number = sum(counted.picked[i] == outcome for i in clips)
            near(shares[outcome][label], number / len(clips) if clips else 0.0, f"{genre} heard as {GENRES[outcome]}")
    return "shares of the test clips of each genre"


def run_of(summary: dict, runs_folder: Path) -> Path:
    """The folder of the run that voted. SkippedError where it is gone."""
    said = Path(summary["run"])
    for folder in (said, runs_folder / said.parent.name / said.name):
        if (folder / "run.json").is_file():
            return folder
    raise SkippedError(f"its run is gone: {summary['run']}")


def check_weights(runs_folder: Path, folder: Path) -> str:
    """The snapshot that voted still has the hash that the summary says."""
    summary = read_summary(folder)
    if summary["split"] == paths.ALL_FOLDS:
        raise SkippedError("the votes of five runs: see each of them")
    models = snapshots.whole_snapshots(run_of(summary, runs_folder))
    if summary["iteration"] not in models:
        raise SkippedError(f"the snapshot of iteration {summary['iteration']} is no longer kept")
    model = models[summary["iteration"]]
    equal(files.sha256_of(model), summary["caffemodel_sha256"], f"sha256 of {model.name}")
    return model.name


def check_clips(runs_folder: Path, folder: Path) -> str:
    """Clips, parts and labels of clips.csv are those of the LMDBs that the run was trained and tested on."""
    summary = read_summary(folder)
    if summary["split"] == paths.ALL_FOLDS:
        raise SkippedError("the votes of five runs: see each of them")
    record = runs.read_run(run_of(summary, runs_folder))
    wanted = set()
    for part, sha256 in summary["lmdb_sha256"].items():
        lmdb = Path(record["lmdb"][part]["path"])
        if not lmdb.is_dir():
            raise SkippedError(f"the LMDB is gone: {lmdb}")
        equal(lmdbs.content_hash(lmdb), sha256, f"sha256 of {lmdb}")
        wanted |= {(r.track, str(r.clip), part, str(r.label)) for r in lmdbs.read_lmdb(lmdb)}
    voting = {track for track, _, part, _ in wanted if part == "test"}
    wanted = {clip for clip in wanted if clip[0] in voting}
    found = [(row["track"], row["clip"], row["part"], row["label"]) for row in Counted(folder).rows]
    equal(len(set(found)), len(found), "clips that are there once")
    equal(sorted(set(found) ^ wanted)[:1], [], "clips that only one of clips.csv and LMDB has")
    return f"{len(found)} clips"
