"""The claims: which two runs a verdict is drawn from, and how far they must have come."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tools.report.claims import CLAIMS, claims, claims_figure
from tools.report.collect import collect_kept
from tools.report.evidence import NOT_RUN, SHORT, drawn_confusions
from tools.report.records import Collection, Run, Vote

BY_HAND, SHORTER = "0.4 0.6@3000 0.7@6000", "0.4 0.6@300 0.7@600"
DROPOUT, WINDOW, RCNN, RATE, STEADY, VOTES = (
    "Raising dropout",
    "A window",
    "The RCNN beats",
    "The drop of the learning rate",
    "The RCNN is steady",
    "Clips with votes",
)


@pytest.fixture
def ten(vote, clips) -> Callable[..., Vote]:
    """A vote on ten songs of one clip each, all of them right or all wrong; trained on 80 of 100 songs."""
    return lambda net, iteration, right, split="song", **given: vote(
        split, net, clips({f"song {number}": [right] for number in range(10)}), iteration, **given
    )


def claim(start: str, *votes: Vote) -> tuple[str, int | None]:
    runs = [vote.run for vote in votes]
    every = claims(Collection(Path("build"), runs=runs, votes=list(votes)))
    (wanted,) = [each for each in every if each.claim.startswith(start)]
    return wanted.verdict, wanted.values.get("iteration")


def test_a_pair_at_the_paper_s_passes_is_judged(ten):
    """100 songs are a tenth of the paper's: 1000 iterations are the passes of its 10,000."""
    pair = ten("complex_cnn", 1000, True), ten("complex_cnn", 1000, False, window="512")
    assert claim(WINDOW, *pair) == ("supported", 1000)
    assert claim(WINDOW, *reversed(pair)) == ("supported", 1000)


@pytest.mark.parametrize("iteration", [500, 4000])
def test_no_other_iteration_stands_in_but_what_is_seen_is_said(ten, iteration):
    pair = ten("complex_cnn", iteration, True), ten("complex_cnn", iteration, False, window="512")
    assert claim(WINDOW, *pair) == (SHORT, iteration)


def test_no_other_split_stands_in(ten):
    pair = (ten("complex_cnn", 1000, right, "clip", **given) for right, given in ((1, {}), (0, {"window": "512"})))
    assert claim(WINDOW, *pair) == (NOT_RUN, None)


def test_half_a_pair_is_none(ten):
    assert claim(WINDOW, ten("complex_cnn", 1000, True)) == (NOT_RUN, None)
    apart = ten("complex_cnn", 1000, True), ten("complex_cnn", 500, False, window="512")
    assert claim(WINDOW, *apart) == (NOT_RUN, None)


def test_every_seed_counts_that_both_were_trained_with(ten):
    plain, other = ten("complex_cnn", 1000, True), ten("complex_cnn", 1000, False, window="512")
    again = ten("complex_cnn", 1000, False, seed="2"), ten("complex_cnn", 1000, True, window="512", seed="2")
    assert claim(WINDOW, plain, other, again[0]) == ("supported", 1000)
    assert claim(WINDOW, plain, other, *again) == ("undecided", 1000), "the second seed says the opposite"
    assert claim(WINDOW, again[0], other) == (NOT_RUN, None), "no seed stands in for another"


def test_of_two_networks_every_seed_counts_whether_the_other_has_it_or_not(ten):
    """Nothing that begins from a seed is common to two networks."""
    plain, small = (ten(net, 1000, net == "complex_cnn", "song-folds") for net in ("complex_cnn", "simple_cnn"))
    unlucky = ten("complex_cnn", 1000, False, "song-folds", seed="2")
    assert claim("The simple net", plain, small) == ("supported", 1000)
    assert claim("The simple net", plain, unlucky, small) == ("undecided", 1000)
    (found,) = [
        each.found
        for each in claims(Collection(Path("build"), votes=[plain, unlucky, small], runs=[plain.run]))
        if each.claim.startswith("The simple net")
    ]
    assert "+50.0 points" in found
    assert "2 and 1 seeds" in found


def test_a_seed_that_was_not_trained_as_far_does_not_count(ten):
    pair = ten("complex_cnn", 1000, True), ten("complex_cnn", 1000, False, window="512")
    short = ten("complex_cnn", 500, False, seed="2"), ten("complex_cnn", 500, True, window="512", seed="2")
    assert claim(WINDOW, *short, *pair) == ("supported", 1000)
    collection = Collection(Path("build"), runs=[vote.run for vote in pair], votes=[*short, *pair])
    (wanted,) = [each for each in claims(collection) if each.claim.startswith(WINDOW)]
    assert wanted.values["seeds"] == "1"
    assert "SEED" not in wanted.command


def test_only_one_network_s_trainings_must_be_of_as_many_ranks(ten):
    """Ranks draw other masks of dropout. Two networks have none in common in any case."""

    def ranks(vote: Vote, number: int) -> Vote:
        vote.summary["ranks"] = number
        return vote

    plain, small = (ten(net, 1000, net == "complex_cnn", "song-folds") for net in ("complex_cnn", "simple_cnn"))
    assert claim("The simple net", plain, ranks(small, 1)) == ("supported", 1000)
    window = ten("complex_cnn", 1000, True), ranks(ten("complex_cnn", 1000, False, window="512"), 1)
    assert claim(WINDOW, *window) == (NOT_RUN, None)


