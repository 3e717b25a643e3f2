"""From options to a run folder: the resolved prototxt, and the record that keeps other data and settings out of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import sys
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import caffe
import numpy as np

from tools import datum, paths, prototxt, runs
from tools.cli import UserError
from tools.conversion import manifest as manifests
from tools.gtzan import GENRES
from tools.parameters import parameters_of

LIMIT = 2**31  # of the whole numbers that Caffe takes


@dataclass(frozen=True)
class Plan:
    """What one call of `make train` is to do."""

    folder: Path
    iterations: int
    records: int  # of the train LMDB
    batch: int  # clips an iteration, over all ranks
    dropout: list[tuple[int, float]]  # empty: as in the prototxt
    rates: list[tuple[int, float]]  # empty where Caffe's own policy does it
    record: dict  # what run.json says of the run, whichever way it goes
    prototxt: dict[str, str]  # the resolved files, by name


def read_manifest(args: argparse.Namespace) -> dict:
    """The manifest of the split's LMDBs. UserError where there are none yet."""
    file = paths.manifest(args.build, runs.lmdb_split_folder(args))
    if not file.exists():
        raise UserError(
            f"{file.parent}: no LMDBs there yet: "
            f"type 'make lmdb SPLIT={args.split} FOLD={args.fold}' with the same settings"
        )
    found = manifests.read(file.parent)
    if found is None:
        raise UserError(f"{file} is not whole: remove {file.parent} and type 'make lmdb' again")
    return found


def lmdb_entry(manifest: dict, lmdb: Path) -> dict:
    """What the manifest says of one LMDB. UserError where it or the LMDB is missing."""
    entry = manifest["lmdbs"].get(lmdb.name)
    if entry is None or not lmdb.is_dir():
        raise UserError(f"{lmdb}: no such LMDB: type 'make lmdb' with the same settings first")
    return entry


def check_lmdbs(lmdbs: dict[str, dict]) -> None:
    """UserError unless the LMDBs of a run's record are there and hold, record by record, what it says.

    Caffe itself would train on whatever lies there, and die of one that is cut short.
    """
    for part, entry in lmdbs.items():
        lmdb = Path(entry["path"])
        if datum.content_hash(lmdb) != entry["sha256"]:
            raise UserError(
                f"{lmdb} is not the {part} part that the run is of: remove {lmdb.parent} and type 'make lmdb' again"
            )


def check_mean(net: object, shape: tuple[int, ...]) -> None:
    """UserError where the net subtracts a mean file that is not there, not whole or of another shape than the clips."""
    name = prototxt.data_layer(net, caffe.TRAIN).transform_param.mean_file
    if name and datum.read_mean(Path(name)).shape != shape:
        raise UserError(f"{name}: not of the shape of the clips: remove {Path(name).parent} and type 'make lmdb' again")


def choose_iterations(args: argparse.Namespace, solver: object) -> int:
    iterations = solver.max_iter if args.iterations is None else args.iterations
    if not 1 <= iterations < LIMIT:
        raise UserError(f"ITERS={iterations}: the number of iterations is 1 or more, and below {LIMIT}")
    return iterations


def resolve_solver(solver: object, args: argparse.Namespace, folder: Path, test_iter: int) -> list[tuple[int, float]]:
    """Fill in what the options ask for; returns the learning rates that no policy of Caffe expresses."""
    solver.net = str(folder / "train_val.prototxt")
    solver.snapshot_prefix = str(folder / args.net)
    solver.max_iter = choose_iterations(args, solver)
    solver.test_iter[:] = [test_iter]
    if args.seed is not None:
        if not 0 <= args.seed < LIMIT:
            raise UserError(f"SEED={args.seed}: a seed is 0 or more, and below {LIMIT}")
        solver.random_seed = args.seed
    if args.base_lr is not None:
        if not 0 < args.base_lr < 1000:
            raise UserError(f"BASE_LR={args.base_lr}: a learning rate is above 0")
        solver.base_lr = args.base_lr
    if not args.lr_steps:
        return []
    schedule = prototxt.parse_schedule(args.lr_steps, "LR_STEPS")
    for _, rate in schedule:
        if not 0 < rate < 1000:
            raise UserError(f'LR_STEPS="{args.lr_steps}": {rate:g} is no learning rate: those are above 0')
    return [] if prototxt.set_learning_rate(solver, schedule) else schedule


