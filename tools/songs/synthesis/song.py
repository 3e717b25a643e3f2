"""One synthetic song: its plan played note by note, a track for each part, and mixed.

Everything comes from one generator seeded by (seed, genre, number), so a song does not depend on which others are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from tools.songs.gtzan import GENRES
from tools.songs.synthesis.mix import master, overdrive, rms, swell
from tools.songs.synthesis.plan import SPREAD, STEPS, Plan, Player, draw_plan
from tools.songs.synthesis.style import Groove
from tools.songs.synthesis.voices import SAMPLE_RATE, drum_kit, note

SAMPLES = 661794  # as most of GTZAN's songs: 30.01 s
SECTION = 4  # bars
# A full stroke of each drum beside the kick's.
DRUM_GAINS = {"hat": 0.35, "open hat": 0.3, "ride": 0.3, "crash": 0.3, "snare": 0.8}


def song(seed: int, genre: str, number: int) -> np.ndarray:
    """Song ``number`` of a genre: float32 of shape (661794,) at 22050 Hz, within -1..1."""
    rng = generator(seed, genre, number)
    return perform(draw_plan(genre, rng), rng)


def generator(seed: int, genre: str, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, GENRES.index(genre), number])


def perform(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Play every part on a track of its own, set the tracks to their levels and mix them."""
    mix = np.zeros(SAMPLES, dtype=np.float32)
    if plan.grooves:
        add_track(mix, play_drums(plan, rng), plan.drum_level)
    for player in plan.players:
        track = play_part(player, plan, rng)
        if player.drive > 0.5:
            track = overdrive(track, player.drive)
        add_track(mix, track, player.level)
    if plan.swell:
        mix *= swell(SAMPLES, plan.swell, rng)
    return master(mix, plan.production, rng)


def add_track(mix: np.ndarray, track: np.ndarray, level: float) -> None:
    """Add a track at ``level`` dB of RMS, so that the balance is the drawn one however many notes it has."""
    loudness = rms(track)
    if loudness > 0:
        mix += track * np.float32(10 ** (level / 20) / loudness)


def bars_in(plan: Plan) -> int:
    return int(np.ceil((SAMPLES / SAMPLE_RATE + plan.start) / plan.bar_seconds))


def play_drums(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """The drum track, float32 of shape (661794,)."""
    track = np.zeros(SAMPLES, dtype=np.float32)
    kit = drum_kit(plan.kit, rng, SPREAD / 2)
    balance = {name: DRUM_GAINS.get(name, 1.0) * 10 ** (rng.uniform(-2, 2) / 20) for name in kit}
    for bar, groove in grooves_by_bar(plan, rng):
        for name, pattern in groove.items():
            for step, symbol in enumerate(pattern[: plan.beats * STEPS]):
                if symbol != ".":
                    second = plan.second(bar, step) + plan.looseness * rng.standard_normal()
                    gain = balance[name] * (1.0 if symbol == "x" else 0.35) * rng.uniform(0.8, 1.1)
                    place(track, kit[name], second, gain)
    return track


def grooves_by_bar(plan: Plan, rng: np.random.Generator) -> Iterator[tuple[int, Groove]]:
    """What is drummed in each bar: a groove a section in turn, none in a break, a fill at the end of some sections."""
    before_fill = "." * (plan.beats * STEPS - 4)
    for section, first in enumerate(range(0, bars_in(plan), SECTION)):
        if rng.random() < plan.breaks:
            continue
        groove = plan.grooves[section % len(plan.grooves)]
        fill = {**groove, "tom": before_fill + "xxxx", "snare": "....x...x.o.x.xx"} if rng.random() < 0.4 else groove
        for bar in range(first, first + SECTION):
            yield bar, fill if bar == first + SECTION - 1 else groove


def play_part(player: Player, plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """The track of one player, float32 of shape (661794,); a pitch of one length is rendered once."""
    track = np.zeros(SAMPLES, dtype=np.float32)
    steps = plan.beats * STEPS
    notes: dict[tuple[int, int], np.ndarray] = {}
    step_seconds = plan.bar_seconds / steps
    tune = Tune(plan, player.register, rng)
    playing = [rng.random() < player.presence for _ in range(bars_in(plan) // SECTION + 1)]
    playing[0] = playing[0] or not any(playing)
    for bar in range(bars_in(plan)):
        section = bar // SECTION
        pattern = player.patterns[section % len(player.patterns)]
        first = bar * steps % len(pattern)
        for step, symbol, held in held_notes(pattern[first : first + steps]) if playing[section] else ():
            second = plan.second(bar, step) + plan.looseness * rng.standard_normal()
            gain = rng.uniform(0.75, 1.0) * (0.4 if symbol == "o" else 1.0)
            for string, pitch in enumerate(tune.pitches(symbol, bar)):
                if (pitch, held) not in notes:
                    frequency = 440 * 2 ** ((pitch - 69) / 12)
                    notes[pitch, held] = note(player.voice, frequency, held * step_seconds, rng)
                place(track, notes[pitch, held], second + string * player.strum, gain)
    return track


class Tune:
    """Which pitches a pattern's symbols mean in each bar; a melody walks the scale from where it was."""

    def __init__(self, plan: Plan, register: int, rng: np.random.Generator) -> None:
        self.plan, self.register, self.rng = plan, register, rng
        self.place = int(rng.integers(len(plan.scale)))

    def pitches(self, symbol: str, bar: int) -> list[int]:
        """MIDI notes: the chord in close position from the register up, or one note of it, or one of the melody."""
        chord = self.plan.chords[bar % len(self.plan.chords)]
        root = self._above(chord.root)
        if symbol in "xo":
            power = chord.intervals == (0, 7, 12)
            return [root + i if power else self._above(chord.root + i) for i in chord.intervals]
        if symbol == "m":
            return [self._next_of_melody()]
        if symbol == "a":
            following = self.plan.chords[(bar + 1) % len(self.plan.chords)]
            return [self._above(following.root) + int(self.rng.choice((-1, 1)))]
        steps = {"r": 0, "t": chord.intervals[1], "f": 7, "e": 12, "w": int(self.rng.choice(chord.intervals))}
        return [root + steps[symbol]]

    def _above(self, semitones: int) -> int:
        return self.register + (self.plan.key + semitones - self.register) % 12

    def _next_of_melody(self) -> int:
        scale = self.plan.scale
        self.place += int(self.rng.choice((-2, -1, -1, 0, 1, 1, 2)))
        self.place = int(np.clip(self.place, -2, len(scale) + 4))
        octave, degree = divmod(self.place, len(scale))
        return self._above(0) + 12 * octave + scale[degree]


def held_notes(pattern: str) -> list[tuple[int, str, int]]:
    """The notes of a pattern as (step, symbol, steps held): a note lasts until the next one or a rest."""
    starts = [step for step, symbol in enumerate(pattern) if symbol not in ".-"]
    return [(step, pattern[step], 1 + len(re.match("-*", pattern[step + 1 :])[0])) for step in starts]


def place(track: np.ndarray, sound: np.ndarray, second: float, gain: float) -> None:
    """Add a sound to a track where it falls within it."""
    first = round(second * SAMPLE_RATE)
    begin, end = max(first, 0), min(first + len(sound), len(track))
    if begin < end:
        track[begin:end] += np.float32(gain) * sound[begin - first : end - first]
