"""The claims: which two runs a verdict is drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.report.claims import claims
from tools.report.collect import Collection

BY_HAND = "0.4 0.6@3000 0.7@6000"


@pytest.fixture
def complex_cnn(vote, clips):
    """A vote of the complex CNN on ten songs of one clip each, all of them right or all wrong."""
    return lambda iteration, right, **given: vote(
        "song", "complex_cnn", clips({f"song {number}": [right] for number in range(10)}), iteration, **given
    )


def dropout_claim(*votes) -> tuple[str, int | None]:
    every = claims(Collection(Path("build"), votes=list(votes)))
    (claim,) = [claim for claim in every if claim.claim.startswith("Raising dropout by hand")]
    return claim.verdict, claim.values.get("iteration")


def test_a_vote_from_before_the_first_raise_says_nothing_of_raised_dropout(complex_cnn):
    early = complex_cnn(3000, True, dropout=BY_HAND)
    assert dropout_claim(early, complex_cnn(3000, True)) == ("not run", None)


def test_a_vote_after_the_raise_is_set_beside_the_one_at_the_same_iteration(complex_cnn):
    late, single = complex_cnn(4000, True, dropout=BY_HAND), complex_cnn(500, False, dropout="0.6")
    plain = [complex_cnn(iteration, False) for iteration in (500, 4000)]
    assert dropout_claim(late, single, *plain) == ("supported", 4000)


def test_without_a_raise_by_hand_another_ratio_stands_in(complex_cnn):
    votes = complex_cnn(500, False, dropout="0.6"), complex_cnn(500, True)
    assert dropout_claim(*votes) == ("contradicted", 500)
