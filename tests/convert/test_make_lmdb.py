"""From a folder of songs to the LMDBs that Caffe trains on."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import CHECKOUT, call_module

from tools import paths
from tools.convert import datum, extract, features, lmdbs
from tools.convert.views import VIEWS
from tools.settings import Settings
from tools.songs import contents, roots, splits
from tools.songs.audio import MINIMUM_SAMPLES, SAMPLE_RATE, read_song
from tools.songs.roots import survey

GENRES = ("classical", "metal", "rock")
SONGS = 3  # a genre: one of them is tested
SHAPES = {"cnn": (15, (1, 33, 166)), "lstm": (30, (1, 20, 72)), "song": (1, (1, 33, 2500))}


def write_song(path, seed):
    random = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    loudness = np.repeat(random.random(64), MINIMUM_SAMPLES // 64)
    soundfile.write(path, 0.2 * loudness * random.standard_normal(len(loudness)), SAMPLE_RATE)


@pytest.fixture(scope="module")
def songs(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "genres"
    for label, genre in enumerate(GENRES):
        for number in range(SONGS):
            write_song(root / genre / f"{genre}.{number:05}.wav", [label, number])
    return root


def make(*arguments):
    return call_module("tools.convert", *arguments)


def made(*arguments):
    result = make(*arguments)
    assert result.returncode == 0, result.stderr
    return result


def manifest(build, split="song"):
    return json.loads((build / "lmdb" / split / "manifest.json").read_text())


def hashes(build, split="song"):
    return {name: entry["sha256"] for name, entry in manifest(build, split)["lmdbs"].items()}


def records(build, view, dtype, part, split="song"):
    return list(lmdbs.read_lmdb(paths.lmdb(build, split, view, dtype, part)))


def one_line(result, *words):
    assert result.returncode == 2
    line = result.stderr.strip().splitlines()[-1]
    assert line.startswith("make_lmdb: ")
    assert "Traceback" not in result.stderr
    for word in words:
        assert word in line
    return line


@pytest.fixture(scope="module")
def build(songs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "build"
    first, *table, last = made(songs, "--build", folder, "--jobs", 2).stdout.splitlines()
    assert first == f"{songs}: 9 songs of 3 genres, to {folder / 'lmdb/song'}"
    assert any(row.startswith("cnn_float_train_lmdb ") for row in table)
    assert last.endswith(f" records: written to {folder / 'lmdb/song'}")
    return folder


def test_there_is_an_lmdb_for_every_view_dtype_and_part_with_its_mean(build):
    folder = build / "lmdb" / "song"
    names = {f"{v}_{d}_{p}_lmdb" for v in VIEWS for d in ("int", "float") for p in ("train", "test")}
    means = {f"{v}_{d}_mean.binaryproto" for v in VIEWS for d in ("int", "float")}
    assert {path.name for path in folder.iterdir()} == names | means | {"manifest.json"}
    leftovers = [path.name for path in folder.parent.iterdir() if path.name not in ("song", ".song.lock")]
    assert leftovers == []


@pytest.mark.parametrize("view", VIEWS)
def test_records_are_the_features_of_the_songs_under_their_keys(build, songs, view):
    clips, shape = SHAPES[view]
    expected = {}
    for track in survey(songs).tracks:
        matrices = features.views_of(read_song(track.path), Settings(), [VIEWS[view]])[view]
        expected.update({(track.track, clip): (matrix, track.label) for clip, matrix in enumerate(matrices)})
    seen = []
    for part in ("train", "test"):
        floats, ints = records(build, view, "float", part), records(build, view, "int", part)
        assert [r.key for r in floats] == [r.key for r in ints]
        for number, (as_float, as_int) in enumerate(zip(floats, ints)):
            assert as_float.key == f"{number:08d}_{as_float.track}_{as_float.clip:02d}"
            matrix, label = expected[as_float.track, as_float.clip]
            assert as_float.array.shape == shape
            assert (as_float.label, as_int.label) == (label, label)
            np.testing.assert_array_equal(as_float.array, matrix)
            assert as_int.array.dtype == np.uint8
            np.testing.assert_array_equal(as_int.array, np.rint(matrix))
            seen.append((as_float.track, as_float.clip))
    assert sorted(seen) == sorted(expected)
    assert len(seen) == clips * SONGS * len(GENRES)


def test_the_parts_are_those_of_the_split_and_shuffled(build, songs):
    drawn = splits.assign_parts(survey(songs), "song", 0, 15)
    for part, clips in drawn.items():
        found = [(record.track, record.clip) for record in records(build, "cnn", "float", part)]
        in_order = [(track.track, clip) for track, clip in clips]
        assert found != in_order
        assert sorted(found) == sorted(in_order)
    labels = [record.label for record in records(build, "cnn", "float", "train")]
    assert len(set(labels[:20])) == len(GENRES)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["int", "float"])
def test_the_mean_is_what_compute_image_mean_makes_of_the_train_part(build, tmp_path, view, dtype):
    lmdb = paths.lmdb(build, "song", view, dtype, "train")
    subprocess.run(["compute_image_mean", lmdb, tmp_path / "theirs"], check=True, capture_output=True)
    ours = datum.read_mean(lmdb.parent / f"{view}_{dtype}_mean.binaryproto")
    np.testing.assert_allclose(ours, datum.read_mean(tmp_path / "theirs"), rtol=1e-5, atol=1e-5)


def test_the_manifest_says_what_is_there(build, songs):
    found = manifest(build)
    assert (found["split"], found["fold"], found["left_out"]) == ("song", 0, [])
    assert (found["views"], found["dtypes"]) == (list(VIEWS), ["float", "int"])
    assert (found["features"]["window"], found["features"]["minimum_samples"]) == (1024, 640_768)
    assert found["data"]["root"] == str(songs)
    assert found["data"]["songs_present"] == len(GENRES) * SONGS
    for name, entry in found["lmdbs"].items():
        view, _, part, _ = name.split("_")
        clips, shape = SHAPES[view]
        in_part = {"train": SONGS - 1, "test": 1}[part]
        assert entry["records"] == lmdbs.count(build / "lmdb/song" / name) == clips * in_part * len(GENRES)
        assert entry["songs"] == in_part * len(GENRES)
        assert entry["shape"] == list(shape)
        assert {g: n for g, n in entry["labels"].items() if n} == dict.fromkeys(GENRES, clips * in_part)
        assert entry["sha256"] == lmdbs.content_hash(build / "lmdb/song" / name)


def test_a_second_run_does_nothing(build, songs):
    before = {path: path.stat().st_mtime_ns for path in build.rglob("*") if path.name != ".song.lock"}
    assert "up to date" in made(songs, "--build", build).stdout
    assert "up to date" in made(songs, "--build", build, "--views", "lstm", "--dtypes", "int").stdout
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_one_process_or_two_make_the_same(build, songs, tmp_path):
    made(songs, "--build", tmp_path, "--jobs", 1)
    assert hashes(tmp_path) == hashes(build)


def test_views_and_dtypes_added_later_are_the_same_as_made_at_once(build, songs, tmp_path):
    made(songs, "--build", tmp_path, "--views", "lstm", "--dtypes", "int")
    assert set(hashes(tmp_path)) == {"lstm_int_train_lmdb", "lstm_int_test_lmdb"}
    made(songs, "--build", tmp_path, "--views", "song")
    whole = hashes(build)
    assert hashes(tmp_path) == {name: whole[name] for name in whole if not name.startswith("cnn")}


def test_a_damaged_or_missing_lmdb_is_made_again(build, songs, tmp_path):
    shutil.copytree(build / "lmdb", tmp_path / "lmdb")
    os.truncate(paths.lmdb(tmp_path, "song", "cnn", "int", "test") / "data.mdb", 10_000)
    shutil.rmtree(paths.lmdb(tmp_path, "song", "song", "int", "test"))
    made(songs, "--build", tmp_path)
    assert {name: lmdbs.content_hash(tmp_path / "lmdb/song" / name) for name in hashes(build)} == hashes(build)


def copy_of(songs, root, genres=GENRES):
    for genre in genres:
        shutil.copytree(songs / genre, root / genre)
    return root


def test_a_changed_data_root_is_made_anew(songs, tmp_path):
    root = copy_of(songs, tmp_path / "genres")
    options = ("--build", tmp_path / "build", "--views", "song", "--dtypes", "int")
    made(root, *options)
    before = hashes(tmp_path / "build")
    write_song(root / "rock" / "rock.00000.wav", 99)
    made(root, *options)
    assert hashes(tmp_path / "build") != before
    assert "up to date" in made(root, *options).stdout


def test_songs_that_change_while_they_are_read_are_no_lmdb(songs, tmp_path, monkeypatch):
    """As where they are still being copied there: what would be made is of no state that they were ever in."""
    root = copy_of(songs, tmp_path / "genres")
    examine = extract.examine

    def examine_and_change(track, *rest):
        found = examine(track, *rest)
        if track.track == "rock.00001":
            write_song(track.path, 99)
        return found

    options = ("--build", tmp_path / "build", "--views", "song", "--dtypes", "int")
    with monkeypatch.context() as patch:
        patch.setattr(extract, "examine", examine_and_change)
        one_line(make(root, *options), "songs changed while they were read: type it again")
    assert not (tmp_path / "build/lmdb/song").exists()
    made(root, *options)
    made(root, "--build", tmp_path / "other", *options[2:])
    assert hashes(tmp_path / "build") == hashes(tmp_path / "other")


def test_two_songs_that_are_exchanged_are_another_data_root_and_a_copy_is_none(songs, tmp_path):
    """Of one size and time, so that nothing but their contents tells them apart."""
    root, build = copy_of(songs, tmp_path / "genres"), tmp_path / "build"
    options = ("--build", build, "--views", "song", "--dtypes", "int")
    one, other = (root / "rock" / f"rock.0000{number}.wav" for number in range(2))
    assert one.stat().st_size == other.stat().st_size
    for song in (one, other):
        os.utime(song, ns=(10**18, 10**18))
    made(root, *options)
    before = hashes(build)
    for source, target in ((one, root / "aside"), (other, one), (root / "aside", other)):
        source.rename(target)
    made(root, *options)
    assert hashes(build) != before
    os.utime(one)
    assert "up to date" in made(root, *options).stdout
    assert "up to date" in made(copy_of(root, tmp_path / "copy"), *options).stdout


def test_songs_of_one_size_are_read_once_however_often_it_is_typed(tmp_path, monkeypatch):
    root, build = tmp_path / "music", tmp_path / "build"
    for number, name in enumerate(("calm/a", "calm/b", "loud/a", "loud/b")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / f"{name}.wav", np.random.default_rng(number).uniform(-0.5, 0.5, 26_000), SAMPLE_RATE)
    options = ("--build", build, "--views", "lstm", "--dtypes", "int", "--lstm-clips-a-song", 1)
    made(root, *options)
    contents.KNOWN.clear()  # as in another process
    monkeypatch.setattr(contents, "sha256_of", lambda path: pytest.fail(f"{path} is read again"))
    assert "up to date" in made(root, *options).stdout


def test_lmdbs_of_before_are_not_made_anew(songs, tmp_path):
    """Their manifest tells the songs by names, sizes and times, and has no hash of its own."""
    options = ("--build", tmp_path, "--views", "song", "--dtypes", "int")
    made(songs, *options)
    told = manifest(tmp_path)
    del told["record_sha256"]
    told["data"]["fingerprint"] = roots.earlier_fingerprint(songs)
    (tmp_path / "lmdb" / "song" / "manifest.json").write_text(json.dumps(told))
    assert "up to date" in made(songs, *options).stdout


def test_songs_that_cannot_be_used_are_left_out_and_named(songs, tmp_path):
    root = copy_of(songs, tmp_path / "genres")
    bad = {"classical.00000": "too short", "metal.00001": "silent", "rock.00002": "unreadable", "rock.00003": "finite"}
    os.truncate(root / "classical/classical.00000.wav", 500_000)
    soundfile.write(root / "metal/metal.00001.wav", np.zeros(MINIMUM_SAMPLES), SAMPLE_RATE)
    (root / "rock/rock.00002.wav").write_bytes(b"<html>404</html>")
    soundfile.write(root / "rock/rock.00003.wav", np.full(MINIMUM_SAMPLES, np.nan), SAMPLE_RATE, subtype="FLOAT")
    (root / "rock/notes.wav").write_text("not named as a song is")
    result = made(root, "--build", tmp_path)
    left_out = {item["track"]: item for item in manifest(tmp_path)["left_out"]}
    assert set(left_out) == {*bad, "rock/notes"}
    lines = [line for line in result.stderr.splitlines() if line.startswith("left out: ")]
    assert len(lines) == len(left_out)
    for track, reason in bad.items():
        assert reason in left_out[track]["reason"]
        assert left_out[track]["file"] == f"{track.split('.')[0]}/{track}.wav"
    drawn = splits.assign_parts(survey(root), "song", 0, 15)
    for view in VIEWS:
        for part, clips in drawn.items():
            kept = {record.track for record in records(tmp_path, view, "int", part)}
            assert kept == {track.track for track, _ in clips} - set(bad)
            keys = [record.key for record in records(tmp_path, view, "float", part)]
            assert [int(key[:8]) for key in keys] == list(range(len(keys)))


def test_a_view_that_no_song_is_long_enough_for_is_lacking_and_said_to_be(tmp_path):
    """Songs of half a second, with CLIPS_A_SONG as the line on each advises: the LSTM and the whole song go without."""
    for number in range(12):
        write_short_song(tmp_path / "music" / "xy"[number % 2] / f"{number}.wav", number)
    small = ("--n-bands", 21, "--window", 128, "--hop", 64, "--frames-a-clip", 30, "--build", tmp_path)
    line = one_line(make(tmp_path / "music", *small), "none of its songs can be used")
    assert line.endswith("too short for song: 11025 samples, 160064 are needed")
    result = made(tmp_path / "music", *small, "--clips-a-song", 5)
    for view in ("lstm", "song"):
        assert f"no LMDBs of {view}: none of its songs can be used" in result.stderr
    (folder,) = (tmp_path / "lmdb").glob("song@*")
    assert {path.name for path in folder.glob("*_lmdb")} == {
        f"cnn_{dtype}_{part}_lmdb" for dtype in ("float", "int") for part in ("train", "test")
    }
    assert made(tmp_path / "music", *small, "--clips-a-song", 5).stdout == f"{folder}: up to date\n"
    refused = call_module("tools.train", "--net", "lstm", "--clips-a-song", 5, *small)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "lstm_float_train_lmdb: no such LMDB: none of its songs can be used" in refused.stderr
    verified = call_module("tools.verify", "--build", tmp_path)
    assert verified.returncode == 0, verified.stdout


def write_short_song(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, SAMPLE_RATE // 2), SAMPLE_RATE)


def test_a_data_root_with_no_usable_song_ends_in_one_line(songs, tmp_path):
    for number in range(5):
        path = tmp_path / "genres/pop" / f"pop.{number:05}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    one_line(make(tmp_path / "genres", "--build", tmp_path), "none of its songs can be used")
    assert not (tmp_path / "lmdb" / "song").exists()


def test_a_genre_that_cannot_be_trained_on_ends_in_one_line(songs, tmp_path):
    root = copy_of(songs, tmp_path / "genres")
    for number in range(SONGS):
        (root / "metal" / f"metal.{number:05}.wav").write_bytes(b"")
    one_line(make(root, "--build", tmp_path, "--views", "song"), "metal", "train")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--fold", 7), ("FOLD=7",)),
        (("--split", "clip", "--fold", 1), ("FOLD=1", "clip")),
        (("--split", "filtered"), ("full GTZAN",)),
        (("--hop", 0), ("HOP=0",)),
        (("--overlap", 0), ("OVERLAP=0", "from 1")),
        (("--masked-copies", -1), ("MASKED_COPIES=-1", "from 0")),
        (("--split", "clip", "--overlap", 2), ("OVERLAP", "SPLIT=clip")),
        (("--n-bands", 300, "--window", 512), ("N_BANDS=300",)),
    ],
)
def test_settings_that_do_not_go_together_end_in_one_line(songs, tmp_path, arguments, words):
    one_line(make(songs, "--build", tmp_path, *arguments), *words)


def test_a_missing_data_root_ends_in_one_line(tmp_path):
    one_line(make(tmp_path / "none", "--build", tmp_path), str(tmp_path / "none"))


@pytest.mark.parametrize("split", ["song", "clip"])
def test_some_genres_alone_keep_their_parts_their_order_and_their_labels(split, songs, tmp_path):
    options = ("--build", tmp_path, "--views", "cnn", "--dtypes", "int", "--split", split)
    made(songs, *options)
    made(songs, *options, "--genres", "rock metal")
    some = f"{split}@genres=metal_rock"
    assert manifest(tmp_path, some)["genres"] == ["metal", "rock"]
    for part in ("train", "test"):
        of_all = [r for r in records(tmp_path, "cnn", "int", part, split) if r.label in (6, 9)]
        found = records(tmp_path, "cnn", "int", part, some)
        assert [(r.track, r.clip, r.label) for r in found] == [(r.track, r.clip, r.label) for r in of_all]
        assert [int(r.key[:8]) for r in found] == list(range(len(found)))


def test_songs_of_no_known_artist_are_counted_where_artists_are_kept_apart(tmp_path):
    for number in range(6):
        write_song(tmp_path / "music" / "ab"[number % 2] / f"{number}.wav", number)
    rows = [f"music/{'ab'[number % 2]}/{number}.wav,{'ab'[number % 2]},{number or ''}" for number in range(6)]
    (tmp_path / "songs.csv").write_text("\n".join(["path,genre,artist", *rows]))
    options = ("--build", tmp_path / "build", "--views", "song", "--dtypes", "int", "--split")
    said = "SPLIT=artist: no artist is known of {} of 6 songs"
    assert said.format(6) in made(tmp_path / "music", *options, "artist").stderr
    assert said.format(1) in made(tmp_path / "songs.csv", *options, "artist").stderr
    assert "artist" not in made(tmp_path / "music", *options, "song").stderr


def test_folds_clips_and_parameters_name_their_folders(songs, tmp_path):
    options = ("--build", tmp_path, "--views", "cnn", "--dtypes", "int")
    made(songs, *options, "--fold", 2)
    made(songs, *options, "--split", "clip")
    made(songs, *options, "--bands", "linear", "--n-bands", 20, "--clips-a-song", 12, "--frames-a-clip", 100)
    linear = "song@bands=linear,n_bands=20,frames_a_clip=100,clips_a_song=12"
    assert {path.name for path in (tmp_path / "lmdb").glob("[!.]*")} == {"song-2", "clip", linear}
    drawn = splits.assign_parts(survey(songs), "clip", 0, 15)
    for part, clips in drawn.items():
        found = {(record.track, record.clip) for record in records(tmp_path, "cnn", "int", part, "clip")}
        assert found == {(track.track, clip) for track, clip in clips}
    assert manifest(tmp_path, linear)["lmdbs"]["cnn_int_test_lmdb"]["shape"] == [1, 20, 100]
    assert len(records(tmp_path, "cnn", "int", "test", linear)) == 12 * len(GENRES)


def test_a_train_part_with_more_clips_leaves_the_test_part_as_it_is(build, songs, tmp_path):
    made(songs, "--build", tmp_path, "--views", "cnn", "--overlap", 2, "--masked-copies", 1)
    more = "song@overlap=2,masked_copies=1"
    for dtype in ("int", "float"):
        name = f"cnn_{dtype}_test_lmdb"
        assert hashes(tmp_path, more)[name] == hashes(build)[name]
        assert len(records(tmp_path, "cnn", dtype, "train", more)) == 2 * 29 * len(GENRES) * (SONGS - 1)


def test_balanced_genres_have_as_many_clips_to_train_on_and_the_test_part_is_as_it_was(songs, tmp_path):
    fewer = tmp_path / "fewer"
    for genre, count in (("metal", SONGS), ("rock", SONGS - 1)):
        (fewer / genre).mkdir(parents=True)
        for number in range(count):
            name = f"{genre}.{number:05d}.wav"
            (fewer / genre / name).symlink_to(songs / genre / name)
    options = ("--build", tmp_path, "--views", "cnn", "--dtypes", "int")
    made(fewer, *options)
    made(fewer, *options, "--balanced", 1)
    usual, balanced = (
        {part: records(tmp_path, "cnn", "int", part, name) for part in ("train", "test")}
        for name in ("song", "song@balanced=1")
    )
    assert [(r.key, r.label) for r in balanced["test"]] == [(r.key, r.label) for r in usual["test"]]
    before, after = (Counter((r.track, r.clip) for r in part["train"]) for part in (usual, balanced))
    assert set(after) == set(before)
    rare = {clip: times for clip, times in after.items() if clip[0].startswith("rock")}
    assert sum(after.values()) == 2 * sum(rare.values()) == 2 * 15 * (SONGS - 1)
    assert set(rare.values()) == {2}
    assert {r.label for r in balanced["train"][:15]} == {6, 9}  # shuffled anew
    assert manifest(tmp_path, "song@balanced=1")["features"]["balanced"] == 1
    assert "balanced" not in manifest(tmp_path)["features"]


def start(songs, build, *options):
    command = [sys.executable, "-m", "tools.convert", songs, "--build", build, "--jobs", 2, *options]
    return subprocess.Popen(list(map(str, command)), cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, "it ended before it could be stopped"
        time.sleep(0.002)


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


@pytest.mark.parametrize(
    ("stop", "stage"),
    [
        (signal.SIGKILL, ".song.spool/*.f32"),
        (signal.SIGINT, ".song.spool/*.f32"),
        (signal.SIGKILL, ".song.new/lstm_int_train_lmdb"),
        (signal.SIGTERM, ".song.new/lstm_int_train_lmdb"),
    ],
)
def test_a_stopped_run_leaves_nothing_that_passes_for_whole_and_goes_on(
    build, songs, tmp_path, monkeypatch, stop, stage
):
    process = start(songs, tmp_path)
    wait_for(lambda: any((tmp_path / "lmdb").glob(stage)), process)
    workers = children(process)
    process.send_signal(stop)
    process.communicate()
    assert process.returncode in (-stop, 130)
    assert not (tmp_path / "lmdb" / "song").exists()
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}/exe").exists() for worker in workers):
        assert time.monotonic() < deadline, "its processes outlive it"
        time.sleep(0.01)
    done = list((tmp_path / "lmdb/.song.spool").glob("*.f32"))
    assert done
    read, map_songs = [], extract.map_songs
    monkeypatch.setattr(
        extract, "map_songs", lambda function, songs, **how: read.extend(songs) or map_songs(function, songs, **how)
    )
    made(songs, "--build", tmp_path)
    assert len(read) == SONGS * len(GENRES) - len(done), "a song that was done is done again"
    assert hashes(tmp_path) == hashes(build)
    assert {path.name for path in (tmp_path / "lmdb").iterdir()} == {"song", ".song.lock"}


def test_a_file_system_that_refuses_ends_in_one_line(songs, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        result = make(songs, "--build", tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    one_line(result, str(tmp_path))
    assert not (tmp_path / "lmdb/song").exists()
    assert not (tmp_path / "lmdb/.song.new").exists()


def test_a_spool_of_other_songs_is_not_gone_on_with(build, songs, tmp_path):
    spool = tmp_path / "lmdb/.song.spool"
    spool.mkdir(parents=True)
    size = 4 * sum(clips * int(np.prod(shape)) for clips, shape in SHAPES.values())
    (spool / "rock.00000.f32").write_bytes(bytes(size))
    (spool / "made_from.json").write_text('{"fingerprint": "of other songs"}')
    made(songs, "--build", tmp_path)
    assert hashes(tmp_path) == hashes(build)


@pytest.mark.parametrize("damage", ["", "{", "[]", "3", '{"of": "another form"}', None])
def test_a_spooled_song_of_which_a_part_was_lost_is_read_again(tmp_path, damage):
    """The disk may lose what nobody waited for when the power goes."""
    view, outcome = VIEWS["song"], extract.Outcome({}, "0" * 64)
    spool = extract.Spool(tmp_path, Settings(song_frames=20), (view,))
    spool.write("a", {"song": np.zeros((1, *view.shape(spool.settings)), np.float32)}, outcome)
    assert spool.outcome("a") == outcome
    words = spool.file("a").with_suffix(".json")
    words.write_text(damage) if damage is not None else words.unlink()
    assert spool.outcome("a") is None


def test_two_at_once_make_the_same_and_one_of_them_waits(build, songs, tmp_path):
    first = start(songs, tmp_path)
    wait_for(lambda: any((tmp_path / "lmdb").glob(".song.spool/*.f32")), first)
    second = made(songs, "--build", tmp_path)
    assert "waiting" in second.stderr
    assert "up to date" in second.stdout
    said, _ = first.communicate()
    assert first.returncode == 0
    assert b"up to date" not in said
    assert hashes(tmp_path) == hashes(build)


def test_memory_does_not_grow_with_the_songs(songs, tmp_path):
    """24 more songs have 30 MB of features here. The mapped pages of an LMDB are no memory of the process."""
    peaks = {}
    for number in (6, 30):
        root = tmp_path / f"{number} songs"
        for genre in GENRES:
            (root / genre).mkdir(parents=True)
            for n in range(number // len(GENRES)):
                (root / genre / f"{genre}.{n:05}.wav").symlink_to(songs / genre / f"{genre}.{n % SONGS:05}.wav")
        peaks[number] = peak_memory(root, tmp_path / f"build {number}")
    assert peaks[30] < peaks[6] + 10_000, f"kB by songs: {peaks}"


def peak_memory(root, build):
    """The most anonymous memory (RssAnon, kB) that the writing process has at any time."""
    process, peak = start(root, build, "--views", "cnn", "--dtypes", "float", "--n-bands", 128), 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        found = re.search(r"RssAnon:\s+(\d+)", status)
        peak = max(peak, int(found[1]) if found else 0)
        time.sleep(0.01)
    assert process.communicate() and process.returncode == 0
    return peak


def test_real_songs_become_lmdbs_by_the_formulas(gtzan, tmp_path):
    """Of 15 songs."""
    for genre in GENRES:
        (tmp_path / "genres" / genre).mkdir(parents=True)
        for song in sorted((gtzan / genre).glob(f"{genre}.*"))[:5]:
            (tmp_path / "genres" / genre / song.name).symlink_to(song)
    made(tmp_path / "genres", "--build", tmp_path, "--views", "song", "--dtypes", "int", "float")
    tracks = {track.track: track for track in survey(tmp_path / "genres").tracks}
    floats, ints = (records(tmp_path, "song", dtype, "test") for dtype in ("float", "int"))
    for as_float, as_int in zip(floats[:3], ints[:3]):
        (matrix,) = features.views_of(read_song(tracks[as_float.track].path), Settings(), [VIEWS["song"]])["song"]
        np.testing.assert_array_equal(as_float.array, matrix)
        np.testing.assert_array_equal(as_int.array, np.rint(matrix))


def test_a_fold_by_artist_that_lacks_a_genre_is_refused_and_told_with_the_first(tool, tmp_path):
    """Five artists of a genre and three of another, whom scikit-learn draws so that fold 0 tests none of the latter."""
    rows = ["path,genre,artist"]
    for genre, artists in (("a", "ABCDE"), ("b", "KKKMMN")):
        for number, artist in enumerate(artists):
            (tmp_path / f"{genre}{number}.mp3").write_text(f"no sound {genre}{number}")
            rows.append(f"{genre}{number}.mp3,{genre},{artist}")
    (tmp_path / "songs.csv").write_text("\n".join(rows))
    asked = (tmp_path / "songs.csv", "--build", tmp_path / "build", "--split", "artist")
    refused = tool("tools.convert", *asked, "--fold", 0)
    sentence = "SPLIT=artist: the test part of FOLD=0 has no song of b: it has artists enough, but they were drawn so"
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert refused.stderr.startswith(f"make_lmdb: {sentence}")
    assert f"not every fold can be used: {sentence}" in tool("tools.convert", *asked, "--fold", 1).stderr
