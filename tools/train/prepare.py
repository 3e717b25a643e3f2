"""From settings to a plan: the resolved prototxt, and what run.json says of the run (`tools.train.record`)."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import caffe
from caffe.proto import caffe_pb2

from tools import files, paths
from tools.cli import UserError
from tools.convert import lmdbs
from tools.convert import manifest as manifests
from tools.convert.views import View, matrix_settings
from tools.nets import prototxt
from tools.nets.agreement import check_same_layers
from tools.nets.network import Network, set_learning_rate
from tools.settings import Schedule, Settings, text_of
from tools.songs.splits import LEAKY
from tools.train import runs
from tools.train.weights import FILE as WEIGHTS_FILE
from tools.train.weights import first_weights, named_by_hash

SONGS_FILE = "trained_songs.json"
PHASES = {caffe.TRAIN: "train", caffe.TEST: "test"}


@dataclass(frozen=True)
class Plan:
    """What one call of `make train` is to do."""

    folder: Path
    settings: Settings  # resolved: none is None
    record: dict[str, Any]  # what run.json says of the run, whichever way it goes
    contents: dict[str, str | bytes]  # of the run folder's files, by name: prototxt, songs trained on, first weights


@dataclass(frozen=True)
class Data:
    """What a run reads: a view of songs, their manifest, and of the LMDB of each part what run.json says of it."""

    view: View
    manifest: dict[str, Any]
    lmdbs: dict[str, dict[str, Any]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Channels, height and width of a clip."""
        return tuple(self.lmdbs["train"]["shape"])

    def records(self, part: str) -> int:
        return self.lmdbs[part]["records"] if part in self.lmdbs else 0


