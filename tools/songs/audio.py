"""Audio files to waveforms: mono float32 at 22050 Hz, and the rules by which a song is usable.

libsndfile reads what it can read to its end; FFmpeg, by PyAV, reads the rest. A song is used when it can be read, holds
enough samples, is not silent and has only finite samples. What is not used is a `SongError`, whose ``reason`` says why
in a few words.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import soundfile

from tools.cli import UserError, printable

SAMPLE_RATE = 22050
MINIMUM_SAMPLES = 640_768  # the whole-song view: (2500 - 1) * 256 + 1024
LONGEST_SAMPLES = 675_833  # 30.65 s, as long as GTZAN's longest: of more, the middle is taken
SILENCE = 1e-4
USABLE_RATES = (1000, 1_000_000)  # Hz; a header that claims anything else is damaged
SUFFIXES = frozenset(
    (".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".caf", ".flac", ".m4a", ".m4b", ".mka")
    + (".mp2", ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".opus", ".ra", ".rf64", ".snd", ".spx", ".tta", ".w64", ".wav")
    + (".weba", ".webm", ".wma", ".wv")
)
# Formats whose header says how many samples there are: what libsndfile reads of them is all there is
EXACT_FORMATS = ("AIFF", "AU", "CAF", "FLAC", "RF64", "W64", "WAV", "WAVEX")
# What FFmpeg has to recognise in a file that libsndfile could not read, so that noise is not taken for music
CONTAINERS = {".wav": "wav", ".au": "au", ".flac": "flac"}
MORE_SECONDS = 0.25  # decoders differ by less, in what they make of the padding at both ends
UNKNOWN_LENGTH = 1 << 40  # frames: what libsndfile says of a stream without a length is beyond


class SongError(UserError):
    """A song that can't be used: ``reason`` in a few words, and the file's name before it when printed.

    A manifest keeps the reasons, and `tools.verify` compares them: one in other words would be a failure.
    """

    def __init__(self, path: Path, reason: str):
        # Both go to Exception so that the error survives the way back from another process.
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


def read_audio(path: Path) -> np.ndarray:
    """The waveform of an audio file: float32 (samples,), channels averaged, at 22050 Hz.

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
        seconds = f"{minimum_samples / SAMPLE_RATE:.2f} s at {SAMPLE_RATE} Hz"
        raise SongError(path, f"too short: {len(samples)} samples, {minimum_samples} are needed ({seconds})")
    check_sound(path, samples)
    return samples


def check_sound(path: Path, samples: np.ndarray) -> None:
    """SongError for a song with no sample above `SILENCE`."""
    if not np.any(np.abs(samples) > SILENCE):
        raise SongError(path, f"silent: no sample is above {SILENCE:g}")


def middle(samples: np.ndarray, length: int) -> np.ndarray:
    """The ``length`` samples in the middle of a song that is longer than GTZAN's longest; all samples of any other."""
    if len(samples) <= LONGEST_SAMPLES or len(samples) <= length:
        return samples
    start = (len(samples) - length) // 2
    return samples[start : start + length]


def read_channels(path: Path) -> tuple[np.ndarray, int]:
    """All channels of a file, float32 (samples, channels), and its sample rate in Hz. SongError where it can't be."""
    # A named pipe would be waited on for ever.
    if not path.is_file():
        raise SongError(path, "it is not a file" if path.exists() else "there is no such file")
    try:
        with path.open("rb") as file:  # the file system's own errors say more than libsndfile's
            file.read(1)
            channels, rate = decode(file, path.suffix.lower())
    except OSError as error:
        raise SongError(path, f"unreadable: {error.strerror or error}") from None
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        # libsndfile's own words, without the Python object that it was reading
        words = str(getattr(error, "error_string", error)).strip().splitlines() or ["nothing is known of it"]
        raise SongError(path, f"unreadable as audio: {words[0].rstrip('.')}") from None
    except MemoryError:
        raise SongError(path, "unreadable: its header claims more samples than memory holds") from None
    if not USABLE_RATES[0] <= rate <= USABLE_RATES[1]:
        raise SongError(path, f"unreadable: its header claims a sample rate of {rate} Hz")
    return channels, rate


