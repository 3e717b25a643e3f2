"""From tracks to a finished song: overdrive, swell, echo, tilt of the spectrum, bandwidth, noise floor and level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import signal

from tools.songs.synthesis.voices import SAMPLE_RATE


@dataclass(frozen=True)
class Production:
    """How a song was recorded."""

    tilt: float  # dB between the bottom and the top of the spectrum
    bandwidth: float  # Hz
    noise: float  # dB, the song being 0
    hiss: float  # 0: as much noise in every band; towards 1: a rumble
    room: float  # share of the echo
    echo: float  # seconds
    squeeze: float  # RMS on entering the limiter
    peak: float  # of full scale


def rms(track: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(track))))


def overdrive(track: np.ndarray, drive: float) -> np.ndarray:
    """A valve amplifier: the track at ``drive`` times unit RMS through tanh, then a loudspeaker that ends at 5 kHz."""
    driven = np.tanh(np.float32(drive / (rms(track) + 1e-9)) * track)
    cabinet = signal.butter(2, 5000, fs=SAMPLE_RATE)
    return signal.lfilter(*(c.astype(np.float32) for c in cabinet), driven)


def swell(samples: int, depth: float, rng: np.random.Generator) -> np.ndarray:
    """A gain that comes and goes by ``depth`` dB over 4 to 10 seconds, float32 of shape (samples,)."""
    knots = np.linspace(0, samples, max(2, int(samples / SAMPLE_RATE / rng.uniform(2, 5))))
    heights = rng.uniform(-depth, 0, size=len(knots))
    heights[::2] *= 0.2
    gains = 10 ** (np.interp(np.arange(0, samples, 256), knots, heights) / 20)
    return gains.astype(np.float32).repeat(256)[:samples]


def master(mix: np.ndarray, production: Production, rng: np.random.Generator) -> np.ndarray:
    """The finished song, float32 of the mix's shape, its largest sample at ``production.peak``."""
    song = mix.copy()
    for bounce in (1, 2, 3):
        delay = int(bounce * production.echo * (1 + 0.13 * bounce) * SAMPLE_RATE)
        song[delay:] += np.float32(production.room**bounce) * mix[:-delay]
    song = _equalise(song, production)
    song /= rms(song) + 1e-9
    song += np.float32(10 ** (production.noise / 20)) * _noise(len(song), production.hiss, rng)
    song = np.tanh(np.float32(production.squeeze) * song)
    return song * np.float32(production.peak / np.abs(song).max())


def _equalise(song: np.ndarray, production: Production) -> np.ndarray:
    """A shelf around 1 kHz that tilts the spectrum, and a second-order low-pass filter at the bandwidth."""
    half = 10 ** (production.tilt / 40)
    corner = np.tan(np.pi * 1000 / SAMPLE_RATE)
    shelf = (np.array([half + corner / half, corner / half - half]), np.array([1 + corner, corner - 1]))
    low_pass = signal.butter(2, production.bandwidth, fs=SAMPLE_RATE)
    numerator = np.convolve(shelf[0], low_pass[0]).astype(np.float32)
    denominator = np.convolve(shelf[1], low_pass[1]).astype(np.float32)
    return signal.lfilter(numerator, denominator, song)


def _noise(samples: int, hiss: float, rng: np.random.Generator) -> np.ndarray:
    """Unit-RMS noise between white (0) and low-passed (towards 1)."""
    white = rng.standard_normal(samples, dtype=np.float32)
    coefficient = np.float32(hiss)
    coloured = signal.lfilter(np.array([1.0], np.float32), np.array([1.0, -coefficient], np.float32), white)
    return coloured * np.sqrt(1 - coefficient**2)
