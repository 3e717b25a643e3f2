"""The process, or the MPI ranks, that Caffe runs in (`tools.train.solve`): started, followed, stopped.

A failed CHECK in Caffe ends the process that it happens in, so that it is never ours.
"""

from __future__ import annotations

import errno
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tqdm import tqdm

from tools import hosts
from tools.caffe_words import fatal_words
from tools.cli import UserError
from tools.in_place import die_with
from tools.train.prepare import Plan
from tools.train.progress import Metrics, show
from tools.train.ranks import Ranks

FULL = 1 << 20  # bytes: where less is free, it is the disk that ended Caffe


def child_command(plan: Plan, ranks: Ranks, until: int, dropout: float | None) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "tools.train.solve",
        str(plan.folder),
        f"--until={until}",
        f"--records={plan.records}",
    ]
    if dropout is not None:
        command.append(f"--dropout={dropout}")
    if plan.rates:
        command.append(f"--rates={json.dumps(plan.rates)}")
    if ranks.gpus:
        command.append(f"--gpus={json.dumps(ranks.gpus)}")
    if ranks.number == 1 and ranks.hostfile is None:
        return command
    # mpi4py's own runner ends the whole job when one rank fails
    command[1:2] = ["-m", "mpi4py", "-m"]
    return [*hosts.mpirun(ranks.number, ranks.hostfile), *command]


def lines_of(child: subprocess.Popen) -> Iterator[str]:
    """The lines of a child's output until it ends, or all that had its output have.

    The end of the pipe alone would not do: what mpirun started on other hosts may outlive it and hold the pipe open.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in child.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        ended = child.poll() is not None
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            if ended:
                return
            continue
        if line is None:
            return
        yield line


def follow(child: subprocess.Popen, bar: tqdm, metrics: Metrics, seen: dict) -> None:
    """Take in the child's events until it ends; ``seen`` gets the last of start, end and error each."""
    for line in lines_of(child):
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
            seen.update(event)
            if "start" in event:
                metrics.cut(event["start"])
                bar.update(event["start"] - bar.n)
                bar.initial = event["start"]


def last_words(log: Path, begun: int) -> str:
    """Caffe's own last fatal line, or the last line of an exception, out of the log from byte ``begun`` on."""
    with log.open("rb") as stream:
        stream.seek(begun)
        lines = [line for line in stream.read().decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"\w*(\.\w+)*(Error|Exception)\b|mpirun noticed", line)]
    return (fatal_words(lines) or errors or lines or ["it left no word"])[-1]


@contextmanager
def interrupts_to(stop: Callable[..., None]) -> Iterator[None]:
    """Have SIGINT and SIGTERM call ``stop``."""
    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def start_child(command: list[str], log: Path) -> subprocess.Popen:
    """The command, its standard output to be read, out of reach of the terminal's Ctrl-C; it ends with this process.

    Its standard error is added to the log.
    """
    with log.open("ab") as stream:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            start_new_session=True,
            close_fds=False,
            preexec_fn=partial(die_with, os.getpid()),
        )


def run_child(command: list[str], plan: Plan, bar: tqdm, metrics: Metrics) -> dict:
    """Run Caffe until the end of a segment or until it is asked to stop; returns its events, with stopped where it was.

    UserError where it dies or diverges. SIGINT and SIGTERM are handed to it as SIGUSR1, which mpirun passes on to the
    ranks: they end after the iteration at hand, with a snapshot. Before the first iteration there is nothing to save.
    """
    log = plan.folder / "caffe.log"
    begun = log.stat().st_size if log.exists() else 0
    seen: dict = {}
    child = None

    def stop(*_: object) -> None:
        seen["stopped"] = "training" if "start" in seen else "starting"
        if child:
            child.send_signal(signal.SIGUSR1 if "start" in seen else signal.SIGTERM)

    # From before the child is started: Python loses the exception of an interrupt that comes while it forks
    with interrupts_to(stop):
        child = start_child(command, log)
        if "stopped" in seen:
            child.terminate()
        try:
            follow(child, bar, metrics, seen)
            status = child.wait()
        finally:
            child.kill()
            child.wait()
    check_end(plan.folder, log, begun, seen, status)
    return seen


def check_end(folder: Path, log: Path, begun: int, seen: dict, status: int) -> None:
    """UserError, or OSError of a full disk, where Caffe ended otherwise than at the end or when it was asked to."""
    if "error" in seen:
        raise UserError(f"{folder}: {seen['error']}; the snapshots up to there are kept")
    if status and seen.get("stopped") != "starting":
        words = last_words(log, begun)
        if "No space left" in words or shutil.disk_usage(folder).free < FULL:
            raise OSError(errno.ENOSPC, words, str(folder))
        raise UserError(f"{folder}: Caffe ended with status {status}: {words} (whole log: {log})")
