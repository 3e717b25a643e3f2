"""Train a network with Caffe: goes on from the newest whole snapshot, and can be stopped at any moment.

    python -m tools.train --net rcnn --split song --iterations 1500

Caffe runs in a child process (`tools.training.solve`, one per MPI rank), since a failed CHECK ends the process that it
happens in. This one prepares the run folder, shows the progress, and writes what comes out to metrics.jsonl.
"""

from __future__ import annotations

import argparse
import errno
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from tqdm import tqdm

from tools import cli, gpu, hosts, runs
from tools.cli import UserError
from tools.in_place import die_with
from tools.training.prepare import Plan, add_stretch, check_same_run, prepare, write_prototxt, write_run

SECONDS_TO_DIE = 2  # the processes of a killed training may take a moment to be gone
FULL = 1 << 20  # bytes: where less is free, it is the disk that ended Caffe


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, out of ``arguments`` or by default the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    runs.add_run_options(parser)
    parser.add_argument("--iterations", type=int, help="iteration to end at (default: max_iter of solver.prototxt)")
    parser.add_argument("--ranks", type=int, help="MPI ranks (default: one per core or GPU)")
    parser.add_argument("--hosts", type=Path, help="hostfile of Open MPI: the hosts to train on (default: this one)")
    parser.add_argument("--gpu", default="", help="GPUs to train on, as 0 or 0,1 (default: none, the CPU)")
    return parser.parse_args(arguments)


def parse_gpus(text: str) -> list[int]:
    """``"0,1"`` as [0, 1], nothing as []. UserError where it is no such list, or where one of the GPUs is not there."""
    if not text.strip():
        return []
    if not re.fullmatch(r"\d+(,\d+)*", text.strip()):
        raise UserError(f"GPU={text}: give the numbers of the GPUs, as GPU=0 or GPU=0,1, or nothing for the CPU")
    gpus = [int(number) for number in text.split(",")]
    gpu.require(gpus)
    return gpus


def choose_ranks(wanted: int | None, batch: int, gpus: list[int], slots: dict[str, int] | None = None) -> int:
    """The number of MPI ranks: on each host (``slots``, None: this one) one a GPU, otherwise one a slot or core.

    UserError where the batch, or the GPUs, do not go with the wanted number.
    """
    on_gpus = len(gpus) * len(slots or [""])
    if gpus and wanted not in (None, on_gpus):
        raise UserError(f"RANKS={wanted}: with GPU={','.join(map(str, gpus))} there is a rank per GPU: leave RANKS out")
    if gpus:
        wanted = on_gpus
    if wanted is None:
        most = sum(slots.values()) if slots else len(os.sched_getaffinity(0))
        return max(ranks for ranks in range(1, most + 1) if batch % ranks == 0)
    if wanted < 1 or batch % wanted:
        raise UserError(
            f"RANKS={wanted}: the batch of {batch} clips does not divide into that many: choose another BATCH or RANKS"
        )
    return wanted


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
        if begin < end and start < end:
            yield end, ratio


@dataclass(frozen=True)
class Ranks:
    """Where Caffe runs: how many MPI ranks, on which GPUs of each host (none: the CPU), on the hosts of which file."""

    number: int
    gpus: list[int]
    hostfile: Path | None


def child_command(plan: Plan, ranks: Ranks, until: int, dropout: float | None) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "tools.training.solve",
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


class Metrics:
    """metrics.jsonl: a line per display and per test, without those that a resumed run does anew."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "metrics.jsonl"

    def cut(self, iteration: int) -> None:
        """Forget what was seen from ``iteration`` on."""
        if not self.file.exists():
            return
        lines = []
        for line in self.file.read_text().splitlines():
            try:
                if json.loads(line)["iter"] < iteration:
                    lines.append(line + "\n")
            except ValueError:
                pass  # the last line of a killed run
        runs.write_whole(self.file, "".join(lines))

    def add(self, event: dict) -> None:
        with self.file.open("a") as stream:
            stream.write(json.dumps(event) + "\n")


def follow(child: subprocess.Popen, bar: tqdm, metrics: Metrics) -> dict:
    """Take in the child's events until it ends; returns the last of start, end and error each."""
    seen: dict = {}
    for line in child.stdout:
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
    return seen


def show(bar: tqdm, event: dict) -> None:
    """The newest loss, learning rate and test accuracy: in the bar, or as lines where there is no terminal."""
    if "loss" in event:
        shown = f"loss {event['loss']:.4f}, lr {event['lr']:g}"
        bar.set_postfix_str(shown)
        if bar.disable:
            print(f"iteration {event['iter']}: {shown}, {event['iter_per_s']:.2f} iter/s", flush=True)
    else:
        text = (
            f"iteration {event['iter']}: test accuracy {event['test_accuracy']:.4f}, test loss {event['test_loss']:.4f}"
        )
        tqdm.write(text)


def last_words(log: Path) -> str:
    """Caffe's own last fatal line, or the last line of an exception, out of the log."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    fatal = [re.sub(r"^F\S+ \S+ +\d+ ", "", line) for line in lines if re.match(r"F\d{4} ", line)]
    errors = [line for line in lines if re.match(r"\w*(\.\w+)*(Error|Exception)\b|mpirun noticed", line)]
    return (fatal or errors or lines or ["it left no word"])[-1]


def run_child(command: list[str], plan: Plan, bar: tqdm, metrics: Metrics) -> dict:
    """Run Caffe until the end of a segment or until it is asked to stop; returns its events.

    UserError where it dies or diverges. SIGINT and SIGTERM are handed to it as SIGUSR1, which mpirun passes on to the
    ranks: they end after the iteration at hand, with a snapshot.
    """
    log = plan.folder / "caffe.log"
    with log.open("ab") as stream:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            start_new_session=True,
            close_fds=False,
            preexec_fn=partial(die_with, os.getpid()),
        )
    seen: dict = {}

    def stop(*_: object) -> None:
        seen["stopped"] = True
        child.send_signal(signal.SIGUSR1)

    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        seen.update(follow(child, bar, metrics))
        status = child.wait()
    finally:
        child.kill()
        child.wait()
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if "error" in seen:
        raise UserError(f"{plan.folder}: {seen['error']}; the snapshots up to there are kept")
    if status:
        words = last_words(log)
        if "No space left" in words or shutil.disk_usage(plan.folder).free < FULL:
            raise OSError(errno.ENOSPC, words, str(plan.folder))
        raise UserError(f"{plan.folder}: Caffe ended with status {status}: {words} (whole log: {log})")
    return seen


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
            if reached < until:
                break
    state = "done" if reached == plan.iterations else "stopped"
    write_run(plan.folder, plan.record, **where, iteration=reached, state=state)
    return reached


def main() -> int:
    args = parse_arguments()
    gpus = parse_gpus(args.gpu)
    plan = prepare(args)
    slots = hosts.read_hostfile(args.hosts) if args.hosts else None
    ranks = Ranks(choose_ranks(args.ranks, plan.batch, gpus, slots), gpus, args.hosts)
    spread = f"{ranks.number} rank(s)" + (f" on {len(slots)} host(s)" if slots else "")
    print(f"{plan.folder}: {plan.records} clips, batch {plan.batch}, {spread}, to iteration {plan.iterations}")
    with locked(plan.folder):
        check_same_run(plan.folder, plan.record)
        write_prototxt(plan)
        reached = train(plan, ranks)
    if reached < plan.iterations:
        print(f"stopped at iteration {reached}; the same command goes on from there")
        return 130
    print(f"{plan.folder}: done, iteration {reached}")
    return 0


if __name__ == "__main__":
    cli.run("train", main)
