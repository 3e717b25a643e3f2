"""Train a network with Caffe: goes on from the newest whole snapshot, and can be stopped at any moment.

    python -m tools.train --net rcnn --split song --iters 1500

Caffe runs in a child process (`tools.train.solve`, one per MPI rank), since a failed CHECK ends the process that it
happens in. This one prepares the run folder, shows the progress, and writes what comes out to metrics.jsonl.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tools import cli, processes
from tools.settings import Settings, add_settings, read_settings
from tools.songs import roots
from tools.train.prepare import Plan, check_lmdbs, prepare, write_files
from tools.train.ranks import Ranks, choose_ranks, parse_gpus
from tools.train.record import check_same_run
from tools.train.training import locked, train

CLIPS_TO_NORMALISE = 8  # at least: a rank's BatchNorm takes its mean and deviation from its own part of the batch


def place(plan: Plan, settings: Settings) -> Ranks:
    """Where the plan is trained: on how many ranks, on which GPUs and hosts."""
    gpus = parse_gpus(settings.gpu)
    slots = processes.read_hostfile(settings.hosts) if settings.hosts else None
    least = CLIPS_TO_NORMALISE if '"BatchNorm"' in str(plan.contents["train_val.prototxt"]) else 1
    return Ranks(choose_ranks(settings.ranks, plan.settings.batch, gpus, slots, least), gpus, settings.hosts)


def main() -> int:
    parser = cli.Parser(prog="train", description="Train a network with Caffe.")
    parser.add_argument("--data", type=Path, help="the songs that the LMDBs have to be of (default: as they stand)")
    add_settings(parser)
    args = parser.parse_args()
    settings = read_settings(args)
    parse_gpus(settings.gpu)
    plan = prepare(settings)
    if args.data:
        roots.check_same_songs(args.data, plan.record["data_fingerprint"], settings.build / "lmdb", settings.build)
    ranks = place(plan, settings)
    plan.record["settings"] = replace(plan.settings, ranks=ranks.number).as_json()
    hosts = f", hosts of {ranks.hostfile}" if ranks.hostfile else ""
    spread = f"{ranks.number} rank{'s' * (ranks.number > 1)}{hosts}"
    how = f"{plan.record['lmdb']['train']['records']} train clips, {plan.settings.batch} an iteration, {spread}"
    print(f"{plan.folder}: {how}, to iteration {plan.settings.iters}", flush=True)
    with locked(plan.folder):
        check_same_run(plan.folder, plan.record)
        check_lmdbs(plan.record["lmdb"])
        write_files(plan)
        reached = train(plan, ranks)
    if reached < plan.settings.iters:
        print(f"{plan.folder}: stopped at iteration {reached}; the same command goes on from there")
        return 130
    print(f"{plan.folder}: done, iteration {reached}")
    return 0


if __name__ == "__main__":
    cli.run("train", main)
