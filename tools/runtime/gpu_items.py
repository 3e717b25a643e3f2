"""The seven items of the check of a GPU. Each yields what it measures as soon as it has it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Union

from tools import paths, processes
from tools.runtime import gpu_readings as readings
from tools.runtime.gpu_calls import Check, CutOffError, FailedError, Word, records_in

SECONDS_TO_SAVE = 60  # a training that is interrupted writes its snapshot first

Value = Union[int, float, str]
Measured = Iterator[tuple[str, Value]]  # what, and its value


def health(check: Check) -> Measured:
    for start in ("first", "second"):
        begin = time.monotonic()
        said = check.tool("health", "tools.runtime.health")
        yield f"{start} start, s", round(time.monotonic() - begin, 1)
    yield "health", said.splitlines()[0]


# --- the same weights on both -----------------------------------------------------------------------------------------


def same_weights(check: Check) -> Measured:
    for net in check.nets:
        run = check.train(check.folder / "same" / net, net, 1, *without_dropout(net))
        yield from compare_losses(check, net, run)
        yield from compare_picks(check, net, run)


def without_dropout(net: str) -> list[Word]:
    """A GPU draws other masks than the CPU, so that no loss would be alike."""
    has_dropout = '"Dropout"' in (paths.PROTOTXT / net / "train_val.prototxt").read_text()
    return ["--dropout", 0] if has_dropout else []


def stock_solver(check: Check, run: Path, name: str, seed: int, mode: str) -> Path:
    """A solver beside the run's own that displays every loss and ends after as many iterations as are compared."""
    fields = {"display": 1, "max_iter": check.amounts.iterations, "random_seed": seed, "solver_mode": mode}
    fields |= {"snapshot_prefix": f'"{run / name}"'}
    replaced = re.compile(rf"({'|'.join(fields)}|snapshot|test_iter|test_interval|test_initialization): ")
    lines = [line for line in (run / "solver.prototxt").read_text().splitlines() if not replaced.match(line)]
    solver = run / f"{name}.prototxt"
    solver.write_text("\n".join([*lines, *(f"{field}: {value}" for field, value in fields.items())]) + "\n")
    return solver


def compare_losses(check: Check, net: str, run: Path) -> Measured:
    """Stock `caffe train` on both: from the same weights, which the seed makes; and from other seeds, on the CPU."""

    def train(seed: int, on_gpu: bool = False) -> dict[int, float]:
        name = f"gpu-{seed}" if on_gpu else f"cpu-{seed}"
        solver = stock_solver(check, run, name, seed, "GPU" if on_gpu and check.device is not None else "CPU")
        return readings.losses(check.caffe(f"same-{net}-{name}", "train", "-solver", solver, on_gpu=on_gpu))

    on_gpu = train(1, on_gpu=True)
    with ThreadPoolExecutor(processes.cores()) as pool:
        on_cpu = list(pool.map(train, range(1, check.amounts.seeds + 1)))
    first = readings.largest_relative_difference(on_gpu, on_cpu[0], 10)
    yield f"{net}: largest relative difference of the first 10 losses (within 1e-4: {first <= 1e-4})", first
    last = [readings.last_mean(losses) for losses in on_cpu]
    apart, spread = abs(readings.last_mean(on_gpu) - last[0]), max(last) - min(last)
    yield f"{net}: last losses, GPU minus CPU", apart
    yield f"{net}: last losses, seeds on the CPU apart (GPU within: {apart <= spread})", spread


def compare_picks(check: Check, net: str, run: Path) -> Measured:
    """The labels that one caffemodel picks for the test clips on both."""
    model = run / f"gpu-1_iter_{check.amounts.iterations}.caffemodel"
    batches = readings.first(r"^test_iter: (\d+)", (run / "solver.prototxt").read_text())
    question: list[Word] = ["picks", run / "train_val.prototxt", model, batches]
    on_gpu = check.pycaffe(f"picks-{net}-gpu", *question, *([] if check.device is None else [check.device]))
    on_cpu = check.pycaffe(f"picks-{net}-cpu", *question)
    yield f"{net}: clips whose picks differ, of {len(on_cpu)}", sum(a != b for a, b in zip(on_gpu, on_cpu))


# --- stop and resume, and two ranks -----------------------------------------------------------------------------------


