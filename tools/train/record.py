"""run.json: what a run is of, with what, on how many ranks and how far; and that it is never continued as another."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

import caffe
import numpy as np

from tools import cli, files, settings
from tools.cli import UserError
from tools.settings import FOLDER, LMDB, RUN
from tools.train import runs

# Fields of a prototxt that name a file
PLACES = re.compile(r'\b((?:source|net|snapshot_prefix): )"(?:[^"\\]|\\.)*"')


def check_same_run(folder: Path, record: dict[str, Any]) -> None:
    """UserError where the folder holds a run that began with other data or settings: it is never continued."""
    if not (folder / "run.json").exists():
        return
    begun = runs.read_unchanged(folder)
    check_same_caffe(folder, begun)
    # A fingerprint may be of an earlier form: the LMDBs' hashes tell whether the songs are the same. Of the features
    # the settings say all; in a run from before one was added it has its default.
    for key, value in json.loads(json.dumps(record)).items():
        if key not in ("data_fingerprint", "features") and lasting(key, begun.get(key)) != lasting(key, value):
            what = {"lmdb": "other LMDBs", "prototxt": "another prototxt", "settings": "other settings"}
            raise UserError(f"{folder} was begun with {what.get(key, f'another {key}')}: remove it to train afresh")


def check_same_caffe(folder: Path, begun: dict) -> None:
    """UserError where Debian's Caffe would go on with a run of the native one, or the other way round."""
    was_native = begun["versions"].get("caffe_package") == runs.NATIVE
    if was_native != (caffe_package() == runs.NATIVE):
        setting = "CAFFE=native" if was_native else "CAFFE=stock"
        raise UserError(f"{folder} was begun with another build of Caffe: say {setting}, or remove it to train afresh")


def lasting(key: str, value: Any) -> Any:
    """The value of a record under ``key``, without paths of files, and without how far and where a run is trained."""
    if key == "settings" and value:
        return settings.from_json(value).differences(FOLDER, LMDB, RUN)
    if key == "lmdb" and value:
        return {part: {name: said for name, said in entry.items() if name != "path"} for part, entry in value.items()}
    if key == "prototxt" and value:
        return {name: PLACES.sub(r"\1", text) for name, text in value.items()}
    return value


@cache
def caffe_package() -> str:
    """Which build of Caffe this is: Debian's, with or without CUDA, that of `make setup CAFFE=native`, or another."""
    if os.environ.get("CAFFE") == "native":
        return runs.NATIVE
    try:
        asked = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${Version}", "caffe"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "another build"
    return "Debian bullseye, rebuilt with CUDA" if "cuda" in asked.stdout else "Debian bullseye"


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
    stretches = [stretch for stretch in begun.get("stretches", []) if stretch["start"] < start]
    new = {"ranks": ranks, "gpu": gpus, "openblas_coretype": versions()["openblas_coretype"]}
    if not stretches or {**stretches[-1], **new} != stretches[-1]:
        stretches.append({"start": start, **new})
    return stretches


def write_run(folder: Path, record: dict[str, Any], **state: Any) -> None:
    """Write run.json: the record, and how the run stands."""
    begun = files.read_dict(folder / "run.json")
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    whole = {
        **record,
        "command": cli.command_line(),
        "versions": versions(),
        "begun": begun.get("begun", now),
        **state,
    }
    files.write_record(folder / "run.json", whole)
