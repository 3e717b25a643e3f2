"""More clips to train on, out of the same songs: overlapping ones, and copies that are masked or at another level.

Ours, not the paper's, and off by default. The view cnn's train part alone has them: what is tested are the 15 clips of
a song. The clips of a song are numbered

    0 .. 14                              the paper's
    15 ..                                with overlap k, those 1/k, 2/k, ... of a clip later, 14 for each
    then all of these again, copy by copy, the masked ones before those at another level

Masks: Park et al. 2019, "SpecAugment", one stretch of frames and one of bands, here filled with the clip's mean.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from tools.convert.features import RANGE_DB
from tools.convert.views import View, overlapping_clips
from tools.settings import Settings
from tools.songs.tracks import Track

SEED = 2019
MASKED_SHARE = 5  # a mask covers at most 1/5 of the frames, and at most 1/5 of the bands
LEVEL_DB = 12.0  # a copy is at most so much louder or softer

Clip = tuple[Track, int]


def with_train_clips(clips: list[Clip], settings: Settings, view: View) -> list[Clip]:
    """The clips of a train part that has whole songs, with those that are made besides."""
    songs = dict.fromkeys(song for song, _ in clips)
    return [(song, number) for song in songs for number in range(view.train_clips(settings))]


def train_clip(read: Callable[[int], np.ndarray], track: str, number: int, settings: Settings) -> np.ndarray:
    """Clip ``number`` of a song's train records: float32 (1, bands, frames). ``read`` gives the paper's clips."""
    copy, original = divmod(number, overlapping_clips(settings))
    matrix = overlapping_clip(read, original, settings)
    if copy == 0:
        return matrix
    random = np.random.Generator(np.random.PCG64([SEED, zlib.crc32(f"{track} {number}".encode())]))
    return masked(matrix, random) if copy <= settings.masked_copies else at_another_level(matrix, random)


def overlapping_clip(read: Callable[[int], np.ndarray], number: int, settings: Settings) -> np.ndarray:
    """Clip ``number`` before any copy: float32 (1, bands, frames).

    The paper's clips follow one another without a gap: one in between is the end of one and the beginning of the next.
    """
    if number < settings.clips_a_song:
        return read(number)
    later, first = divmod(number - settings.clips_a_song, settings.clips_a_song - 1)
    start = settings.frames_a_clip * (later + 1) // settings.overlap
    return np.concatenate([read(first)[..., start:], read(first + 1)[..., :start]], axis=-1)


def masked(matrix: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A copy of a clip (1, bands, frames) with one stretch of frames and one of bands replaced by the clip's mean."""
    copy, mean = matrix.copy(), matrix.mean()
    for axis in (-1, -2):
        size = matrix.shape[axis]
        width = int(random.integers(1, max(2, size // MASKED_SHARE + 1)))
        start = int(random.integers(0, size - width + 1))
        np.moveaxis(copy, axis, 0)[start : start + width] = mean
    return copy


def at_another_level(matrix: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A copy of a clip (1, bands, frames), every value as many decibels higher or lower, still within 0..255."""
    shift = random.uniform(-LEVEL_DB, LEVEL_DB) * 255 / RANGE_DB
    return np.clip(matrix + np.float32(shift), 0, 255)
