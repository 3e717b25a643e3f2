"""What the matrices are made with, as options of every tool: the paper's values are the defaults."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields

from tools.cli import UserError

CLIP_NUMBERS = 100  # two digits of a key


@dataclass(frozen=True)
class Parameters:
    """What the matrices are made with; the defaults are the paper's (bands: ours, it does not say).

    Raises UserError for values that no matrix can be made with.
    """

    bands: str = "mel"
    n_bands: int = 33
    window: int = 1024
    hop: int = 256
    frames_a_clip: int = 166
    clips_a_song: int = 15
    song_frames: int = 2500
    lstm_window: int = 2048
    lstm_hop: int = 1024
    lstm_frames_a_clip: int = 20
    lstm_clips_a_song: int = 30
    # Ours, not the paper's: more clips to train on, of the view cnn (tools/convert/train_clips.py)
    overlap: int = 1
    masked_copies: int = 0
    level_copies: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "bands" and getattr(self, field.name) < min(1, field.default):
                raise UserError(f"{field.name}={getattr(self, field.name)}: give {min(1, field.default)} or more")
        if self.bands not in ("mel", "linear"):
            raise UserError(f"bands={self.bands}: choose mel or linear")
        bins = self.window // 2
        if self.n_bands > bins:
            raise UserError(f"n_bands={self.n_bands}: a window of {self.window} has only {bins} bins to share out")
        if self.lstm_window < 32 or self.lstm_window & (self.lstm_window - 1):
            raise UserError(f"lstm_window={self.lstm_window}: its bands are octaves: give a power of two, 32 or more")

        if self.train_clips("cnn") > CLIP_NUMBERS:
            raise UserError(
                f"overlap={self.overlap}, masked_copies={self.masked_copies}, level_copies={self.level_copies}: "
                f"{self.train_clips('cnn')} clips a song, and a key has room for {CLIP_NUMBERS}: ask for fewer"
            )

    @property
    def minimum_samples(self) -> int:
        """Samples that a song needs for every view: 640,768 by default, set by the whole-song view."""
        frames = max(self.song_frames, self.frames_a_clip * self.clips_a_song)
        return max((frames - 1) * self.hop + self.window, (self.lstm_frames - 1) * self.lstm_hop + self.lstm_window)

    @property
    def lstm_frames(self) -> int:
        return self.lstm_frames_a_clip * self.lstm_clips_a_song

    @property
    def lstm_bands(self) -> int:
        """16 single bins and 8 bands for every octave from the fourth on: 72 for a window of 2048."""
        return 16 + 8 * len(lstm_octaves(self.lstm_window))

    def clips(self, view: str) -> int:
        """Records that a song has in a view."""
        return {"cnn": self.clips_a_song, "lstm": self.lstm_clips_a_song, "song": 1}[view]

    @property
    def overlapping_clips(self) -> int:
        """Clips of a song that are cut to train on, ``frames_a_clip / overlap`` apart."""
        return self.clips_a_song + (self.overlap - 1) * (self.clips_a_song - 1)

    def train_clips(self, view: str) -> int:
        """Records that a song of the train part has in a view."""
        if view != "cnn":
            return self.clips(view)
        return self.overlapping_clips * (1 + self.masked_copies + self.level_copies)

    def has_more_to_train(self, view: str) -> bool:
        """Whether a song of the train part has more records than one of the others (`tools.convert.train_clips`)."""
        return self.train_clips(view) != self.clips(view)

    def shape(self, view: str) -> tuple[int, int, int]:
        """Channels, height and width of a view's Datum."""
        return {
            "cnn": (1, self.n_bands, self.frames_a_clip),
            "lstm": (1, self.lstm_frames_a_clip, self.lstm_bands),
            "song": (1, self.n_bands, self.song_frames),
        }[view]

    def differences(self) -> dict[str, object]:
        """The parameters that are not the default, by name, in the order above: what a folder's name says of them."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


def lstm_octaves(window: int) -> range:
    """The k of the octaves 2^k + 1 to 2^(k + 1), bins counted from 1, that are averaged into 8 bands each: 3..9."""
    return range(3, (window // 2).bit_length() - 1)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """An option for each of `Parameters`, as ``--lstm-window``."""
    for field in fields(Parameters):
        option = "--" + field.name.replace("_", "-")
        choices = ("mel", "linear") if field.name == "bands" else None
        kind = str if choices else int
        parser.add_argument(option, type=kind, default=field.default, choices=choices, help=f"default: {field.default}")


def parameters_of(args: argparse.Namespace) -> Parameters:
    """What the options say. UserError for values that no matrix can be made with."""
    return Parameters(**{field.name: getattr(args, field.name) for field in fields(Parameters)})
