"""Figure 4: which clips look alike is measured."""

from __future__ import annotations

import numpy as np

from tools.convert import lmdbs
from tools.report import figures
from tools.report.collect import collect


def songs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.uniform(0, 255, (15, 33, 1)) + random.normal(0, 5, (15, 33, 166)), random.uniform(
        0, 255, (15, 33, 1)
    ) + random.normal(0, 5, (15, 33, 166))


def test_a_clip_that_is_the_same_in_both_songs_is_found_first():
    first, second = songs(1)
    second[4] = first[11]
    pairs = figures.alike(first, second)
    assert (pairs[0].first, pairs[0].second) == (11, 4)
    assert pairs[0].distance == 0


def test_pairs_come_nearest_first_and_use_each_clip_once():
    pairs = figures.alike(*songs(2))
    distances = [pair.distance for pair in pairs]
    assert distances == sorted(distances)
    assert len({pair.first for pair in pairs}) == len({pair.second for pair in pairs}) == len(pairs) == 3


def test_a_distance_is_euclids_between_means_and_deviations_of_the_bands():
    first, second = songs(3)
    pair = figures.alike(first, second)[0]
    a, b = first[pair.first], second[pair.second]
    by_hand = sum((x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2 for x, y in zip(a, b)) ** 0.5
    np.testing.assert_allclose(pair.distance, by_hand, rtol=1e-9)


def test_the_songs_shown_are_whole_and_as_the_lmdb_has_them(small_build):
    lmdb, shown = figures.find_songs(collect(small_build))
    assert [name.split(".")[0] for name in shown] == ["classical", "disco"]
    name, clips = next(iter(shown.items()))
    assert clips.shape == (15, 33, 166)
    records = {r.clip: r.array[0] for r in lmdbs.read_lmdb(lmdb) if r.track == name}
    for number, clip in enumerate(clips):
        np.testing.assert_array_equal(clip, records[number])


def test_without_lmdbs_there_is_no_figure(tmp_path):
    assert figures.spectrogram_figures(collect(tmp_path)) == []
