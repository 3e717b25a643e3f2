"""The machine that was measured. Its vectors say most of how fast it is, so that each kind has tables of its own."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import NamedTuple

from tools import processes
from tools.bench.measurements import Measurements
from tools.cli import UserError

VECTORS = {"avx2": "AVX2", "avx512f": "AVX-512"}  # as Linux calls them, the narrowest first


class Machine(NamedTuple):
    """A processor, which of `VECTORS` it has, and how many of its cores can be used."""

    processor: str
    vectors: list[str]
    cores: int

    @property
    def kind(self) -> str:
        """The widest of its vectors, as avx2; its family, as aarch64, where it has none of `VECTORS`."""
        return (self.vectors or [platform.machine()])[-1]

    @property
    def title(self) -> str:
        return f"{VECTORS.get(self.kind, self.kind)}: {self.cores} cores of {self.processor}"


def machine_of(bench: Path) -> Machine:
    """The machine that a folder's measurements are of. UserError where nothing has been measured."""
    lines = Measurements(bench, "machine").lines()
    if not lines:
        raise UserError(f"{bench}: nothing has been measured there: type 'make bench'")
    return Machine(**lines[-1])


def record_machine(bench: Path) -> None:
    """Note that this machine is measured. UserError where the measurements there are of another."""
    flags = Path("/proc/cpuinfo").read_text().split()
    here = Machine(processes.processor(), [name for name in VECTORS if name in flags], processes.cores())
    machine = Measurements(bench, "machine")
    if not machine.lines():
        machine.add(**here._asdict())
    if machine_of(bench) != here:
        raise UserError(f"{bench} was measured on {machine_of(bench).title}: remove it, or name another BUILD=")
