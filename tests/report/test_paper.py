"""The paper's own figures, and the arithmetic on them."""

from __future__ import annotations

import math

import pytest

from tools.report import paper


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


@pytest.mark.parametrize("threshold", [1, 5, 7, 15])
def test_independent_songs_is_the_upper_tail_of_a_binomial_summed_by_hand(threshold):
    share = 0.6032
    by_hand = sum(math.comb(15, k) * share**k * (1 - share) ** (15 - k) for k in range(threshold, 16))
    assert paper.independent_songs(share, threshold) == pytest.approx(by_hand, abs=1e-12)


def test_the_contradictions_are_computed_from_the_quotes():
    found = {c.title: c.computed for c in paper.contradictions()}
    said = " ".join(found.values())
    assert "0.191" in said, "0.55 in the text less 0.359 in Table 1"
    assert "22.13" in said, "82.45% in the text less 60.32% in Table 2"
    assert "19.68" in said
    assert "2490 frames" in said
    assert any("98%" in title for title in found)


def test_the_observation_names_every_song_figure_as_a_share_of_200():
    said = paper.observation_on_200()
    for share in ("92/200", "161/200", "192/200", "164/200"):
        assert share in said
