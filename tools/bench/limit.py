"""What the processor can do at best: GFLOP/s of a large sgemm, by the BLAS of each Caffe, on one core and on all.

    python -m tools.bench.limit --round 0

Caffe's own figure stands in the training measurements. On all cores there is a process a core with one BLAS thread,
as there is with ranks.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from tools import cli, paths, processes
from tools.bench.measurements import Measurements
from tools.bench.training import NATIVE, caffes, environment

SIZE = 1024
SECONDS = 1.5
# The library that a Caffe calls, and what stands before its names
LIBRARIES = {"stock": ("libopenblas.so.0", ""), "native": (str(NATIVE / "libscipy_openblas.so"), "scipy_")}
ROW_MAJOR, NOT_TRANSPOSED = 101, 111  # of CBLAS


def sgemm_gflops(build: str) -> float:
    """GFLOP/s of this process, on one thread."""
    name, prefix = LIBRARIES[build]
    sgemm = getattr(ctypes.CDLL(name), f"{prefix}cblas_sgemm")
    matrices = [np.ones((SIZE, SIZE), np.float32) for _ in range(3)]
    a, b, c = (matrix.ctypes.data_as(ctypes.c_void_p) for matrix in matrices)
    one, zero = ctypes.c_float(1), ctypes.c_float(0)

    def multiply() -> None:
        sgemm(ROW_MAJOR, NOT_TRANSPOSED, NOT_TRANSPOSED, *[SIZE] * 3, one, a, SIZE, b, SIZE, zero, c, SIZE)

    multiply()
    times, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        multiply()
        times += 1
    return times * 2 * SIZE**3 / (time.perf_counter() - began) / 1e9


def on_processes(build: str, number: int) -> float:
    """The sum of the GFLOP/s of so many processes at once."""
    command = [sys.executable, "-m", "tools.bench.limit", "--child", build]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(number)]
    return sum(float(child.communicate()[0]) for child in children)


def main() -> None:
    parser = cli.Parser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--round", type=int, default=0)
    parser.add_argument("--child", choices=LIBRARIES, help="only measure, and print the figure")
    parser.add_argument("--build", type=Path, default=paths.BUILD)
    args = parser.parse_args()
    if args.child:
        print(sgemm_gflops(args.child))
        return
    measurements = Measurements(args.build / "bench", "limit")
    for build in caffes():
        for number in (1, processes.cores()):
            on = {"round": args.round, "caffe": build, "processes": number}
            if not measurements.lines(**on):
                with environment(build):
                    measurements.add(**on, gflops=on_processes(build, number))


if __name__ == "__main__":
    cli.run("bench", main)
