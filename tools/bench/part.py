"""One round of one part of the bench, on the Caffe that this process has (CAFFE=stock or native).

    python -m tools.bench.part limit --round 0
    python -m tools.bench.part train --net rcnn --round 0               likewise votes
    python -m tools.bench.part conversion --songs DATA_ROOT --round 0   likewise growth

What build/bench has a line of already is not measured again.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import caffe

from tools import cli, paths, processes
from tools.bench import conversion, networks, plain_loop
from tools.bench.machine import record_machine
from tools.bench.measurements import Measurements, Way
from tools.bench.passes import time_passes
from tools.cli import UserError
from tools.nets.cost import flops_an_image, load
from tools.songs import roots

CAFFE = os.environ.get("CAFFE", "stock")
# By Caffe: the ways to train, and the BLAS threads (of caffe train) or ranks (of ours)
OURS = [("ours", 1), ("ours", 2)]
WAYS = {"stock": [("caffe train", 1), ("caffe train", 2), *OURS], "native": OURS}
PLAIN_SONGS = 20
SIZES = (100, 1000, 10_000)
# LMDBs of one song take 1.3 MB, and the matrices of one song, kept until its LMDBs are written, 0.9 MB.
BYTES_A_SONG = 2.3e6
SIZE, PRODUCTS = 1024, 50
# Forward it is one product of two matrices of SIZE x SIZE, and nothing else
SGEMM = f"""
layer {{ name: "a" type: "Input" top: "a" input_param {{ shape {{ dim: {SIZE} dim: {SIZE} }} }} }}
layer {{
  name: "product" type: "InnerProduct" bottom: "a" top: "product"
  inner_product_param {{ num_output: {SIZE} bias_term: false weight_filler {{ type: "xavier" }} }}
}}
"""


class Call(argparse.Namespace):
    """What is measured: a net, or songs, as the part needs it."""

    part: str
    round: int
    net: str
    songs: Path
    build: Path

    @property
    def bench(self) -> Path:
        return self.build / "bench"


def limit(call: Call) -> None:
    """GFLOP/s of a large sgemm, by Caffe's BLAS, in one process and in one a core, each on one thread."""
    rates = Measurements(call.bench, "limit")
    for number in (1, processes.cores()):
        on: Way = {"round": call.round, "caffe": CAFFE, "processes": number}
        if not rates.lines(**on):
            passes = time_passes(SGEMM, "a product of matrices", PRODUCTS, number)
            rates.add(**on, gflops=sum(2 * SIZE**3 / product.forward for product in passes) / 1e9)


def train(call: Call) -> None:
    """Images/s and GFLOP/s of each way to train; and what PyTorch's twin begins with."""
    plan, rates = networks.make_plan(call.net, call.build), Measurements(call.bench, "train")
    networks.export_twin(plan, call.bench / "twins" / f"{call.net}.npz")
    flops = flops_an_image(load(plan.folder / "deploy.prototxt"))
    for way, number in WAYS[CAFFE]:
        on: Way = {"round": call.round, "net": call.net, "caffe": CAFFE, "way": way, "number": number}
        if not rates.lines(**on):
            rate = networks.images_per_second(plan, way, number)
            rates.add(**on, images_per_s=rate, gflops=rate * flops / 1e9)


def votes(call: Call) -> None:
    """Clips/s of `caffe test` and of what votes, through the same net."""
    rates = Measurements(call.bench, "votes")
    on: Way = {"round": call.round, "net": call.net, "caffe": CAFFE}
    if not rates.lines(**on):
        plan = networks.make_plan(call.net, call.build)
        tested, voted = networks.clips_tested(plan), networks.clips_voted(plan)
        rates.add(**on, caffe_test_clips_per_s=tested, vote_clips_per_s=voted)


def convert(call: Call) -> None:
    """Songs/s from audio files to all six kinds of LMDB, of ours and of a plain loop over some of the songs."""
    rates, work = Measurements(call.bench, "conversion"), call.bench / "work-conversion"
    if rates.lines(round=call.round):
        return
    shutil.rmtree(work, ignore_errors=True)
    tracks = roots.survey(call.songs).tracks
    seconds, _ = conversion.time_ours(call.songs, work)
    plain = plain_loop.convert(tracks[:: max(1, len(tracks) // PLAIN_SONGS)][:PLAIN_SONGS], work / "plain")
    difference = conversion.largest_difference(work, work / "plain")
    rates.add(round=call.round, songs_per_s=len(tracks) / seconds, plain_songs_per_s=plain, differs=difference)
    shutil.rmtree(work)


def grow(call: Call) -> None:
    """Time and memory of 100, 1000 and 10,000 songs. UserError where there is no room for them."""
    sizes, work = Measurements(call.bench, "growth"), call.bench / "work-growth"
    work.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(work).free / 1e9, 1.1 * BYTES_A_SONG * max(SIZES) / 1e9
    if free < needed:
        raise UserError(f"{work}: {free:.0f} GB are free, {needed:.0f} GB are needed: make room, or leave GROWTH out")
    for size in SIZES:
        if not sizes.lines(songs=size):
            conversion.link_songs(call.songs, work / "genres", size)
            seconds, peak = conversion.time_ours(work / "genres", work)
            sizes.add(songs=size, ms_a_song=1000 * seconds / size, anonymous_mb=peak)
    shutil.rmtree(work)


PARTS = {"limit": limit, "train": train, "votes": votes, "conversion": convert, "growth": grow}


def main() -> None:
    parser = cli.Parser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--round", type=int, default=0)
    parser.add_argument("--net", choices=networks.STRETCH, default="rcnn")
    parser.add_argument("--songs", type=Path)
    parser.add_argument("--build", type=Path, default=paths.BUILD)
    call = parser.parse_args(namespace=Call())
    caffe.set_mode_cpu()
    record_machine(call.bench)
    PARTS[call.part](call)


if __name__ == "__main__":
    cli.run("bench", main)
