"""What a training says as it goes, and where it is seen.

Rank 0 says its losses and accuracies in Caffe's log, as `caffe train` words them (solver.cpp), and as events, JSON
lines on standard output; `tools.train.training` follows these, into metrics.jsonl and onto the terminal.
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path

import caffe
import numpy as np
from tqdm import tqdm

from tools import files


def report(**event: object) -> None:
    print(json.dumps(event), flush=True)


def log_test(iteration: int, outputs: dict[str, float]) -> None:
    caffe.log(f"Iteration {iteration}, Testing net (#0)")
    for number, (name, value) in enumerate(outputs.items()):
        weighted = f" (* 1 = {value:g} loss)" if name == "loss" else ""
        caffe.log(f"    Test net output #{number}: {name} = {value:g}{weighted}")
    report(iter=iteration, test_loss=outputs["loss"], test_accuracy=outputs["accuracy"])


def log_display(
    iteration: int, loss: float, rate: float, accuracies: list[float], iterations: int, seconds: float
) -> None:
    """A display line: the mean of the ``accuracies`` since the one before, and what ``iterations`` took of ``seconds``.

    In a resumed run these are fewer than the accuracies, some of which are of the process before.
    """
    speed, accuracy = iterations / seconds, float(np.mean(accuracies))
    caffe.log(f"Iteration {iteration} ({speed:g} iter/s, {seconds:g}s/{iterations} iters), loss = {loss:g}")
    outputs = [f"loss = {loss:g} (* 1 = {loss:g} loss)"]
    if math.isfinite(accuracy):
        outputs.insert(0, f"accuracy = {accuracies[-1]:g}")
    for number, output in enumerate(outputs):
        caffe.log(f"    Train net output #{number}: {output}")
    if math.isfinite(accuracy):  # `caffe train` has no such line
        caffe.log(f"    Train accuracy of {len(accuracies)} batches = {accuracy:g}")
    caffe.log(f"Iteration {iteration}, lr = {rate:g}")
    event = {"iter": iteration, "loss": loss, "lr": float(f"{rate:.6g}"), "iter_per_s": round(speed, 4)}
    report(**event, **({"train_accuracy": accuracy} if math.isfinite(accuracy) else {}))


class Metrics:
    """metrics.jsonl: a line for each display and each test. A resumed run replaces those that it makes again."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "metrics.jsonl"

    def cut(self, iteration: int) -> None:
        """Forget what was seen from ``iteration`` on."""
        kept = []
        for line in files.json_lines(self.file):
            with suppress(TypeError, KeyError):  # what is no line of ours
                kept += [json.dumps(line) + "\n"] if line["iter"] < iteration else []
        if self.file.exists():
            files.write_whole(self.file, "".join(kept))

    def add(self, event: dict) -> None:
        with self.file.open("a") as stream:
            stream.write(json.dumps(event) + "\n")


def show(bar: tqdm, event: dict) -> None:
    """The newest loss, learning rate and test accuracy: in the bar, or as lines where there is no terminal."""
    if "loss" not in event:
        accuracy = f"{100 * event['test_accuracy']:.2f}% of test clips right"
        tqdm.write(f"iteration {event['iter']}: {accuracy}, test loss {event['test_loss']:.4f}")
        return
    loss, lr = f"loss {event['loss']:.4f}", f"{event['lr']:g}"
    bar.set_postfix_str(f"{loss}, lr {lr}")
    if bar.disable:
        rate = event["iter_per_s"]
        left = f", {tqdm.format_interval((bar.total - event['iter']) / rate)} left" if rate else ""
        print(
            f"iteration {event['iter']} of {bar.total}: {loss}, learning rate {lr}, {rate:.2f} iterations/s{left}",
            flush=True,
        )
