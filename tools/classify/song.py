"""A song of any length to the clips that a trained net reads, levelled as training levelled them.

Every value that a net sees is relative to the loudest band of a training song of about 30 s, so that the level of a
recording cancels. A song no longer than the longest of GTZAN is cut exactly as in training: its first 15 clips (30 for
the LSTM), the maximum over all its frames (the first 600 for the LSTM).

A longer song is cut into as many clips as it holds. A maximum over all of it would be another measure than the one
trained with: one loud chorus would darken the whole song. So each clip is levelled within the excerpt of training
length around it (at the ends of the song, the first or last such excerpt), as if that excerpt had been a training
song. An excerpt more than 40 dB below the loudest of the song is the exception: it is levelled by those 40 dB, since
else the noise of a pause would be blown up to the level of music.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.convert import features
from tools.convert.views import View
from tools.settings import Settings
from tools.songs import audio
from tools.songs.audio import LONGEST_SAMPLES, SAMPLE_RATE, SongError

PAUSE = 1e-4  # power, relative to the song's loudest: 40 dB below it


@dataclass(frozen=True)
class Song:
    """A song cut into clips."""

    seconds: float
    clips: np.ndarray  # (clips, 1, height, width) float32, or uint8 for the int variant, 0..255 as in the LMDBs
    clip_seconds: float  # clip i begins at i * clip_seconds
    image: np.ndarray  # (bands, frames) float32, 0..255: all of the song under one maximum, to be looked at
    frame_seconds: float

    def picture(self, columns: int) -> tuple[np.ndarray, float]:
        """The image in so many columns at most, each the maximum of as many frames; and the seconds of one."""
        step = max(1, -(-self.image.shape[1] // columns))
        used = self.image[:, : self.image.shape[1] // step * step]
        return used.reshape(len(used), -1, step).max(axis=2), step * self.frame_seconds


def read_song(path: Path, view: View, settings: Settings) -> Song:
    """Read any audio file, of at least one clip.

    Raises SongError for a file that can't be read, and where `cut_song` does.
    """
    return cut_song(path, audio.read_audio(path), view, settings)


def cut_song(path: Path, samples: np.ndarray, view: View, settings: Settings) -> Song:
    """Cut a mono waveform at 22050 Hz. SongError, naming ``path``, for one that is silent or shorter than a clip."""
    cut = view.cut(settings)
    shortest = cut._replace(clips=1).samples
    if len(samples) < shortest:
        needed = math.ceil(shortest / SAMPLE_RATE * 100) / 100
        raise SongError(path, f"too short: {len(samples) / SAMPLE_RATE:.2f} s, and this network needs {needed:.2f} s")
    audio.check_sound(path, samples)
    power = features.band_power(samples, view, settings)
    # The frames of a training song that set its maximum
    levelled = cut.frames * cut.clips if view.is_sequence else 1 + (LONGEST_SAMPLES - cut.window) // cut.hop
    if len(samples) > LONGEST_SAMPLES:
        power = lift(power, PAUSE)
        clips = level_long_song(power, cut.frames, levelled)
    else:
        power = lift(power, 1)
        clips = features.cut_clips(features.decibel_image(power[:levelled]), cut)
    clips = features.as_matrices(clips, view)
    return Song(
        seconds=len(samples) / SAMPLE_RATE,
        clips=features.quantize(clips) if settings.dtype == "int" else clips,
        clip_seconds=cut.frames * cut.hop / SAMPLE_RATE,
        image=features.decibel_image(power).T,
        frame_seconds=cut.hop / SAMPLE_RATE,
    )


def lift(power: np.ndarray, quietest: float) -> np.ndarray:
    """The power of a very quiet song, raised: the formulas' floor of 1e-10 then lies below the 80 dB that they show.

    ``quietest`` is the lowest maximum that a clip may be levelled by, as a share of the song's. A song as loud as
    GTZAN's stays as it is.
    """
    needed = features.FLOOR * 10 ** (features.RANGE_DB / 10) / quietest
    return power if power.max() >= needed else power * (needed / power.max())


def level_long_song(power: np.ndarray, frames: int, levelled: int) -> np.ndarray:
    """Clips (clips, frames, bands) of a long song, from its band power (frames, bands).

    Each is levelled within the excerpt of training length, ``levelled`` frames, around it.
    """
    # Put below every excerpt as a frame of its own, it keeps the maximum from sinking further in a pause.
    pause = np.full((1, power.shape[1]), PAUSE * power.max())
    clips = []
    for start in range(0, len(power) - frames + 1, frames):
        centred = start + frames // 2 - levelled // 2
        first = min(max(centred, 0), len(power) - levelled)
        image = features.decibel_image(np.concatenate([power[first : first + levelled], pause]))
        clips.append(image[start - first : start - first + frames])
    return np.stack(clips)
