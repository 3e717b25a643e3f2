"""How sure a figure, or the difference of two, is: 95% intervals over songs, since a song's clips are alike.

A share of songs has Wilson's interval, a share of clips a bootstrap over songs (`tools.vote.rules`). Two runs on the
same test clips are compared clip by clip: whole songs are drawn again, the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.vote import rules
from tools.vote.count import Clips

# 'alike' and 'little' are said when the whole interval of a difference lies within so many points
ALIKE_POINTS = 5.0


@dataclass(frozen=True)
class Difference:
    """First minus second, in percentage points, with its 95% interval."""

    points: float
    low: float
    high: float
    clips: int
    songs: int

    @property
    def text(self) -> str:
        return f"{self.points:+.1f} points [{self.low:+.1f}, {self.high:+.1f}]"


def shared_clips(first: Clips, second: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the test clips that both have, in the same order."""
    places = [
        {(track, number): i for i, (track, number) in enumerate(zip(c.tracks, c.clips)) if c.tested[i]}
        for c in (first, second)
    ]
    shared = sorted(places[0].keys() & places[1].keys())
    return tuple(np.array([place[clip] for clip in shared], dtype=int) for place in places)


def clip_difference(first: Clips, second: Clips) -> Difference | None:
    """Clip accuracy of ``first`` minus that of ``second`` on the test clips that both have; None without any."""
    a, b = shared_clips(first, second)
    if not len(a):
        return None
    return paired(first.tracks[a], first.right[a].astype(float) - second.right[b])


def song_difference(tracks: np.ndarray, first: np.ndarray, second: np.ndarray) -> Difference:
    """Share of songs right in ``first`` minus that in ``second`` (songs,), bool."""
    return paired(tracks, first.astype(float) - second)


def paired(tracks: np.ndarray, gained: np.ndarray) -> Difference:
    """The mean of ``gained`` (-1, 0 or 1 an entry) in points, with a percentile bootstrap over whole songs."""
    songs, song_of_entry = np.unique(tracks, return_inverse=True)
    entries = np.bincount(song_of_entry)
    gains = np.bincount(song_of_entry, weights=gained)
    random = np.random.default_rng(rules.BOOTSTRAP_SEED)
    drawn = random.integers(len(songs), size=(rules.RESAMPLES, len(songs)))
    means = gains[drawn].sum(axis=1) / entries[drawn].sum(axis=1)
    low, high = 100 * np.percentile(means, [2.5, 97.5])
    return Difference(100 * float(gained.mean()), float(low), float(high), len(gained), len(songs))


def verdict_more(difference: Difference) -> str:
    """Of the claim that the first is better."""
    if difference.low > 0:
        return "supported"
    return "contradicted" if difference.high < 0 else "undecided"


def verdict_alike(difference: Difference) -> str:
    """Of the claim that there is no difference to speak of, that is none beyond ALIKE_POINTS."""
    if difference.low >= -ALIKE_POINTS and difference.high <= ALIKE_POINTS:
        return "supported"
    if difference.low > ALIKE_POINTS or difference.high < -ALIKE_POINTS:
        return "contradicted"
    return "undecided"


def verdict_not_better(difference: Difference) -> str:
    """Of the claim that the first is not better than the second."""
    if difference.high <= ALIKE_POINTS:
        return "supported"
    return "contradicted" if difference.low > 0 else "undecided"


def songs_and_votes(clips: Clips) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Names, labels, votes (songs, 10) and mean probabilities (songs, 10) of every song in ``clips``."""
    tracks, first, song_of_clip = np.unique(clips.tracks, return_index=True, return_inverse=True)
    votes = rules.count_votes(song_of_clip, clips.predicted, len(tracks), clips.probabilities.shape[1])
    means = rules.mean_probabilities(song_of_clip, clips.probabilities, len(tracks))
    return tracks, clips.labels[first], votes, means


def right_by_plurality(clips: Clips, threshold: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every song its name, and whether its genre has most votes and at least ``threshold`` (songs,), bool."""
    tracks, labels, votes, means = songs_and_votes(clips)
    return tracks, rules.plurality(votes, means, threshold) == labels


def right_by_mean_probability(clips: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Of every song its name, and whether its genre is the most probable over all its clips (songs,), bool."""
    tracks, labels, _, means = songs_and_votes(clips)
    return tracks, means.argmax(axis=1) == labels


def interval_of_clips(tracks: np.ndarray, right: np.ndarray) -> list[float]:
    return rules.bootstrap_interval(np.unique(tracks, return_inverse=True)[1], right)
