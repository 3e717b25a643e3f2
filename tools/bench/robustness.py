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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
from tqdm import tqdm

from tools import cli, files
from tools.classify.model import Model, add_model_options, choose_model, kept_apart
from tools.classify.song import read_song
from tools.classify.verdict import Verdict, add_threshold_option, check_threshold, hear
from tools.cli import UserError
from tools.serve.examples import find_examples
from tools.songs import audio
from tools.songs.audio import SAMPLE_RATE, SongError
from tools.songs.gtzan import Track
from tools.vote.rules import wilson_interval

LEVELS = tuple(float(level) for level in np.linspace(-30, 0, 8))  # dBFS of the loudest sample
CD_RATE, DVD_RATE = 44100, 48000
MP3_RATES = (32, 320)  # kbit/s, libsndfile's compression levels 1 and 0 at a constant bit rate
STEREO = (1.0, 0.5)  # gains of the two channels


@dataclass(frozen=True)
class Variant:
    """One way in which a song may come: ``write`` puts a mono waveform at 22050 Hz into a file."""

    name: str
    suffix: str
    write: Callable[[Path, np.ndarray], None]


def write_level(level: float) -> Callable[[Path, np.ndarray], None]:
    """A 16-bit wav file whose loudest sample is at ``level`` dBFS."""

    def write(path: Path, samples: np.ndarray) -> None:
        peak = 10 ** (level / 20) * (1 - 2**-15)  # a wav of 16 bits has no +1.0
        soundfile.write(path, samples / np.abs(samples).max() * peak, SAMPLE_RATE, subtype="PCM_16")

    return write


def write_rate(rate: int) -> Callable[[Path, np.ndarray], None]:
    return lambda path, samples: soundfile.write(path, resampled(samples, rate), rate, subtype="PCM_16")


def write_stereo(path: Path, samples: np.ndarray) -> None:
    """Both channels, one at half the level of the other."""
    soundfile.write(path, np.outer(samples, STEREO), SAMPLE_RATE, subtype="PCM_16")


def write_mp3(path: Path, samples: np.ndarray) -> None:
    """Stereo at 44.1 kHz and a constant 128 kbit/s."""
    compression = (MP3_RATES[1] - 128) / (MP3_RATES[1] - MP3_RATES[0])
    stereo = np.repeat(resampled(samples, CD_RATE)[:, None], 2, axis=1)
    soundfile.write(path, stereo, CD_RATE, bitrate_mode="CONSTANT", compression_level=compression)


def write_vorbis(path: Path, samples: np.ndarray) -> None:
    """Stereo at 44.1 kHz, in libsndfile's own quality."""
    stereo = np.repeat(resampled(samples, CD_RATE)[:, None], 2, axis=1)
    with soundfile.SoundFile(path, "w", CD_RATE, 2, format="OGG", subtype="VORBIS") as file:
        for start in range(0, len(stereo), CD_RATE):  # libvorbis overflows its stack on a whole song at once
            file.write(stereo[start : start + CD_RATE])


def resampled(samples: np.ndarray, rate: int) -> np.ndarray:
    """To ``rate`` Hz, turned down where it would else be clipped."""
    samples = librosa.resample(samples, orig_sr=SAMPLE_RATE, target_sr=rate, res_type="soxr_vhq")
    return samples / max(1.0, np.abs(samples).max())


VARIANTS = (
    *(Variant(f"peak at {level:.1f} dBFS", ".wav", write_level(level)) for level in LEVELS),
    Variant("44.1 kHz", ".wav", write_rate(CD_RATE)),
    Variant("48 kHz", ".wav", write_rate(DVD_RATE)),
    Variant("stereo", ".wav", write_stereo),
    Variant("mp3, 128 kbit/s", ".mp3", write_mp3),
    Variant("vorbis", ".ogg", write_vorbis),
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
    for track in tracks:
        if variant is None:
            songs.append(read_song(track.path, model.view, model.settings))
            continue
        with tempfile.TemporaryDirectory() as folder:
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
    return sum(
        all(verdicts[song].decision == verdict.decision for verdicts in variants)
        for song, verdict in enumerate(original)
    )


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    print("| the song as | same decision | 95% interval | same most probable genre | same vote of a clip |")
    print("|---|---|---|---|---|")
    for name, row in rows.items():
        low, high = wilson_interval(row["same_decision"], row["songs"])
        decision, probable = (f"{row[key]} of {row['songs']}" for key in ("same_decision", "same_most_probable"))
        interval = f"{100 * low:.0f} to {100 * high:.0f}%"
        print(f"| {name} | {decision} | {interval} | {probable} | {100 * row['same_clips']:.1f}% |")


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="robustness", description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, metavar="GENRES", help="a data root, as GTZAN=")
    add_model_options(parser)
    add_threshold_option(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures into this file as well")
    return parser.parse_args()


def measure(args: argparse.Namespace, model: Model) -> None:
    """Hear the test songs as they are and in every variant; print how often they keep their verdict."""
    examples = find_examples(model, args.root, args.build)
    tracks = usable(examples.tracks, model)
    if not tracks:
        raise UserError(f"{args.root}: no test songs there: name another data root")
    print(f"model: {model.description}\n{len(tracks)} songs: {examples.note}\n", flush=True)
    original = hear_variant(None, tracks, model, args.threshold)
    changed = {
        variant.name: hear_variant(variant, tracks, model, args.threshold)
        for variant in tqdm(VARIANTS, unit="variant", disable=None, dynamic_ncols=True)
    }
    outcome: dict[str, Any] = {
        "model": model.as_json(),
        "note": examples.note,
        "variants": {name: compare(original, verdicts) for name, verdicts in changed.items()},
        "songs": len(original),
        "same_in_every_variant": count_steadfast(original, list(changed.values())),
    }
    print_table(outcome["variants"])
    print(f"\nthe same decision in every variant: {outcome['same_in_every_variant']} of {outcome['songs']} songs")
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(args.json, json.dumps(outcome, indent=1) + "\n")


def main() -> None:
    args = parse_arguments()
    check_threshold(args.threshold)
    with kept_apart(choose_model(args.build, args.run, args.iteration)) as model:
        measure(args, model)


if __name__ == "__main__":
    cli.run("robustness", main)
