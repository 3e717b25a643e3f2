"""A folder of LMDBs as it was seen: its manifest, and every record of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.convert import lmdbs
from tools.convert.views import VIEWS, View, matrix_settings
from tools.settings import Settings


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

    def of(self, view: View, dtype: str) -> dict[str, Seen]:
        """What each part of a view and dtype holds."""
        prefix = f"{view.name}_{dtype}_"
        return {name[len(prefix) : -len("_lmdb")]: seen for name, seen in self.seen.items() if name.startswith(prefix)}

    @property
    def settings(self) -> Settings:
        said = self.manifest["features"]
        return Settings(**{name: said[name] for name in matrix_settings(Settings())})

    @property
    def views(self) -> list[View]:
        return [VIEWS[name] for name in self.manifest["views"]]

    def groups(self) -> Iterator[tuple[View, str]]:
        for view in self.views:
            for dtype in self.manifest["dtypes"]:
                yield view, dtype
