"""Processes: followed to their end, ended with their parent, side by side, and on the hosts of a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import CHECKOUT

from tools import processes
from tools.cli import UserError
from tools.processes import child, last_words, lines_of, map_songs

# --- one --------------------------------------------------------------------------------------------------------------


def lines_of_script(script: str) -> list[str]:
    with child(["sh", "-c", script]) as process:
        return list(lines_of(process))


def test_every_line_of_a_child_is_heard():
    assert lines_of_script("for i in $(seq 5000); do echo $i; done") == [f"{i}\n" for i in range(1, 5001)]


def test_a_child_that_says_nothing_for_a_while_is_waited_for():
    assert lines_of_script("echo first; sleep 2; echo last") == ["first\n", "last\n"]


def test_a_child_has_ended_though_what_it_started_holds_its_output_open():
    with child(["sh", "-c", "sleep 600 & echo $!"]) as process:
        (line,) = lines_of(process)
        os.kill(int(line), signal.SIGKILL)  # it was still there
        assert process.wait() == 0


def test_a_child_ends_when_its_block_is_left():
    with child(["sleep", "600"]) as process:
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL


PARENT = """
from tools.processes import child
with child(["sleep", "600"]) as process:
    print(process.pid, flush=True)
    process.wait()
"""


def is_alive(process: int) -> bool:
    """Whether it runs: one that has ended and that nobody waits for has no command left."""
    try:
        return bool(Path(f"/proc/{process}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_ends_with_a_parent_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    number = int(parent.stdout.readline())
    assert is_alive(number)
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 20
    while is_alive(number):
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.01)


def test_a_child_finds_the_tools_and_keeps_caffe_quiet_where_it_is_asked_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = "import os, tools; print(os.environ.get('GLOG_minloglevel'))"
    for quiet, level in ((True, "2\n"), (False, "None\n")):
        with child([sys.executable, "-c", script], quiet=quiet) as process:
            assert process.communicate()[0] == level


def test_an_interrupt_calls_what_it_is_given_and_afterwards_what_it_did_before():
    heard = []
    before = signal.getsignal(signal.SIGTERM)
    with processes.interrupts_to(lambda number, _: heard.append(number)):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGTERM, signal.SIGINT]
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("", "it left no word"),
        ("I1125 20:00:01.000000  1 net.cpp:255] Network initialization done.\nKilled\n", "Killed"),
        (
            "F1125 20:00:00.000000  1 io.cpp:69] Check failed: No space left on device\n*** Check failure ***\n",
            "io.cpp:69] Check failed: No space left on device",
        ),
        ("Traceback (most recent call last):\nValueError: of this\n  an afterword\n", "ValueError: of this"),
    ],
)
def test_the_last_words_are_caffe_s_fatal_line_else_an_error_else_the_last_line(text, last):
    assert last_words(text) == last


def test_an_end_is_told_in_words():
    assert processes.ending(3) == "ended with status 3"
    assert processes.ending(-signal.SIGKILL) == "was killed by SIGKILL"


# --- songs side by side -----------------------------------------------------------------------------------------------

SLEEPY = """
import sys, time
from tools import cli, processes
print("begun", flush=True)
seconds, songs, at_once = eval(sys.argv[1])
cli.run("sleepy", lambda: len(processes.map_songs(time.sleep, [seconds] * songs, jobs=2, at_once=at_once)))
"""


def end_at_once(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def test_results_come_in_order():
    assert map_songs(pow, [2, 3, 4], [5, 6, 7], jobs=2) == [2**5, 3**6, 4**7]
    assert map_songs(pow, [], [], jobs=2) == []


def test_a_killed_process_is_an_error_of_one_line():
    with pytest.raises(UserError, match=r"^a process that read songs was killed.*lower JOBS.*$"):
        map_songs(end_at_once, range(10), jobs=2)


@pytest.mark.parametrize(("seconds", "songs", "at_once"), [(0.2, 500, False), (300, 2, True)])
def test_an_interrupt_takes_back_what_is_not_begun_and_kills_what_takes_minutes(seconds, songs, at_once):
    """500 songs of 0.2 s on 2 processes would be 50 s, 2 of 300 s five minutes."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPY, repr((seconds, songs, at_once))],
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


@pytest.mark.parametrize(("module", "name"), [("tools.convert", "make_lmdb"), ("tools.vote.baseline", "baseline")])
def test_no_process_at_all_is_refused(module, name, tool, tmp_path):
    done = tool(module, tmp_path, "--build", tmp_path, "--jobs", 0)
    assert (done.returncode, done.stderr) == (2, f"{name}: JOBS=0: give a whole number from 1\n")


# --- several hosts; that training and conversion run on two is shown by tests/two_hosts ------------------------------


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "hosts"
    file.write_text(text)
    return file


def test_hosts_have_their_slots_or_one(tmp_path):
    file = write(tmp_path, "# ours\nfirst slots=4\nsecond slots = 2 max_slots=8\n\nthird  # slow\n")
    assert processes.read_hostfile(file) == {"first": 4, "second": 2, "third": 1}


@pytest.mark.parametrize("text", ["", "# none\n", "first slots=\n", "first slots=x\n", "first slots=0\n", "a b\n"])
def test_a_hostfile_that_open_mpi_would_not_understand_is_refused(tmp_path, text):
    with pytest.raises(UserError, match="HOSTS="):
        processes.read_hostfile(write(tmp_path, text))


def test_a_missing_hostfile_is_named(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        processes.read_hostfile(tmp_path / "none")


def test_ranks_are_dealt_out_to_the_hosts_in_turn(tmp_path):
    assert processes.mpirun(2, None) == ["mpirun", "-n", "2", "--bind-to", "none"]
    assert processes.mpirun(2, tmp_path / "hosts")[-2:] == ["--map-by", "node"]
