"""Songs to matrices to LMDBs that stock `caffe train` reads.

    python -m tools.convert DATA_ROOT --split song --fold 0

makes build/lmdb/<split>/<view>_<dtype>_<part>_lmdb for the views cnn, lstm and song and the dtypes int and float, the
mean of each train part beside them, and manifest.json. The folder is put in place whole, and made again only where the
songs, the parameters or the formulas are others than those it was made from. Songs that can't be used are left out and
named.
"""

from __future__ import annotations

import argparse
import functools
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tools import cli, hosts, in_place, parallel, paths
from tools.cli import UserError
from tools.convert import datum, features, manifest
from tools.convert.extract import Spool, extract
from tools.convert.parameters import Parameters, parameters_of
from tools.convert.train_clips import train_clip, with_train_clips
from tools.songs import audio, gtzan, splits
from tools.songs.gtzan import GENRES, Survey, Track
from tools.train import runs

SEED = 2016  # of the order of the records
Parts = dict[str, dict[str, list[tuple[Track, int]]]]  # view, part: its clips in the order of their keys


def main() -> None:
    args = read_arguments()
    if args.hosts and hosts.world_size() == 1:
        hosts.become_pool(args.hosts, "tools.convert", sys.argv[1:])
    parameters = parameters_of(args)
    check_train_clips(args.split, parameters)
    found = gtzan.survey(args.data_root)
    genres = gtzan.parse_genres(args.genres) or GENRES
    folder = paths.lmdb_folder(args.build, runs.lmdb_split_folder(args))
    origin = manifest.origin(args.split, args.fold, SEED, parameters, genres, gtzan.fingerprint(args.data_root))

    with in_place.only_writer(folder):
        there = manifest.read(folder)
        views, dtypes = with_those_there(there, args.views, args.dtypes)
        if manifest.describes(there, folder, origin) and (there["views"], there["dtypes"]) == (views, dtypes):
            print(f"{folder}: up to date")
            return
        splits.assign_parts(found.tracks, args.split, args.fold, 1)  # what can't be split is refused before the work
        tracks = [track for track in found.tracks if track.genre in genres]
        spool = Spool(folder.with_name(f".{folder.name}.spool"), parameters, tuple(views))
        spool.open(origin["data"]["fingerprint"])
        reasons = extract(tracks, spool, args.jobs)
        left_out = list_left_out(found, genres, reasons)
        report_left_out(left_out)
        report_converted([track for track in tracks if track.track not in reasons])
        # Only now: the processes that read songs would all hold a copy of so long a list
        parts = draw_parts(found.tracks, args.split, args.fold, parameters, views, genres)
        parts = without_songs(parts, reasons)
        check_parts(parts, found.root, tracks, left_out)
        with in_place.made_aside(folder) as aside:
            lmdbs = write_lmdbs(aside, parts, spool, dtypes)
            data = {"root": str(args.data_root), "songs_present": len(found.tracks), **origin["data"]}
            contents = {**origin, "views": views, "dtypes": dtypes, "lmdbs": lmdbs, "left_out": left_out, "data": data}
            manifest.write(aside, contents)
        spool.remove()
    print_table(folder, lmdbs)


def read_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="make_lmdb", description="Songs to matrices to LMDBs for Caffe.")
    parser.add_argument("data_root", type=Path, metavar="DATA_ROOT", help="a folder per genre, blues to rock")
    runs.add_lmdb_options(parser)
    parser.add_argument("--views", nargs="+", default=list(paths.VIEWS), choices=paths.VIEWS, help="default: all")
    parser.add_argument("--dtypes", nargs="+", default=list(paths.DTYPES), choices=paths.DTYPES, help="default: both")
    parallel.add_jobs_option(parser)
    parser.add_argument("--hosts", type=Path, help="hostfile of Open MPI: the hosts to work on (default: this one)")
    return parser.parse_args()


def check_train_clips(split: str, parameters: Parameters) -> None:
    """UserError where clips that overlap, or copies of one, would be trained on and tested."""
    if split == "clip" and parameters.has_more_to_train("cnn"):
        raise UserError("OVERLAP, MASKED_COPIES and LEVEL_COPIES go with whole songs: leave them out with SPLIT=clip")


def with_those_there(there: dict | None, views: list[str], dtypes: list[str]) -> tuple[list[str], list[str]]:
    """The views and dtypes to make: those asked for, and those that the folder has already, in their usual order."""
    views, dtypes = set(views), set(dtypes)
    if there is not None:
        views |= set(there["views"])
        dtypes |= set(there["dtypes"])
    return [view for view in paths.VIEWS if view in views], [dtype for dtype in paths.DTYPES if dtype in dtypes]


def draw_parts(
    tracks: list[Track], split: str, fold: int, parameters: Parameters, views: list[str], genres: tuple[str, ...]
) -> Parts:
    """The clips of every part in the order of their keys: shuffled once, with a fixed seed for each view and part.

    Where some genres are left out, the others keep the parts and the order that they have among all ten.
    """
    parts = {}
    for view in views:
        drawn = splits.assign_parts(tracks, split, fold, parameters.clips(view))
        if parameters.has_more_to_train(view):
            drawn["train"] = with_train_clips(drawn["train"], parameters, view)
        parts[view] = {
            part: [clip for clip in shuffled(clips, f"{view} {part}") if clip[0].genre in genres]
            for part, clips in drawn.items()
        }
    return parts


