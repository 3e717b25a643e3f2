"""How sure the difference of two figures is: by drawing the test songs again, since a song's clips are alike.

Whole songs are drawn with replacement, as many as there are, 2000 times, with the seed of `tools.vote.rules`; of two
runs on the same test clips the same songs. What lies between the 2.5th and the 97.5th percentile is the 95% interval.
Where trainings were run with several seeds, each resample draws of those as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from tools.report.table import Interval
from tools.vote import rules
from tools.vote.count import Clips, hold_election

MARGIN = 5.0  # points that count as no difference to speak of
SURE = 0.975  # of the draws
VOTES_TO_DECIDE = 5  # of 15 clips, by plurality
# What can be claimed of a difference: whether it holds of points (resamples,)
STATEMENTS = {
    "above 0": lambda points: points > 0,
    "above 5 points": lambda points: points > MARGIN,
    "at most 5 points": lambda points: points <= MARGIN,
    "within 5 points": lambda points: np.abs(points) <= MARGIN,
}

Answers = dict[tuple[str, int], int]  # a label, or whether it is right, by track and clip (0 where a song is one)


@lru_cache(maxsize=8)
def draws(songs: int) -> np.ndarray:
    """How often each song is drawn in each resample: (resamples, songs). Whole numbers: sums of them are exact."""
    return drawn(songs, songs, np.random.default_rng(rules.BOOTSTRAP_SEED))


def draws_of_seeds(seeds: int, stream: int = 0) -> np.ndarray:
    """How often each of n seeds is drawn in each resample: (resamples, n), n - 1 in all, or the only one.

    The mean of n - 1 drawn with replacement spreads as the mean of n trainings does; of n drawn it would spread less,
    since a few differ less from their own mean than from that of all seeds (Rao and Wu, 1988).
    """
    return drawn(seeds, max(seeds - 1, 1), np.random.default_rng([rules.BOOTSTRAP_SEED, stream, seeds]))


def drawn(number: int, taken: int, random: np.random.Generator) -> np.ndarray:
    every = (random.integers(number, size=taken) for _ in range(rules.RESAMPLES))
    return np.stack([np.bincount(each, minlength=number) for each in every])


def of_test_clips(clips: Clips, values: np.ndarray) -> Answers:
    """The values (clips,) that belong to test clips."""
    at = np.flatnonzero(clips.tested)
    return dict(zip(zip(clips.tracks[at], clips.clips[at]), values[at]))


def clips_right(clips: Clips) -> Answers:
    return of_test_clips(clips, clips.right)


def songs_right(clips: Clips, rule: str = "plurality") -> Answers:
    """Which songs are right by a plurality of 5 clips, or by the mean probability of all."""
    election = hold_election(clips, None)
    labels = election.plurality(VOTES_TO_DECIDE) if rule == "plurality" else election.most_probable
    return {(track, 0): right for track, right in zip(election.tracks, labels == election.labels)}


@dataclass(frozen=True)
class Difference:
    """First minus second, in percentage points, with its 95% interval, and what it is in each resample."""

    points: float
    low: float
    high: float
    clips: int
    songs: int
    shares: tuple[float, float]  # of the first and the second, 0..1
    drawn: np.ndarray = field(repr=False, compare=False)

    @property
    def interval(self) -> Interval:
        """As a table has it, 0..1."""
        return Interval(self.points / 100, self.low / 100, self.high / 100)


def difference(first: Answers, second: Answers) -> Difference | None:
    """Of the shares right, over the clips or the songs that both have; None without any."""
    return mean_difference([first], [second], together=True)


def mean_difference(first: Sequence[Answers], second: Sequence[Answers], together: bool) -> Difference | None:
    """The mean over the seeds of the first minus that of the second, over the clips or the songs that all have.

    None without any. Seeds are drawn ``together`` where first and second have the same and begin alike from each.
    """
    shared = sorted(set.intersection(*map(set, [*first, *second])))
    if not shared:
        return None
    songs, song_of_clip = np.unique([track for track, _ in shared], return_inverse=True)
    times = draws(len(songs))
    seeds = [draws_of_seeds(len(first)), draws_of_seeds(len(second), 0 if together else 1)]
    shares, sums = [], []
    for every, seeds_drawn in zip((first, second), seeds):
        right = np.zeros((len(songs), len(every)), int)
        np.add.at(right, song_of_clip, np.array([[answers[key] for answers in every] for key in shared], dtype=int))
        shares.append(float(right.sum() / len(shared) / len(every)))
        sums.append(((times @ right) * seeds_drawn).sum(axis=1) / seeds_drawn.sum(axis=1))
    points = 100 * (sums[0] - sums[1]) / (times @ np.bincount(song_of_clip))
    low, high = np.percentile(points, [2.5, 97.5]).tolist()
    mean = 100 * (shares[0] - shares[1])
    return Difference(mean, low, high, len(shared), len(songs), (shares[0], shares[1]), points)


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
    right = clips.right[trained]
    return Interval(float(right.mean()), *rules.bootstrap_interval(clips.tracks[trained], right))
