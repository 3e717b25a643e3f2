"""The three views of a song that the networks see: how many clips, of which shape, and how long a song has to be.

cnn   15 clips of 33 bands x 166 frames (sections 3 and 4 of the paper: about 2 s each)
song  one matrix of 33 bands x 2500 frames
lstm  30 clips of 20 frames x 72 bands
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from tools.cli import UserError
from tools.settings import LMDB, Settings

CLIP_NUMBERS = 100  # two digits of a key

Shape = tuple[int, int, int]


class View(ABC):
    """What of a song a network sees. A view's name begins the names of its LMDBs."""

    name: str
    is_sequence = False  # whether a row of the matrix is a step in time

    @abstractmethod
    def shape(self, settings: Settings) -> Shape:
        """Channels, height and width of a clip."""

    @abstractmethod
    def clips(self, settings: Settings) -> int:
        """Clips of a song."""

    @abstractmethod
    def samples(self, settings: Settings) -> int:
        """Samples that a song needs, at 22050 Hz."""

    def train_clips(self, settings: Settings) -> int:
        """Records of a song of the train part: its clips, and those that are made besides."""
        return self.clips(settings)

    def why_short(self, samples: int, settings: Settings) -> str:
        """Why a song of so few samples is not used for this view, and the setting that would take it."""
        return f"too short for {self.name}: {samples} samples, {self.samples(settings)} are needed"

    def has_more_to_train(self, settings: Settings) -> bool:
        return self.train_clips(settings) != self.clips(settings)


class CnnView(View):
    name = "cnn"

    def shape(self, settings: Settings) -> Shape:
        return 1, settings.n_bands, settings.frames_a_clip

    def clips(self, settings: Settings) -> int:
        return settings.clips_a_song

    def samples(self, settings: Settings) -> int:
        return (settings.frames_a_clip * settings.clips_a_song - 1) * settings.hop + settings.window

    def why_short(self, samples: int, settings: Settings) -> str:
        clips = ((samples - settings.window) // settings.hop + 1) // settings.frames_a_clip
        return super().why_short(samples, settings) + largest("CLIPS_A_SONG", clips)

    def train_clips(self, settings: Settings) -> int:
        return overlapping_clips(settings) * (1 + settings.masked_copies + settings.level_copies)


class LstmView(View):
    name = "lstm"
    is_sequence = True

    def shape(self, settings: Settings) -> Shape:
        return 1, settings.lstm_frames_a_clip, 16 + 8 * len(lstm_octaves(settings.lstm_window))

    def clips(self, settings: Settings) -> int:
        return settings.lstm_clips_a_song

    def samples(self, settings: Settings) -> int:
        frames = settings.lstm_frames_a_clip * settings.lstm_clips_a_song
        return (frames - 1) * settings.lstm_hop + settings.lstm_window

    def why_short(self, samples: int, settings: Settings) -> str:
        clips = ((samples - settings.lstm_window) // settings.lstm_hop + 1) // settings.lstm_frames_a_clip
        return super().why_short(samples, settings) + largest("LSTM_CLIPS_A_SONG", clips)


class SongView(View):
    name = "song"

    def shape(self, settings: Settings) -> Shape:
        return 1, settings.n_bands, settings.song_frames

    def clips(self, settings: Settings) -> int:
        return 1

    def samples(self, settings: Settings) -> int:
        return (settings.song_frames - 1) * settings.hop + settings.window


VIEWS = {view.name: view for view in (CnnView(), LstmView(), SongView())}


def largest(setting: str, clips: int) -> str:
    return f", {setting}={clips} would take it" if clips > 0 else ""


def overlapping_clips(settings: Settings) -> int:
    """Clips of a song that are cut to train on, ``frames_a_clip / overlap`` apart."""
    return settings.clips_a_song + (settings.overlap - 1) * (settings.clips_a_song - 1)


def lstm_octaves(window: int) -> range:
    """The k of the octaves 2^k + 1 to 2^(k + 1), bins counted from 1, that are averaged into 8 bands each: 3..9."""
    return range(3, (window // 2).bit_length() - 1)


def minimum_samples(settings: Settings) -> int:
    """Samples that a song needs for every view: 640,768 by default, set by the whole-song view."""
    return max(view.samples(settings) for view in VIEWS.values())


def matrix_settings(settings: Settings) -> dict[str, Any]:
    """The settings that the matrices are made with, by name.

    ``balanced`` is among them only where it is set: so the records of before stay those of the same LMDBs.
    """
    unnamed = ("genres",) if settings.balanced else ("genres", "balanced")
    return {name: value for name, value in settings.items(LMDB) if name not in unnamed}


def check_matrices(settings: Settings) -> None:
    """UserError for settings that no matrix, or no key, can be made with."""
    bins = settings.window // 2
    if settings.n_bands > bins:
        raise UserError(
            f"N_BANDS={settings.n_bands}: a window of {settings.window} has {bins} bins: give as many bands at most"
        )
    if settings.lstm_window < 32 or settings.lstm_window & (settings.lstm_window - 1):
        raise UserError(f"LSTM_WINDOW={settings.lstm_window}: give a power of two, 32 or more: its bands are octaves")
    for view in VIEWS.values():
        if view.train_clips(settings) > CLIP_NUMBERS:
            raise UserError(
                f"{view.name}: {view.train_clips(settings)} clips a song, and at most {CLIP_NUMBERS} can be numbered: "
                "ask for fewer (CLIPS_A_SONG, LSTM_CLIPS_A_SONG, OVERLAP, MASKED_COPIES, LEVEL_COPIES)"
            )
    if settings.split == "clip" and VIEWS["cnn"].has_more_to_train(settings):
        raise UserError("OVERLAP, MASKED_COPIES and LEVEL_COPIES go with whole songs: leave them out with SPLIT=clip")
