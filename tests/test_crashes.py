"""Killed at any moment or out of disk, a command typed again ends as one that was never disturbed, byte for byte."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CHECKOUT

from tools.convert import lmdbs
from tools.train import snapshots
from tools.verify import repeat

KILLS = int(os.environ.get("KILLS", "50"))
NET = "complex_cnn"


@dataclass(frozen=True)
class Stage:
    """A command that makes something, where, and all that it made, comparable. ``seed`` is what it starts from."""

    name: str
    command: list[str]
    folder: Path
    checkout: Path
    seed: Path
    result: Callable[[Path], object]

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            self.command, cwd=self.checkout, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def reset(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.seed, self.folder, symlinks=True)

    def run(self) -> object:
        process = self.start()
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err.decode(errors="replace")
        return self.result(self.folder)


def data(folder: Path) -> object:
    """Every record's and mean's hash, the manifest, and what lies there."""
    made = folder / "lmdb" / "song"
    contents = {path.name: lmdbs.content_hash(path) for path in made.glob("*_lmdb")}
    contents.update({path.name: path.read_bytes() for path in made.glob("*.*")})
    return contents, sorted(path.name for path in made.parent.iterdir())


def weights(folder: Path) -> object:
    """Every whole snapshot's parameters, and the losses on the way."""
    (run,) = (folder / "runs" / "song").iterdir()
    models = {
        iteration: {name: [blob.tobytes() for blob in blobs] for name, blobs in repeat.parameters(model).items()}
        for iteration, model in snapshots.whole_snapshots(run).items()
    }
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("iter_per_s", None)
    return max(models), models[max(models)], lines


def files(part: str) -> Callable[[Path], object]:
    """Every file of a part of the build folder, but for locks."""

    def read(folder: Path) -> object:
        paths = sorted(path for path in (folder / part).rglob("*") if path.is_file() and path.suffix != ".lock")
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    return read


@pytest.fixture(scope="module")
def stages(synthetic_songs: Path, small_build: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stage]:
    """The stages, each from what those before it made. The net is saved at every second iteration."""
    base = tmp_path_factory.mktemp("crashes")
    checkout = base / "checkout"
    for part in ("tools", "prototxt", "data"):
        shutil.copytree(CHECKOUT / part, checkout / part, ignore=shutil.ignore_patterns("downloads"))
    solver = checkout / "prototxt" / NET / "solver.prototxt"
    lines = [line for line in solver.read_text().splitlines() if not line.startswith(("snapshot:", "display:"))]
    solver.write_text("\n".join([*lines, "snapshot: 2", "display: 2", ""]))
    songs = base / "genres"
    songs.mkdir()
    for genre in ("jazz", "pop"):
        (songs / genre).symlink_to(synthetic_songs / genre)
    python = [sys.executable, "-m"]
    empty, trained, voted = base / "empty", base / "trained", base / "voted"
    (empty / "seed").mkdir(parents=True)
    trained.mkdir()
    (trained / "lmdb").symlink_to(small_build / "lmdb")
    build = Path(os.environ.get("SMALL_DISK", base)) / "build"
    named = ["--net", NET, "--batch", "8", "--build", str(build)]
    train = [*python, "tools.train", *named, "--ranks", "1", "--iters"]
    found = {
        "synth": [*python, "tools.songs.synthetic", "--out", str(build / "genres"), "--songs", "1", "--seed", "3"],
        "make_lmdb": [*python, "tools.convert", str(songs), "--build", str(build), "--jobs", "2"],
        "train": [*train, "5"],
    }
    results = {"synth": files("genres"), "make_lmdb": data, "train": weights, "vote": files("votes")}
    seeds = {"synth": empty / "seed", "make_lmdb": empty / "seed", "train": trained, "vote": voted}
    made = {name: Stage(name, found[name], build, checkout, seeds[name], results[name]) for name in found}
    made["train"].reset()
    made["train"].run()
    shutil.copytree(build, voted, symlinks=True)
    made["vote"] = Stage("vote", [*python, "tools.vote", *named], build, checkout, voted, results["vote"])
    return made


