"""Disco, hiphop, metal, pop and rock in musical terms; `tools.songs.synthesis.style` says how they are written."""

from __future__ import annotations

from tools.songs.synthesis.style import DORIAN, MAJOR_PENTATONIC, MINOR, MINOR_PENTATONIC, Part, Style


def disco() -> Style:
    """Four on the floor, open hats on every off-beat, a bass in octaves, clipped guitar, string lines above."""
    return Style(
        tempo=(106, 132),
        progressions=("i VII VI VII", "i iv i V", "i7 iv7 VII7 IIImaj7", "i7 IV7"),
        scale=DORIAN,
        grooves=(
            {"kick": "x...x...x...x...", "snare": "....x.......x...", "open hat": "..x...x...x...x."},
            {
                "kick": "x...x...x...x...",
                "clap": "....x.......x...",
                "open hat": "..x...x...x...x.",
                "hat": "xo.oxo.oxo.oxo.o",
            },
        ),
        kits=("acoustic", "tight", "machine"),
        drum_level=(-2, 4),
        parts={
            "bass": Part(
                ("finger bass", "pick bass", "synth bass"),
                ("r.e.r.e.r.e.r.e.", "r..rf.e.r..re.f.", "r.r.e.r.f.f.e.r."),
                register=28,
            ),
            "chords": Part(
                ("electric guitar", "electric piano"),
                ("..x.x...x.x...x.", "x.xx.xx.x.xx.xx.", "....x.......x.x."),
                register=55,
                level=(-9, -1),
            ),
            "colour": Part(
                ("strings", "brass", "pad"),
                ("x-------........", "x---------------", "......x.x......."),
                register=60,
                level=(-8, 0),
                presence=0.7,
            ),
            "lead": Part(("singer", "brass", "strings"), density=(0.25, 0.5), register=62, level=(-5, 3), presence=0.7),
        },
        breaks=0.06,
        tilt=(1, 4),
        neighbours=("pop",),
    )


def hiphop() -> Style:
    """Boom-bap: a heavy swung kick and snare under a short loop, a deep bass, a rapped line of dense short notes."""
    return Style(
        tempo=(74, 104),
        progressions=("i i", "i VI", "i iv", "i7 bII7"),
        scale=MINOR_PENTATONIC,
        swing=(0.52, 0.64),
        swung="sixteenths",
        grooves=(
            {"kick": "x.....x...x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x..x...x..x.....", "snare": "....x..o.o..x...", "hat": "x.xxx.x.x.xxx.x."},
            {"kick": "x.x.......xx....", "clap": "....x.......x...", "hat": "xxxxxxxxxxxxxxxx"},
        ),
        kits=("machine", "heavy", "acoustic"),
        drum_level=(0, 6),
        parts={
            "bass": Part(
                ("sub bass", "synth bass", "finger bass"),
                ("r--...r---r-....", "r-----.r..e-....", "r------........."),
                register=26,
                level=(-3, 4),
            ),
            "chords": Part(
                ("electric piano", "piano", "strings", "synth pluck"),
                ("x-------........", "r.f.e.t.r.f.e.t.", "x--x--x-........", "....x-......x-.."),
                register=55,
                level=(-10, -2),
                presence=0.85,
            ),
            "lead": Part(("singer",), density=(0.6, 0.85), register=50, level=(-4, 3), presence=0.85),
        },
        tilt=(-4, -1),
        bandwidth=(7500, 10500),
        noise=(-52, -42),
        room=(0.0, 0.15),
        neighbours=("reggae", "pop"),
    )


