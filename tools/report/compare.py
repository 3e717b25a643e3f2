"""How sure the difference of two figures is: by drawing the test songs again, since a song's clips are alike.

Whole songs are drawn with replacement, as many as there are, 2000 times, with the seed of `tools.vote.rules`; of two
runs on the same test clips the same songs. What lies between the 2.5th and the 97.5th percentile is the 95% interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from tools.report.table import Interval, gain
from tools.vote import rules
from tools.vote.count import Clips

MARGIN = 5.0  # points that count as no difference to speak of
SURE = 0.975  # of the draws


@lru_cache(maxsize=8)
def draws(songs: int) -> np.ndarray:
    """How often each song is drawn in each resample: (resamples, songs). Whole numbers: sums of them are exact."""
    random = np.random.default_rng(rules.BOOTSTRAP_SEED)
    drawn = (random.integers(songs, size=songs) for _ in range(rules.RESAMPLES))
    return np.stack([np.bincount(each, minlength=songs) for each in drawn])


@dataclass(frozen=True)
class Difference:
    """First minus second, in percentage points, with its 95% interval, and what it is in each resample."""

    points: float
    low: float
    high: float
    clips: int
    songs: int
    drawn: np.ndarray = field(repr=False, compare=False)

    @property
    def interval(self) -> Interval:
        """As a table has it, 0..1."""
        return Interval(self.points / 100, self.low / 100, self.high / 100)

    def __str__(self) -> str:
        return gain(self.interval)


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
    songs, song_of_entry = np.unique(tracks, return_inverse=True)
    gained = np.zeros(len(songs), int)
    np.add.at(gained, song_of_entry, first.astype(int) - second)
    times = draws(len(songs))
    drawn = 100 * (times @ gained) / (times @ np.bincount(song_of_entry))
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Difference(100 * float(gained.sum() / len(tracks)), low, high, len(tracks), len(songs), drawn)


Statement = Callable[[np.ndarray], np.ndarray]  # of points (resamples,): in which of them it holds


def better(points: np.ndarray) -> np.ndarray:
    return points > 0


def far_better(points: np.ndarray) -> np.ndarray:
    return points > MARGIN


def alike(points: np.ndarray) -> np.ndarray:
    return np.abs(points) <= MARGIN


def not_better(points: np.ndarray) -> np.ndarray:
    return points <= MARGIN


def judge(share: float) -> str:
    """The verdict on a statement that holds in such a share of the draws."""
    if share >= SURE:
        return "supported"
    return "contradicted" if share <= 1 - SURE else "undecided"


def train_clips_right(clips: Clips) -> Interval | None:
    """The share of train clips that are right; None where they are not voted on, as split clip does."""
    trained = clips.parts == "train"
    if not trained.any():
        return None
    right, tracks = clips.right[trained], clips.tracks[trained]
    return Interval(float(right.mean()), *rules.bootstrap_interval(np.unique(tracks, return_inverse=True)[1], right))
