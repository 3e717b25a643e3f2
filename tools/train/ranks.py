"""Where a training runs, on how many MPI ranks, GPUs and hosts; and what the ranks tell each other.

That is the weights they begin with, and the gradients of each iteration. Caffe's Data layer deals out the records by
rank (`caffe.set_solver_count`), so that ranks differ in their share of the batch alone. One rank has nobody to tell.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import caffe
import numpy as np

from tools import paths, processes
from tools.cli import UserError


@dataclass(frozen=True)
class Ranks:
    """Where Caffe runs: how many MPI ranks, on which GPUs of each host (none: the CPU), on the hosts of which file."""

    number: int
    gpus: list[int]
    hostfile: Path | None


def parse_gpus(text: str) -> list[int]:
    """``"0,1"`` as [0, 1], nothing as []. UserError where it is no such list, or where one of the GPUs is not there."""
    if not text.strip():
        return []
    if not re.fullmatch(r"\d+(,\d+)*", text.strip()):
        raise UserError(f"GPU={text}: give the numbers of the GPUs, as GPU=0 or GPU=0,1, or nothing for the CPU")
    command = [sys.executable, "-m", "tools.runtime.gpu", "--require", text.strip()]
    child = subprocess.run(command, cwd=paths.CHECKOUT, capture_output=True, text=True)
    if child.returncode:
        raise UserError(child.stderr.strip().splitlines()[-1].removeprefix("gpu: "))
    return [int(number) for number in text.split(",")]


def choose_ranks(
    wanted: int | None, batch: int, gpus: list[int], slots: dict[str, int] | None = None, least: int = 1
) -> int:
    """The number of MPI ranks: on each host (``slots``, None: this one) one a GPU, otherwise one a slot or core.

    Where none is wanted, no more than leave each ``least`` clips of the batch.
    UserError where the batch, or the GPUs, do not go with the wanted number.
    """
    on_gpus = len(gpus) * len(slots or [""])
    if gpus and wanted not in (None, on_gpus):
        raise UserError(f"RANKS={wanted}: with GPU={','.join(map(str, gpus))} there is a rank per GPU: leave RANKS out")
    if gpus:
        wanted = on_gpus
    if wanted is None:
        most = sum(slots.values()) if slots else len(os.sched_getaffinity(0))
        return max(
            ranks for ranks in range(1, most + 1) if batch % ranks == 0 and (batch // ranks >= least or ranks == 1)
        )
    if wanted < 1 or batch % wanted:
        raise UserError(
            f"RANKS={wanted}: the batch of {batch} clips does not divide into that many: choose another BATCH or RANKS"
        )
    return wanted


class Exchange:
    """A training of one rank: loss, accuracy and the wish to stop are its own."""

    rank = 0
    ranks = 1

    def __init__(self) -> None:
        self.stop_asked = False  # of this rank
        self.state = np.zeros(3, np.float32)  # loss, accuracy and the wish to stop, of the last iteration

    def join(self, solver: caffe.Solver) -> None:
        """Take part in every iteration of a solver, between its backward pass and its update."""
        solver.add_callback(lambda: None, lambda: self.sum_up(solver.net))

    def sum_up(self, net: caffe.Net) -> None:
        self.state[:] = loss_of(net), accuracy_of(net), self.stop_asked


class RankExchange(Exchange):
    """The gradients of all ranks, summed in place before each update.

    Each rank's loss is weighted by its share of the batch (`tools.nets.prototxt.share_loss`). Beside the gradients go
    loss, accuracy and the wish to stop, so that every rank ends at the same iteration.
    """

    def __init__(self) -> None:
        from mpi4py import MPI

        super().__init__()
        self.world, self.in_place = MPI.COMM_WORLD, MPI.IN_PLACE
        self.rank, self.ranks = self.world.rank, self.world.size

    def join(self, solver: caffe.Solver) -> None:
        """As `Exchange.join`; every rank begins with the weights of rank 0."""
        # net.params lists a blob once per layer that shares it: each is to be counted once
        shared = {blob.data.__array_interface__["data"][0]: blob for g in solver.net.params.values() for blob in g}
        self.blobs = list(shared.values())
        for blob in self.blobs:
            self.world.Bcast(blob.data, root=0)
        super().join(solver)

    def sum_up(self, net: caffe.Net) -> None:
        # Where Caffe has them: copying them into one buffer and back takes longer than a message for each
        for blob in self.blobs:
            self.world.Allreduce(self.in_place, blob.diff)
        self.state[:] = loss_of(net), accuracy_of(net) / self.ranks, self.stop_asked
        self.world.Allreduce(self.in_place, self.state)


def exchange() -> Exchange:
    """That of the ranks which mpirun started this process with, or of this process alone."""
    return Exchange() if processes.world_size() == 1 else RankExchange()


def loss_of(net: caffe.Net) -> float:
    """The weighted sum of a net's losses in its last forward pass."""
    return sum(float(net.blobs[name].data.sum()) * weight for name, weight in net.blob_loss_weights.items() if weight)


def accuracy_of(net: caffe.Net) -> float:
    """The accuracy of a net's last batch; NaN where it computes none."""
    return float(net.blobs["accuracy"].data) if "accuracy" in net.blobs else math.nan