def resume(check: Check) -> Measured:
    """Trained in one go, again in one go, and stopped in the middle: how far the weights are apart."""
    for net in check.nets:
        iterations = check.amounts.resumed
        runs = {name: check.folder / name / net for name in ("whole", "again", "resumed")}
        check.train(runs["resumed"], net, iterations // 2)
        models = {name: caffemodel(check.train(build, net, iterations), iterations) for name, build in runs.items()}
        for name in ("again", "resumed"):
            apart = check.pycaffe("difference", "difference", models["whole"], models[name])
            yield f"{net}: {name}, largest difference of a weight", apart


def caffemodel(run: Path, iteration: int) -> Path:
    return next(run.glob(f"*_iter_{iteration}.caffemodel"))


def two_ranks(check: Check) -> Measured:
    """Two ranks on one card: refused in one line, or as right as one rank, of which dropout would make them differ."""
    net, iterations = "rcnn", check.amounts.resumed
    settings = without_dropout(net)
    alone = check.train(check.folder / "one" / "rank", net, iterations, *settings)
    both: list[Word] = ["--ranks", 2] if check.device is None else ["--gpu", f"{check.device},{check.device}"]
    try:
        together = check.train(check.folder / "two" / "ranks", net, iterations, *settings, *both)
    except FailedError as refusal:
        yield "two ranks on one card", f"refused: {refusal}"
        return
    apart = check.pycaffe("difference", "difference", caffemodel(alone, iterations), caffemodel(together, iterations))
    yield "two ranks on one card: largest difference of a weight from one rank's", apart


# --- speed, Caffe's own tests, Table 2 --------------------------------------------------------------------------------


def speed(check: Check) -> Measured:
    for net in check.nets:
        for batch in check.amounts.batches:
            try:
                run = check.train(check.folder / f"batch-{batch}" / net, net, 1, "--batch", batch)
                yield from time_passes(check, net, batch, run / "train_val.prototxt")
            except FailedError as failure:
                yield f"{net}, batch {batch}", str(failure)


def time_passes(check: Check, net: str, batch: int, train_val: Path) -> Measured:
    """`caffe time` forward and backward, without an update."""
    model = ("time", "-model", train_val, "-iterations")
    on_gpu = check.caffe(f"time-{net}-{batch}-gpu", *model, check.amounts.passes)
    yield f"{net}, batch {batch}: images/s on the GPU", 1000 * batch / readings.milliseconds(on_gpu)
    on_cpu = check.caffe(f"time-{net}-{batch}-cpu", *model, 1, on_gpu=False)
    yield f"{net}, batch {batch}: images/s on one core", 1000 * batch / readings.milliseconds(on_cpu)
    dearest = ", ".join(f"{layer} {share:.0%}" for layer, share in readings.dearest_layers(on_gpu))
    yield f"{net}, batch {batch}: where the GPU's time goes", dearest


def own_tests(check: Check) -> Measured:
    """Caffe's own tests. They read their data from the source tree that the GPU image keeps."""
    tree = Path("/usr/src/caffe/tree")
    folder: list[Word] = ["env", "-C", tree] if tree.is_dir() else []
    try:
        check.call("gtest", *folder, "caffe-gtest", f"--gtest_filter={check.amounts.tests}")
    except FailedError:
        if not readings.tests(check.log("gtest").read_text()).failed:
            raise
    finally:
        tests = readings.tests(check.log("gtest").read_text())
        yield "Caffe's own tests passed", tests.passed
        yield "Caffe's own tests failed", " ".join(tests.failed) or "none"


def table2(check: Check) -> Measured:
    """Table 2's iterations, then as many of the RCNN's 200,000 as there is time for."""
    build, last = check.folder / "table2", check.amounts.table2[-1]
    for net in ("rcnn", "complex_cnn"):
        yield from trained(check, build, net, last, check.amounts.table2)
    yield from trained(check, build, "rcnn", check.amounts.longest, [check.amounts.longest])


def trained(check: Check, build: Path, net: str, iterations: int, voting: Sequence[int]) -> Measured:
    """Train to an iteration, or as far as there is time; the iterations that are reached vote."""
    begin, start, cut_off = time.monotonic(), reached(build, net), None
    try:
        check.train(build, net, iterations, interrupt=SECONDS_TO_SAVE)
    except CutOffError as error:
        cut_off = error
    iteration, seconds = reached(build, net), time.monotonic() - begin
    yield f"{net}: iteration reached ({(iteration - start) / seconds:.1f} iterations/s, of {iterations})", iteration
    voters = replace(check, end=max(check.end, time.monotonic() + SECONDS_TO_SAVE))
    for at in sorted({at for at in (*voting, iteration) if 0 < at <= iteration}):
        yield f"{net}, iteration {at}: clips right", vote(voters, build, net, at)["clip_accuracy"]
    if cut_off:
        raise cut_off


def reached(build: Path, net: str) -> int:
    return next((run["iteration"] for run in records_in(build, "runs").values() if run["net"] == net), 0)


def vote(check: Check, build: Path, net: str, iteration: int) -> dict:
    check.tool(f"vote-{net}", "tools.vote", "--build", build, "--net", net, "--iteration", iteration)
    return next(s for s in records_in(build, "votes").values() if s["net"] == net and s["iteration"] == iteration)


@dataclass(frozen=True)
class Item:
    number: int
    title: str
    run: Callable[[Check], Measured]
    share: float  # of the minutes


ITEMS = [
    Item(1, "which card, and does it compute right; first and second start", health, 0.10),
    Item(2, "the same weights on the GPU and on the CPU", same_weights, 0.20),
    Item(3, "stop and resume", resume, 0.10),
    Item(4, "speed", speed, 0.15),
    Item(5, "Caffe's own tests on the GPU", own_tests, 0.15),
    Item(6, "two ranks on one card", two_ranks, 0.05),
    Item(7, "Table 2, and the RCNN beyond it", table2, 0.25),
]
