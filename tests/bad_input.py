"""Everything that people may give the tools and should not: one `Kind` each, with the words that its answer must have.

A kind prepares its place, and returns the module to run and its arguments. The answer to it is one line that names what
is wrong and the way out, with an exit code above 0; for a kind that is `HANDLED`, success, and a word about it; for one
that is `FOUND`, exit code 1 and a line FAIL of `make verify`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import bad_audio
import lmdb
import numpy as np
from caffe.proto import caffe_pb2
from conftest import CHECKOUT, call_module

from tools import files
from tools.convert import datum, lmdbs
from tools.train import snapshots

REFUSED, HANDLED, FOUND = "refused", "handled", "found"
NET, BATCH = "complex_cnn", 8
SECONDS = 120  # a tool that takes longer hangs
# By which a tool begins its line, where that is not the last part of its module
NAMES = {
    "tools.songs": "check-data",
    "tools.songs.synthetic": "synth",
    "tools.convert": "make_lmdb",
    "tools.vote.folds": "vote_folds",
}


@dataclass
class Place:
    """Where one kind is tried: a folder of its own, and what all share and leave alone."""

    folder: Path
    songs: Path  # a data root
    trained: Path  # a build folder with LMDBs, a run of NET and its vote
    environment: dict[str, str] = field(default_factory=dict)
    checkout: Path = CHECKOUT
    open: ExitStack = field(default_factory=ExitStack)

    @property
    def lmdbs(self) -> Path:
        return self.folder / "build" / "lmdb" / "song"

    @property
    def run(self) -> Path:
        return self.folder / "build" / "runs" / "song" / f"{NET}@batch={BATCH}"

    @property
    def vote(self) -> Path:
        return self.folder / "build" / "votes" / "song" / self.run.name

    def build(self) -> Path:
        """A copy of the trained build folder, true to its new place; of its LMDBs those for NET alone."""
        build = self.folder / "build"
        for kind in ("runs", "votes"):
            shutil.copytree(self.trained / kind, build / kind)
        self.lmdbs.mkdir(parents=True)
        for path in (self.trained / "lmdb" / "song").iterdir():
            if path.name.startswith("cnn_float"):
                (shutil.copytree if path.is_dir() else shutil.copyfile)(path, self.lmdbs / path.name)
            else:
                (self.lmdbs / path.name).symlink_to(path)
        for file in [*self.run.glob("*.prototxt"), self.run / "run.json", self.vote / "summary.json"]:
            text = file.read_text().replace(str(self.trained), str(build))
            files.write_record(file, json.loads(text)) if file.suffix == ".json" else file.write_text(text)
        state_file = self.run / f"{NET}_iter_1.solverstate"
        state = caffe_pb2.SolverState.FromString(state_file.read_bytes())
        state.learned_net = str(state_file.with_suffix(".caffemodel"))
        state_file.write_bytes(state.SerializeToString())
        snapshots.mark_whole(self.run, NET, 1)
        return build

    def few_songs(self, *genres: str) -> Path:
        """A data root of links to the songs of these genres."""
        for genre in genres:
            (self.folder / "genres").mkdir(exist_ok=True)
            (self.folder / "genres" / genre).symlink_to(self.songs / genre)
        return self.folder / "genres"

    def table(self, columns: str, row: Callable[[Path, str], str]) -> Path:
        """A table of the songs of two genres; ``row`` writes the row of a song."""
        songs = sorted(song for genre in ("jazz", "pop") for song in (self.songs / genre).iterdir())
        rows = [row(song, song.parent.name) for song in songs]
        (self.folder / "songs.csv").write_text("\n".join([columns, *rows]), encoding="utf-8")
        return self.folder / "songs.csv"

    def prototxt(self, net: str = NET) -> Path:
        """The prototxt of a net, in a copy of the checkout that the tool is then run in."""
        if self.checkout == CHECKOUT:
            self.checkout = self.folder / "checkout"
            for part in ("tools", "prototxt", "data"):
                shutil.copytree(CHECKOUT / part, self.checkout / part, ignore=shutil.ignore_patterns("downloads"))
        return self.checkout / "prototxt" / net

    def train(self, *options: object, iterations: object = 2) -> tuple:
        named = ("--net", NET, "--batch", BATCH, "--build", self.folder / "build", "--ranks", 1)
        return ("tools.train", *named, "--iters", iterations, *options)

    def votes(self, *options: object) -> tuple:
        return ("tools.vote", "--net", NET, "--batch", BATCH, "--build", self.folder / "build", *options)

    def lmdb(self, root: Path, *options: object) -> tuple:
        small = ("--views", "song", "--dtypes", "int", "--song-frames", 20)
        return ("tools.convert", root, "--build", self.folder / "made", *small, *options)


@dataclass(frozen=True)
class Kind:
    name: str
    words: str
    prepare: Callable[[Place], tuple]
    answer: str
    fast: bool  # also tried by make test


KINDS: list[Kind] = []


def kind(name: str, words: str, answer: str = REFUSED, fast: bool = False) -> Callable:
    def add(prepare: Callable[[Place], tuple]) -> Callable[[Place], tuple]:
        KINDS.append(Kind(name, words, prepare, answer, fast))
        return prepare

    return add


def options(tool: str, table: dict[str, tuple[tuple, str]], call: Callable[..., tuple], built: bool = True) -> None:
    """A kind for each value of an option."""
    for name, (arguments, words) in table.items():

        def prepare(place: Place, arguments: tuple = arguments) -> tuple:
            if built:
                run = place.trained / "runs" / "song" / place.run.name
                place.run.parent.mkdir(parents=True)
                place.run.symlink_to(run)
                (place.folder / "build" / "lmdb").symlink_to(place.trained / "lmdb")
            return call(place, *arguments)

        kind(f"{tool}: {name}", words)(prepare)


def answer(kind: Kind, place: Place) -> subprocess.CompletedProcess:
    """Run the tool of a kind: as a user does where it is another checkout's or has its own environment, else here."""
    module, *arguments = kind.prepare(place)
    with place.open:
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
    """AssertionError for whatever is let through: a traceback, a signal, silence, success, more than a line."""
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


