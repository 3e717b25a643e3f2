"""Time and memory of ours, from audio files to all six kinds of LMDB, from the command line to the manifest."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from tools import paths
from tools.cli import UserError
from tools.convert import lmdbs
from tools.convert.views import VIEWS
from tools.processes import child, last_words
from tools.songs import roots


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
                peak = max(peak, anonymous(process.pid))
                time.sleep(0.05)
        seconds = time.perf_counter() - began
        words.seek(0)
        if process.returncode:
            raise UserError(f"make_lmdb: {last_words(words.read())}")
    return seconds, peak


def anonymous(pid: int) -> float:
    """RssAnon, in MB, of a process, its children, theirs, and so on; 0 of what has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = re.search(r"RssAnon:\s+(\d+)", status)
    return (int(own[1]) / 1000 if own else 0.0) + sum(anonymous(int(number)) for number in children)


def largest_difference(ours: Path, plain: Path) -> float:
    """The largest difference between the records of both ways, as float, of the songs that the plain loop converted."""
    worst = 0.0
    for view in VIEWS:
        folders = [paths.lmdb(ours, "song", view, "float", part) for part in ("train", "test")]
        clips = {(record.track, record.clip): record.array for folder in folders for record in lmdbs.read_lmdb(folder)}
        for record in lmdbs.read_lmdb(plain / f"{view}_float_lmdb"):
            worst = max(worst, float(abs(record.array - clips[record.track, record.clip]).max()))
    return worst


def link_songs(root: Path, folder: Path, size: int) -> None:
    """A data root of ``size`` songs, links to those of ``root`` over and over."""
    shutil.rmtree(folder, ignore_errors=True)
    tracks = roots.survey(root).tracks
    genres = sorted({track.genre for track in tracks})
    for genre in genres:
        (folder / genre).mkdir(parents=True)
        songs = cycle([track.path.resolve() for track in tracks if track.genre == genre])
        for number, song in enumerate(islice(songs, size // len(genres))):
            (folder / genre / f"{genre}.{number:05d}{song.suffix}").symlink_to(song)
