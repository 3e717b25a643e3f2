"""The checks of a folder of LMDBs: recounted record by record, and against the manifest, the split and the songs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tools import audio, datum, features, gtzan, splits
from tools.conversion import manifest as manifests
from tools.conversion.train_clips import train_clip, with_train_clips
from tools.gtzan import GENRES
from tools.parameters import Parameters
from tools.verification.outcome import FailedError, Outcome, SkippedError, equal, judge

TOLERANCE = 2e-3  # of a value in 0..255, as float32 arithmetic may differ by
MEAN_TOLERANCE = 1e-3


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
    for record in datum.read_lmdb(lmdb):
        keys.append(record.key)
        clips.append((record.track, record.clip))
        labels.append(record.label)
        shapes.add(record.array.shape)
        types.add(str(record.array.dtype))
        total = total + record.array.astype(np.float64)
    return Seen(keys, clips, labels, shapes, types, total / max(1, len(keys)), datum.content_hash(lmdb))


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

    def has_train_clips(self, view: str) -> bool:
        """Whether the train part has more clips a song than the others (`tools.conversion.train_clips`)."""
        return self.parameters.train_clips(view) != self.parameters.clips(view)

    def groups(self) -> Iterator[tuple[str, str]]:
        for view in self.manifest["views"]:
            for dtype in self.manifest["dtypes"]:
                yield view, dtype


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
        wanted = {(track, number) for track in tracks for number in range(folder.parameters.clips(view))}
        if folder.has_train_clips(view):
            numbers = range(folder.parameters.train_clips(view))
            wanted |= {(track, number) for track, _ in parts["train"].clips for number in numbers}
        twice = [clip for clip, times in clips.items() if times > 1]
        if twice or set(clips) != wanted:
            odd = sorted(set(twice) | set(clips) ^ wanted)[0]
            raise FailedError(f"{view}_{dtype}: clip {odd[1]} of {odd[0]} is there {clips[odd]} times")
        songs[f"{view}_{dtype}"] = tracks
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
        whole_songs = folder.manifest["split"] in ("song", "inner") or view == "song"
        share = 1 / (splits.FOLDS - 1 if folder.manifest["split"] == "inner" else splits.FOLDS)
        parts = folder.of(view, dtype)
        for genre in folder.manifest.get("genres", GENRES):
            counts = {part: of_genre(seen, genre, whole_songs) for part, seen in parts.items()}
            total = sum(counts.values())
            leeway = 1 + lost[genre] * (1 if whole_songs else folder.parameters.clips(view))
            if abs(counts["test"] - total * share) >= leeway:
                unit = "songs" if whole_songs else "clips"
                raise FailedError(
                    f"{view}_{dtype}: {counts['test']} of {total} {unit} of {genre} are tested, not {share:.0%}"
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
                equal(part, published.get(track), f"{view}_{dtype}: the part of {track}")
    return "every song is in its published part"


def check_sides(folder: Folder) -> str:
    """No song has clips in two parts, but under split clip, which is said to leak."""
    looked = 0
    for view, dtype in folder.groups():
        if folder.manifest["split"] == "clip" and view != "song":
            continue
        parts = {part: {track for track, _ in seen.clips} for part, seen in folder.of(view, dtype).items()}
        for part, tracks in parts.items():
            for other, others in parts.items():
                if part < other and tracks & others:
                    raise FailedError(f"{view}_{dtype}: {min(tracks & others)} is in {part} and in {other}")
        looked += sum(map(len, parts.values()))
    if not looked:
        raise SkippedError("the split clip puts songs on both sides, as is its nature (it leaks)")
    return f"{looked} songs, each on one side"


def check_means(folder: Folder) -> str:
    """Every mean is that of its train part."""
    for view, dtype in folder.groups():
        file = folder.path / f"{view}_{dtype}_mean.binaryproto"
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
    for view in folder.manifest["views"]:
        for part in folder.of(view, "int"):
            names = [folder.path / f"{view}_{dtype}_{part}_lmdb" for dtype in ("int", "float")]
            for as_int, as_float in zip(*map(datum.read_lmdb, names)):
                equal(as_int.key, as_float.key, f"{names[0].name}, key")
                if not np.array_equal(as_int.array, features.quantize(as_float.array)):
                    raise FailedError(f"{names[0].name}: record {as_int.key} is not the float one rounded")
                count += 1
    return f"{count} records"


def songs_of(folder: Folder, data: Path | None) -> gtzan.Survey:
    """The songs that the folder was made from. SkippedError where they can't be seen from here."""
    said = folder.manifest["data"]
    for root in filter(None, (Path(said["root"]), data)):
        if root.is_dir():
            equal(gtzan.fingerprint(root), said["fingerprint"], f"{root}: fingerprint of the songs (make lmdb anew)")
            return gtzan.survey(root)
    raise SkippedError(f"no songs at {said['root']}: name them with GTZAN=DIR")


