"""What rank 0 says of a training: losses and accuracies, in Caffe's log as `caffe train` words them (solver.cpp), and
as events, JSON lines on standard output, that `tools.train.child` follows.
"""

from __future__ import annotations

import json
import math

import caffe
import numpy as np


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