def decode(file: IO[bytes], suffix: str) -> tuple[np.ndarray, int]:
    """Channels (samples, channels) and rate by libsndfile, or by FFmpeg where that reads more of the file.

    Raises libsndfile's error where neither reads it, ValueError for a file that is cut short.
    """
    try:
        file.seek(0)
        header = soundfile.info(file)
    except soundfile.SoundFileError as error:
        try:
            return decode_by_ffmpeg(file, CONTAINERS.get(suffix))
        except ValueError:
            raise error from None
    if header.format in EXACT_FORMATS and 0 < header.frames < UNKNOWN_LENGTH:
        channels, rate = decode_by_libsndfile(file)
        if len(channels) < header.frames:
            raise ValueError(f"cut short: {len(channels)} of its {header.frames} samples are there")
        return channels, rate
    try:
        longer = decode_by_ffmpeg(file, None)
    except ValueError:
        return decode_by_libsndfile(file)
    try:
        channels, rate = decode_by_libsndfile(file)
    except (soundfile.SoundFileError, MemoryError, ValueError):
        return longer
    return longer if len(longer[0]) / longer[1] > len(channels) / rate + MORE_SECONDS else (channels, rate)


def decode_by_libsndfile(file: IO[bytes]) -> tuple[np.ndarray, int]:
    file.seek(0)
    return soundfile.read(file, dtype="float32", always_2d=True)


def decode_by_ffmpeg(file: IO[bytes], container_name: str | None) -> tuple[np.ndarray, int]:
    """The first audio stream of a file, to its end: channels (samples, channels) float32, and rate.

    Packets that fail are passed over, as FFmpeg's own programs do. ValueError where nothing can be decoded, or the
    container is another than the one that is named.
    """
    import av  # FFmpeg; most songs don't need it

    file.seek(0)
    frames: list[np.ndarray] = []
    try:
        with av.open(file, "r", metadata_errors="replace") as container:
            if container_name and container_name not in container.format.name.split(","):
                raise ValueError(f"not a {container_name} file")
            if not container.streams.audio:
                raise ValueError("no audio stream in it")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise ValueError("its sound is coded in a way that FFmpeg does not know")
            resampler = av.AudioResampler("fltp", stream.layout, stream.rate)
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.InvalidDataError:
                    continue
                # FFmpeg 7.1 gives each Speex frame twice the room that it fills
                filled = packet.duration if stream.codec_context.name == "speex" else None
                for frame in decoded:
                    if isinstance(frame, av.AudioFrame):
                        frames += [part.to_ndarray()[:, :filled] for part in resampler.resample(frame)]
            rate = stream.rate
    except av.FFmpegError as error:
        raise ValueError(str(error)) from None
    if not frames:
        raise ValueError("no sound in it")
    return np.concatenate(frames, axis=1).T, rate


class Header(NamedTuple):
    """What a file claims to hold: ``frames`` of one sample a channel, at ``rate`` Hz."""

    frames: int
    rate: int
    channels: int


def read_header(path: Path) -> Header | None:
    """What a file says of itself by libsndfile, or by FFmpeg where that can't read it; None where it does not say."""
    try:
        with path.open("rb") as file:
            info = soundfile.info(file)
        return Header(info.frames, info.samplerate, info.channels)
    except (OSError, soundfile.SoundFileError, RuntimeError, TypeError):
        pass
    import av

    try:
        with av.open(str(path), "r", metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                return None
            seconds = (container.duration or 0) / av.time_base
            about = Header(int(seconds * stream.rate), stream.rate, stream.channels)
    except (av.FFmpegError, IndexError, OSError):
        return None
    return about


def other_format(path: Path) -> str | None:
    """What `read_audio` brings to mono at 22050 Hz, as '2 channels, 44100 Hz'; None for what is that already."""
    about = read_header(path)
    if about is None or (about.channels, about.rate) == (1, SAMPLE_RATE):
        return None
    return f"{about.channels} channel{'s' if about.channels > 1 else ''}, {about.rate} Hz"


def resample(path: Path, samples: np.ndarray, rate: int) -> np.ndarray:
    """A waveform at ``rate`` Hz brought to 22050 Hz."""
    import librosa  # takes most of a second to import, and GTZAN is at 22050 Hz throughout

    if len(samples) == 0:
        return samples
    resampled = librosa.resample(samples, orig_sr=rate, target_sr=SAMPLE_RATE, res_type="soxr_hq")
    if not np.isfinite(resampled).all():
        raise SongError(path, "its samples overflow when resampled")
    return resampled
