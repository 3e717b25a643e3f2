"""Which Caffe this is, with which BLAS, on which devices: one line, after Caffe has computed something right on each.

`python -m tools.runtime.health` ends with exit code 2 where it computes wrong or not at all.
"""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from tools import cli, files, paths, processes
from tools.cli import UserError, run
from tools.runtime import gpu

# y = 2 (x1 + x2 + x3) + 1: small, and wrong as soon as the BLAS or a CUDA kernel is
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer {
  name: "y" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param {
    num_output: 4
    weight_filler { type: "constant" value: 2 }
    bias_filler { type: "constant" value: 1 }
  }
}
"""


def blas(extension: Path) -> str:
    """The BLAS that Caffe (not NumPy, which brings its own) calls, as 'OpenBLAS 0.3.13 SkylakeX, threads 1'."""
    library = ctypes.CDLL(str(extension))
    # The native Caffe calls an OpenBLAS whose names have a prefix.
    prefix = next((p for p in ("scipy_openblas", "openblas") if hasattr(library, f"{p}_get_config")), None)
    if prefix is None:
        return "not OpenBLAS"
    config, corename = (getattr(library, f"{prefix}_get_{what}") for what in ("config", "corename"))
    config.restype = corename.restype = ctypes.c_char_p
    release = re.search(r"OpenBLAS [\d.]+", config().decode())
    threads = getattr(library, f"{prefix}_get_num_threads")()
    return f"{release.group() if release else 'OpenBLAS'} {corename().decode()}, threads {threads}"


def caffe_on(device: int | None) -> ModuleType:
    """pycaffe, set to compute on a GPU, or on the CPU for None."""
    import caffe

    if device is None:
        caffe.set_mode_cpu()
    else:
        caffe.set_device(device)
        caffe.set_mode_gpu()
    return caffe


def compute(device: int | None) -> None:
    """Run a small network on a GPU, or on the CPU for None. UserError where its output is wrong."""
    caffe = caffe_on(device)
    with files.temporary_file(NET, ".prototxt") as prototxt:
        net = caffe.Net(str(prototxt), caffe.TEST)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    y = net.forward(x=x)["y"]
    if not np.array_equal(y, np.repeat(2 * x.sum(axis=1, keepdims=True) + 1, 4, axis=1)):
        raise UserError(f"{name(device)}: Caffe computes wrong: {y.tolist()}")


def name(device: int | None) -> str:
    return "CPU" if device is None else f"GPU {device}"


def check(device: int | None) -> None:
    """`compute` in a child process, since Caffe ends the process that it fails in. UserError where it fails."""
    command = [sys.executable, "-m", "tools.runtime.health", "--compute", "cpu" if device is None else str(device)]
    child = subprocess.run(command, cwd=paths.CHECKOUT, capture_output=True, text=True)
    if child.returncode:
        words = [line for line in child.stderr.splitlines() if line.startswith("F") or "health: " in line]
        raise UserError(f"{name(device)}: Caffe can't compute there: {(words or [child.stderr.strip()])[-1]}")


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--compute", metavar="cpu|N", help="only compute on this device (health's own child)")
    wanted = parser.parse_args().compute
    if wanted is not None:
        compute(None if wanted == "cpu" else int(wanted))
        return

    extension = gpu.caffe_extension()
    answer = gpu.ask()
    devices = [f"CPU ({processes.processor()}, cores {processes.cores()})"]
    devices += [f"GPU {g.index} ({g.name}, {g.capability})" for g in answer.gpus]
    for device in [None, *(g.index for g in answer.gpus)]:
        check(device)

    import caffe

    built = f"CUDA {answer.cuda}" if answer.cuda else "CPU only"
    print(f"Caffe {caffe.__version__} ({built}) | BLAS {blas(extension)} | computes right on {', '.join(devices)}")
    if not answer.gpus:
        print(f"No GPU: {answer.reason}")


if __name__ == "__main__":
    run("health", main)
