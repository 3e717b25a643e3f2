"""What tests share: a small data set made by the project's own tools, and a way to run a tool as a user does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The first draw scans all installed packages for constants, which takes seconds and is no fault of a test.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# Started in the background by a shell, the tests would ignore SIGINT, and so would the tools that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

CHECKOUT = Path(__file__).resolve().parent.parent


def run_module(module: str, *arguments: object, **options: object) -> subprocess.CompletedProcess:
    """Run ``python -m MODULE ARGUMENT...`` from the checkout and return what it printed and its exit code."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        **options,
    )


@pytest.fixture(scope="session")
def tool() -> Callable[..., subprocess.CompletedProcess]:
    return run_module


@pytest.fixture(scope="session")
def synthetic_songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of 5 synthetic songs a genre."""
    root = tmp_path_factory.mktemp("synthetic") / "genres"
    made = run_module("tools.songs.synthetic", "--out", root, "--songs", 5)
    assert made.returncode == 0, made.stderr
    return root


@pytest.fixture(scope="session")
def small_build(synthetic_songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with the LMDBs of the synthetic songs, split song, for tests that train in it."""
    build = tmp_path_factory.mktemp("small") / "build"
    made = run_module("tools.convert", synthetic_songs, "--build", build)
    assert made.returncode == 0, made.stderr
    return build


@pytest.fixture(scope="session")
def gtzan() -> Path:
    """The data root of real songs. Skips where GTZAN= is not set."""
    if not os.environ.get("GTZAN"):
        pytest.skip("GTZAN= is not set: nothing was tried on real songs")
    return Path(os.environ["GTZAN"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What `make torture` tried, and how much of it was lost or let through."""
    table: dict[str, list[int]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, kind in getattr(report, "user_properties", []):
                if name == "torture" and (report.when == "call" or outcome == "error"):
                    row = table.setdefault(kind, [0, 0, 0])
                    row[0] += 1
                    row[1] += outcome in ("failed", "error")
                    row[2] += outcome == "skipped"
    if not any("torture" in report.keywords for report in terminalreporter.stats.get("passed", [])):
        return
    terminalreporter.write_line(f"\n{'':24}{'tried':>8}{'lost or let through':>22}{'not tried here':>17}")
    for kind, (tried, wrong, skipped) in sorted(table.items()):
        terminalreporter.write_line(f"{kind:24}{tried - skipped:8}{wrong:22}{skipped:17}")
