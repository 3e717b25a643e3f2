"""The paper's claims, each with its test and what the runs there are say of it so far.

How a verdict comes about: `tools.report.verdicts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

import numpy as np

from tools import paths
from tools.report import commands, compare
from tools.report.claims_genres import best_genres, rock_for_metal_hiphop_for_pop
from tools.report.collect import Collection, Vote
from tools.report.comparisons import same_iteration
from tools.report.headlines import net_name, scheduled_dropout
from tools.report.verdicts import Claim, Pair, command, compared, first_pair, pairs, two_runs, untested

STEADY_FROM = 25_000


def claims(collection: Collection) -> list[Claim]:
    """Every claim, in the order in which the paper comes to them."""
    tests: tuple[Callable[[Collection], Claim], ...] = (
        integer_and_real_alike,
        simple_net_too_small,
        more_neurons_do_not_help,
        few_genres_easier,
        rate_drop_changes_little,
        dropout_helps_for_a_while,
        longer_window_better,
        votes_beat_whole_song,
        best_genres,
        rock_for_metal_hiphop_for_pop,
        rcnn_beats_cnn,
        rcnn_steady,
    )
    return [test(collection) for test in tests]


def integer_and_real_alike(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "Integer and real-valued data train alike.",
        "Complex CNN on both LMDBs, one seed: clip accuracy.",
        pairs(collection, "complex_cnn", {"dtype": "int"}),
        compare.verdict_alike,
        "Integer minus float",
        command(collection, "complex_cnn"),
        command(collection, "complex_cnn", {"dtype": "int"}),
    )


def simple_net_too_small(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "The simple net (2 convolutions) is too small and performs poorly.",
        "Complex minus simple CNN at the same iteration: clip accuracy.",
        pairs(collection, "complex_cnn", {}, "simple_cnn"),
        compare.verdict_more,
        "Complex minus simple",
        command(collection, "simple_cnn"),
        command(collection, "complex_cnn"),
    )


def more_neurons_do_not_help(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "More LSTM neurons don't help.",
        "LSTM of twice the width (160) minus the one of 80, at the same iteration: clip accuracy.",
        pairs(collection, "lstm", {"neurons": "160"}),
        compare.verdict_not_better,
        "160 neurons minus 80",
        command(collection, "lstm"),
        command(collection, "lstm", {"neurons": "160"}),
    )


def few_genres_easier(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "Three or four genres are far easier than ten.",
        "Complex CNN trained on three genres minus the one trained on ten, both on the test clips of those three.",
        pairs(collection, "complex_cnn", {"genres": None}),
        compare.verdict_more,
        "Few genres minus ten, on the same clips",
        command(collection, "complex_cnn"),
        command(collection, "complex_cnn", {"genres": "classical metal pop"}),
    )


def rate_at(vote: Vote) -> float | None:
    """The learning rate of the last display before a vote's iteration; None where the run is gone."""
    lines = vote.run.metrics if vote.run else []
    rates = [line["lr"] for line in lines if "lr" in line and line["iter"] < vote.iteration]
    return rates[-1] if rates else None


def dropped_and_held(collection: Collection, net: str, split: str) -> Pair | None:
    """Two votes that differ in the schedule of the learning rate alone, the one whose rate has dropped first."""
    pair = same_iteration(
        collection, collection.find_votes(net, split, lr_steps=None), collection.find_votes(net, split)
    )
    rates = [rate_at(vote) for vote in pair] if pair else []
    if None in rates or len(set(rates)) < 2:
        return None
    return pair if rates[0] < rates[1] else pair[::-1]


def rate_drop_changes_little(collection: Collection) -> Claim:
    claim = "The drop of the learning rate to 1e-5 changes little."
    test = "The same net with and without the drop, at the same iteration: clip accuracy."
    for net in ("rcnn", "complex_cnn"):
        decided = first_pair(lambda split, net=net: dropped_and_held(collection, net, split))
        if decided:
            pair, difference = decided
            what = f"{net_name(net)}, at {rate_at(pair[0]):g} minus still at {rate_at(pair[1]):g}"
            return compared(collection, claim, test, pair, difference, compare.verdict_alike(difference), what)
    steps = {"lr_steps": "1e-4 1e-5@5000"}
    needed = (command(collection, "rcnn", d, ITERS=10_000) for d in ({}, steps))
    return untested(claim, test, *needed)


def dropout_helps_for_a_while(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "Raising dropout by hand when over-fitting shows helps for a while.",
        "Complex CNN under the schedule minus 0.4 throughout, at the same iteration: clip accuracy.",
        lambda split: same_iteration(
            collection, raised(collection, split), collection.find_votes("complex_cnn", split)
        ),
        compare.verdict_more,
        "Raised minus 0.4",
        command(collection, "complex_cnn"),
        command(collection, "complex_cnn", {"dropout": commands.DROPOUT_BY_HAND}),
    )


