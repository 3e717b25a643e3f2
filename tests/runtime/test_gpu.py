"""What tools.runtime.gpu says, beside what the dynamic linker and nvidia-smi say of the same machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CHECKOUT

from tools.cli import UserError
from tools.runtime import gpu


def cuda_runtime() -> Path | None:
    """The CUDA runtime that the dynamic linker finds for Caffe; None where Caffe is built without CUDA."""
    listed = subprocess.run(["ldd", str(gpu.caffe_extension())], capture_output=True, text=True, check=True).stdout
    paths = [line.split()[2] for line in listed.splitlines() if "libcudart" in line]
    return Path(paths[0]).resolve() if paths else None


def linked_with_cuda() -> bool:
    return cuda_runtime() is not None


def gpus_by_nvidia_smi() -> int:
    if shutil.which("nvidia-smi") is None:
        return 0
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True).stdout
    return sum(line.startswith("GPU ") for line in listed.splitlines())


def test_cuda_is_reported_exactly_where_caffe_is_linked_with_it():
    assert (gpu.ask().cuda is not None) == linked_with_cuda()


def test_the_release_of_cuda_is_known_though_there_is_no_driver():
    said = gpu.ask().cuda
    assert said is None or cuda_runtime().name.startswith(f"libcudart.so.{said}.")


def test_the_gpus_of_a_caffe_with_cuda_are_those_of_nvidia_smi():
    expected = gpus_by_nvidia_smi() if linked_with_cuda() else 0
    assert [device.index for device in gpu.ask().gpus] == list(range(expected))


def test_the_reason_tells_a_caffe_without_cuda_from_a_machine_without_a_gpu():
    answer = gpu.ask()
    if answer.gpus:
        assert answer.reason is None
    elif linked_with_cuda():
        assert "no GPU is visible" in answer.reason
    else:
        assert "built without CUDA" in answer.reason


def test_no_gpu_wanted_is_always_granted():
    gpu.require([])


def test_an_absent_gpu_is_refused_in_one_line_that_names_the_setting_and_the_way_out():
    with pytest.raises(UserError) as refusal:
        gpu.require([0, 4095])
    message = str(refusal.value)
    assert message.startswith("GPU=0,4095: ")
    assert "\n" not in message
    if not gpu.ask().gpus:
        assert "--gpus all" in message and "GPU= empty" in message


def test_asking_does_not_start_cuda_in_the_process_that_asks():
    # A process of its own: where Caffe has CUDA, other tests here have loaded it with Caffe.
    ask = "from pathlib import Path; from tools.runtime import gpu; gpu.ask(); "
    ask += "print(Path('/proc/self/maps').read_text())"
    seen = subprocess.run([sys.executable, "-c", ask], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert "python3" in seen.stdout
    assert "libcudart" not in seen.stdout


def test_a_caffe_that_can_not_be_loaded_is_a_reason_and_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "caffe"
    broken.mkdir()
    (broken / "__init__.py").touch()
    (broken / "_caffe.so").write_bytes(b"not a library")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    answer = gpu.ask()
    assert answer.gpus == []
    assert "asking CUDA for its GPUs failed" in answer.reason and "\n" not in answer.reason
