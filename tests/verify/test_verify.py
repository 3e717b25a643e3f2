"""What is whole passes every check, and whatever is broken fails the one that looks at it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from conftest import call_module, run_module

from tools import files
from tools.convert import datum, features, lmdbs
from tools.convert import manifest as manifests
from tools.songs.gtzan import GENRES
from tools.verify.build import Build
from tools.verify.lmdbs import check_folder
from tools.verify.outcome import Outcome

SMALL = ("--n-bands", 4, "--frames-a-clip", 20, "--clips-a-song", 3, "--song-frames", 60)
SMALL += ("--lstm-frames-a-clip", 5, "--lstm-clips-a-song", 2)
Clips = list[tuple[str, int, np.ndarray, int]]  # track, clip, matrix, label


def states(outcomes: Iterable[Outcome]) -> dict[str, str]:
    """PASS, FAIL or SKIP by check; FAIL where any subject of a check failed."""
    by_check: dict[str, str] = {}
    for outcome in outcomes:
        if by_check.get(outcome.check) != "FAIL":
            by_check[outcome.check] = outcome.state
    return by_check


# --- LMDBs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def converted(synthetic_songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("verified") / "build"
    made = call_module("tools.convert", synthetic_songs, "--build", build, *SMALL)
    assert made.returncode == 0, made.stderr
    (folder,) = (build / "lmdb").glob("song@*")
    return folder


@pytest.fixture
def folder(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / "build" / converted.name))


def look(folder: Path, data: Path | None = None, songs: int = 1) -> dict[str, str]:
    return states(check_folder(Build(folder.parent, data, songs, np.random.default_rng(1)), folder))


def note_files(folder: Path) -> None:
    """Make the manifest say which bytes the files have now: others would not even be read."""
    contents = json.loads((folder / "manifest.json").read_text())
    contents.update(files=manifests.sizes(folder), files_sha256=manifests.hashes(folder))
    files.write_record(folder / "manifest.json", contents)


def rewrite(lmdb: Path, change: Callable[[Clips], Clips]) -> None:
    """Write an LMDB anew with its clips changed."""
    clips = change([(r.track, r.clip, r.array, r.label) for r in lmdbs.read_lmdb(lmdb)])
    lmdbs.write_lmdb(lmdb, ((lmdbs.record_key(n, t, c), datum.serialize(a, k)) for n, (t, c, a, k) in enumerate(clips)))
    note_files(lmdb.parent)


def forge(folder: Path) -> None:
    """Make the manifest say what the LMDBs hold now, so that hashes and counts give nothing away."""
    contents = json.loads((folder / "manifest.json").read_text())
    for name, entry in contents["lmdbs"].items():
        records = list(lmdbs.read_lmdb(folder / name))
        labels = Counter(record.label for record in records)
        entry.update(records=len(records), songs=len({r.track for r in records}))
        entry.update(labels={g: labels[k] for k, g in enumerate(GENRES)}, sha256=lmdbs.content_hash(folder / name))
    files.write_record(folder / "manifest.json", contents)
    note_files(folder)


def move(folder: Path, view: str, chosen: Callable[[str, int], bool], source: str = "train") -> None:
    """Move clips of a view from one part to the other."""
    target = {"train": "test", "test": "train"}[source]
    for dtype in ("int", "float"):
        taken: Clips = []
        rewrite(
            folder / f"{view}_{dtype}_{source}_lmdb",
            lambda clips, taken=taken: [c for c in clips if not (chosen(*c[:2]) and not taken.append(c))],
        )
        assert taken
        rewrite(folder / f"{view}_{dtype}_{target}_lmdb", lambda clips, taken=taken: clips + taken)
        clips = [record.array.astype(float) for record in lmdbs.read_lmdb(folder / f"{view}_{dtype}_train_lmdb")]
        datum.write_mean(folder / f"{view}_{dtype}_mean.binaryproto", np.mean(clips, axis=0))
    forge(folder)


def of_part(folder: Path, part: str) -> str:
    """A song of a part."""
    return next(lmdbs.read_lmdb(folder / f"cnn_int_{part}_lmdb")).track


def test_lmdbs_as_they_were_made_pass(converted):
    assert set(look(converted).values()) == {"PASS"}


@pytest.mark.parametrize("settings", [("--split", "inner", "--fold", 3), ("--overlap", 2, "--level-copies", 1)])
def test_lmdbs_of_inner_folds_and_with_more_train_clips_pass(settings, synthetic_songs, tmp_path):
    made = call_module("tools.convert", synthetic_songs, "--build", tmp_path, *SMALL, *settings)
    assert made.returncode == 0, made.stderr
    (folder,) = (tmp_path / "lmdb").glob("[!.]*")
    assert "FAIL" not in look(folder).values()


def test_a_manifest_cut_short_fails(folder):
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:-9])
    assert look(folder) == {"manifest": "FAIL"}


def test_a_file_of_another_size_or_gone_fails(folder):
    mean = folder / "cnn_int_mean.binaryproto"
    mean.write_bytes(mean.read_bytes() + b"x")
    assert look(folder) == {"manifest": "FAIL"}
    mean.unlink()
    assert look(folder) == {"manifest": "FAIL"}


def test_an_lmdb_with_a_byte_changed_fails(folder):
    file = folder / "lstm_float_test_lmdb" / "data.mdb"
    content = bytearray(file.read_bytes())
    place = content.rindex(b"\x35", 0, 2 * len(content) // 3)  # the tag of a float: its value comes after
    content[place + 1] ^= 1
    file.write_bytes(content)
    assert look(folder) == {"manifest": "FAIL"}
    note_files(folder)
    assert look(folder)["records"] == "FAIL"


def test_a_record_that_is_gone_fails(folder):
    rewrite(folder / "cnn_int_test_lmdb", lambda clips: clips[:-1])
    assert look(folder)["records"] == "FAIL"


def test_a_record_of_another_genre_than_its_song_fails(folder):
    for dtype in ("int", "float"):
        rewrite(folder / f"cnn_{dtype}_train_lmdb", lambda clips: [(*clips[0][:3], (clips[0][3] + 1) % 10), *clips[1:]])
    forge(folder)
    assert look(folder)["genres"] == "FAIL"


def test_a_clip_that_is_there_twice_fails(folder):
    for dtype in ("int", "float"):
        rewrite(folder / f"cnn_{dtype}_test_lmdb", lambda clips: [*clips, clips[0]])
    forge(folder)
    outcome = look(folder)
    assert (outcome["records"], outcome["clips"]) == ("PASS", "FAIL")


def test_a_genre_that_is_not_tested_fails(folder):
    for view in ("cnn", "lstm", "song"):
        move(folder, view, lambda track, _: track.startswith("blues"), source="test")
    outcome = look(folder)
    assert (outcome["clips"], outcome["balance"], outcome["no song on both sides"]) == ("PASS", "FAIL", "PASS")


def test_a_song_on_both_sides_fails(folder):
    song = of_part(folder, "train")
    move(folder, "cnn", lambda track, clip: (track, clip) == (song, 0))
    outcome = look(folder)
    assert (outcome["clips"], outcome["no song on both sides"]) == ("PASS", "FAIL")


def test_a_mean_of_something_else_fails(folder):
    file = folder / "lstm_float_mean.binaryproto"
    datum.write_mean(file, datum.read_mean(file) + 0.01)
    forge(folder)
    assert look(folder)["means"] == "FAIL"


def test_an_integer_that_is_not_the_float_rounded_fails(folder):
    def brighter(clips: Clips) -> Clips:
        track, clip, matrix, label = clips[3]
        return [*clips[:3], (track, clip, matrix ^ 1, label), *clips[4:]]

    rewrite(folder / "cnn_int_test_lmdb", brighter)
    forge(folder)
    assert look(folder)["integers are the floats rounded"] == "FAIL"


def test_a_song_in_another_part_than_the_split_puts_it_fails(folder):
    genre = of_part(folder, "train").split(".")[0]
    songs = {
        part: next(r.track for r in lmdbs.read_lmdb(folder / f"cnn_int_{part}_lmdb") if r.track.startswith(genre))
        for part in ("train", "test")
    }
    for view in ("cnn", "lstm", "song"):
        for part, song in songs.items():
            move(folder, view, lambda track, _, song=song: track == song, source=part)
    outcome = look(folder)
    assert (outcome["balance"], outcome["no song on both sides"]) == ("PASS", "PASS")
    assert (outcome["split drawn again"], outcome["derived again from the audio"]) == ("FAIL", "PASS")


def test_records_that_the_audio_does_not_give_fail(folder):
    def other(clips: Clips) -> Clips:
        track, clip, matrix, label = clips[0]
        changed = np.where(matrix > 100, matrix - 2, matrix + 2)
        return [(track, clip, features.quantize(changed) if matrix.dtype == np.uint8 else changed, label), *clips[1:]]

    for dtype in ("int", "float"):
        rewrite(folder / f"lstm_{dtype}_test_lmdb", other)
    forge(folder)
    outcome = look(folder, songs=50)
    assert (outcome["records"], outcome["derived again from the audio"]) == ("PASS", "FAIL")


def test_songs_are_compared_where_they_are_named_and_else_the_lmdbs_are_taken_as_they_stand(
    folder, synthetic_songs, tmp_path
):
    other = tmp_path / "other" / "blues"
    other.mkdir(parents=True)
    (other / "blues.00000.wav").write_bytes(b"")
    assert look(folder, synthetic_songs)["songs"] == "PASS"
    assert look(folder, other.parent)["songs"] == "FAIL"
    contents = json.loads((folder / "manifest.json").read_text())
    for root in (tmp_path / "gone", other.parent):
        command = contents["command"].replace(contents["data"]["root"], str(root))
        contents.update(command=command, data={**contents["data"], "root": str(root)})
        files.write_record(folder / "manifest.json", contents)
        assert look(folder)["songs"] == "SKIP"
    (outcome,) = [each for each in check_folder(Build(folder.parent), folder) if each.check == "songs"]
    assert outcome.words.startswith(f"the songs at {other.parent} have changed since it was made of them")


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_ends_well_on_a_whole_build_that_was_moved(build):
    songs = build / "synthetic" / "genres"
    result = run_module("tools.verify", "--build", build, "--songs", 1, "--data", songs)
    assert result.returncode == 0, result.stdout
    *lines, last = result.stdout.splitlines()
    assert all(line.startswith(("PASS", "SKIP")) for line in lines)
    skipped = [line.split(": ")[1] for line in lines if line.startswith("SKIP")]
    of_split_clip = ["no song on both sides", "integers are the floats rounded"]
    assert skipped == [*of_split_clip, "page and tables are those of the votes"]
    assert last.endswith("0 failed, 3 skipped")


def test_the_command_ends_with_1_where_a_check_fails(whole, tmp_path):
    shutil.copytree(whole / "runs", tmp_path / "runs")
    (tmp_path / "runs/song/lstm/lstm_iter_2.solverstate").write_bytes(b"rotten")
    result = call_module("tools.verify", "--build", tmp_path)
    assert result.returncode == 1
    assert [line.split(": ")[1] for line in result.stdout.splitlines() if line.startswith("FAIL")] == ["snapshots"]


@pytest.mark.parametrize("option", ["songs", "seed"])
def test_a_number_below_0_is_refused(tool, tmp_path, option):
    ended = tool("tools.verify", "--build", tmp_path, f"--{option}", -1)
    assert (ended.returncode, ended.stderr) == (2, f"verify: {option.upper()}=-1: give a whole number from 0\n")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_where_there_is_nothing_to_verify_it_says_so(tmp_path, make):
    make(tmp_path / "build")
    result = call_module("tools.verify", "--build", tmp_path / "build")
    assert result.returncode == 2
    assert "make lmdb" in result.stderr
