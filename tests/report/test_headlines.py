"""Which votes stand beside the paper's figures."""

from __future__ import annotations

from pathlib import Path

from tools.report.collect import Collection, Vote
from tools.report.headlines import nearest, votes_by_the_paper

BY_HAND = {"dropout": "0.4 0.6@3000 0.7@6000"}


def beside_the_paper(net: str, votes: list[Vote]) -> list[tuple[dict[str, str], int]]:
    chosen = votes_by_the_paper(Collection(Path("build"), votes=votes), net, "clip")
    return [(vote.differences, vote.iteration) for vote in chosen]


def test_the_complex_cnn_stands_there_with_its_dropout_raised_by_hand_where_that_was_run(vote):
    votes = [vote("clip", "complex_cnn", iteration=iteration) for iteration in (500, 1000)]
    votes += [vote("clip", "complex_cnn", iteration=iteration, **BY_HAND) for iteration in (500, 10_000)]
    votes += [vote("clip", "complex_cnn", iteration=4000, **other) for other in ({"dropout": "0.6"}, {"dtype": "int"})]
    votes += [vote("clip", "rcnn", iteration=4000)]
    assert beside_the_paper("complex_cnn", votes) == [(BY_HAND, 500), ({}, 1000), (BY_HAND, 10_000)]


def test_a_shorter_schedule_stands_there_where_the_paper_s_was_not_run(vote):
    ratios = ({}, {"dropout": "0.4 0.6@150"}, {"dropout": "0.6"})
    votes = [vote("clip", "complex_cnn", iteration=500, **ratio) for ratio in ratios]
    assert beside_the_paper("complex_cnn", votes) == [({"dropout": "0.4 0.6@150"}, 500)]


def test_any_other_net_stands_there_as_it_is(vote):
    votes = [vote("clip", "rcnn", iteration=4000), vote("clip", "rcnn", iteration=500, **BY_HAND)]
    assert beside_the_paper("rcnn", votes) == [({}, 4000)]


def test_ours_beside_an_iteration_of_the_paper_is_the_last_before_it(vote):
    votes = [vote("song", "rcnn", iteration=iteration) for iteration in (500, 4000)]
    assert [nearest(votes, iteration).iteration for iteration in (10_000, 4000, 3999, 1)] == [4000, 4000, 500, 500]
    assert nearest(votes, None).iteration == 4000
    assert nearest([], 10_000) is None
