"""What the paper says: its figures with the place where each stands, and what they say of one another.

"Music Classification with Neural Network", Bai Ke and Wang Hao. Nothing here was measured by us: `HEADLINES` and
`TABLE_2` are quoted, and `figures` is arithmetic on the quotes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

TITLE = "Music Classification with Neural Network"
AUTHORS = "Bai Ke and Wang Hao, Tsinghua University"
SONGS = 1000
CLIPS_A_SONG = 15

TABLE_1_DIAGONAL = 0.359
LSTM_IN_THE_TEXT = 0.55


@dataclass(frozen=True)
class Headline:
    """One number of the paper. ``measure`` names ours: clips, train clips, genres or songs (right by ``threshold``)."""

    what: str
    net: str
    measure: str
    percent: float | None  # None where the paper gives words alone
    iterations: int | None
    place: str
    threshold: int | None = None
    words: str = ""
    drawn_with: str = ""  # where that is not its measure

    @property
    def title(self) -> str:
        return f"{self.what}, {self.iterations:,} iterations" if self.iterations else self.what


class Table2Row(NamedTuple):
    """Of the complex CNN."""

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


def of_table_2(row: Table2Row) -> tuple[Headline, Headline]:
    """Clips and songs; the clips of its last row, which differ in the order of two digits, are not drawn again."""
    last, again = (" (last row)", "none") if row.threshold == 7 else ("", "")
    what, net, place = "Table 2: complex CNN", "complex_cnn", (row.iterations, "Table 2")
    songs = f"{what}, songs by {row.threshold} of {CLIPS_A_SONG}"
    return (
        Headline(f"{what}, clips{last}", net, "clips", row.clip_percent, *place, drawn_with=again),
        Headline(songs, net, "songs", row.song_percent, *place, row.threshold),
    )


HEADLINES = (
    *(headline for row in TABLE_2 for headline in of_table_2(row)),
    Headline("Complex CNN, clips", "complex_cnn", "clips", 80.0, 10_000, "text on the CNN"),
    Headline("RCNN, clips", "rcnn", "clips", 82.45, 200_000, "text on the RCNN"),
    Headline("RCNN, train clips", "rcnn", "train clips", 99.0, 200_000, "text on the RCNN"),
    Headline("LSTM, clips", "lstm", "clips", 55.0, None, "text on the LSTM, 500 rounds"),
    Headline(
        "LSTM, mean of Table 1's diagonal", "lstm", "genres", 35.9, None, "Table 1, 500 rounds", drawn_with="clips"
    ),
    Headline("Simple CNN, clips", "simple_cnn", "clips", None, None, "text on the CNN", words="poor"),
    Headline("Best song figure, by voting", "complex_cnn", "songs", 98.0, 10_000, "text on voting", 5),
    Headline("Whole song as one input", "song_cnn", "clips", 70.46, 60_000, "Table 2, last row", drawn_with="songs"),
)


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
    totals = range(1, SONGS * CLIPS_A_SONG + 1)
    return next((n for n in totals if all(is_rounded_share(percent, n) for percent in percents)), None)


def independent(shares: np.ndarray, clips: int = CLIPS_A_SONG) -> np.ndarray:
    """Songs right (clips,) at thresholds 1, 2, ..., if each song's clips were independently right by its share."""
    return binom.sf(np.arange(clips)[:, None], clips, shares).mean(axis=1)


def figures() -> dict[str, float | str]:
    """What `template/contradictions.html` says of the quotes, computed from them and rounded as it is said."""
    songs = tuple(row.song_percent for row in TABLE_2)
    clips = tuple(row.clip_percent for row in TABLE_2)
    third, fourth = TABLE_2[2:]
    expected = independent(np.array([third.clip_percent / 100]))
    whole = [f"{percent}%" for percent in clips if is_rounded_share(percent, 200 * CLIPS_A_SONG)]
    return {
        "denominator": smallest_common_denominator(songs),
        "of_200": ", ".join(f"{percent:g}% = {percent * 2:g}/200" for percent in songs),
        "whole_of_3000": " and ".join(whole) or "none",
        "smallest_total": smallest_total(clips) or "more than all",
        "in_text": LSTM_IN_THE_TEXT,
        "in_table": TABLE_1_DIAGONAL,
        "lstm_gap": round(LSTM_IN_THE_TEXT - TABLE_1_DIAGONAL, 3),
        "lstm_points": round(100 * (LSTM_IN_THE_TEXT - TABLE_1_DIAGONAL), 1),
        "clips_at_5": third.clip_percent,
        "clips_at_7": fourth.clip_percent,
        "rcnn_gap": round(82.45 - third.clip_percent, 2),
        "complex_gap": round(80 - third.clip_percent, 2),
        "best_of_table": round(max(songs)),
        "best_gap": round(98 - max(songs)),
        "independent_at_5": round(100 * float(expected[third.threshold - 1]), 1),
        "independent_at_7": round(100 * float(expected[fourth.threshold - 1]), 1),
        "seconds": round(((CLIPS_A_SONG * 166 - 1) * 256 + 1024) / 22050, 1),
    }
