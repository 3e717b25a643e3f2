"""How the check of a GPU calls the other tools and Caffe's commands, by name, as long as an item has time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from tools import processes

NETS = ("simple_cnn", "complex_cnn", "rcnn", "lstm", "song_cnn", "rcnn_plus")
Word = Union[str, Path, int]  # of a command


class CutOffError(Exception):
    """The time of an item is over."""


class FailedError(Exception):
    """A command that an item needs has failed; the message is its last word."""


@dataclass(frozen=True)
class Amounts:
    """How much of everything."""

    songs: int = 10  # synthetic songs a genre, where no data root is named
    iterations: int = 100  # of the same weights, on the GPU and on the CPU
    seeds: int = 3  # of the CPU, whose losses tell how far seeds alone are apart
    resumed: int = 20  # iterations of which the last half is trained after a stop
    passes: int = 20  # that are timed on the GPU
    batches: tuple[int, ...] = (32, 128, 512)
    tests: str = "*GPU*:*/2.*:*/3.*"  # of Caffe's own: types 2 and 3 are float and double on a GPU
    table2: tuple[int, ...] = (500, 4000, 10000)
    longest: int = 200_000


def records_in(build: Path, kind: str) -> dict[Path, dict[str, Any]]:
    """The records of the runs, or the votes, of a build folder, by the folder of each."""
    name = {"runs": "run.json", "votes": "summary.json"}[kind]
    return {file.parent: json.loads(file.read_text()) for file in build.glob(f"{kind}/*/*/{name}")}


REHEARSAL = Amounts(
    songs=5,
    iterations=12,
    seeds=2,
    resumed=4,
    passes=1,
    batches=(8, 16),
    tests="NeuronLayerTest/0.TestReLU*",
    table2=(10,),
    longest=20,
)


@dataclass(frozen=True)
class Check:
    """What is checked where. ``device`` None is the CPU in the place of a GPU; ``end`` is of time.monotonic()."""

    folder: Path
    device: int | None
    data: Path | None
    nets: Sequence[str]
    amounts: Amounts
    end: float = float("inf")

    def log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def call(self, name: str, *command: Word, interrupt: float = 0) -> str:
        """What a command says, which is kept as log ``name`` too. FailedError where it fails.

        CutOffError at the end of the item's time; one that can be stopped is interrupted ``interrupt`` seconds before.
        """
        # A cache of its own, so that the first start on a card is seen; 4 GB, since all of Caffe's kernels go into it.
        cache = [f"CUDA_CACHE_PATH={self.folder / 'compiled'}", f"CUDA_CACHE_MAXSIZE={4 << 30}"]
        log = self.log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        words = ["env", *cache, *map(str, command)]
        with log.open("w") as out, processes.child(words, out, out=out.fileno()) as process:
            self.wait(process, interrupt)
        said = log.read_text(errors="replace")
        if process.returncode:
            raise FailedError(f"{name}: {processes.last_words(said)} (whole log: {log})")
        return said

    def wait(self, process: subprocess.Popen[str], interrupt: float) -> None:
        try:
            process.wait(max(self.end - interrupt - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            if interrupt:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(interrupt)
            raise CutOffError from None

    def tool(self, name: str, module: str, *arguments: Word, interrupt: float = 0) -> str:
        return self.call(name, sys.executable, "-m", module, *arguments, interrupt=interrupt)

    def caffe(self, name: str, *command: Word, on_gpu: bool = True) -> str:
        """What one of Caffe's own commands says."""
        device: list[Word] = ["-gpu", self.device] if on_gpu and self.device is not None else []
        return self.call(name, "caffe", *command, *device)

    def pycaffe(self, name: str, *question: Word) -> Any:
        """The answer of `tools.runtime.gpu_caffe`."""
        return json.loads(self.tool(name, "tools.runtime.gpu_caffe", *question).splitlines()[-1])

    def train(self, build: Path, net: str, iterations: int, *settings: Word, interrupt: float = 0) -> Path:
        """Train a network in a build folder, on the GPU unless ``settings`` say otherwise; returns the run folder."""
        self.lmdbs(build)
        place: list[Word] = ["--ranks", 1] if self.device is None else ["--gpu", self.device]
        where: list[Word] = ["--build", build, "--net", net, "--iters", iterations, *place]
        self.tool(f"train-{build.name}-{net}", "tools.train", *where, *settings, interrupt=interrupt)
        return next(run for run, record in records_in(build, "runs").items() if record["net"] == net)

    def lmdbs(self, build: Path) -> None:
        """Let a build folder have the LMDBs of the check, which are made where they are not there yet."""
        data = self.data or self.folder / "genres"
        if not self.data and not data.exists():
            self.tool("songs", "tools.songs.synthetic", "--out", data, "--songs", self.amounts.songs)
        if not (self.folder / "lmdb").exists():
            self.tool("lmdb", "tools.convert", data, "--build", self.folder, "--dtypes", "float")
        build.mkdir(parents=True, exist_ok=True)
        if not (build / "lmdb").exists():
            (build / "lmdb").symlink_to(self.folder / "lmdb")
