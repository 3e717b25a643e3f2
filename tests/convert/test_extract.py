"""What of a song the views get, where it is too short for some of them or longer than GTZAN's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tools.convert import features
from tools.convert.extract import examine
from tools.convert.views import VIEWS
from tools.settings import Settings
from tools.songs.audio import LONGEST_SAMPLES, SAMPLE_RATE
from tools.songs.tracks import Track

SMALL = Settings(n_bands=7, window=129, hop=50, frames_a_clip=11, clips_a_song=5, song_frames=40, lstm_window=64)


def track_of(path: Path, samples: int) -> Track:
    soundfile.write(path, np.random.default_rng(samples).normal(0, 0.1, samples), SAMPLE_RATE, subtype="FLOAT")
    return Track("a/song", "a", 0, path)


@pytest.mark.parametrize("lacking", ["cnn", "song"])
def test_a_song_too_short_for_one_view_has_the_others(lacking, tmp_path):
    """Also where it is the clips that need more frames than the whole song as one input, as with CLIPS_A_SONG=16."""
    clips = {"cnn": 5, "song": 2}[lacking]
    settings = Settings(**{**vars(SMALL), "clips_a_song": clips, "lstm_hop": 1})
    samples = max(view.samples(settings) for view in VIEWS.values()) - 1
    matrices, outcome = examine(track_of(tmp_path / "song.wav", samples), settings, list(VIEWS.values()), False)
    assert list(outcome.reasons) == [lacking]
    assert {name: matrix.shape[0] for name, matrix in matrices.items()} == {
        name: view.clips(settings) for name, view in VIEWS.items() if name != lacking
    }


def test_the_stretch_of_a_long_song_is_that_of_all_views_whichever_are_asked_for(tmp_path):
    """640,768 samples from the middle: a vote on other songs asks for one view, `make lmdb` for all."""
    track = track_of(tmp_path / "song.wav", LONGEST_SAMPLES + 1)
    samples = soundfile.read(track.path, dtype="float32")[0]
    start = (len(samples) - 640_768) // 2
    expected = features.views_of(samples[start : start + 640_768], Settings(), VIEWS.values())
    for name, view in VIEWS.items():
        matrices, _ = examine(track, Settings(), [view], False)
        np.testing.assert_array_equal(matrices[name], expected[name])
