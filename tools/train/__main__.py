"""Train a network with Caffe: goes on from the newest whole snapshot, and can be stopped at any moment.

    python -m tools.train --net rcnn --split song --iterations 1500

Caffe runs in a child process (`tools.train.solve`, one per MPI rank), since a failed CHECK ends the process that it
happens in. This one prepares the run folder, shows the progress, and writes what comes out to metrics.jsonl.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tqdm import tqdm

from tools import cli, hosts
from tools.cli import UserError
from tools.train import runs
from tools.train.child import child_command, run_child
from tools.train.prepare import Plan, check_lmdbs, prepare, write_prototxt
from tools.train.progress import Metrics
from tools.train.ranks import Ranks, choose_ranks, parse_gpus
from tools.train.record import add_stretch, check_same_run, write_run

CLIPS_TO_NORMALISE = 8  # at least: a rank's BatchNorm takes its mean and deviation from its own part of the batch
SECONDS_TO_DIE = 2  # the processes of a killed training may take a moment to be gone


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, out of ``arguments`` or by default the command line."""
    parser = cli.Parser(description=__doc__.splitlines()[0])
    runs.add_run_options(parser)
    parser.add_argument("--iterations", type=int, help="iteration to end at (default: max_iter of solver.prototxt)")
    parser.add_argument("--ranks", type=int, help="MPI ranks (default: one per core or GPU)")
    parser.add_argument("--hosts", type=Path, help="hostfile of Open MPI: the hosts to train on (default: this one)")
    parser.add_argument("--gpu", default="", help="GPUs to train on, as 0 or 0,1 (default: none, the CPU)")
    return parser.parse_args(arguments)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run folder for this process alone. UserError where another training holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        deadline = time.monotonic() + SECONDS_TO_DIE
        while not taken(lock):
            if time.monotonic() > deadline:
                raise UserError(f"{folder}: another training is at work there: wait for it, or stop it first")
            time.sleep(0.05)
        # Caffe's process holds it too: what it writes may last a moment longer than a killed parent
        os.set_inheritable(lock.fileno(), True)
        yield


def taken(lock: IO) -> bool:
    """Take a lock, if nobody holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def segments(plan: Plan, start: int) -> Iterator[tuple[int, float | None]]:
    """The stretches of constant dropout from ``start`` on: where each ends, and its ratio (None: the prototxt's)."""
    if not plan.dropout:
        yield plan.iterations, None
        return
    ends = [begin for begin, _ in plan.dropout[1:]] + [plan.iterations]
    for (begin, ratio), end in zip(plan.dropout, ends):
        end = min(end, plan.iterations)
        # one that was stopped at the very end has its last test still to make
        if begin < end and (start < end or start == end == plan.iterations):
            yield end, ratio


def train(plan: Plan, ranks: Ranks) -> int:
    """Train to the plan's last iteration; returns the iteration reached."""
    newest = runs.newest_resumable(plan.folder)
    start = newest[0] if newest else 0
    if start > plan.iterations:
        print(f"{plan.folder} already stands at iteration {start}")
        return start
    where = {"ranks": ranks.number, "gpu": ranks.gpus}
    if ranks.hostfile:
        where["hosts"] = hosts.read_hostfile(ranks.hostfile)
    where["stretches"] = add_stretch(plan.folder, start, ranks.number, ranks.gpus)
    write_run(plan.folder, plan.record, **where, iteration=start, state="training")
    metrics = Metrics(plan.folder)
    reached = start
    with tqdm(total=plan.iterations, initial=start, unit="iter", disable=None, dynamic_ncols=True) as bar:
        for until, dropout in segments(plan, start):
            seen = run_child(child_command(plan, ranks, until, dropout), plan, bar, metrics)
            reached = seen.get("end", reached)
            if reached < until or "stopped" in seen:
                break
    state = "done" if reached == plan.iterations else "stopped"
    write_run(plan.folder, plan.record, **where, iteration=reached, state=state)
    return reached


def main() -> int:
    args = parse_arguments()
    gpus = parse_gpus(args.gpu)
    plan = prepare(args)
    slots = hosts.read_hostfile(args.hosts) if args.hosts else None
    least = CLIPS_TO_NORMALISE if plan.has_batch_norm else 1
    ranks = Ranks(choose_ranks(args.ranks, plan.batch, gpus, slots, least), gpus, args.hosts)
    spread = f"{ranks.number} rank(s)" + (f" on {len(slots)} host(s)" if slots else "")
    print(f"{plan.folder}: {plan.records} clips, batch {plan.batch}, {spread}, to iteration {plan.iterations}")
    with locked(plan.folder):
        check_same_run(plan.folder, plan.record)
        check_lmdbs(plan.record["lmdb"])
        write_prototxt(plan)
        reached = train(plan, ranks)
    if reached < plan.iterations:
        print(f"stopped at iteration {reached}; the same command goes on from there")
        return 130
    print(f"{plan.folder}: done, iteration {reached}")
    return 0


if __name__ == "__main__":
    cli.run("train", main)
