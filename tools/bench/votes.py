"""Clips per second through a trained net: the batches that vote, against Caffe's own test pass, `caffe test`.

    python -m tools.bench.votes --net rcnn --round 0

Both read the clips of the train LMDB, since there are more of them, in batches of 100, and are timed from the end of
the first batch to the end of the last.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import caffe

from tools import cli
from tools.bench.measurements import Measurements
from tools.bench.training import caffe_log, caffes, environment, make_plan, read_arguments
from tools.cli import UserError
from tools.nets import prototxt
from tools.processes import child
from tools.train.prepare import Plan

BATCH = 100
BATCHES = 6
TESTED = re.compile(r"^I\d{4} (\d\d):(\d\d):(\d\d\.\d+) .*\] Batch \d+, accuracy = ", re.MULTILINE)


def write_test(plan: Plan) -> tuple[Path, Path]:
    """A train_val.prototxt whose test phase reads the train LMDB, and weights as they are begun with."""
    net = prototxt.read_net(plan.folder / "train_val.prototxt")
    layer = prototxt.data_layer(net, caffe.TEST)
    layer.data_param.source = str(plan.record["lmdb"]["train"]["path"])
    layer.data_param.batch_size = BATCH
    file, model = plan.folder / "test.prototxt", plan.folder / "begun.caffemodel"
    file.write_text(prototxt.text(net))
    caffe.Net(str(file), caffe.TEST).save(str(model))
    return file, model


def caffe_test(net: Path, model: Path) -> float:
    """Clips per second of `caffe test`."""
    log = caffe_log("test", "-model", str(net), "-weights", str(model), "-iterations", str(BATCHES))
    ends = [3600 * int(h) + 60 * int(m) + float(s) for h, m, s in TESTED.findall(log)]
    return BATCH * (len(ends) - 1) / ((ends[-1] - ends[0]) % 86400)


def ours(plan: Plan, model: Path) -> float:
    """Clips per second of the child process that votes."""
    lmdb, out = plan.record["lmdb"]["train"]["path"], plan.folder / "prediction.npz"
    command = [sys.executable, "-m", "tools.nets.forward", str(plan.folder / "deploy.prototxt"), str(model), lmdb]
    with child([*command, str(out)], subprocess.DEVNULL) as process:
        batches = [(time.perf_counter(), int(line)) for line in islice(process.stdout or (), BATCHES)]
    if len(batches) < 2:
        raise UserError(f"tools.nets.forward on {lmdb} ended after {len(batches)} batches")
    return sum(clips for _, clips in batches[1:]) / (batches[-1][0] - batches[0][0])


def main() -> None:
    args = read_arguments(__doc__)
    caffe.set_mode_cpu()
    measurements = Measurements(args.build / "bench", "votes")
    plan = make_plan(args.net, args.build)
    net, model = write_test(plan)
    for build in caffes():
        on = {"round": args.round, "net": args.net, "caffe": build}
        if not measurements.lines(**on):
            with environment(build):
                rates = {"caffe_test_clips_per_s": caffe_test(net, model), "vote_clips_per_s": ours(plan, model)}
            measurements.add(**on, **rates)


if __name__ == "__main__":
    cli.run("bench", main)
