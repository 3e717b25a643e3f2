"""The rules of voting against counts by hand, the intervals against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tools.cli import UserError
from tools.vote import rules

N_LABELS = 4


@st.composite
def elections(draw):
    """Songs of equally many clips: song_of_clip, probabilities, labels."""
    n_songs, clips = draw(st.integers(1, 6)), draw(st.integers(1, 16))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    song_of_clip = np.repeat(np.arange(n_songs), clips)
    # Few different weights, so that ties come often
    weights = random.integers(1, 4, (n_songs * clips, N_LABELS)).astype(float)
    labels = random.integers(N_LABELS, size=n_songs)
    return song_of_clip, weights / weights.sum(axis=1, keepdims=True), labels, clips


def tally(song_of_clip, probabilities, n_songs):
    votes = rules.count_votes(song_of_clip, probabilities.argmax(axis=1), n_songs, N_LABELS)
    return votes, rules.mean_probabilities(song_of_clip, probabilities, n_songs)


# Three songs of 15 clips with 3 labels, and what each rule makes of them
VOTES = np.array([[7, 5, 3], [5, 5, 5], [2, 6, 7]])
MEANS = np.array([[0.3, 0.4, 0.3], [0.2, 0.3, 0.5], [0.1, 0.5, 0.4]])


def test_true_label_asks_for_votes_on_the_true_label_alone():
    labels = np.array([1, 0, 2])
    assert rules.true_label_right(VOTES, labels, 5).tolist() == [True, True, True]
    assert rules.true_label_right(VOTES, labels, 7).tolist() == [False, False, True]
    assert rules.true_label_right(VOTES, labels, 8).tolist() == [False, False, False]


def test_plurality_takes_the_label_with_most_votes_if_they_reach_the_threshold():
    assert rules.plurality(VOTES, MEANS, 1).tolist() == [0, 2, 2]
    assert rules.plurality(VOTES, MEANS, 7).tolist() == [0, rules.UNDECIDED, 2]
    assert rules.plurality(VOTES, MEANS, 8).tolist() == [rules.UNDECIDED] * 3


def test_a_tie_of_votes_goes_to_the_higher_mean_probability_among_the_tied():
    votes, means = np.array([[7, 7, 1]]), np.array([[0.2, 0.3, 0.5]])
    assert rules.plurality(votes, means, 7).tolist() == [1]


def test_votes_and_mean_probabilities_are_those_counted_by_hand():
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.3, 0.7], [0.8, 0.2]])
    song_of_clip = np.array([1, 0, 1, 0])
    votes = rules.count_votes(song_of_clip, probabilities.argmax(axis=1), 2, 2)
    assert votes.tolist() == [[1, 1], [1, 1]]
    np.testing.assert_allclose(
        rules.mean_probabilities(song_of_clip, probabilities, 2), [[0.45, 0.55], [0.45, 0.55]], atol=1e-15
    )


@given(elections(), st.integers(0, 2**32))
def test_the_order_of_the_clips_changes_nothing(election, seed):
    song_of_clip, probabilities, labels, _ = election
    order = np.random.default_rng(seed).permutation(len(song_of_clip))
    votes, means = tally(song_of_clip, probabilities, len(labels))
    other_votes, other_means = tally(song_of_clip[order], probabilities[order], len(labels))
    assert np.array_equal(votes, other_votes)
    assert np.array_equal(means, other_means)


@given(elections())
def test_the_votes_of_a_song_sum_to_its_clips_and_its_mean_probabilities_to_one(election):
    song_of_clip, probabilities, labels, clips = election
    votes, means = tally(song_of_clip, probabilities, len(labels))
    assert (votes.sum(axis=1) == clips).all()
    np.testing.assert_allclose(means.sum(axis=1), 1, atol=1e-12)


@given(elections())
def test_a_higher_threshold_never_makes_more_songs_right_by_either_rule(election):
    song_of_clip, probabilities, labels, clips = election
    votes, means = tally(song_of_clip, probabilities, len(labels))
    for threshold in range(1, clips):
        lower, higher = (rules.true_label_right(votes, labels, t) for t in (threshold, threshold + 1))
        assert (higher <= lower).all()
        lower, higher = (rules.plurality(votes, means, t) == labels for t in (threshold, threshold + 1))
        assert (higher <= lower).all()


@given(elections())
def test_with_more_than_half_of_the_clips_both_rules_are_one(election):
    song_of_clip, probabilities, labels, clips = election
    votes, means = tally(song_of_clip, probabilities, len(labels))
    majority = clips // 2 + 1
    assert np.array_equal(
        rules.plurality(votes, means, majority) == labels, rules.true_label_right(votes, labels, majority)
    )


@given(elections())
def test_plurality_names_a_label_with_most_votes_and_the_best_mean_of_those_or_none(election):
    song_of_clip, probabilities, labels, clips = election
    votes, means = tally(song_of_clip, probabilities, len(labels))
    threshold = clips // 3 + 1
    for song, winner in enumerate(rules.plurality(votes, means, threshold)):
        ranked = sorted(range(N_LABELS), key=lambda k: (-votes[song, k], -means[song, k], k))
        expected = ranked[0] if votes[song, ranked[0]] >= threshold else rules.UNDECIDED
        assert winner == expected


def test_thresholds_are_the_papers_in_proportion_to_the_clips_of_a_song():
    assert rules.default_thresholds(15) == (5, 7, 8)
    assert rules.default_thresholds(30) == (10, 14, 16)
    assert rules.default_thresholds(1) == (1,)
    for clips in range(1, 60):
        assert all(1 <= threshold <= clips for threshold in rules.default_thresholds(clips))


def test_thresholds_asked_for_are_taken_in_ascending_order():
    assert rules.check_thresholds([9, 3, 9], 15) == (3, 9)
    assert rules.check_thresholds(None, 15) == (5, 7, 8)


@pytest.mark.parametrize("threshold", [-1, 0, 16])
def test_a_threshold_that_no_song_or_every_song_meets_is_refused(threshold):
    with pytest.raises(UserError, match="1 to 15"):
        rules.check_thresholds([5, threshold], 15)


def test_confusion_columns_are_shares_of_the_true_genre_and_zero_where_it_has_no_clip():
    predicted, labels = np.array([0, 1, 1, 2]), np.array([0, 0, 0, 2])
    expected = [[1 / 3, 0, 0], [2 / 3, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(rules.confusion(predicted, labels, 3), expected, atol=1e-15)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_intervals_are_those_of_the_closed_formula(counts):
    right, total = counts
    z, share = 1.959963984540054, right / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    low, high = rules.wilson_interval(right, total)
    assert (low, high) == (pytest.approx(middle - half, abs=1e-9), pytest.approx(middle + half, abs=1e-9))
    assert 0 <= low <= share <= high <= 1


def test_the_bootstrap_of_songs_of_one_clip_agrees_with_the_binomial_interval():
    right = np.arange(400) < 240
    low, high = rules.bootstrap_interval(np.arange(400), right)
    exact = binomtest(240, 400).proportion_ci(method="wilson")
    assert low == pytest.approx(exact.low, abs=0.01)
    assert high == pytest.approx(exact.high, abs=0.01)


def test_the_bootstrap_is_over_songs_so_that_clips_that_are_alike_add_nothing():
    right = np.arange(40) < 24
    assert rules.bootstrap_interval(np.repeat(np.arange(40), 15), np.repeat(right, 15)) == pytest.approx(
        rules.bootstrap_interval(np.arange(40), right), abs=1e-12
    )


def test_the_bootstrap_is_the_same_each_time_and_takes_songs_of_unequal_size():
    song_of_clip, right = np.array([0, 0, 0, 2, 5, 5]), np.array([1, 0, 1, 0, 1, 1], bool)
    once = rules.bootstrap_interval(song_of_clip, right)
    assert once == rules.bootstrap_interval(song_of_clip, right)
    assert 0 <= once[0] < right.mean() < once[1] <= 1
    assert rules.bootstrap_interval(song_of_clip, np.ones(6, bool)) == [1.0, 1.0]
