"""The checks of LMDBs that need the songs: the split drawn again, and records derived again from the audio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from tools.convert import features, lmdbs
from tools.convert.train_clips import train_clip, with_train_clips
from tools.convert.views import minimum_samples
from tools.songs import audio, roots, splits
from tools.songs.gtzan import GENRES
from tools.songs.tracks import Survey
from tools.verify.folder import Folder, Seen
from tools.verify.outcome import FailedError, SkippedError, equal

TOLERANCE = 2e-3  # of a value in 0..255, as float32 arithmetic may differ by


def songs_of(folder: Folder, data: Path | None) -> Survey:
    """The songs that the folder was made from. SkippedError where they can't be seen from here."""
    said = folder.manifest["data"]
    for root in filter(None, (Path(said["root"]), data)):
        if root.exists():
            equal(roots.fingerprint(root), said["fingerprint"], f"{root}: fingerprint of the songs (make lmdb anew)")
            return roots.survey(root)
    raise SkippedError(f"no songs at {said['root']}: name them with GTZAN=DIR")


def check_draw(data: Path | None, folder: Folder) -> str:
    """The split, drawn again over the names of the songs, has the same clips in each part."""
    survey = songs_of(folder, data)
    unusable = {item["track"] for item in folder.manifest["left_out"]}
    genres = folder.manifest.get("genres", GENRES)
    for view, dtype in folder.groups():
        clips = view.clips(folder.settings)
        drawn = splits.assign_parts(survey, folder.manifest["split"], folder.manifest["fold"], clips)
        if view.has_more_to_train(folder.settings):
            drawn["train"] = with_train_clips(drawn["train"], folder.settings, view)
        parts = folder.of(view, dtype)
        equal(sorted(parts), sorted(drawn), f"parts of {view.name}_{dtype}")
        for part, members in drawn.items():
            wanted = {(t.track, clip) for t, clip in members if t.genre in genres and t.track not in unusable}
            odd = sorted(wanted ^ set(parts[part].clips))
            equal(odd[:1], [], f"{view.name}_{dtype}_{part}: clips that are in only one of draw and LMDB")
    return f"{len(survey.tracks)} songs fall as they did"


def check_audio(data: Path | None, songs: int, random: np.random.Generator, folder: Folder) -> str:
    """The records of some songs, derived again from their files, are those of the LMDBs."""
    present = {track.track: track for track in songs_of(folder, data).tracks}
    there = sorted({track for seen in folder.seen.values() for track, _ in seen.clips})
    chosen = random.choice(there, min(songs, len(there)), replace=False)
    count = 0
    for name in chosen:
        samples = audio.middle(audio.read_audio(present[str(name)].path), minimum_samples(folder.settings))
        views = features.views_of(samples, folder.settings, folder.views)
        for view, dtype in folder.groups():
            for part, seen in folder.of(view, dtype).items():
                lmdb = folder.path / f"{view.name}_{dtype}_{part}_lmdb"
                tolerance = TOLERANCE + (0.5 if dtype == "int" else 0)
                derive = views[view.name].__getitem__
                if view.has_more_to_train(folder.settings):
                    derive = partial(train_clip, derive, str(name), settings=folder.settings)
                count += compare_song(lmdb, seen, str(name), derive, tolerance)
    return f"{count} records of {', '.join(map(str, chosen))}"


def compare_song(lmdb: Path, seen: Seen, track: str, derive: Callable[[int], np.ndarray], tolerance: float) -> int:
    """Compare a song's records in one LMDB with what ``derive`` makes of their numbers; returns how many."""
    keys = [(key, clip) for key, (of, clip) in zip(seen.keys, seen.clips) if of == track]
    with lmdbs.opened(lmdb) as environment, environment.begin() as transaction:
        for key, clip in keys:
            record = lmdbs.read_record(lmdb, key.encode(), transaction.get(key.encode()))
            difference = float(np.abs(record.array.astype(np.float64) - derive(clip)).max())
            if not difference <= tolerance:
                raise FailedError(f"{lmdb.name}: record {key} is off by {difference:g} from the audio")
    return len(keys)
