"""The checks of a run: its record, its prototxt, its LMDBs, its snapshots, and its metrics, which the log has too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

from caffe.proto import caffe_pb2

from tools import files, paths
from tools.convert import manifest as manifests
from tools.nets import prototxt
from tools.nets.network import Network
from tools.settings import FOLDER, LMDB, RUN, Settings, text_of
from tools.train import runs, snapshots
from tools.train.prepare import SONGS_FILE, describe_settings, lasting_part
from tools.train.resumption import BATCHES
from tools.train.weights import FILE as WEIGHTS_FILE
from tools.verify.build import Build, content_of
from tools.verify.log import Log, compare, read_log, read_metrics
from tools.verify.outcome import FailedError, Outcome, SkippedError, equal, equal_items, judge_all
from tools.verify.record import CHECK, check_own_hash, check_settings, read_command

STATES = ("training", "stopped", "done")  # training: at work, or killed
# Settings of the machine, and a path of which a record has the hash
BESIDE = ("build", "hosts", "caffe", "jobs", "gpu", "weights")
# Settings that the prototxt has as well
IN_PROTOTXT = ("seed", "batch", "base_lr", "input_scale", "pooling", "batch_norm", "neurons")
SCHEDULES = ("dropout", "lr_steps")  # in the record only where the prototxt can't have them


@dataclass(frozen=True)
class RecordedNetwork(Network):
    """The network of a run, as its record has it."""

    texts: dict[str, str]

    @cached_property
    def train_val(self) -> caffe_pb2.NetParameter:
        return prototxt.parse(self.texts["train_val"], caffe_pb2.NetParameter(), "train_val in run.json")

    @cached_property
    def solver(self) -> caffe_pb2.SolverParameter:
        return prototxt.parse(self.texts["solver"], caffe_pb2.SolverParameter(), "the solver in run.json")


@dataclass(frozen=True)
class Run:
    """A run folder, read."""

    folder: Path
    build: Path

    @cached_property
    def record(self) -> dict[str, Any]:
        return runs.read_run(self.folder)

    @cached_property
    def settings(self) -> Settings:
        return runs.settings_of(self.record, self.folder)

    @cached_property
    def log(self) -> Log:
        return read_log(self.folder / "caffe.log")

    @property
    def was_killed(self) -> bool:
        """Whether its training has been, or still is at work."""
        return self.record["state"] == "training"

    def lmdb(self, part: str) -> Path:
        """Where the LMDB lies, also in a build folder that was moved."""
        record = self.record
        return paths.lmdb(self.build, self.settings.lmdb_folder, record["view"], record["dtype"], part)


def check_run(build: Build, folder: Path) -> Iterator[Outcome]:
    """Every check of a run folder."""
    run = Run(folder, build.path)
    if is_at_work(folder):
        yield Outcome("SKIP", str(folder), "run", "a training is at work there")
        return
    yield from judge_all(folder, {CHECK: check_own_hash}, folder / "run.json")
    checks = {
        "record": check_record,
        "prototxt": check_prototxt,
        "LMDBs are those it began with": check_lmdbs,
        "snapshots": check_snapshots,
        "metrics": check_metrics,
        "stretches": check_stretches,
    }
    yield from judge_all(folder, checks, run)


def is_at_work(folder: Path) -> bool:
    """Whether a training holds the folder's lock."""
    lock = folder / ".lock"
    if not lock.is_file():
        return False
    with lock.open() as stream:
        return not files.is_taken(stream.fileno())


def check_record(run: Run) -> str:
    """What run.json says is what its settings say; these are those of the folder's name and of the command."""
    record, settings = run.record, run.settings
    view = prototxt.view_of(RecordedNetwork(settings.net, record["prototxt"]).train_val)
    gpus = [int(number) for number in settings.gpu.split(",") if number]
    right = {**describe_settings(settings, view, record["label_names"]), "ranks": settings.ranks, "gpu": gpus}
    equal_items(record, right)
    named = named_settings(run.folder.name, settings)
    equal(run.folder.parent.name, settings.split_folder, "the name of its split")
    if "repeats" not in record:
        args = read_command(record["command"], ["tools.train"], "data")
        check_settings(args, settings, {*named, *settings.differences(FOLDER)} - {"net"}, BESIDE)
    if record["state"] not in STATES or (record["state"] == "done" and record["iteration"] != settings.iters):
        raise FailedError(f"{record['state']} at iteration {record['iteration']} of {settings.iters}")
    return f"whole, iteration {record['iteration']}, {record['state']}"


def named_settings(folder: str, settings: Settings) -> dict[str, str]:
    """The settings that the name of a run's folder holds. FailedError where it is no name of a run of these settings.

    Which of the network's own values were the usual ones when it was trained, the name alone says. One that was cut
    says it by its hash.
    """
    texts = {name: text_of(value) for name, value in settings.items(LMDB, RUN)}
    own = [name for name in texts if getattr(Settings, name) is None]
    others = settings.differences(LMDB, RUN).keys() - own
    for number in range(len(own) + 1):
        for unusual in combinations(own, number):
            named = {name: text for name, text in texts.items() if name in others or name in unusual}
            if paths.variant(settings.net, named) == folder:
                return named
    raise FailedError(f"the name of its folder: {folder} is none of a run of these settings")


