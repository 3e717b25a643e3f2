"""The files of a vote: clips.csv, songs.csv, confusion.csv and summary.json, whole or not at all."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tools.cli import UserError
from tools.files import only_writer, whole_folder, write_record
from tools.vote import rules
from tools.vote.count import Clips, Election


def write_votes(folder: Path, clips: Clips, election: Election, summary: dict[str, Any]) -> None:
    """Write all four files, in place of those of an earlier vote. The summary's genres are the labels' names."""
    labels = range(len(summary["genres"]))
    with only_writer(folder), whole_folder(folder) as aside:
        write_csv(aside / "clips.csv", ["track", "clip", "part", "label", *(f"p{k}" for k in labels)], clip_rows(clips))
        header = ["track", "label", *(f"v{k}" for k in labels), "plurality", "mean_probability"]
        write_csv(aside / "songs.csv", header, song_rows(election))
        write_csv(aside / "confusion.csv", ["outcome", *summary["genres"]], confusion_rows(clips, summary["genres"]))
        write_record(aside / "summary.json", summary)


def read_clips(file: Path) -> Clips:
    """What `write_votes` wrote to clips.csv. UserError where it is missing or not whole."""
    try:
        with file.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        if not rows:
            raise ValueError("no clip")
        columns = sorted((name for name in rows[0] if re.fullmatch(r"p\d+", name)), key=lambda name: int(name[1:]))
        texts = np.array([[row[name] for name in columns] for row in rows])
        return Clips(
            tracks=np.array([row["track"] for row in rows]),
            clips=np.array([int(row["clip"]) for row in rows]),
            parts=np.array([row["part"] for row in rows]),
            labels=np.array([int(row["label"]) for row in rows]),
            texts=texts,
            probabilities=texts.astype(np.float64),
        )
    except FileNotFoundError:
        raise UserError(f"{file}: no such vote: type 'make vote' with the same settings first") from None
    except (KeyError, ValueError, TypeError, csv.Error):
        raise UserError(f"{file} is not whole: remove {file.parent} and vote again") from None


def check_counted(clips: Clips, clip_accuracy: float, folder: Path) -> None:
    """UserError unless the clips of a vote are those that its summary was counted from."""
    right = clips.right[clips.tested]
    if not len(right) or not abs(right.mean() - clip_accuracy) < 1e-9:
        raise UserError(f"{folder / 'clips.csv'} is not what summary.json was counted from: vote again")


def clip_rows(clips: Clips) -> Iterator[list]:
    for i in range(len(clips.tracks)):
        yield [clips.tracks[i], clips.clips[i], clips.parts[i], clips.labels[i], *clips.texts[i]]


def song_rows(election: Election) -> Iterator[list]:
    """Plurality is at the lowest threshold, by default the paper's 5 of 15 (10 of 30)."""
    decided = election.plurality(election.thresholds[0])
    for i, track in enumerate(election.tracks):
        plurality = "undecided" if decided[i] == rules.UNDECIDED else decided[i]
        yield [track, election.labels[i], *election.votes[i], plurality, election.most_probable[i]]


def confusion_rows(clips: Clips, genres: list[str]) -> Iterator[list]:
    """Test clips alone, a row per outcome and a column per true genre."""
    shares = rules.confusion(clips.predicted[clips.tested], clips.labels[clips.tested], len(genres))
    for genre, row in zip(genres, shares):
        yield [genre, *row]


def write_csv(file: Path, header: list[str], rows: Iterable[list]) -> None:
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def print_table(summary: dict, folder: Path) -> None:
    """Every rule and threshold with its accuracy and 95% interval, in percent."""

    def line(what: str, share: float, interval: list[float]) -> None:
        print(f"  {what:<38}{100 * share:6.2f}%   [{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]")

    tested = f"{summary['clips']} test clips, {summary['songs']} songs"
    print(f"{summary['run']}, iteration {summary['iteration']}: {tested}; right, with 95% interval:")
    line("clips", summary["clip_accuracy"], summary["clip_interval"])
    if summary["song_accuracy"]:
        for rule in ("true_label", "plurality"):
            for threshold, share in summary["song_accuracy"][rule].items():
                interval = summary["song_interval"][rule][threshold]
                line(f"songs, {rule}, at least {threshold}", share, interval)
        line("songs, mean_probability", *(summary[f"song_{of}"]["mean_probability"] for of in ("accuracy", "interval")))
    print("  95% intervals: Wilson over songs; for clips a bootstrap over songs")
    if summary["song_accuracy"]:
        print("  true_label, the paper's rule: so many of a song's clips get its genre")
        print("  plurality: most of a song's clips get its genre, and at least so many")
        print("  mean_probability: its genre has the highest probability, averaged over its clips")
    if summary["leaky"]:
        print("  leaky: most clips of these songs were trained on: the songs' figures mean little")
    right = f"{100 * summary['clip_accuracy']:.2f}% of clips"
    if summary["song_accuracy"]:
        threshold = next(iter(summary["song_accuracy"]["true_label"]))
        right += f", {100 * summary['song_accuracy']['plurality'][threshold]:.2f}% of songs by {threshold} votes"
    print(f"{right} right: written to {folder}")
