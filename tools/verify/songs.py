"""The checks of LMDBs that need the songs: the split drawn again, and records derived again from the audio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tools.convert import features, lmdbs
from tools.convert.parts import draw_parts, list_left_out, without_songs
from tools.convert.train_clips import train_clip
from tools.convert.views import minimum_samples
from tools.songs import audio, gtzan
from tools.verify.build import Build, Content, Folder
from tools.verify.outcome import FailedError, SkippedError, equal

TOLERANCE = 2e-3  # of a value in 0..255, as float32 arithmetic may differ by


def root_of(build: Build, folder: Folder) -> Path:
    """The songs that are named, else those that the manifest says."""
    return build.data or Path(folder.manifest["data"]["root"])


def check_songs(build: Build, folder: Folder) -> str:
    """The songs are those that the folder was made of. SkippedError where they are gone, or others and not named.

    Those that lie in the build folder were made there, and are compared without being named.
    """
    root, fingerprint = root_of(build, folder), folder.manifest["data"]["fingerprint"]
    if build.data or root.resolve().is_relative_to(build.path.resolve()):
        gtzan.check_same_songs(root, fingerprint, str(folder.path))
    elif not root.is_dir():
        raise SkippedError(f"no songs at {root}: name them with GTZAN=DIR")
    elif gtzan.fingerprint(root) != fingerprint:
        raise SkippedError(f"{root} holds other songs by now: name those it was made of with GTZAN=DIR")
    return str(root)


def check_draw(build: Build, folder: Folder) -> str:
    """The split, drawn again over the names of the songs, has the same clips in each part, in the same order."""
    tracks = gtzan.survey(root_of(build, folder)).tracks
    equal(folder.manifest["data"]["songs_present"], len(tracks), "songs_present")
    unusable = dict.fromkeys(track.track for track in unusable_songs(tracks, folder))
    drawn = draw_parts(tracks, folder.settings, folder.views, tuple(folder.manifest["genres"]))
    for view, parts in without_songs(drawn, unusable).items():
        for dtype in folder.manifest["dtypes"]:
            contents = folder.of(view, dtype)
            equal(sorted(contents), sorted(parts), f"parts of {view.name}_{dtype}")
            for part, clips in parts.items():
                named, name = [(track.track, clip) for track, clip in clips], f"{view.name}_{dtype}_{part}"
                odd = sorted(set(named) ^ set(contents[part].clips))
                equal(odd[:1], [], f"{name}: clips that are in only one of draw and LMDB")
                equal(contents[part].clips == named, True, f"{name}: in the order of the draw")
    return f"{len(tracks)} songs fall as they did"


def unusable_songs(tracks: list[gtzan.Track], folder: Folder) -> list[gtzan.Track]:
    """The songs among what the manifest names as left out; the rest of that are files that are no song."""
    names = {item["file"] for item in folder.manifest["left_out"]}
    return [track for track in tracks if f"{track.genre}/{track.path.name}" in names]


def check_left_out(build: Build, folder: Folder) -> str:
    """What can't be used is what the manifest names, for the same reasons."""
    survey, genres = gtzan.survey(root_of(build, folder)), tuple(folder.manifest["genres"])
    reasons = {}
    for track in unusable_songs(survey.tracks, folder):
        try:
            audio.read_song(track.path, minimum_samples(folder.settings))
        except audio.SongError as error:
            reasons[track.track] = error.reason
    right = list_left_out(survey, genres, reasons)
    equal(folder.manifest["left_out"], right, "left_out")
    return f"{len(right)} files"


def check_audio(build: Build, folder: Folder) -> str:
    """The records of some songs, derived again from their files, are those of the LMDBs."""
    paths = {track.track: track.path for track in gtzan.survey(root_of(build, folder)).tracks}
    tracks = sorted({track for content in folder.contents.values() for track, _ in content.clips})
    chosen = build.random.choice(tracks, min(build.songs, len(tracks)), replace=False)
    count = 0
    for name in map(str, chosen):
        samples = audio.read_song(paths[name], minimum_samples(folder.settings))
        matrices = features.views_of(samples, folder.settings, folder.views)
        for view, dtype in folder.groups():
            derive = matrices[view.name].__getitem__
            if view.has_more_to_train(folder.settings):
                derive = partial(train_clip, derive, name, settings=folder.settings)
            for part, content in folder.of(view, dtype).items():
                lmdb = folder.path / f"{view.name}_{dtype}_{part}_lmdb"
                tolerance = TOLERANCE + (0.5 if dtype == "int" else 0)
                count += compare_song(lmdb, content, name, derive, tolerance)
    return f"{count} records of {', '.join(map(str, chosen))}"


def compare_song(
    lmdb: Path, content: Content, track: str, derive: Callable[[int], np.ndarray], tolerance: float
) -> int:
    """Compare a song's records in one LMDB with what ``derive`` makes of their numbers; returns how many."""
    keys = [(key, clip) for key, (of, clip) in zip(content.keys, content.clips) if of == track]
    with lmdbs.opened(lmdb) as environment, environment.begin() as transaction:
        for key, clip in keys:
            record = lmdbs.read_record(lmdb, key.encode(), transaction.get(key.encode()))
            difference = float(np.abs(record.array.astype(np.float64) - derive(clip)).max())
            if not difference <= tolerance:
                raise FailedError(f"{lmdb.name}: record {key} is off by {difference:g} from the audio")
    return len(keys)
