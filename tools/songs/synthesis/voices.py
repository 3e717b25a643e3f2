"""The sounds a synthetic song is made of: notes of pitched voices and strokes of a drum kit, each rendered once a song.

A note is a discrete summation formula (Moorer 1976, "The synthesis of complex audio spectra by means of discrete
summation formulae"): the whole harmonic series with amplitudes 1, b, b^2, ... in closed form. The brightness b falls
over a plucked note and stays over a bowed one. A drum stroke is a falling sine and a burst of band-passed noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import signal

SAMPLE_RATE = 22050
NYQUIST = SAMPLE_RATE / 2
FOREVER = 60.0
RELEASE = 0.04
VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (390, 1990, 2550), (570, 840, 2410), (440, 1020, 2240))


@dataclass(frozen=True)
class Voice:
    """How a voice sounds; times in seconds, brightness in 0..1, vibrato and bend as fractions of the frequency."""

    brightness: float
    attack: float = 0.004
    decay: float = FOREVER
    darkening: float = FOREVER
    odd: bool = False
    unison: int = 1
    vibrato: float = 0.0
    breath: float = 0.0
    bend: float = 0.0
    sung: bool = False


VOICES = {
    "piano": Voice(0.58, decay=0.9, darkening=0.4),
    "electric piano": Voice(0.35, decay=0.9, darkening=0.3),
    "organ": Voice(0.55, attack=0.012, vibrato=0.003, unison=2),
    "strings": Voice(0.68, attack=0.12, unison=3, vibrato=0.004),
    "pad": Voice(0.64, attack=0.1, unison=3),
    "steel-string guitar": Voice(0.8, decay=0.5, darkening=0.2),
    "nylon-string guitar": Voice(0.6, decay=0.6, darkening=0.25),
    "banjo": Voice(0.84, decay=0.2, darkening=0.12),
    "electric guitar": Voice(0.68, decay=1.2, darkening=0.6),
    "harpsichord": Voice(0.85, decay=0.5, darkening=0.5),
    "brass": Voice(0.7, attack=0.035, unison=2, vibrato=0.003),
    "saxophone": Voice(0.66, attack=0.03, vibrato=0.006, breath=0.05, bend=-0.02),
    "singer": Voice(0.78, attack=0.04, vibrato=0.009, breath=0.03, bend=-0.03, sung=True),
    "choir": Voice(0.7, attack=0.1, vibrato=0.006, unison=3, sung=True),
    "harmonica": Voice(0.7, attack=0.03, odd=True, vibrato=0.006, bend=-0.03),
    "fiddle": Voice(0.78, attack=0.05, vibrato=0.007),
    "flute": Voice(0.25, attack=0.05, vibrato=0.006, breath=0.08),
    "clarinet": Voice(0.6, attack=0.04, odd=True),
    "pedal steel": Voice(0.5, attack=0.05, decay=1.5, bend=-0.08),
    "synth lead": Voice(0.78, attack=0.008, unison=2),
    "synth pluck": Voice(0.75, decay=0.25, darkening=0.1, odd=True),
    "upright bass": Voice(0.5, attack=0.01, decay=0.45, darkening=0.15),
    "finger bass": Voice(0.62, decay=0.8, darkening=0.3),
    "pick bass": Voice(0.72, decay=0.9, darkening=0.5),
    "synth bass": Voice(0.72, decay=0.6, darkening=0.2, odd=True),
    "sub bass": Voice(0.22, attack=0.01, decay=1.0),
}


@dataclass(frozen=True)
class Drum:
    """One drum: a sine falling by ``drop`` (a fraction of ``tone``, Hz) and noise between ``low`` and ``high`` Hz."""

    tone: float
    drop: float
    tone_decay: float
    noise: float
    noise_decay: float
    low: float
    high: float


DRUMS = {
    "kick": Drum(52, 3.0, 0.12, 0.15, 0.008, 800, 5000),
    "snare": Drum(185, 0.5, 0.05, 0.9, 0.08, 900, 9000),
    "rim": Drum(820, 0.1, 0.012, 0.4, 0.01, 1500, 7000),
    "clap": Drum(400, 0.0, 0.002, 1.0, 0.07, 900, 4500),
    "hat": Drum(4200, 0.0, 0.004, 0.8, 0.022, 5500, 10500),
    "open hat": Drum(4200, 0.0, 0.01, 0.8, 0.14, 5000, 10500),
    "ride": Drum(3100, 0.0, 0.12, 0.45, 0.16, 4000, 10000),
    "crash": Drum(2400, 0.0, 0.03, 0.9, 0.5, 2500, 10500),
    "tom": Drum(110, 0.6, 0.14, 0.15, 0.03, 300, 4000),
}

# The factors by which a kit's pitch, decay, noise and upper band edge differ from the drums above.
KITS = {
    "acoustic": (1.0, 1.0, 1.0, 1.0),
    "machine": (0.9, 1.5, 0.8, 1.0),
    "brushes": (1.15, 0.8, 0.8, 0.8),
    "tight": (1.05, 0.7, 1.0, 0.95),
    "heavy": (0.95, 1.2, 1.2, 1.0),
}


def detuned(voice: Voice, rng: np.random.Generator, spread: float) -> Voice:
    """The same voice as another player has it: ``spread`` is the standard deviation of the logarithm of its times."""
    factor = np.exp(spread * rng.standard_normal(4))
    # The logit keeps the brightness in 0..1 whatever the spread.
    odds = voice.brightness / (1 - voice.brightness) * factor[3]
    return replace(
        voice,
        brightness=odds / (1 + odds),
        attack=voice.attack * factor[0],
        decay=voice.decay * factor[1],
        darkening=voice.darkening * factor[2],
    )


def note(voice: Voice, frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """One note, float32 of shape (samples,), about 0.7 RMS while it is held; ``frequency`` in Hz."""
    time = np.arange(int((seconds + RELEASE) * SAMPLE_RATE), dtype=np.float64) / SAMPLE_RATE
    brightness = voice.brightness * (0.35 + 0.65 * np.exp(-time / voice.darkening))
    # The series has no end: what lies above the Nyquist frequency comes back, so it is kept 46 dB down.
    brightness = np.minimum(brightness, 0.005 ** (frequency / NYQUIST)).astype(np.float32)
    sound = np.zeros(len(time), dtype=np.float32)
    for detuning in np.linspace(-0.004, 0.004, voice.unison) if voice.unison > 1 else [0.0]:
        cycles = _cycles(voice, frequency * (1 + detuning), time) + rng.random()
        sound += harmonic_series((2 * np.pi * (cycles % 1.0)).astype(np.float32), brightness, voice.odd)
    if voice.breath:
        sound += voice.breath * voice.unison * rng.standard_normal(len(time), dtype=np.float32)
    if voice.sung:
        sound = _vowel(sound, VOWELS[rng.integers(len(VOWELS))])
    envelope = np.minimum(time / voice.attack, 1.0) * np.exp(-time / voice.decay)
    envelope *= np.clip((seconds + RELEASE - time) / RELEASE, 0.0, 1.0)
    return sound * (envelope / np.sqrt(voice.unison)).astype(np.float32)


def harmonic_series(phase: np.ndarray, brightness: np.ndarray, odd: bool = False) -> np.ndarray:
    """Sum of b^(k-1) sin(k phase) over all k >= 1, or over odd k, scaled to the power of a sine (Moorer 1976)."""
    if odd:
        power = 1 / (1 - brightness**4)
        series = (1 + brightness**2) * np.sin(phase) / (1 - 2 * brightness**2 * np.cos(2 * phase) + brightness**4)
    else:
        power = 1 / (1 - brightness**2)
        series = np.sin(phase) / (1 - 2 * brightness * np.cos(phase) + brightness**2)
    return series / np.sqrt(power)


def drum(stroke: Drum, rng: np.random.Generator) -> np.ndarray:
    """One stroke, float32 of shape (samples,), with a peak of 1."""
    seconds = min(1.5, 5 * max(stroke.tone_decay, stroke.noise_decay))
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    fall = 0.02
    cycles = stroke.tone * (time + stroke.drop * fall * (1 - np.exp(-time / fall)))
    tone = np.sin(2 * np.pi * cycles) * np.exp(-time / stroke.tone_decay)
    band = signal.butter(2, (stroke.low, min(stroke.high, 0.98 * NYQUIST)), "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = signal.sosfilt(band, rng.standard_normal(len(time)))
    noise *= np.exp(-time / stroke.noise_decay) / (np.abs(noise).max() + 1e-9)
    sound = (1 - stroke.noise) * tone + stroke.noise * noise
    return (sound / np.abs(sound).max()).astype(np.float32)


def drum_kit(name: str, rng: np.random.Generator, spread: float) -> dict[str, np.ndarray]:
    """Every drum of the kit, tuned by chance; ``spread`` is the standard deviation of the logarithm of each factor."""
    strokes = {}
    for drum_name, stroke in DRUMS.items():
        pitch, decay, noise, edge = np.array(KITS[name]) * np.exp(spread * rng.standard_normal(4))
        tuned = Drum(
            tone=min(stroke.tone * pitch, 6000),
            drop=stroke.drop,
            tone_decay=stroke.tone_decay * decay,
            noise=min(stroke.noise * noise, 0.97),
            noise_decay=stroke.noise_decay * decay,
            low=stroke.low * min(edge, 1.2),
            high=max(stroke.high * edge, 1.6 * stroke.low * min(edge, 1.2)),
        )
        strokes[drum_name] = drum(tuned, rng)
    return strokes


def _cycles(voice: Voice, frequency: float, time: np.ndarray) -> np.ndarray:
    """The phase in cycles: the integral of a frequency that is bent into at the start and then wavers at 5.5 Hz."""
    glide = 0.06
    bent = voice.bend * glide * (1 - np.exp(-time / glide))
    waver = voice.vibrato * np.minimum(time / 0.3, 1.0) * (1 - np.cos(2 * np.pi * 5.5 * time)) / (2 * np.pi * 5.5)
    return frequency * (time + bent + waver)


def _vowel(sound: np.ndarray, formants: tuple[int, ...]) -> np.ndarray:
    """The sound through three resonances, as a mouth shapes it."""
    shaped = 0.15 * sound
    for formant, gain in zip(formants, (1.0, 0.7, 0.4)):
        numerator, denominator = signal.iirpeak(formant, formant / 110, fs=SAMPLE_RATE)
        shaped += gain * signal.lfilter(numerator, denominator, sound).astype(np.float32)
    return 2 * shaped
