"""The checks of a vote: its figures counted again from clips.csv in plain Python, and its clips passed again.

Who voted is `tools.verify.ballots`.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from tools.verify.ballots import arguments_of, check_clips, check_command, check_run_of_vote, read_summary
from tools.verify.build import Build
from tools.verify.outcome import FailedError, Outcome, equal, judge, near
from tools.vote.rules import bootstrap_interval, default_thresholds

PROBABILITY_TOLERANCE = 1e-3  # of a sum of float32


class Vote:
    """A votes folder: the clips of clips.csv, the songs that they make, and the summary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with (folder / "clips.csv").open(newline="") as lines:
            reader = csv.DictReader(lines)
            self.rows = list(reader)
        self.names = [name for name in reader.fieldnames or () if name.startswith("p") and name != "part"]
        equal(reader.fieldnames, ["track", "clip", "part", "label", *(f"p{k}" for k in self.of_labels)], "clips.csv")
        self.probabilities = [[float(row[name]) for name in self.names] for row in self.rows]
        self.labels = [int(row["label"]) for row in self.rows]
        self.picked = [max(self.of_labels, key=lambda k, p=p: (p[k], -k)) for p in self.probabilities]
        self.tested = [row["part"] == "test" for row in self.rows]
        self.songs: dict[str, list[int]] = defaultdict(list)
        for index, row in enumerate(self.rows):
            self.songs[row["track"]].append(index)
        if not any(self.tested):
            raise FailedError("no test clip in clips.csv")

    @property
    def of_labels(self) -> range:
        return range(len(self.names))

    @cached_property
    def summary(self) -> dict[str, Any]:
        return read_summary(self.folder)

    def votes(self, track: str) -> list[int]:
        return [sum(self.picked[i] == k for i in self.songs[track]) for k in self.of_labels]

    def means(self, track: str) -> list[float]:
        clips = self.songs[track]
        return [math.fsum(self.probabilities[i][k] for i in clips) / len(clips) for k in self.of_labels]

    def label(self, track: str) -> int:
        return self.labels[self.songs[track][0]]

    def plurality(self, track: str, threshold: int) -> int | None:
        """The label with most votes, ties to the higher mean, or None below the threshold."""
        votes, means = self.votes(track), self.means(track)
        winner = max(self.of_labels, key=lambda k: (votes[k], means[k], -k))
        return winner if votes[winner] >= threshold else None

    def most_probable(self, track: str) -> int:
        means = self.means(track)
        return max(self.of_labels, key=lambda k: (means[k], -k))

    @property
    def clips_a_song(self) -> int:
        return max(map(len, self.songs.values()))


def check_vote(build: Build, folder: Path) -> Iterator[Outcome]:
    """Every check of a votes folder; the run, and the LMDBs of that, are looked for in the build folder."""
    for check, look in (
        ("clips.csv is whole", check_rows),
        ("summary recounted from clips.csv", check_summary),
        ("songs.csv recounted from clips.csv", check_songs),
        ("confusion.csv recounted from clips.csv", check_confusion),
    ):
        yield judge(folder, check, lambda look=look: look(Vote(folder)))
    for check, look in (
        ("command", check_command),
        ("run", check_run_of_vote),
        ("clips passed again through the network", check_clips),
    ):
        yield judge(folder, check, partial(look, build, folder))


def check_rows(vote: Vote) -> str:
    """Rows in order of song and clip, each song of one label and whole, and probabilities that sum to 1."""
    order = [(row["track"], int(row["clip"])) for row in vote.rows]
    whole = [(track, clip) for track in sorted(vote.songs) for clip in range(vote.clips_a_song)]
    odd = next((pair for pair in zip(order, whole) if pair[0] != pair[1]), None)
    equal(odd, None, "its clips in order, and those of whole songs")
    equal(len(order), len(whole), "clips")
    for row, label, probabilities in zip(vote.rows, vote.labels, vote.probabilities):
        where = f"clip {row['clip']} of {row['track']}"
        equal(label, vote.label(row["track"]), f"label of {where}")
        near(math.fsum(probabilities), 1, f"sum of the probabilities of {where}", PROBABILITY_TOLERANCE)
        if row["part"] not in ("train", "test") or not min(probabilities) >= 0:
            raise FailedError(f"{where}: part {row['part']}, least probability {min(probabilities)}")
    return f"{len(order)} clips of {len(vote.songs)} songs"