# --- the data root ---------------------------------------------------------------------------------------------------


@kind("data root: missing", "no such folder: name one with a folder per genre, or a table")
def _(place: Place) -> tuple:
    return place.lmdb(place.folder / "none")


@kind("data root: empty", "no folder in it: name one that holds a folder per genre", fast=True)
def _(place: Place) -> tuple:
    (place.folder / "empty").mkdir()
    return place.lmdb(place.folder / "empty")


@kind("data root: an archive", "an archive has to be unpacked")
def _(place: Place) -> tuple:
    (place.folder / "genres.tar.gz").write_bytes(b"\x1f\x8b")
    return place.lmdb(place.folder / "genres.tar.gz")


@kind("data root: genre folders without a song", "no song in its genre folders")
def _(place: Place) -> tuple:
    (place.folder / "genres" / "blues").mkdir(parents=True)
    return place.lmdb(place.folder / "genres")


@kind("data root: the folder of one genre", "this is the folder of one genre: name")
def _(place: Place) -> tuple:
    return place.lmdb(place.songs / "blues")


@kind("data root: one genre alone", "song_int_train_lmdb", HANDLED)
def _(place: Place) -> tuple:
    return place.lmdb(place.few_songs("jazz"))


@kind(
    "data root: an eleventh genre without a usable song",
    "no song of polka to train on: add songs, or take the folder away",
)
def _(place: Place) -> tuple:
    root = place.few_songs("jazz", "pop")
    (root / "polka").mkdir()
    (root / "polka" / "polka.00000.wav").write_bytes(b"")
    return place.lmdb(root)


@kind("data root: a genre spelled otherwise than GTZAN's", "15 songs of 3 genres", HANDLED)
def _(place: Place) -> tuple:
    root = place.few_songs("jazz", "pop")
    (root / "Hip-Hop").symlink_to(place.songs / "hiphop")
    return place.lmdb(root)


@kind("data root: a genre of damaged songs", "no song of rock to train on")
def _(place: Place) -> tuple:
    root = place.few_songs("jazz")
    (root / "rock").mkdir()
    for number in range(5):
        (root / "rock" / f"rock.{number:05}.wav").write_bytes(b"")
    return place.lmdb(root)


@kind("data root: a path with spaces and more", "song_int_train_lmdb", HANDLED, fast=True)
def _(place: Place) -> tuple:
    strange = place.folder / "a b\t'\"$(id);ü"
    strange.mkdir()
    return place.lmdb(place.few_songs("jazz", "pop").rename(strange / "genres"), "--build", strange / "build")


@kind("data root: a path with a line end, without a song", "no such folder")
def _(place: Place) -> tuple:
    return place.lmdb(place.folder / "one\ntwo")


@kind("data root: links to links to songs", "song_int_train_lmdb", HANDLED)
def _(place: Place) -> tuple:
    root = place.few_songs("jazz")
    (root / "pop").mkdir()
    for song in (place.songs / "pop").iterdir():
        (root / "pop" / song.name).symlink_to(song)
    (place.folder / "link").symlink_to("genres")
    (place.folder / "link to it").symlink_to(place.folder / "link")
    return place.lmdb(place.folder / "link to it")


# The rest about tables is in tests/songs/test_library.py
TABLES = {  # the columns, and the row of a song
    "tabs and capitals": ("Path\tGenre", lambda path, genre: f"{path}\t{genre}"),
    "columns that it does not know": ("year,path,genre,mood", lambda path, genre: f"1999,{path},{genre},x"),
}
for name, (columns, row) in TABLES.items():

    @kind(f"table: {name}", "written to ", HANDLED)
    def _(place: Place, columns: str = columns, row: Callable = row) -> tuple:
        return place.lmdb(place.table(columns, row))


@kind("table: empty", "no column 'path'")
def _(place: Place) -> tuple:
    (place.folder / "songs.csv").write_bytes(b"")
    return place.lmdb(place.folder / "songs.csv")


@kind("table: no song of it there", "there is no such file")
def _(place: Place) -> tuple:
    return place.lmdb(place.table("path,genre", lambda path, genre: f"gone/{path.name},{genre}"))


@kind("table: of bytes that are no text", "save it as CSV in UTF-8")
def _(place: Place) -> tuple:
    (place.folder / "songs.csv").write_bytes(b"path,genre\n\xff\xfe,\x00\n")
    return place.lmdb(place.folder / "songs.csv")


