"""Songs to features, in parallel and on disk: each song is decoded once for all views.

A spool is a folder with a file for every song that is done, so that memory does not grow with the songs and an
interrupted conversion goes on where it stopped.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tools.convert import features
from tools.convert.views import VIEWS, Shape, View, matrix_settings, minimum_samples
from tools.files import whole_file, write_whole
from tools.processes import map_songs
from tools.settings import Settings
from tools.songs.audio import SAMPLE_RATE, SongError, middle, read_song
from tools.songs.tracks import Track


@dataclass(frozen=True)
class Outcome:
    """What came of a song: the reason why it has no clip of a view, by view, and the sha256 of its samples.

    The sha256 is None for a song that can't be read.
    """

    reasons: dict[str, str]
    samples_sha256: str | None = None


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
        """The features of a song, in a file that is named for it, by hash: a name may be of any length, or a path."""
        return self.folder / f"{hashlib.sha256(track.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.f32"

    def values(self, view: View) -> int:
        """float32 values that a song has in a view."""
        return view.clips(self.settings) * int(np.prod(view.shape(self.settings)))

    def write(self, track: str, matrices: dict[str, np.ndarray], outcome: Outcome) -> None:
        """Write a song's views, each (clips, channels, height, width). A view that it lacks is left as a hole in the
        file.
        """
        write_whole(self.file(track).with_suffix(".json"), json.dumps(asdict(outcome)), lasting=False)
        with whole_file(self.file(track), lasting=False) as aside, aside.open("wb") as file:
            for view in self.views:
                if view.name in matrices:
                    file.write(matrices[view.name].astype("<f4", copy=False).tobytes())
                else:
                    file.seek(4 * self.values(view), os.SEEK_CUR)
            file.truncate(4 * sum(map(self.values, self.views)))

    def outcome(self, track: str) -> Outcome | None:
        """What `write` kept beside the features of a song; None where one of the two is not there, whole."""
        file, size = self.file(track), 4 * sum(map(self.values, self.views))
        try:
            whole = file.stat().st_size == size
            return Outcome(**json.loads(file.with_suffix(".json").read_text())) if whole else None
        except (OSError, ValueError, TypeError):  # what is not lasting may be lost with the machine's power
            return None

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


def extract(tracks: list[Track], spool: Spool, jobs: int | None, is_gtzan: bool) -> dict[str, Outcome]:
    """Bring the features of every song into the spool, ``jobs`` songs at a time; returns what came of each, by name.

    Raises UserError if a process is killed.
    """
    known = {track.track: spool.outcome(track.track) for track in tracks}
    to_do = [track for track in tracks if known[track.track] is None]
    # Made before the processes are, so that they find it in their memory.
    features.filter_bank(spool.settings.bands, spool.settings.window, spool.settings.n_bands)
    function = partial(extract_song, spool, is_gtzan)
    outcomes = map_songs(function, to_do, jobs=jobs, done=len(tracks) - len(to_do))
    new = dict(zip((track.track for track in to_do), outcomes))
    return {name: outcome or new[name] for name, outcome in known.items()}


def extract_song(spool: Spool, is_gtzan: bool, track: Track) -> Outcome:
    """Bring one song into the spool."""
    matrices, outcome = examine(track, spool.settings, spool.views, is_gtzan)
    if matrices:
        spool.write(track.track, matrices, outcome)
    return outcome


def examine(
    track: Track, settings: Settings, views: Sequence[View], is_gtzan: bool
) -> tuple[dict[str, np.ndarray], Outcome]:
    """The views that a song can be used for, by name, each (clips, channels, height, width), and what came of it."""
    try:
        samples = read_song(track.path, 0)
    except SongError as error:
        return {}, Outcome({view.name: error.reason for view in views})
    usable, reasons = usable_views(len(samples), settings, views, is_gtzan)
    outcome = Outcome(reasons, hashlib.sha256(samples.tobytes()).hexdigest())
    if not usable:
        return {}, outcome
    return features.views_of(stretch_of(samples, settings), settings, usable), outcome


def stretch_of(samples: np.ndarray, settings: Settings) -> np.ndarray:
    """What is used of a song that is long enough for a view: as much as all views need that it is long enough for."""
    needs = (view.samples(settings) for view in VIEWS.values())
    return middle(samples, max(need for need in needs if need <= len(samples)))


def usable_views(
    samples: int, settings: Settings, views: Sequence[View], is_gtzan: bool
) -> tuple[list[View], dict[str, str]]:
    """The views that a song of so many samples is long enough for; and of the others, by view, why it is not.

    A song of GTZAN is used for all views or for none.
    """
    if samples < minimum_samples(settings) and is_gtzan:
        reason = f"too short: {samples} samples at {SAMPLE_RATE} Hz, {minimum_samples(settings)} are needed"
        return [], {view.name: reason for view in views}
    short = {view.name: view.why_short(samples, settings) for view in views if samples < view.samples(settings)}
    return [view for view in views if view.name not in short], short
