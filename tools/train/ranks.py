"""Where a training runs: on how many MPI ranks, and on which GPUs and hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import paths
from tools.cli import UserError


@dataclass(frozen=True)
class Ranks:
    """Where Caffe runs: how many MPI ranks, on which GPUs of each host (none: the CPU), on the hosts of which file."""

    number: int
    gpus: list[int]
    hostfile: Path | None


def parse_gpus(text: str) -> list[int]:
    """``"0,1"`` as [0, 1], nothing as []. UserError where it is no such list, or where one of the GPUs is not there."""
    if not text.strip():
        return []
    if not re.fullmatch(r"\d+(,\d+)*", text.strip()):
        raise UserError(f"GPU={text}: give the numbers of the GPUs, as GPU=0 or GPU=0,1, or nothing for the CPU")
    command = [sys.executable, "-m", "tools.runtime.gpu", "--require", text.strip()]
    child = subprocess.run(command, cwd=paths.CHECKOUT, capture_output=True, text=True)
    if child.returncode:
        raise UserError(child.stderr.strip().splitlines()[-1].removeprefix("gpu: "))
    return [int(number) for number in text.split(",")]


def choose_ranks(
    wanted: int | None, batch: int, gpus: list[int], slots: dict[str, int] | None = None, least: int = 1
) -> int:
    """The number of MPI ranks: on each host (``slots``, None: this one) one a GPU, otherwise one a slot or core.

    Where none is wanted, no more than leave each ``least`` clips of the batch.
    UserError where the batch, or the GPUs, do not go with the wanted number.
    """
    on_gpus = len(gpus) * len(slots or [""])
    if gpus and wanted not in (None, on_gpus):
        raise UserError(f"RANKS={wanted}: with GPU={','.join(map(str, gpus))} there is a rank per GPU: leave RANKS out")
    if gpus:
        wanted = on_gpus
    if wanted is None:
        most = sum(slots.values()) if slots else len(os.sched_getaffinity(0))
        return max(
            ranks for ranks in range(1, most + 1) if batch % ranks == 0 and (batch // ranks >= least or ranks == 1)
        )
    if wanted < 1 or batch % wanted:
        raise UserError(
            f"RANKS={wanted}: the batch of {batch} clips does not divide into that many: choose another BATCH or RANKS"
        )
    return wanted
