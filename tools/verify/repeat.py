"""Train a run again, from its run.json alone, and say whether the weights are the same bit for bit.

    python -m tools.verify.repeat build/runs/song/rcnn [--iteration 500]

The prototxt, the seed, the number of ranks of each stretch and the hashes of the LMDBs are those of run.json. The new
run goes to build/repeats/<split>/<run>/ and leaves the old one alone; one that was interrupted goes on. Exit code 0
where the weights are the same, 1 where they differ: on another kind of processor they do, in the last digits.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from caffe.proto import caffe_pb2

from tools import cli, files, paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.train import runs, snapshots
from tools.train.prepare import PHASES, SONGS_FILE, Plan, check_lmdbs, write_files
from tools.train.ranks import Ranks, parse_gpus
from tools.train.record import check_same_run, versions
from tools.train.training import locked, train
from tools.train.weights import FILE as WEIGHTS_FILE
from tools.verify.training import RecordedNetwork, Run

# How often to look and to save changes no weight.
DISPLAY, TEST_INTERVAL, SNAPSHOT = 20, 500, 500
# What a record says of how a run stands, and of who made it
STATE = ("ranks", "gpu", "stretches", "iteration", "state", "begun", "command", "versions")


def plan_repeat(run: Run, folder: Path, iteration: int) -> Plan:
    """The training of ``run`` in another folder, to ``iteration``."""
    settings = replace(run.settings, iters=iteration)
    record = {key: value for key, value in run.record.items() if key not in STATE}
    network = RecordedNetwork(settings.net, record["prototxt"])
    net, solver = network.train_val, network.solver
    for phase, part in PHASES.items():
        if part in record["lmdb"]:
            prototxt.data_layer(net, phase).data_param.source = record["lmdb"][part]["path"]
    texts = {**record["prototxt"], "train_val": prototxt.text(net)}
    solver.net = str(folder / "train_val.prototxt")
    solver.snapshot_prefix = str(folder / record["net"])
    record |= {"repeats": iteration, "prototxt": {**texts, "solver": prototxt.text(solver)}}
    solver.max_iter, solver.display, solver.snapshot = iteration, DISPLAY, SNAPSHOT
    if solver.test_iter:
        solver.test_interval = TEST_INTERVAL
    contents = {f"{name}.prototxt": texts[name] for name in ("train_val", "deploy")}
    contents["solver.prototxt"] = prototxt.text(solver)
    for name in (SONGS_FILE, WEIGHTS_FILE):
        if (run.folder / name).exists():
            contents[name] = (run.folder / name).read_bytes()
    return Plan(folder, settings, record, contents)


def stretches_with_ends(record: dict[str, Any], iteration: int) -> list[tuple[int, dict[str, Any]]]:
    """Where each stretch of the run ends, up to ``iteration``, and its ranks and GPUs."""
    stretches = runs.stretches_to(record, iteration)
    ends = [stretch["start"] for stretch in stretches[1:]] + [iteration]
    return list(zip(ends, stretches))


def train_again(plan: Plan, stretches: list[tuple[int, dict[str, Any]]]) -> int:
    """Train each stretch as it was trained then; returns the iteration reached."""
    reached = snapshots.newest_resumable(plan.folder)
    for end, stretch in stretches:
        if reached >= end:
            continue
        gpus = ",".join(map(str, stretch["gpu"]))
        settings = replace(plan.settings, iters=end, ranks=stretch["ranks"], gpu=gpus)
        part = replace(plan, settings=settings, record={**plan.record, "settings": settings.as_json()})
        reached = train(part, Ranks(stretch["ranks"], parse_gpus(gpus), None))
        if reached < end:
            break
    return reached


def differences(one: Path, other: Path) -> list[str]:
    """A line for each layer whose parameters differ in any bit."""
    a, b = parameters(one), parameters(other)
    lines = [f"layer {name} is in one of them alone" for name in sorted(a.keys() ^ b.keys())]
    for name in sorted(a.keys() & b.keys()):
        for x, y in zip(a[name], b[name]):
            if x.shape != y.shape:
                lines.append(f"layer {name}: {x.size} weights and {y.size}")
            elif x.tobytes() != y.tobytes():
                lines.append(f"layer {name}: {np.sum(x != y)} of {x.size} differ, by {np.abs(x - y).max():g} at most")
    return lines


def parameters(model: Path) -> dict[str, list[np.ndarray]]:
    net = caffe_pb2.NetParameter()
    net.ParseFromString(model.read_bytes())
    return {layer.name: [np.array(blob.data, np.float32) for blob in layer.blobs] for layer in net.layer if layer.blobs}


def fresh(folder: Path, iteration: int) -> None:
    """Remove an earlier repetition, unless it is this one and was interrupted."""
    try:
        begun = runs.read_run(folder)
    except UserError:
        begun = {}
    if begun.get("state") == "done" or begun.get("repeats") != iteration:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    parser = cli.Parser(prog="repeat", description="Train a run again and compare the weights.")
    parser.add_argument("run", type=Path, metavar="RUN", help="its folder, as build/runs/song/rcnn")
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="for a run that lies in none (default: build)")
    parser.add_argument("--iteration", type=int, help="which of its snapshots to repeat (default: the newest)")
    args = parser.parse_args()
    source, run = args.run.resolve(), Run(args.run, runs.build_of(args.run, args.build))
    runs.read_unchanged(args.run)  # a record that was changed by hand is not repeated
    record = run.record
    iteration, model = snapshots.choose_snapshot(args.run, args.iteration)
    for part, entry in record["lmdb"].items():
        if run.lmdb(part).is_dir():  # the build folder may have been moved
            entry["path"] = str(run.lmdb(part))
    folder = run.build / "repeats" / source.parent.name / source.name
    plan = plan_repeat(run, folder, iteration)
    check_lmdbs(record["lmdb"])
    for name, version in versions().items():  # OPENBLAS_CORETYPE= brings other kernels back
        if record["versions"].get(name, version) != version:
            print(f"{name}: {record['versions'][name]} then, {version} now")
    with locked(folder.with_name(f".{folder.name}.repeat")):
        fresh(folder, iteration)
        with locked(folder):
            check_same_run(folder, plan.record)
            write_files(plan)
            reached = train_again(plan, stretches_with_ends(record, iteration))
    if reached < iteration:
        print(f"stopped at iteration {reached}; the same command goes on from there")
        return 130
    return compare(model, snapshots.whole_snapshots(folder)[iteration])


def compare(model: Path, again: Path) -> int:
    """Say whether two snapshots have the same weights: 0 where they do, otherwise 1."""
    lines = differences(model, again)
    for line in lines:
        print(line)
    print(f"{model}: sha256 {files.sha256_of(model)}\n{again}: sha256 {files.sha256_of(again)}")
    print("the weights differ" if lines else "the weights are the same, bit for bit")
    return 1 if lines else 0


if __name__ == "__main__":
    cli.run("repeat", main)
