"""A vote, and its figures counted again from clips.csv in plain Python. Who voted is `tools.verify.ballots`."""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tools import paths
from tools.songs.splits import JOINED
from tools.verify.commands import read_command
from tools.verify.outcome import FailedError, equal, near
from tools.vote import baseline
from tools.vote.rules import bootstrap_interval, default_thresholds

SUM_TOLERANCE = 1e-3  # of the probabilities of a clip, which are float32
OF_FOLDS = {paths.joined_folds(split): (split, folds) for split, folds in JOINED.items()}  # by the name of a folder
Row = tuple[str, int, str, int]  # track, clip, part, label


@dataclass(frozen=True)
class Vote:
    """A votes folder: the clips of clips.csv, the songs that they make, and the summary."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text())

    @property
    def module(self) -> str:
        """The tool that makes a vote of this name."""
        if self.folder.parent.name not in OF_FOLDS:
            return "tools.vote"
        is_baseline = self.folder.name == baseline.NAME or self.folder.name.startswith(f"{baseline.NAME}@")
        return "tools.vote.baseline" if is_baseline else "tools.vote.folds"

    @cached_property
    def arguments(self) -> argparse.Namespace:
        """The options of the command that the summary says."""
        return read_command(self.summary["command"], [self.module], "iteration", "threshold", "data", "run", "test")

    @property
    def labels(self) -> range:
        return range(len(self.summary["genres"]))

    @cached_property
    def table(self) -> list[list[str]]:
        """The rows of clips.csv."""
        header, *rows = read_csv(self.folder / "clips.csv")
        equal(header, ["track", "clip", "part", "label", *(f"p{k}" for k in self.labels)], "columns of clips.csv")
        return rows

    @cached_property
    def rows(self) -> list[Row]:
        return [(track, int(clip), part, int(label)) for track, clip, part, label, *_ in self.table]

    @cached_property
    def probabilities(self) -> list[list[float]]:
        return [[float(text) for text in row[4:]] for row in self.table]

    @cached_property
    def picked(self) -> list[int]:
        """The most probable label of each clip, the lowest of them where several are equal."""
        return [max(self.labels, key=partial(by_value, p)) for p in self.probabilities]

    @cached_property
    def tested(self) -> list[int]:
        """The test clips, by their number."""
        tested = [index for index, (_, _, part, _) in enumerate(self.rows) if part == "test"]
        if not tested:
            raise FailedError("no test clip in clips.csv")
        return tested

    @cached_property
    def songs(self) -> dict[str, list[int]]:
        """The clips of each song, by their number."""
        songs: dict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(self.rows):
            songs[row[0]].append(index)
        return songs

    @property
    def clips_a_song(self) -> int:
        return max(map(len, self.songs.values()))

    @property
    def thresholds(self) -> list[int]:
        """Those that the command asked for, else the default ones."""
        asked = sorted({int(text) for text in self.arguments.threshold})
        return asked or list(default_thresholds(self.clips_a_song))

    def votes(self, track: str) -> list[int]:
        return [sum(self.picked[i] == k for i in self.songs[track]) for k in self.labels]

    def means(self, track: str) -> list[float]:
        clips = self.songs[track]
        return [math.fsum(self.probabilities[i][k] for i in clips) / len(clips) for k in self.labels]

    def label(self, track: str) -> int:
        return self.rows[self.songs[track][0]][3]

    def plurality(self, track: str, threshold: int) -> int | None:
        """The label with most votes, ties to the higher mean, or None below the threshold."""
        votes, means = self.votes(track), self.means(track)
        winner = min(self.labels, key=[(-v, -m, k) for v, m, k in zip(votes, means, self.labels)].__getitem__)
        return winner if votes[winner] >= threshold else None

    def most_probable(self, track: str) -> int:
        return max(self.labels, key=partial(by_value, self.means(track)))


def by_value(values: list[float], label: int) -> tuple[float, int]:
    """The order of labels by their values; of equal ones the lowest label comes first."""
    return values[label], -label


def read_csv(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def check_rows(vote: Vote) -> str:
    """Rows in order of song and clip, each song of one label and whole, and probabilities that sum to 1."""
    whole = [(track, clip) for track in sorted(vote.songs) for clip in range(vote.clips_a_song)]
    odd = [(row[:2], right) for row, right in zip(vote.rows, whole) if row[:2] != right]
    equal(odd[:1], [], "its clips in order, and those of whole songs")
    equal(len(vote.rows), len(whole), "clips")
    for (track, clip, part, label), probabilities in zip(vote.rows, vote.probabilities):
        where = f"clip {clip} of {track}"
        equal(label, vote.label(track), f"label of {where}")
        near(math.fsum(probabilities), 1, f"sum of the probabilities of {where}", SUM_TOLERANCE)
        if part not in ("train", "test") or not min(probabilities) >= 0:
            raise FailedError(f"{where}: part {part}, least probability {min(probabilities)}")
    return f"{len(vote.rows)} clips of {len(vote.songs)} songs"


def check_summary(vote: Vote) -> str:
    """Every share and interval of summary.json is what clips.csv implies."""
    summary, total = vote.summary, len(vote.songs)
    right = [vote.picked[i] == vote.rows[i][3] for i in vote.tested]
    equal(summary["clips"], len(right), "clips")
    equal(summary["songs"], total, "songs")
    near(summary["clip_accuracy"], sum(right) / len(right), "clip_accuracy")
    if vote.clips_a_song == 1:
        near_pair(summary["clip_interval"], wilson(sum(right), len(right)), "clip_interval")
        equal((summary["song_accuracy"], summary["song_interval"]), (None, None), "songs of one clip")
        return f"{len(right)} clips"
    numbers = {track: number for number, track in enumerate(sorted(vote.songs))}
    song_of_clip = np.array([numbers[vote.rows[i][0]] for i in vote.tested])
    near_pair(summary["clip_interval"], bootstrap_interval(song_of_clip, np.array(right)), "clip_interval")
    counts = right_songs(vote)
    layout = {rule: keys_of(number) for rule, number in counts.items()}
    for key in ("song_accuracy", "song_interval"):
        equal({rule: keys_of(value) for rule, value in summary[key].items()}, layout, f"rules of {key}")
    for rule, number in counts.items():
        shares, intervals = summary["song_accuracy"][rule], summary["song_interval"][rule]
        if isinstance(number, int):
            number, shares, intervals = {"": number}, {"": shares}, {"": intervals}
        for threshold, songs in number.items():
            near(shares[threshold], songs / total, f"song_accuracy, {rule} {threshold}")
            near_pair(intervals[threshold], wilson(songs, total), f"song_interval, {rule} {threshold}")
    return f"{len(right)} clips, {total} songs"


def right_songs(vote: Vote) -> dict[str, Any]:
    """How many songs are right by each rule and threshold, in the layout of summary.json's song_accuracy."""
    songs = [(track, vote.label(track)) for track in vote.songs]
    return {
        "true_label": {str(t): sum(vote.votes(track)[label] >= t for track, label in songs) for t in vote.thresholds},
        "plurality": {
            str(t): sum(vote.plurality(track, t) == label for track, label in songs)
            for t in sorted({1, *vote.thresholds})
        },
        "mean_probability": sum(vote.most_probable(track) == label for track, label in songs),
    }


