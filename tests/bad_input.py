"""Everything that people may give the tools and should not: how it is tried, and what the answer to it has to be.

The kinds are in the test_bad_*.py of each room: a name, the words that the answer must have, and what is done to the
place where it is tried. The answer is one line that names what is wrong and the way out, with an exit code above
0; to a kind that is `HANDLED`, success, and a word about it; to one that is `FOUND`, exit code 1 and a line FAIL of
`make verify`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from caffe.proto import caffe_pb2
from conftest import CHECKOUT, call_module

from tools import files
from tools.convert import datum, lmdbs
from tools.train import snapshots

REFUSED, HANDLED, FOUND = "refused", "handled", "found"
NET, BATCH = "complex_cnn", 8
SECONDS = 120  # a tool that takes longer hangs
GROUPS = 4  # of kinds, which workers share out
# By which a tool begins its line, where that is not the last part of its module
NAMES = {
    "tools.songs": "check-data",
    "tools.songs.synthetic": "synth",
    "tools.convert": "make_lmdb",
    "tools.vote.folds": "vote_folds",
}


# --- where a kind is tried --------------------------------------------------------------------------------------------


@dataclass
class Place:
    """A folder of its own, and what all kinds share and leave alone."""

    folder: Path
    songs: Path  # a data root
    trained: Path  # a build folder with LMDBs, a run of NET and its vote
    environment: dict[str, str] = field(default_factory=dict)
    checkout: Path = CHECKOUT
    open: ExitStack = field(default_factory=ExitStack)

    @property
    def build(self) -> Path:
        return self.folder / "build"

    @property
    def lmdbs(self) -> Path:
        return self.build / "lmdb" / "song"

    @property
    def train_lmdb(self) -> Path:
        return self.lmdbs / "cnn_float_train_lmdb"

    @property
    def test_lmdb(self) -> Path:
        return self.lmdbs / "cnn_float_test_lmdb"

    @property
    def run(self) -> Path:
        return self.build / "runs" / "song" / f"{NET}@batch={BATCH}"

    @property
    def model(self) -> Path:
        return self.run / f"{NET}_iter_1.caffemodel"

    @property
    def vote(self) -> Path:
        return self.build / "votes" / "song" / self.run.name

    def copy_build(self) -> None:
        """A copy of the trained build folder, true to its new place; of its LMDBs those for NET alone."""
        for kind in ("runs", "votes"):
            shutil.copytree(self.trained / kind, self.build / kind)
        self.lmdbs.mkdir(parents=True)
        for path in (self.trained / "lmdb" / "song").iterdir():
            if path.name.startswith("cnn_float"):
                (shutil.copytree if path.is_dir() else shutil.copyfile)(path, self.lmdbs / path.name)
            else:
                (self.lmdbs / path.name).symlink_to(path)
        for file in [*self.run.glob("*.prototxt"), self.run / "run.json", self.vote / "summary.json"]:
            text = file.read_text().replace(str(self.trained), str(self.build))
            files.write_record(file, json.loads(text)) if file.suffix == ".json" else file.write_text(text)
        state_file = self.model.with_suffix(".solverstate")
        state = caffe_pb2.SolverState.FromString(state_file.read_bytes())
        state.learned_net = str(self.model)
        state_file.write_bytes(state.SerializeToString())
        snapshots.mark_whole(self.run, NET, 1)

    def link_build(self) -> None:
        """Links to the trained build folder, where only options are amiss."""
        self.run.parent.mkdir(parents=True)
        self.run.symlink_to(self.trained / "runs" / "song" / self.run.name)
        (self.build / "lmdb").symlink_to(self.trained / "lmdb")

    def few_songs(self, *genres: str) -> Path:
        """A data root of links to the songs of these genres."""
        for genre in genres:
            (self.folder / "genres").mkdir(exist_ok=True)
            (self.folder / "genres" / genre).symlink_to(self.songs / genre)
        return self.folder / "genres"

    def prototxt(self, net: str = NET) -> Path:
        """The prototxt of a net, in a copy of the checkout that the tool is then run in."""
        if self.checkout == CHECKOUT:
            self.checkout = self.folder / "checkout"
            for part in ("tools", "prototxt", "data"):
                shutil.copytree(CHECKOUT / part, self.checkout / part, ignore=shutil.ignore_patterns("downloads"))
        return self.checkout / "prototxt" / net

    def command(self, module: str, *options: object) -> tuple:
        """A tool that is asked for the run."""
        return (module, "--net", NET, "--batch", BATCH, "--build", self.build, *options)


# --- what may be done there -------------------------------------------------------------------------------------------


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old} is not in {file}"
    file.write_text(text.replace(old, new, 1))


def replace(file: Path, content: str | bytes) -> None:
    """Another file in the place of one, which may be a link."""
    file.unlink()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def without(record: Path, key: str) -> None:
    """A record without one of its keys, under a hash of its own that fits."""
    contents = json.loads(record.read_text())
    del contents[key]
    files.write_record(record, contents)


def spoil_weights(place: Place, change: Callable[[caffe_pb2.NetParameter], object]) -> None:
    """Other weights in the run's snapshot, which is marked whole."""
    net = caffe_pb2.NetParameter.FromString(place.model.read_bytes())
    change(net)
    place.model.write_bytes(net.SerializeToString())
    snapshots.mark_whole(place.run, NET, 1)


