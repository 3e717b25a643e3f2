"""A folder of LMDBs as it was seen: its manifest, and every record of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.convert import lmdbs
from tools.convert.parameters import Parameters


@dataclass(frozen=True)
class Seen:
    """What an LMDB was seen to hold, record by record."""

    keys: list[str]
    clips: list[tuple[str, int]]  # track and number
    labels: list[int]
    shapes: set[tuple[int, ...]]
    types: set[str]
    mean: np.ndarray
    sha256: str


def look_at(lmdb: Path) -> Seen:
    keys, clips, labels, shapes, types = [], [], [], set(), set()
    total: np.ndarray | float = 0.0
    for record in lmdbs.read_lmdb(lmdb):
        keys.append(record.key)
        clips.append((record.track, record.clip))
        labels.append(record.label)
        shapes.add(record.array.shape)
        types.add(str(record.array.dtype))
        total = total + record.array.astype(np.float64)
    return Seen(keys, clips, labels, shapes, types, total / max(1, len(keys)), lmdbs.content_hash(lmdb))


@dataclass(frozen=True)
class Folder:
    """A folder of LMDBs, its manifest and what each LMDB holds, by its name."""

    path: Path
    manifest: dict
    seen: dict[str, Seen]

    def of(self, view: str, dtype: str) -> dict[str, Seen]:
        """What each part of a view and dtype holds."""
        prefix = f"{view}_{dtype}_"
        return {name[len(prefix) : -len("_lmdb")]: seen for name, seen in self.seen.items() if name.startswith(prefix)}

    @property
    def parameters(self) -> Parameters:
        said, names = self.manifest["features"], Parameters().__dataclass_fields__
        return Parameters(**{name: said[name] for name in names if name in said})

    def groups(self) -> Iterator[tuple[str, str]]:
        for view in self.manifest["views"]:
            for dtype in self.manifest["dtypes"]:
                yield view, dtype
