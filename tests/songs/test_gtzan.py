"""Finding the songs of a data root, telling its states apart, and checking the songs."""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tools import paths
from tools.cli import UserError
from tools.settings import parse
from tools.songs import check as check_songs
from tools.songs import contents, genuine, roots
from tools.songs.gtzan import GENRES, artists
from tools.songs.tracks import Track


def touch(root: Path, *names: str) -> Path:
    """A data root of empty files: finding songs goes by names alone."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(tracks: list[Track]) -> list[str]:
    return [track.track for track in tracks]


def reasons(root: Path) -> dict[str, str]:
    return {odd.file: odd.reason for odd in roots.survey(root).left_out}


def make_tracks(numbers: dict[str, range]) -> list[Track]:
    return [
        Track(f"{genre}.{number:05}", genre, GENRES.index(genre), Path(genre) / f"{genre}.{number:05}.wav")
        for genre, present in numbers.items()
        for number in present
    ]


def test_the_labels_are_the_genres_places_in_the_order_fixed_for_gtzan():
    assert " ".join(GENRES) == "blues classical country disco hiphop jazz metal pop reggae rock"


def test_songs_are_sorted_by_label_then_name_in_whatever_format_they_are(tmp_path):
    touch(tmp_path, "rock/rock.00001.wav", "blues/blues.00010.au", "blues/blues.00002.flac")
    tracks = roots.survey(tmp_path).tracks
    assert names(tracks) == ["blues.00002", "blues.00010", "rock.00001"]
    assert tracks[2] == Track("rock.00001", "rock", 9, tmp_path / "rock" / "rock.00001.wav", artists()["rock.00001"][0])


@pytest.mark.parametrize("inner", ["genres", "genres_original", "Data/genres_original", "Data"])
def test_a_root_given_too_high_is_looked_into(tmp_path, inner):
    touch(tmp_path, f"{inner}/jazz/jazz.00000.wav")
    assert names(roots.survey(tmp_path).tracks) == ["jazz.00000"]
    assert roots.fingerprint(tmp_path) == roots.fingerprint(tmp_path / inner)


def test_a_root_given_too_low_is_refused_with_the_right_one(tmp_path):
    touch(tmp_path, "jazz/jazz.00000.wav")
    with pytest.raises(UserError, match=f"name the one above it, {tmp_path}"):
        roots.survey(tmp_path / "jazz")


@pytest.mark.parametrize("root", ["missing", "empty", "file.tar.gz", "other", "songless"])
def test_a_root_without_any_song_is_refused_in_one_line_that_names_it(tmp_path, root):
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "file.tar.gz", "other/music/blues.00000.wav", "songless/blues/readme.txt")
    with pytest.raises(UserError) as error:
        roots.survey(tmp_path / root)
    assert str(tmp_path / root) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("blues/jazz.00001.wav", "not named blues.NNNNN.wav"),
        ("blues/blues.1.wav", "not named blues.NNNNN.wav"),
        ("blues/blues.000001.au", "not named blues.NNNNN.au"),
        ("blues/blues.0000\u0661.wav", "not named blues.NNNNN.wav"),
        ("blues/blues.00001.mp3", "not a .wav, .au or .flac file"),
        ("blues/blues.00001.wav.part", "not a .wav, .au or .flac file"),
    ],
)
def test_a_file_with_an_odd_name_is_left_out_with_a_reason(tmp_path, name, reason):
    touch(tmp_path, "blues/blues.00000.wav", "blues/blues.00007.wav", name)
    assert names(roots.survey(tmp_path).tracks) == ["blues.00000", "blues.00007"]
    assert reasons(tmp_path) == {name: reason}


def test_a_name_with_a_line_end_or_an_undecodable_byte_is_reported_on_one_line(tmp_path):
    touch(tmp_path, "blues/blues.00000.wav", "blues/blues.00007.wav", "blues/blues.00008.wav")
    touch(tmp_path, "blues/blues.00001\n.wav", os.fsdecode(b"blues/\xff.wav"))
    assert set(reasons(tmp_path)) == {"blues/blues.00001\\n.wav", "blues/\\udcff.wav"}
    assert roots.fingerprint(tmp_path)


def test_folders_links_and_pipes_that_are_named_like_songs_are_left_out_with_a_reason(tmp_path):
    touch(tmp_path, "rock/rock.00000.wav", "rock/rock.00001.wav/inside")
    (tmp_path / "rock" / "rock.00002.wav").symlink_to("nowhere.wav")
    (tmp_path / "rock" / "rock.00003.wav").symlink_to("rock.00000.wav")
    os.mkfifo(tmp_path / "rock" / "rock.00004.wav")
    assert names(roots.survey(tmp_path).tracks) == ["rock.00000", "rock.00003"]
    assert reasons(tmp_path) == {
        "rock/rock.00001.wav": "a folder, not a file",
        "rock/rock.00002.wav": "a link to nothing",
        "rock/rock.00004.wav": "not a regular file",
    }


def test_of_two_files_of_one_song_the_wav_is_taken_and_the_other_reported(tmp_path):
    touch(tmp_path, "pop/pop.00000.flac", "pop/pop.00000.wav", "pop/pop.00000.au")
    assert [track.path.suffix for track in roots.survey(tmp_path).tracks] == [".wav"]
    assert set(reasons(tmp_path)) == {"pop/pop.00000.au", "pop/pop.00000.flac"}
    assert set(reasons(tmp_path).values()) == {"the same song as pop.00000.wav, which is taken"}


def test_misspelled_genre_folders_are_reported_and_foreign_and_hidden_things_are_no_concern(tmp_path):
    touch(tmp_path, "blues/blues.00000.wav", "Hip-Hop/notes.txt", "metal", "features/x.csv", "README.md")
    touch(tmp_path, "blues/._blues.00000.wav", "blues/input.mf", ".git/config")
    assert reasons(tmp_path) == {"Hip-Hop": "not spelled hiphop", "metal": "not a folder"}


def test_a_folder_of_another_name_with_songs_in_it_is_a_genre_like_any(tmp_path):
    touch(tmp_path, "blues/blues.00000.wav", "Hip-Hop/hiphop.00000.wav")
    assert roots.survey(tmp_path).genres == ("Hip-Hop", "blues")


def songs_of_one_size_and_time(root: Path) -> tuple[Path, Path]:
    songs = root / "blues" / "blues.00000.wav", root / "blues" / "blues.00001.wav"
    songs[0].parent.mkdir(parents=True)
    for song in songs:
        song.write_bytes(song.name.encode())
        os.utime(song, ns=(10**18, 10**18))
    return songs


def test_the_fingerprint_changes_with_a_songs_name_or_content_and_with_nothing_else(tmp_path):
    root, build = tmp_path / "root", tmp_path / "build"
    songs = songs_of_one_size_and_time(root)
    first = roots.fingerprint(root, build)
    touch(root, "notes.txt", "blues/input.mf")
    assert roots.fingerprint(root, build) == first
    shutil.copytree(root, tmp_path / "copy")
    for song in (tmp_path / "copy").glob("*/*"):
        os.utime(song)
    assert roots.fingerprint(tmp_path / "copy", build) == roots.fingerprint(tmp_path / "copy") == first
    songs[1].write_bytes(b"another content")
    seen = {first, roots.fingerprint(root, build)}
    songs[1].rename(songs[1].with_name("blues.00002.wav"))
    seen.add(roots.fingerprint(root, build))
    assert len(seen) == 3


def exchange_by_name(one: Path, other: Path) -> None:
    for source, target in ((one, one.with_name("aside")), (other, one), (one.with_name("aside"), other)):
        source.rename(target)


def exchange_by_content(one: Path, other: Path) -> None:
    contents = one.read_bytes(), other.read_bytes()
    for song, content in zip((other, one), contents):
        song.write_bytes(content)
        os.utime(song, ns=(10**18, 10**18))


@pytest.mark.parametrize("exchange", [exchange_by_name, exchange_by_content])
def test_two_songs_of_one_size_and_time_that_are_exchanged_are_another_root(tmp_path, exchange):
    root, build = tmp_path / "root", tmp_path / "build"
    songs = songs_of_one_size_and_time(root)
    first = roots.fingerprint(root, build)
    exchange(*songs)
    assert roots.earlier_fingerprint(root)  # which cannot tell them apart
    assert roots.fingerprint(root, build) != first
    exchange(*songs)
    assert roots.fingerprint(root, build) == first


def test_songs_are_read_again_only_where_something_has_touched_them(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(contents, "sha256_of", lambda path: read.append(path.name) or path.name)
    root, build = tmp_path / "root", tmp_path / "build"
    songs = songs_of_one_size_and_time(root)
    for touched, expected in (((), ["blues.00000.wav", "blues.00001.wav"]), ((), []), (songs[1:], ["blues.00001.wav"])):
        for song in touched:
            os.utime(song)
        contents.KNOWN.clear()  # as in another process
        read.clear()
        roots.fingerprint(root, build)
        assert read == expected


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', '{"a": "bcdef"}'])
def test_what_is_known_of_songs_may_be_lost_or_damaged(tmp_path, text):
    root, build = tmp_path / "root", tmp_path / "build"
    songs_of_one_size_and_time(root)
    first = roots.fingerprint(root, build)
    (build / "cache" / "songs.json").write_text(text)
    contents.KNOWN.clear()
    assert roots.fingerprint(root, build) == first


def test_a_fingerprint_of_before_still_counts(tmp_path):
    root = tmp_path / "root"
    songs = songs_of_one_size_and_time(root)
    lines = "".join(f"blues/{song.name}\0{song.stat().st_size}\0{10**18}\n" for song in songs)
    assert roots.is_of(root, hashlib.sha256(lines.encode()).hexdigest())
    assert roots.is_of(root, roots.fingerprint(root))
    assert not roots.is_of(root, "0" * 64)


def test_the_fingerprint_changes_with_what_is_left_out(tmp_path):
    root = touch(tmp_path, "blues/blues.00000.wav", "blues/blues.00002.wav")
    first = roots.fingerprint(root)
    touch(root, "blues/blues.00001.mp3")
    assert roots.fingerprint(root) != first


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_the_fingerprint_changes_once_a_song_may_be_read(tmp_path):
    root = touch(tmp_path, "blues/blues.00000.wav")
    (root / "blues" / "blues.00000.wav").chmod(0)
    first = roots.fingerprint(root)
    (root / "blues" / "blues.00000.wav").chmod(0o644)
    assert roots.fingerprint(root) != first


def test_of_the_full_set_every_absent_song_is_missing_the_last_ones_too():
    numbers = {genre: range(100) for genre in GENRES} | {"pop": range(1, 99)}
    missing = check_songs.missing_tracks(make_tracks(numbers))
    assert missing == {genre: [] for genre in GENRES} | {"pop": ["pop.00000", "pop.00099"]}


def test_of_a_subset_only_the_gaps_inside_are_missing():
    numbers = {genre: range(10) for genre in GENRES}
    assert not any(check_songs.missing_tracks(make_tracks(numbers)).values())
    tracks = [track for track in make_tracks(numbers) if track.track not in ("disco.00004", "jazz.00009")]
    missing = check_songs.missing_tracks(tracks)
    assert missing["disco"] == ["disco.00004"]
    assert missing["jazz"] == ["jazz.00009"]


def test_of_a_scattered_selection_only_a_genre_without_a_song_is_missing():
    numbers = {genre: range(3, 100, 40) for genre in GENRES[:9]}
    missing = check_songs.missing_tracks(make_tracks(numbers))
    assert [genre for genre in GENRES if missing[genre]] == ["rock"]


def test_a_song_with_a_number_beyond_gtzans_makes_no_other_missing():
    numbers = {genre: range(10) for genre in GENRES} | {"pop": range(99990, 100000)}
    assert not any(check_songs.missing_tracks(make_tracks(numbers)).values())


def test_the_checksums_are_those_of_all_1000_songs():
    checksums = genuine.read_checksums()
    assert set(checksums) == {f"{genre}.{number:05}" for genre in GENRES for number in range(100)}
    assert all(len(md5) == 32 and int(md5, 16) for md5 in checksums.values())


def test_a_table_without_the_columns_of_checksums_is_refused(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for name in ("other.csv", "missing.csv"):
        with pytest.raises(UserError, match=name):
            genuine.read_checksums(tmp_path / name)


def plain_wav(samples: np.ndarray) -> bytes:
    """A WAV file as its specification has it, with the header of 44 bytes."""
    data = samples.astype("<i2").tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 1, 1, 22050, 44100, 2, 16,
                         b"data", len(data))  # fmt: skip
    return header + data


def test_a_song_is_known_by_its_samples_in_every_format(tmp_path):
    samples = np.random.default_rng(0).integers(-32768, 32767, 5001).astype(np.int16)
    md5 = hashlib.md5(plain_wav(samples)).hexdigest()
    for name in ("a.wav", "a.flac", "a.au"):
        soundfile.write(tmp_path / name, samples, 22050, subtype="PCM_16")
        assert genuine.is_genuine(tmp_path / name, md5)
    longer_header = plain_wav(samples) + b"LIST\x04\0\0\0INFO"
    (tmp_path / "tagged.wav").write_bytes(longer_header)
    assert genuine.is_genuine(tmp_path / "tagged.wav", md5)
    samples[2500] ^= 1
    soundfile.write(tmp_path / "altered.flac", samples, 22050, subtype="PCM_16")
    assert not genuine.is_genuine(tmp_path / "altered.flac", md5)
    (tmp_path / "torn.wav").write_bytes(b"no audio")
    assert not genuine.is_genuine(tmp_path / "torn.wav", md5)


@pytest.fixture(scope="module")
def faulty_root(tmp_path_factory) -> Path:
    """Songs that are each wrong in a way of their own."""
    root = tmp_path_factory.mktemp("faulty")
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 640768)
    songs = {
        "blues/blues.00000.wav": noise,
        "blues/blues.00001.wav": noise[:-1],
        "blues/blues.00003.wav": np.zeros(640768),
        "rock/rock.00000.wav": np.where(np.arange(640768) == 5, np.nan, noise),
    }
    for name, samples in songs.items():
        (root / name).parent.mkdir(exist_ok=True)
        soundfile.write(root / name, samples, 22050, subtype="FLOAT")
    (root / "rock" / "rock.00001.wav").write_bytes(b"RIFF torn")
    (root / "rock" / "rock.00002.wav").symlink_to("gone")
    return root


def run_check(root: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tools.songs", str(root)]
    return subprocess.run(command, cwd=paths.DATA.parent, capture_output=True, text=True, timeout=120)


def test_check_names_every_song_with_something_wrong_and_what_it_is(faulty_root):
    done = run_check(faulty_root)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name, words in {
        "blues.00000": "not the genuine song",
        "blues.00001": "too short",
        "blues.00003": "silent",
        "rock.00000": "not finite",
        "rock.00001": "unreadable",
        "rock.00002": "a link to nothing",
    }.items():
        assert any(name in line and words in line for line in done.stdout.splitlines()), (name, done.stdout)


def test_check_prints_a_line_per_genre_with_what_is_there(faulty_root):
    lines = run_check(faulty_root).stdout.splitlines()
    assert [line.split()[0] for line in lines[:10]] == list(GENRES)
    assert lines[0] == "blues     3 songs, a subset: 3 of 100, 3 not in order"
    assert lines[1] == "classical 0 songs, 4 missing"


def test_check_of_no_data_root_is_one_line_and_no_traceback(tmp_path):
    done = run_check(tmp_path / "missing")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_genuine_songs_pass_and_an_altered_one_is_named(tmp_path):
    if not os.environ.get("GTZAN"):
        pytest.skip("GTZAN= is not set: no genuine songs to check")
    tracks = roots.survey(Path(os.environ["GTZAN"])).tracks[::50]
    altered = Track("rock.00001", "rock", 9, tmp_path / "rock.00001.wav")
    samples, sample_rate = soundfile.read(tracks[0].path, dtype="int16")
    samples[1000] += 1
    soundfile.write(altered.path, samples, sample_rate, subtype="PCM_16")
    wrong = check_songs.check_songs([*tracks, altered], genuine.read_checksums())
    assert list(wrong) == ["rock.00001"]
    assert "not the genuine song" in wrong["rock.00001"]


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("pop classical", ("classical", "pop")),
        ("rock,blues,rock", ("blues", "rock")),
        ("", ()),
        (" ".join(GENRES), GENRES),
    ],
)
def test_some_genres_are_named_in_order_of_their_labels_and_all_ten_are_the_default(text, genres):
    chosen = parse({"genres": text}).genres
    assert chosen == genres
    assert roots.check_genres(chosen, GENRES) == (genres or GENRES)


@pytest.mark.parametrize(("text", "named"), [("pop techno", "techno"), ("pop\nmetal /", "/"), ("pop", "two or more")])
def test_a_genre_that_there_is_not_and_a_single_one_are_refused(text, named):
    with pytest.raises(UserError, match=named) as refused:
        roots.check_genres(parse({"genres": text}).genres, GENRES)
    assert "\n" not in str(refused.value)
