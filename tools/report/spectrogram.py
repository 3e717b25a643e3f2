"""Figure 4: a classical song beside a disco song, 33 bands, with the 2 s clips that look alike marked.

How alike two clips look is measured, not chosen by eye: each clip is summed up by the mean and the standard deviation
over time of each of its bands, and the distance of two clips is Euclid's between those 66 numbers. The three nearest
pairs of a classical and a disco clip, each clip used once, are marked A, B and C.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Rectangle

from tools import paths
from tools.cli import UserError
from tools.convert import lmdbs
from tools.report.canvas import Figure, canvas, drawn
from tools.report.collect import Collection
from tools.report.layout import Row
from tools.songs.audio import SAMPLE_RATE

GENRES_SHOWN = ("classical", "disco")
PAIRS = 3
MARKS = "ABC"
COLOURS = ("#56b4e9", "#e69f00", "#ffffff")


@dataclass(frozen=True)
class Pair:
    """Clip numbers within the first and the second song, and how far apart they are."""

    first: int
    second: int
    distance: float


def find_songs(collection: Collection) -> tuple[str, dict[str, np.ndarray]] | None:
    """The first classical and the first disco song of a test part, by name: (clips, bands, frames) each.

    Returns the LMDB's path and the songs by name; None where no split by song has been converted.
    """
    for split in sorted(collection.manifests, key=lambda split: (split != "song", split)):
        if split.startswith("clip"):
            continue  # there a song's clips are spread over both parts
        for dtype in ("float", "int"):
            lmdb = paths.lmdb(collection.build, split, "cnn", dtype, "test")
            if lmdb.is_dir():
                try:
                    songs = first_songs(lmdb)
                except UserError as error:
                    collection.left_out.append(str(error))
                    continue
                if songs:
                    return str(lmdb), songs
    return None


def first_songs(lmdb: object) -> dict[str, np.ndarray]:
    """The first song of each genre shown; empty where one of them has none."""
    chosen: dict[str, str] = {}
    clips: dict[str, dict[int, np.ndarray]] = {}
    for record in lmdbs.read_lmdb(lmdb):
        genre = record.track.split(".")[0]
        if genre not in GENRES_SHOWN or record.track > chosen.get(genre, record.track):
            continue
        if chosen.get(genre) != record.track:
            clips[genre] = {}
            chosen[genre] = record.track
        clips[genre][record.clip] = np.asarray(record.array[0], np.float32)
    if len(chosen) < len(GENRES_SHOWN):
        return {}
    return {chosen[genre]: np.stack([clips[genre][i] for i in sorted(clips[genre])]) for genre in GENRES_SHOWN}


def summed_up(clips: np.ndarray) -> np.ndarray:
    """(clips, bands, frames) to (clips, 2 bands): mean and standard deviation of each band over time."""
    return np.concatenate([clips.mean(axis=2), clips.std(axis=2)], axis=1)


def alike(first: np.ndarray, second: np.ndarray, pairs: int = PAIRS) -> list[Pair]:
    """The nearest pairs of clips, nearest first, each clip in one pair at most."""
    distances = np.linalg.norm(summed_up(first)[:, None] - summed_up(second)[None], axis=2)
    found = []
    for _ in range(min(pairs, *distances.shape)):
        i, j = np.unravel_index(distances.argmin(), distances.shape)
        found.append(Pair(int(i), int(j), float(distances[i, j])))
        distances[i] = np.inf
        distances[:, j] = np.inf
    return found


def spectrogram_figure(collection: Collection) -> Figure | None:
    found = find_songs(collection)
    if found is None:
        return None
    lmdb, songs = found
    (first, a), (second, b) = songs.items()
    pairs = alike(a, b)
    hop = feature(collection, "hop", 256)
    seconds = a.shape[2] * hop / SAMPLE_RATE
    style = {"font.size": 13, "axes.titlesize": 14, "axes.grid": False}
    with canvas((9, 5.6), rows=2, **style) as (figure, panels):
        for axes, name, clips in zip(panels, songs, (a, b)):
            image = np.concatenate(list(clips), axis=1)
            axes.imshow(
                image, origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=255, interpolation="nearest",
                extent=(0, len(clips) * seconds, 0, len(image)),
            )  # fmt: skip
            axes.set_title(name)
            axes.set_ylabel("band")
        panels[1].set_xlabel("seconds")
        for pair, mark, colour in zip(pairs, MARKS, COLOURS):
            for axes, clip in ((panels[0], pair.first), (panels[1], pair.second)):
                box = Rectangle(
                    (clip * seconds, 0.4), seconds, a.shape[1] - 0.8, fill=False, edgecolor=colour, linewidth=2.5
                )
                axes.add_patch(box)
                axes.text(
                    (clip + 0.5) * seconds, a.shape[1] - 2, mark, color="white", ha="center", va="top", weight="bold",
                    fontsize=16, bbox={"facecolor": "black", "edgecolor": colour, "boxstyle": "round,pad=0.2"},
                )  # fmt: skip
        uri = drawn(figure)
    rows = [
        Row({"mark": mark, first: pair.first, second: pair.second, "distance": pair.distance})
        for mark, pair in zip(MARKS, pairs)
    ]
    said = "; ".join(
        f"{row.values['mark']}: clip {pair.first} of {first}, clip {pair.second} of {second}, {pair.distance:.1f} apart"
        for row, pair in zip(rows, pairs)
    )
    usual = float(np.linalg.norm(summed_up(a)[:, None] - summed_up(b)[None], axis=2).mean())
    caption = (
        f"{first} above, {second} below: {a.shape[1]} bands, {len(a)} clips of {seconds:.2f} s, from {lmdb}. "
        f"Marked: the pairs that look most alike by the mean and spread of their bands. {said}. Two clips of these "
        f"songs are {usual:.1f} apart on average."
    )
    return Figure(
        "figure4", "Spectrograms of a classical and a disco song with clips alike marked", caption, uri, rows, True
    )


def feature(collection: Collection, name: str, default: int) -> int:
    """A conversion parameter as a manifest records it."""
    for manifest in collection.manifests.values():
        parameters = manifest.get("features", {})
        if name in parameters:
            return int(parameters[name])
    return default
