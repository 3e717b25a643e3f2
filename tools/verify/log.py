"""What caffe.log says of a run: its losses, rates and tests, its snapshots, and how many ranks each process had."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from tools.verify.outcome import FailedError, equal, near

START = re.compile(r"Initializing solver from parameters")
BATCH = re.compile(r"^\s+batch_size: (\d+)")
SNAPSHOT = re.compile(r"Snapshotting to binary proto file .*_iter_(\d+)\.caffemodel")
TESTING = re.compile(r"Iteration (\d+), Testing net")
OUTPUT = re.compile(r"Test net output #\d+: (accuracy|loss) = (\S+)")
DISPLAY = re.compile(r"Iteration (\d+) \((\S+) iter/s, .*, loss = (\S+)$")
RATE = re.compile(r"Iteration (\d+), lr = (\S+)$")
UNREAD = 2  # lines that a killed training may have in its log alone
NOT_IN_THE_LOG = ("iter", "train_accuracy")  # the log has the accuracy of one batch, metrics.jsonl the mean of many


@dataclass
class Log:
    """A log as it was written, by one process of Caffe after another. ``lines`` are those of metrics.jsonl."""

    processes: list[tuple[int, int]] = field(default_factory=list)  # clips of rank 0's batch; snapshots before it
    snapshots: list[int] = field(default_factory=list)
    lines: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    undone: set[tuple[str, int]] = field(default_factory=set)  # what a later process may have begun before

    def start(self) -> None:
        """A process begins at the newest snapshot, or before it where that was not whole."""
        first = max(self.snapshots, default=0)
        self.undone |= {(kind, iteration) for kind, iteration in self.lines if iteration >= first}

    def has_start(self, iteration: int, batch: int) -> bool:
        """Whether a process began at an iteration with so large a batch on each rank: at the newest snapshot before
        it, or at an earlier one where the newest was not whole, and so was written again."""
        for own, before in self.processes:
            earlier, later = [0, *self.snapshots[:before]], self.snapshots[before:]
            if own == batch and (iteration == max(earlier) or (iteration in earlier and max(earlier) in later)):
                return True
        return False

    def add(self, kind: str, iteration: int, **values: float) -> None:
        self.lines.setdefault((kind, iteration), {}).update(values)
        self.undone.discard((kind, iteration))


def read_log(file: Path) -> Log:
    """What a caffe.log says; a training that has not begun has none."""
    log, tested, awaits_batch = Log(), 0, False
    for line in file.read_text(errors="replace").splitlines() if file.exists() else []:
        if START.search(line):
            log.start()
            awaits_batch = True
        elif awaits_batch and (match := BATCH.match(line)):
            log.processes.append((int(match[1]), len(log.snapshots)))
            awaits_batch = False
        elif match := SNAPSHOT.search(line):
            log.snapshots.append(int(match[1]))
        elif match := TESTING.search(line):
            tested = int(match[1])
        elif match := OUTPUT.search(line):
            log.add("test_loss", tested, **{f"test_{match[1]}": float(match[2])})
        elif match := DISPLAY.search(line):
            log.add("loss", int(match[1]), iter_per_s=float(match[2]), loss=float(match[3]))
        elif match := RATE.search(line):
            log.add("loss", int(match[1]), lr=float(match[2]))
    return log


def read_metrics(file: Path, was_killed: bool) -> dict[tuple[str, int], dict[str, float]]:
    """The lines of metrics.jsonl by kind and iteration; a training that was killed may have cut the last one short."""
    texts = file.read_text().splitlines() if file.exists() else []
    if was_killed and texts and not texts[-1].endswith("}"):
        texts.pop()
    lines = {}
    for text in texts:
        line = json.loads(text)
        kind = "loss" if "loss" in line else "test_loss"
        if (kind, line["iter"]) in lines:
            raise FailedError(f"iteration {line['iter']} has a {kind} twice")
        lines[kind, line["iter"]] = line
    for kind in ("loss", "test_loss"):
        iterations = [iteration for name, iteration in lines if name == kind]
        equal(iterations, sorted(iterations), f"iterations with a {kind}")
    return lines


def compare(log: Log, metrics: dict[tuple[str, int], dict[str, float]], was_killed: bool) -> None:
    """FailedError unless metrics.jsonl has what the log has, to the digits that the log has."""
    for (kind, iteration), line in metrics.items():
        where, logged = f"iteration {iteration}", log.lines.get((kind, iteration))
        if logged is None:
            raise FailedError(f"{where}: its {kind} is not in caffe.log")
        equal(sorted(logged), sorted(line.keys() - set(NOT_IN_THE_LOG)), f"{where}: what is known")
        for name, value in logged.items():
            near(line[name], value, f"{where}: {name}", 1e-5 * abs(value) + 1e-4 * (name == "iter_per_s"))
        if not 0 <= line.get("train_accuracy", 0) <= 1:
            raise FailedError(f"{where}: train_accuracy {line['train_accuracy']} is no share")
    missing = sorted(iteration for key in log.lines.keys() - metrics.keys() - log.undone for iteration in key[1:])
    if len(missing) > (UNREAD if was_killed else 0):
        raise FailedError(f"iteration {missing[0]} is in caffe.log alone")
