"""The paper's claims, each with its test and what the runs there are say of it so far.

How a verdict comes about: `tools.report.evidence` and `tools.report.compare`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools import paths
from tools.report import commands, compare, dots
from tools.report.canvas import BLUE, GREEN, GREY, RED, Figure
from tools.report.compare import Difference
from tools.report.dots import Line, Style
from tools.report.evidence import NOT_RUN, SHORT, Evidence, Pair, Training, changes_at
from tools.report.genres import Table1, are_best, are_taken_for, say_best, say_taken_for
from tools.report.headlines import DROPOUT_BY_HAND
from tools.report.records import Collection, Vote
from tools.report.table import Column, Interval, Row, Table, Values, words
from tools.vote.count import hold_election

ALL_FOLDS, FOLD_0 = paths.ALL_FOLDS, "song"
CNN, WHOLE_SONG, RCNN = 10_000, 60_000, 200_000  # the paper's iterations
LSTM = 250_000  # its 500 rounds of 24,000 clips, by our 48
STEADY_FROM = 25_000
RATES = (1e-4, 1e-5)
VERDICTS = {
    "supported": Style(GREEN),
    "contradicted": Style(RED, "s"),
    "undecided": Style(BLUE, "D"),
    SHORT: Style(GREY, filled=False),
}


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, how it is tested, and the evidence as `Evidence` has it."""

    claim: str
    test: str
    verdict: str
    found: str
    command: str
    values: Values


def is_raised_by_hand(vote: Vote) -> bool:
    return changes_at(vote, vote.run.settings.dropout, (0, 0.4), (0.3, 0.6), (0.6, 0.7))


def is_rate_dropped(vote: Vote) -> bool:
    return changes_at(vote, vote.run.settings.lr_steps, (0, RATES[0]), (0.5, RATES[1]))


def is_rate_kept(vote: Vote) -> bool:
    return changes_at(vote, vote.run.settings.lr_steps, (0, RATES[0]))


def song_difference(voted: Vote, whole: Vote) -> Difference | None:
    """Songs right by a plurality of 5 clips minus those that the whole-song net gets, of the songs that both test."""
    election = hold_election(voted.clips, None)
    by_votes = dict(zip(election.tracks, election.plurality(5) == election.labels))
    by_song = dict(zip(whole.clips.tracks, whole.clips.right))
    shared = np.array(sorted(by_votes.keys() & by_song.keys()))
    first, second = (np.array([right[track] for track in shared], bool) for right in (by_votes, by_song))
    return compare.difference(shared, first, second) if len(shared) else None


def rcnn_steady(collection: Collection) -> Evidence:
    """The spread of the test accuracy, over all tests from some iteration on: no song is drawn again for it."""
    training = Training("rcnn", RCNN)
    run, needed = collection.find_run("rcnn", FOLD_0), training.command(collection, FOLD_0)
    if run is None:
        return Evidence(NOT_RUN, "", needed)
    songs = collection.songs_of(run.record["data_fingerprint"])
    start = Training("rcnn", STEADY_FROM).ours(songs)
    tests = [100 * line["test_accuracy"] for line in run.metrics if "test_accuracy" in line and line["iter"] >= start]
    if len(tests) < 3:
        return Evidence(NOT_RUN, "", needed)
    spread = max(tests) - min(tests)
    found = (
        f"{len(tests)} tests from iteration {start:,} on, from {min(tests):.1f}% to {max(tests):.1f}%: {spread:.1f} "
        f"points, split {run.split}."
    )
    values: Values = {"spread_points": spread, "tests": len(tests), "split": run.split}
    values["iteration"] = run.record["iteration"]
    if run.record["iteration"] < 0.95 * training.ours(songs):
        return Evidence(SHORT, f"So far: {found}", needed, values)
    return Evidence(compare.judge(spread <= compare.MARGIN), found, commands.command_of(collection, run), values)


COMPLEX = Training("complex_cnn", CNN)
BY_HAND = Training("complex_cnn", CNN, {"dropout": DROPOUT_BY_HAND}, is_raised_by_hand)
DROPPED = Training("rcnn", RCNN, {"lr_steps": "0.0001 1e-05@100000"}, is_rate_dropped)
KEPT = Training("rcnn", RCNN, {"lr_steps": "0.0001"}, is_rate_kept)
AT_CNN = "complex CNN, at the passes of 10,000 of the paper's iterations"

