"""The paper's own figures, and the arithmetic on them."""

from __future__ import annotations

import math

import jinja2
import numpy as np
import pytest

from tools.report import paper
from tools.report.page import TEMPLATES


def test_the_song_figures_of_table_2_are_all_multiples_of_one_200th_and_of_nothing_coarser():
    songs = tuple(row.song_percent for row in paper.TABLE_2)
    assert paper.smallest_common_denominator(songs) == 200
    assert all((percent * 2).is_integer() for percent in songs)


def test_a_common_denominator_is_the_least():
    assert paper.smallest_common_denominator((50.0, 25.0)) == 4
    assert paper.smallest_common_denominator((46.0,)) == 50
    assert paper.smallest_common_denominator((80.5,)) == 200


@pytest.mark.parametrize(("percent", "total", "expected"), [(33.33, 3, True), (33.3, 3, False), (60.23, 3000, True)])
def test_a_rounded_share_is_told_from_a_figure_that_no_count_gives(percent, total, expected):
    assert paper.is_rounded_share(percent, total) is expected
    counted = any(f"{100 * k / total:.2f}" == f"{percent:.2f}" for k in range(total + 1))
    assert counted is expected


def test_the_smallest_total_gives_every_figure_and_no_smaller_one_does():
    clips = tuple(row.clip_percent for row in paper.TABLE_2)
    total = paper.smallest_total(clips)

    def gives_all(n: int) -> bool:
        return all(any(f"{100 * k / n:.2f}" == f"{p:.2f}" for k in range(n + 1)) for p in clips)

    assert gives_all(total)
    assert not any(gives_all(n) for n in (total - 1, 1000, 1500))


def by_hand(share: float, threshold: int) -> float:
    return sum(math.comb(15, k) * share**k * (1 - share) ** (15 - k) for k in range(threshold, 16))


@pytest.mark.parametrize("threshold", [1, 5, 7, 15])
def test_independent_clips_give_the_upper_tail_of_a_binomial_summed_by_hand(threshold):
    shares = np.array([0.6032, 0.2])
    expected = [by_hand(share, threshold) for share in shares]
    assert paper.independent(shares)[threshold - 1] == pytest.approx(np.mean(expected), abs=1e-12)


def words_of(macro: str) -> str:
    """What the template says by one of its macros."""
    template = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES)).get_template("contradictions.html")
    return " ".join(str(getattr(template.module, macro)(paper.figures())).split())


def test_the_contradictions_are_computed_from_the_quotes():
    said = words_of("contradictions")
    assert said.count("<details") == 9
    assert "0.55 - 0.359 = 0.191, or 19.1 points" in said
    assert "82.45 - 60.32 = 22.13 points" in said
    assert "80 - 60.32 = 19.68 points" in said
    assert "98 - 96 = 2 points" in said
    at_5, at_7 = (100 * by_hand(0.6032, threshold) for threshold in (5, 7))
    assert f"60.32% of clips would give {at_5:.1f}% of songs at threshold 5 and {at_7:.1f}% at 7" in said


def test_the_observation_names_every_song_figure_as_a_share_of_200():
    said = words_of("observation")
    for share in ("92/200", "161/200", "192/200", "164/200"):
        assert share in said
