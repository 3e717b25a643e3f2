"""The bytes of an uploaded song to what the page shows of it: verdict, spectrogram, waveform.

Nothing of a request names a file: its bytes lie in a temporary file of ours while they are read, and in no other.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tools.classify.model import Model
from tools.classify.song import Song, cut_song
from tools.classify.verdict import hear
from tools.files import temporary_file
from tools.songs import audio
from tools.songs.audio import SongError

LARGEST_COLUMNS = 8192  # of the spectrogram sent: what every browser's canvas holds
LARGEST_VALUES = 100_000_000  # samples times channels that are decoded: 400 MB


@dataclass(frozen=True)
class Limits:
    """What an upload may be."""

    megabytes: int
    minutes: int

    @property
    def bytes(self) -> int:
        return self.megabytes * 1_000_000


class TooLargeError(SongError):
    """A song beyond the limits."""


def classify_bytes(body: bytes, model: Model, threshold: int, limits: Limits) -> dict:
    """The verdict on a song as JSON, with its spectrogram. Raises SongError and UserError as `tools.classify` does."""
    samples = decode(body, limits)
    song = cut_song(Path("song"), samples, model.view, model.settings)
    [verdict] = hear([song], model, threshold)
    return {"seconds": song.seconds, **verdict.as_json(), "spectrogram": spectrogram(song)}


def decode(body: bytes, limits: Limits) -> np.ndarray:
    """The waveform of an audio file of any kind: mono float32 at 22050 Hz.

    Raises TooLargeError, and SongError where `audio.read_audio` does.
    """
    with temporary_file(body) as path:
        check_length(path, limits)
        return audio.read_audio(path)


def check_length(path: Path, limits: Limits) -> None:
    """TooLargeError for a file whose header tells of more than the limits, before any of it is decoded."""
    header = audio.read_header(path)
    if header is None:
        return  # `read_audio` says what is wrong with it
    if header.frames > limits.minutes * 60 * max(header.rate, 1):
        raise TooLargeError(path, f"too long: a song may last {limits.minutes} minutes here")
    if header.frames * header.channels > LARGEST_VALUES:
        raise TooLargeError(path, "too large: too many channels, or too high a sample rate, for its length")


def spectrogram(song: Song) -> dict:
    """The song's picture as bytes 0..255, row by row from the lowest band, in base64."""
    image, seconds = song.picture(LARGEST_COLUMNS)
    return {
        "bands": len(image),
        "columns": image.shape[1],
        "column_seconds": seconds,
        "values": base64.b64encode(np.rint(image).astype(np.uint8).tobytes()).decode(),
    }


def to_wav(samples: np.ndarray) -> bytes:
    """A mono waveform at 22050 Hz as a 16-bit wav file, which every browser plays."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(samples, -1, 1), audio.SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()