# In the order in which the paper comes to them
CLAIMS: tuple[tuple[str, str, Callable[[Collection], Evidence]], ...] = (
    (
        "Integer and real-valued data train alike.",
        f"Integer minus float LMDB, {AT_CNN}, fold 0: within 5 points.",
        Pair("Integer minus float", compare.alike, Training("complex_cnn", CNN, {"dtype": "int"}), COMPLEX, FOLD_0),
    ),
    (
        "The simple net (2 convolutions) is too small and performs poorly.",
        "Complex minus simple CNN, at the passes of 10,000 of the paper's iterations, all folds: above 0.",
        Pair("Complex minus simple", compare.better, COMPLEX, Training("simple_cnn", CNN), ALL_FOLDS),
    ),
    (
        "More LSTM neurons don't help.",
        "LSTM of twice the width (160) minus the one of 80, after the paper's 500 rounds, all folds: at most 5 points.",
        Pair(
            "160 neurons minus 80",
            compare.not_better,
            Training("lstm", LSTM, {"neurons": "160"}),
            Training("lstm", LSTM),
            ALL_FOLDS,
        ),
    ),
    (
        "Three or four genres are far easier than ten.",
        f"Trained on three genres minus on ten, on the test clips of the three, {AT_CNN}, fold 0: above 5 points.",
        Pair(
            "Three genres minus ten, on the same clips",
            compare.far_better,
            Training("complex_cnn", CNN, {"genres": "classical metal pop"}),
            COMPLEX,
            FOLD_0,
        ),
    ),
    (
        "The drop of the learning rate to 1e-5 changes little.",
        "RCNN with the drop half-way minus without, at the passes of 200,000 iterations, fold 0: within 5 points.",
        Pair("Rate dropped to 1e-5 minus kept at 1e-4", compare.alike, DROPPED, KEPT, FOLD_0),
    ),
    (
        "Raising dropout by hand when over-fitting shows helps for a while.",
        f"Raised at 3 and 6 tenths minus 0.4 throughout, {AT_CNN}, fold 0: above 0.",
        Pair("Dropout raised minus 0.4", compare.better, BY_HAND, COMPLEX, FOLD_0),
    ),
    (
        "A window of 46 ms serves music better than one of 25 ms.",
        f"Windows of 1024 minus 512 (23 ms) at the same hop, {AT_CNN}, fold 0: above 0.",
        Pair("46 ms minus 23 ms", compare.better, COMPLEX, Training("complex_cnn", CNN, {"window": "512"}), FOLD_0),
    ),
    (
        "Clips with votes beat the whole song as one input.",
        "Songs by plurality of the complex CNN's clips minus the whole-song net, at the passes of 10,000 and 60,000 of "
        "the paper's iterations, all folds: above 0.",
        Pair(
            "Complex CNN by votes minus whole song",
            compare.better,
            COMPLEX,
            Training("song_cnn", WHOLE_SONG),
            ALL_FOLDS,
            song_difference,
            "songs",
        ),
    ),
    (
        "The best classes are classical, metal and pop.",
        "The three highest of the diagonal of Table 1, LSTM after the paper's 500 rounds, all folds.",
        Table1(are_best, say_best, Training("lstm", LSTM), ALL_FOLDS),
    ),
    (
        "Rock is taken for metal and hiphop for pop.",
        "The largest entry off the diagonal in the columns rock and hiphop of Table 1, of the same LSTM.",
        Table1(are_taken_for, say_taken_for, Training("lstm", LSTM), ALL_FOLDS),
    ),
    (
        "The RCNN beats the CNN.",
        "RCNN minus complex CNN, at the passes of the paper's 200,000 and 10,000 iterations, all folds: above 0.",
        Pair("RCNN minus complex CNN", compare.better, Training("rcnn", RCNN), COMPLEX, ALL_FOLDS),
    ),
    (
        f"The RCNN is steady after {STEADY_FROM:,} iterations.",
        "Spread of the test accuracy from there to the passes of 200,000 iterations, fold 0: at most 5 points.",
        rcnn_steady,
    ),
)


def claims(collection: Collection) -> list[Claim]:
    return [Claim(claim, test, **vars(look(collection))) for claim, test, look in CLAIMS]


def claims_table(judged: list[Claim]) -> Table:
    titles = {"claim": "claim", "test": "tested by", "verdict": "verdict", "found": "found"}
    columns = [Column(name, title, words) for name, title in titles.items()]
    rows = [
        Row({"claim": c.claim, "test": c.test, "verdict": c.verdict, "found": c.found or None, **c.values}, c.command)
        for c in judged
    ]
    return Table("claims", "The claims, one by one", columns, rows)


def claims_figure(judged: list[Claim]) -> Figure:
    """Every claim with its verdict, and where it is a difference that with its interval."""
    lines = [Line(c.claim, seen(c), c.verdict, "" if "low" in c.values else short(c)) for c in judged]
    svg = dots.draw_dots(lines, VERDICTS, "difference in points, with 95% intervals", (-20, 80), (-5, 5), True)
    caption = "Filled: at the paper's scale. Hollow: what is seen so far, short of it. Shaded: the margin of 5 points."
    alt = "Every claim of the paper with its difference, interval and verdict"
    return Figure("claims_figure", alt, caption, svg, dots.numbers(lines))


def seen(claim: Claim) -> dict[str, Interval]:
    ends = [claim.values.get(key) for key in ("difference_points", "low", "high")]
    points = [end / 100 for end in ends if isinstance(end, float)]
    return {claim.verdict: Interval(*points)} if points else {}


def short(claim: Claim) -> str:
    """What is seen where that is no difference."""
    share, spread = claim.values.get("share_of_draws"), claim.values.get("spread_points")
    if isinstance(share, float):
        return f"holds in {100 * share:.1f}% of the draws"
    return f"a spread of {spread:.1f} points" if isinstance(spread, float) else ""
