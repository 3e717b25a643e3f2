"""What is settled about a synthetic song before a note sounds, drawn by chance within its genre's limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from tools.songs.synthesis.genres import STYLES
from tools.songs.synthesis.mix import Production
from tools.songs.synthesis.style import Groove, Range, Style
from tools.songs.synthesis.voices import VOICES, Voice, detuned

STEPS = 4  # sixteenths a beat
BORROWING = 0.08  # the share of songs that sound in part as a neighbour genre does
SPREAD = 0.08  # of instruments around their mean, as the standard deviation of a logarithm
Option = TypeVar("Option")
NUMERALS = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}
MINOR_NUMERALS = {**NUMERALS, "III": 3, "VI": 8, "VII": 10}


@dataclass(frozen=True)
class Chord:
    root: int  # semitones above the key
    intervals: tuple[int, ...]  # semitones above the root


@dataclass(frozen=True)
class Player:
    """A part as one song has it: ``patterns`` of one bar or more for verse and chorus, in turn."""

    voice: Voice
    patterns: tuple[str, ...]
    register: int
    level: float  # dB
    drive: float
    presence: float
    strum: float  # seconds from one string to the next


@dataclass(frozen=True)
class Plan:
    """What is settled about a song before a note sounds."""

    genre: str
    tempo: float  # beats a minute
    beats: int  # a bar
    swing: float
    swung: str
    key: int  # MIDI note 0..11
    chords: tuple[Chord, ...]
    scale: tuple[int, ...]
    grooves: tuple[Groove, ...]
    kit: str
    drum_level: float
    players: tuple[Player, ...]
    start: float  # seconds cut off at the front, as an excerpt begins anywhere in a bar
    looseness: float  # seconds, standard deviation of every onset
    swell: float  # dB
    breaks: float
    production: Production

    @property
    def bar_seconds(self) -> float:
        return self.beats * 60 / self.tempo

    def second(self, bar: int, step: int) -> float:
        """When a sixteenth of a bar sounds: swing moves the second half of each beat, or of each eighth."""
        span = STEPS if self.swung == "eighths" else STEPS // 2
        whole, part = divmod(step, span)
        half = span / 2
        within = self.swing * part / half if part <= half else self.swing + (1 - self.swing) * (part - half) / half
        return bar * self.bar_seconds + (whole + within) * span / STEPS * 60 / self.tempo - self.start


def draw_plan(genre: str, rng: np.random.Generator) -> Plan:
    """A song of the genre by chance: tempo, key, chords, patterns, players and sound."""
    style = STYLES[genre]
    lender = STYLES[rng.choice(style.neighbours)] if rng.random() < BORROWING else style
    tempo, beats = rng.uniform(*style.tempo), int(rng.choice(style.beats))
    progression = str(rng.choice(style.progressions))
    in_minor = re.search(r"\bi[57]?\b", progression) is not None
    return Plan(
        genre=genre,
        tempo=tempo,
        beats=beats,
        swing=draw(style.swing, rng),
        swung=style.swung,
        key=int(rng.integers(12)),
        chords=tuple(parse_chord(name, in_minor) for name in progression.split()),
        scale=_in_mode(style.scale, in_minor),
        grooves=draw_grooves(style, rng),
        kit=pick((lender if lender.grooves else style).kits, rng),
        drum_level=draw(style.drum_level, rng),
        players=tuple(draw_player(role, style, lender, beats, rng) for role in style.parts),
        start=rng.uniform(0, beats * 60 / tempo),
        looseness=rng.uniform(0.0, 0.01),
        swell=draw(style.swell, rng),
        breaks=style.breaks,
        production=draw_production(lender, rng),
    )


def draw(limits: Range, rng: np.random.Generator) -> float:
    """A number within the limits, the middle of them likeliest."""
    low, high = limits
    return rng.triangular(low, (low + high) / 2, high) if low < high else low


def draw_ratio(limits: Range, rng: np.random.Generator) -> float:
    """`draw` on a logarithmic scale, for what the ear compares as ratios; limits of 0 stay 0."""
    return float(np.exp(draw(tuple(np.log(limits)), rng))) if limits[0] > 0 else 0.0


def pick(options: tuple[Option, ...], rng: np.random.Generator) -> Option:
    """One of the options, each half as likely as the one before it: a style names the typical ones first."""
    weights = 0.5 ** np.arange(len(options))
    return options[rng.choice(len(options), p=weights / weights.sum())]


def parse_chord(name: str, in_minor: bool = False) -> Chord:
    """A Roman numeral as a chord: lower case minor, b a semitone down, then 5 (power chord), 7 or maj7."""
    flat, numeral, quality = re.fullmatch(r"(b?)([iIvV]+)(5|7|maj7)?", name).groups()
    natural = MINOR_NUMERALS if in_minor and not flat else NUMERALS
    third = 3 if numeral.islower() else 4
    intervals = {"5": (0, 7, 12), "7": (0, third, 7, 10), "maj7": (0, third, 7, 11), None: (0, third, 7)}[quality]
    return Chord((natural[numeral.upper()] - len(flat)) % 12, intervals)


def draw_grooves(style: Style, rng: np.random.Generator) -> tuple[Groove, ...]:
    """Two of the style's grooves, the second perhaps the first, each with a few strokes of its own."""
    if not style.grooves:
        return ()
    chosen = [pick(style.grooves, rng) for _ in range(2)]
    return tuple({name: varied(pattern, rng) for name, pattern in groove.items()} for groove in chosen)


