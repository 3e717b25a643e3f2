"""One training, from its newest whole snapshot to its last iteration, stretch by stretch of constant dropout.

Each stretch is a child process, or MPI ranks, that Caffe runs in (`tools.train.solve`): started, followed, stopped. A
failed CHECK in Caffe ends the process that it happens in, so that it is never ours.
"""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tools.cli import UserError
from tools.files import only_holder
from tools.processes import child, ending, interrupts_to, last_words, lines_of, mpirun, read_hostfile
from tools.train import runs, snapshots
from tools.train.prepare import Plan, check_lmdbs
from tools.train.progress import Metrics, show
from tools.train.ranks import Ranks
from tools.train.record import add_stretch, write_run

FULL = 1 << 20  # bytes: where less is free, it is the disk that ended Caffe


def locked(folder: Path) -> AbstractContextManager[None]:
    """Hold the run folder for this process alone. UserError where another training holds it."""
    return only_holder(folder / ".lock", f"{folder}: another training is at work there: wait for it, or stop it first")


def segments(plan: Plan, start: int) -> Iterator[tuple[int, float | None]]:
    """The stretches of constant dropout from ``start`` on: where each ends, and its ratio (None: the prototxt's)."""
    dropout = plan.record["dropout"]
    if not dropout:
        yield plan.settings.iters, None
        return
    ends = [begin for begin, _ in dropout[1:]] + [plan.settings.iters]
    for (begin, ratio), end in zip(dropout, ends):
        end = min(end, plan.settings.iters)
        # one that was stopped at the very end has its last test still to make
        if begin < end and (start < end or start == end == plan.settings.iters):
            yield end, ratio


def is_done(folder: Path) -> bool:
    """Whether a run came to its end, its last test made."""
    return (folder / "run.json").exists() and runs.read_run(folder).get("state") == "done"


def train(plan: Plan, ranks: Ranks) -> int:
    """Train to the plan's last iteration; returns the iteration reached."""
    start = snapshots.newest_resumable(plan.folder)
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
        where["hosts"] = read_hostfile(ranks.hostfile)
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


# --- the child --------------------------------------------------------------------------------------------------------


def child_command(plan: Plan, ranks: Ranks, start: int, until: int, dropout: float | None) -> list[str]:
    command = [sys.executable, "-m", "tools.train.solve", str(plan.folder)]
    records = plan.record["lmdb"]["train"]["records"]
    options: dict[str, Any] = {"resume": start, "until": until, "records": records, "dropout": dropout}
    options |= {"rates": plan.record["lr_steps"] or None, "gpus": ranks.gpus or None}
    command += [f"--{name}={json.dumps(value)}" for name, value in options.items() if value is not None]
    if ranks.number == 1 and ranks.hostfile is None:
        return command
    # mpi4py's own runner ends the whole job when one rank fails
    command[1:2] = ["-m", "mpi4py", "-m"]
    return [*mpirun(ranks.number, ranks.hostfile), *command]


def follow(process: subprocess.Popen[str], bar: tqdm, metrics: Metrics, events: dict[str, Any]) -> None:
    """Take in the child's events until it ends; ``events`` gets the last of start, end and error each."""
    for line in lines_of(process):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if "tick" in event:
            bar.update(event["tick"] - bar.n)
        elif "iter" in event:
            metrics.add(event)
            show(bar, event)
        else:
            events.update(event)
            if "start" in event:
                metrics.cut(event["start"])
                bar.update(event["start"] - bar.n)
                bar.initial = event["start"]


def run_child(command: list[str], plan: Plan, bar: tqdm, metrics: Metrics) -> dict[str, Any]:
    """Run Caffe until the end of a segment or until it is asked to stop; returns its events, with stopped where it was.

    UserError where it dies or diverges. SIGINT and SIGTERM are handed to it as SIGUSR1, which mpirun passes on to the
    ranks: they end after the iteration at hand, with a snapshot. Before the first iteration there is nothing to save.
    """
    log = plan.folder / "caffe.log"
    begun = log.stat().st_size if log.exists() else 0
    events: dict[str, Any] = {}
    caffe: list[subprocess.Popen[str]] = []

    def stop(*_: Any) -> None:
        events["stopped"] = "training" if "start" in events else "starting"
        for process in caffe:
            process.send_signal(signal.SIGUSR1 if "start" in events else signal.SIGTERM)

    # From before the child is started: Python loses the exception of an interrupt that comes while it forks
    with interrupts_to(stop), log.open("ab") as words, child(command, words) as process:
        caffe.append(process)
        if "stopped" in events:
            process.terminate()
        follow(process, bar, metrics, events)
        status = process.wait()
    check_end(plan.folder, log, begun, events, status)
    return events


def check_end(folder: Path, log: Path, begun: int, events: dict[str, Any], status: int) -> None:
    """UserError, or OSError of a full disk, where Caffe ended otherwise than at the end or when it was asked to."""
    if "error" in events:
        raise UserError(f"{folder}: {events['error']}; the snapshots up to there are kept")
    if status and events.get("stopped") != "starting":
        words = last_words(log.read_bytes()[begun:].decode(errors="replace"))
        if "No space left" in words or shutil.disk_usage(folder).free < FULL:
            raise OSError(errno.ENOSPC, words, str(folder))
        raise UserError(f"{folder}: Caffe {ending(status)}: {words} (whole log: {log})")
