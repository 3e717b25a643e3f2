"""The paper's claims, each with its test and what the runs there are say of it so far.

How a verdict comes about: `tools.report.evidence` and `tools.report.compare`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from tools import paths
from tools.report.canvas import BLUE, GREEN, GREY, RED, Figure, Line, Style, dots_figure
from tools.report.compare import songs_right
from tools.report.evidence import FOLD_0, SHORT, Claim, Training, Trial, best_genres, pair, steady, table_1, taken_for
from tools.report.headlines import DROPOUT_BY_HAND
from tools.report.records import Collection
from tools.report.table import Column, Interval, Row, Table, words

ALL_FOLDS = paths.ALL_FOLDS
CNN, RCNN = 10_000, 200_000  # the paper's iterations
ROUNDS = 250_000  # its 500 rounds of 24,000 clips, by our 48
STEADY_FROM = 25_000
VERDICTS = {
    "supported": Style(GREEN),
    "contradicted": Style(RED, "s"),
    "undecided": Style(BLUE, "D"),
    SHORT: Style(GREY, filled=False),
}
COMPLEX = Training("complex_cnn", CNN)
INTEGER = Training("complex_cnn", CNN, {"dtype": "int"})
THREE = Training("complex_cnn", CNN, {"genres": "classical metal pop"})
BY_HAND = Training("complex_cnn", CNN, {"dropout": DROPOUT_BY_HAND})
SHORT_WINDOW = Training("complex_cnn", CNN, {"window": "512"})
SIMPLE = Training("simple_cnn", CNN)
PLAIN_RCNN = Training("rcnn", RCNN)
DROPPED = Training("rcnn", RCNN, {"lr_steps": "0.0001 1e-05@100000"})
KEPT = Training("rcnn", RCNN, {"lr_steps": "0.0001"})
LSTM = Training("lstm", ROUNDS)
WIDE_LSTM = Training("lstm", ROUNDS, {"neurons": "160"})
WHOLE_SONG = Training("song_cnn", 60_000)
pair_of_songs = partial(pair, right=songs_right, of="songs")
AT_CNN = "complex CNN, at the passes of 10,000 of the paper's iterations"

# In the order in which the paper comes to them
CLAIMS: tuple[tuple[str, str, Trial], ...] = (
    (
        "Integer and real-valued data train alike.",
        f"Integer minus float LMDB, {AT_CNN}",
        Trial(pair, "within 5 points", FOLD_0, (INTEGER, COMPLEX), "Integer minus float"),
    ),
    (
        "The simple net (2 convolutions) is too small and performs poorly.",
        "Complex minus simple CNN, at the passes of 10,000 of the paper's iterations",
        Trial(pair, "above 0", ALL_FOLDS, (COMPLEX, SIMPLE), "Complex minus simple"),
    ),
    (
        "More LSTM neurons don't help.",
        "LSTM of twice the width (160) minus the one of 80, after the paper's 500 rounds",
        Trial(pair, "at most 5 points", ALL_FOLDS, (WIDE_LSTM, LSTM), "160 neurons minus 80"),
    ),
    (
        "Three or four genres are far easier than ten.",
        f"Trained on three genres minus on ten, on the test clips of the three, {AT_CNN}",
        Trial(pair, "above 5 points", FOLD_0, (THREE, COMPLEX), "Three genres minus ten, on the same clips"),
    ),
    (
        "The drop of the learning rate to 1e-5 changes little.",
        "RCNN with the drop half-way minus without, at the passes of 200,000 iterations",
        Trial(pair, "within 5 points", FOLD_0, (DROPPED, KEPT), "Rate dropped to 1e-5 minus kept at 1e-4"),
    ),
    (
        "Raising dropout by hand when over-fitting shows helps for a while.",
        f"Raised at 3 and 6 tenths minus 0.4 throughout, {AT_CNN}",
        Trial(pair, "above 0", FOLD_0, (BY_HAND, COMPLEX), "Dropout raised minus 0.4"),
    ),
    (
        "A window of 46 ms serves music better than one of 25 ms.",
        f"Windows of 1024 minus 512 (23 ms) at the same hop, {AT_CNN}",
        Trial(pair, "above 0", FOLD_0, (COMPLEX, SHORT_WINDOW), "46 ms minus 23 ms"),
    ),
    (
        "Clips with votes beat the whole song as one input.",
        "Songs by plurality of the complex CNN's clips minus the whole-song net, at the passes of 10,000 and 60,000 of "
        "the paper's iterations",
        Trial(pair_of_songs, "above 0", ALL_FOLDS, (COMPLEX, WHOLE_SONG), "Complex CNN by votes minus whole song"),
    ),
    (
        "The best classes are classical, metal and pop.",
        "The three highest of the diagonal of Table 1, LSTM after the paper's 500 rounds, all folds",
        Trial(partial(table_1, read=best_genres), "", ALL_FOLDS, (LSTM,)),
    ),
    (
        "Rock is taken for metal and hiphop for pop.",
        "The largest entry off the diagonal in the columns rock and hiphop of Table 1, of the same LSTM",
        Trial(partial(table_1, read=taken_for), "", ALL_FOLDS, (LSTM,)),
    ),
    (
        "The RCNN beats the CNN.",
        "RCNN minus complex CNN, at the passes of the paper's 200,000 and 10,000 iterations",
        Trial(pair, "above 0", ALL_FOLDS, (PLAIN_RCNN, COMPLEX), "RCNN minus complex CNN"),
    ),
    (
        f"The RCNN is steady after {STEADY_FROM:,} iterations.",
        "Spread of the test accuracy from there to the passes of 200,000 iterations",
        Trial(partial(steady, start=STEADY_FROM), "at most 5 points", FOLD_0, (PLAIN_RCNN,)),
    ),
)


def claims(collection: Collection) -> list[Claim]:
    return [trial(claim, test, collection) for claim, test, trial in CLAIMS]


def claims_table(judged: list[Claim]) -> Table:
    titles = {"claim": "claim", "test": "tested by", "verdict": "verdict", "found": "found"}
    columns = [Column(name, title, words) for name, title in titles.items()]
    rows = [
        Row({"claim": c.claim, "test": c.test, "verdict": c.verdict, "found": c.found or None, **c.values}, c.command)
        for c in judged
    ]
    return Table("claims", "The claims, one by one", columns, rows)


def claims_figure(judged: list[Claim]) -> list[Figure]:
    """Every claim with its verdict, and where it is a difference that with its interval, else what is seen."""
    lines = []
    for claim in judged:
        values: dict[str, Any] = claim.values
        points = [values[key] / 100 for key in ("difference_points", "low", "high") if key in values]
        note = f"holds in {100 * values['share_of_draws']:.1f}% of the draws" if "share_of_draws" in values else ""
        note = f"a spread of {values['spread_points']:.1f} points" if "spread_points" in values else note
        dots = {claim.verdict: Interval(*points)} if points else {}
        lines.append(Line(claim.claim, dots, claim.verdict, note))
    return dots_figure(
        "claims_figure",
        "Every claim of the paper with its difference, interval and verdict",
        "Filled: at the paper's scale. Hollow: what is seen so far, short of it. Shaded: the margin of 5 points.",
        lines,
        VERDICTS,
        "difference in points, with 95% intervals",
        (-20, 80),
        band=(-5, 5),
    )