def metal() -> Style:
    """Palm-muted power chords driven hard, double bass drums in sixteenths, minor riffs around the root."""
    return Style(
        tempo=(108, 188),
        progressions=("i5 i5 bII5 i5", "i5 VI5 VII5 i5", "i5 i5 III5 bII5", "i5 bV5 iv5 i5"),
        scale=MINOR,
        grooves=(
            {
                "kick": "xxxxxxxxxxxxxxxx",
                "snare": "....x.......x...",
                "crash": "x...............",
                "ride": "x...x...x...x...",
            },
            {"kick": "x.xxx.xxx.xxx.xx", "snare": "....x.......x...", "open hat": "x...x...x...x..."},
            {"kick": "x.x.x.x.x.x.x.x.", "snare": "..x...x...x...x.", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x.....x.xx......", "snare": "........x.......", "crash": "x...x...x...x..."},
        ),
        kits=("heavy", "tight", "acoustic"),
        drum_level=(-5, 2),
        parts={
            "bass": Part(
                ("pick bass", "finger bass"),
                ("rrrrrrrrrrrrrrrr", "r.rrr.rrr.rrr.rr"),
                register=26,
                level=(-8, -1),
                drive=(0.5, 4),
            ),
            "chords": Part(
                ("electric guitar",),
                ("x-oooox-oooox-oo", "xoooxoooxoooxooo", "x-----x-x-------", "x.oox.oox.oox.oo"),
                register=40,
                level=(-1, 5),
                drive=(5, 30),
            ),
            "lead": Part(
                ("electric guitar", "singer", "synth lead"),
                density=(0.3, 0.85),
                register=60,
                level=(-8, 1),
                drive=(2, 14),
                presence=0.6,
            ),
        },
        tilt=(1, 4),
        room=(0.0, 0.2),
        neighbours=("rock",),
    )


def pop() -> Style:
    """Four chords going round on pads or piano, a synth arpeggio, a steady beat with claps, a sung tune on top."""
    return Style(
        tempo=(92, 130),
        progressions=("I V vi IV", "vi IV I V", "I vi IV V", "IV I V vi"),
        scale=MAJOR_PENTATONIC,
        grooves=(
            {"kick": "x...x...x...x...", "clap": "....x.......x...", "hat": "..x...x...x...x."},
            {"kick": "x......xx.......", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x.....x...x.....", "snare": "....x.......x...", "hat": "xoxoxoxoxoxoxoxo"},
        ),
        kits=("machine", "tight", "acoustic"),
        drum_level=(-3, 3),
        parts={
            "bass": Part(
                ("synth bass", "finger bass", "sub bass"),
                ("r.r.r.r.r.r.r.r.", "r-----r-r-----f-", "r-----..r-----.."),
                register=28,
            ),
            "chords": Part(
                ("pad", "pad", "piano", "electric piano"),
                ("x---------------", "x---x---x---x---", "x-----x---x-----"),
                register=52,
                level=(-7, 0),
            ),
            "colour": Part(
                ("synth pluck", "electric guitar", "synth lead"),
                ("rtfertferfterfte", "r.f.e.f.r.f.e.f.", "..r.f...e.f.r..."),
                register=60,
                level=(-12, -3),
                presence=0.65,
            ),
            "lead": Part(
                ("singer", "singer", "synth lead"), density=(0.3, 0.6), register=62, level=(-2, 4), presence=0.85
            ),
        },
        tilt=(0, 3),
        neighbours=("disco", "rock", "hiphop"),
    )


def rock() -> Style:
    """Backbeat: snare on two and four, straight eighths, driven guitars on power chords and open ones, a sung tune."""
    return Style(
        tempo=(94, 156),
        progressions=("I5 IV5 V5 IV5", "I bVII IV I", "i VI III VII", "I5 bVII5 IV5 IV5", "I V vi IV"),
        scale=MINOR_PENTATONIC,
        grooves=(
            {"kick": "x.......x.x.....", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x..x....x.x.....", "snare": "....x.......x...", "open hat": "x...x...x...x..."},
            {
                "kick": "x.x.....x.x.....",
                "snare": "....x.......x..o",
                "ride": "x.x.x.x.x.x.x.x.",
                "crash": "x...............",
            },
        ),
        kits=("acoustic", "heavy", "tight"),
        drum_level=(-3, 3),
        parts={
            "bass": Part(
                ("pick bass", "finger bass"),
                ("r.r.r.r.r.r.r.r.", "r-..r-r-r-..f-r-", "r---r---r---r---"),
                register=28,
                drive=(0.2, 2),
            ),
            "chords": Part(
                ("electric guitar", "electric guitar", "steel-string guitar"),
                ("x-x-x-x-x-x-x-x-", "x---..x-x---x-..", "x-------x-----x-", "xooxooxoxooxooxo"),
                register=43,
                level=(-4, 4),
                drive=(1, 14),
            ),
            "colour": Part(
                ("organ", "piano", "electric guitar"),
                ("x---------------", "r.f.t.f.r.f.t.f."),
                register=57,
                level=(-12, -3),
                drive=(0.2, 2),
                presence=0.4,
            ),
            "lead": Part(
                ("singer", "singer", "electric guitar"),
                density=(0.25, 0.55),
                register=60,
                level=(-4, 3),
                drive=(0.2, 5),
                presence=0.8,
            ),
        },
        tilt=(-1.5, 2),
        neighbours=("metal", "country", "pop"),
    )
