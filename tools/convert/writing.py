"""Features on disk to LMDBs and their means."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tools.convert import datum, features, lmdbs
from tools.convert.extract import Spool
from tools.convert.parts import Parts
from tools.convert.train_clips import train_clip
from tools.convert.views import Shape, View
from tools.songs.splits import Clip


def write_lmdbs(
    folder: Path, parts: Parts, spool: Spool, dtypes: list[str], genres: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Write the LMDB of every view, dtype and part, and the means of the train parts. Returns what each holds."""
    records = len(dtypes) * sum(len(clips) for drawn in parts.values() for clips in drawn.values())
    entries = {}
    with tqdm(desc="records", total=records, unit="record", unit_scale=True, disable=None) as bar:
        for view, drawn in parts.items():
            shape = view.shape(spool.settings)
            for dtype in dtypes:
                for part, clips in drawn.items():
                    if not clips:
                        continue
                    name = f"{view.name}_{dtype}_{part}_lmdb"
                    total = np.zeros(shape)
                    lmdbs.write_lmdb(folder / name, make_records(clips, spool, view, dtype, total, bar))
                    if part == "train":
                        datum.write_mean(folder / f"{view.name}_{dtype}_mean.binaryproto", total / len(clips))
                    entries[name] = describe(folder / name, clips, shape, genres)
    return entries


def make_records(
    clips: list[Clip], spool: Spool, view: View, dtype: str, total: np.ndarray, bar: tqdm
) -> Iterator[tuple[str, bytes]]:
    """Key and Datum of each clip in turn; their matrices are added up in ``total``."""
    more = view.has_more_to_train(spool.settings)
    for number, (track, clip) in enumerate(clips):
        read = functools.partial(spool.read, track.track, view)
        matrix = train_clip(read, track.track, clip, spool.settings) if more else read(clip)
        if dtype == "int":
            matrix = features.quantize(matrix)
        total += matrix
        bar.update()
        yield lmdbs.record_key(number, track.track, clip), datum.serialize(matrix, track.label)


def describe(path: Path, clips: list[Clip], shape: Shape, genres: tuple[str, ...]) -> dict[str, Any]:
    """What the manifest says of an LMDB; ``labels`` counts its records by genre."""
    labels = Counter(track.label for track, _ in clips)
    return {
        "records": len(clips),
        "songs": len({track.track for track, _ in clips}),
        "shape": list(shape),
        "labels": {genre: labels[label] for label, genre in enumerate(genres)},
        "sha256": lmdbs.content_hash(path),
    }
