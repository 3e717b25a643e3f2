"""The checks of LMDBs that need the songs: the split drawn again, and records derived again from the audio."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tools import processes
from tools.convert import lmdbs
from tools.convert.extract import examine
from tools.convert.lmdbs import short_name
from tools.convert.parts import Reasons, list_left_out, usable_parts
from tools.convert.train_clips import train_clip
from tools.convert.views import VIEWS, View
from tools.songs import audio, roots
from tools.songs.tracks import Survey
from tools.verify.build import Build, Content, Folder
from tools.verify.outcome import FailedError, SkippedError, equal, equal_items

TOLERANCE = 2e-3  # of a value in 0..255, as float32 arithmetic may differ by


def root_of(build: Build, folder: Folder) -> Path:
    """The songs that are named, else those that the manifest says."""
    return build.data or Path(folder.manifest["data"]["root"])


def check_songs(build: Build, folder: Folder) -> str:
    """The songs are those that the folder was made of. SkippedError where they are gone, or others and not named.

    Those that lie in the build folder were made there, and are compared without being named.
    """
    root, fingerprint = root_of(build, folder), folder.manifest["data"]["fingerprint"]
    if not build.data and not root.exists():
        raise SkippedError(f"no songs at {root}: name them with DATA= or GTZAN=")
    if build.data or root.resolve().is_relative_to(build.path.resolve()):
        roots.check_same_songs(root, fingerprint, folder.path, build.path)
    elif not roots.is_of(root, fingerprint, build.path):
        raise SkippedError(
            f"the songs at {root} have changed since it was made of them, so that nothing is compared with them: "
            "make lmdb makes it anew, DATA= or GTZAN= names a copy of those it was made of"
        )
    return str(root)


def check_draw(build: Build, folder: Folder) -> str:
    """The split, drawn again over the songs, has the same clips in each part, in the same order, with their labels.

    What can't be used is what the manifest names, for the same reasons.
    """
    survey, manifest = roots.survey(root_of(build, folder)), folder.manifest
    genres = tuple(manifest["genres"])
    tracks = [track for track in survey.tracks if track.genre in genres]
    reasons = reasons_of(survey, folder)
    names = {short_name(track.track): track.track for track in tracks if short_name(track.track) != track.track}
    equal(manifest["data"]["songs_present"], len(survey.tracks), "songs_present")
    left_out = list_left_out(survey, genres, reasons)
    said = {"label_names": list(survey.genres), "alike": survey.alike, "long_names": names, "left_out": left_out}
    equal_items(manifest, said)
    equal(sorted(manifest["samples_sha256"]), sorted(short_name(track.track) for track in tracks), "samples_sha256")
    used, lacking = usable_parts(survey, folder.settings, asked_views(folder), genres, reasons, left_out)
    equal(manifest.get("lacking", {}), lacking, "lacking")
    for view, parts in used.items():
        for dtype in manifest["dtypes"]:
            contents = folder.of(view, dtype)
            equal(sorted(contents), sorted(part for part, clips in parts.items() if clips), f"parts of {view.name}")
            for part, content in contents.items():
                name = f"{view.name}_{dtype}_{part}"
                records = [(short_name(track.track), clip, track.label) for track, clip in parts[part]]
                own = [(*clip, label) for clip, label in zip(content.clips, content.labels)]
                odd = sorted(set(records) ^ set(own))
                equal(odd[:1], [], f"{name}: clips that are in only one of draw and LMDB")
                equal(own == records, True, f"{name}: in the order of the draw")
    return f"{len(tracks)} songs fall as they did"


def asked_views(folder: Folder) -> list[View]:
    """The views that were asked for, those too that no song was long enough for."""
    return [VIEWS[name] for name in folder.manifest["views"]]


def reasons_of(survey: Survey, folder: Folder) -> Reasons:
    """Why the songs that the manifest names as left out can't be used, read again, by view."""
    names = {item["track"] for item in folder.manifest["left_out"]}
    reasons = {}
    for track in survey.tracks:
        if track.track in names and track.genre in folder.manifest["genres"]:
            _, outcome = examine(track, folder.settings, asked_views(folder), survey.is_gtzan)
            reasons[track.track] = outcome.reasons
    return reasons


def check_samples(build: Build, folder: Folder) -> str:
    """The samples of every song have the hash that the manifest says."""
    if not build.songs:
        raise SkippedError("SONGS=0")
    survey, genres = roots.survey(root_of(build, folder)), folder.manifest["genres"]
    tracks = [track for track in survey.tracks if track.genre in genres]
    hashes = processes.map_songs(samples_sha256, [track.path for track in tracks], jobs=None)
    for track, sha256 in zip(tracks, hashes):
        equal(folder.manifest["samples_sha256"][short_name(track.track)], sha256, f"samples of {track.track}")
    return f"{len(tracks)} songs"


def samples_sha256(path: Path) -> str | None:
    """None for a song that can't be read, or is silent, as `tools.convert.extract` has it."""
    try:
        return hashlib.sha256(audio.read_song(path, 0).tobytes()).hexdigest()
    except audio.SongError:
        return None


def check_audio(build: Build, folder: Folder) -> str:
    """The records of some songs, derived again from their files, are those of the LMDBs."""
    survey, settings = roots.survey(root_of(build, folder)), folder.settings
    by_name = {short_name(track.track): track for track in survey.tracks}
    names = sorted({track for content in folder.contents.values() for track, _ in content.clips})
    chosen = [str(name) for name in build.random.choice(names, min(build.songs, len(names)), replace=False)]
    count = 0
    for name in chosen:
        track = by_name[name]
        matrices, _ = examine(track, settings, folder.views, survey.is_gtzan)
        for view, dtype in folder.groups():
            if view.name not in matrices:
                continue
            derive = matrices[view.name].__getitem__
            if view.has_more_to_train(settings):
                derive = partial(train_clip, derive, track.track, settings=settings)
            for part, content in folder.of(view, dtype).items():
                lmdb = folder.path / f"{view.name}_{dtype}_{part}_lmdb"
                tolerance = TOLERANCE + (0.5 if dtype == "int" else 0)
                count += compare_song(lmdb, content, name, derive, tolerance)
    return f"{count} records of {', '.join(chosen)}"


def compare_song(lmdb: Path, content: Content, name: str, derive: Callable[[int], np.ndarray], tolerance: float) -> int:
    """Compare a song's records in one LMDB with what ``derive`` makes of their numbers; returns how many."""
    keys = [(key, clip) for key, (of, clip) in zip(content.keys, content.clips) if of == name]
    with lmdbs.opened(lmdb) as environment, environment.begin() as transaction:
        for key, clip in keys:
            record = lmdbs.read_record(lmdb, key.encode(), transaction.get(key.encode(), b""))
            difference = float(np.abs(record.array.astype(np.float64) - derive(clip)).max())
            if not difference <= tolerance:
                raise FailedError(f"{lmdb.name}: record {key} is off by {difference:g} from the audio")
    return len(keys)
