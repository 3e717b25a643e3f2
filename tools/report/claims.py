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
from tools.report.evidence import SPLITS, Evidence, Training, TwoRuns, compared, figures, not_run
from tools.report.genres import best_genres, taken_for
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, net_name, scheduled_dropout
from tools.report.table import Values, percent
from tools.vote.count import hold_election

COMPLEX, RCNN, LSTM = Training("complex_cnn"), Training("rcnn"), Training("lstm")
FEW_GENRES = Training("complex_cnn", {"genres": "classical metal pop"})
BY_HAND = Training("complex_cnn", {"dropout": DROPOUT_BY_HAND})
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


def rate_at(vote: Vote) -> float:
    """The learning rate by which a vote's weights were changed last."""
    return [rate for start, rate in vote.run.settings.lr_steps if start < vote.iteration][-1]


def rate_drop(collection: Collection) -> Evidence:
    """Two votes that differ in the schedule of the learning rate alone: of the RCNN, else of the complex CNN."""
    for net, split in product(("rcnn", "complex_cnn"), SPLITS):
        scheduled = collection.find_votes(net, split, lr_steps=None)
        pair = sorted(collection.same_iteration(scheduled, collection.find_votes(net, split)) or (), key=rate_at)
        if pair and rate_at(pair[0]) < rate_at(pair[1]):
            what = f"{net_name(net)}, at {rate_at(pair[0]):g} minus still at {rate_at(pair[1]):g}"
            evidence = compared(collection, what, compare.alike, *pair)
            if evidence:
                return evidence
    return not_run(collection, RCNN, Training("rcnn", {"lr_steps": "1e-4 1e-5@5000"}), iterations=10_000)


def raised_votes(collection: Collection, split: str) -> list[Vote]:
    """The complex CNN after its dropout was raised by hand; where that was not run, under another ratio throughout."""
    by_hand = scheduled_dropout(collection, split)
    raised = [vote for vote in by_hand if vote.iteration > vote.run.settings.dropout[1][0]]
    others = collection.find_votes("complex_cnn", split, dropout=None)
    constant = [vote for vote in others if len(vote.run.settings.dropout) == 1]
    return sorted(raised, key=lambda vote: vote.iteration) or constant


def few_genres(collection: Collection, split: str) -> list[Vote]:
    return collection.find_votes("complex_cnn", split, genres=None)


def votes_beside_whole_song(collection: Collection) -> Evidence:
    """Of the RCNN, else of the complex CNN; on all folds, else on fold 0."""
    for split, net in product((paths.ALL_FOLDS, "song"), ("rcnn", "complex_cnn")):
        pair = collection.same_iteration(*(collection.find_votes(each, split) for each in (net, "song_cnn")))
        if pair:
            return voted_beside_whole(collection, *pair)
    return not_run(collection, RCNN, Training("song_cnn"))


def voted_beside_whole(collection: Collection, voted: Vote, whole: Vote) -> Evidence:
    election = hold_election(voted.clips, None)
    by_votes = dict(zip(election.tracks, election.plurality(5) == election.labels))
    by_song = dict(zip(whole.clips.tracks, whole.clips.right))
    shared = np.array(sorted(by_votes.keys() & by_song.keys()))
    first, second = (np.array([right[track] for track in shared]) for right in (by_votes, by_song))
    difference = compare.difference(shared, first, second)
    finding = (
        f"{net_name(voted.net)} by votes minus whole song: {difference} of songs ({percent(first.mean())} and "
        f"{percent(second.mean())}), split {voted.split}, {voted.iteration:,} iterations, {difference.songs:,} songs."
    )
    values = {**figures(difference, voted), "songs": difference.songs}
    return Evidence(compare.more(difference), finding, commands.commands_of(collection, voted, whole), values)


def rcnn_steady(collection: Collection) -> Evidence:
    for split in reversed(PROTOCOLS):
        run = collection.find_run("rcnn", split)
        tests = [line for line in run.metrics if "test_accuracy" in line] if run else []
        late = [100 * line["test_accuracy"] for line in tests if line["iter"] >= STEADY_FROM]
        if run and len(late) >= 3:
            spread = max(late) - min(late)
            span = f"from {min(late):.1f}% to {max(late):.1f}%"
            finding = f"{len(late)} tests {span}: {spread:.1f} points, split {split}."
            values = {"spread_points": spread, "tests": len(late), "split": split, "iteration": tests[-1]["iter"]}
            verdict = "supported" if spread <= compare.ALIKE_POINTS else "contradicted"
            return Evidence(verdict, finding, commands.command_of(collection, run), values)
    return not_run(collection, RCNN, iterations=2 * STEADY_FROM)


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
        TwoRuns("Few genres minus ten, on the same clips", compare.more, FEW_GENRES, COMPLEX, few_genres),
    ),
    (
        "The drop of the learning rate to 1e-5 changes little.",
        "The same net with and without the drop, at the same iteration: clip accuracy.",
        rate_drop,
    ),
    (
        "Raising dropout by hand when over-fitting shows helps for a while.",
        "Complex CNN under the schedule minus 0.4 throughout, at the same iteration: clip accuracy.",
        TwoRuns("Raised minus 0.4", compare.more, BY_HAND, COMPLEX, raised_votes),
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
