"""Which clips are in which LMDB, in which order, and what is in none."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from tools.cli import UserError, printable
from tools.convert.train_clips import with_train_clips
from tools.convert.views import View
from tools.settings import Settings
from tools.songs import splits
from tools.songs.splits import Clip
from tools.songs.tracks import Survey

SEED = 2016  # of the order of the records
Reasons = dict[str, dict[str, str]]  # by song, by view: why it has no clip
Parts = dict[View, dict[str, list[Clip]]]  # the clips of every view and part, in the order of their keys


def draw_parts(survey: Survey, settings: Settings, views: list[View], genres: tuple[str, ...]) -> Parts:
    """The clips of every part in the order of their keys. Each view and part is shuffled once, with a fixed seed.

    Where some genres are left out, the others keep the parts and the order that they have among all genres. Raises
    UserError where the songs can't be split so.
    """
    if reason := splits.why_no_fold(survey, settings.split, settings.fold, genres):
        raise UserError(reason)
    parts: Parts = {}
    for view in views:
        drawn = splits.assign_parts(survey, settings.split, settings.fold, view.clips(settings))
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


def usable_clips(parts: Parts, reasons: Reasons, settings: Settings) -> Parts:
    """The clips of the songs that can be used for a view. To train on, they may be balanced."""
    usable = {
        view: {
            part: [clip for clip in clips if view.name not in reasons.get(clip[0].track, {})]
            for part, clips in drawn.items()
        }
        for view, drawn in parts.items()
    }
    for view, drawn in usable.items():
        if settings.balanced:
            drawn["train"] = balanced_clips(drawn["train"], f"{view.name} balanced")
    return usable


def balanced_clips(clips: list[Clip], name: str) -> list[Clip]:
    """The clips of each genre over and over, until it has as many as the commonest genre; shuffled anew."""
    by_genre: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_genre[clip[0].genre].append(clip)
    most = max(map(len, by_genre.values()), default=0)
    return shuffled([clip for members in by_genre.values() for clip in islice(cycle(members), most)], name)


def list_left_out(survey: Survey, genres: tuple[str, ...], reasons: Reasons) -> list[dict[str, str]]:
    """What of these genres is in no LMDB, or in none of a view: files that are no songs, and songs of no use."""
    other_genres = tuple(f"{genre}/" for genre in survey.genres if genre not in genres)
    odd = [
        {"track": str(Path(item.file).with_suffix("")), "file": item.file, "reason": item.reason}
        for item in survey.left_out
        if not item.file.startswith(other_genres)
    ]
    songs = [(song, reason) for song in survey.tracks for reason in dict.fromkeys(reasons.get(song.track, {}).values())]
    return odd + [
        {"track": song.track, "file": printable(f"{song.genre}/{song.path.name}"), "reason": reason}
        for song, reason in songs
    ]


def usable_parts(
    survey: Survey,
    settings: Settings,
    views: list[View],
    genres: tuple[str, ...],
    reasons: Reasons,
    left_out: list[dict[str, str]],
) -> tuple[Parts, dict[str, str]]:
    """The parts of the views that can be trained and tested on, and why the others can't, by name of the view.

    UserError if there is none: no song is left, a part is empty or a genre of the songs can't be trained on.
    """
    parts = usable_clips(draw_parts(survey, settings, views, genres), reasons, settings)
    present = {track.genre for track in survey.tracks if track.genre in genres}
    unused = {view.name: why_not_used(view, drawn, present, settings.split == "all") for view, drawn in parts.items()}
    lacking = {view: reason for view, reason in unused.items() if reason}
    if len(lacking) == len(parts):
        why = f": {left_out[-1]['file']}: {left_out[-1]['reason']}" if left_out else ""
        raise UserError(f"{printable(survey.root)}: {next(iter(lacking.values()))}{why}")
    return {view: drawn for view, drawn in parts.items() if view.name not in lacking}, lacking


def why_not_used(view: View, drawn: dict[str, list[Clip]], genres: Iterable[str], is_all: bool) -> str | None:
    """Why no network can be trained on the parts of a view; None if it can."""
    if not any(drawn.values()):
        return "none of its songs can be used"
    for part, clips in drawn.items():
        if not clips and not (is_all and part == "test"):
            return f"no song for the {part} part of {view.name}: add songs to it"
    untrained = sorted(set(genres) - {track.genre for track, _ in drawn["train"]})
    if untrained:
        return f"no song of {printable(', '.join(untrained))} to train on: add songs, or take the folder away"
    return None
