"""The checks of LMDBs that need the songs: the split drawn again, and records derived again from the audio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tools.cli import printable
from tools.convert import lmdbs
from tools.convert.extract import examine
from tools.convert.lmdbs import short_name
from tools.convert.parts import draw_parts, list_left_out
from tools.convert.train_clips import train_clip
from tools.songs import roots
from tools.songs.tracks import Track
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
        roots.check_same_songs(root, fingerprint, str(folder.path))
    elif not root.exists():
        raise SkippedError(f"no songs at {root}: name them with GTZAN=DIR")
    elif roots.fingerprint(root) != fingerprint:
        raise SkippedError(f"{root} holds other songs by now: name those it was made of with GTZAN=DIR")
    return str(root)


def check_draw(build: Build, folder: Folder) -> str:
    """The split, drawn again over the names of the songs, has the same clips in each part, in the same order."""
    survey, manifest = roots.survey(root_of(build, folder)), folder.manifest
    equal(manifest["data"]["songs_present"], len(survey.tracks), "songs_present")
    equal(tuple(manifest["label_names"]), survey.genres, "label_names")
    equal(manifest["alike"], survey.alike, "alike")
    labels = {short_name(track.track): track.label for track in survey.tracks}
    for view, parts in draw_parts(survey, folder.settings, folder.views, tuple(manifest["genres"])).items():
        for dtype in manifest["dtypes"]:
            contents = folder.of(view, dtype)
            equal(sorted(contents), sorted(part for part, clips in parts.items() if clips), "its parts")
            unusable = unusable_songs(survey.tracks, folder, contents)
            for part, content in contents.items():
                drawn = [(short_name(song.track), clip) for song, clip in parts[part] if song.track not in unusable]
                name = f"{view.name}_{dtype}_{part}"
                odd = sorted(set(drawn) ^ set(content.clips))
                equal(odd[:1], [], f"{name}: clips that are in only one of draw and LMDB")
                equal(content.clips == drawn, True, f"{name}: in the order of the draw")
                equal(content.labels, [labels[track] for track, _ in content.clips], f"{name}: labels")
    return f"{len(survey.tracks)} songs fall as they did"


def unusable_songs(tracks: list[Track], folder: Folder, contents: dict[str, Content]) -> set[str]:
    """The songs that the manifest names as left out and that have no clip in any part of ``contents``."""
    files = {item["file"] for item in folder.manifest["left_out"]}
    used = {track for content in contents.values() for track, _ in content.clips}
    named = [track for track in tracks if printable(f"{track.genre}/{track.path.name}") in files]
    return {track.track for track in named if short_name(track.track) not in used}


def check_left_out(build: Build, folder: Folder) -> str:
    """What can't be used is what the manifest names, for the same reasons."""
    survey, genres = roots.survey(root_of(build, folder)), tuple(folder.manifest["genres"])
    files = {item["file"] for item in folder.manifest["left_out"]}
    named = [track for track in survey.tracks if printable(f"{track.genre}/{track.path.name}") in files]
    outcomes = {t.track: examine(t, folder.settings, folder.views, survey.is_gtzan)[1] for t in named}
    right = list_left_out(survey, genres, {track: outcome.reasons for track, outcome in outcomes.items()})
    equal(folder.manifest["left_out"], right, "left_out")
    return f"{len(right)} files"


def check_audio(build: Build, folder: Folder) -> str:
    """The records of some songs, derived again from their files, are those of the LMDBs."""
    survey, hashes = roots.survey(root_of(build, folder)), folder.manifest["samples_sha256"]
    songs = {short_name(track.track): track for track in survey.tracks}
    tracks = sorted({track for content in folder.contents.values() for track, _ in content.clips})
    chosen = build.random.choice(tracks, min(build.songs, len(tracks)), replace=False)
    count = 0
    for name in map(str, chosen):
        matrices, outcome = examine(songs[name], folder.settings, folder.views, survey.is_gtzan)
        equal(hashes.get(name), outcome.samples_sha256, f"samples_sha256 of {name}")
        for view, dtype in folder.groups():
            if view.name not in matrices:
                continue
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