@kind("locale: not ASCII names under LC_ALL=C", "song_int_train_lmdb", HANDLED)
def _(place: Place) -> tuple:
    place.environment.update(LC_ALL="C", LANG="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    (place.folder / "ロック").mkdir()
    root = place.few_songs("jazz", "pop").rename(place.folder / "ロック" / "genres")
    return place.lmdb(root)


@kind("locale: an unknown one", "song_int_train_lmdb", HANDLED)
def _(place: Place) -> tuple:
    place.environment.update(LC_ALL="tlh_QO.UTF-8", LANG="tlh_QO.UTF-8")
    return place.lmdb(place.few_songs("jazz", "pop"))


@kind("check of a data root that is none", "no such folder")
def _(place: Place) -> tuple:
    return ("tools.songs", place.folder / "none")


# --- make_lmdb ------------------------------------------------------------------------------------------------------

options(
    "make_lmdb",
    {
        "fold 7": (("--fold", 7), "FOLD=7"),
        "a fold of the split clip": (
            ("--split", "clip", "--fold", 1),
            "FOLD=1: the split clip has none",
        ),
        "an unknown split": (("--split", "album"), "SPLIT=album: give song, clip, "),
        "the filtered split of a subset": (("--split", "filtered"), "needs full GTZAN"),
        "an unknown view": (("--views", "cqt"), "invalid choice: 'cqt'"),
        "an unknown genre": (("--genres", "jazz polka"), "polka is none of"),
        "hop 0": (("--hop", 0), "HOP=0: give a whole number from 1"),
        "a window in words": (("--window", "wide"), "WINDOW=wide: give a whole number from 1"),
        "more bands than bins": (("--n-bands", 300, "--window", 512), "N_BANDS=300"),
        "an LSTM window that is no power of two": (("--lstm-window", 1000), "LSTM_WINDOW=1000"),
        "songs too short for the settings": (("--song-frames", 100_000), "can be used"),
        "jobs 0": (("--jobs", 0), "JOBS=0: give a whole number from 1"),
    },
    lambda place, *arguments: place.lmdb(place.songs, *arguments),
    built=False,
)


@kind("make_lmdb: a build folder that is a file", "move the file that is in the way")
def _(place: Place) -> tuple:
    (place.folder / "made").write_text("")
    return place.lmdb(place.few_songs("jazz", "pop"))


@kind("make_lmdb: a build folder that is a link", "written to ", HANDLED)
def _(place: Place) -> tuple:
    (place.folder / "elsewhere").mkdir()
    (place.folder / "made").symlink_to("elsewhere")
    return place.lmdb(place.few_songs("jazz", "pop"))


@kind("make_lmdb: a build folder on a read-only disk", "give yourself access to it")
def _(place: Place) -> tuple:
    closed = place.folder / "closed"
    closed.mkdir(mode=0o555)
    # root gets in everywhere but into the sandbox's own root
    return place.lmdb(place.few_songs("jazz", "pop"), "--build", closed if os.geteuid() else "/usr/made")


@kind("make_lmdb: a manifest cut short", "song_int_train_lmdb", HANDLED)
def _(place: Place) -> tuple:
    folder = place.folder / "made" / "lmdb" / "song@song_frames=20"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"format": 1, "vie')
    return place.lmdb(place.few_songs("jazz", "pop"))


@kind("make_lmdb: a manifest of another form", "song_int_train_lmdb", HANDLED)
def _(place: Place) -> tuple:
    folder = place.folder / "made" / "lmdb" / "song@song_frames=20"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"format": 1, "views": 3, "data": []}')
    return place.lmdb(place.few_songs("jazz", "pop"))


# --- synth -----------------------------------------------------------------------------------------------------------

options(
    "synth",
    {
        "0 songs": (("--songs", 0), "not a number from 1 to 100"),
        "101 songs": (("--songs", 101), "not a number from 1 to 100"),
        "a negative seed": (("--seed", -1), "-1: not a whole number from 0"),
    },
    lambda place, *arguments: ("tools.songs.synthetic", "--out", place.folder / "genres", *arguments),
    built=False,
)


@kind("synth: a folder of someone's songs", "not made by this tool", fast=True)
def _(place: Place) -> tuple:
    return ("tools.songs.synthetic", "--out", place.few_songs("jazz"), "--songs", 1)


@kind("synth: a file in place of the folder", "not a folder: name another by --out")
def _(place: Place) -> tuple:
    (place.folder / "genres").write_text("")
    return ("tools.songs.synthetic", "--out", place.folder / "genres", "--songs", 1)


# --- train: options --------------------------------------------------------------------------------------------------

