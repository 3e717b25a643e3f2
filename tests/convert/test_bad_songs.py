"""Bad songs of every kind in one data root: each is left out with its reason, or is a song like any other."""

from __future__ import annotations

import json
from pathlib import Path

import bad_audio
import numpy as np
import pytest
from conftest import run_module

from tools.cli import printable
from tools.convert import lmdbs


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict[str, set[str]], dict, str]:
    """One conversion of a data root with a song of every bad kind: manifest, files by kind, matrices by song, words."""
    folder = tmp_path_factory.mktemp("bad")
    for genre in ("pop", bad_audio.GENRE):
        (folder / "genres" / genre).mkdir(parents=True)
        for number in range(5):
            (folder / "genres" / genre / f"{genre}.{number:05}.wav").write_bytes(bad_audio.wav())
    placed = bad_audio.put_all(folder / "genres" / bad_audio.GENRE)
    options = ("--build", folder, "--views", "cnn", "--dtypes", "float")
    result = run_module("tools.convert", folder / "genres", *options, errors="backslashreplace")
    assert result.returncode == 0, result.stderr
    assert "Traceback" not in result.stderr
    made = folder / "lmdb" / "song"
    arrays: dict[str, list[np.ndarray]] = {}
    for part in ("train", "test"):
        for record in lmdbs.read_lmdb(made / f"cnn_float_{part}_lmdb"):
            arrays.setdefault(record.track, []).append(record.array)
    return json.loads((made / "manifest.json").read_text()), placed, arrays, result.stderr


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize("kind", bad_audio.KINDS)
def test_a_bad_song_is_left_out_with_its_reason_or_is_a_song_like_any_other(kind, converted):
    manifest, placed, arrays, words = converted
    fate = bad_audio.KINDS[kind][1]
    reasons = {item["file"]: item["reason"] for item in manifest["left_out"]}
    tracks = {Path(name).stem for name in placed[kind]}
    found = [array for track in tracks for array in arrays.get(track, [])]
    if fate == bad_audio.USED:
        assert len(found) == 15
        values = np.stack(found)
        assert np.isfinite(values).all()
        assert (values.min(), values.max()) >= (0, 0)
        assert values.max() <= 255
        return
    said = [reason for file, reason in reasons.items() if any(is_named(name, file) for name in placed[kind])]
    assert len(said) == 1
    assert fate in said[0]
    assert f"left out: {bad_audio.GENRE}/" in words
    if kind != "two files of one song":
        assert not found


def is_named(name: str, file: str) -> bool:
    return file == printable(f"{bad_audio.GENRE}/{name}")


def test_songs_of_other_rates_and_channels_are_said_to_be_brought_to_mono(converted):
    line = next(line for line in converted[3].splitlines() if line.startswith("brought to mono at 22050 Hz: "))
    number = sum(kind.endswith("kHz") or kind in ("stereo", "6 channels") for kind in bad_audio.KINDS)
    assert f" {number} songs" in line
