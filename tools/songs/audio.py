"""Audio files to waveforms: mono float32 at 22050 Hz, and the rules by which a song is usable.

A song is used when it can be read, holds enough samples for every view, is not silent and has only finite samples.
What is not used is a `SongError`, whose ``reason`` says why in a few words.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tools.cli import UserError

SAMPLE_RATE = 22050
MINIMUM_SAMPLES = 640768  # the whole-song view: (2500 - 1) * 256 + 1024
SILENCE = 1e-4
USABLE_RATES = (1000, 1_000_000)  # Hz; a header that claims anything else is damaged


class SongError(UserError):
    """A song that can't be used: ``reason`` in a few words, and the file's name before it when printed."""

    def __init__(self, path: Path, reason: str):
        # Both go to Exception so that the error survives the way back from another process.
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        name = str(self.path)
        return f"{name if name.isprintable() else ascii(name)}: {self.reason}"


def read_audio(path: Path) -> np.ndarray:
    """The waveform of a wav, au or flac file: float32 (samples,), channels averaged, at 22050 Hz.

    Another sample rate is resampled by librosa (soxr_hq) after the channels are averaged.
    Raises SongError if the file can't be read or holds a sample that is not finite.
    """
    channels, rate = read_channels(path)
    samples = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1, dtype=np.float32)
    if not np.isfinite(samples).all():
        raise SongError(path, "it has samples that are not finite (NaN or infinity)")
    return samples if rate == SAMPLE_RATE else resample(path, samples, rate)


def read_song(path: Path, minimum_samples: int = MINIMUM_SAMPLES) -> np.ndarray:
    """`read_audio`, and a SongError also for a song that is too short for every view or silent."""
    samples = read_audio(path)
    if len(samples) < minimum_samples:
        raise SongError(path, f"too short: {len(samples)} samples at {SAMPLE_RATE} Hz, {minimum_samples} are needed")
    if not np.any(np.abs(samples) > SILENCE):
        raise SongError(path, f"silent: no sample is above {SILENCE:g}")
    return samples


def read_channels(path: Path) -> tuple[np.ndarray, int]:
    """All channels of a file, float32 (samples, channels), and its sample rate in Hz."""
    # A named pipe would be waited on for ever.
    if not path.is_file():
        raise SongError(path, "it is not a file" if path.exists() else "there is no such file")
    try:
        with path.open("rb") as file:  # the file system's own errors say more than libsndfile's
            file.read(1)
            file.seek(0)
            channels, rate = soundfile.read(file, dtype="float32", always_2d=True)
    except OSError as error:
        raise SongError(path, f"unreadable: {error.strerror or error}") from None
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise SongError(path, f"unreadable as audio: {short_reason(error)}") from None
    except MemoryError:
        raise SongError(path, "unreadable: its header claims more samples than memory holds") from None
    if not USABLE_RATES[0] <= rate <= USABLE_RATES[1]:
        raise SongError(path, f"unreadable: its header claims a sample rate of {rate} Hz")
    return channels, rate


def other_format(path: Path) -> str | None:
    """What `read_audio` brings to mono at 22050 Hz, as '2 channels, 44100 Hz'; None for what is that already."""
    try:
        with path.open("rb") as file:
            found = soundfile.info(file)
    except (OSError, soundfile.SoundFileError, RuntimeError):
        return None
    if (found.channels, found.samplerate) == (1, SAMPLE_RATE):
        return None
    return f"{found.channels} channel{'s' if found.channels > 1 else ''}, {found.samplerate} Hz"


def resample(path: Path, samples: np.ndarray, rate: int) -> np.ndarray:
    """A waveform at ``rate`` Hz brought to 22050 Hz."""
    import librosa  # takes most of a second to import, and GTZAN is at 22050 Hz throughout

    if len(samples) == 0:
        return samples
    resampled = librosa.resample(samples, orig_sr=rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
    if not np.isfinite(resampled).all():
        raise SongError(path, "its samples overflow when resampled")
    return resampled


def short_reason(error: Exception) -> str:
    """libsndfile's own words, without the Python object that it was reading."""
    return getattr(error, "error_string", str(error)).strip().splitlines()[0].rstrip(".")
