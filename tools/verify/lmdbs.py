"""The checks of a folder of LMDBs: recounted record by record, and against the manifest, the split and the songs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from tools.convert import datum, features, lmdbs
from tools.convert import manifest as manifests
from tools.songs import splits
from tools.songs.gtzan import GENRES
from tools.verify.folder import Folder, Seen, look_at
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, judge
from tools.verify.songs import check_audio, check_draw

MEAN_TOLERANCE = 1e-3


def check_folder(path: Path, data: Path | None, songs: int, random: np.random.Generator) -> Iterator[Outcome]:
    """Every check of a folder of LMDBs; ``songs`` of its songs, drawn by ``random``, are derived again from the audio.

    The songs are looked for where the manifest says, else in ``data``.
    """
    folder = Folder(path, {}, {})
    yield judge(path, "manifest", partial(check_manifest, folder))
    if not folder.manifest:
        return
    for name in folder.manifest["lmdbs"]:
        yield judge(path / name, "records", partial(check_records, folder, name))
    if len(folder.seen) < len(folder.manifest["lmdbs"]):
        return
    for check, look in (
        ("genres", check_labels),
        ("clips", check_clips),
        ("balance", check_balance),
        ("no song on both sides", check_sides),
        ("means", check_means),
        ("integers are the floats rounded", check_rounding),
        ("split drawn again", partial(check_draw, data)),
        ("derived again from the audio", partial(check_audio, data, songs, random)),
    ):
        yield judge(path, check, partial(look, folder))


def check_manifest(folder: Folder) -> str:
    """The manifest is whole, and the files are as large as it says."""
    found = manifests.read(folder.path)
    if found is None:
        raise FailedError("there is none that is whole: type 'make lmdb' again")
    files = manifests.sizes(folder.path)
    for name in sorted(set(files) | set(found["files"])):
        equal(files.get(name), found["files"].get(name), f"bytes of {name}")
    for key in ("lmdbs", "views", "dtypes", "features", "data", "left_out", "split", "fold"):
        found[key]
    folder.manifest.update(found)
    return f"{len(files)} files of the sizes it says"


def check_records(folder: Folder, name: str) -> str:
    """An LMDB recounted: records, keys without gaps, shape, type, genres, songs and hash are what the manifest says."""
    entry = folder.manifest["lmdbs"][name]
    seen = look_at(folder.path / name)
    folder.seen[name] = seen
    numbers = [int(key[:8]) for key in seen.keys]
    equal(len(seen.keys), entry["records"], "records")
    equal(numbers, list(range(len(numbers))), "the numbers of its keys")
    equal(seen.shapes, {tuple(entry["shape"])}, "shape")
    equal(seen.types, {"uint8" if "_int_" in name else "float32"}, "type")
    labels = Counter(seen.labels)
    equal({genre: labels[k] for k, genre in enumerate(GENRES)}, entry["labels"], "records of each genre")
    equal(len({track for track, _ in seen.clips}), entry["songs"], "songs")
    equal(seen.sha256, entry["sha256"], "sha256")
    return f"{len(seen.keys)} of {entry['songs']} songs, hash and counts as in the manifest"


def check_labels(folder: Folder) -> str:
    """Every record's label is the genre that its song is named for."""
    count = 0
    for name, seen in folder.seen.items():
        for key, (track, _), label in zip(seen.keys, seen.clips, seen.labels):
            equal(label, GENRES.index(track.partition(".")[0]), f"{name}, label of {key}")
            count += 1
    return f"{count} labels are those of the songs' names"


def check_clips(folder: Folder) -> str:
    """Every song has each of its clips once, over all parts, and every view and dtype has the same songs."""
    songs = {}
    for view, dtype in folder.groups():
        parts = folder.of(view, dtype)
        clips = Counter(clip for seen in parts.values() for clip in seen.clips)
        tracks = {track for track, _ in clips}
        wanted = {(track, number) for track in tracks for number in range(view.clips(folder.settings))}
        if view.has_more_to_train(folder.settings):
            numbers = range(view.train_clips(folder.settings))
            wanted |= {(track, number) for track, _ in parts["train"].clips for number in numbers}
        twice = [clip for clip, times in clips.items() if times > 1]
        if twice or set(clips) != wanted:
            odd = sorted(set(twice) | set(clips) ^ wanted)[0]
            raise FailedError(f"{view.name}_{dtype}: clip {odd[1]} of {odd[0]} is there {clips[odd]} times")
        songs[f"{view.name}_{dtype}"] = tracks
    first, *others = songs
    for other in others:
        equal(sorted(songs[other] ^ songs[first]), [], f"songs that only one of {first} and {other} has")
    return f"{len(songs[first])} songs, each with all its clips once in {len(songs)} sets"


