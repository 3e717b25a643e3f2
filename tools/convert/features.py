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
from collections.abc import Iterable

import numpy as np
import scipy.fft
import scipy.signal

from tools.cli import UserError
from tools.convert.views import Cut, View, lstm_octaves
from tools.settings import Settings
from tools.songs.audio import SAMPLE_RATE

FORMULAS = 1  # raised whenever a change in this module changes a value that comes out
RANGE_DB = 80.0
FLOOR = 1e-10
BLOCK = 1 << 16  # samples transformed at a time, so that a block and its spectrum stay in the processor's cache


def views_of(samples: np.ndarray, settings: Settings, views: Iterable[View]) -> dict[str, np.ndarray]:
    """The views asked for, by name, each float32 (clips, 1, height, width) with values in 0..255.

    ``samples`` is a mono waveform at 22050 Hz that is long enough for them.
    """
    images: dict[bool, np.ndarray] = {}  # one for the views whose rows are bands, one for those whose rows are frames
    matrices = {}
    for view in views:
        if view.is_sequence not in images:
            images[view.is_sequence] = image_of(samples, view, settings)
        matrices[view.name] = as_matrices(cut_clips(images[view.is_sequence], view.cut(settings)), view)
    return matrices


def image_of(samples: np.ndarray, view: View, settings: Settings) -> np.ndarray:
    """The frames of a song, float32 (frames, bands): the maximum is taken over the song, past its last clip too.

    Of the LSTM its 600 frames alone set the maximum.
    """
    heard = samples[: view.samples(settings)] if view.is_sequence else samples
    return decibel_image(band_power(heard, view, settings))


def cut_clips(image: np.ndarray, cut: Cut) -> np.ndarray:
    """(frames, bands) to (clips, frames of a clip, bands), one after the other; fewer of them where no more fit."""
    clips = min(len(image) // cut.frames, cut.clips)
    return image[: clips * cut.frames].reshape(clips, cut.frames, -1)


def as_matrices(clips: np.ndarray, view: View) -> np.ndarray:
    """(clips, frames, bands) as Datums have them, (clips, 1, height, width): a row a band, or a row a frame."""
    return np.ascontiguousarray((clips if view.is_sequence else clips.transpose(0, 2, 1))[:, None])


def band_power(samples: np.ndarray, view: View, settings: Settings) -> np.ndarray:
    """Power in the bands of a view, float64 (frames, bands): periodic Hann window, no padding."""
    window, hop, *_ = view.cut(settings)
    bank = None if view.is_sequence else filter_bank(settings.bands, window, settings.n_bands)
    hann = scipy.signal.get_window("hann", window, fftbins=True)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    blocks, size = [], max(1, BLOCK // window)
    for start in range(0, len(frames), size):
        spectrum = scipy.fft.rfft(frames[start : start + size] * hann, axis=-1, workers=1)
        power = spectrum.real**2 + spectrum.imag**2
        blocks.append(lstm_band_average(power) if bank is None else power @ bank)
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
