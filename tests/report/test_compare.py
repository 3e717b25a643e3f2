"""Differences of two runs, with intervals over songs, and what they decide."""

from __future__ import annotations

import numpy as np
import pytest

from tools.report import compare
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
    first, second = random.random((20, 15)) < 0.7, random.random((20, 15)) < 0.5
    paired = compare.difference(classified(first, 20).tracks, first.ravel(), second.ravel())
    assert paired.points == pytest.approx(100 * (first.mean() - second.mean()))
    assert paired.low < paired.points < paired.high
    assert (paired.clips, paired.songs) == (300, 20)


def test_the_interval_of_a_difference_is_that_of_resampled_songs_not_of_single_clips():
    """Songs right in all clips or in none: 300 clips tell no more than 20 songs."""
    whole = np.repeat(np.arange(20) < 10, 15)
    tracks = np.repeat([f"song{i}" for i in range(20)], 15)
    paired = compare.difference(tracks, whole, np.zeros(300, bool))
    of_songs = 1.96 * 100 * np.sqrt(0.25 / 20)
    assert (paired.high - paired.low) / 2 == pytest.approx(of_songs, rel=0.1)


def test_only_test_clips_that_both_have_are_compared():
    first, second = classified(np.ones((4, 3), bool), 4), classified(np.ones((3, 3), bool), 3)
    a, b = compare.shared_clips(first, second)
    assert len(a) == 9
    assert list(first.tracks[a]) == list(second.tracks[b])
    assert len(compare.shared_clips(first, classified(np.ones((4, 3), bool), 4, "train"))[0]) == 0


def test_the_interval_is_that_of_the_votes_own_bootstrap():
    """One way of drawing songs again: where the second is never right, a difference is the first's accuracy."""
    right = np.random.default_rng(4).random((20, 15)) < 0.6
    first = classified(right, 20)
    paired = compare.difference(first.tracks, first.right, np.zeros(300, bool))
    _, songs = np.unique(first.tracks, return_inverse=True)
    np.testing.assert_allclose([paired.low, paired.high], 100 * np.array(rules.bootstrap_interval(songs, first.right)))


@pytest.mark.parametrize(
    ("points", "better", "far_better", "alike", "not_better"),
    [(0, 0, 0, 1, 1), (4, 1, 0, 1, 1), (5, 1, 0, 1, 1), (5.1, 1, 1, 0, 0), (-6, 0, 0, 0, 1)],
)
def test_what_a_statement_says_of_a_difference(points, better, far_better, alike, not_better):
    drawn = np.array([points])
    statements = (compare.better, compare.far_better, compare.alike, compare.not_better)
    assert [bool(statement(drawn)[0]) for statement in statements] == [better, far_better, alike, not_better]


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
    assert compare.judge(holds / 40) == verdict


def test_a_claim_is_supported_where_the_whole_interval_is_on_its_side():
    """20 songs, of which 14 gain and 2 lose: the draws and the interval agree."""
    first, second = np.arange(20) < 14, np.arange(20) >= 18
    paired = compare.difference(np.arange(20), first, second)
    assert paired.low > 0
    assert compare.judge(compare.better(paired.drawn).mean()) == "supported"
    assert compare.judge(compare.alike(paired.drawn).mean()) == "contradicted"


def test_train_clips_are_counted_where_they_vote():
    right = np.array([[True, True, False], [False, True, True]])
    assert compare.train_clips_right(classified(right, 2)) is None
    share = compare.train_clips_right(classified(right, 2, "train"))
    assert share.value == pytest.approx(4 / 6)
    assert share.low == pytest.approx(4 / 6), "each song has as many right: drawn again, they give the same share"
