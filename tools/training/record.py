"""run.json: what a run is of, with what, on how many ranks and how far; and that it is never continued as another."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import caffe
import numpy as np

from tools import runs
from tools.cli import UserError
from tools.parameters import Parameters


def check_same_run(folder: Path, record: dict) -> None:
    """UserError where the folder holds a run that began with other data or settings: it is never continued."""
    if not (folder / "run.json").exists():
        return
    begun = runs.read_run(folder)
    # A run may have begun before a parameter was there, which it then had the default of
    begun["features"] = {**asdict(Parameters()), **begun.get("features", {})}
    for key, value in json.loads(json.dumps(record)).items():
        if begun.get(key) != value:
            what = {"lmdb": "other LMDBs", "data_fingerprint": "other data", "prototxt": "another prototxt"}
            raise UserError(f"{folder} was begun with {what.get(key, f'another {key}')}: remove it to train afresh")


def caffe_package() -> str:
    """Which build of Caffe this is: Debian's binary, the one that `make setup CAFFE=native` made, or another."""
    if os.environ.get("CAFFE") == "native":
        return runs.NATIVE
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
