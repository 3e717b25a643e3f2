"""How sure a figure, or the difference of two, is: 95% intervals over songs, since a song's clips are alike.

A share of songs has Wilson's interval, a share of clips a bootstrap over songs (`tools.vote.rules`). Two runs on the
same test clips are compared clip by clip: whole songs are drawn again, the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.report.table import Interval
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

    def __str__(self) -> str:
        return f"{self.points:+.1f} points [{self.low:+.1f}, {self.high:+.1f}]"


def shared_clips(first: Clips, second: Clips) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the test clips that both have, in the same order."""
    places = [
        {(track, number): i for i, (track, number) in enumerate(zip(c.tracks, c.clips)) if c.tested[i]}
        for c in (first, second)
    ]
    shared = sorted(places[0].keys() & places[1].keys())
    a, b = (np.array([place[clip] for clip in shared], dtype=int) for place in places)
    return a, b


def clip_difference(first: Clips, second: Clips) -> Difference | None:
    """Clip accuracy of ``first`` minus that of ``second`` on the test clips that both have; None without any."""
    a, b = shared_clips(first, second)
    return difference(first.tracks[a], first.right[a], second.right[b]) if len(a) else None


def difference(tracks: np.ndarray, first: np.ndarray, second: np.ndarray) -> Difference:
    """The share right in ``first`` minus that in ``second``, bool, an entry a clip or a song of ``tracks``."""
    gained = first.astype(float) - second
    songs, song_of_entry = np.unique(tracks, return_inverse=True)
    low, high = rules.bootstrap_interval(song_of_entry, gained)
    return Difference(100 * float(gained.mean()), 100 * low, 100 * high, len(gained), len(songs))


def more(difference: Difference) -> str:
    """The verdict on the claim that the first is better."""
    if difference.low > 0:
        return "supported"
    return "contradicted" if difference.high < 0 else "undecided"


def alike(difference: Difference) -> str:
    """On the claim that there is no difference to speak of, that is none beyond ALIKE_POINTS."""
    if difference.low >= -ALIKE_POINTS and difference.high <= ALIKE_POINTS:
        return "supported"
    apart = difference.low > ALIKE_POINTS or difference.high < -ALIKE_POINTS
    return "contradicted" if apart else "undecided"


def not_better(difference: Difference) -> str:
    """On the claim that the first is not better than the second."""
    if difference.high <= ALIKE_POINTS:
        return "supported"
    return "contradicted" if difference.low > 0 else "undecided"


def train_clips_right(clips: Clips) -> Interval | None:
    """The share of train clips that are right; None where they are not voted on, as split clip does."""
    trained = clips.parts == "train"
    if not trained.any():
        return None
    right, tracks = clips.right[trained], clips.tracks[trained]
    return Interval(float(right.mean()), *rules.bootstrap_interval(np.unique(tracks, return_inverse=True)[1], right))
