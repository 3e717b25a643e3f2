"""A vote, and its figures counted again from clips.csv. Who voted is `tools.verify.ballots`."""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tools import files, paths
from tools.songs.splits import JOINED
from tools.verify.outcome import FailedError, equal, near
from tools.verify.record import read_command
from tools.vote import baseline
from tools.vote.count import Clips, Election, hold_election, score
from tools.vote.files import read_clips, write_votes

SUM_TOLERANCE = 1e-3  # of the probabilities of a clip, which are float32
OF_FOLDS = {paths.joined_folds(split): (split, folds) for split, folds in JOINED.items()}  # by the name of a folder
Row = tuple[str, int, str, int]  # track, clip, part, label


@dataclass(frozen=True)
class Vote:
    """A votes folder: the clips of clips.csv, the songs that they vote on, and the summary."""

    folder: Path

    @cached_property
    def summary(self) -> dict[str, Any]:
        return files.parse((self.folder / "summary.json").read_text())

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

    @cached_property
    def clips(self) -> Clips:
        clips, genres = read_clips(self.folder / "clips.csv"), len(self.summary["genres"])
        equal(clips.probabilities.shape[1], genres, "probabilities of a clip")
        equal(sorted(set(clips.labels.tolist()) - set(range(genres))), [], "labels of no genre")
        if not clips.tested.any():
            raise FailedError("no test clip in clips.csv")
        return clips

    @cached_property
    def rows(self) -> list[Row]:
        return rows_of(self.clips)

    @cached_property
    def election(self) -> Election:
        """By the thresholds that the command asked for, or the default ones."""
        return hold_election(self.clips, [int(text) for text in self.arguments.threshold])

    @cached_property
    def tables(self) -> dict[str, list[list[str]]]:
        """The rows of each table as the clips give them."""
        with tempfile.TemporaryDirectory() as aside:
            write_votes(Path(aside) / "vote", self.clips, self.election, self.summary)
            return {file.name: read_table(file) for file in Path(aside).glob("vote/*.csv")}


def rows_of(clips: Clips) -> list[Row]:
    return list(zip(*(column.tolist() for column in (clips.tracks, clips.clips, clips.parts, clips.labels))))


def check_rows(vote: Vote) -> str:
    """Rows in order of song and clip, each song of one label and whole, and probabilities that sum to 1."""
    songs, labels = vote.election.tracks.tolist(), dict(zip(vote.election.tracks.tolist(), vote.election.labels))
    whole = [(track, clip) for track in songs for clip in range(vote.election.clips_a_song)]
    odd = [(row[:2], right) for row, right in zip(vote.rows, whole) if row[:2] != right]
    equal(odd[:1], [], "its clips in order, and those of whole songs")
    for (track, clip, part, label), probabilities in zip(vote.rows, vote.clips.probabilities):
        where = f"clip {clip} of {track}"
        equal(label, int(labels[track]), f"label of {where}")
        near(math.fsum(probabilities), 1, f"sum of the probabilities of {where}", SUM_TOLERANCE)
        if part not in ("train", "test") or not min(probabilities) >= 0:
            raise FailedError(f"{where}: part {part}, least probability {min(probabilities)}")
    compare(vote, "clips.csv")
    return f"{len(vote.rows)} clips of {len(songs)} songs"


def compare(vote: Vote, table: str) -> None:
    """FailedError, which names row and column, unless every cell of a table is the one that the clips give."""
    rows, right = read_table(vote.folder / table), vote.tables[table]
    for row, right_row in zip(rows, right):
        for column, value, right_value in zip_longest(right[0], row, right_row):
            equal(value, right_value, f"{right_row[0]}, {column}")
    equal(len(rows), len(right), f"rows of {table}")


def read_table(file: Path) -> list[list[str]]:
    with file.open(newline="") as lines:
        return list(csv.reader(lines))


def check_summary(vote: Vote) -> str:
    """Every share and interval of summary.json is what clips.csv implies."""
    summary, right = vote.summary, score(vote.clips, vote.election)
    for key in right:
        if key != "leaky":  # which the run says
            near_tree(summary[key], right[key], key)
    return f"{right['clips']} clips" + (f", {right['songs']} songs" if right["song_accuracy"] else "")


def near_tree(value: Any, right: Any, what: str) -> None:
    """FailedError unless two trees of JSON have the same keys, numbers that are near, and else what is equal."""
    if isinstance(right, dict):
        equal(list(value), list(right), f"rules of {what}")
        for key in right:
            near_tree(value[key], right[key], f"{what}, {key}")
    elif isinstance(right, list):
        equal(len(value), len(right), f"ends of {what}")
        for number, end in zip(value, right):
            near(number, end, what)
    elif isinstance(right, float):
        near(value, right, what)
    else:
        equal(value, right, what)


def check_songs(vote: Vote) -> str:
    """Every line of songs.csv: votes, plurality at the lowest threshold, most probable label."""
    compare(vote, "songs.csv")
    return f"{len(vote.election.tracks)} songs"


def check_confusion(vote: Vote) -> str:
    """Every share of confusion.csv, a row an outcome and a column a genre."""
    compare(vote, "confusion.csv")
    return "shares of the test clips of each genre"
