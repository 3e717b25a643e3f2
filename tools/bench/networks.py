"""Images per second in training and clips per second through a trained net: of Caffe's own commands, and of ours.

Every way of training reads the same resolved prototxt and the same LMDB, and is timed by the clock of Caffe's own log,
from one display of the loss to another, after a warm-up. What tests and what votes read the clips of the train LMDB,
since there are more of them, and are timed from the end of the first batch to the end of the last.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from contextlib import redirect_stdout
from dataclasses import replace
from itertools import islice
from pathlib import Path

import caffe
import numpy as np
from caffe.proto import caffe_pb2

from tools.cli import UserError
from tools.convert import lmdbs
from tools.nets import prototxt
from tools.nets.forward import forward, load_net, run_net
from tools.processes import last_words
from tools.settings import Settings
from tools.train.prepare import Plan, prepare, write_files
from tools.train.ranks import Ranks
from tools.train.training import train

# Iterations between two displays of the loss: about two seconds on one core. The first stretch is the warm-up, the
# other two are timed.
STRETCH = {"rcnn": 4, "rcnn_plus": 6, "complex_cnn": 6, "simple_cnn": 30, "song_cnn": 8, "lstm": 80}
NEVER = 2**31 - 1
COMPARED = 8  # clips, with PyTorch
BATCH, BATCHES = 100, 6  # of a test


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


def first_model(plan: Plan) -> Path:
    """The weights that a training begins with."""
    model = plan.folder / "first.caffemodel"
    caffe.set_random_seed(1)
    caffe.Net(str(plan.folder / "train_val.prototxt"), caffe.TEST).save(str(model))
    return model


# --- training ---------------------------------------------------------------------------------------------------------


def images_per_second(plan: Plan, way: str, number: int) -> float:
    """Train by `caffe train` on so many BLAS threads, or as `make train` does, on so many ranks."""
    begin_afresh(plan)
    if way == "caffe train":
        log = caffe_log("train", "-solver", str(plan.folder / "solver.prototxt"), threads=number)
    else:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            train(plan, Ranks(number, [], None))
        log = (plan.folder / "caffe.log").read_text()
    return plan.settings.batch / seconds_an_iteration(log, STRETCH[plan.settings.net])


def caffe_log(*command: str, threads: int = 1) -> str:
    """The log of a command of Caffe's own, on so many BLAS threads. UserError where it fails."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(["caffe", *command], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"caffe {' '.join(command)}: {last_words(done.stderr)}")
    return done.stderr


def log_seconds(log: str, words: str) -> list[float]:
    """When each line with ``words``, a pattern, was logged, in seconds after the first of them, midnight or not."""
    lines = re.findall(rf"^I\d{{4}} (\d\d):(\d\d):(\d\d\.\d+) .*\] {words}", log, re.MULTILINE)
    seconds = [3600 * int(hours) + 60 * int(minutes) + float(rest) for hours, minutes, rest in lines]
    return [(second - seconds[0]) % 86400 for second in seconds]


def seconds_an_iteration(log: str, stretch: int) -> float:
    """From the second display of the loss to the fourth. UserError where the log ends before."""
    displays = log_seconds(log, r"Iteration \d+ \(.*, loss = ")
    if len(displays) < 4:
        raise UserError(f"{len(displays)} losses in Caffe's log, where 4 are needed: {log[-300:]}")
    return (displays[3] - displays[1]) / (2 * stretch)


def export_twin(plan: Plan, file: Path) -> None:
    """Random weights, a few clips, and what Caffe makes of them, for PyTorch's twin to be compared with."""
    records = list(islice(lmdbs.read_lmdb(Path(plan.record["lmdb"]["test"]["path"])), COMPARED))
    clips = np.stack([record.array for record in records])
    net = load_net(plan.folder / "deploy.prototxt", first_model(plan), clips.shape[1:])
    fill_statistics(net)
    forward(net, clips)
    # Scores of about 2: near 0 every genre would get a tenth whatever is heard, and far off 1 or nothing at all.
    net.params["score"][0].data[...] *= 2 / np.abs(net.blobs["score"].data).max()
    prob = forward(net, clips)
    # net.params lists a blob once per layer that shares it
    shared = {blob.data.ctypes.data: blob.data for blobs in net.params.values() for blob in blobs}
    weights = {f"blob/{number}": data for number, data in enumerate(shared.values())}
    labels = [record.label for record in records]
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, clips=net.blobs["input_scale"].data, prob=prob, labels=labels, batch=plan.settings.batch, **weights)


def fill_statistics(net: caffe.Net) -> None:
    """Random means and variances of a batch, where an untrained net has none to normalise by."""
    generator = np.random.default_rng(1)
    for name, blobs in net.params.items():
        if net.layer_dict[name].type == "BatchNorm":
            for blob, low in zip(blobs, (0, 0.5, 2)):
                blob.data[...] = generator.uniform(low, low + 1, blob.data.shape)


# --- votes ------------------------------------------------------------------------------------------------------------


def clips_tested(plan: Plan) -> float:
    """Clips per second of Caffe's own test pass, `caffe test`."""
    net = prototxt.read_net(plan.folder / "train_val.prototxt")
    layer = prototxt.data_layer(net, caffe.TEST)
    layer.data_param.source, layer.data_param.batch_size = str(plan.record["lmdb"]["train"]["path"]), BATCH
    file = plan.folder / "test.prototxt"
    file.write_text(prototxt.text(net))
    log = caffe_log("test", "-model", str(file), "-weights", str(first_model(plan)), "-iterations", str(BATCHES))
    ends = log_seconds(log, r"Batch \d+, accuracy = ")
    return BATCH * (len(ends) - 1) / ends[-1]


def clips_voted(plan: Plan) -> float:
    """Clips per second of what votes."""
    lmdb = Path(plan.record["lmdb"]["train"]["path"])
    batches = run_net(plan.folder / "deploy.prototxt", first_model(plan), lmdb)
    ends = [(time.perf_counter(), len(clips)) for clips, _ in islice(batches, BATCHES)]
    return sum(clips for _, clips in ends[1:]) / (ends[-1][0] - ends[0][0])
