"""Whatever is wrong with what comes in ends in one line, or is dealt with and said; nothing crashes or hangs."""

from __future__ import annotations

import json
from pathlib import Path

import bad_audio
import bad_input
import numpy as np
import pytest
from conftest import done, run_module, shared
from report_build import shapes_told_once  # noqa: F401

from tools.cli import printable
from tools.convert import lmdbs

GROUPS = 4  # of kinds, which workers share out


@pytest.fixture(scope="session")
def trained(small_build: Path) -> Path:
    """A build folder with the LMDBs of the small one, a run of one iteration and its vote."""

    def make(build: Path) -> None:
        (build / "lmdb").symlink_to(small_build / "lmdb")
        named = ("--net", bad_input.NET, "--batch", bad_input.BATCH, "--build", build)
        done("tools.train", *named, "--iters", 1, "--ranks", 1)
        done("tools.vote", *named)

    return shared("trained", make)


def each_kind() -> list:
    return [
        pytest.param(
            kind,
            id=kind.name,
            marks=[
                pytest.mark.xdist_group(f"bad input {number % GROUPS}"),
                *([pytest.mark.quick] if kind.fast else []),
            ],
        )
        for number, kind in enumerate(bad_input.KINDS)
    ]


@pytest.mark.torture("bad input")
@pytest.mark.parametrize("kind", each_kind())
def test_a_bad_input_ends_in_one_line_or_is_dealt_with(kind, trained, synthetic_songs, tmp_path):
    bad_input.check(kind, bad_input.answer(kind, bad_input.Place(tmp_path, synthetic_songs, trained)))


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


def test_no_two_kinds_have_one_name():
    assert len({kind.name for kind in bad_input.KINDS}) == len(bad_input.KINDS)
