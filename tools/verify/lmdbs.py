"""The checks of a folder of LMDBs: its manifest, its records one by one, its split, and the songs it was made of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from tools.convert import datum, features, lmdbs
from tools.convert import manifest as manifests
from tools.convert.parts import SEED
from tools.convert.writing import describe
from tools.settings import DTYPES, FOLDER, LMDB, NOTHING, RUN, Settings
from tools.songs import splits
from tools.verify.build import Build, Folder, content_of
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, equal_items, judge, judge_all, near
from tools.verify.record import CHECK, check_own_hash, check_settings, read_command
from tools.verify.songs import check_audio, check_draw, check_samples, check_songs

MEAN_TOLERANCE = 1e-3
# Settings that an LMDB does not depend on, as those of a training that is typed in the same line
BESIDE = ("net", *(name for name, _ in Settings().items(RUN, NOTHING)))
# The parts of a split that has others than train and test
PARTS = {"filtered": [sorted(splits.FILTERED_PARTS)], "all": [["train"]]}
PARTS["given"] = [["test", "train"], *PARTS["filtered"]]


def check_folder(build: Build, path: Path) -> Iterator[Outcome]:
    """Every check of a folder of LMDBs; some of its songs, drawn by chance, are derived again from the audio."""
    folder = Folder(path, {})
    yield judge(path, "manifest", partial(check_manifest, folder))
    if not folder.manifest:
        return
    yield from judge_all(path, {CHECK: check_own_hash}, path / manifests.FILE)
    for name in folder.manifest["lmdbs"]:
        yield judge(path / name, "records", partial(check_records, folder, name))
    if len(folder.contents) < len(folder.manifest["lmdbs"]):
        return
    yield from judge_all(path, ALONE, folder)
    outcome = judge(path, "songs", partial(check_songs, build, folder))
    yield outcome
    if outcome.state == "PASS":
        yield from judge_all(path, OF_SONGS, build, folder)


def check_manifest(folder: Folder) -> str:
    """The manifest is whole, says what the folder's name says, and the files are as large as it says."""
    manifest = manifests.read(folder.path)
    if manifest is None:
        raise FailedError("there is none that is whole: type 'make lmdb' again")
    sizes = manifests.sizes(folder.path)
    for name in sorted(set(sizes) | set(manifest["files"])):
        equal(manifest["files"].get(name), sizes.get(name), f"bytes of {name}")
    for name, sha256 in manifests.hashes(folder.path).items():
        equal(manifest["files_sha256"][name], sha256, f"sha256 of {name}")
    equal(sorted(manifest["files_sha256"]), sorted(sizes), "files with a sha256")
    said, data = Folder(folder.path, manifest), manifest["data"]
    settings = said.settings
    equal(settings.lmdb_folder, folder.path.name, "the name of the folder")
    labels = tuple(manifest["label_names"])
    genres = tuple(genre for genre in labels if genre in manifest["genres"])
    origin = manifests.origin(settings, SEED, labels, genres, data["fingerprint"])
    equal_items(manifest, {key: value for key, value in origin.items() if key != "data"})
    equal(manifest["dtypes"], [dtype for dtype in DTYPES if dtype in manifest["dtypes"]], "dtypes")
    parts = sorted({name.split("_")[2] for name in manifest["lmdbs"]})
    if parts not in PARTS.get(settings.split, [["test", "train"]]):
        raise FailedError(f"parts: {', '.join(parts)}")
    names = [f"{view.name}_{dtype}_{part}_lmdb" for view, dtype in said.groups() for part in parts]
    equal(sorted(manifest["lmdbs"]), sorted(names), "its LMDBs")
    equal(sorted(f"{name}/data.mdb" for name in names), sorted(n for n in sizes if n.endswith(".mdb")), "LMDBs")
    equal(sorted(manifest["versions"]), sorted(manifests.versions()), "versions")
    equal([v for v in manifest["versions"].values() if not re.fullmatch(r"\d+(\.\d+)+\w*", v)], [], "no version")
    equal(bool(re.fullmatch("[0-9a-f]{64}", data["fingerprint"])), True, "a fingerprint of 64 digits")
    args = read_command(manifest["command"], ["tools.convert"], "views", "dtypes")
    check_settings(args, settings, settings.differences(FOLDER, LMDB), BESIDE)
    equal(args.words, [data["root"]], "the data root in the command")
    folder.manifest.update(manifest)
    return f"{len(sizes)} files of the sizes it says"


def check_records(folder: Folder, name: str) -> str:
    """An LMDB recounted: records, keys without gaps, shape, type, genres, songs and hash are what the manifest says."""
    entry = folder.manifest["lmdbs"][name]
    content = content_of(folder.path / name)
    shape = list(*content.shapes) if len(content.shapes) == 1 else sorted(content.shapes)
    songs, genres = [track for track, _ in content.clips], folder.manifest["label_names"]
    equal_items(entry, describe(songs, content.labels, shape, genres, content.sha256))
    equal([int(key[:8]) for key in content.keys], list(range(len(content.keys))), "the numbers of its keys")
    equal(content.types, {"uint8" if "_int_" in name else "float32"}, "type")
    folder.contents[name] = content
    return f"{len(content.keys)} of {entry['songs']} songs, hash and counts as in the manifest"


