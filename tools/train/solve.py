"""One rank of a training: Caffe's own solver, stepped, with what Caffe leaves out.

`python -m tools.train` starts it, alone or as one of several MPI ranks, and reads its events: JSON lines on standard
output, from rank 0. Caffe's log goes to standard error. Caffe does the arithmetic; display, test and snapshot are done
here, where an interrupt can be heard between two iterations and losses can be averaged over the ranks.

Beside this: `progress`, what is said of it, `ranks`, how they share a batch, and `resumption`, how a resumed run is the
one that was stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import caffe
import numpy as np
from caffe.proto import caffe_pb2

from tools import cli
from tools.cli import UserError
from tools.files import temporary_file
from tools.nets import prototxt
from tools.processes import die_with
from tools.train import snapshots
from tools.train.progress import log_display, log_test, report
from tools.train.ranks import exchange
from tools.train.resumption import finish_snapshot, keep_batches, kept_batches, replay, restore
from tools.train.weights import FILE as WEIGHTS_FILE

# -log(FLT_MIN): what SoftmaxWithLoss gives once every probability of the true label is 0 or NaN
SATURATED_LOSS = 87.3365
SATURATED_ITERATIONS = 20


def build_solver(
    folder: Path, ranks: int, rank: int, dropout: float | None, gpu: bool
) -> tuple[caffe.Solver, caffe_pb2.SolverParameter]:
    """The solver of a run folder, its batch and loss divided by the ranks. Display, test and snapshot are the caller's.

    Solver::Init (solver.cpp) adds the rank to random_seed, so that dropout differs by rank; the weights are made equal
    again by `RankExchange.join`.
    """
    solver = prototxt.read(folder / "solver.prototxt", caffe_pb2.SolverParameter())
    net = prototxt.read_net(folder / "train_val.prototxt")
    prototxt.data_layer(net, caffe.TRAIN).data_param.batch_size //= ranks
    prototxt.share_loss(net, ranks)
    if dropout is not None:
        prototxt.set_in_layers(net, "dropout", dropout)
    quiet = deepcopy(solver)
    quiet.ClearField("net")
    quiet.net_param.CopyFrom(net)
    quiet.display, quiet.snapshot = 0, 0
    quiet.solver_mode = caffe_pb2.SolverParameter.GPU if gpu else caffe_pb2.SolverParameter.CPU
    if quiet.test_iter:
        quiet.test_interval, quiet.test_initialization = 2**31 - 1, False
    if ranks > 1:
        caffe.set_solver_count(ranks)
        caffe.set_solver_rank(rank)
        caffe.set_multiprocess(True)
    with linked_lmdbs(quiet.net_param), temporary_file(prototxt.text(quiet), ".prototxt") as file:
        return caffe.get_solver(str(file)), solver


@contextmanager
def linked_lmdbs(net: caffe_pb2.NetParameter) -> Iterator[None]:
    """Have a net open its LMDBs by links in a folder of this process, which is there while Caffe opens them.

    LMDB notes a reader in the lock file beside data.mdb by its process id, and refuses another of the same id with
    'Resource temporarily unavailable'. Two sandboxes, or two containers, have the same ids. Nobody writes into an LMDB
    once it is in place, so that each reader may have a lock file of its own.
    """
    with tempfile.TemporaryDirectory() as own:
        for layer in net.layer:
            if layer.type == "Data":
                lmdb = Path(layer.data_param.source).absolute()
                link = Path(own, *lmdb.parts[-2:])  # the parts that a snapshot names it by
                link.mkdir(parents=True, exist_ok=True)
                (link / "data.mdb").symlink_to(lmdb / "data.mdb")
                layer.data_param.source = str(link)
        yield


def test(solver: caffe.Solver, test_iter: int) -> dict[str, float]:
    """Every output of the test net, averaged over ``test_iter`` batches, as Solver::Test (solver.cpp) does."""
    net = solver.test_nets[0]
    net.share_with(solver.net)
    sums = dict.fromkeys(net.outputs, 0.0)
    for _ in range(test_iter):
        for name, value in net.forward().items():
            sums[name] += float(value.sum())
    return {name: total / test_iter for name, total in sums.items()}


def check_loss(iteration: int, losses: list[float]) -> None:
    """UserError where the newest loss is NaN or infinite, or they are stuck where every probability is 0."""
    if not math.isfinite(losses[-1]):
        raise UserError(f"the loss is {losses[-1]} at iteration {iteration}: lower BASE_LR, or scale the input")
    newest = losses[-SATURATED_ITERATIONS:]
    if len(newest) == SATURATED_ITERATIONS and all(abs(loss - SATURATED_LOSS) < 1e-2 for loss in newest):
        raise UserError(
            f"the loss is stuck at {SATURATED_LOSS} at iteration {iteration}: lower BASE_LR, or scale the input"
        )


class Training:
    """A solver on its way from its newest whole snapshot to ``until``."""

    def __init__(self, args: argparse.Namespace) -> None:
        folder, self.until = args.folder, args.until
        self.folder: Path = folder
        self.rates = args.rates  # of schedules that no policy of Caffe expresses
        self.exchange = exchange()
        self.rank = self.exchange.rank
        self.solver, self.settings = build_solver(folder, self.exchange.ranks, self.rank, args.dropout, bool(args.gpus))
        if (folder / WEIGHTS_FILE).exists():
            self.solver.net.copy_from(str(folder / WEIGHTS_FILE))
        self.exchange.join(self.solver)
        signal.signal(signal.SIGUSR1, self.ask_to_stop)
        self.losses: list[float] = []  # the newest
        self.accuracies: list[float] = []  # of the batches since the last display
        self.snapshot_at = -1
        batch = self.solver.net.blobs["data"].num * self.exchange.ranks * self.settings.iter_size
        if args.resume:
            # Named by whoever started the ranks: on a file system that they share each might see another newest one
            state = Path(f"{self.settings.snapshot_prefix}_iter_{args.resume}.solverstate")
            self.snapshot_at = args.resume
            replay(self.solver.net, args.resume, args.records, batch, self.settings.iter_size)
            restore(self.solver, state)
            self.losses, self.accuracies = kept_batches(state)
        if self.rank == 0:
            caffe.log(f"Solving {prototxt.read_net(folder / 'train_val.prototxt').name}")
            report(start=self.solver.iter)

    def ask_to_stop(self, *_: Any) -> None:
        self.exchange.stop_asked = True

    def run(self) -> None:
        iterations, seconds = 0, 0.0  # since the last display, of this process
        while self.solver.iter < self.until:
            iteration = self.solver.iter
            interval = self.settings.test_iter and self.settings.test_interval  # a run on all songs has no test net
            if self.rank == 0 and interval and iteration % interval == 0:
                self.test(iteration)
            for start, rate in self.rates:
                if iteration >= start:
                    self.solver.param.base_lr = rate
            began = time.perf_counter()
            self.solver.step(1)
            seconds += time.perf_counter() - began
            iterations += 1
            loss, accuracy, stop_asked = map(float, self.exchange.state)
            self.losses.append(loss)
            self.accuracies.append(accuracy)
            del self.losses[: -max(SATURATED_ITERATIONS, self.settings.average_loss)]
            check_loss(iteration, self.losses)
            if self.rank == 0:
                report(tick=iteration + 1)
            if self.settings.display and iteration % self.settings.display == 0:
                if self.rank == 0:
                    mean = float(np.mean(self.losses[-self.settings.average_loss :]))
                    log_display(iteration, mean, self.solver.lr, self.accuracies, iterations, seconds)
                self.accuracies, iterations, seconds = [], 0, 0.0
            if self.settings.snapshot and self.solver.iter % self.settings.snapshot == 0:
                self.snapshot()
            if stop_asked:
                break
        self.finish()

    def test(self, iteration: int) -> None:
        log_test(iteration, test(self.solver, self.settings.test_iter[0]))

    def snapshot(self) -> None:
        if self.rank == 0 and self.snapshot_at != self.solver.iter:
            snapshot = Path(f"{self.settings.snapshot_prefix}_iter_{self.solver.iter}")
            snapshots.mark_begun(self.folder, snapshot.name)
            self.solver.snapshot()
            finish_snapshot(snapshot)
            keep_batches(snapshot, self.losses, self.accuracies)
            snapshots.mark_whole(self.folder, Path(self.settings.snapshot_prefix).name, self.solver.iter)
            snapshots.prune_snapshots(self.folder)
        self.snapshot_at = self.solver.iter

    def finish(self) -> None:
        self.snapshot()
        if self.rank == 0:
            if self.settings.test_iter and self.solver.iter == self.until == self.settings.max_iter:
                self.test(self.solver.iter)
            report(end=self.solver.iter)


def main() -> int:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--until", type=int, required=True, help="the iteration to end at")
    parser.add_argument("--records", type=int, required=True, help="records of the train LMDB")
    parser.add_argument("--resume", type=int, default=0, help="the iteration of the snapshot to go on from (0: none)")
    parser.add_argument("--dropout", type=float)
    parser.add_argument("--rates", type=json.loads, default=[], help="[[iteration, learning rate], ...]")
    parser.add_argument("--gpus", type=json.loads, default=[], help="[number, ...]: the GPU of each rank of a host")
    args = parser.parse_args()
    die_with(os.getppid())
    caffe.init_log(0, True)
    caffe.set_mode_cpu()
    if args.gpus:
        caffe.set_device(args.gpus[int(os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK", "0"))])
        caffe.set_mode_gpu()
    training = Training(args)
    try:
        training.run()
    except UserError as error:
        report(error=str(error))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