def varied(pattern: str, rng: np.random.Generator, chance: float = 0.04) -> str:
    """The pattern with a soft stroke more or a stroke less here and there."""
    swap = {".": "o", "o": ".", "x": "x"}
    flips = rng.random(len(pattern)) < chance
    return "".join(swap[symbol] if flip else symbol for symbol, flip in zip(pattern, flips))


def draw_player(role: str, style: Style, lender: Style, beats: int, rng: np.random.Generator) -> Player:
    """Who plays a part: the patterns are the genre's own, voice and drive may be its neighbour's."""
    part = style.parts[role]
    sound = lender.parts.get(role, part)
    voice = pick(sound.voices, rng)
    plucked = "guitar" in voice or voice == "banjo"
    if part.density[1] > 0:
        patterns = tuple(melody_rhythm(draw(part.density, rng), beats, rng) for _ in range(2))
    else:
        patterns = tuple(pick(part.patterns, rng)[: beats * STEPS] for _ in range(2))
    return Player(
        voice=detuned(VOICES[voice], rng, SPREAD),
        patterns=patterns,
        register=part.register,
        level=draw(part.level, rng),
        drive=draw_ratio(sound.drive, rng) if "guitar" in voice or "bass" in voice else 0.0,
        presence=part.presence,
        strum=rng.uniform(0.004, 0.02) if plucked else 0.0,
    )


def melody_rhythm(density: float, beats: int, rng: np.random.Generator) -> str:
    """Two bars of m (a new note), - (held) and . (a breath); notes fall on beats sooner than between them."""
    weights = np.tile([1.5, 0.5, 1.1, 0.5], 2 * beats)
    starts = rng.random(len(weights)) < density * weights
    rests = rng.random(len(weights)) < 0.15
    return "".join("m" if start else "." if rest else "-" for start, rest in zip(starts, rests))


def draw_production(style: Style, rng: np.random.Generator) -> Production:
    return Production(
        tilt=draw(style.tilt, rng),
        bandwidth=draw_ratio(style.bandwidth, rng),
        noise=draw(style.noise, rng),
        hiss=rng.uniform(0.3, 0.9),
        room=draw(style.room, rng),
        echo=rng.uniform(0.03, 0.12),
        squeeze=rng.uniform(0.1, 0.33),
        peak=10 ** (rng.uniform(-9.0, -0.3) / 20),
    )


def _in_mode(scale: tuple[int, ...], in_minor: bool) -> tuple[int, ...]:
    """The scale, or its minor where it is a major one and the chords are minor."""
    lowered = {4: 3, 9: 8, 11: 10} if in_minor and 4 in scale else {}
    return tuple(lowered.get(tone, tone) for tone in scale)
