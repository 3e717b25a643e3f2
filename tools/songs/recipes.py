"""Ten genres as recipes: tempo, harmony, drums, three players with their tones and registers, and how clean it sounds.

Patterns are written as a drum machine shows them, a character per sixteenth, sixteen to a bar:

    drums    x stroke   o soft stroke   . nothing
    players  x all notes of the chord   1 3 5 8 one of them, from the root up   m a note of a melody
             - the last note goes on   . silence
"""

from __future__ import annotations

from typing import NamedTuple

MAJOR, MINOR, SEVENTH, NINTH, POWER = (0, 4, 7, 12), (0, 3, 7, 12), (0, 4, 10, 12), (0, 3, 10, 14), (0, 7, 12, 19)


class Tone(NamedTuple):
    """How a note sounds: harmonic k has the amplitude brightness^(k - 1), only odd k where ``odd``."""

    brightness: float
    attack: float = 0.005  # seconds
    decay: float = 10.0  # seconds to 1/e
    vibrato: float = 0.0  # share of the frequency
    odd: bool = False


TONES = {
    "piano": Tone(0.6, decay=0.8),
    "organ": Tone(0.6, attack=0.01, odd=True),
    "strings": Tone(0.7, attack=0.12, vibrato=0.006),
    "acoustic guitar": Tone(0.8, decay=0.3),
    "banjo": Tone(0.86, decay=0.12),
    "electric guitar": Tone(0.7, decay=1.2),
    "brass": Tone(0.75, attack=0.03, vibrato=0.006),
    "harmonica": Tone(0.75, attack=0.03, vibrato=0.01, odd=True),
    "flute": Tone(0.25, attack=0.05, vibrato=0.006),
    "singer": Tone(0.72, attack=0.04, vibrato=0.014),
    "synthesizer": Tone(0.85, attack=0.01, odd=True),
    "plucked bass": Tone(0.5, attack=0.01, decay=0.4),
    "electric bass": Tone(0.65, decay=0.8),
    "deep bass": Tone(0.2, attack=0.01, decay=1.2),
}


class Part(NamedTuple):
    """One player. A song draws one of the tones and one of the patterns."""

    tones: tuple[str, ...]
    patterns: tuple[str, ...]
    register: int  # the lowest MIDI note
    level: float  # dB
    drive: float = 0.0  # gain into a valve amplifier; 0 for none


class Style(NamedTuple):
    """What all players share. A song's bandwidth, noise and levels are drawn around these."""

    tempo: tuple[float, float]  # beats a minute, from and to
    swing: float  # where a beat is halved
    chord: tuple[int, ...]  # semitones above its root
    roots: tuple[int, ...]  # a chord a bar, in semitones above the key
    bandwidth: float  # Hz
    noise: float  # dB, the song being 0
    echo: float  # share of the sound that comes back three sixteenths later
    drum_level: float  # dB


