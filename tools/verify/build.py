"""What is verified: a build folder, what its LMDBs hold, and what its networks say to the clips."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from tools import files, processes
from tools.convert import lmdbs
from tools.convert.views import VIEWS, View, matrix_settings
from tools.nets.predict import Prediction, predict_lmdb
from tools.settings import Settings
from tools.songs.gtzan import is_song_name
from tools.verify.outcome import FailedError


@dataclass(frozen=True)
class Content:
    """What an LMDB holds, record by record."""

    keys: list[str]
    clips: list[tuple[str, int]]  # track and number
    labels: list[int]
    shapes: set[tuple[int, ...]]
    types: set[str]
    mean: np.ndarray
    sha256: str


@dataclass(frozen=True)
class Folder:
    """A folder of LMDBs, its manifest and what each LMDB holds, by its name."""

    path: Path
    manifest: dict[str, Any]
    contents: dict[str, Content] = field(default_factory=dict)

    def of(self, view: View, dtype: str) -> dict[str, Content]:
        """What each part of a view and dtype holds."""
        prefix, suffix = f"{view.name}_{dtype}_", "_lmdb"
        return {name[len(prefix) : -len(suffix)]: c for name, c in self.contents.items() if name.startswith(prefix)}

    @property
    def settings(self) -> Settings:
        """The settings that the manifest says it was made with. All genres may have been named, or none."""
        said = self.manifest
        all_genres = said["genres"] == said["label_names"] and "genres=" not in self.path.name
        named = matrix_settings(Settings(balanced=1))
        return Settings(
            split=said["split"],
            fold=said["fold"],
            genres=() if all_genres else tuple(sorted(said["genres"])),
            **{name: value for name, value in said["features"].items() if name in named},
        )

    @property
    def is_gtzan(self) -> bool:
        """Whether every song has a name of GTZAN's, which tells its genre."""
        return all(is_song_name(track) for content in self.contents.values() for track, _ in content.clips)

    @property
    def views(self) -> list[View]:
        """Those that it has LMDBs of."""
        lacking = self.manifest.get("lacking", ())
        return [VIEWS[name] for name in self.manifest["views"] if name not in lacking]

    def groups(self) -> Iterator[tuple[View, str]]:
        return product(self.views, self.manifest["dtypes"])


@dataclass(frozen=True)
class Build:
    """A build folder, and how it is looked at."""

    path: Path
    data: Path | None = None  # the songs, where they are named
    songs: int = 3  # of each folder of LMDBs, to derive again from the audio
    random: np.random.Generator = field(default_factory=np.random.default_rng)


def content_of(lmdb: Path) -> Content:
    """What an LMDB holds, read once, by a process of its own: LMDB maps its file, and damage may end who reads it."""
    return read_aside(lmdb.resolve(), files.marks_of(lmdb / "data.mdb"))


@cache
def read_aside(lmdb: Path, _marks: tuple[int, ...]) -> Content:
    with processes.executor(1) as pool:
        try:
            return pool.submit(read_content, lmdb).result()
        except BrokenProcessPool:
            raise FailedError("whoever reads it is killed: remove it and type 'make lmdb' again") from None


def read_content(lmdb: Path) -> Content:
    keys, clips, labels, shapes, types = [], [], [], set(), set()
    total = np.zeros(1)
    for record in lmdbs.read_lmdb(lmdb):
        keys.append(record.key)
        clips.append((record.track, record.clip))
        labels.append(record.label)
        shapes.add(record.array.shape)
        types.add(str(record.array.dtype))
        total = total + record.array.astype(np.float64)
    return Content(keys, clips, labels, shapes, types, total / max(1, len(keys)), lmdbs.content_hash(lmdb))


def prediction_of(deploy: Path, caffemodel: Path, lmdb: Path) -> Prediction:
    """What a network makes of every clip of an LMDB, computed once."""
    key = (files.sha256_of(deploy), files.sha256_of(caffemodel), content_of(lmdb).sha256)
    if key not in PREDICTIONS:
        PREDICTIONS[key] = predict_lmdb(deploy, caffemodel, lmdb)
    return PREDICTIONS[key]


PREDICTIONS: dict[tuple[str, str, str], Prediction] = {}
