"""The paper's claims, each with its test and what the runs there are say of it so far.

How a verdict comes about: `tools.report.evidence`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from tools import paths
from tools.report import commands, compare
from tools.report.collect import Collection, Vote
from tools.report.evidence import Evidence, Pair, Training, TwoRuns, figures, not_run
from tools.report.genres import best_genres, taken_for
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, net_name, scheduled_dropout
from tools.report.table import Values, percent
from tools.vote.count import hold_election

COMPLEX, RCNN, LSTM = Training("complex_cnn"), Training("rcnn"), Training("lstm")
STEADY_FROM = 25_000


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, how it is tested, and the evidence as `Evidence` has it."""

    claim: str
    test: str
    verdict: str
    found: str
    command: str
    values: Values


class RateDrop(TwoRuns):
    """Two votes that differ in the schedule of the learning rate alone, the one whose rate has dropped first."""

    def pair(self, collection: Collection, split: str) -> Pair | None:
        pair = super().pair(collection, split)
        rates = [rate_at(vote) for vote in pair] if pair else []
        if pair is None or None in rates or rates[0] == rates[1]:
            return None
        return pair if rates[0] < rates[1] else pair[::-1]

    def say(self, pair: Pair) -> str:
        return f"{net_name(pair[0].net)}, at {rate_at(pair[0]):g} minus still at {rate_at(pair[1]):g}"


def rate_at(vote: Vote) -> float | None:
    """The learning rate of the last display before a vote's iteration."""
    lines = vote.run.metrics if vote.run else []
    rates = [line["lr"] for line in lines if "lr" in line and line["iter"] < vote.iteration]
    return rates[-1] if rates else None


def rate_drop(collection: Collection) -> Evidence:
    """Of the RCNN, else of the complex CNN."""
    for net in ("rcnn", "complex_cnn"):
        evidence = RateDrop("", compare.alike, Training(net, {"lr_steps": None}), Training(net))(collection)
        if evidence.values:
            return evidence
    return not_run(collection, RCNN, Training("rcnn", {"lr_steps": None}), ITERS=10_000)


class RaisedDropout(TwoRuns):
    """The complex CNN after its dropout was raised by hand; where that was not run, under another ratio."""

    def pair(self, collection: Collection, split: str) -> Pair | None:
        raised = [vote for vote in scheduled_dropout(collection, split) if vote.iteration > first_raise(vote)]
        other = Training("complex_cnn", {"dropout": None}).votes(collection, split)
        constant = [vote for vote in other if "@" not in vote.differences["dropout"]]
        votes = sorted(raised, key=lambda vote: vote.iteration) or constant
        return collection.same_iteration(votes, self.second.votes(collection, split))


def first_raise(vote: Vote) -> int:
    """The iteration from which on a vote's run has another dropout ratio than at first."""
    return vote.run.settings.dropout[1][0]


def votes_beside_whole_song(collection: Collection) -> Evidence:
    whole = Training("song_cnn")
    for split, net in product((paths.ALL_FOLDS, "song"), ("rcnn", "complex_cnn")):
        pair = collection.same_iteration(Training(net).votes(collection, split), whole.votes(collection, split))
        if pair:
            return voted_beside_whole(collection, *pair)
    return not_run(collection, RCNN, whole)


def voted_beside_whole(collection: Collection, voted: Vote, whole: Vote) -> Evidence:
    election = hold_election(voted.clips, None)
    by_votes = dict(zip(election.tracks, election.plurality(5) == election.labels))
    by_song = dict(zip(whole.clips.tracks, whole.clips.right))
    shared = np.array(sorted(by_votes.keys() & by_song.keys()))
    first, second = (np.array([right[track] for track in shared]) for right in (by_votes, by_song))
    difference = compare.difference(shared, first, second)
    found = (
        f"{net_name(voted.net)} by votes minus whole song: {difference} of songs ({percent(first.mean())} and "
        f"{percent(second.mean())}), split {voted.split}, {voted.iteration:,} iterations, {difference.songs:,} songs."
    )
    values = {**figures(difference, voted), "songs": difference.songs}
    return Evidence(compare.more(difference), found, commands.commands_of(collection, voted, whole), values)


