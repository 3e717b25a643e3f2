"""One training, from its newest whole snapshot to its last iteration, stretch by stretch of constant dropout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tqdm import tqdm

from tools import processes
from tools.files import only_holder
from tools.train import runs, snapshots
from tools.train.child import child_command, run_child
from tools.train.prepare import Plan, check_lmdbs
from tools.train.progress import Metrics
from tools.train.ranks import Ranks
from tools.train.record import add_stretch, write_run


def locked(folder: Path) -> AbstractContextManager[None]:
    """Hold the run folder for this process alone. UserError where another training holds it."""
    return only_holder(folder / ".lock", f"{folder}: another training is at work there: wait for it, or stop it first")


def segments(plan: Plan, start: int) -> Iterator[tuple[int, float | None]]:
    """The stretches of constant dropout from ``start`` on: where each ends, and its ratio (None: the prototxt's)."""
    if not plan.dropout:
        yield plan.settings.iters, None
        return
    ends = [begin for begin, _ in plan.dropout[1:]] + [plan.settings.iters]
    for (begin, ratio), end in zip(plan.dropout, ends):
        end = min(end, plan.settings.iters)
        # one that was stopped at the very end has its last test still to make
        if begin < end and (start < end or start == end == plan.settings.iters):
            yield end, ratio


def is_done(folder: Path) -> bool:
    """Whether a run came to its end, its last test made."""
    return (folder / "run.json").exists() and runs.read_run(folder).get("state") == "done"


def train(plan: Plan, ranks: Ranks) -> int:
    """Train to the plan's last iteration; returns the iteration reached."""
    newest = snapshots.newest_resumable(plan.folder)
    start = newest[0] if newest else 0
    for mark in snapshots.passed_over(plan.folder, start):
        print(f"{mark.with_suffix('')}: left out: its files have changed since it was written", flush=True)
    if start > plan.settings.iters:
        print(f"{plan.folder}: at iteration {start} already, beyond ITERS={plan.settings.iters}: nothing to train")
        return start
    if start == plan.settings.iters and is_done(plan.folder):
        print(f"{plan.folder}: at iteration {start} already: a higher ITERS= trains it further")
        return start
    for name in snapshots.unmarked(plan.folder):
        print(f"{plan.folder / name}: not used and not removed: another program wrote it", flush=True)
    if start:
        print(f"{plan.folder}: goes on from iteration {start}", flush=True)
    where = {"ranks": ranks.number, "gpu": ranks.gpus}
    if ranks.hostfile:
        where["hosts"] = processes.read_hostfile(ranks.hostfile)
    where["stretches"] = add_stretch(plan.folder, start, ranks.number, ranks.gpus)
    write_run(plan.folder, plan.record, **where, iteration=start, state="training")
    metrics = Metrics(plan.folder)
    reached = start
    with tqdm(total=plan.settings.iters, initial=start, unit="iter", disable=None, dynamic_ncols=True) as bar:
        for until, dropout in segments(plan, start):
            if reached > start:  # Caffe opens them anew: another `make lmdb` may have put others there meanwhile
                check_lmdbs(plan.record["lmdb"])
            events = run_child(child_command(plan, ranks, reached, until, dropout), plan, bar, metrics)
            reached = events.get("end", reached)
            if reached < until or "stopped" in events:
                break
    state = "done" if reached == plan.settings.iters else "stopped"
    write_run(plan.folder, plan.record, **where, iteration=reached, state=state)
    return reached
