"""MFCC statistics and a support vector machine, on the same folds as the networks."""

from __future__ import annotations

import csv
import json

import librosa
import numpy as np
import pytest
import scipy.fft
import soundfile

from tools.cli import UserError
from tools.convert.lmdbs import tracks
from tools.settings import Settings
from tools.songs import splits
from tools.songs.audio import SAMPLE_RATE
from tools.songs.roots import survey
from tools.songs.tracks import Track
from tools.vote import baseline


def test_a_song_is_the_mean_and_deviation_of_its_mfccs_and_their_differences():
    """MFCCs by their formula: the orthonormal DCT-II of the decibels of librosa's 128 mel bands."""
    samples = np.random.default_rng(1).standard_normal(3 * SAMPLE_RATE) * np.linspace(0.01, 0.5, 3 * SAMPLE_RATE)
    found = baseline.describe_song(samples)
    power = np.abs(librosa.stft(samples.astype(np.float32), n_fft=2048, hop_length=512)) ** 2
    mel = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=2048) @ power
    decibels = 10 * np.log10(np.maximum(mel, 1e-10))
    mfcc = scipy.fft.dct(np.maximum(decibels, decibels.max() - 80), axis=0, norm="ortho")[:20]
    assert found.shape == (80,)
    np.testing.assert_allclose(found[:20], mfcc.mean(axis=1), atol=1e-2)
    np.testing.assert_allclose(found[40:60], mfcc.std(axis=1), atol=1e-2)


def test_a_fold_is_learned_from_its_train_songs_alone(synthetic_songs):
    """Test songs whose vectors are another genre's are taken for that genre: nothing of them was looked at."""
    songs = survey(synthetic_songs)
    random = np.random.default_rng(2)
    tested = {track.track for track in splits.song_split(songs, 0)["test"]}
    vectors = {
        track.track: np.eye(10)[(track.label + (track.track in tested)) % 10] + 0.01 * random.standard_normal(10)
        for track in songs.tracks
    }
    answers = baseline.classify_fold(splits.song_split(songs, 0), vectors, 0)
    assert {track.track for track, _ in answers} == tested
    assert all(label == (track.label + 1) % 10 for track, label in answers)


def test_a_genre_with_a_single_song_to_train_on_is_refused(synthetic_songs):
    songs = survey(synthetic_songs)
    vectors = {track.track: np.zeros(3) for track in songs.tracks if track.genre != "jazz"}
    kept = [track for track in splits.song_split(songs, 0)["train"] if track.genre == "jazz"][:1]
    with pytest.raises(UserError, match="fewer than two songs"):
        baseline.classify_fold(splits.song_split(songs, 0), {**vectors, kept[0].track: np.zeros(3)}, 0)


def test_every_song_is_tested_once_and_counted_as_a_vote_is(tool, synthetic_songs, tmp_path):
    """Of the songs of four genres."""
    root = tmp_path / "genres"
    root.mkdir()
    for genre in ("classical", "jazz", "metal", "pop"):
        (root / genre).symlink_to(synthetic_songs / genre)
    done = tool("tools.vote.baseline", root, "--build", tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "votes" / "song-folds" / "mfcc_svm"
    summary = json.loads((folder / "summary.json").read_text())
    with (folder / "clips.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert sorted(row["track"] for row in rows) == sorted(track.track for track in survey(root).tracks)
    right = [float(row[f"p{row['label']}"]) == 1 for row in rows]
    assert summary["clip_accuracy"] == np.mean(right)
    assert summary["song_accuracy"] is None
    # a guess has 1 / 4; synthetic genres are easily told apart
    assert summary["clip_accuracy"] > 1 / 2


def test_its_songs_are_those_that_the_networks_have_clips_of(tool, synthetic_songs, tmp_path):
    """One is too short for 10 clips, one is long enough for them and not for all of the default views."""
    for genre in ("jazz", "metal"):
        (tmp_path / "songs" / genre).mkdir(parents=True)
        for number, song in enumerate(sorted((synthetic_songs / genre).iterdir())):
            (tmp_path / "songs" / genre / f"song {number}.wav").symlink_to(song)
    for name, seconds in (("too short", 15), ("short", 20)):
        samples, rate = soundfile.read(synthetic_songs / "jazz" / "jazz.00000.wav", frames=seconds * SAMPLE_RATE)
        soundfile.write(tmp_path / "songs" / "jazz" / f"{name}.wav", samples, rate)
    asked = (tmp_path / "songs", "--build", tmp_path, "--clips-a-song", 10)
    assert tool("tools.convert", *asked, "--views", "cnn", "--dtypes", "int").returncode == 0
    counted = tool("tools.vote.baseline", *asked)
    assert counted.returncode == 0, counted.stderr
    assert "left out: jazz/too short.wav: too short for cnn: 330750 samples" in counted.stderr
    lmdbs = (tmp_path / "lmdb" / "song@clips_a_song=10").glob("*_lmdb")
    with (tmp_path / "votes" / "song-folds" / "mfcc_svm@clips_a_song=10" / "songs.csv").open(newline="") as lines:
        voted_on = {row["track"] for row in csv.DictReader(lines)}
    assert voted_on == set().union(*map(tracks, lmdbs))
    assert len(voted_on) == 11


def test_of_a_long_song_the_stretch_is_heard_that_the_networks_hear(tmp_path):
    random = np.random.default_rng(3)
    middle = random.uniform(-0.5, 0.5, 640_768)
    sides = random.uniform(-0.1, 0.1, (2, 100_000))
    soundfile.write(tmp_path / "long.wav", np.concatenate([sides[0], middle, sides[1]]), SAMPLE_RATE, "FLOAT")
    track = Track("long", "noise", 0, tmp_path / "long.wav")
    np.testing.assert_allclose(
        baseline.describe_file(Settings(), False, track), baseline.describe_song(middle), rtol=1e-3, atol=1e-2
    )
