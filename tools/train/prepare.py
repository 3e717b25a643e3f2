"""From options to a plan: the resolved prototxt, and what run.json says of the run (`tools.train.record`)."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import caffe

from tools import paths
from tools.cli import UserError
from tools.convert import datum
from tools.convert import manifest as manifests
from tools.convert.parameters import parameters_of
from tools.nets import prototxt
from tools.songs.gtzan import GENRES
from tools.train import runs

LIMIT = 2**31  # of the whole numbers that Caffe takes


@dataclass(frozen=True)
class Plan:
    """What one call of `make train` is to do."""

    folder: Path
    iterations: int
    records: int  # of the train LMDB
    batch: int  # clips an iteration, over all ranks
    dropout: list[tuple[int, float]]  # empty: as in the prototxt
    rates: list[tuple[int, float]]  # empty where Caffe's own policy does it
    record: dict  # what run.json says of the run, whichever way it goes
    prototxt: dict[str, str]  # the resolved files, by name

    @property
    def has_batch_norm(self) -> bool:
        return 'type: "BatchNorm"' in self.prototxt["train_val.prototxt"]


def read_manifest(args: argparse.Namespace) -> dict:
    """The manifest of the split's LMDBs. UserError where there are none yet."""
    file = paths.manifest(args.build, runs.lmdb_split_folder(args))
    if not file.exists():
        raise UserError(
            f"{file.parent}: no LMDBs there yet: "
            f"type 'make lmdb SPLIT={args.split} FOLD={args.fold}' with the same settings"
        )
    found = manifests.read(file.parent)
    if found is None:
        raise UserError(f"{file} is not whole: remove {file.parent} and type 'make lmdb' again")
    return found


def lmdb_entry(manifest: dict, lmdb: Path) -> dict:
    """What the manifest says of one LMDB. UserError where it or the LMDB is missing."""
    entry = manifest["lmdbs"].get(lmdb.name)
    if entry is None or not lmdb.is_dir():
        raise UserError(f"{lmdb}: no such LMDB: type 'make lmdb' with the same settings first")
    return entry


def check_lmdbs(lmdbs: dict[str, dict]) -> None:
    """UserError unless the LMDBs of a run's record are there and hold, record by record, what it says.

    Caffe itself would train on whatever lies there, and die of one that is cut short.
    """
    for part, entry in lmdbs.items():
        lmdb = Path(entry["path"])
        if datum.content_hash(lmdb) != entry["sha256"]:
            raise UserError(
                f"{lmdb} is not the {part} part that the run is of: remove {lmdb.parent} and type 'make lmdb' again"
            )


def check_mean(net: object, shape: tuple[int, ...]) -> None:
    """UserError where the net subtracts a mean file that is not there, not whole or of another shape than the clips."""
    name = prototxt.data_layer(net, caffe.TRAIN).transform_param.mean_file
    if name and datum.read_mean(Path(name)).shape != shape:
        raise UserError(f"{name}: not of the shape of the clips: remove {Path(name).parent} and type 'make lmdb' again")


def choose_iterations(args: argparse.Namespace, solver: object) -> int:
    iterations = solver.max_iter if args.iterations is None else args.iterations
    if not 1 <= iterations < LIMIT:
        raise UserError(f"ITERS={iterations}: the number of iterations is 1 or more, and below {LIMIT}")
    return iterations


def resolve_solver(solver: object, args: argparse.Namespace, folder: Path, test_iter: int) -> list[tuple[int, float]]:
    """Fill in what the options ask for; returns the learning rates that no policy of Caffe expresses."""
    solver.net = str(folder / "train_val.prototxt")
    solver.snapshot_prefix = str(folder / args.net)
    solver.max_iter = choose_iterations(args, solver)
    solver.test_iter[:] = [test_iter]
    if args.seed is not None:
        if not 0 <= args.seed < LIMIT:
            raise UserError(f"SEED={args.seed}: a seed is 0 or more, and below {LIMIT}")
        solver.random_seed = args.seed
    if args.base_lr is not None:
        if not 0 < args.base_lr < 1000:
            raise UserError(f"BASE_LR={args.base_lr}: a learning rate is above 0")
        solver.base_lr = args.base_lr
    if not args.lr_steps:
        return []
    schedule = prototxt.parse_schedule(args.lr_steps, "LR_STEPS")
    for _, rate in schedule:
        if not 0 < rate < 1000:
            raise UserError(f'LR_STEPS="{args.lr_steps}": {rate:g} is no learning rate: those are above 0')
    return [] if prototxt.set_learning_rate(solver, schedule) else schedule


