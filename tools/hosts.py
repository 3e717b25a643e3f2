"""Several processes, here or on several hosts, by Open MPI: what a hostfile says, and how mpirun is called.

On another host the same checkout lies at the same path, on a file system that all of them share: `tools/runtime/run`
starts Open MPI's daemon there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tools.cli import UserError


def read_hostfile(file: Path) -> dict[str, int]:
    """Each host of an Open MPI hostfile and its slots, 1 where the file gives none.

    Raises UserError for a file that is missing, names no host, or has a line that Open MPI would not understand.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UserError(f"HOSTS={file}: {reason}: give a file with a line 'HOST slots=N' for each host") from None
    hosts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        host, *settings = line.partition("#")[0].replace(" =", "=").replace("= ", "=").split() or [""]
        values = dict(setting.partition("=")[::2] for setting in settings)
        slots = values.pop("slots", "1")
        if set(values) - {"max_slots", "max-slots"} or not slots.isdecimal() or slots == "0" or "=" in host:
            raise UserError(f"HOSTS={file}, line {number}: '{line.strip()}' is not 'HOST slots=N': mend that line")
        if host:
            hosts[host] = hosts.get(host, 0) + int(slots)
    if not hosts:
        raise UserError(f"HOSTS={file}: it names no host: give a line 'HOST slots=N' for each")
    return hosts


def mpirun(processes: int, hostfile: Path | None) -> list[str]:
    """How mpirun is called; over hosts the processes are dealt out in turn, so that each has its share."""
    command = ["mpirun", "-n", str(processes), "--bind-to", "none"]
    return command if hostfile is None else [*command, "--hostfile", str(hostfile), "--map-by", "node"]


def become_pool(hostfile: Path, module: str, arguments: list[str]) -> None:
    """Start ``python -m module arguments`` anew in place of this process, with a worker for every slot of the hosts.

    There `mpi4py.futures.MPIPoolExecutor` finds them; the module itself runs in one further process, on the first host.
    """
    command = [*mpirun(1 + sum(read_hostfile(hostfile).values()), hostfile), "--quiet"]
    command += [sys.executable, "-m", "mpi4py.futures", "-m", module, *arguments]
    sys.stdout.flush()
    os.execvp(command[0], command)


def world_size() -> int:
    """How many processes mpirun started this one with; 1 where it did not."""
    return int(os.environ.get("OMPI_COMM_WORLD_SIZE", "1"))
