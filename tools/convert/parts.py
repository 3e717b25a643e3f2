"""Which clips are in which LMDB, in which order, and what is in none."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from tools.cli import UserError, printable
from tools.convert.train_clips import with_train_clips
from tools.convert.views import View
from tools.settings import Settings
from tools.songs import splits
from tools.songs.gtzan import GENRES, Survey, Track
from tools.songs.splits import Clip

SEED = 2016  # of the order of the records
Parts = dict[View, dict[str, list[Clip]]]  # the clips of every view and part, in the order of their keys


def draw_parts(tracks: list[Track], settings: Settings, views: list[View], genres: tuple[str, ...]) -> Parts:
    """The clips of every part in the order of their keys: shuffled once, with a fixed seed for each view and part.

    Where some genres are left out, the others keep the parts and the order that they have among all ten.
    """
    parts: Parts = {}
    for view in views:
        drawn = splits.assign_parts(tracks, settings.split, settings.fold, view.clips(settings))
        if view.has_more_to_train(settings):
            drawn["train"] = with_train_clips(drawn["train"], settings, view)
        parts[view] = {
            part: [clip for clip in shuffled(clips, f"{view.name} {part}") if clip[0].genre in genres]
            for part, clips in drawn.items()
        }
    return parts


def shuffled(clips: list[Clip], name: str) -> list[Clip]:
    order = np.random.Generator(np.random.PCG64([SEED, zlib.crc32(name.encode())])).permutation(len(clips))
    return [clips[index] for index in order]


def without_songs(parts: Parts, reasons: dict[str, str]) -> Parts:
    return {
        view: {part: [clip for clip in clips if clip[0].track not in reasons] for part, clips in drawn.items()}
        for view, drawn in parts.items()
    }


def list_left_out(survey: Survey, genres: tuple[str, ...], reasons: dict[str, str]) -> list[dict[str, str]]:
    """What of these genres is in no LMDB: files that are no song by their name, and songs that can't be used."""
    other_genres = tuple(f"{genre}/" for genre in GENRES if genre not in genres)
    odd = [
        {"track": Path(item.file).stem, "file": item.file, "reason": item.reason}
        for item in survey.left_out
        if not item.file.startswith(other_genres)
    ]
    songs = [track for track in survey.tracks if track.track in reasons]
    return odd + [
        {"track": song.track, "file": f"{song.genre}/{song.path.name}", "reason": reasons[song.track]} for song in songs
    ]


def check_parts(parts: Parts, root: Path, tracks: list[Track], left_out: list[dict[str, str]]) -> None:
    """UserError if no song is left, a part is empty or a genre of the songs can't be trained on."""
    place, why = printable(root), f": {left_out[-1]['file']}: {left_out[-1]['reason']}" if left_out else ""
    for view, drawn in parts.items():
        if not any(drawn.values()):
            raise UserError(f"{place}: none of its {len(tracks)} songs can be used{why}")
        for part, clips in drawn.items():
            if not clips:
                raise UserError(f"{place}: no song for the {part} part of {view.name}: add songs to it{why}")
        trained = {track.genre for track, _ in drawn["train"]}
        untrained = sorted({track.genre for track in tracks} - trained)
        if untrained:
            names = ", ".join(untrained)
            raise UserError(f"{place}: no song of {names} to train on: add songs, or take the folder away{why}")
