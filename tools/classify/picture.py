"""A picture of one song: its spectrogram, under it the vote of each clip and the probability of every genre."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Unable to import Axes3D")  # Debian's older matplotlib is in the way
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

from tools.classify.output import clock, colour, shorten
from tools.classify.song import Song
from tools.classify.verdict import Verdict
from tools.cli import printable
from tools.files import whole_file
from tools.songs.library import UNDECIDED

LARGEST_COLUMNS = 2000  # more than the picture has pixels across


def save_picture(file: Path, name: str, song: Song, verdict: Verdict, width: float = 11) -> None:
    """Write a PNG of ``width`` inches at 100 dots an inch, aside first and then renamed into place."""
    # A name is text, not the mathematics that matplotlib would read between two dollars.
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # of a name in other letters: boxes are drawn
        figure = draw(name, song, verdict, width)
        with whole_file(file, lasting=False) as aside:
            figure.savefig(aside, dpi=100, format="png")


def draw(name: str, song: Song, verdict: Verdict, width: float = 11) -> Figure:
    figure = Figure(figsize=(width, 6.2), layout="constrained")
    spectrogram, votes, genres = figure.subplots(3, 1, sharex=True, height_ratios=[5, 0.8, 4])
    draw_spectrogram(spectrogram, song)
    draw_votes(votes, verdict)
    draw_probabilities(genres, verdict)
    genres.set_xlim(0, song.seconds)
    genres.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    genres.set_xlabel("time, minutes:seconds")
    votes_won = f"{verdict.votes.max()} of {len(verdict.probabilities)} clips"
    won = f"{verdict.decision} ({'at most ' if verdict.decision == UNDECIDED else ''}{votes_won})"
    figure.suptitle(f"{shorten(printable(name), 70)}: {won}")
    return figure


def draw_spectrogram(axes: Axes, song: Song) -> None:
    image, seconds = song.picture(LARGEST_COLUMNS)
    extent = (0, image.shape[1] * seconds, 0, len(image))
    axes.imshow(image, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=0, vmax=255, rasterized=True)
    axes.set_ylabel("band")


def draw_votes(axes: Axes, verdict: Verdict) -> None:
    """A block a clip, in the colour of its genre; the name stands where neighbours of one vote have room for it."""
    for clip in range(1, len(verdict.probabilities)):
        axes.axvline(clip * verdict.clip_seconds, color="white", linewidth=0.5, alpha=0.5)
    for start, end, genre, _ in verdict.stretches():
        axes.axvspan(start, end, color=colour(verdict.genres.index(genre)), linewidth=0)
        share = (end - start) / (len(verdict.probabilities) * verdict.clip_seconds)
        if share > 0.011 * len(genre):
            axes.text((start + end) / 2, 0.5, genre, ha="center", va="center", color="white", fontsize=9)
    axes.set_yticks([])
    axes.set_ylabel("vote")


def draw_probabilities(axes: Axes, verdict: Verdict) -> None:
    edges = np.arange(len(verdict.probabilities) + 1) * verdict.clip_seconds
    lanes = np.arange(len(verdict.genres) + 1) - 0.5
    axes.pcolormesh(edges, lanes, verdict.probabilities.T, cmap="Greys", vmin=0, vmax=1, rasterized=True)
    labels = [f"{genre}  {votes}" for genre, votes in zip(verdict.genres, verdict.votes)]
    axes.set_yticks(range(len(verdict.genres)), labels, fontsize=9)
    axes.invert_yaxis()
    axes.set_ylabel("probability, votes")
