"""What the ranks of one training tell each other: the weights they begin with, and the gradients of each iteration.

Caffe's Data layer deals out the records by rank (`caffe.set_solver_count`), so that ranks differ in their share of the
batch alone. One rank has nobody to tell.
"""

from __future__ import annotations

import math

import caffe
import numpy as np

from tools import processes


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
