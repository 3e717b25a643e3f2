"""What a genre's description holds: its players, its drums, its chords and the limits that its songs are drawn from.

Patterns are written as a drum machine shows them, a character per sixteenth and sixteen to a bar of four beats:

    drums    x stroke   o soft stroke   . nothing
    parts    x the chord   o the chord softly   r root   t third   f fifth   e octave   w a tone of the chord by chance
             a a semitone beside the next root   - the last note goes on   . silence

Of several voices, patterns or kits the typical one comes first, since it is the likeliest to be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]
Groove = dict[str, str]


@dataclass(frozen=True)
class Part:
    """One player: the voices and patterns to choose from; with ``density`` (notes a step) it is a melody instead."""

    voices: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    density: Range = (0.0, 0.0)
    register: int = 48  # the lowest MIDI note
    level: Range = (-6.0, 0.0)  # dB
    drive: Range = (0.0, 0.0)  # gain into tanh; below 0.5 the sound stays clean
    presence: float = 1.0  # the share of the four-bar sections in which it plays


@dataclass(frozen=True)
class Style:
    """A genre. Progressions hold a chord a bar; swing is where a beat is halved (or an eighth), 0.5 being even."""

    tempo: Range  # beats a minute
    progressions: tuple[str, ...]
    scale: tuple[int, ...]  # semitones above the key, for melodies
    parts: dict[str, Part]
    grooves: tuple[Groove, ...] = ()
    kits: tuple[str, ...] = ("acoustic",)
    drum_level: Range = (-3.0, 3.0)  # dB
    swing: Range = (0.5, 0.5)
    swung: str = "eighths"  # or sixteenths
    beats: tuple[int, ...] = (4,)
    swell: Range = (0.0, 2.0)  # dB from soft to loud within some seconds
    breaks: float = 0.08  # the share of the sections without drums
    tilt: Range = (-1.5, 1.5)  # dB between the bottom and the top of the spectrum
    bandwidth: Range = (8500.0, 10500.0)  # Hz
    noise: Range = (-62.0, -50.0)  # dB, the song being 0
    room: Range = (0.05, 0.3)  # share of the echo
    neighbours: tuple[str, ...] = ()  # genres it may borrow instruments and sound from


MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)
MAJOR_PENTATONIC = (0, 2, 4, 7, 9)
MINOR_PENTATONIC = (0, 3, 5, 7, 10)
BLUES_SCALE = (0, 3, 5, 6, 7, 10)