def raised(collection: Collection, split: str) -> list[Vote]:
    """Votes of the complex CNN after its dropout was raised by hand; where there is none, those of another ratio."""
    by_hand = [v for v in scheduled_dropout(collection, split) if v.iteration > first_raise(v.differences["dropout"])]
    if by_hand:
        return sorted(by_hand, key=lambda vote: vote.iteration)
    return [v for v in collection.find_votes("complex_cnn", split, dropout=None) if "@" not in v.differences["dropout"]]


def first_raise(dropout: str) -> int:
    """The iteration from which ``0.4 0.6@3000`` is another ratio: 3000."""
    return int(re.search(r"@(\d+)", dropout)[1])


def longer_window_better(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "A window of 46 ms serves music better than one of 25 ms.",
        "Complex CNN on windows of 1024 minus the one on 512 (23 ms) at the same hop: clip accuracy.",
        lambda split: same_iteration(
            collection,
            collection.find_votes("complex_cnn", split),
            collection.find_votes("complex_cnn", split, window="512"),
        ),
        compare.verdict_more,
        "46 ms minus 23 ms",
        command(collection, "complex_cnn"),
        command(collection, "complex_cnn", {"window": "512"}),
    )


def votes_beat_whole_song(collection: Collection) -> Claim:
    claim = "Clips with votes beat the whole song as one input."
    test = "Songs right by plurality of the RCNN's (else the complex CNN's) clips minus those of the whole-song net."
    for split, net in product((paths.ALL_FOLDS, "song"), ("rcnn", "complex_cnn")):
        pair = same_iteration(collection, collection.find_votes(net, split), collection.find_votes("song_cnn", split))
        if pair:
            return voted_beside_whole(collection, claim, test, *pair)
    return untested(claim, test, command(collection, "rcnn"), command(collection, "song_cnn"))


def voted_beside_whole(collection: Collection, claim: str, test: str, voted: Vote, whole: Vote) -> Claim:
    by_votes = dict(zip(*compare.right_by_plurality(voted.clips, 5)))
    by_song = dict(zip(whole.clips.tracks, whole.clips.right))
    shared = np.array(sorted(by_votes.keys() & by_song.keys()))
    first, second = (np.array([right[track] for track in shared]) for right in (by_votes, by_song))
    difference = compare.song_difference(shared, first, second)
    found = (
        f"{net_name(voted.net)} by votes minus whole song: {difference.text} of songs ({100 * first.mean():.1f}% and "
        f"{100 * second.mean():.1f}%), split {voted.split}, {voted.iteration:,} iterations, {difference.songs:,} songs."
    )
    values = {"difference_points": difference.points, "low": difference.low, "high": difference.high}
    values |= {"split": voted.split, "iteration": voted.iteration, "songs": difference.songs}
    made = "; ".join(commands.command_of_vote(collection, vote) for vote in (voted, whole))
    return Claim(claim, test, compare.verdict_more(difference), found, made, values)


def rcnn_beats_cnn(collection: Collection) -> Claim:
    return two_runs(
        collection,
        "The RCNN beats the CNN.",
        "RCNN minus complex CNN at the same iteration: clip accuracy.",
        pairs(collection, "rcnn", {}, "complex_cnn"),
        compare.verdict_more,
        "RCNN minus complex CNN",
        command(collection, "rcnn"),
        command(collection, "complex_cnn"),
    )


def rcnn_steady(collection: Collection) -> Claim:
    claim = f"The RCNN is steady after {STEADY_FROM:,} iterations."
    test = f"Spread of the test accuracy over all tests from iteration {STEADY_FROM:,} on: at most 5 points."
    for split in ("song", "clip"):
        run = collection.find_run("rcnn", split)
        tests = [line for line in run.metrics if "test_accuracy" in line] if run else []
        late = [line["test_accuracy"] for line in tests if line["iter"] >= STEADY_FROM]
        if len(late) >= 3:
            spread = 100 * (max(late) - min(late))
            verdict = "supported" if spread <= compare.ALIKE_POINTS else "contradicted"
            found = f"{len(late)} tests from {100 * min(late):.1f}% to {100 * max(late):.1f}%: {spread:.1f} points"
            found += f", split {split}."
            values = {"spread_points": spread, "tests": len(late), "split": split, "iteration": tests[-1]["iter"]}
            return Claim(claim, test, verdict, found, commands.command_of_run(collection, run), values)
    return untested(claim, test, command(collection, "rcnn", ITERS=2 * STEADY_FROM))