def keys_of(value: Any) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def wilson(right: int, total: int) -> tuple[float, float]:
    """Wilson's 95% interval in closed form."""
    z, share = 1.959963984540054, right / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return middle - half, middle + half


def near_pair(values: list[float], right: tuple[float, float] | list[float], what: str) -> None:
    equal(len(values), 2, f"ends of {what}")
    for value, end in zip(values, right):
        near(value, end, what)


def check_songs(vote: Vote) -> str:
    """Every line of songs.csv: votes, plurality at the lowest threshold, most probable label."""
    header, *rows = read_csv(vote.folder / "songs.csv")
    equal(header, ["track", "label", *(f"v{k}" for k in vote.labels), "plurality", "mean_probability"], "columns")
    equal([row[0] for row in rows], sorted(vote.songs), "its songs")
    for row in rows:
        track, winner = row[0], vote.plurality(row[0], vote.thresholds[0])
        named = "undecided" if winner is None else winner
        right = [track, vote.label(track), *vote.votes(track), named, vote.most_probable(track)]
        equal(row, [str(value) for value in right], track)
    return f"{len(rows)} songs"


def check_confusion(vote: Vote) -> str:
    """Every share of confusion.csv, a row an outcome and a column a genre."""
    header, *rows = read_csv(vote.folder / "confusion.csv")
    genres = vote.summary["genres"]
    equal(header, ["outcome", *genres], "columns")
    equal([row[0] for row in rows], genres, "rows")
    for label, genre in enumerate(genres):
        clips = [i for i in vote.tested if vote.rows[i][3] == label]
        for outcome in vote.labels:
            number = sum(vote.picked[i] == outcome for i in clips)
            share = number / len(clips) if clips else 0.0
            near(float(rows[outcome][label + 1]), share, f"{genre} heard as {genres[outcome]}")
    return "shares of the test clips of each genre"
