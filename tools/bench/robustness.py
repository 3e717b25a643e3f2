"""How often a song keeps its verdict when it comes at another level, sample rate or format.

    python -m tools.bench.robustness GENRES [--model RUN] [--json FILE]

GENRES is a data root; where it is the data that the model was trained on, its test songs are tried, else all of its
songs. Each is written anew in every one of `VARIANTS` and classified as `tools.classify` would: peaks of -30 to 0 dBFS
(wav, 16 bits), 44.1 and 48 kHz, stereo, mp3 at 128 kbit/s and vorbis. Counted is how many get the same decision as the
original, 'undecided' being one of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
from tqdm import tqdm

from tools import cli, files
from tools.bench.tables import table_of
from tools.classify.model import Model, add_model_options, kept_apart, model_of
from tools.classify.song import read_song
from tools.classify.verdict import Verdict, add_threshold_option, check_threshold, hear
from tools.cli import UserError
from tools.report.table import Table, Values, percent
from tools.serve.examples import find_examples
from tools.settings import read_settings
from tools.songs import audio
from tools.songs.audio import SAMPLE_RATE, SongError
from tools.songs.tracks import Track
from tools.vote.rules import wilson_interval

CD_RATE, DVD_RATE = 44100, 48000
# libsndfile's compression levels 1 and 0 are 32 and 320 kbit/s at a constant bit rate
MP3_128 = {"bitrate_mode": "CONSTANT", "compression_level": (320 - 128) / (320 - 32)}


@dataclass(frozen=True)
class Variant:
    """One way in which a song may come: the format that the suffix names, in libsndfile's own quality."""

    name: str
    suffix: str = ".wav"
    rate: int = SAMPLE_RATE
    gains: tuple[float, ...] = (1.0,)  # of each channel
    level: float | None = None  # dBFS of the loudest sample; None: as it is
    format: dict[str, Any] = field(default_factory=dict)

    def write(self, path: Path, samples: np.ndarray) -> None:
        """Put a mono waveform at 22050 Hz into a file, turned down where it would else be clipped."""
        samples = librosa.resample(samples, orig_sr=SAMPLE_RATE, target_sr=self.rate, res_type="soxr_vhq")
        peak = np.abs(samples).max()
        if self.level is None:
            samples = samples / max(1.0, peak)
        else:
            samples = samples / peak * 10 ** (self.level / 20) * (1 - 2**-15)  # a wav of 16 bits has no +1.0
        channels = np.outer(samples, self.gains)
        with soundfile.SoundFile(path, "w", self.rate, len(self.gains), **self.format) as file:
            for start in range(0, len(channels), self.rate):  # libvorbis overflows its stack on a whole song at once
                file.write(channels[start : start + self.rate])


VARIANTS = (
    *(Variant(f"peak at {level:.1f} dBFS", level=float(level)) for level in np.linspace(-30, 0, 8)),
    Variant("44.1 kHz", rate=CD_RATE),
    Variant("48 kHz", rate=DVD_RATE),
    Variant("stereo", gains=(1.0, 0.5)),
    Variant("mp3, 128 kbit/s", ".mp3", CD_RATE, (1.0, 1.0), format=MP3_128),
    Variant("vorbis", ".ogg", CD_RATE, (1.0, 1.0)),
)


def usable(tracks: list[Track], model: Model) -> list[Track]:
    """The songs that can be read and are long enough; the others are named on standard error."""
    readable = []
    for track in tracks:
        try:
            read_song(track.path, model.view, model.settings)
        except SongError as error:
            print(f"left out: {error}", file=sys.stderr)
        else:
            readable.append(track)
    return readable


def hear_variant(variant: Variant | None, tracks: list[Track], model: Model, threshold: int) -> list[Verdict]:
    """The verdicts on all songs as they come in one variant, or as they are."""
    songs = []
    with tempfile.TemporaryDirectory() as folder:
        for track in tracks:
            path = track.path
            if variant is not None:
                path = Path(folder) / f"song{variant.suffix}"
                variant.write(path, audio.read_audio(track.path))
            songs.append(read_song(path, model.view, model.settings))
    return hear(songs, model, threshold)


def compare(original: list[Verdict], changed: list[Verdict]) -> dict[str, Any]:
    """How many songs, of how many, keep their decision and their most probable genre; and how many clips their vote."""
    pairs = list(zip(original, changed))
    clips = [a == b for one, other in pairs for a, b in zip(one.clip_genres, other.clip_genres)]
    return {
        "songs": len(pairs),
        "same_decision": sum(one.decision == other.decision for one, other in pairs),
        "same_most_probable": sum(one.most_probable == other.most_probable for one, other in pairs),
        "same_clips": sum(clips) / len(clips),
    }


def count_steadfast(original: list[Verdict], variants: list[list[Verdict]]) -> int:
    """How many songs have the original's decision in all variants."""
    songs = zip(original, *variants)
    return sum(len({verdict.decision for verdict in verdicts}) == 1 for verdicts in songs)


def table(variants: dict[str, dict[str, Any]]) -> Table:
    """A row a variant, of what `compare` counts."""
    rows: list[Values] = []
    for name, row in variants.items():
        low, high = wilson_interval(row["same_decision"], row["songs"])
        rows.append(
            {
                "the song as": name,
                "same decision": f"{row['same_decision']} of {row['songs']}",
                "95% interval": f"{100 * low:.0f} to {100 * high:.0f}%",
                "same most probable genre": f"{row['same_most_probable']} of {row['songs']}",
                "same vote of a clip": percent(row["same_clips"]),
            }
        )
    return table_of(rows)


def measure(args: argparse.Namespace, model: Model) -> None:
    """Hear the test songs as they are and in every variant; print how often they keep their verdict."""
    examples = find_examples(model, args.root, read_settings(args).build)
    tracks = usable(examples.tracks, model)
    if not tracks:
        raise UserError(f"{args.root}: no test songs there: name another data root")
    print(f"model: {model.description}\n{len(tracks)} songs: {examples.note}\n", flush=True)
    original = hear_variant(None, tracks, model, args.threshold)
    changed = {
        variant.name: hear_variant(variant, tracks, model, args.threshold)
        for variant in tqdm(VARIANTS, unit="variant", disable=None, dynamic_ncols=True)
    }
    variants = {name: compare(original, verdicts) for name, verdicts in changed.items()}
    steadfast = count_steadfast(original, list(changed.values()))
    print(table(variants).markdown(commands=False))
    print(f"\nthe same decision in every variant: {steadfast} of {len(original)} songs")
    if args.json:
        about = {"model": model.as_json(), "note": examples.note, "variants": variants}
        counts = {"songs": len(original), "same_in_every_variant": steadfast}
        args.json.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(args.json, json.dumps({**about, **counts}, indent=1) + "\n")


def main() -> None:
    parser = cli.Parser(prog="robustness", description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, metavar="GENRES", help="a data root, as GTZAN=")
    add_model_options(parser)
    add_threshold_option(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures into this file as well")
    args = parser.parse_args()
    check_threshold(args.threshold)
    with kept_apart(model_of(args)) as model:
        measure(args, model)


if __name__ == "__main__":
    cli.run("robustness", main)
