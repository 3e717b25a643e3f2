"""A recipe played: drums, bass, chords and lead, bar by bar, each on a track of its own, then mixed and recorded.

Everything comes from one generator seeded by (seed, genre, number), so a song does not depend on which others are made.
"""

from __future__ import annotations

import re

import numpy as np
from scipy import signal

from tools.songs.audio import SAMPLE_RATE
from tools.songs.gtzan import GENRES
from tools.songs.recipes import RECIPES, TONES, Part, Style, Tone

SAMPLES = 661794  # as most of GTZAN's songs: 30.01 s
STEPS = 16  # sixteenths a bar
SECTION = 4  # bars that a player plays or rests
RELEASE = 0.03  # seconds
CYCLE = 4096  # samples
# Gain, frequency at the end (Hz), how much higher the drum begins, seconds to 1/e, gain and band (Hz) of its noise
DRUMS = {
    "kick": (1, 52, 3, 0.12, 0.1, (800, 5000)),
    "snare": (1, 185, 0.5, 0.08, 2, (900, 9000)),
    "clap": (1, 400, 0, 0.07, 9, (900, 4500)),
    "hat": (0.35, 4200, 0, 0.025, 6, (5500, 10500)),
    "open hat": (0.35, 4200, 0, 0.14, 9, (5000, 10500)),
    "ride": (0.35, 3100, 0, 0.15, 1, (4000, 10000)),
    "crash": (0.35, 2400, 0, 0.4, 9, (2500, 10500)),
}


def song(seed: int, genre: str, number: int) -> np.ndarray:
    """Song ``number`` of a genre: float32 of shape (661794,) at 22050 Hz, within -1..1."""
    rng = np.random.default_rng([seed, GENRES.index(genre), number])
    style, groove, *parts = RECIPES[genre]
    bar = 4 * 60 * SAMPLE_RATE / rng.uniform(*style.tempo)
    onsets = bar_onsets(bar, style.swing)
    key = int(rng.integers(12))
    tracks = [(style.drum_level, play_drums(groove, onsets, rng))]
    tracks += [(part.level, play(part, style, key, onsets, rng)) for part in parts]
    # By loudness, so that the balance does not depend on how many notes a track has.
    loud = (track * (10 ** ((level + rng.uniform(-3, 3)) / 20) / (rms(track) + 1e-9)) for level, track in tracks)
    mix = sum(loud, np.zeros(SAMPLES, np.float32))
    return record(mix, style, int(3 * bar / STEPS), rng)


def bar_onsets(bar: float, swing: float) -> np.ndarray:
    """The sample at which each sixteenth begins, int of shape (bars, 16); swing moves the second half of each beat."""
    beats = np.interp(np.arange(STEPS) % 4, (0, 2, 4), (0, swing, 1)) + np.arange(STEPS) // 4
    return np.round(bar * (np.arange(int(SAMPLES / bar) + 1)[:, None] + beats / 4)).astype(int)