def rcnn_steady(collection: Collection) -> Evidence:
    for split in reversed(PROTOCOLS):
        run = collection.find_run("rcnn", split)
        tests = [line for line in run.metrics if "test_accuracy" in line] if run else []
        late = [100 * line["test_accuracy"] for line in tests if line["iter"] >= STEADY_FROM]
        if run and len(late) >= 3:
            spread = max(late) - min(late)
            found = f"{len(late)} tests from {min(late):.1f}% to {max(late):.1f}%: {spread:.1f} points, split {split}."
            values = {"spread_points": spread, "tests": len(late), "split": split, "iteration": tests[-1]["iter"]}
            verdict = "supported" if spread <= compare.ALIKE_POINTS else "contradicted"
            return Evidence(verdict, found, commands.command_of(collection, run), values)
    return not_run(collection, RCNN, ITERS=2 * STEADY_FROM)


# In the order in which the paper comes to them
CLAIMS: tuple[tuple[str, str, Callable[[Collection], Evidence]], ...] = (
    (
        "Integer and real-valued data train alike.",
        "Complex CNN on both LMDBs, one seed: clip accuracy.",
        TwoRuns("Integer minus float", compare.alike, Training("complex_cnn", {"dtype": "int"}), COMPLEX),
    ),
    (
        "The simple net (2 convolutions) is too small and performs poorly.",
        "Complex minus simple CNN at the same iteration: clip accuracy.",
        TwoRuns("Complex minus simple", compare.more, COMPLEX, Training("simple_cnn")),
    ),
    (
        "More LSTM neurons don't help.",
        "LSTM of twice the width (160) minus the one of 80, at the same iteration: clip accuracy.",
        TwoRuns("160 neurons minus 80", compare.not_better, Training("lstm", {"neurons": "160"}), LSTM),
    ),
    (
        "Three or four genres are far easier than ten.",
        "Complex CNN trained on three genres minus the one trained on ten, both on the test clips of those three.",
        TwoRuns(
            "Few genres minus ten, on the same clips", compare.more, Training("complex_cnn", {"genres": None}), COMPLEX
        ),
    ),
    (
        "The drop of the learning rate to 1e-5 changes little.",
        "The same net with and without the drop, at the same iteration: clip accuracy.",
        rate_drop,
    ),
    (
        "Raising dropout by hand when over-fitting shows helps for a while.",
        "Complex CNN under the schedule minus 0.4 throughout, at the same iteration: clip accuracy.",
        RaisedDropout("Raised minus 0.4", compare.more, Training("complex_cnn", {"dropout": DROPOUT_BY_HAND}), COMPLEX),
    ),
    (
        "A window of 46 ms serves music better than one of 25 ms.",
        "Complex CNN on windows of 1024 minus the one on 512 (23 ms) at the same hop: clip accuracy.",
        TwoRuns("46 ms minus 23 ms", compare.more, COMPLEX, Training("complex_cnn", {"window": "512"})),
    ),
    (
        "Clips with votes beat the whole song as one input.",
        "Songs right by plurality of the RCNN's (else the complex CNN's) clips minus those of the whole-song net.",
        votes_beside_whole_song,
    ),
    (
        "The best classes are classical, metal and pop.",
        "The three highest of the diagonal of Table 1, LSTM.",
        best_genres,
    ),
    (
        "Rock is taken for metal and hiphop for pop.",
        "The largest entry off the diagonal in the columns rock and hiphop of Table 1, LSTM.",
        taken_for,
    ),
    (
        "The RCNN beats the CNN.",
        "RCNN minus complex CNN at the same iteration: clip accuracy.",
        TwoRuns("RCNN minus complex CNN", compare.more, RCNN, COMPLEX),
    ),
    (
        f"The RCNN is steady after {STEADY_FROM:,} iterations.",
        f"Spread of the test accuracy over all tests from iteration {STEADY_FROM:,} on: at most 5 points.",
        rcnn_steady,
    ),
)


def claims(collection: Collection) -> list[Claim]:
    return [Claim(claim, test, **vars(look(collection))) for claim, test, look in CLAIMS]
