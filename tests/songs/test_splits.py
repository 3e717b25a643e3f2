"""Which songs and clips fall into which part."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import paths
from tools.cli import UserError
from tools.songs import splits
from tools.songs.gtzan import GENRES
from tools.songs.tracks import Survey, Track


def survey_of(songs_a_genre: list[int]) -> Survey:
    tracks = [
        Track(f"{genre}.{number:05}", genre, label, Path(f"{genre}.{number:05}.wav"))
        for label, genre in enumerate(GENRES)
        for number in range(songs_a_genre[label])
    ]
    return with_tracks(tracks)


def with_tracks(tracks: list[Track]) -> Survey:
    return Survey(Path("gtzan"), True, GENRES, tracks)


FULL = survey_of([100] * 10)
MINI = survey_of([10] * 10)


def per_genre(songs) -> Counter:
    return Counter(song.genre for song in songs)


def test_the_song_split_tests_a_fifth_of_each_genre_and_trains_on_the_rest():
    parts = splits.song_split(FULL, 0)
    assert per_genre(parts["test"]) == dict.fromkeys(GENRES, 20)
    assert per_genre(parts["train"]) == dict.fromkeys(GENRES, 80)
    assert not set(parts["train"]) & set(parts["test"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 23), min_size=10, max_size=10))
def test_over_the_five_folds_each_song_is_tested_once_and_a_genres_test_parts_differ_by_one_at_most(songs_a_genre):
    found = survey_of(songs_a_genre)
    folds = [splits.song_split(found, fold) for fold in range(5)]
    assert Counter(song for parts in folds for song in parts["test"]) == dict.fromkeys(found.tracks, 1)
    for parts in folds:
        assert Counter(parts["train"] + parts["test"]) == Counter(found.tracks)
    for genre in GENRES:
        sizes = [per_genre(parts["test"])[genre] for parts in folds]
        assert max(sizes) - min(sizes) <= 1


def test_the_inner_split_is_within_the_train_part_of_fold_0_and_tests_each_of_its_songs_once():
    train = splits.song_split(MINI, 0)["train"]
    folds = [splits.song_parts(MINI, "inner", fold) for fold in range(1, 5)]
    assert Counter(song for parts in folds for song in parts["test"]) == dict.fromkeys(train, 1)
    for fold, parts in enumerate(folds, 1):
        assert Counter(parts["train"] + parts["test"]) == Counter(train)
        assert parts["test"] == splits.song_split(MINI, fold)["test"]
    assert splits.assign_parts(MINI, "inner", 2, 1)["test"] == [(song, 0) for song in folds[1]["test"]]


@pytest.mark.parametrize(
    ("split", "fold", "words"),
    [("inner", 0, "1 to 4"), ("inner", 5, "1 to 4"), ("song", 5, "0 to 4"), ("clip", 1, "leave FOLD out")],
)
def test_a_fold_that_a_split_does_not_have_is_refused(split, fold, words):
    with pytest.raises(UserError, match=f"FOLD={fold}: .*{words}"):
        splits.assign_parts(MINI, split, fold, 15)


def test_the_clip_split_tests_a_fifth_of_each_genres_clips_and_leaks_songs_into_both_parts():
    parts = splits.clip_split(MINI, 15)
    assert per_genre(song for song, _ in parts["test"]) == dict.fromkeys(GENRES, 30)
    assert sorted(parts["train"] + parts["test"], key=lambda clip: (clip[0].label, clip[0].track, clip[1])) == [
        (song, clip) for song in MINI.tracks for clip in range(15)
    ]
    leaked = {song for song, _ in parts["train"]} & {song for song, _ in parts["test"]}
    assert len(leaked) > 90


def test_with_one_clip_a_song_the_clip_split_is_the_song_split():
    assert splits.assign_parts(MINI, "clip", 0, 1) == splits.assign_parts(MINI, "song", 0, 1)


def test_under_the_song_split_all_clips_of_a_song_are_in_one_part_for_every_view():
    songs = splits.song_split(MINI, 3)
    for clips_a_song in (1, 15, 30):
        parts = splits.assign_parts(MINI, "song", 3, clips_a_song)
        assert parts == {
            part: [(song, clip) for song in members for clip in range(clips_a_song)] for part, members in songs.items()
        }


def test_the_order_in_which_songs_are_found_does_not_matter():
    shuffled = with_tracks(random.Random(0).sample(MINI.tracks, len(MINI.tracks)))
    for split in ("song", "clip"):
        assert splits.assign_parts(shuffled, split, 0, 15) == splits.assign_parts(MINI, split, 0, 15)


def test_a_song_less_in_one_genre_leaves_the_other_genres_as_they_were():
    fewer = with_tracks([song for song in MINI.tracks if song.track != "blues.00004"])
    for split in ("song", "clip"):
        whole, rest = (splits.assign_parts(found, split, 0, 15) for found in (MINI, fewer))
        for part in whole:
            assert [c for c in rest[part] if c[0].label > 0] == [c for c in whole[part] if c[0].label > 0]


def test_the_draw_is_the_one_that_results_were_made_with():
    tested = [song.track for song in splits.song_split(MINI, 0)["test"]]
    assert tested[:4] == ["blues.00004", "blues.00006", "classical.00001", "classical.00005"]
    clips = [(song.track, clip) for song, clip in splits.clip_split(MINI, 15)["test"]]
    assert clips[:4] == [("blues.00000", 2), ("blues.00000", 10), ("blues.00001", 2), ("blues.00002", 0)]


def test_the_fault_filtered_parts_are_the_published_443_197_and_290_songs():
    with (paths.DATA / "filtered.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len({row["track"] for row in rows}) == len(rows) == 930
    assert Counter(row["part"] for row in rows) == {"train": 443, "valid": 197, "test": 290}
    parts = splits.filtered_split(FULL)
    assert {part: len(songs) for part, songs in parts.items()} == {"train": 443, "valid": 197, "test": 290}
    for part, first, last in (
        ("train", "blues.00029", "rock.00099"),
        ("valid", "blues.00000", "rock.00085"),
        ("test", "blues.00012", "rock.00090"),
    ):
        listed = [row["track"] for row in rows if row["part"] == part]
        assert (min(listed), max(listed)) == (first, last)


def test_no_two_songs_of_the_fault_filtered_parts_are_the_same_recording():
    with (paths.DATA / "checksums.csv").open(newline="") as lines:
        md5s = {row["track"]: row["md5"] for row in csv.DictReader(lines)}
    kept = [md5s[song.track] for songs in splits.filtered_split(FULL).values() for song in songs]
    assert len(set(kept)) == len(kept)
    assert len(set(md5s.values())) < len(md5s)


def test_a_listed_song_that_is_absent_is_merely_not_there():
    fewer = with_tracks([song for song in FULL.tracks if song.track != "blues.00029"])
    assert len(splits.filtered_split(fewer)["train"]) == 442


def test_the_fault_filtered_parts_of_a_subset_are_refused_in_one_line_that_asks_for_all_songs():
    with pytest.raises(UserError, match="needs full GTZAN") as error:
        splits.assign_parts(MINI, "filtered", 0, 15)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("split", "fold"),
    [("song", 5), ("song", -1), ("clip", 1), ("filtered", 1), ("artist", 3), ("artist-inner", 0), ("", 0)],
)
def test_a_split_or_fold_that_does_not_exist_is_refused(split, fold):
    with pytest.raises(UserError):
        splits.assign_parts(FULL, split, fold, 15)