def prepare(settings: Settings) -> Plan:
    """Resolve the prototxt of the run that the settings name.

    UserError where data are missing, or a setting does not go with the network or the data.
    """
    network = Network(settings.net)
    view = prototxt.view_of(network.train_val)
    prototxt.check_roles(network.train_val, network.deploy, network.solver, paths.PROTOTXT / settings.net)
    prototxt.check_input(network.train_val, network.deploy, paths.PROTOTXT / settings.net)
    check_same_layers(network.train_val, network.deploy, paths.PROTOTXT / settings.net)
    settings, weights = named_by_hash(settings)
    folder = runs.run_folder(settings)
    settings = network.resolve(settings)
    data = find_data(settings, view)
    if settings.batch > data.records("train"):
        all_clips = f"{data.records('train')} clips, all of {data.lmdbs['train']['path']}"
        raise UserError(f"BATCH={settings.batch}: a batch has from 1 to {all_clips}")
    test_batch = prototxt.covering_batch(data.records("test")) if data.records("test") else 1
    net, deploy, solver = deepcopy((network.train_val, network.deploy, network.solver))
    resolve_nets(net, deploy, settings, network, data, test_batch)
    rates = resolve_solver(solver, settings, network, folder, data.records("test") // test_batch)
    scheduled = len(settings.dropout or ()) > 1 or settings.dropout != network.defaults["dropout"]
    dropout = settings.dropout if scheduled and settings.dropout else ()
    messages = {"train_val": net, "deploy": deploy, "solver": solver}
    record = {
        **describe_settings(settings, view, data.manifest["label_names"]),
        "lmdb": data.lmdbs,
        "data_fingerprint": data.manifest["data"]["fingerprint"],
        "settings": settings.as_json(),
        "dropout": dropout,  # empty: as in the prototxt
        "lr_steps": rates,  # empty where Caffe's own policy does it
        "prototxt": {**{name: prototxt.text(messages[name]) for name in messages}, "solver": lasting_part(solver)},
    }
    texts = {f"{name}.prototxt": prototxt.text(message) for name, message in messages.items()}
    contents: dict[str, str | bytes] = {**texts, SONGS_FILE: json.dumps(trained_songs(data), indent=0) + "\n"}
    if weights:
        contents[WEIGHTS_FILE] = first_weights(weights, net, data.manifest["label_names"])
    return Plan(folder, settings, record, contents)


def find_data(settings: Settings, view: View) -> Data:
    """The train and test LMDBs that the settings name. UserError where one is missing."""
    split = settings.lmdb_folder
    folder = paths.lmdb_folder(settings.build, split)
    if not (folder / manifests.FILE).exists():
        raise UserError(
            f"{folder}: no LMDBs there yet: "
            f"type 'make lmdb SPLIT={settings.split} FOLD={settings.fold}' with the same settings"
        )
    manifest = manifests.read(folder)
    remedy = f"remove {folder} and type 'make lmdb' again"
    if manifest is None:
        raise UserError(f"{folder / manifests.FILE} is not whole: {remedy}")
    files.check_as_written(folder / manifests.FILE, remedy)
    names = ("train",) if settings.split == "all" else ("train", "test")
    parts = {part: paths.lmdb(settings.build, split, view.name, settings.dtype, part) for part in names}
    for lmdb in parts.values():
        if reason := manifest.get("lacking", {}).get(view.name):
            raise UserError(f"{lmdb}: no such LMDB: {reason}: 'make lmdb' named the songs")
        if lmdb.name not in manifest["lmdbs"] or not lmdb.is_dir():
            raise UserError(f"{lmdb}: no such LMDB: type 'make lmdb' with the same settings first")
    entries = {part: {"path": str(lmdb), **manifest["lmdbs"][lmdb.name]} for part, lmdb in parts.items()}
    return Data(view, manifest, entries)


def trained_songs(data: Data) -> dict[str, str]:
    """The sha256 of the samples of every song that has a clip in the train part, by name."""
    hashes = data.manifest["samples_sha256"]
    return {track: hashes[track] for track in sorted(lmdbs.tracks(Path(data.lmdbs["train"]["path"])))}


def resolve_nets(
    net: caffe_pb2.NetParameter,
    deploy: caffe_pb2.NetParameter,
    settings: Settings,
    network: Network,
    data: Data,
    test_batch: int,
) -> None:
    """Change what the settings ask for; fill in the clips' shape, and the LMDB and batch of each phase."""
    own = network.defaults
    if settings.input_scale != own["input_scale"]:
        prototxt.set_input_scale(net, deploy, settings.input_scale)
    if settings.dropout != own["dropout"]:
        prototxt.set_in_layers(net, "dropout", settings.dropout[0][1])
    for message in (net, deploy):
        for name in ("pooling", "neurons"):
            if getattr(settings, name) != own[name]:
                prototxt.set_in_layers(message, name, getattr(settings, name))
        if settings.batch_norm != own["batch_norm"]:
            prototxt.normalise_batches(message)
        if data.view.is_sequence:
            prototxt.set_steps(message, data.shape[1])
        prototxt.set_outputs(message, len(data.manifest["label_names"]))
    sources = {phase: Path(data.lmdbs[part]["path"]) for phase, part in PHASES.items() if part in data.lmdbs}
    prototxt.resolve_net(net, sources, {caffe.TRAIN: settings.batch, caffe.TEST: test_batch})
    prototxt.resolve_deploy(deploy, data.shape)


def resolve_solver(
    solver: caffe_pb2.SolverParameter, settings: Settings, network: Network, folder: Path, test_iter: int
) -> Schedule:
    """Fill in what the settings ask for; returns the learning rates that no policy of Caffe expresses."""
    solver.net = str(folder / "train_val.prototxt")
    solver.snapshot_prefix = str(folder / settings.net)
    solver.max_iter = settings.iters
    if test_iter:
        solver.test_iter[:] = [test_iter]
    else:
        for field in ("test_iter", "test_interval", "test_initialization"):
            solver.ClearField(field)
    solver.random_seed = settings.seed
    if text_of(settings.lr_steps) == text_of(network.defaults["lr_steps"]):
        return ()
    return () if set_learning_rate(solver, settings.lr_steps) else settings.lr_steps


def describe_settings(settings: Settings, view: View, label_names: list[str]) -> dict[str, Any]:
    """What run.json says of a run that its settings say: `settings` has them all, these are for who reads it."""
    return {
        "net": settings.net,
        "split": settings.split_folder,
        "fold": settings.fold,
        "leaky": view.clips(settings) > 1 if settings.split == "clip" else LEAKY.get(settings.split, False),
        "view": view.name,
        "dtype": settings.dtype,
        "bands": settings.bands,
        "features": matrix_settings(settings),
        "genres": [genre for genre in label_names if genre in (settings.genres or label_names)],
        "label_names": label_names,
        "neurons": settings.neurons,
        "seed": settings.seed,
        "batch": settings.batch,
    }


def lasting_part(solver: caffe_pb2.SolverParameter) -> str:
    """The solver without what says how far to go and how often to look: that may change from call to call."""
    lasting = deepcopy(solver)
    for field in ("max_iter", "display", "test_interval", "snapshot"):
        lasting.ClearField(field)
    return prototxt.text(lasting)


def check_lmdbs(entries: dict[str, dict[str, Any]]) -> None:
    """UserError unless the LMDBs of a run's record are there and hold, record by record, what it says.

    Caffe itself would train on whatever lies there, and die of one that is cut short.
    """
    for part, entry in entries.items():
        lmdb = Path(entry["path"])
        if lmdbs.content_hash(lmdb) != entry["sha256"]:
            raise UserError(
                f"{lmdb} is not the {part} part that the run is of: remove {lmdb.parent} and type 'make lmdb' again"
            )


def write_files(plan: Plan) -> None:
    """Put the resolved prototxt, and what else the plan says, into the run folder."""
    for name, content in plan.contents.items():
        files.write_whole(plan.folder / name, content)
