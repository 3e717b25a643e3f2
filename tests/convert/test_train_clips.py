"""Clips that are trained on besides the paper's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.cli import UserError
from tools.convert.features import RANGE_DB
from tools.convert.train_clips import LEVEL_DB, train_clip, with_train_clips
from tools.convert.views import VIEWS, check_matrices
from tools.settings import Settings
from tools.songs.tracks import Track

IMAGE = np.random.default_rng(7).uniform(0, 255, (33, 15 * 166)).astype(np.float32)


def read(clip: int) -> np.ndarray:
    """The paper's clip of one song: frames 166 i to 166 i + 165."""
    return IMAGE[None, :, 166 * clip : 166 * (clip + 1)]


def derive(number: int, **values: int) -> np.ndarray:
    return train_clip(read, "blues.00000", number, Settings(**values))


@pytest.mark.parametrize(
    ("values", "clips"),
    [({}, 15), ({"overlap": 2}, 29), ({"overlap": 3}, 43), ({"masked_copies": 2}, 45), ({"level_copies": 1}, 30)],
)
def test_so_many_clips_of_a_song_are_trained_on(values, clips):
    settings = Settings(**values)
    songs = [Track(f"blues.{n:05}", "blues", 0, Path("none")) for n in range(2)]
    drawn = with_train_clips([(song, clip) for song in songs for clip in range(15)], settings, VIEWS["cnn"])
    assert drawn == [(song, clip) for song in songs for clip in range(clips)]
    assert VIEWS["lstm"].train_clips(settings) == 30
    assert VIEWS["song"].train_clips(settings) == 1


def test_the_first_clips_are_the_paper_s_whatever_comes_besides():
    for number in range(15):
        assert np.array_equal(derive(number, overlap=2, masked_copies=1, level_copies=1), read(number))


@pytest.mark.parametrize(("overlap", "number", "start"), [(2, 15, 83), (2, 28, 13 * 166 + 83), (3, 29, 110)])
def test_an_overlapping_clip_begins_a_part_of_a_clip_later(overlap, number, start):
    assert np.array_equal(derive(number, overlap=overlap)[0], IMAGE[:, start : start + 166])


def test_a_masked_copy_differs_in_one_stretch_of_frames_and_one_of_bands():
    for number in range(15, 45):
        copy, original = derive(number, masked_copies=2), read(number % 15)
        differs = (copy != original)[0]
        frames, bands = np.flatnonzero(differs.all(axis=0)), np.flatnonzero(differs.all(axis=1))
        assert 1 <= len(frames) == frames[-1] - frames[0] + 1 <= 166 // 5
        assert 1 <= len(bands) == bands[-1] - bands[0] + 1 <= 33 // 5
        assert np.allclose(copy[0][differs], original.mean())
        differs[:, frames] = differs[bands] = False
        assert not differs.any()


def test_a_copy_at_another_level_is_as_much_louder_everywhere_within_the_range():
    shifts = []
    for number in range(15, 30):
        copy, original = derive(number, level_copies=1), read(number - 15)
        inside = (copy > 0) & (copy < 255)
        shift = (copy - original)[inside]
        assert np.allclose(shift, shift[0], atol=1e-3)
        assert np.allclose(copy, np.clip(original + shift[0], 0, 255), atol=1e-3)
        shifts.append(float(shift[0]))
    assert max(map(abs, shifts)) <= LEVEL_DB * 255 / RANGE_DB
    assert min(shifts) < -5 < 5 < max(shifts)


def test_copies_are_the_same_each_time_and_differ_from_song_to_song():
    settings = Settings(masked_copies=1)
    assert np.array_equal(derive(20, masked_copies=1), derive(20, masked_copies=1))
    assert not np.array_equal(derive(20, masked_copies=1), train_clip(read, "blues.00001", 20, settings))


def test_more_clips_than_a_key_can_number_are_refused():
    with pytest.raises(UserError, match="116 clips a song"):
        check_matrices(Settings(overlap=2, masked_copies=3))
