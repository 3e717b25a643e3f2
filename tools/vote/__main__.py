"""Let the clips of each song vote for its genre, with the weights of a run.

    python -m tools.vote --net rcnn --split song [--iteration 500] [--threshold 5 7 8]
    python -m tools.vote --run build/runs/song/rcnn

Reads the run and its LMDBs, writes clips.csv, songs.csv, confusion.csv and summary.json to build/votes/<split>/<run>/
(<run>@iter=500/ where an iteration is asked for), and prints the summary as a table.

Under the splits song and filtered, the test songs are voted on, by all their clips. Under split clip, so that there
are clips enough, every song with a test clip is voted on by all its clips, most of which were trained on: that vote is
leaky. Rules and intervals: `tools.vote.rules`. The column plurality of songs.csv is at the lowest threshold.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from tools import cli, files, paths
from tools.cli import UserError
from tools.convert import lmdbs
from tools.nets.predict import Prediction, predict_lmdb
from tools.settings import Settings, add_settings
from tools.songs import roots
from tools.train import snapshots
from tools.train.runs import add_run_option, build_of, deploy_of, find_run, ranks_to
from tools.vote.count import collect_clips, hold_election, score
from tools.vote.files import print_table, write_votes
from tools.vote.other_root import test_lmdb


def read_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="vote", description="Let the clips of each song vote for its genre.")
    parser.add_argument("--iteration", type=int, help="vote with this snapshot (default: the newest)")
    parser.add_argument(
        "--threshold", type=int, nargs="+", metavar="T", help="votes that decide (default: 5 7 8 of 15, 10 14 16 of 30)"
    )
    parser.add_argument("--data", type=Path, help="the songs that the run has to be of (default: as it stands)")
    parser.add_argument("--test", type=Path, help="vote on the songs of this other data root")
    add_run_option(parser)
    add_settings(parser)
    return parser.parse_args()


def find_lmdbs(build: Path, settings: Settings, record: dict[str, Any]) -> dict[str, Path]:
    """The LMDB of each part that votes. UserError if one is missing, or is another than the run began with."""
    parts = ("train", "test") if settings.split == "clip" else ("test",)
    voting = {part: paths.lmdb(build, settings.lmdb_folder, record["view"], record["dtype"], part) for part in parts}
    for part, lmdb in voting.items():
        if not lmdb.is_dir():
            raise UserError(f"{lmdb} does not exist: type 'make lmdb' with the same settings first")
        if lmdbs.content_hash(lmdb) != record["lmdb"].get(part, {}).get("sha256"):
            raise UserError(
                f"{lmdb} is not the one this run was trained with, so that its test songs may have been trained on: "
                "train again on it"
            )
    return voting


def predictions_of(
    args: argparse.Namespace, build: Path, run: Path, record: dict[str, Any], settings: Settings, caffemodel: Path
) -> dict[str, Prediction]:
    """What the network makes of every clip that votes, by part."""
    deploy = deploy_of(run, record)
    if args.test:
        build.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=build) as folder,
            test_lmdb(args.test, run, record, settings, Path(folder)) as lmdb,
        ):
            return {"test": predict_lmdb(deploy, caffemodel, lmdb)}
    voting = find_lmdbs(build, settings, record)
    return {part: predict_lmdb(deploy, caffemodel, lmdb) for part, lmdb in voting.items()}


def main() -> None:
    args = read_arguments()
    run_folder, record, settings = find_run(args)
    build = build_of(run_folder, Path(args.build or paths.BUILD)) if args.run else settings.build
    if args.data:
        roots.check_same_songs(args.data, record["data_fingerprint"], run_folder, build)
    if settings.split == "all" and not args.test:
        raise UserError(
            f"{run_folder}: SPLIT=all trains on every song and leaves none to vote on: name others by TEST="
        )
    iteration, caffemodel = snapshots.choose_snapshot(run_folder, args.iteration)
    predictions = predictions_of(args, build, run_folder, record, settings, caffemodel)
    clips = collect_clips(predictions, len(record["label_names"]))
    election = hold_election(clips, args.threshold)
    summary = {
        **{key: record[key] for key in ("net", "split", "dtype", "seed")},
        "ranks": ranks_to(record, iteration),
        "iteration": iteration,
        **score(clips, election),
        "leaky": False if args.test else record["leaky"],
        "genres": record["label_names"],
        "command": cli.command_line(),
        "run": str(run_folder),
        "caffemodel_sha256": files.sha256_of(caffemodel),
    }
    name = run_folder.resolve().name + (f"@iter={iteration}" if args.iteration is not None else "")
    if args.test:
        summary["test_fingerprint"] = roots.fingerprint(args.test, build)
        name += f"@test={summary['test_fingerprint'][:8]}"
    else:
        summary["lmdb_sha256"] = {part: record["lmdb"][part]["sha256"] for part in predictions}
    folder = paths.votes_folder(build, settings.split_folder, name)
    write_votes(folder, clips, election, summary)
    print_table(summary, folder)


if __name__ == "__main__":
    cli.run("vote", main)
