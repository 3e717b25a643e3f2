"""The health line, beside what Caffe's own command and the environment say."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import CHECKOUT

from tools.cli import UserError
from tools.runtime import health


def health_line(**environment: str) -> str:
    command = [sys.executable, "-m", "tools.runtime.health"]
    surroundings = {**os.environ, **environment}
    child = subprocess.run(command, cwd=CHECKOUT, env=surroundings, capture_output=True, text=True, check=True)
    return child.stdout.splitlines()[0]


@pytest.fixture(scope="module")
def line() -> str:
    return health_line()


def test_the_line_names_the_release_that_the_caffe_command_names(line):
    said = subprocess.run(["caffe", "--version"], capture_output=True, text=True, check=True).stdout
    release = said.split("version")[1].split()[0]
    assert line.startswith(f"Caffe {release} (")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="names a kernel of x86-64")
def test_the_line_names_the_blas_kernels_that_the_environment_asks_for(line):
    assert "OpenBLAS" in line
    assert " Prescott, threads 1 " in health_line(OPENBLAS_CORETYPE="Prescott", OPENBLAS_NUM_THREADS="1")


def test_the_line_names_the_processor_that_caffe_computed_on(line):
    assert "computes right on CPU (" in line


def test_a_device_that_is_not_there_is_one_line_though_caffe_itself_ends_the_process():
    with pytest.raises(UserError) as refusal:
        health.check(4095)
    assert str(refusal.value).startswith("GPU 4095: Caffe can't compute there: ")
    assert "\n" not in str(refusal.value)
