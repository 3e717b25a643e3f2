"""A build folder with genuine runs and votes of a few iterations, for the tests of the report: made once a process."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
# net, split, iterations, what else
RUNS = (
    ("complex_cnn", "song", 2, ()),
    ("complex_cnn", "clip", 2, ()),
    ("complex_cnn", "song", 2, ("--dtype", "int")),
    ("lstm", "song", 2, ()),
)


def run_tool(module: str, *arguments: object) -> str:
    """Run a tool where Caffe is, from inside the runtime or outside; returns what it printed."""
    inside = importlib.util.find_spec("caffe") is not None
    python = [sys.executable] if inside else [str(CHECKOUT / "tools/runtime/run"), "python3"]
    command = [*python, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def new_build() -> Path:
    """An empty build folder inside the checkout, where the runtime sees it; removed at the end."""
    (CHECKOUT / "build").mkdir(exist_ok=True)
    build = Path(tempfile.mkdtemp(dir=CHECKOUT / "build", prefix="test-report-"))
    atexit.register(shutil.rmtree, build, ignore_errors=True)
    return build


@cache
def empty_build() -> Path:
    """A build folder with a report, made of nothing."""
    build = new_build()
    run_tool("tools.report", "--build", build)
    return build


@cache
def filled_build() -> Path:
    """A build folder with songs, LMDBs, the runs of RUNS with their votes, and the report of them."""
    build = new_build()
    run_tool("tools.songs.synthetic", "--out", build / "synthetic" / "genres", "--songs", 5)
    songs = build / "synthetic" / "genres"
    run_tool("tools.convert", songs, "--split", "song", "--views", "cnn", "lstm", "--build", build)
    run_tool("tools.convert", songs, "--split", "clip", "--views", "cnn", "--dtypes", "float", "--build", build)
    for net, split, iterations, options in RUNS:
        named = ["--net", net, "--split", split, *options, "--build", build]
        run_tool("tools.train", *named, "--iters", iterations, "--ranks", 1)
        run_tool("tools.vote", *named, "--iteration", iterations)
    run_tool("tools.report", "--build", build)
    return build
