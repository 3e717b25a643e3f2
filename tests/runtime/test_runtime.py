"""The runtime is genuine Caffe, with its traps defused, and hands on exit codes and signals."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import caffe
import google.protobuf
import numpy as np
import pytest
from conftest import CHECKOUT


def test_it_is_caffe_1_0_with_python_packages_that_it_works_with():
    assert caffe.__version__ == "1.0.0"
    assert google.protobuf.__version__ == "3.20.3"
    assert np.__version__.startswith("1.")
    assert {"Data", "LSTM", "LRN", "Reduction"} <= set(caffe.layer_type_list())


def test_blas_has_one_thread_a_process_and_no_empty_core_type():
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert os.environ.get("OPENBLAS_CORETYPE") != ""


def test_python_packages_are_those_of_the_lock_file():
    seen = subprocess.run(
        ["python3", "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    installed = {line.lower().replace("_", "-") for line in seen.stdout.splitlines()}
    wanted = [line.split()[0] for line in (CHECKOUT / "requirements.lock").read_text().splitlines() if "==" in line]
    assert len(wanted) > 30
    assert not [package for package in wanted if package.split(";")[0].lower() not in installed]


@pytest.mark.parametrize("lock", ["requirements.lock", "tools/runtime/requirements-tests.lock"])
def test_every_locked_package_has_a_hash(lock: str):
    lines = (CHECKOUT / lock).read_text().splitlines()
    packages = [number for number, line in enumerate(lines) if "==" in line]
    assert all("--hash=sha256:" in lines[number + 1] for number in packages)


def test_a_build_folder_that_can_not_be_written_is_refused_in_one_line(tmp_path: Path):
    run = tmp_path / "tools" / "runtime" / "run"
    run.parent.mkdir(parents=True)
    shutil.copy(CHECKOUT / "tools" / "runtime" / "run", run)
    (tmp_path / "build").touch()
    surroundings = {name: value for name, value in os.environ.items() if name != "BUILD"}
    seen = subprocess.run([run, "true"], env=surroundings, capture_output=True, text=True)
    assert seen.returncode == 1
    assert re.fullmatch(rf"run: {tmp_path}/build can't be written by uid \d+: .*\n", seen.stderr)


@pytest.mark.skipif(not (CHECKOUT / ".caffe" / "root").exists(), reason="Caffe is installed here: there is no sandbox")
class TestSandbox:
    def test_nothing_outside_the_checkout_can_be_written(self):
        with pytest.raises(OSError, match="Read-only"):
            open("/usr/here", "w")  # noqa: SIM115, PTH123

    @pytest.mark.skipif(not os.environ.get("GTZAN"), reason="GTZAN= is not set: there is no data to write to")
    def test_the_songs_can_be_read_and_not_written(self):
        songs = Path(os.environ["GTZAN"])
        assert any(songs.iterdir())
        with pytest.raises(OSError, match="Read-only"):
            (songs / "here").write_text("")

    def test_there_is_no_capability_and_the_settings_of_the_kernel_can_not_be_written(self):
        status = Path("/proc/self/status").read_text()
        assert re.findall(r"^Cap(?:Inh|Prm|Eff|Amb):\s*0*$", status, re.MULTILINE)
        with pytest.raises(OSError, match="Read-only|denied"):
            Path("/proc/sys/kernel/domainname").write_text("")

    def test_what_python_and_numba_keep_has_a_folder_that_can_be_written(self):
        for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"):
            Path(os.environ[name]).mkdir(parents=True, exist_ok=True)
            assert os.access(os.environ[name], os.W_OK)

    def test_only_loopback_is_there(self):
        assert [name for _, name in socket.if_nameindex()] == ["lo"]

    def test_there_is_no_network(self):
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
