"""What the paper says: its figures with the place where each stands, and what they say of one another.

"Music Classification with Neural Network", Bai Ke and Wang Hao. Nothing here was measured by us: `HEADLINES` and
`TABLE_2` are quoted, and `contradictions` is arithmetic on the quotes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from scipy.stats import binom

TITLE = "Music Classification with Neural Network"
AUTHORS = "Bai Ke and Wang Hao, Tsinghua University"
CLIPS_A_SONG = 15
LARGEST_TEST_PART = 15_000  # clips in all: 1000 songs of 15

TABLE_1_DIAGONAL = 0.359
LSTM_IN_THE_TEXT = 0.55


@dataclass(frozen=True)
class Headline:
    """One number of the paper. ``measure`` names ours: clips, train clips, genres or songs (right by ``threshold``)."""

    key: str
    what: str
    net: str
    measure: str
    percent: float | None  # None where the paper gives words alone
    iterations: int | None
    place: str
    threshold: int | None = None
    words: str = ""


@dataclass(frozen=True)
class Table2Row:
    iterations: int
    clip_percent: float
    song_percent: float
    threshold: int


TABLE_2 = (
    Table2Row(500, 32.29, 46.0, 5),
    Table2Row(4000, 49.12, 80.5, 5),
    Table2Row(10_000, 60.32, 96.0, 5),
    Table2Row(10_000, 60.23, 82.0, 7),
)

HEADLINES = (
    Headline("rcnn_test", "RCNN, test clips", "rcnn", "clips", 82.45, 200_000, "text on the RCNN"),
    Headline("rcnn_train", "RCNN, train clips", "rcnn", "train clips", 99.0, 200_000, "text on the RCNN"),
    Headline("complex_test", "Complex CNN, test clips", "complex_cnn", "clips", 80.0, 10_000, "text on the CNN"),
    Headline("lstm_text", "LSTM, test clips", "lstm", "clips", 55.0, None, "text on the LSTM, 500 rounds"),
    Headline("lstm_table", "LSTM, mean of Table 1's diagonal", "lstm", "genres", 35.9, None, "Table 1, 500 rounds"),
    Headline("whole_song", "Whole song as one input", "song_cnn", "clips", 70.46, 60_000, "Table 2, last row"),
    Headline("best_vote", "Best song figure, by voting", "complex_cnn", "songs", 98.0, 10_000, "text on voting", 5),
    Headline(
        "simple_test", "Simple CNN, test clips", "simple_cnn", "clips", None, None, "text on the CNN", words="poor"
    ),
)


@dataclass(frozen=True)
class Contradiction:
    """Two places of the paper that can't both hold, or hold only under a reading: said, and computed."""

    title: str
    computed: str
    reading: str


def smallest_common_denominator(percents: tuple[float, ...]) -> int:
    """The fewest songs of which all these percentages are whole numbers: 200 for Table 2's song column."""
    shares = [Fraction(str(percent)) / 100 for percent in percents]
    return math.lcm(*(share.denominator for share in shares))


def is_rounded_share(percent: float, total: int) -> bool:
    """Whether some whole number out of ``total`` is ``percent`` when rounded to two decimals."""
    near = percent * total / 100
    return any(abs(100 * k / total - percent) <= 0.005 + 1e-9 for k in (math.floor(near), math.ceil(near)))


def smallest_total(percents: tuple[float, ...]) -> int | None:
    """The fewest clips, up to all there are, of which all these percentages are shares rounded to two decimals."""
    totals = range(1, LARGEST_TEST_PART + 1)
    return next((n for n in totals if all(is_rounded_share(percent, n) for percent in percents)), None)


def independent_songs(share: float, threshold: int, clips: int = CLIPS_A_SONG) -> float:
    """P(X >= threshold) for X binomial(clips, share): songs right if clips were independent and all songs alike."""
    return float(binom.sf(threshold - 1, clips, share))