options(
    "train",
    {
        "ITERS=0": (("--iters", 0), "ITERS=0: give a whole number from 1"),
        "ITERS=-5": (("--iters", -5), "ITERS=-5"),
        "ITERS=many": (("--iters", "many"), "ITERS=many: give a whole number"),
        "ITERS beyond an int": (("--iters", 2**31), "ITERS=2147483648"),
        "RANKS=0": (("--ranks", 0), "RANKS=0: give a whole number from 1"),
        "RANKS=3 of a batch of 8": (("--ranks", 3), "RANKS=3: the batch of 8 clips does not divide"),
        "BATCH=0": (("--batch", 0), "BATCH=0"),
        "BATCH=-1": (("--batch", -1), "BATCH=-1"),
        "BATCH above all clips": (("--batch", 100_000), "BATCH=100000"),
        "SEED=-1": (("--seed", -1), "SEED=-1"),
        "SEED=x": (("--seed", "x"), "SEED=x: give a whole number"),
        "SEED beyond an int": (("--seed", 2**70), f"SEED={2**70}"),
        "BASE_LR=0": (("--base-lr", 0), "BASE_LR=0"),
        "BASE_LR=nan": (("--base-lr", "nan"), "BASE_LR=nan"),
        "BASE_LR=inf": (("--base-lr", "inf"), "BASE_LR=inf"),
        "BASE_LR=-1": (("--base-lr=-1",), "BASE_LR=-1"),
        "LR_STEPS in words": (
            ("--lr-steps", "1e-4 x@3"),
            'LR_STEPS="1e-4 x@3": give a number above 0 and below 1000, then VALUE@',
        ),
        "LR_STEPS of nan": (("--lr-steps", "nan"), "LR_STEPS"),
        "LR_STEPS of zero": (("--lr-steps", "0 1e-4@5"), "LR_STEPS"),
        "LR_STEPS in no order": (("--lr-steps", "1e-4 1e-5@9 1e-6@3"), "for each change, in order"),
        "LR_STEPS from below zero": (("--lr-steps", "1e-4 1e-5@-3"), "LR_STEPS"),
        "DROPOUT=1.5": (("--dropout", "1.5"), "DROPOUT=1.5"),
        "DROPOUT=nan": (("--dropout", "nan"), "DROPOUT=nan"),
        "DROPOUT later 2": (("--dropout", "0.5 2@1"), "DROPOUT"),
        "DROPOUT=x": (("--dropout", "x"), "DROPOUT=x: give a number"),
        "NEURONS of a net without LSTM": (("--neurons", 9), "NEURONS=9"),
        "GPU=0 where there is none": (("--gpu", "0"), "GPU=0: "),
        "GPU=x": (("--gpu", "x"), "GPU=x: give the numbers of the GPUs"),
        "GPU=-1": (("--gpu=-1",), "GPU=-1: give the numbers of the GPUs"),
        "a net that there is not": (("--net", "transformer"), "NET is one of"),
        "a net outside prototxt/": (("--net", "../prototxt/rcnn"), "give the name of a folder of prototxt/"),
        "a net by its path": (("--net", "prototxt/rcnn"), "NET=prototxt/rcnn: give the name of a folder of prototxt/"),
        "a split without LMDBs": (("--split", "clip"), "make lmdb SPLIT=clip"),
        "matrices without LMDBs": (("--window", 512), "make lmdb"),
    },
    lambda place, *arguments: place.train(*arguments),
)

# --- train: prototxt -------------------------------------------------------------------------------------------------


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, f"{old} is not in {file}"
    file.write_text(text.replace(old, new, 1))


PROTOTXT = {
    "a typo": ("convolution_param", "convolutoin_param", "mend that line"),
    "an unknown layer": ('"Convolution"', '"Convulsion"', "of unknown type 'Convulsion'"),
    "a blob that nothing makes": ('bottom: "conv1"', 'bottom: "conv0"', "conv0"),
    "a brace too few": ("convolution_param {", "convolution_param", "mend that line"),
    "a number in words": ("num_output: 32", "num_output: many", "mend that line"),
    "a negative number": ("num_output: 32", "num_output: -32", "mend that line"),
    "no output": ("num_output: 32", "num_output: 0", "num_output"),
    "a kernel larger than the input": ("kernel_size: 5", "kernel_size: 500", "complex_cnn"),
    "a mean file, which deploy can't subtract": ("mean_value: 137", 'mean_file: "mean"', "and nothing else"),
    "a filler that there is not": ('type: "msra"', 'type: "magic"', "magic"),
}
for name, (old, new, words) in PROTOTXT.items():

    @kind(f"prototxt: {name}", words, fast=name == "a blob that nothing makes")
    def _(place: Place, old: str = old, new: str = new) -> tuple:
        place.build()
        shutil.rmtree(place.run)
        for file in (place.prototxt() / "train_val.prototxt", place.prototxt() / "deploy.prototxt"):
            file.write_text(file.read_text().replace(old, new, 1))
        return place.train()


# What leaves the weights as they are, and what they are used for another
DEPLOY = {
    "another pooling": ("pool: MAX", "pool: AVE", "its layer 'pool1' is not that of train_val.prototxt"),
    "a layer less": ('type: "ReLU"', 'type: "AbsVal"', "its layer 'relu1' is not that of train_val.prototxt"),
}
for name, (old, new, words) in DEPLOY.items():

    @kind(f"prototxt: a deploy net of {name}", words)
    def _(place: Place, old: str = old, new: str = new) -> tuple:
        place.build()
        edit(place.prototxt() / "deploy.prototxt", old, new)
        return place.train()


CODE = 'layer { name: "mine" type: "%s" bottom: "data" top: "mine" python_param { module: "os" layer: "x" } }'
for layer in ("Python", "HDF5Output", "ImageData"):
    for file in ("train_val", "deploy"):

        @kind(f"prototxt: a layer {layer} in {file}", "which runs code or touches files")
        def _(place: Place, file: str = file, layer: str = layer) -> tuple:
            place.build()
            prototxt = place.prototxt() / f"{file}.prototxt"
            prototxt.write_text(f"{prototxt.read_text()}\n{CODE % layer}\n")
            return place.train()