def check_prototxt(run: Run) -> str:
    """The files are those of the record, and say what the settings say."""
    record, settings = run.record, run.settings
    network = RecordedNetwork(settings.net, record["prototxt"])
    for name in ("train_val", "deploy"):
        equal((run.folder / f"{name}.prototxt").read_text(), record["prototxt"][name], f"{name}.prototxt")
    file = run.folder / "solver.prototxt"
    solver = prototxt.read(file, caffe_pb2.SolverParameter())
    equal(file.read_text(), prototxt.text(solver), file.name)
    equal(lasting_part(solver), record["prototxt"]["solver"], file.name)
    equal(solver.max_iter, record.get("repeats", settings.iters), f"max_iter of {file.name}")
    own = network.defaults
    for name in IN_PROTOTXT:
        equal(text_of(getattr(settings, name)), text_of(own[name]), f"{name} of the settings")
    for name in SCHEDULES:
        steps = tuple(tuple(step) for step in record[name]) or own[name] or ()
        equal(text_of(steps), text_of(getattr(settings, name) or ()), f"{name} of the settings")
    if settings.split != "all":  # which has no test net
        prototxt.check_input(network.train_val, prototxt.read_net(run.folder / "deploy.prototxt"), run.folder)
    equal((run.folder / WEIGHTS_FILE).exists(), bool(settings.weights), f"a file {WEIGHTS_FILE}")
    return "as in run.json, with its settings"


def check_lmdbs(run: Run) -> str:
    """The LMDBs hold what they held then, of the songs that are kept. SkippedError where all are others by now."""
    differences, record = [], run.record
    equal(sorted(record["lmdb"]), ["train"] if run.settings.split == "all" else ["test", "train"], "parts")
    for part, entry in record["lmdb"].items():
        lmdb = run.lmdb(part)
        equal(Path(entry["path"]).parts[-2:], lmdb.parts[-2:], f"path of the {part} part")
        if not lmdb.is_dir():
            raise SkippedError(f"the LMDB is gone: {lmdb}")
        if entry["sha256"] != content_of(lmdb).sha256:
            differences.append(f"sha256 of the {part} part")
            continue
        manifest = manifests.read(lmdb.parent) or {}
        equal({**manifest["lmdbs"][lmdb.name], "path": entry["path"]}, entry, f"the {part} part")
        equal_items(record, {key: manifest[key] for key in ("label_names", "genres")})
        if part == "train":
            songs = {track for track, _ in content_of(lmdb).clips}
            right = {track: manifest["samples_sha256"][track] for track in songs}
            equal(files.parse((run.folder / SONGS_FILE).read_text()) == right, True, f"{SONGS_FILE} is of its songs")
    if len(differences) == len(record["lmdb"]):
        raise SkippedError("the LMDBs are others by now: make lmdb of the same songs, or train afresh")
    equal(differences, [], "what differs")
    return " and ".join(record["lmdb"])


def check_snapshots(run: Run) -> str:
    """Every snapshot that was marked whole is byte for byte what it was then, and none of ours has lost its mark."""
    marks = {snapshots.iteration_of(mark): mark for mark in run.folder.glob("*_iter_*.whole")}
    for mark in marks.values():
        for name, entry in files.parse(mark.read_text()).items():
            file = run.folder / name
            if not file.is_file():
                raise FailedError(f"{name} is gone: remove {mark.name} too")
            equal(file.stat().st_size, entry["bytes"], f"bytes of {name}")
            equal(files.sha256_of(file), entry["sha256"], f"sha256 of {name}")
    newest, reached = max(marks, default=0), run.record["iteration"]
    # Stock `caffe train` writes no batches beside a snapshot
    begun = {snapshots.iteration_of(file) for file in run.folder.glob("*_iter_*.begun")}
    ours = {snapshots.iteration_of(file) for file in run.folder.glob(f"*_iter_*{BATCHES}")}
    for iteration in sorted(ours - marks.keys() - begun):
        raise FailedError(f"the snapshot of iteration {iteration} has lost its mark: train again, or remove it")
    if reached > newest or (reached != newest and not run.was_killed):
        raise FailedError(f"the newest is of iteration {newest}, and run.json says {reached}: train again")
    if not marks:
        raise SkippedError("none is whole yet")
    return f"{len(marks)} whole"


def check_metrics(run: Run) -> str:
    """metrics.jsonl has the losses, rates and tests of caffe.log."""
    metrics = read_metrics(run.folder / "metrics.jsonl", run.was_killed)
    compare(run.log, metrics, run.was_killed)
    return f"{len(metrics)} lines"


def check_stretches(run: Run) -> str:
    """From which iteration on the run was trained with how many ranks is what caffe.log says."""
    record, stretches = run.record, run.record["stretches"]
    starts = [stretch["start"] for stretch in stretches]
    equal(starts, sorted({0, *starts}), "where they start")
    equal((stretches[-1]["ranks"], stretches[-1]["gpu"]), (record["ranks"], record["gpu"]), "ranks and gpu of the last")
    for process in run.log.lasting:
        ranks = [stretch["ranks"] for stretch in stretches if stretch["start"] <= process.start][-1]
        equal(ranks, record["batch"] // process.batch, f"ranks from iteration {process.start} on, by caffe.log")
    begun = {process.start for process in run.log.lasting}
    for start, end in zip(starts, [*starts[1:], record["iteration"]]):
        if end > start and start not in begun:
            raise FailedError(f"caffe.log has no training that began at iteration {start}")
    return f"{len(stretches)}"
