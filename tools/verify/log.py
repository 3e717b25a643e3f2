"""What caffe.log says of a run: its losses, rates and tests, its snapshots, and how many ranks each process had."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

from tools import files
from tools.verify.outcome import FailedError, equal, near

START = re.compile(r"Initializing solver from parameters")
BATCH = re.compile(r"^\s+batch_size: (\d+)")
SNAPSHOT = re.compile(r"Snapshotting to binary proto file .*_iter_(\d+)\.caffemodel")
TESTING = re.compile(r"Iteration (\d+), Testing net")
OUTPUT = re.compile(r"Test net output #\d+: (accuracy|loss) = (\S+)")
DISPLAY = re.compile(r"Iteration (\d+) \((\S+) iter/s, .*, loss = (\S+)$")
ACCURACY = re.compile(r"Train accuracy of \d+ batches = (\S+)$")
RATE = re.compile(r"Iteration (\d+), lr = (\S+)$")
UNREAD = 2  # lines that a killed training may have in its log alone


@dataclass
class Process:
    """A process of Caffe: how many clips a batch of rank 0 has, and from which iteration on it trained."""

    earlier: tuple[int, ...]  # the iterations of the snapshots before it, 0 for none
    batch: int = 0
    first: float = math.inf  # the iteration that it logged first

    @property
    def start(self) -> int:
        """The newest snapshot before it, or an earlier one where that was not whole."""
        return max(iteration for iteration in self.earlier if iteration <= self.first)


@dataclass
class Log:
    """A log as it was written, by one process of Caffe after another. ``lines`` are those of metrics.jsonl."""

    processes: list[Process] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    lines: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    undone: set[tuple[str, int]] = field(default_factory=set)  # what a later process may have begun before

    @property
    def lasting(self) -> list[Process]:
        """The processes whose work still counts: no later one began at an earlier iteration."""
        later = [[other.start for other in self.processes[number:]] for number in range(1, len(self.processes) + 1)]
        return [process for process, starts in zip(self.processes, later) if process.start < min([*starts, math.inf])]

    def begin(self) -> None:
        self.processes.append(Process((0, *self.snapshots)))
        newest = max(self.processes[-1].earlier)
        self.undone |= {(kind, iteration) for kind, iteration in self.lines if iteration >= newest}

    def note(self, iteration: int) -> None:
        if self.processes:
            self.processes[-1].first = min(self.processes[-1].first, iteration)

    def add(self, kind: str, iteration: int, **values: float) -> None:
        self.note(iteration)
        self.lines.setdefault((kind, iteration), {}).update(values)
        self.undone.discard((kind, iteration))


def read_log(file: Path) -> Log:
    """What a caffe.log says; a training that has not begun has none."""
    log, tested, shown = Log(), 0, 0
    for line in file.read_text(errors="replace").splitlines() if file.exists() else []:
        if START.search(line):
            log.begin()
        elif (match := BATCH.match(line)) and log.processes:
            log.processes[-1].batch = log.processes[-1].batch or int(match[1])
        elif match := SNAPSHOT.search(line):
            log.note(int(match[1]))
            log.snapshots.append(int(match[1]))
        elif match := TESTING.search(line):
            tested = int(match[1])
        elif match := OUTPUT.search(line):
            log.add("test_loss", tested, **{f"test_{match[1]}": float(match[2])})
        elif match := DISPLAY.search(line):
            shown = int(match[1])
            log.add("loss", shown, iter_per_s=float(match[2]), loss=float(match[3]))
        elif match := ACCURACY.search(line):
            log.add("loss", shown, train_accuracy=float(match[1]))
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
        line = files.parse(text)
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
        # In an earlier log the train accuracies are those of single batches
        unknown = {"iter", "train_accuracy"} - logged.keys()
        equal(sorted(logged), sorted(line.keys() - unknown), f"{where}: what is known")
        for name, value in logged.items():
            near(line[name], value, f"{where}: {name}", 1e-5 * abs(value) + 1e-4 * (name == "iter_per_s"))
        if not 0 <= line.get("train_accuracy", 0) <= 1:
            raise FailedError(f"{where}: train_accuracy {line['train_accuracy']} is no share")
    missing = sorted(iteration for key in log.lines.keys() - metrics.keys() - log.undone for iteration in key[1:])
    if len(missing) > (UNREAD if was_killed else 0):
        raise FailedError(f"iteration {missing[0]} is in caffe.log alone")
