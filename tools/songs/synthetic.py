"""A synthetic data set in GTZAN's layout: the songs everything runs on where there is no GTZAN.

    python -m tools.songs.synthetic --out build/synthetic/genres --songs 10 --seed 1

Ten genres that differ as their names suggest (`recipes`), 22050 Hz, 16 bits, mono, 661,794 samples a song. Song N of a
genre is the same whatever else is made. ``synth.json`` beside the genres folder says what the folder holds, and exists
only when it is whole. Songs of the same seed are kept, and a run that was interrupted goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from tools import cli
from tools.cli import UserError, printable
from tools.files import only_writer, whole_file, write_whole
from tools.processes import cores, map_songs
from tools.songs.audio import SAMPLE_RATE
from tools.songs.gtzan import GENRES, SONGS_A_GENRE, looks_like_a_song
from tools.songs.synthesizer import SAMPLES, song

SONG_BYTES = 44 + 2 * SAMPLES


def make_songs(out: Path, songs: int, seed: int, jobs: int = 1) -> int:
    """Bring ``out`` to exactly ``songs`` songs a genre of this seed; returns how many had to be made.

    Raises UserError if ``out`` holds songs that were not made here, or can't be a folder.
    """
    with only_writer(out.resolve()):
        finished = out.resolve().parent / "synth.json"
        unfinished = finished.with_name("synth.json.part")
        manifest = {"folder": out.resolve().name, "version": version(), "seed": seed, "songs": songs}
        former = read_manifest(unfinished) or read_manifest(finished)
        claim(out, former, finished)
        if finished.exists():
            finished.replace(unfinished)
        files = [out / genre / f"{genre}.{number:05d}.wav" for genre in GENRES for number in range(songs)]
        same_songs = former is not None and {**former, "songs": songs} == manifest
        missing = [path for path in files if not (same_songs and path.is_file() and path.stat().st_size == SONG_BYTES)]
        kept = set(files) - set(missing)
        half_written = [path for genre in GENRES for path in (out / genre).glob(f".{genre}.*.wav.*")]
        for path in half_written + [path for path in songs_in(out) if path not in kept]:
            path.unlink()
        # Written only once no song of another manifest is left, so that a whole song is always one of this manifest.
        write_whole(unfinished, json.dumps(manifest, indent=2) + "\n")
        map_songs(render, missing, [seed] * len(missing), jobs=jobs, label="synth")
        unfinished.replace(finished)
    return len(missing)


def version() -> str:
    """A digest of the source that the sound depends on: when that changes, every song is made anew."""
    sources = [Path(__file__).with_name(name).read_bytes() for name in ("recipes.py", "synthesizer.py")]
    return hashlib.sha256(b"".join([np.__version__.encode(), *sources])).hexdigest()[:16]


def read_manifest(path: Path) -> dict | None:
    """What a manifest says; None where there is none or it can't be read as one."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) else None


def claim(out: Path, former: dict | None, finished: Path) -> None:
    """Make the folder and its genres' folders, but never among songs that came from somewhere else."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{printable(out)}: not a folder: name another by --out")
    if former and former.get("folder") != out.resolve().name:
        raise UserError(f"{printable(finished)}: belongs to {printable(former.get('folder'))}: name another --out")
    for path in songs_in(out):
        if not former or not re.fullmatch(rf"{path.parent.name}\.\d{{5}}\.wav", path.name):
            raise UserError(f"{printable(path)}: not made by this tool, which keeps to itself: name a folder by --out")
    for genre in GENRES:
        (out / genre).mkdir(parents=True, exist_ok=True)


def songs_in(out: Path) -> list[Path]:
    return [path for genre in GENRES for path in sorted((out / genre).glob("*")) if looks_like_a_song(path)]


def render(path: Path, seed: int) -> None:
    """Make the song that the file is named for: mono, 16 bits."""
    samples = song(seed, genre=path.parent.name, number=int(path.stem.rpartition(".")[2]))
    with whole_file(path, lasting=False) as aside:
        wavfile.write(aside, SAMPLE_RATE, np.round(samples * 32767).astype("<i2"))


def main() -> None:
    parser = cli.Parser(prog="synth", description="Make a synthetic data set in GTZAN's layout.")
    parser.add_argument("--out", type=Path, default=Path("build/synthetic/genres"), metavar="DIR", help="the data root")
    parser.add_argument("--songs", type=int, default=10, help="songs a genre, 1 to 100 (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other songs (default 1)")
    parser.add_argument("--jobs", type=int, default=cores(), help="songs made side by side (default: one a core)")
    arguments = parser.parse_args()
    if not 1 <= arguments.songs <= SONGS_A_GENRE:
        raise UserError(f"--songs {arguments.songs}: not a number from 1 to {SONGS_A_GENRE}")
    if arguments.seed < 0:
        raise UserError(f"--seed {arguments.seed}: not a whole number from 0")
    if arguments.jobs < 1:
        raise UserError(f"--jobs {arguments.jobs}: not a whole number from 1")
    new = make_songs(arguments.out, arguments.songs, arguments.seed, arguments.jobs)
    kept = arguments.songs * len(GENRES) - new
    print(f"{arguments.out}: {arguments.songs} songs a genre of seed {arguments.seed}, {new} made and {kept} kept")


if __name__ == "__main__":
    cli.run("synth", main)
