"""Images per second in training: stock `caffe train` and ours, each with Debian's Caffe and with the native one.

    python -m tools.bench.training --net rcnn --round 0

Every way of training reads the same resolved prototxt and the same LMDB, and is timed by the clock of Caffe's own log,
from one display of the loss to another, after a warm-up. One call is one round of one net.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path

import caffe
import numpy as np
from caffe.proto import caffe_pb2

from tools import cli, paths
from tools.bench.measurements import Measurements
from tools.cli import UserError
from tools.convert import lmdbs
from tools.nets import prototxt
from tools.nets.cost import flops_an_image, load
from tools.processes import last_words
from tools.settings import Settings
from tools.train.prepare import Plan, prepare, write_files
from tools.train.ranks import Ranks
from tools.train.training import train

NATIVE = paths.CHECKOUT / ".caffe" / "native"
# Iterations between two displays of the loss: about two seconds on one core. The first stretch is the warm-up, the
# other two are timed.
STRETCH = {"rcnn": 4, "complex_cnn": 6, "simple_cnn": 30, "song_cnn": 8, "lstm": 80}
NEVER = 2**31 - 1
DISPLAY = re.compile(r"^I\d{4} (\d\d):(\d\d):(\d\d\.\d+) .*\] Iteration (\d+) \(.*, loss = ", re.MULTILINE)
# What is timed: the Caffe it runs on, the way, and its BLAS threads (of caffe train) or ranks (ours)
WAYS = [
    *(("stock", "caffe train", threads) for threads in (1, 2)),
    *((build, "ours", ranks) for build in ("stock", "native") for ranks in (1, 2)),
]


def read_arguments(description: str) -> argparse.Namespace:
    """The net and the round that one call measures."""
    parser = cli.Parser(prog="bench", description=description.splitlines()[0])
    parser.add_argument("--net", required=True, choices=STRETCH)
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--build", type=Path, default=paths.BUILD)
    return parser.parse_args()


def caffes() -> list[str]:
    """Which of the two Caffes are here."""
    return ["stock", *(["native"] if (NATIVE / "libcaffe.so.1.0.0").exists() else [])]


@contextmanager
def environment(build: str, threads: int = 1) -> Iterator[None]:
    """Child processes use this build of Caffe, and so many BLAS threads."""
    before = dict(os.environ)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if build == "native":
        os.environ["LD_LIBRARY_PATH"] = str(NATIVE)
    os.environ.update(OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads), CAFFE=build)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def make_plan(net: str, build: Path) -> Plan:
    """A run under build/bench/work that shows its loss often, and neither tests nor saves while it is timed."""
    work = build / "bench" / "work"
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "lmdb").exists():
        (work / "lmdb").symlink_to((build / "lmdb").resolve())
    plan = prepare(Settings(net=net, build=work, iters=3 * STRETCH[net] + 1))
    solver = prototxt.parse(str(plan.contents["solver.prototxt"]), caffe_pb2.SolverParameter(), "solver.prototxt")
    solver.display, solver.average_loss = STRETCH[net], 1
    solver.test_interval, solver.test_initialization = NEVER, False
    solver.snapshot, solver.snapshot_after_train = 0, False
    plan = replace(plan, contents={**plan.contents, "solver.prototxt": prototxt.text(solver)})
    begin_afresh(plan)
    return plan


def begin_afresh(plan: Plan) -> None:
    """Empty the run folder, but for the prototxt."""
    shutil.rmtree(plan.folder, ignore_errors=True)
    plan.folder.mkdir(parents=True)
    write_files(plan)


def seconds_an_iteration(log: str, stretch: int) -> float:
    """From the second display of the loss to the fourth, by the log's own clock. UserError where they are missing."""
    times = {int(i): 3600 * int(h) + 60 * int(m) + float(s) for h, m, s, i in DISPLAY.findall(log)}
    if not {stretch, 3 * stretch} <= times.keys():
        raise UserError(f"no losses of iterations {stretch} and {3 * stretch} in Caffe's log: {log[-300:]}")
    return (times[3 * stretch] - times[stretch]) % 86400 / (2 * stretch)


def caffe_log(*command: str) -> str:
    """The log of a command of Caffe's own. UserError where it fails."""
    done = subprocess.run(["caffe", *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"caffe {' '.join(command)}: {last_words(done.stderr)}")
    return done.stderr


def time_ours(plan: Plan, ranks: int) -> str:
    """Train as `make train` does and return Caffe's log."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        train(plan, Ranks(ranks, [], None))
    return (plan.folder / "caffe.log").read_text()


def export_twin(plan: Plan, file: Path) -> None:
    """Random weights, a few clips, and what Caffe makes of them, for PyTorch's twin to be compared with."""
    caffe.set_random_seed(1)
    trained = caffe.Net(str(plan.folder / "train_val.prototxt"), caffe.TEST)
    deploy = caffe.Net(str(plan.folder / "deploy.prototxt"), caffe.TEST)
    for layer, blobs in deploy.params.items():
        for blob, source in zip(blobs, trained.params[layer]):
            blob.data[...] = source.data
    lmdb = Path(plan.record["lmdb"]["test"]["path"])
    records = [record for record, _ in zip(lmdbs.read_lmdb(lmdb), range(8))]
    deploy.blobs["data"].reshape(len(records), *records[0].array.shape)
    deploy.reshape()
    deploy.blobs["data"].data[...] = [record.array for record in records]
    deploy.forward()
    # Scores of about 2: near 0 every genre would get a tenth whatever is heard, and far off 1 or nothing at all.
    deploy.params["score"][0].data[...] *= 2 / np.abs(deploy.blobs["score"].data).max()
    deploy.forward()
    # net.params lists a blob once per layer that shares it
    shared = {blob.data.ctypes.data: blob.data for blobs in deploy.params.values() for blob in blobs}
    weights = {f"blob/{number}": data for number, data in enumerate(shared.values())}
    outcome = {"clips": deploy.blobs["input_scale"].data, "prob": deploy.blobs["prob"].data.reshape(len(records), -1)}
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **outcome, labels=[record.label for record in records], batch=plan.batch, **weights)


def main() -> None:
    args = read_arguments(__doc__)
    caffe.set_mode_cpu()
    measurements = Measurements(args.build / "bench", "train")
    plan = make_plan(args.net, args.build)
    export_twin(plan, args.build / "bench" / "twins" / f"{args.net}.npz")
    flops = flops_an_image(load(plan.folder / "deploy.prototxt"))
    for build, way, number in WAYS:
        on = {"round": args.round, "net": args.net, "caffe": build, "way": way, "number": number}
        if build not in caffes() or measurements.lines(**on):
            continue
        begin_afresh(plan)
        with environment(build, number if way == "caffe train" else 1):
            solver = str(plan.folder / "solver.prototxt")
            log = caffe_log("train", "-solver", solver) if way == "caffe train" else time_ours(plan, number)
        rate = plan.batch / seconds_an_iteration(log, STRETCH[args.net])
        measurements.add(**on, images_per_s=rate, gflops=rate * flops / 1e9)


if __name__ == "__main__":
    cli.run("bench", main)
