"""The three views of a song that the networks see: how many clips, of which shape, and how long a song has to be.

cnn   15 clips of 33 bands x 166 frames (sections 3 and 4 of the paper: about 2 s each)
song  one matrix of 33 bands x 2500 frames
lstm  30 clips of 20 frames x 72 bands
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from tools.cli import UserError
from tools.settings import LMDB, Settings

CLIP_NUMBERS = 100  # two digits of a key

Shape = tuple[int, int, int]


class Cut(NamedTuple):
    """How a song is cut: STFT windows of so many samples, one each ``hop`` samples, into clips of so many frames."""

    window: int
    hop: int
    frames: int  # of a clip
    clips: int = 1  # of a song

    @property
    def samples(self) -> int:
        """Samples that the clips of a song need, at 22050 Hz."""
        return (self.frames * self.clips - 1) * self.hop + self.window


@dataclass(frozen=True)
class View:
    """What of a song a network sees. A view's name begins the names of its LMDBs."""

    name: str
    settings: tuple[str, ...]  # that have the numbers of its `Cut`
    is_sequence: bool = False  # whether a row of the matrix is a step in time

    def cut(self, settings: Settings) -> Cut:
        return Cut(*(getattr(settings, name) for name in self.settings))

    def shape(self, settings: Settings) -> Shape:
        """Channels, height and width of a clip."""
        frames = self.cut(settings).frames
        bands = 16 + 8 * len(lstm_octaves(settings.lstm_window))
        return (1, frames, bands) if self.is_sequence else (1, settings.n_bands, frames)

    def clips(self, settings: Settings) -> int:
        """Clips of a song."""
        return self.cut(settings).clips

    def samples(self, settings: Settings) -> int:
        """Samples that a song needs, at 22050 Hz."""
        return self.cut(settings).samples

    def train_clips(self, settings: Settings) -> int:
        """Records of a song of the train part: its clips and, of the view cnn, those that are made besides."""
        if self.name != "cnn":
            return self.clips(settings)
        return overlapping_clips(settings) * (1 + settings.masked_copies + settings.level_copies)

    def has_more_to_train(self, settings: Settings) -> bool:
        return self.train_clips(settings) != self.clips(settings)

    def why_short(self, samples: int, settings: Settings) -> str:
        """Why a song of so few samples is not used for this view, and the setting that would take it."""
        cut = self.cut(settings)
        fit = ((samples - cut.window) // cut.hop + 1) // cut.frames
        way_out = "".join(f", {name.upper()}={fit} would take it" for name in self.settings[3:] if fit > 0)
        return f"too short for {self.name}: {samples} samples, {cut.samples} are needed{way_out}"


CNN = View("cnn", ("window", "hop", "frames_a_clip", "clips_a_song"))
LSTM = View("lstm", ("lstm_window", "lstm_hop", "lstm_frames_a_clip", "lstm_clips_a_song"), is_sequence=True)
SONG = View("song", ("window", "hop", "song_frames"))
VIEWS = {view.name: view for view in (CNN, LSTM, SONG)}


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