def rename_layers(net: caffe_pb2.NetParameter) -> None:
    for layer in net.layer:
        layer.name = f"other_{layer.name}"


def small_lmdb(path: Path, shape: tuple[int, int, int] = (1, 3, 4), records: int = 600) -> None:
    values = np.zeros(shape, np.float32)
    lmdbs.write_lmdb(
        path, ((lmdbs.record_key(n, f"rock.{n:05}", 0), datum.serialize(values, 9)) for n in range(records))
    )


def flip_record(path: Path) -> None:
    """Change one byte of a record in the file of an LMDB."""
    with lmdb.open(str(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        record = bytes(next(iter(transaction.cursor()))[1])
    content = bytearray((path / "data.mdb").read_bytes())
    content[content.index(record[:2000]) + 1000] ^= 1
    (path / "data.mdb").write_bytes(content)


# --- the kinds --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """``prepare`` does what is amiss to a place; it may return the tool's module and arguments, else ``call`` does."""

    name: str
    words: str
    prepare: Callable[[Place], Any]
    call: Callable[[Place], tuple]
    answer: str
    fast: bool  # also tried by make test

    def try_at(self, place: Place) -> None:
        """AssertionError for whatever is let through."""
        prepared = self.prepare(place)
        module, *arguments = prepared if isinstance(prepared, tuple) else self.call(place)
        with place.open:
            check(self, run(place, module, *arguments))


class Kinds:
    """The kinds of a tool, ``call``; ``built``: each is tried in a copy of the trained build folder."""

    def __init__(self, call: Callable[[Place], tuple], built: bool = False) -> None:
        self.kinds: list[Kind] = []
        self.call, self.built = call, built

    def add(
        self, name: str, words: str, prepare: Callable[[Place], Any], answer: str = REFUSED, fast: bool = False
    ) -> None:
        def prepare_all(place: Place) -> Any:
            if self.built:
                place.copy_build()
            return prepare(place)

        self.kinds.append(Kind(name, words, prepare_all, self.call, answer, fast))

    def __call__(self, name: str, words: str, answer: str = REFUSED, fast: bool = False) -> Callable:
        """The same, above a function that prepares."""
        return lambda prepare: self.add(name, words, prepare, answer, fast)

    def each(self, subject: str, table: dict[str, tuple[str, Callable[[Place], Any]]], answer: str = REFUSED) -> None:
        """A kind for each line of a table."""
        for name, (words, prepare) in table.items():
            self.add(f"{subject}: {name}", words, prepare, answer)

    def options(self, tool: str, table: dict[str, tuple[tuple, str]], linked: bool = False) -> None:
        """A kind for each value of an option; ``linked``: where the trained build folder is."""
        for name, (arguments, words) in table.items():

            def prepare(place: Place, arguments: tuple = arguments) -> tuple:
                if linked:
                    place.link_build()
                return (*self.call(place), *arguments)

            self.kinds.append(Kind(f"{tool}: {name}", words, prepare, self.call, REFUSED, False))

    def cases(self) -> list:
        names = [kind.name for kind in self.kinds]
        assert len(set(names)) == len(names), "two kinds of one name"
        return [
            pytest.param(
                kind,
                id=kind.name,
                marks=[
                    pytest.mark.torture("bad input"),
                    pytest.mark.xdist_group(f"bad input {number % GROUPS}"),
                    *([pytest.mark.quick] if kind.fast else []),
                ],
            )
            for number, kind in enumerate(self.kinds)
        ]


def run(place: Place, module: str, *arguments: object) -> subprocess.CompletedProcess:
    """Run a tool: as a user does where it is another checkout's or has its own environment, else here."""
    if place.checkout == CHECKOUT and not place.environment:
        return call_module(module, *arguments, seconds=SECONDS)
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=place.checkout,
        env={**os.environ, **place.environment},
        capture_output=True,
        text=True,
        errors="backslashreplace",
        stdin=subprocess.DEVNULL,
        timeout=SECONDS,
        check=False,
    )


def check(kind: Kind, result: subprocess.CompletedProcess) -> None:
    """AssertionError for a traceback, a signal, silence, success, more than a line."""
    out, err = result.stdout, result.stderr
    said = f"exit code {result.returncode}\n{out}\n{err}"
    assert "Traceback" not in out + err, said
    if kind.answer == HANDLED:
        assert result.returncode == 0, said
        assert kind.words in out + err, said
        return
    if kind.answer == FOUND:
        assert result.returncode == 1, said
        assert [line for line in out.splitlines() if line.startswith("FAIL") and kind.words in line], said
        return
    assert result.returncode in (1, 2), said
    # a bar that was drawn before is no word
    last = [line for line in err.split("\n") if line.strip()][-1].rpartition("\r")[2]
    module = result.args[2]
    tool = NAMES.get(module, module.rpartition(".")[2])
    assert last.startswith(f"{tool}: "), said
    assert kind.words in last, said
    assert sum(line.startswith(f"{tool}: ") and "left out" not in line for line in err.splitlines()) <= 1, said
