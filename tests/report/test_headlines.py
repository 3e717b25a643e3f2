"""Which votes stand beside the paper's figures."""

from __future__ import annotations

from pathlib import Path

from tools.report.collect import Collection, Vote
from tools.report.headlines import votes_by_the_paper


def vote(name: str, iteration: int) -> Vote:
    net = name.partition("@")[0]
    return Vote(Path(name), "clip", f"{name}@iter={iteration}", {"net": net, "iteration": iteration}, None)


def test_the_complex_cnn_stands_there_with_its_dropout_raised_by_hand_where_that_was_run():
    by_hand = "complex_cnn@dropout=0.4_0.6@3000_0.7@6000"
    votes = [vote("complex_cnn", 500), vote("complex_cnn", 1000), vote(by_hand, 500), vote(by_hand, 10_000)]
    votes += [vote("complex_cnn@dropout=0.6", 4000), vote("complex_cnn@dtype=int", 4000), vote("rcnn", 4000)]
    found = votes_by_the_paper(Collection(Path("build"), votes=votes), "complex_cnn", "clip")
    assert [(v.run_name, v.iteration) for v in found] == [(by_hand, 500), ("complex_cnn", 1000), (by_hand, 10_000)]


def test_a_shorter_schedule_stands_there_where_the_paper_s_was_not_run():
    votes = [
        vote("complex_cnn", 500),
        vote("complex_cnn@dropout=0.4_0.6@150", 500),
        vote("complex_cnn@dropout=0.6", 500),
    ]
    (found,) = votes_by_the_paper(Collection(Path("build"), votes=votes), "complex_cnn", "clip")
    assert found.differences == {"dropout": "0.4_0.6@150"}


def test_any_other_net_stands_there_as_it_is():
    votes = [vote("rcnn", 4000), vote("rcnn@dropout=0.4_0.6@3000_0.7@6000", 500)]
    found = votes_by_the_paper(Collection(Path("build"), votes=votes), "rcnn", "clip")
    assert [v.iteration for v in found] == [4000]
