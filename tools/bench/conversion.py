"""Songs per second from audio files to all six kinds of LMDB: `tools.convert` against a plain loop.

    python -m tools.bench.conversion DATA_ROOT --round 0
    python -m tools.bench.conversion DATA_ROOT --growth     once: 100, 1000 and 10,000 songs, links to the same files

Ours is timed as a whole, from the command line to the manifest; the plain loop (`plain_loop`) without its imports.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools import cli, paths
from tools.bench import plain_loop
from tools.bench.measurements import Measurements
from tools.cli import UserError
from tools.convert import lmdbs
from tools.convert.views import VIEWS
from tools.processes import child, last_words
from tools.songs import roots
from tools.songs.tracks import Track

PLAIN_SONGS = 20
SIZES = (100, 1000, 10_000)
# LMDBs of one song take 1.3 MB, and the matrices of one song, kept until its LMDBs are written, 0.9 MB.
BYTES_A_SONG = 2.3e6


def time_ours(root: Path, work: Path) -> tuple[float, float]:
    """Seconds, and the most anonymous memory (RssAnon, MB) that all its processes had together.

    Pages of an LMDB that are mapped are the file system's, and no growth of the process.
    """
    shutil.rmtree(work / "lmdb", ignore_errors=True)
    peak, began = 0.0, time.perf_counter()
    command = [sys.executable, "-m", "tools.convert", str(root), "--build", str(work)]
    with tempfile.TemporaryFile("w+") as words:
        with child(command, words, out=subprocess.DEVNULL) as process:
            while process.poll() is None:
                peak = max(peak, sum(map(anonymous, family(process.pid))))
                time.sleep(0.05)
        seconds = time.perf_counter() - began
        words.seek(0)
        if process.returncode:
            raise UserError(f"make_lmdb: {last_words(words.read())}")
    return seconds, peak


def time_plain_loop(root: Path, folder: Path) -> float:
    """Songs per second of the plain loop, by some of the songs."""
    shutil.rmtree(folder, ignore_errors=True)
    tracks = roots.survey(root).tracks
    return plain_loop.convert(tracks[:: max(1, len(tracks) // PLAIN_SONGS)][:PLAIN_SONGS], folder)


def family(pid: int) -> list[int]:
    """A process, its children, theirs, and so on."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(member for number in children for member in family(int(number)))]


def anonymous(pid: int) -> float:
    """RssAnon of a process in MB; 0 where it has ended."""
    try:
        line = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(line[1]) / 1000 if line else 0.0


def check_same(ours: Path, plain: Path) -> float:
    """The largest difference between the records of both ways, as float, of the songs that the plain loop converted."""
    worst = 0.0
    for view in VIEWS:
        folders = [paths.lmdb(ours, "song", view, "float", part) for part in ("train", "test")]
        clips = {(record.track, record.clip): record.array for folder in folders for record in lmdbs.read_lmdb(folder)}
        for record in lmdbs.read_lmdb(plain / f"{view}_float_lmdb"):
            worst = max(worst, float(abs(record.array - clips[record.track, record.clip]).max()))
    return worst


def measure(root: Path, build: Path, number: int) -> None:
    measurements, work = Measurements(build / "bench", "conversion"), build / "bench" / "work-conversion"
    if measurements.lines(round=number):
        return
    seconds, _ = time_ours(root, work)
    rate, plain_rate = len(roots.survey(root).tracks) / seconds, time_plain_loop(root, work / "plain")
    difference = check_same(work, work / "plain")
    measurements.add(round=number, songs_per_s=rate, plain_songs_per_s=plain_rate, differs=difference)
    shutil.rmtree(work)


def measure_growth(root: Path, build: Path) -> None:
    measurements, work = Measurements(build / "bench", "growth"), build / "bench" / "work-growth"
    work.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(work).free / 1e9, 1.1 * BYTES_A_SONG * max(SIZES) / 1e9
    if free < needed:
        raise UserError(f"{work}: {free:.0f} GB are free, {needed:.0f} GB are needed: make room, or leave GROWTH out")
    for size in SIZES:
        if not measurements.lines(songs=size):
            link_songs(root, work / "genres", size)
            seconds, peak = time_ours(work / "genres", work)
            measurements.add(songs=size, ms_a_song=1000 * seconds / size, anonymous_mb=peak)
    shutil.rmtree(work)


def link_songs(root: Path, folder: Path, size: int) -> None:
    """A data root of ``size`` songs, links to those of ``root`` over and over."""
    shutil.rmtree(folder, ignore_errors=True)
    by_genre: dict[str, list[Track]] = {}
    for track in roots.survey(root).tracks:
        by_genre.setdefault(track.genre, []).append(track)
    for genre, tracks in by_genre.items():
        (folder / genre).mkdir(parents=True)
        for number in range(size // len(by_genre)):
            source = tracks[number % len(tracks)].path.resolve()
            (folder / genre / f"{genre}.{number:05d}{source.suffix}").symlink_to(source)


def main() -> None:
    parser = cli.Parser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("data_root", type=Path)
    parser.add_argument("--round", type=int, default=0)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--build", type=Path, default=paths.BUILD)
    args = parser.parse_args()
    if args.growth:
        measure_growth(args.data_root, args.build)
    else:
        measure(args.data_root, args.build, args.round)


if __name__ == "__main__":
    cli.run("bench", main)
