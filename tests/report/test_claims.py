"""The claims: which two runs a verdict is drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.report.claims import dropout_helps_for_a_while
from tools.report.collect import Collection, Vote
from tools.vote.count import Clips


def vote(name: str, iteration: int, right: bool) -> Vote:
    """Ten songs of one clip each, of label 0, all of them right or all taken for 1."""
    classified = Clips(
        tracks=np.array([f"song {number}" for number in range(10)]),
        clips=np.zeros(10, int),
        parts=np.full(10, "test"),
        labels=np.zeros(10, int),
        texts=np.empty((0, 10), str),
        probabilities=np.eye(10)[[0 if right else 1] * 10],
    )
    summary = {"net": "complex_cnn", "iteration": iteration, "ranks": 2, "clip_accuracy": float(right)}
    made = Vote(Path(name), "song", name, summary, None)
    made.__dict__["clips"] = classified  # what would be read from clips.csv
    return made


def dropout_claim(*votes: Vote) -> tuple[str, int | None]:
    claim = dropout_helps_for_a_while(Collection(Path("build"), votes=list(votes)))
    return claim.verdict, claim.values.get("iteration")


def test_a_vote_from_before_the_first_raise_says_nothing_of_raised_dropout():
    early = vote("complex_cnn@dropout=0.4_0.6@3000_0.7@6000", 3000, True)
    assert dropout_claim(early, vote("complex_cnn", 3000, True)) == ("not run", None)


def test_a_vote_after_the_raise_is_set_beside_the_one_at_the_same_iteration():
    late = vote("complex_cnn@dropout=0.4_0.6@3000_0.7@6000", 4000, True)
    single = vote("complex_cnn@dropout=0.6", 500, False)
    plain = [vote("complex_cnn", iteration, False) for iteration in (500, 4000)]
    assert dropout_claim(late, single, *plain) == ("supported", 4000)


def test_without_a_raise_by_hand_another_ratio_stands_in():
    assert dropout_claim(vote("complex_cnn@dropout=0.6", 500, False), vote("complex_cnn", 500, True)) == (
        "contradicted",
        500,
    )
