"""Which songs or clips are trained on and which tested on.

Splits are drawn genre by genre over the songs that are present, with a fixed seed, before any song is left out for
being damaged. Nothing but the names of the songs goes in, so that every machine draws the same.
"""

from __future__ import annotations

import csv
from functools import cache

import numpy as np

from tools import paths
from tools.cli import UserError
from tools.settings import SPLITS
from tools.songs.gtzan import GENRES, Track

SEED = 2015
FOLDS = 5
FILTERED_PARTS = ("train", "valid", "test")
FILTERED = paths.DATA / "filtered.csv"

Clip = tuple[Track, int]


def assign_parts(
    tracks: list[Track], split: str, fold: int, clips_a_song: int, seed: int = SEED
) -> dict[str, list[Clip]]:
    """The clips (a song and the clip's index in it) of each part, sorted by label, song and clip.

    ``split`` is song, clip, filtered or inner; song has the folds 0 to 4, inner 1 to 4, the others fold 0 alone.
    Raises UserError for any other split or fold, and where `filtered_split` does.
    """
    if split not in SPLITS:
        raise UserError(f"SPLIT={split}: there is none of this name: choose one of {', '.join(SPLITS)}")
    check_fold(split, fold)
    if split == "clip":
        return clip_split(tracks, clips_a_song, seed)
    if split == "filtered":
        songs = filtered_split(tracks)
    else:
        songs = (song_split if split == "song" else inner_split)(tracks, fold, seed)
    return {part: all_clips(members, clips_a_song) for part, members in songs.items()}


def check_fold(split: str, fold: int) -> None:
    """UserError for a fold that the split does not have."""
    folds = {"song": range(FOLDS), "inner": range(1, FOLDS)}.get(split, range(1))
    if fold not in folds:
        choose = f"choose one of {folds[0]} to {folds[-1]}" if len(folds) > 1 else "leave FOLD out"
        raise UserError(f"FOLD={fold}: the split {split} has none of this number: {choose}")


def song_split(tracks: list[Track], fold: int, seed: int = SEED) -> dict[str, list[Track]]:
    """Whole songs, 80% to train and 20% to test. Over the folds 0 to 4 each song is tested exactly once, and the
    test parts of one genre differ in size by one song at most.

    Raises UserError for any other fold.
    """
    check_fold("song", fold)
    parts: dict[str, list[Track]] = {"train": [], "test": []}
    for label, songs in by_genre(tracks):
        order = generator(seed, label).permutation(len(songs))
        tested = set(order[fold::FOLDS].tolist())
        for index, song in enumerate(songs):
            parts["test" if index in tested else "train"].append(song)
    return parts


def inner_split(tracks: list[Track], fold: int, seed: int = SEED) -> dict[str, list[Track]]:
    """A fold within the train part of the song split's fold 0, to choose settings on: what fold ``fold`` tests is
    tested, and what neither it nor fold 0 tests is trained on. The songs that fold 0 tests are in no part.
    """
    check_fold("inner", fold)
    kept_for_the_end = set(song_split(tracks, 0, seed)["test"])
    parts = song_split(tracks, fold, seed)
    return {part: [song for song in songs if song not in kept_for_the_end] for part, songs in parts.items()}


def clip_split(tracks: list[Track], clips_a_song: int, seed: int = SEED) -> dict[str, list[Clip]]:
    """Clips at random, 80% to train and 20% to test, so that a song's clips fall on both sides: it leaks.

    With one clip a song there is nothing to leak: that is the song split's fold 0.
    """
    if clips_a_song == 1:
        return {part: all_clips(songs, 1) for part, songs in song_split(tracks, 0, seed).items()}
    parts: dict[str, list[Clip]] = {"train": [], "test": []}
    for label, songs in by_genre(tracks):
        clips = all_clips(songs, clips_a_song)
        order = generator(seed, label).permutation(len(clips))
        tested = set(order[: round(len(clips) / FOLDS)].tolist())
        for index, clip in enumerate(clips):
            parts["test" if index in tested else "train"].append(clip)
    return parts


def filtered_split(tracks: list[Track]) -> dict[str, list[Track]]:
    """The fault-filtered parts of Kereliuk, Sturm and Larsen (2015), "Deep Learning and Music Adversaries": of the full
    1000 songs, 443 to train, 197 to validate and 290 to test, without repetitions, distortions or artists in two parts.

    Raises UserError if a genre has no song in one of the parts, as in a subset of GTZAN.
    """
    listed = read_filtered()
    parts = {
        part: [song for _, songs in by_genre(tracks) for song in songs if listed.get(song.track) == part]
        for part in FILTERED_PARTS
    }
    for part, songs in parts.items():
        absent = [genre for genre in GENRES if genre not in {song.genre for song in songs}]
        if absent:
            raise UserError(
                f"the split filtered needs full GTZAN: the {len(tracks)} songs here leave its {part} part without "
                f"{', '.join(absent)}: type 'make data SET=all', or use the split song"
            )
    return parts


@cache
def read_filtered() -> dict[str, str]:
    """The part (train, valid or test) of each fault-filtered song, by its name."""
    with FILTERED.open(newline="", encoding="utf-8") as lines:
        return {row["track"]: row["part"] for row in csv.DictReader(lines)}


def by_genre(tracks: list[Track]) -> list[tuple[int, list[Track]]]:
    """The songs of each label, sorted by name: the order that they come in must not matter."""
    ordered = sorted(tracks, key=lambda track: track.track)
    return [(label, [track for track in ordered if track.label == label]) for label in range(len(GENRES))]


def all_clips(songs: list[Track], clips_a_song: int) -> list[Clip]:
    return [(song, clip) for song in songs for clip in range(clips_a_song)]


def generator(seed: int, label: int) -> np.random.Generator:
    """A stream of its own for each genre, so that a song more in one genre leaves the draw of the others alone."""
    return np.random.Generator(np.random.PCG64([seed, label]))