def observation_on_200() -> str:
    """Why Table 2's song figures point at 200 held-out songs."""
    songs = tuple(row.song_percent for row in TABLE_2)
    counts = ", ".join(f"{percent:g}% = {percent * 2:g}/200" for percent in songs)
    clips = tuple(row.clip_percent for row in TABLE_2)
    fits = [f"{percent}%" for percent in clips if is_rounded_share(percent, 200 * CLIPS_A_SONG)]
    return (
        f"All song figures of Table 2 are multiples of 1/{smallest_common_denominator(songs)}: {counts}. "
        "That is what 200 whole songs kept out of training would give, a fifth of GTZAN's 1000, and so a split by "
        "song. With clips drawn at random nearly every one of 1000 songs has a test clip, and the step would be finer. "
        f"The clip figures do not settle it: of 200 x 15 = 3000 clips only {' and '.join(fits) or 'none'} of the four "
        f"would be a whole number of clips (all four at once need at least {smallest_total(clips)} clips)."
    )


def contradictions() -> list[Contradiction]:
    """The paper against itself, every figure computed from the quotes above."""
    last = TABLE_2[2:]
    best = max(row.song_percent for row in TABLE_2)
    at_five, at_seven = (100 * independent_songs(last[0].clip_percent / 100, row.threshold) for row in last)
    return [
        Contradiction(
            "The LSTM: 0.55 in the text, 0.359 in its own Table 1",
            f"The diagonal of Table 1 averages {TABLE_1_DIAGONAL}; {LSTM_IN_THE_TEXT} - {TABLE_1_DIAGONAL} = "
            f"{LSTM_IN_THE_TEXT - TABLE_1_DIAGONAL:.3f}, or {100 * (LSTM_IN_THE_TEXT - TABLE_1_DIAGONAL):.1f} points. "
            "With as many clips of every genre, the mean of the diagonal is the accuracy.",
            "One of the two comes from another run, another part of the data, or training clips.",
        ),
        Contradiction(
            "Table 1's caption swaps rows and columns",
            "Its columns sum to 1, and not its rows: a column holds what became of the clips of one genre.",
            "Here rows are the outcome and columns the true genre, as the sums say, whatever the caption says.",
        ),
        Contradiction(
            "82.45% of clips in the text, 60% in Table 2",
            f"82.45 - {last[0].clip_percent} = {82.45 - last[0].clip_percent:.2f} points between the RCNN's test "
            "figure and the best clip figure of Table 2.",
            "Other nets and iterations, or two protocols: clips at random for one, whole songs kept out for the other.",
        ),
        Contradiction(
            "80% of clips after 10,000 iterations, and 60.32% after 10,000 iterations",
            f"80 - {last[0].clip_percent} = {80 - last[0].clip_percent:.2f} points at the same number of iterations.",
            "Both can hold only if they are of two nets or of two splits; no word says which.",
        ),
        Contradiction(
            "98% of songs, which no row of Table 2 shows",
            f"The best row of Table 2 is {best:g}%: 98 - {best:g} = {98 - best:g} points, 4 songs of 200.",
            "98% is a multiple of 1/200 too (196 songs); its threshold, net and iterations are not given.",
        ),
        Contradiction(
            "Two clip figures for one net at 10,000 iterations",
            f"{last[0].clip_percent}% in one row and {last[1].clip_percent}% in the next, where only the threshold "
            "differs; a threshold on songs cannot change how many clips are right.",
            "Two digits in another order, or two runs.",
        ),
        Contradiction(
            "96% at threshold 5 and 82% at 7, from 60% of clips",
            f"If clips were independent and all songs equally hard, {last[0].clip_percent}% of clips would give "
            f"{at_five:.1f}% of songs at threshold 5 and {at_seven:.1f}% at 7.",
            "Near to independent clips. Real clips of a song stand or fall together, which gives fewer: see the "
            "figures on voting.",
        ),
        Contradiction(
            "'Overlapping fragments', and 15 disjoint pieces",
            f"15 x 166 = {15 * 166} frames; at a hop of 256 and a window of 1024 that is "
            f"{((15 * 166 - 1) * 256 + 1024) / 22050:.1f} of 30 seconds: laid end to end they fill the song, and "
            "nothing overlaps but the windows within the transform (3/4).",
            "We cut disjoint pieces of 166 frames, as the counts say.",
        ),
        Contradiction(
            "Low-level input, by mel-like filters",
            "The paper calls mel features mid-level and its own input low-level, and reduces 513 bins to "
            "33 by filters that it does not describe.",
            "33 mel bands by default; BANDS=linear has 33 bands of equal width, nearer to the words.",
        ),
    ]
