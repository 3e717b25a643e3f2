"""The votes of all folds of a split as one: each song is tested once, by a network that never heard it.

    python -m tools.vote.folds --net rcnn

Reads build/votes/song/<run>/ to build/votes/song-4/<run>/, writes the same files to build/votes/song-folds/<run>/, and
prints the same table. UserError where the folds differ in anything but their songs, or where one is missing.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from tools import cli, files, paths
from tools.cli import UserError
from tools.settings import add_settings, read_settings
from tools.songs import roots
from tools.songs.splits import JOINED
from tools.train import runs
from tools.vote.count import Clips, choose, concatenate, hold_election, score
from tools.vote.files import check_counted, print_table, read_clips, write_votes

ALIKE = ("net", "dtype", "seed", "iteration", "ranks", "genres", "leaky")


def read_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="vote_folds", description="The votes of all folds of the song or artist split as one.")
    parser.add_argument("--iteration", type=int, help="the votes of this iteration (default: of the newest)")
    parser.add_argument("--data", type=Path, help="the songs that the runs have to be of (default: as they stand)")
    add_settings(parser)
    return parser.parse_args()


def read_summaries(folders: list[Path]) -> list[dict]:
    """The summary of each fold. UserError where one is missing, or the folds are not of one kind."""
    summaries = []
    for fold, folder in enumerate(folders):
        try:
            files.check_as_written(folder / "summary.json", f"vote again on fold {fold}")
            summary = files.parse((folder / "summary.json").read_text())
            keys = (*ALIKE, "run", "caffemodel_sha256", "clip_accuracy")
            summaries.append({key: summary[key] for key in keys})
        except FileNotFoundError:
            raise UserError(
                f"{folder}: no such vote: type 'make lmdb train vote FOLD={fold}' with the same settings"
            ) from None
        except (ValueError, TypeError, KeyError):
            raise UserError(f"{folder / 'summary.json'} is not whole: vote again on fold {fold}") from None
    for key in ALIKE:
        values = [summary[key] for summary in summaries]
        if any(value != values[0] for value in values):
            raise UserError(
                f"{folders[0].name}: the folds differ in {key} ({', '.join(map(str, values))}): vote on all folds alike"
            )
    return summaries


def check_runs(folders: list[Path], data: Path | None, build: Path) -> None:
    """UserError where the folds are of more than one build of Caffe or data root, as far as their runs are there.

    Synthetic songs have the names of GTZAN's: by their names alone, folds of both would fit together. Where ``data``
    are named, every run has to be of them, and there.
    """
    records = {folder: runs.read_run(folder) for folder in folders if data or (folder / "run.json").exists()}
    name, builds = folders[0].name, {record["versions"].get("caffe_package") for record in records.values()}
    if len(builds) > 1:
        raise UserError(
            f"{name}: the folds were trained with {' and '.join(map(str, builds))}: train all folds with one of them"
        )
    if data:
        for folder, record in records.items():
            roots.check_same_songs(data, record["data_fingerprint"], folder, build)
    elif len({record["data_fingerprint"] for record in records.values()}) > 1:
        raise UserError(f"{name}: the folds were trained on different songs: train all on the same, and name these")


def join(parts: list[Clips]) -> Clips:
    """The clips of all folds, in order of track and clip. UserError where a song is in two of them."""
    tracks = [track for part in parts for track in np.unique(part.tracks)]
    if len(set(tracks)) < len(tracks):
        raise UserError("a song is in the test part of two folds: make the LMDBs of all folds from the same songs")
    joined = concatenate(parts)
    return choose(joined, np.lexsort((joined.clips, joined.tracks)))


def main() -> None:
    args = read_arguments()
    settings = read_settings(args)
    if settings.split not in JOINED:
        raise UserError(f"SPLIT={settings.split}: not every song is tested once: use SPLIT={' or '.join(JOINED)}")
    each_fold = [runs.run_folder(replace(settings, fold=fold)) for fold in range(JOINED[settings.split])]
    name = each_fold[0].name + (f"@iter={args.iteration}" if args.iteration is not None else "")
    folders = [paths.votes_folder(settings.build, run.parent.name, name) for run in each_fold]
    summaries = read_summaries(folders)
    check_runs(each_fold, args.data, settings.build)
    parts = [read_clips(folder / "clips.csv") for folder in folders]
    for part, summary, folder in zip(parts, summaries, folders):
        check_counted(part, summary["clip_accuracy"], folder)
    clips = join(parts)
    election = hold_election(clips, None)
    summary = {
        **{key: summaries[0][key] for key in ALIKE},
        "split": paths.joined_folds(settings.split),
        **score(clips, election),
        "leaky": summaries[0]["leaky"],
        "command": cli.command_line(),
        "run": ", ".join(summary["run"] for summary in summaries),
        "caffemodel_sha256": [summary["caffemodel_sha256"] for summary in summaries],
    }
    folder = paths.votes_folder(settings.build, paths.joined_folds(settings.split), name)
    write_votes(folder, clips, election, summary)
    print_table(summary, folder)


if __name__ == "__main__":
    cli.run("vote_folds", main)