@kind("prototxt: fewer outputs than genres", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    shutil.rmtree(place.run)
    for file in ("train_val", "deploy"):
        edit(place.prototxt() / f"{file}.prototxt", "num_output: 10", "num_output: 4")
    return place.train()


@kind("prototxt: without a Data layer", "has no Data layer")
def _(place: Place) -> tuple:
    place.build()
    (place.prototxt() / "train_val.prototxt").write_text('name: "none"\n')
    return place.train()


@kind("prototxt: bytes that are no text", "mend that line")
def _(place: Place) -> tuple:
    place.build()
    (place.prototxt() / "train_val.prototxt").write_bytes(b"\xff\xfe\x00")
    return place.train()


@kind("prototxt: no deploy net", "deploy.prototxt does not exist")
def _(place: Place) -> tuple:
    place.build()
    (place.prototxt() / "deploy.prototxt").unlink()
    return place.train()


@kind("prototxt: a solver with a typo", "solver.prototxt")
def _(place: Place) -> tuple:
    place.build()
    edit(place.prototxt() / "solver.prototxt", "momentum:", "momemtum:")
    return place.train()


@kind("prototxt: a solver of an unknown kind", "AdaMagic")
def _(place: Place) -> tuple:
    place.build()
    shutil.rmtree(place.run)
    file = place.prototxt() / "solver.prototxt"
    file.write_text(file.read_text() + '\ntype: "AdaMagic"\n')
    return place.train()


@kind("prototxt: another one than the run began with", "was begun with another prototxt")
def _(place: Place) -> tuple:
    place.build()
    for name in ("train_val", "deploy"):
        edit(place.prototxt() / f"{name}.prototxt", "num_output: 32", "num_output: 31")
    return place.train()


# --- train: LMDBs ----------------------------------------------------------------------------------------------------


def small_lmdb(path: Path, shape: tuple[int, int, int] = (1, 3, 4), records: int = 600) -> None:
    values = np.zeros(shape, np.float32)
    lmdbs.write_lmdb(
        path, ((lmdbs.record_key(n, f"rock.{n:05}", 0), datum.serialize(values, 9)) for n in range(records))
    )


@kind("LMDB: cut short", "its bytes are not those that its manifest says", fast=True)
def _(place: Place) -> tuple:
    place.build()
    os.truncate(place.lmdbs / "cnn_float_train_lmdb" / "data.mdb", 100_000)
    return place.train()


@kind("LMDB: one byte changed", "its bytes are not those that its manifest says")
def _(place: Place) -> tuple:
    place.build()
    flip_record(place.lmdbs / "cnn_float_train_lmdb")
    return place.train()


def flip_record(path: Path) -> None:
    """Change one byte of a record in the file of an LMDB."""
    with lmdb.open(str(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        record = bytes(next(iter(transaction.cursor()))[1])
    content = bytearray((path / "data.mdb").read_bytes())
    content[content.index(record[:2000]) + 1000] ^= 1
    (path / "data.mdb").write_bytes(content)


@kind("LMDB: no LMDB", "cnn_float_train_lmdb")
def _(place: Place) -> tuple:
    place.build()
    (place.lmdbs / "cnn_float_train_lmdb" / "data.mdb").write_bytes(b"not a database" * 1000)
    return place.train()


@kind("LMDB: gone", "make lmdb")
def _(place: Place) -> tuple:
    place.build()
    shutil.rmtree(place.lmdbs / "cnn_float_test_lmdb")
    return place.train()


@kind("LMDB: its file gone", "make lmdb")
def _(place: Place) -> tuple:
    place.build()
    (place.lmdbs / "cnn_float_train_lmdb" / "data.mdb").unlink()
    return place.train()


@kind("LMDB: of another shape", "cnn_float_train_lmdb")
def _(place: Place) -> tuple:
    place.build()
    small_lmdb(place.lmdbs / "cnn_float_train_lmdb")
    return place.train()


@kind("LMDB: with fewer records", "cnn_float_test_lmdb")
def _(place: Place) -> tuple:
    place.build()
    small_lmdb(place.lmdbs / "cnn_float_test_lmdb", (1, 33, 166), 3)
    return place.train()


@kind("LMDB: of another split", "its bytes are not those that its manifest says")
def _(place: Place) -> tuple:
    place.build()
    train, test = (place.lmdbs / f"cnn_float_{part}_lmdb" for part in ("train", "test"))
    test.rename(test.with_name("other"))
    train.rename(test)
    test.with_name("other").rename(train)
    return place.train()


@kind("LMDB: empty", "cnn_float_train_lmdb")
def _(place: Place) -> tuple:
    place.build()
    small_lmdb(place.lmdbs / "cnn_float_train_lmdb", records=0)
    return place.train()


@kind("LMDB: locked by a writer", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    place.environment["LC_ALL"] = "C.UTF-8"  # so that the tool is a process of its own
    writer = place.open.enter_context(lmdb.open(str(place.lmdbs / "cnn_float_train_lmdb"), map_size=1 << 30))
    transaction = writer.begin(write=True)
    place.open.callback(transaction.abort)
    return place.train()


@kind("LMDB: read-only", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    for path in place.lmdbs.glob("cnn_float_*_lmdb"):
        (path / "data.mdb").chmod(0o444)
        path.chmod(0o555)
        place.open.callback(path.chmod, 0o755)
    return place.train()


@kind("manifest: its genres in another order", "manifest.json has changed since it was written")
def _(place: Place) -> tuple:
    place.build()
    file = place.lmdbs / "manifest.json"
    manifest = json.loads(file.read_text())
    file.unlink()
    file.write_text(json.dumps({**manifest, "label_names": manifest["label_names"][::-1]}))
    return place.train()


MANIFESTS = {"cut short": '{"lmdbs": {', "of another form": '{"lmdbs": 3}', "a list": "[]", "empty": ""}
for name, text in MANIFESTS.items():

    @kind(f"manifest: {name}", "make lmdb")
    def _(place: Place, text: str = text) -> tuple:
        place.build()
        (place.lmdbs / "manifest.json").unlink()
        (place.lmdbs / "manifest.json").write_text(text)
        return place.train()


# --- train: WEIGHTS=


def weights(name: str, words: str, put: Callable[[Place], Path]) -> None:
    @kind(f"WEIGHTS: {name}", words)
    def _(place: Place) -> tuple:
        place.build()
        return place.train("--weights", put(place))


def written(content: Callable[[bytes], bytes]) -> Callable[[Place], Path]:
    """A .caffemodel with other bytes than that of the run."""

    def put(place: Place) -> Path:
        file = place.folder / "my.caffemodel"
        file.write_bytes(content((place.run / f"{NET}_iter_1.caffemodel").read_bytes()))
        return file

    return put


def of_no_layer(model: bytes) -> bytes:
    net = caffe_pb2.NetParameter.FromString(model)
    for layer in net.layer:
        layer.name = f"other_{layer.name}"
    return net.SerializeToString()


weights("that are not there", "no such run or .caffemodel: name one", lambda place: place.folder / "none")
weights("cut short", "damaged, or no .caffemodel: name another", written(lambda model: model[: len(model) // 2]))
weights("of bytes", "damaged, or no .caffemodel: name another", written(lambda _: b"\xff" * 1000))
weights("empty", "it has no layer of this network", written(lambda _: b""))
weights("of another net", "it has no layer of this network", written(of_no_layer))
weights("a folder that is no run", "no whole snapshot", lambda place: place.songs)

# --- train: the run folder -------------------------------------------------------------------------------------------


@kind("run: run.json cut short", "run.json is not whole: remove")
def _(place: Place) -> tuple:
    place.build()
    (place.run / "run.json").write_text('{"net": "com')
    return place.train()


@kind("run: run.json of another form", "run.json is not whole: remove")
def _(place: Place) -> tuple:
    place.build()
    (place.run / "run.json").write_text("[1, 2]")
    return place.train()


@kind("run: metrics that are no JSON", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    (place.run / "metrics.jsonl").write_bytes(b'{"iter": 0, "loss": 2\n\xff\n[]\n3\n{"iter": "x"}\n{"loss": 1}\n')
    return place.train()


@kind("run: a caffemodel cut short", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    os.truncate(place.run / f"{NET}_iter_1.caffemodel", 1000)
    return place.train()


@kind("run: a solverstate without its model", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    (place.run / f"{NET}_iter_1.caffemodel").unlink()
    return place.train()


@kind("run: a mark of a snapshot that is no JSON", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    (place.run / f"{NET}_iter_1.whole").write_bytes(b"\xff\xfe")
    return place.train()


@kind("run: the weights of another net, marked whole", "Cannot copy param 0 weights from layer 'conv1'", fast=True)
def _(place: Place) -> tuple:
    place.build()
    model = place.run / f"{NET}_iter_1.caffemodel"
    net = caffe_pb2.NetParameter.FromString(model.read_bytes())
    for layer in net.layer:
        if layer.name == "conv1":
            layer.blobs[0].shape.dim[:] = [1, 1, 1, 1]
            layer.blobs[0].data[:] = [1.0]
    model.write_bytes(net.SerializeToString())
    snapshots.mark_whole(place.run, NET, 1)
    return place.train()


@kind("run: its prototxt changed", "done, iteration 2", HANDLED)
def _(place: Place) -> tuple:
    place.build()
    edit(place.run / "train_val.prototxt", "num_output: 32", "num_output: 31")
    return place.train()


@kind("run: a file in place of its folder", "complex_cnn@batch=8")
def _(place: Place) -> tuple:
    place.build()
    shutil.rmtree(place.run)
    place.run.write_text("")
    return place.train()


# --- vote ------------------------------------------------------------------------------------------------------------

options(
    "vote",
    {
        "threshold 0": (("--threshold", 0), "--threshold 0: a song has 15 clips here"),
        "threshold 16": (("--threshold", 16), "--threshold 16: a song has 15 clips here"),
        "threshold -1": (("--threshold=-1",), "--threshold -1"),
        "threshold x": (("--threshold", "x"), "THRESHOLD=x: give a whole number"),
        "an iteration that is not there": (("--iteration", 99), "choose ITERATION= from 1"),
        "a run that is not there": (("--seed", 99), "no such run"),
        "a net that there is not": (("--net", "transformer"), "NET is one of"),
    },
    lambda place, *arguments: place.votes(*arguments),
)


@kind("vote: a caffemodel cut short", "no whole snapshot", fast=True)
def _(place: Place) -> tuple:
    place.build()
    os.truncate(place.run / f"{NET}_iter_1.caffemodel", 1000)
    return place.votes()


def spoil_weights(place: Place, change: Callable[[caffe_pb2.NetParameter], object]) -> None:
    model = place.run / f"{NET}_iter_1.caffemodel"
    net = caffe_pb2.NetParameter.FromString(model.read_bytes())
    change(net)
    model.write_bytes(net.SerializeToString())
    snapshots.mark_whole(place.run, NET, 1)


@kind("vote: the weights of another net", "it is another network's")
def _(place: Place) -> tuple:
    place.build()
    spoil_weights(place, lambda net: [setattr(layer, "name", f"other_{layer.name}") for layer in net.layer])
    return place.votes()


@kind("vote: weights of NaN", "got no probabilities")
def _(place: Place) -> tuple:
    place.build()

    def to_nan(net: caffe_pb2.NetParameter) -> None:
        for layer in net.layer:
            for blob in layer.blobs:
                blob.data[:] = [float("nan")] * len(blob.data)

    spoil_weights(place, to_nan)
    return place.votes()


@kind("vote: a deploy net with a typo", "is not the network that was trained")
def _(place: Place) -> tuple:
    place.build()
    edit(place.run / "deploy.prototxt", "convolution_param", "convolutoin_param")
    return place.votes()


@kind("vote: a deploy net that takes the input in otherwise", "is not the network that was trained")
def _(place: Place) -> tuple:
    place.build()
    edit(place.run / "deploy.prototxt", "shift: -137", "shift: 0")
    return place.votes()


@kind("vote: a deploy net that Caffe refuses", "conv0")
def _(place: Place) -> tuple:
    place.build()
    record = json.loads((place.run / "run.json").read_text())
    text = record["prototxt"]["deploy"].replace('bottom: "conv1"', 'bottom: "conv0"')
    (place.run / "deploy.prototxt").write_text(text)
    record["prototxt"]["deploy"] = text
    files.write_record(place.run / "run.json", record)
    return place.votes()


@kind("vote: no deploy net", "deploy.prototxt")
def _(place: Place) -> tuple:
    place.build()
    (place.run / "deploy.prototxt").unlink()
    return place.votes()


@kind("vote: an LMDB made anew", "its bytes are not those that its manifest says")
def _(place: Place) -> tuple:
    place.build()
    small_lmdb(place.lmdbs / "cnn_float_test_lmdb")
    return place.votes()


@kind("vote: an LMDB cut short", "its bytes are not those that its manifest says")
def _(place: Place) -> tuple:
    place.build()
    os.truncate(place.lmdbs / "cnn_float_test_lmdb" / "data.mdb", 100_000)
    return place.votes()


@kind("vote: run.json without its LMDBs", "run.json")
def _(place: Place) -> tuple:
    place.build()
    content = json.loads((place.run / "run.json").read_text())
    del content["lmdb"]
    (place.run / "run.json").write_text(json.dumps(content))
    return place.votes()


@kind("vote: a file in place of the votes", "votes")
def _(place: Place) -> tuple:
    place.build()
    shutil.rmtree(place.folder / "build" / "votes")
    (place.folder / "build" / "votes").write_text("")
    return place.votes()


# --- folds, report, results, verify, repeat --------------------------------------------------------------------------


@kind("vote_folds: a fold that is not there", "make lmdb train vote FOLD=1", fast=True)
def _(place: Place) -> tuple:
    place.build()
    return ("tools.vote.folds", "--net", NET, "--batch", BATCH, "--build", place.folder / "build")


def folds(place: Place) -> Path:
    """The votes of five folds, alike; returns that of fold 3."""
    place.build()
    for fold in range(1, 5):
        shutil.copytree(place.vote, place.folder / "build" / "votes" / f"song-{fold}" / place.vote.name)
    return place.folder / "build" / "votes" / "song-3" / place.vote.name


FOLDS = {
    "a song in two folds": (lambda vote: None, "a song is in the test part of two folds"),
    "a summary cut short": (lambda vote: (vote / "summary.json").write_text('{"net"'), "summary.json"),
    "a summary of another form": (lambda vote: (vote / "summary.json").write_text("[]"), "summary.json"),
    "clips.csv cut short": (lambda vote: (vote / "clips.csv").write_text("track,clip\nx"), "clips.csv is not whole"),
    "clips.csv empty": (lambda vote: (vote / "clips.csv").write_text(""), "clips.csv is not whole"),
    "clips.csv of bytes": (lambda vote: (vote / "clips.csv").write_bytes(b"\xff\x00"), "clips.csv is not whole"),
}
for name, (spoil, words) in FOLDS.items():

    @kind(f"vote_folds: {name}", words)
    def _(place: Place, spoil: Callable = spoil) -> tuple:
        spoil(folds(place))
        return ("tools.vote.folds", "--net", NET, "--batch", BATCH, "--build", place.folder / "build")


REPORT = {
    "a summary cut short": ("votes/song/*/summary.json", '{"net"'),
    "a summary of another form": ("votes/song/*/summary.json", "[]"),
    "clips.csv cut short": ("votes/song/*/clips.csv", "track,clip\nx"),
    "a confusion that is none": ("votes/song/*/confusion.csv", "outcome\nx,y\n"),
    "run.json cut short": ("runs/song/*/run.json", "{"),
    "metrics of another form": ("runs/song/*/metrics.jsonl", '{"iter": "x", "loss": []}\n[]\n'),
    "a manifest cut short": ("lmdb/song/manifest.json", "{"),
    "a manifest of another form": ("lmdb/song/manifest.json", '{"lmdbs": [], "data": 3, "left_out": 3}'),
}
for name, (pattern, text) in REPORT.items():

    @kind(f"report: {name}", "written to " if name == "metrics of another form" else "left out: ", HANDLED)
    def _(place: Place, pattern: str = pattern, text: str = text) -> tuple:
        build = place.build()
        (file,) = build.glob(pattern)
        file.unlink()
        file.write_text(text)
        return ("tools.report", "--build", build)


@kind("report: a build folder that is a file", "build")
def _(place: Place) -> tuple:
    (place.folder / "build").write_text("")
    return ("tools.report", "--build", place.folder / "build")


@kind("results: a vote that is not there", "vote again, then keep it")
def _(place: Place) -> tuple:
    return ("tools.report.results", "--keep", place.folder / "none")


@kind("verify: nothing there", "make lmdb")
def _(place: Place) -> tuple:
    return ("tools.verify", "--build", place.folder / "none")


def in_sign(net: caffe_pb2.NetParameter) -> None:
    for layer in net.layer:
        for blob in layer.blobs:
            blob.data[:] = [-value for value in blob.data]


@kind("verify: weights flipped in sign, under hashes that fit", "clips passed again through the network", FOUND)
def _(place: Place) -> tuple:
    build = place.build()
    spoil_weights(place, in_sign)
    summary = json.loads((place.vote / "summary.json").read_text())
    summary["caffemodel_sha256"] = files.sha256_of(place.run / f"{NET}_iter_1.caffemodel")
    (place.vote / "summary.json").write_text(json.dumps(summary))
    return ("tools.verify", "--build", build)


@kind("verify: one byte of an LMDB changed", "cnn_float_test_lmdb", FOUND)
def _(place: Place) -> tuple:
    build = place.build()
    flip_record(place.lmdbs / "cnn_float_test_lmdb")
    return ("tools.verify", "--build", build)


@kind("verify: the prototxt of a run changed", "prototxt", FOUND)
def _(place: Place) -> tuple:
    build = place.build()
    edit(place.run / "deploy.prototxt", "shift: -137", "shift: -100")
    return ("tools.verify", "--build", build)


@kind("repeat: a run that is not there", "no such run")
def _(place: Place) -> tuple:
    return ("tools.verify.repeat", place.folder / "none")


@kind("repeat: a run of another form", "run.json is not whole")
def _(place: Place) -> tuple:
    place.build()
    content = json.loads((place.run / "run.json").read_text())
    del content["dropout"]
    files.write_record(place.run / "run.json", content)
    return ("tools.verify.repeat", place.run)


# --- classify, serve -------------------------------------------------------------------------------------------------


def hear(place: Place, *arguments: object, song: Path | None = None) -> tuple:
    song = song or place.songs / "jazz" / "jazz.00000.wav"
    return ("tools.classify", "--build", place.folder / "build", *arguments, "--", song)


options(
    "classify",
    {
        "threshold 0": (("--threshold", 0), "THRESHOLD=0"),
        "threshold 16": (("--threshold", 16), "THRESHOLD=16"),
        "threshold x": (("--threshold", "x"), "THRESHOLD=x: give a whole number"),
        "a model that is not there": (("--model", "/none"), "/none: no such run: name"),
        "an iteration that is not there": (("--iteration", 99), "choose ITERATION= from 1"),
    },
    lambda place, *arguments: hear(place, *arguments),
)


@kind("classify: a song that is not there", "give audio files, as mp3")
def _(place: Place) -> tuple:
    return hear(place, song=place.folder / "none.wav")


@kind("classify: a folder without a song", "no audio file in this folder")
def _(place: Place) -> tuple:
    (place.folder / "empty").mkdir()
    return hear(place, song=place.folder / "empty")


@kind("classify: a model whose run.json is of another form", "is a run of an earlier form")
def _(place: Place) -> tuple:
    place.build()
    (place.run / "run.json").write_text('{"net": 3, "split": 3, "view": 3, "dtype": 3, "bands": 3, "lmdb": 3}')
    return hear(place, "--model", place.run)


@kind("serve: a port that is taken", "choose another with PORT=")
def _(place: Place) -> tuple:
    taken = place.open.enter_context(socket.create_server(("127.0.0.1", 0)))
    return ("tools.serve", "--build", place.folder / "build", "--port", taken.getsockname()[1])


@kind("serve: port 99999", "choose another with PORT=")
def _(place: Place) -> tuple:
    return ("tools.serve", "--build", place.folder / "build", "--port", 99_999)


# Each kind of bad song on its own, as a user drops it on the page or names it on the command line
for name, (put, fate) in bad_audio.KINDS.items():
    if fate == bad_audio.USED or "name" in name or name in ("two files of one song", "of another suffix"):
        continue
    if name in ("cut short in its data", "a sample short", "numbered with letters"):
        continue  # long enough to be heard

    @kind(f"classify: a song: {name}", "give audio files, as mp3", fast=name == "text")
    def _(place: Place, put: Callable = put) -> tuple:
        song = place.folder / "rock.00001.wav"
        put(song)
        return hear(place, song=song) if not song.is_dir() else hear(place, song=place.folder / "rock.00001.wav/x")
