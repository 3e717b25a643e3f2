"""What tests share: a small data set made by the project's own tools, and a way to run a tool as a user does."""

from __future__ import annotations

import fcntl
import io
import os
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.scrutineer import SITE_PACKAGES_DIRS

if TYPE_CHECKING:
    from bad_input import Place

# Else hypothesis takes what Debian installs for the project's own, and reads all of it at the first draw for constants.
SITE_PACKAGES_DIRS.update(path for path in map(Path, sys.path) if path.name == "dist-packages")
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

# Started in the background by a shell, the tests would ignore SIGINT, and so would the tools that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = "MUSIC_TESTS_SHARED"
CHECKOUT = Path(__file__).resolve().parent.parent


def run_module(module: str, *arguments: object, **options: object) -> subprocess.CompletedProcess:
    """Run ``python -m MODULE ARGUMENT...`` from the checkout, in a process of its own, as users do."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        **options,
    )


def call_module(module: str, *arguments: object, seconds: int = 600) -> subprocess.CompletedProcess:
    """The same within this process: without the seconds that Python and Caffe take to start."""

    def hang(*_: object) -> None:
        raise TimeoutError(f"{module} {arguments} takes more than {seconds} s")

    argv, streams = sys.argv, (sys.stdout, sys.stderr)
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in streams)
    sys.argv, sys.stdout, sys.stderr = [module, *map(str, arguments)], out, err
    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(seconds)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a module that a test has imported before
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code or 0
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        sys.argv, (sys.stdout, sys.stderr) = argv, streams
    said, errors = (stream.buffer.getvalue().decode() for stream in (out, err))
    return subprocess.CompletedProcess([sys.executable, "-m", module], status, said, errors)


@pytest.fixture(scope="session")
def tool() -> Callable[..., subprocess.CompletedProcess]:
    return call_module


def pytest_configure(config: pytest.Config) -> None:
    """A folder for what all workers share. They find it in their environment; who made it removes it in the end."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="music-tests-")
        config.add_cleanup(partial(shutil.rmtree, os.environ[SHARED], ignore_errors=True))


def shared(name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make`` fills once for all workers: the first that asks has it made, others wait for it."""
    folder = Path(os.environ[SHARED]) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.with_suffix(".made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            folder.with_suffix(".made").touch()
    return folder


def done(module: str, *arguments: object) -> str:
    """What a tool that has to succeed prints."""
    result = call_module(module, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def synthetic_songs() -> Path:
    """A data root of 5 synthetic songs a genre."""
    return (
        shared("songs", lambda folder: done("tools.songs.synthetic", "--out", folder / "genres", "--songs", 5))
        / "genres"
    )


@pytest.fixture(scope="session")
def small_build(synthetic_songs: Path) -> Path:
    """A build folder with the LMDBs of the synthetic songs, split song, for tests that train beside it."""
    return shared("small_build", lambda folder: done("tools.convert", synthetic_songs, "--build", folder))


@pytest.fixture(scope="session")
def tiny_build(synthetic_songs: Path) -> Path:
    """The same of two genres alone, 120 clips to train on and 30 to test, where that is enough."""

    def make(folder: Path) -> None:
        (folder / "genres").mkdir()
        for genre in ("jazz", "rock"):
            (folder / "genres" / genre).symlink_to(synthetic_songs / genre)
        done("tools.convert", folder / "genres", "--build", folder)

    return shared("tiny_build", make)


@pytest.fixture
def build(tiny_build: Path, tmp_path: Path) -> Path:
    """A build folder of its own for each test, with the LMDBs of the shared one."""
    build = tmp_path / "build"
    build.mkdir()
    (build / "lmdb").symlink_to(tiny_build / "lmdb")
    return build


@pytest.fixture(scope="session")
def trained(small_build: Path) -> Path:
    """A build folder with the LMDBs of the small one, a run of one iteration and its vote: what bad_input.py spoils."""
    from bad_input import BATCH, NET

    def make(build: Path) -> None:
        (build / "lmdb").symlink_to(small_build / "lmdb")
        named = ("--net", NET, "--batch", BATCH, "--build", build)
        done("tools.train", *named, "--iters", 1, "--ranks", 1)
        done("tools.vote", *named)

    return shared("trained", make)


@pytest.fixture
def place(trained: Path, synthetic_songs: Path, tmp_path: Path) -> Place:
    """Where a kind of bad input is tried."""
    from bad_input import Place

    return Place(tmp_path, synthetic_songs, trained)


@pytest.fixture(scope="session")
def gtzan() -> Path:
    """The data root of real songs. Skips where GTZAN= is not set."""
    if not os.environ.get("GTZAN"):
        pytest.skip("GTZAN= is not set: nothing was tried on real songs")
    return Path(os.environ["GTZAN"])


# What takes longest begins first, so that no worker is left alone with it in the end; the rest is short.
LONGEST = (
    "tests/test_crashes.py",
    "tests/test_readmes.py",
    "mpi",
    "tests/train/test_train.py",
    "tests/verify/test_corruptions.py",
    "tests/convert/test_make_lmdb.py",
    "tests/verify/test_verify.py",
    "tests/report/test_report.py",
    "kept page",
    "tests/serve/test_strangers.py",
    "tests/serve/test_page.py",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file on one worker, since they share what it has made, but those of groups of their own."""
    places = {group: place for place, group in enumerate(LONGEST)}
    groups = {}
    for item in items:
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
        if torture := item.get_closest_marker("torture"):
            item.user_properties.append(("torture", *torture.args))
        groups[item] = item.get_closest_marker("xdist_group").args[0]
    items.sort(key=lambda item: places.get(groups[item], len(places)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What `make torture` tried, and how much of it was lost or let through."""
    if not config.option.markexpr.startswith("torture"):
        return
    table: dict[str, list[int]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, kind in getattr(report, "user_properties", []):
                if name == "torture" and (report.when == "call" or outcome in ("error", "skipped")):
                    row = table.setdefault(kind, [0, 0, 0])
                    row[0] += 1
                    row[1] += outcome in ("failed", "error")
                    row[2] += outcome == "skipped"
    terminalreporter.write_line(f"\n{'':24}{'tried':>8}{'lost or let through':>22}{'not tried here':>17}")
    for kind, (tried, wrong, skipped) in sorted(table.items()):
        terminalreporter.write_line(f"{kind:24}{tried - skipped:8}{wrong:22}{skipped:17}")
