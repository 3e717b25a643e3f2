"""A run: its folder, and the record of it that the tools after training read.

A run folder holds the resolved prototxt, `metrics.jsonl`, `caffe.log`, `run.json` and the snapshots.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools import files, paths
from tools.cli import UserError
from tools.files import OWN_HASH
from tools.nets.network import Network
from tools.settings import Settings, from_json, given_settings, read_settings
from tools.songs.splits import check_fold
from tools.train.snapshots import marked_sha256, whole_snapshots
from tools.train.weights import named_by_hash

# What `make setup CAFFE=native` made, in the versions of run.json
NATIVE = "Debian bullseye, rebuilt for this processor"
# without which it is no record
KEYS = {
    "net": str,
    "split": str,
    "view": str,
    "dtype": str,
    "seed": int,
    "lmdb": dict,
    "data_fingerprint": str,
    "settings": dict,
    "genres": list,
    "label_names": list,
    "leaky": bool,  # null for the split given
    "dropout": list,
    "lr_steps": list,
    "prototxt": dict,
    "ranks": int,
    "gpu": list,
    "stretches": list,
    "versions": dict,
    "iteration": int,
}
PROTOTXT = {"train_val": str, "deploy": str, "solver": str}
ENTRY = {"path": str, "sha256": str, "records": int}  # of each LMDB
STRETCH = {"start": int, "ranks": int, "gpu": list}
BESIDE_RUN = {"build", "caffe", "gpu", "jobs"}  # settings that may stand beside RUN=, which tells all others


def run_folder(settings: Settings) -> Path:
    """Where the run of these settings lies, the network's own values filled in. UserError for a fold that is none."""
    check_fold(settings.split, settings.fold)
    settings, _ = named_by_hash(settings)
    network = Network(settings.net)
    return paths.run_folder(settings.build, settings.split_folder, network.run_name(network.resolve(settings)))


def add_run_option(parser: argparse.ArgumentParser, *other_names: str) -> None:
    parser.add_argument("--run", *other_names, type=Path, metavar="RUN", help="the folder of a run")


def stretches_to(record: dict[str, Any], iteration: int) -> list[dict[str, Any]]:
    """The stretches of a run that begin before ``iteration``: what its weights of then are made by."""
    return [stretch for stretch in record["stretches"] if stretch["start"] < iteration]


def ranks_to(record: dict[str, Any], iteration: int) -> int:
    """How many ranks trained a run's weights of ``iteration``, at the last: it may have gone on with others."""
    stretches = stretches_to(record, iteration)
    return stretches[-1]["ranks"] if stretches else record["ranks"]


def read_unchanged(folder: Path) -> dict[str, Any]:
    """The record of a run, for whoever goes by it. UserError also where it is not what was written."""
    record = read_run(folder)
    files.check_as_written(folder / "run.json", f"remove {folder} and train again")
    return record


def find_run(args: argparse.Namespace) -> tuple[Path, dict[str, Any], Settings]:
    """The folder, record and settings of the run that RUN= or the settings name.

    UserError where there is none, or settings stand beside RUN.
    """
    if args.run is None:
        settings = read_settings(args)
        folder = run_folder(settings)
        return folder, read_unchanged(folder), settings
    check_alone(args)
    record = read_unchanged(args.run)
    return args.run, record, settings_of(record, args.run)


def check_alone(args: argparse.Namespace) -> None:
    """UserError for settings beside RUN=."""
    beside = sorted(given_settings(args).keys() - BESIDE_RUN)
    if beside:
        raise UserError(
            f"{beside[0].upper()}= beside RUN={args.run}: a run has its own settings: leave one of the two out"
        )


def build_of(folder: Path, otherwise: Path) -> Path:
    """The build folder that a run lies in, as build/runs/<split>/<run>; a link to a run may lie anywhere.

    ``otherwise`` for a run that lies in none, as one from somebody else.
    """
    for path in (folder, folder.resolve()):
        if path.parent.parent.name == "runs" and len(path.parts) > 3:
            return path.parents[2]
    return otherwise


def read_run(folder: Path) -> dict[str, Any]:
    """The record of a run. UserError where there is no such run, or its record is not whole."""
    file = folder / "run.json"
    try:
        record = files.parse(file.read_text())
        if isinstance(record, dict) and "net" in record and "settings" not in record:
            raise UserError(f"{folder} is a run of an earlier form: type 'make clean', or name another BUILD")
        if not is_record(record):
            raise ValueError(f"a key of {', '.join(KEYS)} is missing")
        record.pop(OWN_HASH, None)  # what is made of it is another record
        return record
    except FileNotFoundError:
        net = folder.name.split("@")[0]
        raise UserError(f"{folder}: no such run: type 'make train NET={net}' with the same settings first") from None
    except ValueError:
        raise UserError(f"{file} is not whole: remove {folder} and train again") from None


def deploy_of(folder: Path, record: dict[str, Any]) -> Path:
    """The network of a run as it hears a clip. UserError unless it is the one that its record holds.

    A changed input layer, as `shift` to 0, would halve the accuracy without a word.
    """
    file = folder / "deploy.prototxt"
    if not file.is_file():
        raise UserError(f"{file} is missing: train again, or name another with RUN=")
    if file.read_text(errors="replace") != record["prototxt"]["deploy"]:
        raise UserError(f"{file} is not the network that was trained: put back the one in run.json, or train again")
    return file


def is_record(record: Any) -> bool:
    """Whether it has every key of `KEYS`, and in these, in the prototxt and the stretches what belongs there."""
    if isinstance(record, dict) and record.get("leaky", 0) is None:
        record = {**record, "leaky": False}
    return (
        is_of(record, KEYS)
        and all(isinstance(name, str) for name in record["label_names"])
        and is_of(record["prototxt"], PROTOTXT)
        and all(is_of(entry, ENTRY) for entry in record["lmdb"].values())
        and all(is_of(stretch, STRETCH) for stretch in record["stretches"])
    )


def is_of(value: Any, kinds: Mapping[str, type]) -> bool:
    """Whether a value is a dictionary with these keys, each of its kind."""
    return isinstance(value, dict) and all(isinstance(value.get(key), kind) for key, kind in kinds.items())


def settings_of(record: dict[str, Any], folder: Path) -> Settings:
    """The settings that a record holds. UserError where one is not allowed."""
    try:
        return from_json(record["settings"])
    except UserError as error:
        raise UserError(f"{folder / 'run.json'}: {error}") from None


def is_vote_of(summary: dict[str, Any], record: dict[str, Any], folder: Path) -> bool:
    """Whether a vote is of the run that stands in ``folder`` now, as far as can be told.

    Of the same LMDBs, and of the same weights while the snapshot is there that they would be in.
    """
    lmdbs = summary.get("lmdb_sha256", {})
    if any(record["lmdb"].get(part, {}).get("sha256") != sha256 for part, sha256 in lmdbs.items()):
        return False
    model = whole_snapshots(folder).get(summary["iteration"])
    if model is None or not isinstance(summary.get("caffemodel_sha256"), str):
        return True
    return marked_sha256(model) == summary["caffemodel_sha256"]
