"""Differences of two runs, with intervals over songs, and what they decide."""

from __future__ import annotations

import numpy as np
import pytest

from tools.report.compare import (
    STATEMENTS,
    clips_right,
    difference,
    judge,
    mean_difference,
    songs_right,
    train_clips_right,
)
from tools.vote import rules
from tools.vote.count import Clips


def classified(right: np.ndarray, songs: int, part: str = "test") -> Clips:
    """``right`` (songs, clips), bool: clips of label 0, taken for 0 or for 1."""
    clips = right.size // songs
    probabilities = np.zeros((right.size, 10))
    probabilities[np.arange(right.size), np.where(right.ravel(), 0, 1)] = 1
    return Clips(
        tracks=np.repeat([f"blues.{i:05}" for i in range(songs)], clips),
        clips=np.tile(np.arange(clips), songs),
        parts=np.full(right.size, part),
        labels=np.zeros(right.size, int),
        texts=np.empty((0, 10), str),
        probabilities=probabilities,
    )


def test_a_paired_difference_is_the_difference_of_the_shares():
    random = np.random.default_rng(3)
    first, second = (classified(random.random((20, 15)) < share, 20) for share in (0.7, 0.5))
    paired = difference(clips_right(first), clips_right(second))
    assert paired.shares == pytest.approx((first.right.mean(), second.right.mean()))
    assert paired.points == pytest.approx(100 * (first.right.mean() - second.right.mean()))
    assert paired.low < paired.points < paired.high
    assert (paired.clips, paired.songs) == (300, 20)


def test_the_interval_of_a_difference_is_that_of_resampled_songs_not_of_single_clips():
    """Songs right in all clips or in none: 300 clips tell no more than 20 songs."""
    whole = classified(np.repeat(np.arange(20) < 10, 15), 20)
    paired = difference(clips_right(whole), dict.fromkeys(clips_right(whole), False))
    of_songs = 1.96 * 100 * np.sqrt(0.25 / 20)
    assert (paired.high - paired.low) / 2 == pytest.approx(of_songs, rel=0.1)


def test_only_test_clips_that_both_have_are_compared():
    first, second = (classified(np.ones((songs, 3), bool), songs) for songs in (4, 3))
    assert difference(clips_right(first), clips_right(second)).clips == 9
    trained = classified(np.ones((4, 3), bool), 4, "train")
    assert difference(clips_right(first), clips_right(trained)) is None


def test_songs_are_right_by_a_plurality_or_by_the_mean_of_their_clips():
    """Of ten clips 4, 6 and 10 are right: 4 are no plurality of 5, and not the most probable either."""
    clips = classified(np.array([[number < right for number in range(10)] for right in (4, 6, 10)]), 3)
    for rule in ("plurality", "mean"):
        assert list(songs_right(clips, rule).values()) == [False, True, True]
    few = classified(np.array([[True] * 3 + [False] * 2] * 2), 2)
    assert list(songs_right(few).values()) == [False, False]
    assert list(songs_right(few, "mean").values()) == [True, True]


def test_the_interval_is_that_of_the_votes_own_bootstrap():
    """One way of drawing songs again: where the second is never right, a difference is the first's accuracy."""
    first = classified(np.random.default_rng(4).random((20, 15)) < 0.6, 20)
    paired = difference(clips_right(first), dict.fromkeys(clips_right(first), False))
    _, songs = np.unique(first.tracks, return_inverse=True)
    np.testing.assert_allclose([paired.low, paired.high], 100 * np.array(rules.bootstrap_interval(songs, first.right)))


def test_of_several_seeds_the_mean_counts_and_its_interval_holds_their_spread():
    """Songs that are all alike spread nothing: what is left is the standard error of the mean of the seeds."""
    gains = np.array([3, 6, 12])  # of 15 clips
    first = [clips_right(classified(np.tile(np.arange(15) < gain, (20, 1)), 20)) for gain in gains]
    none = dict.fromkeys(first[0], False)
    several = mean_difference(first, [none] * 3, together=True)
    assert several.points == pytest.approx(100 * gains.mean() / 15)
    assert several.shares == pytest.approx((gains.mean() / 15, 0))
    assert several.drawn.std() == pytest.approx(100 * gains.std(ddof=1) / 15 / np.sqrt(3), rel=0.05)
    assert (several.low, several.high) == pytest.approx((20, 80)), "the lowest and the highest seed, drawn twice"
    assert difference(first[0], none).drawn.std() == 0
    assert mean_difference(first, [none], together=False).drawn.std() == pytest.approx(several.drawn.std())


def test_what_a_seed_does_to_both_alike_counts_where_they_are_drawn_apart_alone():
    first, second = (
        [clips_right(classified(np.tile(np.arange(15) < right, (20, 1)), 20)) for right in rights]
        for rights in ((5, 8, 11), (3, 6, 9))
    )
    together, apart = (mean_difference(first, second, each) for each in (True, False))
    assert together.points == apart.points == pytest.approx(100 * 2 / 15)
    assert together.drawn.std() == pytest.approx(0)
    of_each = 100 * 3 / 15 / np.sqrt(3)
    assert apart.drawn.std() == pytest.approx(np.sqrt(2) * of_each, rel=0.05)


def test_the_interval_of_seeds_that_agree_is_that_of_the_songs():
    random = np.random.default_rng(5)
    first, second = (clips_right(classified(random.random((20, 15)) < share, 20)) for share in (0.7, 0.5))
    one, three = difference(first, second), mean_difference([first] * 3, [second] * 3, together=False)
    assert (one.points, one.low, one.high, one.clips) == pytest.approx(
        (three.points, three.low, three.high, three.clips)
    )


@pytest.mark.parametrize(
    ("points", "expected"),
    [(0, (0, 0, 1, 1)), (4, (1, 0, 1, 1)), (5, (1, 0, 1, 1)), (5.1, (1, 1, 0, 0)), (-6, (0, 0, 0, 1))],
)
def test_what_a_statement_says_of_a_difference(points, expected):
    statements = ("above 0", "above 5 points", "within 5 points", "at most 5 points")
    assert tuple(bool(STATEMENTS[statement](np.array([points]))[0]) for statement in statements) == expected


@pytest.mark.parametrize(
    ("holds", "verdict"),
    [
        (40, "supported"),
        (39, "supported"),
        (38, "undecided"),
        (2, "undecided"),
        (1, "contradicted"),
        (0, "contradicted"),
    ],
)
def test_a_verdict_is_a_matter_of_how_many_draws_a_claim_holds_in(holds, verdict):
    assert judge(holds / 40) == verdict


def test_a_claim_is_supported_where_the_whole_interval_is_on_its_side():
    """20 songs, of which 14 gain and 2 lose: the draws and the interval agree."""
    paired = difference({(str(k), 0): k < 14 for k in range(20)}, {(str(k), 0): k >= 18 for k in range(20)})
    assert paired.low > 0
    assert judge(STATEMENTS["above 0"](paired.drawn).mean()) == "supported"
    assert judge(STATEMENTS["within 5 points"](paired.drawn).mean()) == "contradicted"


def test_train_clips_are_counted_where_they_vote():
    right = np.array([[True, True, False], [False, True, True]])
    assert train_clips_right(classified(right, 2)) is None
    share = train_clips_right(classified(right, 2, "train"))
    assert share.value == pytest.approx(4 / 6)
    assert share.low == pytest.approx(4 / 6), "each song has as many right: drawn again, they give the same share"
