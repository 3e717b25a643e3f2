"""How long a network takes to pass a batch forward and back, by `caffe time`, in several processes at once."""

from __future__ import annotations

import re
import subprocess
from contextlib import ExitStack
from typing import NamedTuple

from tools.cli import UserError
from tools.files import temporary_file
from tools.processes import child, last_words

SECONDS = 300  # the most that `caffe time` may take
AVERAGE = re.compile(r"Average (Forward pass|Forward-Backward): ([\d.e+-]+) ms")


class Pass(NamedTuple):
    """Seconds."""

    forward: float
    both: float  # forward and back


def time_passes(net: str, name: str, passes: int, processes: int) -> list[Pass]:
    """The mean over so many passes in each process; ``net`` is a prototxt of the phase TRAIN without an LMDB.

    UserError, which names it ``name``, where Caffe refuses it or takes too long.
    """
    with temporary_file(net, ".prototxt") as file, ExitStack() as stack:
        command = ["caffe", "time", "-model", str(file), "-phase", "TRAIN", "-iterations", str(passes)]
        children = [stack.enter_context(child(command, subprocess.PIPE)) for _ in range(processes)]
        try:
            logs = [process.communicate(timeout=SECONDS)[1] for process in children]
        except subprocess.TimeoutExpired:
            raise UserError(f"{name}: Caffe took over {SECONDS} s for a few passes: is the machine busy?") from None
    averages = [dict(AVERAGE.findall(log)) for log in logs]
    if not all(averages):
        raise UserError(f"{name}: Caffe could not run it: {last_words(logs[0])}")
    return [Pass(float(mean["Forward pass"]) / 1000, float(mean["Forward-Backward"]) / 1000) for mean in averages]
