"""Songs worked on side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import CHECKOUT

from tools.cli import UserError
from tools.processes import map_songs

SLEEPY = """
import time
from tools import cli, processes
print("begun", flush=True)
cli.run("sleepy", lambda: len(processes.map_songs(time.sleep, [0.2] * 500, jobs=2)))
"""


def end_at_once(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def test_results_come_in_order():
    assert map_songs(pow, [2, 3, 4], [5, 6, 7], jobs=2) == [2**5, 3**6, 4**7]
    assert map_songs(pow, [], [], jobs=2) == []


def test_a_killed_process_is_an_error_of_one_line():
    with pytest.raises(UserError, match=r"^a process that was reading songs was killed.*lower JOBS.*$"):
        map_songs(end_at_once, range(10), jobs=2)


def test_an_interrupt_takes_back_what_is_not_begun():
    """500 songs of 0.2 s on 2 processes would be 50 s."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPY],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    process.stdout.readline()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=40)
    assert process.returncode == 130
    assert "interrupted" in said
    assert time.monotonic() - began < 20


def test_no_process_at_all_is_refused(tool, synthetic_songs, tmp_path):
    for name in ("make_lmdb", "baseline"):
        seen = tool(f"tools.{name}", synthetic_songs, "--build", tmp_path, "--jobs", 0)
        assert seen.returncode == 2
        assert "invalid positive value: '0'" in seen.stderr