@dataclass(frozen=True)
class Data:
    """The LMDBs that a run reads, by part, with what the manifest says of each, and their mean file."""

    view: str
    manifest: dict
    lmdbs: dict[str, Path]
    entries: dict[str, dict]
    mean: Path

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of a clip."""
        return tuple(self.entries["train"]["shape"])

    def records(self, part: str) -> int:
        return self.entries[part]["records"]


def find_data(args: argparse.Namespace, view: str) -> Data:
    """The train and test LMDBs that the options name. UserError where one is missing."""
    manifest, split = read_manifest(args), runs.lmdb_split_folder(args)
    lmdbs = {part: paths.lmdb(args.build, split, view, args.dtype, part) for part in ("train", "test")}
    entries = {part: lmdb_entry(manifest, lmdb) for part, lmdb in lmdbs.items()}
    return Data(view, manifest, lmdbs, entries, paths.mean_file(args.build, split, view, args.dtype))


def choose_batch(args: argparse.Namespace, net: object, data: Data) -> int:
    """Clips an iteration, over all ranks. UserError where the train part has fewer."""
    batch = prototxt.data_layer(net, caffe.TRAIN).data_param.batch_size if args.batch is None else args.batch
    if not 1 <= batch <= data.records("train"):
        raise UserError(
            f"BATCH={batch}: a batch has from 1 to {data.records('train')} clips, all of {data.lmdbs['train']}"
        )
    return batch


def resolve_nets(net: object, deploy: object, args: argparse.Namespace, data: Data, batches: dict[int, int]) -> None:
    """Change what the options ask for; fill in the clips' shape, and the LMDB, batch and mean of each phase."""
    if args.input_scale is not None:
        prototxt.set_input_scale(net, args.input_scale)
    for message in (net, deploy):
        if args.pooling:
            prototxt.set_global_pooling(message, args.pooling)
        if args.batch_norm:
            prototxt.normalise_batches(message)
        if args.neurons is not None:
            prototxt.set_neurons(message, args.neurons)
        if data.view == "lstm":
            prototxt.set_steps(message, data.shape[1])
    sources = {caffe.TRAIN: data.lmdbs["train"], caffe.TEST: data.lmdbs["test"]}
    prototxt.resolve_net(net, sources, data.mean, batches)
    prototxt.resolve_deploy(deploy, data.shape)
    check_mean(net, data.shape)


def prepare(args: argparse.Namespace) -> Plan:
    """Resolve the prototxt of the run that the options name.

    UserError where data are missing or an option is out of its range.
    """
    template = paths.PROTOTXT / args.net
    net = prototxt.read_net(template / "train_val.prototxt")
    deploy = prototxt.read_net(template / "deploy.prototxt")
    solver = prototxt.read_solver(template / "solver.prototxt")
    data = find_data(args, prototxt.view_of(net))
    batch, test_batch = choose_batch(args, net, data), prototxt.covering_batch(data.records("test"))
    folder = runs.run_folder(args)
    dropout = prototxt.parse_schedule(args.dropout, "DROPOUT") if args.dropout else []
    for _, ratio in reversed(dropout):  # the first one stays
        prototxt.set_dropout(net, ratio)
    resolve_nets(net, deploy, args, data, {caffe.TRAIN: batch, caffe.TEST: test_batch})
    rates = resolve_solver(solver, args, folder, data.records("test") // test_batch)
    messages = {"train_val": net, "deploy": deploy, "solver": solver}
    record = {
        **describe_run(args, data),
        "seed": solver.random_seed,
        "batch": batch,
        "dropout": dropout,
        "lr_steps": rates,
        "prototxt": {**{name: prototxt.text(messages[name]) for name in messages}, "solver": _lasting(solver)},
    }
    resolved = {f"{name}.prototxt": prototxt.text(message) for name, message in messages.items()}
    return Plan(folder, solver.max_iter, data.records("train"), batch, dropout, rates, record, resolved)


def describe_run(args: argparse.Namespace, data: Data) -> dict:
    """What run.json says of the net and the data that a run is of."""
    return {
        "net": args.net,
        "split": runs.split_folder(args),
        "fold": args.fold,
        "leaky": args.split == "clip" and data.view != "song",
        "view": data.view,
        "dtype": args.dtype,
        "bands": args.bands,
        "features": asdict(parameters_of(args)),
        "genres": data.manifest.get("genres", list(GENRES)),
        "neurons": args.neurons,
        "lmdb": {part: {"path": str(data.lmdbs[part]), **data.entries[part]} for part in data.lmdbs},
        "data_fingerprint": data.manifest["data"]["fingerprint"],
    }


def _lasting(solver: object) -> str:
    """The solver without what says how far to go and how often to look: that may change from call to call."""
    lasting = type(solver)()
    lasting.CopyFrom(solver)
    for field in ("max_iter", "display", "test_interval", "snapshot"):
        lasting.ClearField(field)
    return prototxt.text(lasting)


def write_prototxt(plan: Plan) -> None:
    """Put the resolved prototxt into the run folder."""
    for name, text in plan.prototxt.items():
        runs.write_whole(plan.folder / name, text)