def test_on_the_paper_s_thousand_songs_its_own_iterations_count(ten):
    pair = [ten("complex_cnn", 10_000, True), ten("complex_cnn", 10_000, False, window="512")]
    for vote in pair:
        vote.run.record["lmdb"] = {"train": {"sha256": "a", "songs": 798}, "test": {"sha256": "b", "songs": 195}}
    assert claim(WINDOW, *pair) == ("supported", 10_000)


def test_dropout_is_raised_in_the_paper_s_proportion(ten):
    plain = ten("complex_cnn", 1000, False)
    assert claim(DROPOUT, plain, ten("complex_cnn", 1000, True, dropout=SHORTER)) == ("supported", 1000)
    for other in (BY_HAND, "0.6", "0.4 0.6@600 0.7@800"):
        assert claim(DROPOUT, plain, ten("complex_cnn", 1000, True, dropout=other)) == (NOT_RUN, None)
    late = ten("complex_cnn", 10_000, False), ten("complex_cnn", 10_000, True, dropout=BY_HAND)
    assert claim(DROPOUT, *late) == (SHORT, 10_000)


def test_the_rate_is_dropped_half_way_on_one_side_alone(ten):
    kept = ten("rcnn", 20_000, True, "song")
    dropped = ten("rcnn", 20_000, True, "song", lr_steps="1e-4 1e-5@10000")
    assert claim(RATE, kept, dropped) == ("supported", 20_000)
    early = ten("rcnn", 20_000, True, "song", lr_steps="1e-4 1e-5@500")
    assert claim(RATE, kept, early) == (NOT_RUN, None)


def test_nets_that_the_paper_trains_unequally_far_are_each_judged_at_their_own_scale(ten):
    cnn, rcnn = ten("complex_cnn", 1000, False, "song-folds"), ten("rcnn", 20_000, True, "song-folds")
    assert claim(RCNN, cnn, rcnn) == ("supported", 20_000)
    assert claim(RCNN, cnn, ten("rcnn", 1000, True, "song-folds")) == (SHORT, 1000)
    assert claim(VOTES, cnn, ten("song_cnn", 1000, True, "song-folds")) == (SHORT, 1000)


@pytest.mark.parametrize(
    ("iteration", "spread", "verdict"), [(10_000, 1, SHORT), (20_000, 1, "supported"), (20_000, 9, "contradicted")]
)
def test_the_rcnn_is_steady_when_its_tests_are_to_the_end(run, iteration, spread, verdict):
    trained: Run = run("song", "rcnn")
    trained.record["iteration"] = iteration
    early = [{"iter": 500, "test_accuracy": 0.1}]
    trained.metrics.extend(
        early + [{"iter": i, "test_accuracy": 0.6 + spread / 100 * (i == 5000)} for i in range(2500, iteration, 500)]
    )
    every = claims(Collection(Path("build"), runs=[trained]))
    (steady,) = [each for each in every if each.claim.startswith(STEADY)]
    assert steady.verdict == verdict
    assert steady.values["spread_points"] == pytest.approx(spread)


def test_a_claim_that_is_not_run_names_commands_at_the_scale_of_the_songs_that_are_there(ten):
    collection = Collection(Path("build"), runs=[ten("rcnn", 1, True).run])
    commands = {each.claim: each.command for each in claims(collection)}
    (dropout,) = [command for claim, command in commands.items() if claim.startswith(DROPOUT)]
    assert dropout.splitlines() == [
        f"make lmdb train-complex vote NET=complex_cnn SPLIT=song{setting} ITERS=1000 ITERATION=1000"
        for setting in ("", f" DROPOUT='{SHORTER}'")
    ]
    (rcnn,) = [command for claim, command in commands.items() if claim.startswith(RCNN)]
    assert "ITERS=20000" in rcnn


def test_confusions_are_drawn_by_songs_and_their_columns_are_shares(clips):
    drawn = drawn_confusions(clips({"a": [True, True], "b": [False, False]}))
    assert drawn.shape[1:] == (10, 10)
    assert set(np.round(drawn[:, 0, 0], 6)) == {0, 0.5, 1}
    np.testing.assert_allclose(drawn[:, :, 0].sum(axis=1), 1)
    assert drawn[:, :, 1:].sum() == 0


def test_the_picture_has_every_claim_and_every_difference_of_the_kept_results():
    judged = claims(collect_kept())
    (figure,) = claims_figure(judged)
    assert len(judged) == len(CLAIMS)
    drawn = {row["line"]: row for row in figure.rows}
    for each in judged:
        points = each.values.get("difference_points")
        assert (each.claim in drawn) == (points is not None)
        if points is not None:
            assert drawn[each.claim]["series"] == each.verdict
            assert drawn[each.claim]["value"] == pytest.approx(points / 100)
