"""Features on disk to LMDBs and their means."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools.convert import datum, features, lmdbs
from tools.convert.extract import Spool
from tools.convert.parts import Parts
from tools.convert.train_clips import train_clip
from tools.convert.views import View
from tools.processes import map_songs
from tools.settings import Settings
from tools.songs.splits import Clip


@dataclass(frozen=True)
class Part:
    """One LMDB to write: the clips of a view in the order of their keys, in one dtype."""

    view: View
    dtype: str
    part: str
    clips: list[Clip]

    @property
    def name(self) -> str:
        return f"{self.view.name}_{self.dtype}_{self.part}_lmdb"

    def values(self, settings: Settings) -> int:
        """Values of all its clips, a float counted as often as it has bytes in a Datum."""
        return len(self.clips) * int(np.prod(self.view.shape(settings))) * (5 if self.dtype == "float" else 1)


def write_lmdbs(
    folder: Path, parts: Parts, spool: Spool, dtypes: list[str], genres: tuple[str, ...], jobs: int | None = 1
) -> dict[str, dict[str, Any]]:
    """Write the LMDB of every view, dtype and part, and the means of the train parts, ``jobs`` LMDBs side by side.

    Returns what each holds, by name.
    """
    lmdb_parts = [
        Part(view, dtype, part, clips)
        for view, drawn in parts.items()
        for dtype in dtypes
        for part, clips in drawn.items()
        if clips
    ]
    largest_first = sorted(lmdb_parts, key=lambda part: part.values(spool.settings), reverse=True)
    write = functools.partial(write_part, folder, spool, genres)
    entries = dict(map_songs(write, largest_first, jobs=jobs, label="LMDBs", unit="LMDB", at_once=True))
    return {part.name: entries[part.name] for part in lmdb_parts}


def write_part(folder: Path, spool: Spool, genres: tuple[str, ...], part: Part) -> tuple[str, dict[str, Any]]:
    """Write one LMDB, and its mean if it is trained on. Returns its name and what it holds."""
    shape = part.view.shape(spool.settings)
    total = np.zeros(shape)
    lmdbs.write_lmdb(folder / part.name, make_records(part, spool, total))
    if part.part == "train":
        datum.write_mean(folder / f"{part.view.name}_{part.dtype}_mean.binaryproto", total / len(part.clips))
    songs, labels = [track.track for track, _ in part.clips], [track.label for track, _ in part.clips]
    return part.name, describe(songs, labels, list(shape), genres, lmdbs.content_hash(folder / part.name))


def make_records(part: Part, spool: Spool, total: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """Key and Datum of each clip in turn; their matrices are added up in ``total``."""
    more = part.view.has_more_to_train(spool.settings)
    for number, (track, clip) in enumerate(part.clips):
        read = functools.partial(spool.read, track.track, part.view)
        matrix = train_clip(read, track.track, clip, spool.settings) if more else read(clip)
        if part.dtype == "int":
            matrix = features.quantize(matrix)
        total += matrix
        yield lmdbs.record_key(number, track.track, clip), datum.serialize(matrix, track.label)


def describe(songs: list[str], labels: list[int], shape: list, genres: Sequence[str], sha256: str) -> dict[str, Any]:
    """What the manifest says of an LMDB, out of the song and the label of each of its records."""
    counts = Counter(labels)
    return {
        "records": len(labels),
        "songs": len(set(songs)),
        "shape": shape,
        "labels": {genre: counts[label] for label, genre in enumerate(genres)},
        "sha256": sha256,
    }