def check_balance(folder: Folder) -> str:
    """A fifth of each genre is tested (under inner a quarter): of its songs or, under split clip, of its clips."""
    if folder.manifest["split"] == "filtered":
        return check_published(folder)
    lost = Counter(item["file"].partition("/")[0] for item in folder.manifest["left_out"])
    for view, dtype in folder.groups():
        whole_songs = folder.manifest["split"] in ("song", "inner") or view.clips(folder.settings) == 1
        share = 1 / (splits.FOLDS - 1 if folder.manifest["split"] == "inner" else splits.FOLDS)
        parts = folder.of(view, dtype)
        for genre in folder.manifest.get("genres", GENRES):
            counts = {part: of_genre(seen, genre, whole_songs) for part, seen in parts.items()}
            total = sum(counts.values())
            leeway = 1 + lost[genre] * (1 if whole_songs else view.clips(folder.settings))
            if abs(counts["test"] - total * share) >= leeway:
                unit = "songs" if whole_songs else "clips"
                raise FailedError(
                    f"{view.name}_{dtype}: {counts['test']} of {total} {unit} of {genre} are tested, not {share:.0%}"
                )
    return f"{share:.0%} of each genre are tested"


def of_genre(seen: Seen, genre: str, whole_songs: bool) -> int:
    """How many songs, or clips, of a genre an LMDB has."""
    clips = [clip for clip in seen.clips if clip[0].startswith(f"{genre}.")]
    return len({track for track, _ in clips}) if whole_songs else len(clips)


def check_published(folder: Folder) -> str:
    published = splits.read_filtered()
    for view, dtype in folder.groups():
        for part, seen in folder.of(view, dtype).items():
            for track, _ in seen.clips:
                equal(part, published.get(track), f"{view.name}_{dtype}: the part of {track}")
    return "every song is in its published part"


def check_sides(folder: Folder) -> str:
    """No song has clips in two parts, but under split clip, which is said to leak."""
    looked = 0
    for view, dtype in folder.groups():
        if folder.manifest["split"] == "clip" and view.clips(folder.settings) > 1:
            continue
        parts = {part: {track for track, _ in seen.clips} for part, seen in folder.of(view, dtype).items()}
        for part, tracks in parts.items():
            for other, others in parts.items():
                if part < other and tracks & others:
                    raise FailedError(f"{view.name}_{dtype}: {min(tracks & others)} is in {part} and in {other}")
        looked += sum(map(len, parts.values()))
    if not looked:
        raise SkippedError("the split clip puts songs on both sides, as is its nature (it leaks)")
    return f"{looked} songs, each on one side"


def check_means(folder: Folder) -> str:
    """Every mean is that of its train part."""
    for view, dtype in folder.groups():
        file = folder.path / f"{view.name}_{dtype}_mean.binaryproto"
        mean, right = datum.read_mean(file), folder.of(view, dtype)["train"].mean
        equal(mean.shape, right.shape, f"{file.name}, shape")
        difference = float(np.abs(mean - right).max())
        if not difference <= MEAN_TOLERANCE:
            raise FailedError(f"{file.name} is off by {difference:g}")
    return "those of the train parts"


def check_rounding(folder: Folder) -> str:
    """Where both dtypes are there, they hold the same clips in the same order, the integers rounded."""
    if len(folder.manifest["dtypes"]) < 2:
        raise SkippedError("only one of them is there")
    count = 0
    for view in folder.views:
        for part in folder.of(view, "int"):
            names = [folder.path / f"{view.name}_{dtype}_{part}_lmdb" for dtype in ("int", "float")]
            for as_int, as_float in zip(*map(lmdbs.read_lmdb, names)):
                equal(as_int.key, as_float.key, f"{names[0].name}, key")
                if not np.array_equal(as_int.array, features.quantize(as_float.array)):
                    raise FailedError(f"{names[0].name}: record {as_int.key} is not the float one rounded")
                count += 1
    return f"{count} records"