def prepare(args: argparse.Namespace) -> Plan:
    """Resolve the prototxt of the run that the options name.

    UserError where data are missing or an option is out of its range.
    """
    template = paths.PROTOTXT / args.net
    net = prototxt.read_net(template / "train_val.prototxt")
    deploy = prototxt.read_net(template / "deploy.prototxt")
    solver = prototxt.read_solver(template / "solver.prototxt")
    view, split = prototxt.view_of(net), runs.lmdb_split_folder(args)
    manifest = read_manifest(args)
    parameters = parameters_of(args)
    lmdbs = {part: paths.lmdb(args.build, split, view, args.dtype, part) for part in ("train", "test")}
    entries = {part: lmdb_entry(manifest, lmdb) for part, lmdb in lmdbs.items()}
    batch = prototxt.data_layer(net, caffe.TRAIN).data_param.batch_size if args.batch is None else args.batch
    if not 1 <= batch <= entries["train"]["records"]:
        raise UserError(
            f"BATCH={batch}: a batch has from 1 to {entries['train']['records']} clips, all of {lmdbs['train']}"
        )
    test_batch = prototxt.covering_batch(entries["test"]["records"])
    folder = runs.run_folder(args)
    dropout = prototxt.parse_schedule(args.dropout, "DROPOUT") if args.dropout else []
    for _, ratio in reversed(dropout):  # the first one stays
        prototxt.set_dropout(net, ratio)
    for message in (net, deploy):
        if args.neurons is not None:
            prototxt.set_neurons(message, args.neurons)
        if view == "lstm":
            prototxt.set_steps(message, entries["train"]["shape"][1])
    prototxt.resolve_net(
        net,
        {caffe.TRAIN: lmdbs["train"], caffe.TEST: lmdbs["test"]},
        paths.mean_file(args.build, split, view, args.dtype),
        {caffe.TRAIN: batch, caffe.TEST: test_batch},
    )
    prototxt.resolve_deploy(deploy, entries["train"]["shape"])
    check_mean(net, tuple(entries["train"]["shape"]))
    rates = resolve_solver(solver, args, folder, entries["test"]["records"] // test_batch)

    record = {
        "net": args.net,
        "split": runs.split_folder(args),
        "fold": args.fold,
        "leaky": args.split == "clip",
        "view": view,
        "dtype": args.dtype,
        "bands": args.bands,
        "features": asdict(parameters),
        "genres": manifest.get("genres", list(GENRES)),
        "neurons": args.neurons,
        "seed": solver.random_seed,
        "batch": batch,
        "dropout": dropout,
        "lr_steps": rates,
        "lmdb": {part: {"path": str(lmdbs[part]), **entries[part]} for part in lmdbs},
        "data_fingerprint": manifest["data"]["fingerprint"],
        "prototxt": {"train_val": prototxt.text(net), "deploy": prototxt.text(deploy), "solver": _lasting(solver)},
    }
    resolved = {
        f"{name}.prototxt": prototxt.text(message)
        for name, message in (("train_val", net), ("deploy", deploy), ("solver", solver))
    }
    return Plan(folder, solver.max_iter, entries["train"]["records"], batch, dropout, rates, record, resolved)


def _lasting(solver: object) -> str:
    """The solver without what says how far to go and how often to look: that may change from call to call."""
    lasting = type(solver)()
    lasting.CopyFrom(solver)
    for field in ("max_iter", "display", "test_interval", "snapshot"):
        lasting.ClearField(field)
    return prototxt.text(lasting)


def write_prototxt(plan: Plan) -> None:
    """Put the resolved prototxt into the run folder."""
    for name, text in plan.prototxt.items():
        runs.write_whole(plan.folder / name, text)


def check_same_run(folder: Path, record: dict) -> None:
    """UserError where the folder holds a run that began with other data or settings: it is never continued."""
    if not (folder / "run.json").exists():
        return
    begun = runs.read_run(folder)
    for key, value in json.loads(json.dumps(record)).items():
        if begun.get(key) != value:
            what = {"lmdb": "other LMDBs", "data_fingerprint": "other data", "prototxt": "another prototxt"}
            raise UserError(f"{folder} was begun with {what.get(key, f'another {key}')}: remove it to train afresh")


def caffe_package() -> str:
    """Which build of Caffe this is: Debian's binary, the one that `make setup CAFFE=native` made, or another."""
    if os.environ.get("CAFFE") == "native":
        return "Debian bullseye, rebuilt for this processor"
    return "Debian bullseye" if Path("/var/lib/dpkg/info/caffe-cpu.list").exists() else "another build"


def versions() -> dict[str, str]:
    """What the numbers of a run depend on besides its data and settings."""
    import lmdb

    return {
        "caffe": caffe.__version__,
        "caffe_package": caffe_package(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "lmdb": ".".join(map(str, lmdb.version())),
        "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", "its own guess"),
        "machine": platform.machine(),
    }


def add_stretch(folder: Path, start: int, ranks: int, gpus: list[int]) -> list[dict]:
    """The stretches of a run: from which iteration on it was trained with how many ranks, on what.

    The weights depend on both, so that a run can be repeated by its stretches alone.
    """
    begun = runs.read_run(folder) if (folder / "run.json").exists() else {}
    known = [{"start": 0, "ranks": begun["ranks"], "gpu": begun["gpu"]}] if begun else []
    stretches = [stretch for stretch in begun.get("stretches", known) if stretch["start"] < start]
    new = {"ranks": ranks, "gpu": gpus, "openblas_coretype": versions()["openblas_coretype"]}
    if not stretches or {**stretches[-1], **new} != stretches[-1]:
        stretches.append({"start": start, **new})
    return stretches


def write_run(folder: Path, record: dict, **state: object) -> None:
    """Write run.json: the record, and how the run stands."""
    begun = json.loads((folder / "run.json").read_text()) if (folder / "run.json").exists() else {}
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    whole = {
        **record,
        "command": shlex.join(["python", "-m", f"tools.{Path(sys.argv[0]).stem}", *sys.argv[1:]]),
        "versions": versions(),
        "begun": begun.get("begun", now),
        **state,
    }
    runs.write_whole(folder / "run.json", json.dumps(whole, indent=1) + "\n")
