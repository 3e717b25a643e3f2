"""How long a training, a conversion or a vote will take on this machine: measured, not guessed.

A net's seconds an iteration come from the metrics of runs under the same build folder, or, where there are none, from
three forward and backward passes over made-up clips, in a child process a rank. A song's come from converting one.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tools import paths
from tools.cli import UserError
from tools.convert import features
from tools.convert.parameters import Parameters
from tools.nets import prototxt
from tools.nets.flops import flops_in_child
from tools.paper.plan import Step, batch_of
from tools.songs.audio import read_song
from tools.songs.gtzan import Track

PASSES = 3
START_SECONDS = 4.0  # Python, Caffe and the net, seen on 2 cores
PAGE_SECONDS = 25.0
BASELINE_SECONDS = 0.4  # a song, seen on one core
TEST_INTERVAL = 500
CHILD_SECONDS = 300
PROBE = """
import os, sys, tempfile, time
os.environ["GLOG_minloglevel"] = "3"
import caffe, numpy as np
from caffe.proto import caffe_pb2
from google.protobuf import text_format
folder, clips, passes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def read(name):
    with open(folder + "/" + name + ".prototxt") as file:
        return text_format.Parse(file.read(), caffe_pb2.NetParameter())
shape = read("deploy").layer[0].input_param.shape[0].dim
net = caffe_pb2.NetParameter()
net.layer.add(name="data", type="Input", top=["data"]).input_param.shape.add().dim[:] = [clips, *shape[1:]]
net.layer.add(name="label", type="Input", top=["label"]).input_param.shape.add().dim[:] = [clips]
net.layer.extend(layer for layer in read("train_val").layer if layer.type != "Data")
with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
    file.write(text_format.MessageToString(net))
    file.flush()
    net = caffe.Net(file.name, caffe.TRAIN)
net.blobs["data"].data[...] = np.random.default_rng(0).uniform(-50, 50, net.blobs["data"].data.shape)
forward, both = [], []
for _ in range(passes + 1):
    began = time.perf_counter()
    net.forward()
    forward.append(time.perf_counter() - began)
    net.backward()
    both.append(time.perf_counter() - began)
