"""How the clips of a song become the genre of a song, and how sure one can be of the share that is right.

Section "vote" of the paper: the clips of a song are classified one by one and 'half of them', 5 or 7 of 15, decide.
Three rules, all on the votes of a song (how many of its clips went to each label):

* true_label, what the paper's numbers imply: right when at least T clips carry the true label.
* plurality, usable on an unknown song: the label with most votes if it has at least T, otherwise undecided, which
  counts as wrong. Ties go to the higher mean probability.
* mean_probability: the label whose probability, averaged over the song's clips, is highest.

Everything here is plain NumPy on arrays: ``song_of_clip`` (clips,) holds indices 0 to songs - 1, labels run from 0.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binomtest

from tools.cli import UserError

PAPER_CLIPS = 15
PAPER_THRESHOLDS = (5, 7, 8)
UNDECIDED = -1
RESAMPLES = 2000
BOOTSTRAP_SEED = 2015


def default_thresholds(clips_a_song: int) -> tuple[int, ...]:
    """The paper's 5 and 7 of 15 and its 'half' (8), in proportion: 10, 14 and 16 of 30, and 1 of 1."""
    return tuple(sorted({in_proportion(threshold, clips_a_song) for threshold in PAPER_THRESHOLDS}))


def in_proportion(threshold: int, clips: int) -> int:
    """A threshold that is meant for 15 clips, of a song of so many."""
    return max(1, round(clips * threshold / PAPER_CLIPS))


def check_thresholds(asked: list[int] | None, clips_a_song: int) -> tuple[int, ...]:
    """The thresholds asked for, in ascending order, or the default ones. UserError for one that is out of range."""
    thresholds = tuple(sorted(set(asked))) if asked else default_thresholds(clips_a_song)
    for threshold in thresholds:
        if not 1 <= threshold <= clips_a_song:
            raise UserError(
                f"--threshold {threshold}: a song has {clips_a_song} clips here: choose from 1 to {clips_a_song}"
            )
    return thresholds


def count_votes(song_of_clip: np.ndarray, predicted: np.ndarray, n_songs: int, n_labels: int) -> np.ndarray:
    """Votes (songs, labels): how many clips of each song were predicted to be of each label."""
    votes = np.zeros((n_songs, n_labels), dtype=np.int64)
    np.add.at(votes, (song_of_clip, predicted), 1)
    return votes


def mean_probabilities(song_of_clip: np.ndarray, probabilities: np.ndarray, n_songs: int) -> np.ndarray:
    """Probabilities (clips, labels) averaged over each song's clips: (songs, labels), float64.

    Sums are rounded once (`math.fsum`), so that the order of the clips can't decide between two labels.
    """
    order = np.argsort(song_of_clip, kind="stable")
    borders = np.searchsorted(song_of_clip[order], np.arange(1, n_songs))
    songs = np.split(probabilities[order].astype(np.float64), borders)
    return np.array([[math.fsum(column) / len(clips) for column in clips.T] for clips in songs])


def true_label_right(votes: np.ndarray, labels: np.ndarray, threshold: int) -> np.ndarray:
    """Which songs are right by the true_label rule: (songs,), bool."""
    return votes[np.arange(len(votes)), labels] >= threshold


def plurality(votes: np.ndarray, mean_probability: np.ndarray, threshold: int) -> np.ndarray:
    """The label each song gets by the plurality rule, or UNDECIDED: (songs,).

    Should the mean probabilities tie as well, the lowest label is taken.
    """
    most = votes.max(axis=1)
    leading = votes == most[:, None]
    winner = np.where(leading, mean_probability, -np.inf).argmax(axis=1)
    return np.where(most >= threshold, winner, UNDECIDED)


def confusion(predicted: np.ndarray, labels: np.ndarray, n_labels: int) -> np.ndarray:
    """Table 1 of the paper: (labels, labels), rows the outcome, columns the true genre, shares of a column's clips.

    A column sums to 1, or to 0 where no clip has that genre.
    """
    counts = np.zeros((n_labels, n_labels))
    np.add.at(counts, (predicted, labels), 1)
    totals = counts.sum(axis=0)
    return np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)


def wilson_interval(right: int, total: int) -> list[float]:
    """95% interval [low, high] of ``right`` out of ``total`` songs, by Wilson's score (1927)."""
    interval = binomtest(int(right), int(total)).proportion_ci(confidence_level=0.95, method="wilson")
    return [float(interval.low), float(interval.high)]


def bootstrap_interval(song_of_clip: np.ndarray, right: np.ndarray) -> list[float]:
    """95% percentile interval [low, high] of the share of clips that are right, from 2000 resamples of whole songs.

    A song's clips are alike, so that drawing single clips would promise too much. The seed is fixed: the same clips
    always give the same interval.
    """
    _, song_of_clip = np.unique(song_of_clip, return_inverse=True)
    clips_of_song = np.bincount(song_of_clip)
    right_of_song = np.bincount(song_of_clip, weights=right)
    random = np.random.default_rng(BOOTSTRAP_SEED)
    shares = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = random.integers(len(clips_of_song), size=len(clips_of_song))
        shares[i] = right_of_song[drawn].sum() / clips_of_song[drawn].sum()
    return [float(bound) for bound in np.percentile(shares, [2.5, 97.5])]
