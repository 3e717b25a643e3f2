"""Songs to features, in parallel and on disk: each song is decoded once for all views.

A spool is a folder with a file for every song that is done, so that memory does not grow with the songs and an
interrupted conversion goes on where it stopped.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tools.convert import features
from tools.convert.views import Shape, View, matrix_settings, minimum_samples
from tools.files import write_whole
from tools.processes import map_songs
from tools.settings import Settings
from tools.songs.audio import SongError, read_song
from tools.songs.gtzan import Track


@dataclass(frozen=True)
class Spool:
    """Features of songs on disk: a file for each song, named for it, of the float32 values of its views in turn."""

    folder: Path
    settings: Settings
    views: tuple[View, ...]

    def open(self, fingerprint: str) -> None:
        """Make the folder; what lies in it is kept if it was made from the same data in the same way."""
        made_from = {
            "fingerprint": fingerprint,
            "formulas": features.FORMULAS,
            "settings": matrix_settings(self.settings),
            "views": [view.name for view in self.views],
        }
        text = json.dumps(made_from)
        label = self.folder / "made_from.json"
        if not label.is_file() or label.read_text() != text:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            write_whole(label, text)

    def file(self, track: str) -> Path:
        return self.folder / f"{track}.f32"

    def values(self, view: View) -> int:
        """float32 values that a song has in a view."""
        return view.clips(self.settings) * int(np.prod(view.shape(self.settings)))

    def has(self, track: str) -> bool:
        size = 4 * sum(map(self.values, self.views))
        return self.file(track).is_file() and self.file(track).stat().st_size == size

    def write(self, track: str, matrices: dict[str, np.ndarray]) -> None:
        """Write a song's views, each (clips, channels, height, width), aside and rename them into place."""
        write_whole(
            self.file(track), b"".join(matrices[view.name].astype("<f4", copy=False).tobytes() for view in self.views)
        )

    @functools.lru_cache  # noqa: B019 (frozen, and made once)
    def place(self, view: View) -> tuple[Shape, int, int]:
        """The shape of a view's clips, the byte in a song's file where they begin, and the bytes of one."""
        shape = view.shape(self.settings)
        before = sum(map(self.values, self.views[: self.views.index(view)]))
        return shape, 4 * before, 4 * int(np.prod(shape))

    def read(self, track: str, view: View, clip: int) -> np.ndarray:
        """One clip of a song: float32 (channels, height, width)."""
        shape, offset, size = self.place(view)
        with self.file(track).open("rb", buffering=0) as file:
            values = os.pread(file.fileno(), size, offset + clip * size)
        return np.frombuffer(values, "<f4").reshape(shape)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def extract(tracks: list[Track], spool: Spool, jobs: int | None) -> dict[str, str]:
    """Bring the features of every song into the spool, ``jobs`` songs at a time.

    Returns the reason for each song that can't be used, by its name. Raises UserError if a process is killed.
    """
    to_do = [track for track in tracks if not spool.has(track.track)]
    # Made before the processes are, so that they find it in their memory.
    features.filter_bank(spool.settings.bands, spool.settings.window, spool.settings.n_bands)
    outcomes = map_songs(partial(extract_song, spool), to_do, jobs=jobs, done=len(tracks) - len(to_do))
    return {track.track: reason for track, reason in zip(to_do, outcomes) if reason is not None}


def extract_song(spool: Spool, track: Track) -> str | None:
    """Bring one song into the spool. Returns the reason if it can't be used."""
    try:
        samples = read_song(track.path, minimum_samples(spool.settings))
    except SongError as error:
        return error.reason
    spool.write(track.track, features.views_of(samples, spool.settings, spool.views))
    return None