@pytest.fixture(scope="module")
def undisturbed(stages: dict[str, Stage]) -> Callable[[str], tuple[object, float]]:
    """What a stage makes when nobody disturbs it, and the seconds that it takes; found out once."""
    known: dict[str, tuple[object, float]] = {}

    def find(name: str) -> tuple[object, float]:
        if name not in known:
            stages[name].reset()
            began = time.monotonic()
            known[name] = stages[name].run(), time.monotonic() - began
        return known[name]

    return find


def each_kill() -> list:
    names = ("make_lmdb", "train", "vote")
    return [
        pytest.param(names[n % 3], n, id=f"{names[n % 3]}-{n}", marks=[pytest.mark.quick] if n == 2 else [])
        for n in range(max(3, KILLS))
    ]


@pytest.mark.torture("kill")
@pytest.mark.parametrize(("name", "number"), each_kill())
def test_killed_at_a_random_moment_it_ends_as_if_it_had_not_been(name, number, stages, undisturbed):
    stage, chance = stages[name], random.Random(number)
    expected, seconds = undisturbed(name)
    killed = False
    while not killed:
        stage.reset()
        process = stage.start()
        time.sleep(chance.uniform(0.05, 0.95) * seconds)
        killed = process.poll() is None
        seconds *= 0.9  # where it had ended before
        if killed:
            # the tool alone, or it and its workers at once
            (os.kill if number % 2 else os.killpg)(process.pid, signal.SIGKILL)
        process.communicate()
    assert stage.run() == expected


FRACTIONS = (0.0, 0.3, 0.6, 0.9)


def each_disk() -> list:
    cases = [(name, fraction) for name in ("synth", "make_lmdb", "train", "vote") for fraction in FRACTIONS]
    return [
        pytest.param(*case, id=f"{case[0]}-{case[1]}", marks=[pytest.mark.quick] if case == ("vote", 0.3) else [])
        for case in cases
    ]


@pytest.mark.torture("full disk")
@pytest.mark.parametrize(("name", "fraction"), each_disk())
def test_a_full_disk_is_named_and_with_space_again_it_ends_as_ever(name, fraction, stages, undisturbed, tmp_path):
    stage = stages[name]
    expected, _ = undisturbed(name)
    needed = sum(path.stat().st_size for path in stage.folder.rglob("*") if path.is_file() and not path.is_symlink())
    needed -= sum(path.stat().st_size for path in stage.seed.rglob("*") if path.is_file() and not path.is_symlink())
    shutil.rmtree(stage.folder, ignore_errors=True)
    stage.folder.mkdir()
    happened = on_small_disk(stage, int(fraction * needed), tmp_path / "out")
    full = happened["full"]
    assert "Traceback" not in full["err"]
    assert fraction or full["status"] != 0, "with no byte free nothing can be made"
    if full["status"] != 0:
        last = full["err"].strip().splitlines()[-1].rpartition("\r")[2]
        assert last.startswith(f"{name}: "), full["err"]
        assert "the disk is full: free some space" in last
    assert happened["again"]["status"] == 0, happened["again"]["err"]
    assert stage.result(tmp_path / "out") == expected


def on_small_disk(stage: Stage, free: int, out: Path) -> dict:
    """Run a stage on a small file system, at the same path. Skips where there is none and none may be mounted."""
    mount = []
    if "SMALL_DISK" not in os.environ:
        mount = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=400m none "$0" && exec "$@"', str(stage.folder)]
        if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
            pytest.skip("no file system may be mounted here, nor is SMALL_DISK one: full disks were not tried")
    helper = [sys.executable, str(CHECKOUT / "tests" / "full_disk.py"), str(stage.folder), str(free)]
    done = subprocess.run(
        [*mount, *helper, str(stage.seed), str(out), *stage.command],
        cwd=stage.checkout,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.torture("two at once")
def test_two_at_once_in_one_checkout_leave_what_one_would(stages, undisturbed):
    for name in ("synth", "make_lmdb", "vote"):
        stage = stages[name]
        expected, _ = undisturbed(name)
        stage.reset()
        both = [stage.start() for _ in range(2)]
        errors = [process.communicate(timeout=300)[1] for process in both]
        assert [process.returncode for process in both] == [0, 0], errors
        assert stage.result(stage.folder) == expected