def check_summary(vote: Vote) -> str:
    """Every share and interval of summary.json is what clips.csv implies."""
    summary, total = vote.summary, len(vote.songs)
    tested = [i for i, is_tested in enumerate(vote.tested) if is_tested]
    right = [vote.picked[i] == vote.labels[i] for i in tested]
    equal(summary["clips"], len(tested), "clips")
    equal(summary["songs"], total, "songs")
    near(summary["clip_accuracy"], sum(right) / len(right), "clip_accuracy")
    if vote.clips_a_song == 1:
        near_pair(summary["clip_interval"], wilson(sum(right), len(right)), "clip_interval")
        equal((summary["song_accuracy"], summary["song_interval"]), (None, None), "of songs of one clip")
        return f"{len(tested)} clips"
    numbers = {track: number for number, track in enumerate(sorted(vote.songs))}
    song_of_clip = np.array([numbers[vote.rows[i]["track"]] for i in tested])
    near_pair(summary["clip_interval"], bootstrap_interval(song_of_clip, np.array(right)), "clip_interval")
    thresholds = thresholds_of(vote)
    rules = {
        "true_label": {str(t): partial(is_true_label, vote, t) for t in thresholds},
        "plurality": {str(t): partial(is_plurality, vote, t) for t in sorted({1, *thresholds})},
        "mean_probability": {"": partial(is_most_probable, vote)},
    }
    for which in ("song_accuracy", "song_interval"):
        equal(list(summary[which]), list(rules), f"rules of {which}")
    for rule, by_threshold in rules.items():
        shares, intervals = summary["song_accuracy"][rule], summary["song_interval"][rule]
        if rule == "mean_probability":
            shares, intervals = {"": shares}, {"": intervals}
        equal((list(shares), list(intervals)), (list(by_threshold), list(by_threshold)), f"thresholds of {rule}")
        for threshold, is_right in by_threshold.items():
            number = sum(map(is_right, vote.songs))
            near(shares[threshold], number / total, f"song_accuracy, {rule} {threshold}")
            near_pair(intervals[threshold], wilson(number, total), f"song_interval, {rule} {threshold}")
    return f"{len(tested)} clips, {total} songs"


def thresholds_of(vote: Vote) -> list[int]:
    """Those that the command asked for, else the default ones."""
    asked = arguments_of(vote.folder, vote.summary["command"]).threshold
    return sorted({int(text) for text in asked}) or list(default_thresholds(vote.clips_a_song))


def is_true_label(vote: Vote, threshold: int, track: str) -> bool:
    return vote.votes(track)[vote.label(track)] >= threshold


def is_plurality(vote: Vote, threshold: int, track: str) -> bool:
    return vote.plurality(track, threshold) == vote.label(track)


def is_most_probable(vote: Vote, track: str) -> bool:
    return vote.most_probable(track) == vote.label(track)


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


def read_rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def check_songs(vote: Vote) -> str:
    """Every line of songs.csv: votes, plurality at the lowest threshold, most probable label."""
    lowest = thresholds_of(vote)[0]
    header, *rows = read_rows(vote.folder / "songs.csv")
    equal(header, ["track", "label", *(f"v{k}" for k in vote.of_labels), "plurality", "mean_probability"], "columns")
    equal([row[0] for row in rows], sorted(vote.songs), "its songs")
    for row in rows:
        track, winner = row[0], vote.plurality(row[0], lowest)
        named = "undecided" if winner is None else winner
        right = [track, vote.label(track), *vote.votes(track), named, vote.most_probable(track)]
        equal(row, [str(value) for value in right], track)
    return f"{len(rows)} songs"


def check_confusion(vote: Vote) -> str:
    """Every share of confusion.csv, a row an outcome and a column a genre."""
    header, *rows = read_rows(vote.folder / "confusion.csv")
    genres = vote.summary["genres"]
    equal(len(genres), len(vote.names), "genres")
    equal(header, ["outcome", *genres], "columns")
    equal([row[0] for row in rows], genres, "rows")
    for label, genre in enumerate(genres):
        clips = [i for i, tested in enumerate(vote.tested) if tested and vote.labels[i] == label]
        for outcome in vote.of_labels:
            number = sum(vote.picked[i] == outcome for i in clips)
            share = number / len(clips) if clips else 0.0
            near(float(rows[outcome][label + 1]), share, f"{genre} heard as {genres[outcome]}")
    return "shares of the test clips of each genre"
