"""What is told of classified songs: text for one, a table for several, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from tools.classify.model import Model
from tools.classify.verdict import Verdict
from tools.cli import printable

BAR = 24  # characters of the longest bar
LONGEST_NAME = 44  # of a song in the table
# In order of label, for pictures and the web page: white text on each has a contrast of 4.5 or more.
COLOURS = ("#2f5fa8", "#8a6d00", "#6b4423", "#b83280", "#2f7d32", "#0b7a75", "#4a4a4a", "#c2410c", "#5c7a00", "#a61e4d")


def colour(label: int) -> str:
    """The colour of a genre; beyond ten genres they come again."""
    return COLOURS[label % len(COLOURS)]


@dataclass(frozen=True)
class Heard:
    """A song that was classified."""

    path: Path
    seconds: float
    verdict: Verdict


def tell(song: Heard) -> str:
    """One song in full: the decision, the votes, the mean probabilities and the time line."""
    verdict = shown(song.verdict)
    width = genre_width(verdict)
    lines = [
        f"{printable(song.path)}: {verdict.decision}",
        f"  {len(verdict.probabilities)} clips of {verdict.clip_seconds:.2f} s from {song.seconds:.1f} s; "
        f"{verdict.threshold} votes decide; by mean probability: {verdict.most_probable}",
        "",
        f"  {'genre':<{width}}{'votes':>6}  mean probability",
    ]
    votes, means = verdict.votes, verdict.mean_probability
    for label in sorted(range(len(votes)), key=lambda k: (-votes[k], -means[k])):
        bar = "█" * round(BAR * means[label])
        lines.append(f"  {verdict.genres[label]:<{width}}{votes[label]:>6}  {means[label]:.3f} {bar}".rstrip())
    lines += ["", "  time line: genre and its mean probability there"]
    for start, end, genre, probability in verdict.stretches():
        lines.append(f"  {clock(start):>6} to {clock(end):>5}  {genre:<{width}}{probability:.2f}")
    return "\n".join(lines)


def genre_width(verdict: Verdict) -> int:
    """Letters of the column that genres stand in."""
    return max(10, *(len(genre) + 1 for genre in verdict.genres))


def shown(verdict: Verdict) -> Verdict:
    """The verdict with the names of its genres on one line: they are names of folders, which may hold line ends."""
    return replace(verdict, genres=tuple(map(printable, verdict.genres)))


def table(songs: list[Heard]) -> str:
    """Several songs, a line each, named from the folder that holds them all."""
    above = os.path.commonpath([song.path.parent for song in songs])
    names = [shorten(printable(os.path.relpath(song.path, above)), LONGEST_NAME) for song in songs]
    width, genre = max(map(len, names)), genre_width(shown(songs[0].verdict))
    lines = [f"{'song':<{width}}  {'genre':<{genre}}{'votes':>10}  {'by mean probability':<{genre + 10}}{'length':>7}"]
    for name, song in zip(names, songs):
        verdict = shown(song.verdict)
        votes = f"{verdict.votes.max()} of {len(verdict.probabilities)}"
        mean = f"{verdict.most_probable} {verdict.mean_probability.max():.2f}"
        lines.append(
            f"{name:<{width}}  {verdict.decision:<{genre}}{votes:>10}  {mean:<{genre + 10}}{clock(song.seconds):>7}"
        )
    return "\n".join(lines)


def as_json(songs: list[Heard], failed: dict[Path, str], model: Model) -> str:
    found = [{"file": str(song.path), "seconds": song.seconds, **song.verdict.as_json()} for song in songs]
    failures = [{"file": str(path), "reason": reason} for path, reason in failed.items()]
    return json.dumps({"model": model.as_json(), "songs": found, "failed": failures}, indent=1)


def as_csv(songs: list[Heard], genres: tuple[str, ...]) -> str:
    """A row a song: its verdict, votes v_<genre> and mean probabilities p_<genre>."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    header = ["file", "seconds", "clips", "threshold", "decision", "most_probable"]
    writer.writerow([*header, *(f"v_{genre}" for genre in genres), *(f"p_{genre}" for genre in genres)])
    for song in songs:
        verdict = song.verdict
        row = [printable(song.path), song.seconds, len(verdict.probabilities), verdict.threshold]
        writer.writerow([*row, verdict.decision, verdict.most_probable, *verdict.votes, *verdict.mean_probability])
    return text.getvalue()


def clock(seconds: float) -> str:
    """Seconds as minutes:seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def shorten(name: str, longest: int) -> str:
    """With both ends, which tell one song from the next."""
    half = longest // 2
    return name if len(name) <= longest else f"{name[: longest - half - 1]}…{name[-half:]}"
