"""The variants in which songs are tried, and how they are counted."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listening import train_briefly

from tools.bench import robustness
from tools.bench.robustness import VARIANTS, Variant, compare, count_steadfast
from tools.classify.verdict import Verdict, judge
from tools.songs import audio
from tools.songs.gtzan import GENRES


def chord(seconds: int = 4) -> np.ndarray:
    time = np.arange(seconds * audio.SAMPLE_RATE) / audio.SAMPLE_RATE
    return (0.2 * sum(np.sin(2 * np.pi * pitch * time) for pitch in (220, 277, 330, 2000))).astype(np.float32)


LEVELS = [variant for variant in VARIANTS if variant.level is not None]


def test_there_are_eight_levels_from_minus_thirty_to_zero() -> None:
    assert (len(LEVELS), LEVELS[0].level, LEVELS[-1].level) == (8, -30, 0)
    assert len(VARIANTS) == 13


@pytest.mark.parametrize("variant", LEVELS, ids=lambda variant: variant.name)
def test_a_level_is_that_of_the_loudest_sample(variant: Variant, tmp_path: Path) -> None:
    variant.write(tmp_path / "song.wav", chord())
    samples, _ = soundfile.read(tmp_path / "song.wav")
    assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(variant.level, abs=0.01)


def test_stereo_has_one_channel_at_half_the_level_of_the_other(tmp_path: Path) -> None:
    [stereo] = [variant for variant in VARIANTS if variant.name == "stereo"]
    stereo.write(tmp_path / "song.wav", chord())
    samples, rate = soundfile.read(tmp_path / "song.wav")
    assert rate == audio.SAMPLE_RATE
    np.testing.assert_allclose(samples[:, 1], samples[:, 0] / 2, atol=2**-15)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_is_the_same_music(variant: Variant, tmp_path: Path) -> None:
    path = tmp_path / f"song{variant.suffix}"
    variant.write(path, chord())
    spectrum = np.abs(np.fft.rfft(audio.read_audio(path)[: 3 * audio.SAMPLE_RATE]))
    loudest = np.argsort(spectrum)[-4:] / 3  # Hz: the four tones, nothing else
    assert sorted(np.rint(loudest)) == [220, 277, 330, 2000]


def test_mp3_is_stereo_at_a_true_128_kbit_s(tmp_path: Path) -> None:
    [mp3] = [variant for variant in VARIANTS if variant.suffix == ".mp3"]
    mp3.write(tmp_path / "song.mp3", chord(20))
    about = soundfile.info(tmp_path / "song.mp3")
    assert (about.channels, about.samplerate) == (2, 44100)
    assert (tmp_path / "song.mp3").stat().st_size * 8 / 20 == pytest.approx(128_000, rel=0.02)


def verdict(*labels: int) -> Verdict:
    return judge(GENRES, np.eye(len(GENRES))[list(labels)], 2.0)


def test_songs_are_counted_that_keep_their_decision_and_clips_that_keep_their_vote() -> None:
    outcome = compare([verdict(0, 0, 0), verdict(1, 1, 2)], [verdict(0, 0, 3), verdict(2, 2, 2)])
    assert outcome == {"songs": 2, "same_decision": 1, "same_most_probable": 1, "same_clips": 3 / 6}


def test_a_song_is_steadfast_that_keeps_its_decision_in_every_variant() -> None:
    original = [verdict(0, 0), verdict(1, 1), verdict(2, 2)]
    variants = [[verdict(0, 0), verdict(1, 1), verdict(3, 3)], [verdict(0, 0), verdict(5, 5), verdict(2, 2)]]
    assert count_steadfast(original, variants) == 1


def test_the_table_has_a_row_a_variant_over_the_songs(
    small_build: Path,
    synthetic_songs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """Of two variants: each is heard in a process of its own."""
    for genre in ("metal", "jazz"):
        shutil.copytree(synthetic_songs / genre, tmp_path / genre, ignore=lambda _, names: sorted(names)[1:])
    (tmp_path / "jazz" / "jazz.00099.wav").write_bytes(b"RIFF")
    tried = [variant for variant in VARIANTS if variant.name in ("peak at 0.0 dBFS", "vorbis")]
    monkeypatch.setattr(robustness, "VARIANTS", tried)
    options = (tmp_path, "--model", train_briefly(small_build), "--json", tmp_path / "robustness.json")
    monkeypatch.setattr(sys, "argv", ["robustness", *map(str, options)])
    robustness.main()
    said = capsys.readouterr()
    assert re.search(r"left out: \S+jazz\.00099\.wav: unreadable", said.err)
    assert "2 songs: songs of another collection" in said.out
    written = json.loads((tmp_path / "robustness.json").read_text())
    assert f"in every variant: {written['same_in_every_variant']} of 2 songs" in said.out
    variants = written["variants"]
    assert list(variants) == [variant.name for variant in tried]
    assert all(f"| {name} | {row['same_decision']} of 2 |" in said.out for name, row in variants.items())
    assert variants["peak at 0.0 dBFS"]["same_clips"] > 0.9