def check_draw(data: Path | None, folder: Folder) -> str:
    """The split, drawn again over the names of the songs, has the same clips in each part."""
    tracks = songs_of(folder, data).tracks
    unusable = {item["track"] for item in folder.manifest["left_out"]}
    genres = folder.manifest.get("genres", GENRES)
    for view, dtype in folder.groups():
        clips = folder.parameters.clips(view)
        drawn = splits.assign_parts(tracks, folder.manifest["split"], folder.manifest["fold"], clips)
        if folder.has_train_clips(view):
            drawn["train"] = with_train_clips(drawn["train"], folder.parameters, view)
        parts = folder.of(view, dtype)
        equal(sorted(parts), sorted(drawn), f"parts of {view}_{dtype}")
        for part, members in drawn.items():
            wanted = {(t.track, clip) for t, clip in members if t.genre in genres and t.track not in unusable}
            odd = sorted(wanted ^ set(parts[part].clips))
            equal(odd[:1], [], f"{view}_{dtype}_{part}: clips that are in only one of draw and LMDB")
    return f"{len(tracks)} songs fall as they did"


def check_audio(data: Path | None, songs: int, random: np.random.Generator, folder: Folder) -> str:
    """The records of some songs, derived again from their files, are those of the LMDBs."""
    present = {track.track: track for track in songs_of(folder, data).tracks}
    there = sorted({track for seen in folder.seen.values() for track, _ in seen.clips})
    chosen = random.choice(there, min(songs, len(there)), replace=False)
    count = 0
    for name in chosen:
        samples = audio.read_song(present[str(name)].path, folder.parameters.minimum_samples)
        views = features.views_of(samples, folder.parameters, tuple(folder.manifest["views"]))
        for view, dtype in folder.groups():
            for part, seen in folder.of(view, dtype).items():
                lmdb = folder.path / f"{view}_{dtype}_{part}_lmdb"
                tolerance = TOLERANCE + (0.5 if dtype == "int" else 0)
                derive = views[view].__getitem__
                if view == "cnn":
                    derive = partial(train_clip, derive, str(name), parameters=folder.parameters)
                count += compare_song(lmdb, seen, str(name), derive, tolerance)
    return f"{count} records of {', '.join(map(str, chosen))}"


def compare_song(lmdb: Path, seen: Seen, track: str, derive: Callable[[int], np.ndarray], tolerance: float) -> int:
    """Compare a song's records in one LMDB with what ``derive`` makes of their numbers; returns how many."""
    keys = [(key, clip) for key, (of, clip) in zip(seen.keys, seen.clips) if of == track]
    with datum.opened(lmdb) as environment, environment.begin() as transaction:
        for key, clip in keys:
            record = datum.read_record(lmdb, key.encode(), transaction.get(key.encode()))
            difference = float(np.abs(record.array.astype(np.float64) - derive(clip)).max())
            if not difference <= tolerance:
                raise FailedError(f"{lmdb.name}: record {key} is off by {difference:g} from the audio")
    return len(keys)