def check_labels(folder: Folder) -> str:
    """Every record's label is the genre that its song is named for. SkippedError where the names say none."""
    if not folder.is_gtzan:
        raise SkippedError("the names of these songs don't tell their genres; 'split drawn again' compares them")
    count, names = 0, folder.manifest["label_names"]
    for name, content in folder.contents.items():
        for key, (track, _), label in zip(content.keys, content.clips, content.labels):
            equal(label, names.index(track.partition(".")[0]), f"{name}, label of {key}")
            count += 1
    return f"{count} labels are those of the songs' names"


def check_clips(folder: Folder) -> str:
    """Every song has each of its clips once, over all parts; both dtypes have the same songs, of GTZAN all views.

    Where genres are balanced, train clips may stand there more often, and each genre has as many.
    """
    songs, settings = {}, folder.settings
    for view, dtype in folder.groups():
        parts = folder.of(view, dtype)
        train = parts["train"]
        if settings.balanced:
            equal(len(set(Counter(train.labels).values())), 1, f"{view.name}_{dtype}: numbers of train clips by genre")
            parts["train"] = replace(train, clips=list(dict.fromkeys(train.clips)))
        clips = Counter(clip for content in parts.values() for clip in content.clips)
        tracks = {track for track, _ in clips}
        whole = {(track, number) for track in tracks for number in range(view.clips(settings))}
        if view.has_more_to_train(settings):
            numbers = range(view.train_clips(settings))
            whole |= {(track, number) for track, _ in parts["train"].clips for number in numbers}
        twice = [clip for clip, times in clips.items() if times > 1]
        if twice or set(clips) != whole:
            odd = sorted(set(twice) | set(clips) ^ whole)[0]
            raise FailedError(f"{view.name}_{dtype}: clip {odd[1]} of {odd[0]} is in it {clips[odd]} times")
        songs[f"{view.name}_{dtype}"] = tracks
    first, *others = songs
    for other in others:
        if folder.is_gtzan or other.split("_")[0] == first.split("_")[0]:
            equal(sorted(songs[other] ^ songs[first]), [], f"songs that only one of {first} and {other} has")
    return f"{len(songs[first])} songs, each with all its clips once in {len(songs)} sets"


def check_balance(folder: Folder) -> str:
    """A fifth of each genre is tested (under inner a quarter): of its songs or, under split clip, of its clips."""
    split = folder.manifest["split"]
    if split == "filtered":
        return check_published(folder)
    if split not in ("song", "inner", "clip") or not folder.is_gtzan:
        raise SkippedError(f"no share is fixed for the split {split} of these songs; 'split drawn again' compares it")
    lost = Counter(item["file"].partition("/")[0] for item in folder.manifest["left_out"])
    share = 1 / (splits.FOLDS - 1 if split == "inner" else splits.FOLDS)
    for view, dtype in folder.groups():
        clips_a_song = view.clips(folder.settings)
        whole_songs = split != "clip" or clips_a_song == 1
        counts = {}
        for part, content in folder.of(view, dtype).items():
            tracks = [track for track, _ in set(content.clips)]
            counts[part] = Counter(track.partition(".")[0] for track in (set(tracks) if whole_songs else tracks))
        for genre in folder.manifest["genres"]:
            tested, total = counts["test"][genre], sum(count[genre] for count in counts.values())
            leeway = 1 + lost[genre] * (1 if whole_songs else clips_a_song)
            if abs(tested - total * share) >= leeway:
                what = f"{tested} of {total} {'songs' if whole_songs else 'clips'} of {genre} are tested"
                raise FailedError(f"{view.name}_{dtype}: {what}, not {share:.0%}")
    return f"{share:.0%} of each genre are tested"


def check_published(folder: Folder) -> str:
    published = splits.read_filtered()
    for view, dtype in folder.groups():
        for part, content in folder.of(view, dtype).items():
            for track, _ in content.clips:
                equal(part, published.get(track), f"{view.name}_{dtype}: the part of {track}")
    return "every song is in its published part"


def check_sides(folder: Folder) -> str:
    """No song has clips in two parts, but under split clip, which is said to leak."""
    songs: set[str] = set()
    for view, dtype in folder.groups():
        if folder.manifest["split"] == "clip" and view.clips(folder.settings) > 1:
            continue
        tracks = [{track for track, _ in content.clips} for content in folder.of(view, dtype).values()]
        both = Counter(track for part in tracks for track in part)
        equal([track for track, parts in both.items() if parts > 1][:1], [], f"{view.name}_{dtype}: on both sides")
        songs |= both.keys()
    if not songs:
        raise SkippedError("the split clip puts songs on both sides, as is its nature (it leaks)")
    return f"{len(songs)} songs, each on one side"


def check_means(folder: Folder) -> str:
    """Every mean is that of its train part."""
    for view, dtype in folder.groups():
        file = folder.path / f"{view.name}_{dtype}_mean.binaryproto"
        mean, right = datum.read_mean(file), folder.of(view, dtype)["train"].mean
        equal(mean.shape, right.shape, f"{file.name}, shape")
        near(float(np.abs(mean - right).max()), 0, f"{file.name}, largest difference", MEAN_TOLERANCE)
    return "those of the train parts"


def check_rounding(folder: Folder) -> str:
    """Where both dtypes are there, they hold the same clips in the same order, the integers rounded."""
    if len(folder.manifest["dtypes"]) < 2:
        raise SkippedError("it has only one of them")
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


# The checks of a folder by itself, and those of its songs
ALONE = {
    "genres": check_labels,
    "clips": check_clips,
    "balance": check_balance,
    "no song on both sides": check_sides,
    "means": check_means,
    "integers are the floats rounded": check_rounding,
}
OF_SONGS = {"split drawn again": check_draw, "samples": check_samples, "derived again from the audio": check_audio}
