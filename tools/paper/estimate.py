"""How long a step will take on this machine: a measured rate times a count.

`Step.counts` are the counts. The rates are measured by converting a song, and by passing a few batches forward and back
through each network, in a process a rank.
"""

from __future__ import annotations

import time

from caffe.proto import caffe_pb2

from tools import paths, processes
from tools.bench.passes import time_passes
from tools.cli import UserError
from tools.convert import features
from tools.convert.views import VIEWS
from tools.nets import prototxt
from tools.nets.cost import flops_in_child
from tools.nets.network import Network
from tools.paper.plan import Step, view_of
from tools.settings import Settings
from tools.songs.audio import read_song
from tools.songs.tracks import Track

PASSES = 3
START_SECONDS = 4.0  # Python, Caffe and the net, measured on 2 cores
PAGE_SECONDS = 25.0
BASELINE_SECONDS = 0.4  # a song, on one core
SONG_SECONDS = 0.5  # where no song can be read


def duration(seconds: float) -> str:
    """``75`` as ``1 min 15 s``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def seconds_of(step: Step, rates: dict[str, float]) -> float:
    """What a step of the plan will take from its beginning to its end."""
    return START_SECONDS + sum(count * rates[what] for what, count in step.counts.items())


def arithmetic(plan: list[Step], nets: list[str]) -> float:
    """Floating-point operations of every training of a plan, tests left out."""
    total = 0.0
    for net in nets:
        of_batch = Network(net).defaults["batch"] * flops_in_child(paths.PROTOTXT / net / "deploy.prototxt")
        total += of_batch * sum(step.counts.get(f"iteration of {net}", 0) for step in plan)
    return total


def measure_rates(tracks: list[Track], nets: list[str], cores: int) -> dict[str, float]:
    """Seconds of each kind of work, on a machine of so many cores."""
    rates = {"song": seconds_a_song(tracks) / cores, "song of the baseline": BASELINE_SECONDS / cores}
    for net in nets:
        batch = Network(net).defaults["batch"]
        ranks = max(number for number in range(1, cores + 1) if batch % number == 0)
        # For more cores than there are here that leaves out what the others would cost in memory and in messages
        forward, both = slowest_pass(net, batch // ranks, min(ranks, processes.cores()))
        rates |= {f"iteration of {net}": both, f"clip of {net}": forward * ranks / batch}
    return {**rates, "page": PAGE_SECONDS}


def seconds_a_song(tracks: list[Track]) -> float:
    """Reading one song and making all its matrices, with imports done; the first song that can be read counts."""
    for track in tracks[:20]:
        try:
            for _ in range(2):
                began = time.perf_counter()
                features.views_of(read_song(track.path), Settings(), VIEWS.values())
                seconds = time.perf_counter() - began
            return seconds
        except UserError:
            continue
    return SONG_SECONDS


def slowest_pass(net: str, clips: int, ranks: int = 1) -> tuple[float, float]:
    """Seconds of a forward, and of a forward and backward pass of ``clips`` clips, the slowest of ``ranks`` at once.

    UserError where Caffe refuses the net.
    """
    passes = time_passes(prototxt.text(without_data(net, clips)), str(paths.PROTOTXT / net), PASSES, ranks)
    return max(times.forward for times in passes), max(times.both for times in passes)


def without_data(net: str, clips: int) -> caffe_pb2.NetParameter:
    """The training net for ``clips`` clips at a time, of zeros in the place of an LMDB's."""
    message = caffe_pb2.NetParameter(name=net)
    for name, shape in (("data", (clips, *view_of(net).shape(Settings()))), ("label", (clips,))):
        layer = message.layer.add(name=name, type="Input", top=[name])
        layer.input_param.shape.add().dim[:] = shape
    message.layer.extend(layer for layer in Network(net).train_val.layer if layer.type != "Data")
    return message
