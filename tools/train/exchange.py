"""What the MPI ranks of one training tell each other: the weights they begin with, and the gradients of each iteration.

Caffe's Data layer deals out the records by rank (`caffe.set_solver_count`), so that ranks differ in their share of the
batch alone.
"""

from __future__ import annotations

import numpy as np

from tools import hosts


def world() -> object | None:
    """MPI's communicator where mpirun started this process with others, otherwise None."""
    if hosts.world_size() == 1:
        return None
    from mpi4py import MPI

    return MPI.COMM_WORLD


class Exchange:
    """The gradients of all ranks, summed in place before each update.

    Each rank's loss is weighted by its share of the batch (`tools.nets.prototxt.share_loss`). Beside the gradients go
    loss, accuracy and the wish to stop, so that every rank ends at the same iteration.
    """

    def __init__(self, solver: object, communicator: object) -> None:
        from mpi4py import MPI

        self.communicator = communicator
        self.in_place = MPI.IN_PLACE
        # net.params lists a blob once per layer that shares it: each is to be counted once
        blobs = {
            blob.data.__array_interface__["data"][0]: blob for group in solver.net.params.values() for blob in group
        }
        self.blobs = list(blobs.values())
        self.state = np.zeros(3, np.float32)
        self.net = solver.net
        self.stop_wanted = False
        solver.add_callback(lambda: None, self.sum_up)

    def share_weights(self) -> None:
        """Give every rank the weights of rank 0."""
        for blob in self.blobs:
            self.communicator.Bcast(blob.data, root=0)

    def sum_up(self) -> None:
        # Where Caffe has them: copying them into one buffer and back takes longer than a message for each
        for blob in self.blobs:
            self.communicator.Allreduce(self.in_place, blob.diff)
        self.state[:] = loss_of(self.net), accuracy_of(self.net) / self.communicator.size, self.stop_wanted
        self.communicator.Allreduce(self.in_place, self.state)

    @property
    def loss(self) -> float:
        return float(self.state[0])

    @property
    def accuracy(self) -> float:
        return float(self.state[1])

    @property
    def stop_agreed(self) -> bool:
        return self.state[2] > 0


def loss_of(net: object) -> float:
    """The weighted sum of a net's losses in its last forward pass."""
    return sum(float(net.blobs[name].data.sum()) * weight for name, weight in net.blob_loss_weights.items() if weight)


def accuracy_of(net: object) -> float:
    """The accuracy of a net's last batch; NaN where it computes none."""
    return float(net.blobs["accuracy"].data) if "accuracy" in net.blobs else float("nan")
