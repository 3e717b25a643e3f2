"""The process, or the MPI ranks, that Caffe runs in (`tools.train.solve`): started, followed, stopped.

A failed CHECK in Caffe ends the process that it happens in, so that it is never ours.
"""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from tools.cli import UserError
from tools.processes import child, ending, interrupts_to, last_words, lines_of, mpirun
from tools.train.prepare import Plan
from tools.train.progress import Metrics, show
from tools.train.ranks import Ranks

FULL = 1 << 20  # bytes: where less is free, it is the disk that ended Caffe


def child_command(plan: Plan, ranks: Ranks, start: int, until: int, dropout: float | None) -> list[str]:
    command = [sys.executable, "-m", "tools.train.solve", str(plan.folder)]
    options: dict[str, Any] = {"resume": start, "until": until, "records": plan.records, "dropout": dropout}
    options |= {"rates": plan.rates or None, "gpus": ranks.gpus or None}
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
