"""The GPUs that Caffe can use, asked of the CUDA that this Caffe is linked with; and why there is none.

    python -m tools.runtime.gpu                   prints what CUDA answers, as JSON
    python -m tools.runtime.gpu --require 0,1     says nothing, or in one line why these GPUs can't be used: exit code 2

CUDA is asked in a child process: a broken driver may end whoever asks, and a process that has once started CUDA can't
hand it on to the children that it forks.
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools import cli, paths
from tools.cli import UserError

# cudaError_t of CUDA 11 (driver_types.h)
SUCCESS, INSUFFICIENT_DRIVER, NO_DEVICE = 0, 35, 100
COMPUTE_CAPABILITY = (75, 76)  # cudaDeviceAttr, major and minor
# cudaDeviceProp begins with char name[256] and is far shorter than this in every release
DEVICE_PROPERTIES_BYTES = 4096

HOW_TO_PASS_ONE = "`docker run --gpus all` (the host needs NVIDIA's driver and container toolkit)"
OR_CPU = "or leave GPU= empty for the CPU"
WITHOUT_CUDA = (
    "this Caffe was built without CUDA: build the GPU image (make docker-gpu) and pass it the GPU with "
    f"{HOW_TO_PASS_ONE}, {OR_CPU}"
)
NOT_VISIBLE = f"no GPU is visible: pass one with {HOW_TO_PASS_ONE}, {OR_CPU}"


@dataclass(frozen=True)
class Gpu:
    """One device: its number as in GPU=0,1, its name, and its compute capability, as '8.6'."""

    index: int
    name: str
    capability: str


@dataclass(frozen=True)
class Answer:
    """What CUDA said: its version ('11.2', None without CUDA), the GPUs, and the reason where there is none."""

    cuda: str | None
    gpus: list[Gpu] = field(default_factory=list)
    reason: str | None = None


def caffe_extension() -> Path:
    """pycaffe's extension module, by which libcaffe and all that it is linked with can be reached."""
    package = importlib.util.find_spec("caffe")
    if package is None or not package.submodule_search_locations:
        raise UserError("there is no Caffe here: type 'make setup'")
    return next(Path(package.submodule_search_locations[0]).glob("_caffe*.so"))


def ask_cuda(extension: Path) -> Answer:
    """Ask, in this process, the CUDA runtime that ``extension`` is linked with."""
    # A symbol is searched for in all that the library depends on, so this is the very CUDA that Caffe calls.
    library = ctypes.CDLL(str(extension))
    if not hasattr(library, "cudaGetDeviceCount"):
        return Answer(cuda=None, reason=WITHOUT_CUDA)
    # libcudart.so.11.2.152, loaded by this process, is 11.2: cudaRuntimeGetVersion fails without a driver.
    cuda = re.findall(r"/libcudart\.so\.(\d+\.\d+)", Path("/proc/self/maps").read_text())[0]
    error, count = number_from(library.cudaGetDeviceCount)
    if error != SUCCESS or count == 0:
        return Answer(cuda, reason=why_none(library, error, cuda))
    return Answer(cuda, [describe(library, index) for index in range(count)])


def number_from(function: Callable[..., int], *arguments: int) -> tuple[int, int]:
    """The error that a function of CUDA returns, and the number that it writes to its first argument."""
    number = ctypes.c_int(0)
    return function(ctypes.byref(number), *arguments), number.value


def why_none(library: ctypes.CDLL, error: int, cuda: str) -> str:
    """One line for what cudaGetDeviceCount returned, with the way out."""
    _, driver = number_from(library.cudaDriverGetVersion)  # 11020 is 11.2; 0 where there is no driver
    if error == INSUFFICIENT_DRIVER and driver:
        serves = f"{driver // 1000}.{driver % 1000 // 10}"
        return f"the driver serves CUDA {serves} at most, but Caffe needs {cuda}: update the driver"
    if error in (SUCCESS, INSUFFICIENT_DRIVER, NO_DEVICE):
        return NOT_VISIBLE
    library.cudaGetErrorString.restype = ctypes.c_char_p
    words = library.cudaGetErrorString(error).decode()
    return f"CUDA can't use the GPU ({words}): see what nvidia-smi says, {OR_CPU}"


def describe(library: ctypes.CDLL, index: int) -> Gpu:
    properties = ctypes.create_string_buffer(DEVICE_PROPERTIES_BYTES)
    library.cudaGetDeviceProperties(properties, index)
    capability = [str(number_from(library.cudaDeviceGetAttribute, part, index)[1]) for part in COMPUTE_CAPABILITY]
    return Gpu(index, properties.value.decode(errors="replace"), ".".join(capability))


def ask() -> Answer:
    """Ask in a child process, whatever may become of it."""
    command = [sys.executable, "-m", "tools.runtime.gpu"]
    child = subprocess.run(command, cwd=paths.CHECKOUT, capture_output=True, text=True)
    try:
        said = json.loads(child.stdout)
        return Answer(said["cuda"], [Gpu(**gpu) for gpu in said["gpus"]], said["reason"])
    except (ValueError, KeyError):
        words = (child.stderr.strip().splitlines() or [f"exit code {child.returncode}"])[-1]
        return Answer(cuda=None, reason=f"asking CUDA for its GPUs failed ({words}): leave GPU= empty for the CPU")


def require(wanted: Sequence[int]) -> None:
    """UserError, in one line that says how to pass a GPU, unless all of the ``wanted`` ones are there."""
    answer = ask()
    present = [gpu.index for gpu in answer.gpus]
    absent = [index for index in wanted if index not in present]
    if absent:
        reason = answer.reason or f"there is no GPU {absent[0]} here, only {', '.join(map(str, present))}"
        raise UserError(f"GPU={','.join(map(str, wanted))}: {reason}")


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--require", metavar="N,N", type=numbers, help="exit code 2 unless these GPUs are there")
    wanted = parser.parse_args().require
    if wanted is None:
        print(json.dumps(asdict(ask_cuda(caffe_extension()))))
    else:
        require(wanted)


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    cli.run("gpu", main)
