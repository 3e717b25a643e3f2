"""Let the clips of each song vote for its genre, with the weights of a run.

    python -m tools.vote --net rcnn --split song [--iteration 500] [--threshold 5 7 8]

Reads build/runs/<split>/<run>/ and build/lmdb/<split>/, writes clips.csv, songs.csv, confusion.csv and summary.json to
build/votes/<split>/<run>/ (<run>@iter=500/ where an iteration is asked for), and prints the summary as a table.

Under the splits song and filtered, the test songs are voted on, by all their clips. Under split clip, so that there
are clips enough, every song with a test clip is voted on by all its clips, most of which were trained on: that vote is
leaky. Rules and intervals: `tools.vote.rules`. The column plurality of songs.csv is at the lowest threshold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tools import cli, paths
from tools.cli import UserError
from tools.convert import datum
from tools.nets.predict import predict_lmdb
from tools.train import runs
from tools.vote.count import collect_clips, hold_election, score
from tools.vote.files import write_votes


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    runs.add_run_options(parser)
    parser.add_argument("--iteration", type=int, help="vote with this snapshot (default: the newest)")
    parser.add_argument(
        "--threshold", type=int, nargs="+", metavar="T", help="votes that decide (default: 5 7 8 of 15, 10 14 16 of 30)"
    )
    return parser.parse_args()


def find_lmdbs(args: argparse.Namespace, run: dict) -> dict[str, Path]:
    """The LMDB of each part that votes. UserError where one is missing, or is not the one the run began with."""
    parts = ("train", "test") if args.split == "clip" else ("test",)
    split = runs.lmdb_split_folder(args)
    lmdbs = {part: paths.lmdb(args.build, split, run["view"], run["dtype"], part) for part in parts}
    for part, lmdb in lmdbs.items():
        if not lmdb.is_dir():
            raise UserError(f"{lmdb} does not exist: type 'make lmdb' with the same settings first")
        if datum.content_hash(lmdb) != run["lmdb"][part]["sha256"]:
            raise UserError(
                f"{lmdb} is not the one this run was trained with, so that its test songs may have been trained on: "
                "train again on it"
            )
    return lmdbs


def print_table(summary: dict, folder: Path) -> None:
    """Every rule and threshold with its accuracy and 95% interval, in percent."""

    def line(what: str, share: float, interval: list[float]) -> None:
        print(f"  {what:<38}{100 * share:6.2f}%   [{100 * interval[0]:.2f}, {100 * interval[1]:.2f}]")

    tested = f"{summary['clips']} test clips, {summary['songs']} songs"
    print(f"{summary['run']}, iteration {summary['iteration']}: {tested}")
    line("clips", summary["clip_accuracy"], summary["clip_interval"])
    if summary["song_accuracy"]:
        for rule in ("true_label", "plurality"):
            for threshold, share in summary["song_accuracy"][rule].items():
                interval = summary["song_interval"][rule][threshold]
                line(f"songs, {rule}, at least {threshold}", share, interval)
        line("songs, mean_probability", *(summary[f"song_{of}"]["mean_probability"] for of in ("accuracy", "interval")))
    print("  95% intervals: Wilson over songs; for clips a bootstrap over songs")
    if summary["leaky"]:
        print("  leaky: most clips of these songs were trained on, so that the votes on songs mean little")
    print(f"written to {folder}")


def main() -> None:
    args = parse_arguments()
    run_folder = runs.run_folder(args)
    run = runs.read_run(run_folder)
    iteration, caffemodel = runs.choose_snapshot(run_folder, args.iteration)
    lmdbs = find_lmdbs(args, run)
    deploy, train_val = run_folder / "deploy.prototxt", run_folder / "train_val.prototxt"
    predictions = {part: predict_lmdb(deploy, train_val, caffemodel, lmdb) for part, lmdb in lmdbs.items()}
    clips = collect_clips(predictions)
    election = hold_election(clips, args.threshold)
    summary = {
        **{key: run[key] for key in ("net", "split", "dtype", "seed", "ranks")},
        "iteration": iteration,
        **score(clips, election),
        "command": cli.command_line(),
        "run": str(run_folder),
        "caffemodel_sha256": runs.sha256_of(caffemodel),
        "lmdb_sha256": {part: run["lmdb"][part]["sha256"] for part in lmdbs},
    }
    name = runs.run_name(args) + (f"@iter={iteration}" if args.iteration is not None else "")
    folder = paths.votes_folder(args.build, runs.split_folder(args), name)
    write_votes(folder, clips, election, summary)
    print_table(summary, folder)


if __name__ == "__main__":
    cli.run("vote", main)
