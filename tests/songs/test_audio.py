"""Reading songs, and the rules by which they are left out."""

from __future__ import annotations

import os
import pickle

import librosa
import numpy as np
import pytest
import soundfile

from tools.cli import UserError
from tools.songs.audio import MINIMUM_SAMPLES, SAMPLE_RATE, SongError, read_audio, read_song

RANDOM = np.random.default_rng(0)
NOISE = (0.3 * RANDOM.standard_normal(MINIMUM_SAMPLES)).clip(-1, 1).astype(np.float32)


def write(path, samples, rate=SAMPLE_RATE, **options):
    soundfile.write(path, samples, rate, **options)
    return path


def reason(path, read=read_song):
    with pytest.raises(SongError) as caught:
        read(path)
    assert isinstance(caught.value, UserError)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert "\n" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("name", ["a.wav", "a.au", "a.flac"])
def test_a_song_of_the_exact_length_is_read_as_it_was_written(tmp_path, name):
    steps = (NOISE * 32767).astype(np.int16)
    samples = read_song(write(tmp_path / name, steps))
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, steps / 32768)


def test_one_sample_less_is_too_short(tmp_path):
    assert "640767 samples" in reason(write(tmp_path / "a.wav", NOISE[:-1]))


def test_channels_are_averaged(tmp_path):
    channels = np.stack([NOISE[:1000], -NOISE[:1000] / 2, NOISE[1000:2000]], axis=1)
    samples = read_audio(write(tmp_path / "a.wav", channels, subtype="FLOAT"))
    np.testing.assert_allclose(samples, channels.astype(float).mean(axis=1), atol=1e-7)


def test_another_rate_is_resampled_by_soxr_after_the_channels_are_averaged(tmp_path):
    channels = NOISE[:44100].reshape(-1, 2)
    samples = read_audio(write(tmp_path / "a.wav", channels, 44100, subtype="FLOAT"))
    mono = librosa.to_mono(channels.T)
    expected = librosa.resample(mono, orig_sr=44100, target_sr=22050, res_type="soxr_hq")
    assert samples.shape == (11025,)
    np.testing.assert_allclose(samples, expected, atol=1e-6)


def test_a_song_at_another_rate_is_measured_by_its_length_after_resampling(tmp_path):
    assert "320384 samples" in reason(write(tmp_path / "a.wav", NOISE, 44100))


def test_a_song_is_silent_unless_a_sample_is_above_a_ten_thousandth(tmp_path):
    quiet = np.zeros(MINIMUM_SAMPLES, np.float32)
    quiet[1000] = -0.99e-4
    assert "silent" in reason(write(tmp_path / "a.wav", quiet, subtype="FLOAT"))
    quiet[1000] = -1.01e-4
    assert len(read_song(write(tmp_path / "b.wav", quiet, subtype="FLOAT"))) == MINIMUM_SAMPLES


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_refused(tmp_path, value):
    samples = NOISE.copy()
    samples[12345] = value
    assert "not finite" in reason(write(tmp_path / "a.wav", samples, subtype="FLOAT"))


def test_a_wav_cut_short_is_too_short(tmp_path):
    path = write(tmp_path / "a.wav", NOISE)
    os.truncate(path, path.stat().st_size // 2)
    assert "too short" in reason(path)


def test_a_flac_cut_short_is_refused(tmp_path):
    path = write(tmp_path / "a.flac", NOISE)
    os.truncate(path, path.stat().st_size // 2)
    assert reason(path)


@pytest.mark.parametrize("contents", [b"", b"RIFF", b"<html>not found</html>" * 100, bytes(5000)])
def test_what_is_no_audio_is_unreadable(tmp_path, contents):
    path = tmp_path / "a.wav"
    path.write_bytes(contents)
    assert "unreadable" in reason(path, read_audio)


def test_a_wav_without_a_sample_is_too_short(tmp_path):
    assert "too short: 0 samples" in reason(write(tmp_path / "a.wav", NOISE[:0]))


def test_a_header_with_an_absurd_rate_is_unreadable(tmp_path):
    assert "1 Hz" in reason(write(tmp_path / "a.wav", NOISE, 1))


def test_what_is_no_file_is_named_so(tmp_path):
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "link.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert reason(tmp_path / "folder.wav") == "it is not a file"
    assert reason(tmp_path / "pipe.wav") == "it is not a file"
    assert reason(tmp_path / "link.wav") == "there is no such file"


def test_a_strange_name_stays_on_one_line(tmp_path):
    with pytest.raises(SongError) as caught:
        read_song(tmp_path / "a\nb.wav")
    assert "\n" not in str(caught.value)


def test_the_error_survives_the_way_between_processes(tmp_path):
    error = pickle.loads(pickle.dumps(SongError(tmp_path, "too short")))  # noqa: S301
    assert (error.path, error.reason, str(error)) == (tmp_path, "too short", f"{tmp_path}: too short")
