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
from pathlib import Path

import caffe

from tools import cli
from tools.bench.measurements import Measurements
from tools.bench.training import begin_afresh, caffes, environment, make_plan, parse_arguments
from tools.cli import UserError
from tools.nets import prototxt
from tools.train.prepare import Plan

BATCH = 100
BATCHES = 6
SEEN = re.compile(r"^I\d{4} (\d\d):(\d\d):(\d\d\.\d+) .*\] Batch \d+, accuracy = ", re.MULTILINE)


def prepare_test(plan: Plan) -> tuple[Path, Path]:
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
    command = ["caffe", "test", "-model", str(net), "-weights", str(model), "-iterations", str(BATCHES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    ends = [3600 * int(h) + 60 * int(m) + float(s) for h, m, s in SEEN.findall(done.stderr)]
    if done.returncode or len(ends) < 2:
        raise UserError(f"caffe test on {net}: {(done.stderr.splitlines() or ['no word'])[-1]}")
    return BATCH * (len(ends) - 1) / ((ends[-1] - ends[0]) % 86400)


def ours(plan: Plan, net: Path, model: Path) -> float:
    """Clips per second of the child process that votes."""
    lmdb, out = plan.record["lmdb"]["train"]["path"], plan.folder / "prediction.npz"
    command = [sys.executable, "-m", "tools.nets.forward", plan.folder / "deploy.prototxt", net, model, lmdb, out]
    child = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    ends, clips = [], []
    for line in child.stdout:
        ends.append(time.perf_counter())
        clips.append(int(line))
        if len(ends) == BATCHES:
            break
    child.kill()
    child.wait()
    if len(ends) < 2:
        raise UserError(f"tools.nets.forward on {lmdb} ended after {len(ends)} batches")
    return sum(clips[1:]) / (ends[-1] - ends[0])


def main() -> None:
    args = parse_arguments(__doc__)
    caffe.set_mode_cpu()
    kept = Measurements(args.build / "bench", "votes")
    plan = make_plan(args.net, args.build)
    begin_afresh(plan)
    net, model = prepare_test(plan)
    for build in caffes():
        on = {"round": args.round, "net": args.net, "caffe": build}
        if kept.lines(**on):
            continue
        with environment(build):
            kept.add(**on, caffe_test_clips_per_s=caffe_test(net, model), vote_clips_per_s=ours(plan, net, model))


if __name__ == "__main__":
    cli.run("bench", main)
