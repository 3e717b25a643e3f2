"""Which songs or clips are trained on and which tested on.

Splits are drawn genre by genre over the songs that are present, with a fixed seed, before any song is left out for
being damaged. Nothing but the names of the songs goes in, so that every machine draws the same; outside GTZAN, whose
splits are drawn by name alone, songs that are alike byte for byte are drawn as one.

    song     whole songs, 80/20, five folds: each song is tested once
    clip     clips at random, 80/20: a song's clips fall on both sides, so that it leaks
    artist   three folds, no artist on both sides (`tools.songs.by_artist`)
    inner, artist-inner    folds within the train part of fold 0 of song and of artist, to choose settings on
    filtered the fault-filtered parts of GTZAN
    given    the parts that a table gives
    all      everything is trained on
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Container
from functools import cache
from typing import Any

import numpy as np

from tools import paths
from tools.cli import UserError
from tools.settings import SPLITS
from tools.songs import gtzan
from tools.songs.by_artist import ARTIST_FOLDS, Parts, artist_groups, artist_split
from tools.songs.tracks import Survey, Track

SEED = 2015
FOLDS = 5
FOLDS_OF = {
    "song": range(FOLDS),
    "inner": range(1, FOLDS),
    "artist": range(ARTIST_FOLDS),
    "artist-inner": range(1, ARTIST_FOLDS),
}
JOINED = {"song": FOLDS, "artist": ARTIST_FOLDS}  # splits of whose folds each song is tested once
LEAKY = {"clip": True, "given": None, "all": None}  # None: it is not ours to say
FILTERED_PARTS = ("train", "valid", "test")
FILTERED = paths.DATA / "filtered.csv"

Clip = tuple[Track, int]


def assign_parts(survey: Survey, split: str, fold: int, clips_a_song: int) -> dict[str, list[Clip]]:
    """The clips (a song and the clip's index in it) of each part, sorted by label, song and clip.

    Raises UserError for a split or fold that there is not, and for songs that it can't be drawn of.
    """
    check_fold(split, fold)
    if split == "clip" and clips_a_song > 1:
        return clip_split(survey, clips_a_song)
    songs = song_parts(survey, split, fold)
    return {part: all_clips(members, clips_a_song) for part, members in songs.items()}


def song_parts(survey: Survey, split: str, fold: int) -> Parts:
    """The songs of each part, of a split that keeps songs whole; clip with one clip a song is song's fold 0."""
    if split == "all":
        return {"train": survey.tracks, "test": []}
    if split in ("filtered", "given"):
        return filtered_split(survey) if split == "filtered" else given_split(survey)
    draw = artist_split if split.startswith("artist") else song_split
    parts = draw(survey, fold)
    return within(parts, draw(survey, 0)) if split.endswith("inner") else parts


def check_fold(split: str, fold: int) -> None:
    """UserError for a split, or a fold of it, that there is not."""
    if split not in SPLITS:
        raise UserError(f"SPLIT={split}: there is none of this name: choose one of {', '.join(SPLITS)}")
    folds = FOLDS_OF.get(split, range(1))
    if fold not in folds:
        choose = f"choose one of {folds[0]} to {folds[-1]}" if len(folds) > 1 else "leave FOLD out"
        raise UserError(f"FOLD={fold}: the split {split} has none of this number: {choose}")


def song_split(survey: Survey, fold: int) -> Parts:
    """Whole songs, 80% to train and 20% to test. Over the folds 0 to 4 each song is tested exactly once, and the
    test parts of one genre differ in size by one song (or one group of songs that are alike) at most.
    """
    parts: Parts = {"train": [], "test": []}
    for label, groups in by_genre(survey):
        deal(groups, label, slice(fold, None, FOLDS), parts)
    return parts


def deal(groups: list[list[Any]], label: int, tested: slice, parts: dict[str, list[Any]]) -> None:
    """Shuffle the groups of a genre, and put those of the places ``tested`` into the test part, the others into train.

    The generator is the genre's own, so that a song more in one genre leaves the draw of the others alone.
    """
    order = np.random.Generator(np.random.PCG64([SEED, label])).permutation(len(groups))
    numbers = set(order[tested].tolist())
    for number, members in enumerate(groups):
        parts["test" if number in numbers else "train"] += members


def within(parts: Parts, outer: Parts) -> Parts:
    """A fold within the train part of another: the songs that ``outer`` tests are in no part."""
    kept_for_the_end = {song.track for song in outer["test"]}
    return {part: [song for song in songs if song.track not in kept_for_the_end] for part, songs in parts.items()}


def clip_split(survey: Survey, clips_a_song: int) -> dict[str, list[Clip]]:
    """Clips at random, 80% to train and 20% to test, so that a song's clips fall on both sides: it leaks."""
    parts: dict[str, list[Clip]] = {"train": [], "test": []}
    for label, groups in by_genre(survey):
        clips = all_clips([song for songs in groups for song in songs], clips_a_song)
        deal([[clip] for clip in clips], label, slice(round(len(clips) / FOLDS)), parts)
    return parts


def filtered_split(survey: Survey) -> Parts:
    """The fault-filtered parts of Kereliuk, Sturm and Larsen (2015), "Deep Learning and Music Adversaries": of the full
    1000 songs, 443 to train, 197 to validate and 290 to test, without repetitions, distortions or artists in two parts.

    Raises UserError if a genre has no song in one of the parts, as in a subset of GTZAN.
    """
    listed = read_filtered()
    parts = {part: [song for song in survey.tracks if listed.get(song.track) == part] for part in FILTERED_PARTS}
    for part, songs in parts.items():
        absent = [genre for genre in gtzan.GENRES if genre not in {song.genre for song in songs}]
        if absent:
            raise UserError(
                f"the split filtered needs full GTZAN: the {len(survey.tracks)} songs here leave its {part} part "
                f"without {', '.join(absent)}: type 'make data SET=all', or use the split song"
            )
    return parts


def given_split(survey: Survey) -> Parts:
    """The parts of a table. UserError where a song has none or is in two, or there is nothing to train on or test."""
    without = [song.track for song in survey.tracks if not song.part]
    if without:
        raise UserError(
            f"SPLIT=given: {without[0]} has no part: name a table that has train, valid or test in its column part"
        )
    part_of = {song.track: song.part for song in survey.tracks}
    for track, first in survey.alike.items():
        if part_of[track] != part_of[first]:
            raise UserError(f"SPLIT=given: {track} and {first} are one song, byte for byte: give both the same part")
    parts = {part: [song for song in survey.tracks if song.part == part] for part in FILTERED_PARTS}
    for part in ("train", "test"):
        if not parts[part]:
            raise UserError(f"SPLIT=given: the table has no row of the part {part}: give some rows that part")
    return {part: songs for part, songs in parts.items() if songs}


def why_no_fold(survey: Survey, split: str, fold: int, genres: Container[str]) -> str | None:
    """Why a fold by artist can't be trained and tested on: a part lacks one of the ``genres``. None where it can."""
    if not split.startswith("artist"):
        return None
    for part, songs in song_parts(survey, split, fold).items():
        absent = sorted({song.genre for song in survey.tracks if song.genre in genres} - {song.genre for song in songs})
        if absent:
            artists = set(zip((song.genre for song in survey.tracks), artist_groups(survey.tracks, survey.alike)))
            known = Counter(genre for genre, _ in artists)
            few = [f"{genre} has {known[genre]}" for genre in absent if known[genre] < ARTIST_FOLDS]
            why, own_parts = f"a genre needs {ARTIST_FOLDS} artists, {', '.join(few)}", ""
            if not few:
                why = "it has artists enough, but they were drawn so"
                own_parts = ", or give parts of your own in a table, with SPLIT=given"
            return (
                f"SPLIT={split}: the {part} part of FOLD={fold} has no song of {', '.join(absent)}: {why}: "
                f"name the other genres with GENRES={own_parts}"
            )
    return None


@cache
def read_filtered() -> dict[str, str]:
    """The part (train, valid or test) of each fault-filtered song, by its name."""
    with FILTERED.open(newline="", encoding="utf-8") as lines:
        return {row["track"]: row["part"] for row in csv.DictReader(lines)}


def by_genre(survey: Survey) -> list[tuple[int, list[list[Track]]]]:
    """The songs of each label in groups that are drawn as one, sorted by name: their order must not matter.

    Songs that are alike are one group, of the first one's label, though they lie in two genres.
    """
    genres: dict[int, dict[str, list[Track]]] = {label: defaultdict(list) for label in range(len(survey.genres))}
    labels = {track.track: track.label for track in survey.tracks}
    for track in sorted(survey.tracks, key=lambda track: track.track):
        first = survey.alike.get(track.track, track.track)
        genres[labels[first]][first].append(track)
    return [(label, list(groups.values())) for label, groups in genres.items()]


def all_clips(songs: list[Track], clips_a_song: int) -> list[Clip]:
    return [(song, clip) for song in songs for clip in range(clips_a_song)]
