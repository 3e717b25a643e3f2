"""Blues, classical, country, jazz and reggae in musical terms (how they are written: `style`)."""

from __future__ import annotations

from tools.songs.synthesis.style import BLUES_SCALE, MAJOR, MAJOR_PENTATONIC, Part, Style


def blues() -> Style:
    """A twelve-bar shuffle on seventh chords: triplet swing, boogie bass, guitar or piano, a blues-scale lead."""
    twelve_bars = ("I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7", "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 I7")
    return Style(
        tempo=(62, 126),
        progressions=(*twelve_bars, "i7 i7 i7 i7 iv7 iv7 i7 i7 V7 iv7 i7 V7"),
        scale=BLUES_SCALE,
        swing=(0.62, 0.69),
        grooves=(
            {"kick": "x.......x.......", "snare": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x.......x.x.....", "snare": "....x.......x..o", "ride": "x.x.x.x.x.x.x.x."},
            {"kick": "x...x...x...x...", "snare": "o.o.x.o.o.o.x.o."},
        ),
        kits=("acoustic", "brushes"),
        parts={
            "bass": Part(
                ("upright bass", "finger bass"),
                ("r...t...f...t...", "r.r.f.f.e.e.f.f.", "r-.rf-.fr-.rf-.f"),
                register=28,
            ),
            "chords": Part(
                ("electric guitar", "electric guitar", "piano"),
                ("x.x.x.x.x.x.x.x.", "..x...x...x...x.", "x---..x-....x...", "x-------..x-...."),
                level=(-8, -1),
                drive=(0.2, 1.6),
            ),
            "lead": Part(
                ("harmonica", "electric guitar", "singer"),
                density=(0.25, 0.5),
                register=60,
                level=(-4, 3),
                drive=(0.2, 2.5),
                presence=0.8,
            ),
        },
        breaks=0.15,
        tilt=(-4, -1),
        bandwidth=(5000, 8000),
        noise=(-50, -40),
        neighbours=("jazz", "country", "rock"),
    )


def classical() -> Style:
    """No drums: bowed chords, broken piano chords or a chamber melody, in 3 or 4, swelling and fading over seconds."""
    return Style(
        tempo=(54, 130),
        progressions=("I IV V I vi ii V I", "i iv V i VI iv V i", "I V vi iii IV I IV V", "i V i VII III VII i V"),
        scale=MAJOR,
        beats=(3, 4),
        parts={
            "bass": Part(
                ("strings", "piano", "upright bass"),
                ("r---------------", "r-------f-------", "r---............", "r-r-t-t-f-f-t-t-"),
                register=33,
                level=(-10, -1),
            ),
            "chords": Part(
                ("strings", "piano", "harpsichord", "nylon-string guitar", "choir"),
                ("x---------------", "r-f-t-f-r-f-t-f-", "rtfertferfterfte", "x---x---x---x---", "....x-..x-......"),
                register=52,
                level=(-8, 0),
            ),
            "lead": Part(
                ("strings", "fiddle", "flute", "piano", "clarinet"),
                density=(0.2, 0.6),
                register=67,
                level=(-6, 3),
                presence=0.85,
            ),
        },
        swell=(5, 16),
        tilt=(-5, -2),
        bandwidth=(6500, 10000),
        noise=(-58, -46),
        room=(0.2, 0.6),
        neighbours=("jazz",),
    )


def country() -> Style:
    """Boom-chicka: root and fifth alternating in the bass, plucked strings off the beat, fiddle or steel."""
    return Style(
        tempo=(84, 138),
        progressions=("I I IV I I V V I", "I IV V I", "I vi IV V", "I I IV IV I V I I"),
        scale=MAJOR_PENTATONIC,
        swing=(0.5, 0.6),
        beats=(4, 4, 4, 3),
        grooves=(
            {"kick": "x.......x.......", "rim": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x.......x.......", "snare": "o.ooxoo.o.ooxoo."},
            {"kick": "x.......x.x.....", "snare": "....x.......x...", "hat": "x...x...x...x..."},
        ),
        kits=("acoustic", "brushes", "tight"),
        drum_level=(-8, 0),
        parts={
            "bass": Part(("upright bass", "finger bass"), ("r-......f-......", "r-..r...f-..f..."), register=28),
            "chords": Part(
                ("steel-string guitar", "banjo"),
                ("....x.x.....x.x.", "r...x.x.f...x.x.", "....x.......x..."),
                level=(-5, 2),
            ),
            "colour": Part(
                ("banjo", "nylon-string guitar", "steel-string guitar"),
                ("rtfertferfterfte", "r.f.t.f.r.f.t.f."),
                register=55,
                level=(-12, -2),
                presence=0.6,
            ),
            "lead": Part(
                ("singer", "fiddle", "pedal steel", "harmonica"),
                density=(0.25, 0.5),
                register=60,
                level=(-4, 3),
                presence=0.8,
            ),
        },
        breaks=0.12,
        tilt=(-1, 2),
        bandwidth=(8000, 10500),
        neighbours=("blues", "rock", "pop"),
    )


def jazz() -> Style:
    """A walking bass under a swung ride, ii-V-I in sevenths, sparse piano or guitar, a busy horn or piano solo."""
    return Style(
        tempo=(96, 208),
        progressions=(
            "ii7 V7 Imaj7 VI7",
            "Imaj7 vi7 ii7 V7",
            "i7 i7 iv7 iv7 ii7 V7 i7 V7",
            "iii7 VI7 ii7 V7 Imaj7 Imaj7 ii7 V7",
        ),
        scale=MAJOR,
        swing=(0.58, 0.68),
        beats=(4, 4, 4, 3),
        grooves=(
            {"kick": "o...o...o...o...", "ride": "x...x.x.x...x.x.", "hat": "....x.......x..."},
            {
                "kick": "x..........o....",
                "ride": "x...x.x.x...x.x.",
                "hat": "....x.......x...",
                "snare": "..o...o...o....o",
            },
            {"snare": "o.o.x.o.o.o.x.o.", "hat": "....x.......x..."},
        ),
        kits=("brushes", "acoustic"),
        drum_level=(-8, 0),
        parts={
            "bass": Part(
                ("upright bass", "upright bass", "finger bass"), ("r...w...w...a...", "r...w...f...a.w."), register=31
            ),
            "chords": Part(
                ("piano", "electric guitar"),
                ("x-----x-........", "..x-........x-..", "......x-......x-", "x-.............."),
                register=52,
                level=(-9, -1),
            ),
            "lead": Part(
                ("saxophone", "brass", "piano", "clarinet"),
                density=(0.4, 0.75),
                register=60,
                level=(-4, 3),
                presence=0.8,
            ),
        },
        breaks=0.15,
        tilt=(-4, -1),
        bandwidth=(6000, 9500),
        noise=(-54, -42),
        room=(0.1, 0.4),
        neighbours=("blues", "classical", "country"),
    )


def reggae() -> Style:
    """One-drop: kick and rim together on two and four, the guitar or organ skank off the beat, a slow melodic bass."""
    return Style(
        tempo=(64, 92),
        progressions=("I IV", "i iv", "I ii", "i VII VI VII", "I V ii IV"),
        scale=MAJOR_PENTATONIC,
        swing=(0.5, 0.6),
        swung="sixteenths",
        grooves=(
            {"kick": "....x.......x...", "rim": "....x.......x...", "hat": "x.x.x.x.x.x.x.x."},
            {"kick": "x...x...x...x...", "rim": "....x.......x..o", "hat": "x.xxx.xxx.xxx.xx"},
            {"kick": "....x.......x...", "snare": "....x..o....x...", "hat": "..x...x...x...x."},
        ),
        kits=("acoustic", "tight", "heavy"),
        drum_level=(-4, 3),
        parts={
            "bass": Part(
                ("finger bass", "sub bass"),
                ("r-.rf-..e-.ff-..", "..r-r-t-f-......", "r--r--f-..r-t-f-"),
                register=28,
                level=(-2, 4),
            ),
            "chords": Part(
                ("electric guitar", "piano", "organ"),
                ("..x...x...x...x.", "..xx..x...xx..x."),
                register=55,
                level=(-5, 2),
            ),
            "colour": Part(
                ("organ", "brass", "synth pluck"),
                (".x.x.x.x.x.x.x.x", "....x-......x-x-", "x-------........"),
                register=60,
                level=(-12, -3),
                presence=0.6,
            ),
            "lead": Part(("singer", "singer", "brass"), density=(0.2, 0.5), register=58, level=(-4, 3), presence=0.75),
        },
        tilt=(-4, -1),
        bandwidth=(6500, 9500),
        room=(0.1, 0.5),
        neighbours=("hiphop", "pop"),
    )
