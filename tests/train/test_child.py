"""The process that Caffe runs in, followed to its end."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tools.train import child


def lines_of(script: str) -> list[str]:
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        return list(child.lines_of(process))


def test_every_line_of_a_child_is_heard():
    assert lines_of("for i in $(seq 5000); do echo $i; done") == [f"{i}\n" for i in range(1, 5001)]


def test_a_child_that_says_nothing_for_a_while_is_waited_for():
    assert lines_of("echo first; sleep 3; echo last") == ["first\n", "last\n"]


def test_a_child_has_ended_though_what_it_started_holds_its_output_open():
    command = ["sh", "-c", "sleep 600 & echo $!"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    (line,) = child.lines_of(process)
    os.kill(int(line), signal.SIGKILL)  # it was still there
    assert process.wait() == 0


def test_the_last_words_are_of_this_training_not_of_an_earlier_one(tmp_path: Path):
    log = tmp_path / "caffe.log"
    log.write_text("F1125 20:00:00.000000  1 io.cpp:69] Check failed: No space left on device\n")
    begun = log.stat().st_size
    assert child.last_words(log, begun) == "it left no word"
    with log.open("a") as stream:
        stream.write("I1125 20:00:01.000000  1 net.cpp:255] Network initialization done.\nKilled\n")
    assert child.last_words(log, begun) == "Killed"
    assert child.last_words(log, 0) == "io.cpp:69] Check failed: No space left on device"