def shuffled(clips: list[tuple[Track, int]], name: str) -> list[tuple[Track, int]]:
    order = np.random.Generator(np.random.PCG64([SEED, zlib.crc32(name.encode())])).permutation(len(clips))
    return [clips[index] for index in order]


def list_left_out(found: Survey, genres: tuple[str, ...], reasons: dict[str, str]) -> list[dict]:
    """What of these genres is in no LMDB: files that are no song by their name, and songs that can't be used."""
    not_wanted = {f"{genre}/" for genre in GENRES if genre not in genres}
    odd = [
        {"track": Path(item.file).stem, "file": item.file, "reason": item.reason}
        for item in found.left_out
        if not item.file.startswith(tuple(not_wanted))
    ]
    songs = [track for track in found.tracks if track.track in reasons]
    return odd + [
        {"track": song.track, "file": f"{song.genre}/{song.path.name}", "reason": reasons[song.track]} for song in songs
    ]


def report_left_out(left_out: list[dict]) -> None:
    for item in left_out:
        print(f"left out: {item['file']}: {item['reason']}", file=sys.stderr)


def report_converted(tracks: list[Track]) -> None:
    """Say how many songs had other channels or another rate, and name the first."""
    others = {track: found for track in tracks if (found := audio.other_format(track.path))}
    for track, found in list(others.items())[:1]:
        print(
            f"brought to mono at {audio.SAMPLE_RATE} Hz: {len(others)} songs, as {track.path.name} ({found})",
            file=sys.stderr,
        )


def without_songs(parts: Parts, reasons: dict[str, str]) -> Parts:
    return {
        view: {part: [clip for clip in clips if clip[0].track not in reasons] for part, clips in drawn.items()}
        for view, drawn in parts.items()
    }


def check_parts(parts: Parts, root: Path, tracks: list[Track], left_out: list[dict]) -> None:
    """UserError if no song is left, a part is empty or a genre of the songs can't be trained on."""
    root, why = cli.printable(root), f": {left_out[-1]['file']}: {left_out[-1]['reason']}" if left_out else ""
    for view, drawn in parts.items():
        if not any(drawn.values()):
            raise UserError(f"{root}: none of its {len(tracks)} songs can be used{why}")
        for part, clips in drawn.items():
            if not clips:
                raise UserError(f"{root}: no song for the {part} part of {view}: add songs to it{why}")
        trained = {track.genre for track, _ in drawn["train"]}
        untrained = sorted({track.genre for track in tracks} - trained)
        if untrained:
            names = ", ".join(untrained)
            raise UserError(f"{root}: no song of {names} to train on: add songs, or take the folder away{why}")


def write_lmdbs(folder: Path, parts: Parts, spool: Spool, dtypes: list[str]) -> dict[str, dict]:
    """Write the LMDB of every view, dtype and part, and the means of the train parts. Returns what each holds."""
    records = len(dtypes) * sum(len(clips) for drawn in parts.values() for clips in drawn.values())
    lmdbs = {}
    with tqdm(desc="records", total=records, unit="record", unit_scale=True, disable=None) as bar:
        for view, drawn in parts.items():
            for dtype in dtypes:
                for part, clips in drawn.items():
                    name = f"{view}_{dtype}_{part}_lmdb"
                    total = np.zeros(spool.parameters.shape(view))
                    datum.write_lmdb(folder / name, make_records(clips, spool, view, dtype, total, bar))
                    if part == "train":
                        datum.write_mean(folder / f"{view}_{dtype}_mean.binaryproto", total / len(clips))
                    lmdbs[name] = describe(folder / name, clips, spool.parameters.shape(view))
    return lmdbs


def make_records(
    clips: list[tuple[Track, int]], spool: Spool, view: str, dtype: str, total: np.ndarray, bar: tqdm
) -> Iterator[tuple[str, bytes]]:
    """Key and Datum of each clip in turn; their matrices are added up in ``total``."""
    for number, (track, clip) in enumerate(clips):
        read = functools.partial(spool.read, track.track, view)
        matrix = train_clip(read, track.track, clip, spool.parameters) if view == "cnn" else read(clip)
        if dtype == "int":
            matrix = features.quantize(matrix)
        total += matrix
        bar.update()
        yield datum.record_key(number, track.track, clip), datum.serialize(matrix, track.label)


def describe(path: Path, clips: list[tuple[Track, int]], shape: tuple[int, int, int]) -> dict:
    """What the manifest says of an LMDB; ``labels`` counts its records by genre."""
    labels = Counter(track.label for track, _ in clips)
    return {
        "records": len(clips),
        "songs": len({track.track for track, _ in clips}),
        "shape": list(shape),
        "labels": {genre: labels[label] for label, genre in enumerate(GENRES)},
        "sha256": datum.content_hash(path),
    }


def print_table(folder: Path, lmdbs: dict[str, dict]) -> None:
    print(f"{folder}\n{'LMDB':28}{'records':>9}{'songs':>7}  shape")
    for name, entry in lmdbs.items():
        print(f"{name:28}{entry['records']:9}{entry['songs']:7}  {' x '.join(map(str, entry['shape']))}")


if __name__ == "__main__":
    cli.run("make_lmdb", main)
