"""Waveforms to matrices: the three views of a song that the networks see.

    cnn   15 clips of 33 bands x 166 frames, window 1024, hop 256 (sections 3 and 4 of the paper: about 2 s each)
    song  one matrix of 33 bands x 2500 frames, from the same spectrogram
    lstm  30 clips of 20 frames x 72 bands, window 2048, hop 1024, the first 600 frames

All are power spectrograms |X|^2 under a periodic Hann window without padding, frames = 1 + (n - window) // hop, summed
into bands and put on a decibel scale of 80 dB below the loudest value, stretched to 0..255 (`decibel_image`). Quiet
bands lie up to eight orders of magnitude below loud ones of the same frame, so the transform is done in double
precision: in single precision the bands beside a pure tone were off by up to 0.01. Results are float32.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import numpy as np
import scipy.fft
import scipy.signal

from tools.cli import UserError
from tools.convert.views import VIEWS, View, lstm_octaves
from tools.settings import Settings
from tools.songs.audio import SAMPLE_RATE

FORMULAS = 1  # raised whenever a change in this module changes a value that comes out
RANGE_DB = 80.0
FLOOR = 1e-10
BLOCK = 1 << 16  # samples transformed at a time, so that a block and its spectrum stay in the processor's cache

Bands = Callable[[np.ndarray], np.ndarray]


def views_of(samples: np.ndarray, settings: Settings, views: Iterable[View]) -> dict[str, np.ndarray]:
    """The views asked for, by name, each float32 (clips, 1, height, width) with values in 0..255.

    ``samples`` is a mono waveform at 22050 Hz that is long enough for them.
    """
    names, matrices = [view.name for view in views], {}
    if "cnn" in names or "song" in names:
        image = song_image(samples, settings)
    if "cnn" in names:
        matrices["cnn"] = cut_clips(image, settings)
    if "song" in names:
        matrices["song"] = image[None, :, : settings.song_frames]
    if "lstm" in names:
        matrices["lstm"] = lstm_clips(samples, settings)
    return {name: np.ascontiguousarray(matrices[name][:, None]) for name in names}


def cnn_clips(samples: np.ndarray, settings: Settings = Settings()) -> np.ndarray:  # noqa: B008 (frozen)
    """The clips of a song for the convolutional networks: float32 (15, 33, 166), row 0 the lowest band."""
    return cut_clips(song_image(samples, settings), settings)


def song_matrix(samples: np.ndarray, settings: Settings = Settings()) -> np.ndarray:  # noqa: B008
    """The first 2500 frames of a song as one matrix: float32 (1, 33, 2500)."""
    return song_image(samples, settings)[None, :, : settings.song_frames]


def lstm_clips(samples: np.ndarray, settings: Settings = Settings()) -> np.ndarray:  # noqa: B008
    """The clips of a song for the LSTM: float32 (30, 20, 72), a row per frame. Its 600 frames alone set the maximum."""
    p = settings
    end = VIEWS["lstm"].samples(p)
    power = band_power(samples[:end], p.lstm_window, p.lstm_hop, lstm_band_average)
    return decibel_image(power).reshape(p.lstm_clips_a_song, p.lstm_frames_a_clip, -1)


def song_image(samples: np.ndarray, settings: Settings) -> np.ndarray:
    """All frames of a song, float32 (n_bands, frames): the maximum is taken over the song, past its last clip too."""
    p = settings
    bank = filter_bank(p.bands, p.window, p.n_bands)
    return decibel_image(band_power(samples, p.window, p.hop, lambda power: power @ bank)).T


def cut_clips(image: np.ndarray, settings: Settings) -> np.ndarray:
    """(n_bands, frames) to (clips_a_song, n_bands, frames_a_clip): clip i starts at frame i * frames_a_clip."""
    p = settings
    used = image[:, : p.clips_a_song * p.frames_a_clip]
    return used.reshape(p.n_bands, p.clips_a_song, p.frames_a_clip).transpose(1, 0, 2)


def band_power(samples: np.ndarray, window: int, hop: int, bands: Bands) -> np.ndarray:
    """Power in bands, float64 (frames, n_bands): periodic Hann window, no padding, ``bands`` applied to the bins."""
    hann = scipy.signal.get_window("hann", window, fftbins=True)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    blocks, size = [], max(1, BLOCK // window)
    for start in range(0, len(frames), size):
        spectrum = scipy.fft.rfft(frames[start : start + size] * hann, axis=-1, workers=1)
        blocks.append(bands(spectrum.real**2 + spectrum.imag**2))
    return np.concatenate(blocks)


def decibel_image(power: np.ndarray) -> np.ndarray:
    """Power to 0..255 as float32: 255 at the largest value of all, 0 at 80 dB below it and under."""
    decibel = 10 * np.log10(np.maximum(power, FLOOR))
    lowest = decibel.max() - RANGE_DB
    return (255 * np.maximum(decibel - lowest, 0) / RANGE_DB).astype(np.float32)


def quantize(image: np.ndarray) -> np.ndarray:
    """0..255 rounded to the nearest integer, halves to the even one, as uint8."""
    return np.rint(image).astype(np.uint8)


@functools.lru_cache
def filter_bank(bands: str, window: int, n_bands: int) -> np.ndarray:
    """What a power spectrum is multiplied by: float64 (window // 2 + 1, n_bands).

    mel: librosa's default filters (Slaney's scale and area norm, 0 Hz to half the sample rate).
    linear: averages over bands of equal width. The constant term is left out; bins 1 to window / 2 are shared out by
    rounding the ideal edges, so that a band of 1024 / 2 / 33 = 15.5 bins has 15 or 16 of them.
    Raises UserError if a band would have no bin.
    """
    bank = linear_bank(window, n_bands) if bands == "linear" else mel_bank(window, n_bands)
    if not bank.any(axis=0).all():
        raise UserError(f"N_BANDS={n_bands}: some {bands} bands would hold no bin of a window of {window}: give fewer")
    return bank


def mel_bank(window: int, n_bands: int) -> np.ndarray:
    import warnings

    import librosa.filters  # takes most of a second to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty bands, which `filter_bank` refuses
        return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=window, n_mels=n_bands, dtype=np.float64).T.copy()


def linear_bank(window: int, n_bands: int) -> np.ndarray:
    edges = 1 + np.rint(np.arange(n_bands + 1) * (window // 2) / n_bands).astype(int)
    bank = np.zeros((window // 2 + 1, n_bands))
    for band, (low, high) in enumerate(zip(edges[:-1], edges[1:])):
        bank[low:high, band] = 1 / (high - low)
    return bank


def lstm_band_average(power: np.ndarray) -> np.ndarray:
    """(frames, 1025) to (frames, 72), as the paper's section on the LSTM says and taken literally.

    The first 16 bins as they are, then every octave averaged into 8 bands, so that bins 9 to 16 come twice: k = 3 has
    bands of one bin each. The last bin (half the sample rate) is not used.
    """
    bins = power.shape[1] - 1
    octaves = [power[:, 2**k : 2 ** (k + 1)].reshape(len(power), 8, -1).mean(axis=2) for k in lstm_octaves(2 * bins)]
    return np.concatenate([power[:, :16], *octaves], axis=1)
