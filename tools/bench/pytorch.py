"""Images per second in training of PyTorch's twin of a net, and how far its outputs are from Caffe's.

    PYTHON -m tools.bench.pytorch --net rcnn --round 0 [--compile]     with a PYTHON that has torch and NumPy

Two threads, both ways to lay out images in memory, and with --compile each of them compiled as well: the table takes
the fastest. The batch lies in memory, which is the best case for PyTorch: Caffe reads its LMDB.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch

from tools.bench import twins
from tools.bench.measurements import Measurements

SECONDS = 3.0  # timed, after a third of it as the warm-up
WAYS = {"PyTorch": lambda twin: twin, "PyTorch, compiled": torch.compile}


def read_twin(file: Path) -> tuple[torch.nn.Module, dict[str, np.ndarray]]:
    """The twin of the net that ``file`` is named after, with the weights that Caffe left in it, and what else it left.

    That is clips, their labels and probabilities, and the size of a batch.
    """
    with np.load(file) as arrays:
        data = dict(arrays)
    twin = twins.TWINS[file.stem]()
    twins.load_weights(twin, [data.pop(name) for name in list(data) if "/" in name])
    return twin, data


def differs(twin: torch.nn.Module, data: dict[str, np.ndarray]) -> float:
    """The largest difference of a probability between PyTorch's and Caffe's, on the same clips and weights."""
    twin.eval()
    with torch.no_grad():
        outputs = twins.probabilities(twin(torch.from_numpy(data["clips"]))).numpy()
    return float(np.abs(outputs - data["prob"]).max())


def optimizer_of(twin: torch.nn.Module) -> torch.optim.Optimizer:
    """Caffe's: momentum 0.9, weight decay on weights alone, twice the rate for biases."""
    biases = [p for name, p in twin.named_parameters() if "bias" in name]
    weights = [p for name, p in twin.named_parameters() if "bias" not in name]
    groups = [{"params": weights, "weight_decay": 5e-4}, {"params": biases, "lr": 2e-6}]
    return torch.optim.SGD(groups, lr=1e-6, momentum=0.9)


def images_per_second(twin: torch.nn.Module, clips: torch.Tensor, labels: torch.Tensor) -> float:
    """Train on one batch over and over: first to warm up, then for `SECONDS`."""
    twin.train()
    optimizer = optimizer_of(twin)
    for seconds in (SECONDS / 3, SECONDS):
        steps, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds or steps < 2:
            optimizer.zero_grad(set_to_none=True)
            twins.loss_of(twin(clips), labels).backward()
            optimizer.step()
            steps += 1
    return steps * len(clips) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", required=True, choices=twins.TWINS)
    parser.add_argument("--round", type=int, required=True)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--build", type=Path, default=Path("build"))
    args = parser.parse_args()
    torch.set_num_threads(min(2, len(os.sched_getaffinity(0))))
    bench = args.build / "bench"
    measurements = Measurements(bench, "train")
    for way, channels_last in product(list(WAYS)[: 1 + args.compile], (False, True)):
        on = {"round": args.round, "net": args.net, "way": way, "channels_last": channels_last}
        if measurements.lines(**on) or (channels_last and args.net == "lstm"):
            continue
        layout = torch.channels_last if channels_last else torch.contiguous_format
        twin, data = read_twin(bench / "twins" / f"{args.net}.npz")
        difference = differs(twin.to(memory_format=layout), data)
        size = int(data["batch"])
        clips, labels = (np.resize(data[name], (size, *data[name].shape[1:])) for name in ("clips", "labels"))
        batch = torch.from_numpy(clips).to(memory_format=layout)
        rate = images_per_second(WAYS[way](twin), batch, torch.from_numpy(labels))
        measurements.add(**on, images_per_s=rate, differs_from_caffe=difference, torch=torch.__version__)
        if not difference < 1e-4:
            sys.exit(f"bench: PyTorch's {args.net} answers otherwise than Caffe's, by {difference:.2g}")


if __name__ == "__main__":
    main()