print(sorted(forward[1:])[passes // 2], sorted(both[1:])[passes // 2])
"""


@dataclass(frozen=True)
class Speed:
    """Seconds of an iteration (all ranks at once), and of one clip's forward pass."""

    iteration: float
    forward: float


def duration(seconds: float) -> str:
    """``75`` as ``1 min 15 s``."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min"


def cores() -> int:
    return len(os.sched_getaffinity(0))


def ranks_of(batch: int, machine_cores: int) -> int:
    """The ranks that a training takes by default: one per core that the batch divides into."""
    return max(ranks for ranks in range(1, machine_cores + 1) if batch % ranks == 0)


class Estimator:
    """Seconds of each kind of step, for the songs and nets at hand, or for ``songs`` like them on other ``cores``."""

    def __init__(
        self, build: Path, tracks: list[Track], nets: list[str], songs: int | None = None, on_cores: int | None = None
    ) -> None:
        self.songs = songs or len(tracks)
        self.cores = on_cores or cores()
        self.parameters = Parameters()
        self.song_seconds = seconds_a_song(tracks)
        self.views = {net: view_of(net) for net in nets}
        self.flops = {net: flops_an_iteration(net) for net in nets}
        self.speeds = {net: measure(build, net, self.cores) for net in nets}

    def seconds(self, step: Step) -> float:
        """What a step of the plan will take from its beginning to its end."""
        if step.module == "tools.convert":
            return self.conversion()
        if step.module == "tools.train":
            return self.training(step.net, step.iterations)
        if step.module == "tools.vote.baseline":
            return START_SECONDS + self.songs * BASELINE_SECONDS / self.cores
        return self.voting(step.net, step.split) if step.module == "tools.vote" else PAGE_SECONDS

    def arithmetic(self, plan: list[Step]) -> float:
        """Floating-point operations of every training of a plan, tests left out."""
        return sum(step.iterations * self.flops[step.net] for step in plan if step.module == "tools.train")

    def clips(self, net: str) -> int:
        return self.songs * self.parameters.clips(self.views[net])

    def conversion(self) -> float:
        return START_SECONDS + self.songs * self.song_seconds / self.cores

    def training(self, net: str, iterations: int) -> float:
        """With a test of the test part, about a fifth of the clips, every 500 iterations."""
        speed = self.speeds[net]
        tests = 2 + iterations // TEST_INTERVAL
        return START_SECONDS + iterations * speed.iteration + tests * self.clips(net) / 5 * speed.forward

    def voting(self, net: str, split: str) -> float:
        """Under split clip every clip votes, otherwise those of the test songs."""
        share = 1.0 if split == "clip" else 0.2
        return START_SECONDS + share * self.clips(net) * self.speeds[net].forward


def view_of(net: str) -> str:
    return prototxt.view_of(prototxt.read_net(paths.PROTOTXT / net / "train_val.prototxt"))


def flops_an_iteration(net: str) -> float:
    return batch_of(net) * flops_in_child(paths.PROTOTXT / net / "deploy.prototxt")


def seconds_a_song(tracks: list[Track]) -> float:
    """Reading one song and making all its matrices, with imports done; the first song that can be read counts."""
    parameters = Parameters()
    for track in tracks[:20]:
        try:
            for _ in range(2):
                began = time.perf_counter()
                features.views_of(read_song(track.path), parameters, paths.VIEWS)
                seconds = time.perf_counter() - began
            return seconds
        except UserError:
            continue
    return 0.5


def measure(build: Path, net: str, machine_cores: int) -> Speed:
    """From metrics of earlier runs, otherwise from a probe: of each rank's share of the batch, on every core there is.

    For more cores than there are here that leaves out what the others would cost in memory and in messages.
    """
    batch = batch_of(net)
    ranks = ranks_of(batch, machine_cores)
    forward, both = probe(net, batch // ranks, min(ranks, cores()))
    return Speed(seen(build, net, ranks) or both, forward * ranks / batch)


def probe(net: str, clips: int, ranks: int = 1) -> tuple[float, float]:
    """Seconds of a forward, and of a forward and backward pass of ``clips`` clips, the slowest of ``ranks`` at once.

    UserError where Caffe refuses the net.
    """
    folder = paths.PROTOTXT / net
    command = [sys.executable, "-c", PROBE, str(folder), str(clips), str(PASSES)]
    children = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(ranks)
    ]
    try:
        said = [child.communicate(timeout=CHILD_SECONDS) for child in children]
        forward, both = zip(*(map(float, out.split()[-2:]) for out, _ in said))
    except subprocess.TimeoutExpired:
        raise UserError(f"{folder}: Caffe took over {CHILD_SECONDS} s for a few passes: is the machine busy?") from None
    except ValueError:
        why = (said[0][1].strip().splitlines() or ["no word why"])[-1]
        raise UserError(f"{folder}: Caffe could not run it: {why}") from None
    finally:
        for child in children:
            child.kill()
    return max(forward), max(both)


def seen(build: Path, net: str, ranks: int) -> float | None:
    """The median seconds of an iteration in the metrics of this net's runs with as many ranks; None without any."""
    speeds = []
    for record in (build / "runs").glob(f"*/{net}*/run.json"):
        try:
            run = json.loads(record.read_text())
            if run["net"] != net or run["ranks"] != ranks:
                continue
            lines = [json.loads(line) for line in (record.parent / "metrics.jsonl").read_text().splitlines()]
            speeds += [line["iter_per_s"] for line in lines if line.get("iter_per_s", 0) > 0]
        except (OSError, ValueError, KeyError, AttributeError):
            continue
    median = statistics.median(speeds) if len(speeds) >= PASSES else math.nan
    return None if math.isnan(median) else 1 / median
