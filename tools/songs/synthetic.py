"""A synthetic data set in GTZAN's layout: the songs everything runs on where there is no GTZAN.

    python -m tools.songs.synthetic --out build/synthetic/genres --songs 10 --seed 1

Ten genres that differ as their names suggest (`synthesis.genres`), 22050 Hz, 16 bits, mono, 661,794 samples a
song. Song N of a genre is the same whatever else is made. ``synth.json`` beside the genres folder says what the
folder holds, and is there only when it is whole; songs that are there already are kept, and a run that was interrupted
goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import multiprocessing
import os
import re
import signal
import threading
import wave
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tools import cli
from tools.cli import UserError, printable
from tools.files import only_writer
from tools.songs.audio import SAMPLE_RATE
from tools.songs.gtzan import GENRES, SONGS_A_GENRE, looks_like_a_song
from tools.songs.synthesis.song import SAMPLES, song

SONG_NAME = re.compile(rf"({'|'.join(GENRES)})\.\d{{5}}\.wav")
HEADER_BYTES = 44
Job = tuple[int, str, int, Path]  # seed, genre, number, file


def make_songs(out: Path, songs: int, seed: int, jobs: int = 1) -> int:
    """Bring ``out`` to exactly ``songs`` songs a genre of this seed; returns how many had to be made.

    Raises UserError if ``out`` holds songs that were not made here, or can't be a folder.
    """
    with only_writer(out.resolve()):
        return make_missing(out, songs, seed, jobs)


def make_missing(out: Path, songs: int, seed: int, jobs: int) -> int:
    """`make_songs`, for the only writer of ``out``."""
    finished = out.resolve().parent / "synth.json"
    unfinished = finished.with_name("synth.json.part")
    recipe = {"folder": out.resolve().name, "version": version(), "seed": seed, "songs": songs}
    former = read_recipe(unfinished) or read_recipe(finished)
    claim(out, former, finished)
    all_jobs = [(seed, genre, i, out / genre / f"{genre}.{i:05d}.wav") for genre in GENRES for i in range(songs)]
    same_songs = former is not None and {**former, "songs": songs} == recipe
    if finished.exists():
        finished.replace(unfinished)
    clear(out, kept={path for *_, path in all_jobs if same_songs and is_whole(path)})
    # Written only once no song of another recipe is left, so that a whole song is always one of the recipe on disk.
    write_json(unfinished, recipe)
    missing = [job for job in all_jobs if not job[-1].exists()]
    render_all(missing, jobs)
    unfinished.replace(finished)
    return len(missing)


def version() -> str:
    """A digest of the source that the sound depends on: when that changes, every song is made anew."""
    digest = hashlib.sha256(np.__version__.encode())
    for module in sorted(Path(__file__).with_name("synthesis").glob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:16]


def read_recipe(path: Path) -> dict | None:
    """What a manifest says; None where there is none or it can't be read as one."""
    try:
        recipe = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return recipe if isinstance(recipe, dict) else None


def claim(out: Path, former: dict | None, finished: Path) -> None:
    """Make the folder and its genres' folders, but never among songs that came from somewhere else."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{printable(out)}: not a folder: name another by --out")
    if former and former.get("folder") != out.resolve().name:
        belongs_to = f"belongs to {printable(former.get('folder'))} beside it"
        raise UserError(f"{printable(finished)}: {belongs_to}: name a folder somewhere else by --out")
    for path in songs_in(out):
        if not former or not SONG_NAME.fullmatch(path.name):
            raise UserError(f"{printable(path)}: not made by this tool, which keeps to itself: name a folder by --out")
    for genre in GENRES:
        (out / genre).mkdir(parents=True, exist_ok=True)


def songs_in(out: Path) -> list[Path]:
    return [path for genre in GENRES for path in sorted((out / genre).glob("*")) if looks_like_a_song(path)]


def clear(out: Path, kept: set[Path]) -> None:
    """Remove every song but those to be kept, and what an interrupted run left half written."""
    half_written = [path for genre in GENRES for path in (out / genre).glob(f".{genre}.*.wav.part")]
    for path in half_written + [path for path in songs_in(out) if path not in kept]:
        path.unlink()


def write_json(path: Path, content: dict) -> None:
    aside = path.with_name(f".{path.name}.aside")
    aside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    aside.replace(path)


def is_whole(path: Path) -> bool:
    """Whether the file has a song's length and format; which song it plays is known by the manifest."""
    try:
        with path.open("rb") as file, wave.open(file) as song_file:
            complete = path.stat().st_size == HEADER_BYTES + 2 * SAMPLES
            return complete and song_file.getparams()[:4] == (1, 2, SAMPLE_RATE, SAMPLES)
    except (FileNotFoundError, wave.Error, EOFError):
        return False


def render_all(missing: list[Job], jobs: int) -> None:
    """Make the songs in ``jobs`` processes. An interrupt lets the songs under way finish and drops the rest."""
    progress = {"total": len(missing), "desc": "synth", "unit": "song", "disable": None}
    if jobs == 1 or len(missing) < 2:
        for job in tqdm(missing, **progress):
            render(job)
        return
    with ProcessPoolExecutor(min(jobs, len(missing)), initializer=follow_the_main_process) as pool:
        try:
            running = [pool.submit(render, job) for job in missing]
            for done in tqdm(as_completed(running), **progress):
                done.result()
        except BrokenProcessPool:
            remedy = "free some memory or take fewer --jobs, then type the same command again"
            raise UserError(f"a process that made songs was killed: {remedy}") from None
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def follow_the_main_process() -> None:
    """A Ctrl-C reaches every process of a terminal, but the main one decides; when that dies, so does this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_after_the_main_process, daemon=True).start()


def end_after_the_main_process() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def render(job: Job) -> None:
    """Make one song, aside, and rename it into place."""
    seed, genre, number, path = job
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(wav(song(seed, genre, number)))
    aside.replace(path)


def wav(samples: np.ndarray) -> bytes:
    """A mono 16-bit WAV file of samples within -1..1."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, len(samples), "NONE", None))
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return content.getvalue()


def songs_a_genre(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= SONGS_A_GENRE:
        raise argparse.ArgumentTypeError(f"{text}: not a number from 1 to {SONGS_A_GENRE}")
    return int(text)


def natural_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: not a whole number from 0")
    return int(text)


def processes(text: str) -> int:
    return max(1, natural_number(text))


def main() -> int:
    parser = cli.Parser(prog="synth", description="Make a synthetic data set in GTZAN's layout.")
    parser.add_argument("--out", type=Path, default=Path("build/synthetic/genres"), metavar="DIR", help="the data root")
    parser.add_argument("--songs", type=songs_a_genre, default=10, help="songs a genre, 1 to 100 (default 10)")
    parser.add_argument("--seed", type=natural_number, default=1, help="another seed, other songs (default 1)")
    parser.add_argument(
        "--jobs", type=processes, default=len(os.sched_getaffinity(0)), help="processes (default: a core each)"
    )
    arguments = parser.parse_args()
    made = make_songs(arguments.out, arguments.songs, arguments.seed, arguments.jobs)
    kept = arguments.songs * len(GENRES) - made
    print(f"{arguments.out}: {arguments.songs} songs a genre of seed {arguments.seed}, {made} made and {kept} kept")
    return 0


if __name__ == "__main__":
    cli.run("synth", main)
