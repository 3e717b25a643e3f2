"""Figure 4: a classical song beside a disco song, 33 bands, with the 2 s clips that look alike marked.

How alike two clips look is measured, not chosen by eye: each clip is summed up by the mean and the standard deviation
over time of each of its bands, and the distance of two clips is Euclid's between those 66 numbers. The three nearest
pairs of a classical and a disco clip, each clip used once, are marked A, B and C.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Rectangle

from tools import paths
from tools.cli import UserError
from tools.convert import lmdbs
from tools.report.canvas import Figure, canvas
from tools.report.records import Collection
from tools.report.table import Values
from tools.songs.audio import SAMPLE_RATE

GENRES_SHOWN = ("classical", "disco")
PAIRS = 3
MARKS = "ABC"
COLOURS = ("#56b4e9", "#e69f00", "#ffffff")


class Pair(NamedTuple):
    """Clip numbers within the first and the second song, and how far apart they are."""

    first: int
    second: int
    distance: float


def find_songs(collection: Collection) -> tuple[Path, dict[str, np.ndarray]] | None:
    """The first classical and the first disco song of a test part, by name: (clips, bands, frames) each.

    Returns the LMDB too; None where no split by song has been converted, since clip spreads a song over both parts.
    """
    splits = [split for split, manifest in collection.manifests.items() if manifest["split"] != "clip"]
    for split, dtype in product(sorted(splits, key=lambda split: (split != "song", split)), ("float", "int")):
        lmdb = paths.lmdb(collection.build, split, "cnn", dtype, "test")
        try:
            songs = first_songs(lmdb) if lmdb.is_dir() else {}
        except UserError as error:
            collection.left_out.append(str(error))
            continue
        if len(songs) == len(GENRES_SHOWN):
            return lmdb, songs
    return None


def first_songs(lmdb: Path) -> dict[str, np.ndarray]:
    """The first song of each genre shown, as far as there is one."""
    tracks = sorted({record.track for record in lmdbs.read_lmdb(lmdb)})
    firsts = (next((track for track in tracks if track.startswith(f"{genre}.")), None) for genre in GENRES_SHOWN)
    songs: dict[str, dict[int, np.ndarray]] = {track: {} for track in firsts if track}
    for record in lmdbs.read_lmdb(lmdb):
        if record.track in songs:
            songs[record.track][record.clip] = np.asarray(record.array[0], np.float32)
    return {track: np.stack([clips[number] for number in sorted(clips)]) for track, clips in songs.items()}


def summed_up(clips: np.ndarray) -> np.ndarray:
    """(clips, bands, frames) to (clips, 2 bands): mean and standard deviation of each band over time."""
    return np.concatenate([clips.mean(axis=2), clips.std(axis=2)], axis=1)


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Between each clip of the first song and each of the second (clips, clips)."""
    return np.linalg.norm(summed_up(first)[:, None] - summed_up(second)[None], axis=2)


def alike(first: np.ndarray, second: np.ndarray, pairs: int = PAIRS) -> list[Pair]:
    """The nearest pairs of clips, nearest first, each clip in one pair at most."""
    apart = distances(first, second)
    nearest = []
    for _ in range(min(pairs, *apart.shape)):
        i, j = np.unravel_index(apart.argmin(), apart.shape)
        nearest.append(Pair(int(i), int(j), float(apart[i, j])))
        apart[i] = apart[:, j] = np.inf
    return nearest


def spectrogram_figures(collection: Collection) -> list[Figure]:
    """Figure 4, where there are songs to draw."""
    shown = find_songs(collection)
    if shown is None:
        return []
    lmdb, songs = shown
    (first, a), (second, b) = songs.items()
    hop = next(iter(collection.manifests.values()))["features"].get("hop", 256)
    seconds = a.shape[2] * hop / SAMPLE_RATE
    pairs = dict(zip(MARKS, alike(a, b)))
    said = "; ".join(
        f"{mark}: clip {pair.first} of {first}, clip {pair.second} of {second}, {pair.distance:.1f} apart"
        for mark, pair in pairs.items()
    )
    caption = (
        f"{first} above, {second} below: {a.shape[1]} bands, {len(a)} clips of {seconds:.2f} s, from {lmdb}. "
        f"Marked: the pairs that look most alike by the mean and spread of their bands. {said}. Two clips of these "
        f"songs are {distances(a, b).mean():.1f} apart on average."
    )
    alt = "Spectrograms of a classical and a disco song with clips alike marked"
    rows: list[Values] = [
        {"mark": mark, first: pair.first, second: pair.second, "distance": pair.distance}
        for mark, pair in pairs.items()
    ]
    return [Figure("figure4", alt, caption, drawn(songs, pairs, seconds), rows, wide=True)]


def drawn(songs: dict[str, np.ndarray], pairs: dict[str, Pair], seconds: float) -> bytes:
    """Both songs above one another, clips of so many ``seconds``, with the pairs boxed and marked."""
    with canvas(9, 5.6, rows=2, **{"font.size": 13, "axes.titlesize": 14, "axes.grid": False}) as drawing:
        for axes, (name, clips) in zip(drawing.axes, songs.items()):
            extent = (0, len(clips) * seconds, 0, clips.shape[1])
            style = {"origin": "lower", "aspect": "auto", "cmap": "magma", "interpolation": "nearest"}
            axes.imshow(np.concatenate(list(clips), axis=1), vmin=0, vmax=255, extent=extent, **style)
            axes.set(title=name, ylabel="band")
        drawing.axes[1].set_xlabel("seconds")
        bands = next(iter(songs.values())).shape[1]
        for (mark, pair), colour in zip(pairs.items(), COLOURS):
            for axes, clip in zip(drawing.axes, (pair.first, pair.second)):
                corner, width, height = (clip * seconds, 0.4), seconds, bands - 0.8
                axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=2.5))
                box = {"facecolor": "black", "edgecolor": colour, "boxstyle": "round,pad=0.2"}
                style = {"color": "white", "ha": "center", "va": "top", "weight": "bold"}
                axes.text((clip + 0.5) * seconds, bands - 2, mark, fontsize=16, bbox=box, **style)
        return drawing.svg()