def play_drums(groove: dict[str, str], onsets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The drum track, float32 of shape (661794,): a kit tuned by chance, now and then a stroke more or less."""
    track = np.zeros(SAMPLES, np.float32)
    for name, pattern in groove.items():
        stroke = drum(name, rng)
        for bar in onsets:
            strokes = np.where(rng.random(STEPS) < 0.04, rng.choice(list(".o"), STEPS), list(pattern))
            for step in np.flatnonzero(strokes != "."):
                add(track, stroke, bar[step], rng.uniform(0.8, 1.1) * (1 if strokes[step] == "x" else 0.35))
    return track


def drum(name: str, rng: np.random.Generator) -> np.ndarray:
    """One stroke, float32 of shape (samples,), with a peak of the drum's gain: a falling sine and noise."""
    gain, tone, drop, decay, noise, band = DRUMS[name]
    pitch, length = np.exp(0.1 * rng.standard_normal(2))
    time = np.arange(int(5 * decay * length * SAMPLE_RATE)) / SAMPLE_RATE
    sine = np.sin(2 * np.pi * pitch * tone * (time + drop * 0.02 * (1 - np.exp(-time / 0.02))))
    burst = filtered(rng.uniform(-1, 1, len(time)), band, "bandpass")
    sound = (sine + noise * burst) * np.exp(-time / (decay * length))
    return (gain * sound / np.abs(sound).max()).astype(np.float32)


def play(part: Part, style: Style, key: int, onsets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A player's track, float32 of shape (661794,). Each note is made once and put wherever it is played."""
    track = np.zeros(SAMPLES, np.float32)
    tone, pattern = TONES[rng.choice(part.tones)], rng.choice(part.patterns)
    tone = tone._replace(brightness=tone.brightness ** rng.uniform(0.7, 1.4), decay=tone.decay * rng.uniform(0.7, 1.4))
    sixteenth = (onsets[1, 0] - onsets[0, 0]) / STEPS / SAMPLE_RATE
    notes: dict[tuple[int, int], np.ndarray] = {}
    for number, bar in enumerate(onsets):
        if number % SECTION == 0:
            rests = number > 0 and rng.random() < 0.15
        root = part.register + (key + style.roots[number % len(style.roots)]) % 12
        for symbols in re.finditer("[^-.]-*", "" if rests else pattern):
            held, gain = len(symbols[0]), rng.uniform(0.7, 1)
            for pitch in pitches(symbols[0][0], root, part.register + key, style.chord, rng):
                if (pitch, held) not in notes:
                    notes[pitch, held] = note(tone, 440 * 2 ** ((pitch - 69) / 12), held * sixteenth, rng)
                add(track, notes[pitch, held], bar[symbols.start()], gain)
    if part.drive:  # a valve amplifier, and a loudspeaker that ends at 5 kHz
        track = filtered(np.tanh(part.drive * rng.uniform(0.6, 1.5) / rms(track) * track), 5000)
    return track


def pitches(symbol: str, root: int, tonic: int, chord: tuple[int, ...], rng: np.random.Generator) -> list[int]:
    """The MIDI notes that a pattern's symbol stands for; a melody has the notes of a pentatonic scale by chance."""
    if symbol == "m":
        return [tonic + int(rng.choice((0, 3, 5, 7, 10, 12, 15) if chord[1] == 3 else (0, 2, 4, 7, 9, 12, 14)))]
    return [root + interval for interval in (chord if symbol == "x" else (chord["1358".index(symbol)],))]


def note(tone: Tone, frequency: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """One note, float32 of shape (samples,), of unit RMS before its decay; ``frequency`` in Hz."""
    time = np.arange(int((seconds + RELEASE) * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = np.arange(1, int(SAMPLE_RATE / 2 / frequency / (1 + tone.vibrato)), 2 if tone.odd else 1)
    spectrum = np.zeros(CYCLE // 2 + 1)
    spectrum[harmonics] = tone.brightness ** (harmonics - 1)
    cycle = np.fft.irfft(-1j * spectrum).astype(np.float32)
    waver = tone.vibrato / (2 * np.pi * 5.5) * np.cos(2 * np.pi * 5.5 * time)
    sound = (cycle / rms(cycle))[(CYCLE * (frequency * (time + waver) + rng.random())).astype(int) % CYCLE]
    envelope = np.minimum(time / tone.attack, 1) * np.exp(-time / tone.decay)
    return sound * (envelope * np.minimum((seconds + RELEASE - time) / RELEASE, 1)).astype(np.float32)


def add(track: np.ndarray, sound: np.ndarray, onset: int, gain: float) -> None:
    """Add a sound to a track, as far as the track goes."""
    track[onset : onset + len(sound)] += gain * sound[: max(0, len(track) - onset)]


def record(mix: np.ndarray, style: Style, delay: int, rng: np.random.Generator) -> np.ndarray:
    """The finished song: echo, bandwidth, noise, a soft limiter and a level. float32, within -1..1."""
    echoed = mix + style.echo * np.pad(mix[:-delay], (delay, 0))
    song = filtered(echoed, style.bandwidth * rng.uniform(0.85, 1.08))
    noise = 10 ** ((style.noise + rng.uniform(-4, 4)) / 20) * rng.standard_normal(SAMPLES, np.float32)
    song = np.tanh(rng.uniform(0.1, 0.3) * (song / rms(song) + noise))
    return song * (10 ** (rng.uniform(-9, -0.3) / 20) / np.abs(song).max())


def filtered(track: np.ndarray, band: float | tuple[float, float], kind: str = "lowpass") -> np.ndarray:
    """A Butterworth filter of second order; ``band`` is its edge or edges in Hz."""
    return signal.lfilter(*(c.astype(track.dtype) for c in signal.butter(2, band, kind, fs=SAMPLE_RATE)), track)


def rms(track: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(track))))