RECIPES: dict[str, tuple[Style, dict[str, str], Part, Part, Part]] = {  # with drums, bass, chords and lead
    "blues": (  # a slow shuffle on seventh chords, a harmonica or a guitar above, an old recording
        Style((65, 105), 0.66, SEVENTH, (0, 0, 5, 0, 7, 5, 0, 7), bandwidth=4000, noise=-38, echo=0.1, drum_level=-4),
        {"kick": "x.......x.......", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
        Part(("plucked bass", "electric bass"), ("1...3...5...3...", "1.1.5.5.8.8.5.5."), 28, 0),
        Part(("electric guitar", "piano"), ("x.x.x.x.x.x.x.x.", "..x...x...x...x."), 48, -5, drive=1),
        Part(("harmonica", "electric guitar"), ("m---m-m-....m-m-", "..m-m---m-m-...."), 60, 1, drive=1.5),
    ),
    "classical": (  # no drums: strings, a piano, a flute, notes that are held, little noise
        Style((55, 120), 0.5, MAJOR, (0, 5, 7, 0, 9, 2, 7, 0), bandwidth=7000, noise=-60, echo=0.3, drum_level=0),
        {},
        Part(("strings",), ("1---------------", "1-------5-------"), 36, -5),
        Part(("strings", "piano"), ("x---------------", "1-3-5-3-8-3-5-3-"), 52, -3),
        Part(("strings", "flute", "piano"), ("m---m-m-m---m---", "m-------m---m-m-"), 67, 0),
    ),
    "country": (  # boom-chick: a bass between root and fifth, a strummed guitar, a banjo, soft drums
        Style((95, 150), 0.5, MAJOR, (0, 0, 5, 0, 0, 0, 7, 0), bandwidth=10000, noise=-60, echo=0.0, drum_level=-8),
        {"kick": "x.......x.......", "snare": "..o...o...o...o."},
        Part(("plucked bass",), ("1.......5.......", "1...5...1...5..."), 33, -2),
        Part(("acoustic guitar",), ("..x...x...x...x.", "..x.x.x...x.x.x."), 52, 0),
        Part(("banjo", "acoustic guitar"), ("1358135813581358", "mmmmm.mmmmmmm.mm"), 62, 1),
    ),
    "disco": (  # four on the floor, open hats on every off-beat, a bass in octaves, strings and brass
        Style((110, 130), 0.5, MINOR, (0, 10, 8, 10), bandwidth=9500, noise=-54, echo=0.1, drum_level=3),
        {"kick": "x...x...x...x...", "snare": "....x.......x...", "open hat": "..x...x...x...x."},
        Part(("electric bass", "synthesizer"), ("1.8.1.8.1.8.1.8.", "1..15.8.1..18.5."), 28, 0),
        Part(("electric guitar", "piano"), ("..x.x...x.x...x.", "x.xx.xx.x.xx.xx."), 55, -5),
        Part(("strings", "brass"), ("x---------------", "m-------m---m---"), 62, -2),
    ),
    "hiphop": (  # a slow heavy kick and clap, a deep bass, few chords, a voice on dense short notes
        Style((75, 100), 0.56, MINOR, (0, 0, 8, 0), bandwidth=8000, noise=-50, echo=0.0, drum_level=5),
        {"kick": "x..x...x..x.....", "clap": "....x.......x...", "hat": "xxx.x.xxxxx.x.x."},
        Part(("deep bass",), ("1--...1---1-....", "1-----.1..8-...."), 26, 3),
        Part(("piano", "strings"), ("x-------........", "x--x--x-........"), 55, -9),
        Part(("singer",), ("m.mmm.m.m.mm.m.m", "mm.mm.m.mm.m.m.."), 48, -4),
    ),
    "jazz": (  # a swung ride, a walking bass, ninths on a piano, a trumpet or a piano
        Style((110, 190), 0.66, NINTH, (2, 7, 0, 0), bandwidth=5500, noise=-46, echo=0.2, drum_level=-4),
        {"ride": "x...x.x.x...x.x.", "hat": "....x.......x...", "snare": "..o...........o."},
        Part(("plucked bass",), ("1...3...5...8...", "8...5...3...5..."), 31, 0),
        Part(("piano",), ("..x......x......", "x-....x-........"), 55, -5),
        Part(("brass", "piano"), ("m.mmm-m.mmm-m-..", "m-m-m.m-m.m---.."), 58, 1),
    ),
    "metal": (  # power chords driven hard, double bass drums, crashes
        Style((130, 190), 0.5, POWER, (0, 0, 1, 0, 0, 8, 10, 0), bandwidth=9000, noise=-46, echo=0.0, drum_level=-2),
        {"kick": "xxxxxxxxxxxxxxxx", "snare": "....x.......x...", "crash": "x.......x......."},
        Part(("electric bass",), ("1111111111111111", "1.111.111.111.11"), 28, -6, drive=4),
        Part(("electric guitar",), ("x-xxxxx-xxxxx-xx", "xxxxx---xxxxx---"), 40, 4, drive=15),
        Part(("electric guitar", "singer"), ("mmmmmmmmmmmmmmmm", "m---m-m-m---m-m-"), 62, -4, drive=8),
    ),
    "pop": (  # four chords, a synthesizer in arpeggios, claps, a voice high up, a clean recording
        Style((95, 128), 0.5, MAJOR, (0, 7, 9, 5), bandwidth=10000, noise=-60, echo=0.1, drum_level=-1),
        {"kick": "x...x...x...x...", "clap": "....x.......x...", "hat": "..x...x...x...x."},
        Part(("synthesizer", "electric bass"), ("1.1.1.1.1.1.1.1.", "1-----1-1-----5-"), 33, -2),
        Part(("synthesizer", "piano"), ("1358135813581358", "x---x---x---x---"), 67, -3),
        Part(("singer",), ("m-m-m---m-m-m-..", "m---m-m-..m-m---"), 69, 1),
    ),
    "reggae": (  # chords on every off-beat, kick and snare on the third beat, a deep melodic bass, a long echo
        Style((66, 90), 0.5, MINOR, (0, 0, 5, 5), bandwidth=6500, noise=-56, echo=0.45, drum_level=-3),
        {"kick": "........x.......", "snare": "........x.......", "hat": "x.x.x.x.x.x.x.x."},
        Part(("deep bass",), ("1--.1-5-..8-5-..", "..1-1-..3-5-1-.."), 28, 2),
        Part(("organ", "electric guitar"), ("..x...x...x...x.", "..xx..xx..xx..xx"), 60, 2),
        Part(("singer", "brass"), ("....m-m-m---....", "m---m-m-........"), 57, -3),
    ),
    "rock": (  # a straight beat in eighths, guitars with some drive, a voice
        Style((105, 150), 0.5, MAJOR, (0, 10, 5, 0), bandwidth=8500, noise=-48, echo=0.1, drum_level=1),
        {"kick": "x.......x.x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
        Part(("electric bass",), ("1.1.1.1.1.1.1.1.", "1---1.1.1---5.5."), 28, 0, drive=1.5),
        Part(("electric guitar",), ("x.x.x.x.x.x.x.x.", "x-----x-x-----x-"), 45, 0, drive=4),
        Part(("singer", "electric guitar"), ("m---m-m-m-......", "m-m-m---..m-m-m-"), 57, -1, drive=2),
    ),
}
