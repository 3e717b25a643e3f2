"""A run: the options that name it, its folder, its snapshots and its record.

A run folder holds the resolved prototxt, `metrics.jsonl`, `caffe.log`, `run.json` and the snapshots. Caffe writes a
snapshot in place, so that a killed one can leave half a file behind: a snapshot counts as whole only once
`<net>_iter_<N>.whole` lies beside it, which holds the size and hash of each of its files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
from pathlib import Path

from tools import cli, paths
from tools.cli import UserError
from tools.convert.parameters import add_parameters, parameters_of
from tools.songs import gtzan
from tools.songs.splits import check_fold

NETS = ("simple_cnn", "complex_cnn", "rcnn", "lstm", "song_cnn")
# Table 2's rows, the drop of the learning rate and the end of the paper's longest run, and the 1000 at which nets are
# compared: never pruned.
ITERATIONS_KEPT = (500, 1000, 4000, 10_000, 60_000, 100_000, 200_000)
NEWEST_KEPT = 5
# What `make setup CAFFE=native` made, in the versions of run.json
NATIVE = "Debian bullseye, rebuilt for this processor"
KEYS = {"net": str, "split": str, "view": str, "dtype": str, "seed": int, "lmdb": dict}  # without which it is no record


def add_lmdb_options(parser: argparse.ArgumentParser) -> None:
    """The options that name a folder of LMDBs, alike for the tool that makes it and for those that read it."""
    parser.add_argument("--split", default="song", choices=paths.SPLITS, help="how clips are divided (default: song)")
    parser.add_argument("--fold", type=int, default=0, help="0 to 4 of the song split, 1 to 4 of inner (default: 0)")
    parser.add_argument("--genres", default="", help='some genres alone: "classical metal pop" (default: all)')
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    add_parameters(parser)


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options that name a run, alike for every tool that makes or reads one."""
    parser.add_argument("--net", default="rcnn", help="a folder of prototxt/ (default: rcnn)")
    add_lmdb_options(parser)
    parser.add_argument("--dtype", default="float", choices=paths.DTYPES, help="which LMDB (default: float)")
    parser.add_argument("--seed", type=int, help="random_seed of the solver (default: as in solver.prototxt)")
    parser.add_argument("--batch", type=int, help="clips an iteration, over all ranks (default: as in the prototxt)")
    parser.add_argument("--base-lr", type=float, help="learning rate (default: as in solver.prototxt)")
    parser.add_argument("--lr-steps", help='learning rates and from where on they hold: "1e-4 1e-5@100000"')
    parser.add_argument("--dropout", help='dropout ratio, or a schedule of it: "0.4 0.6@3000 0.7@6000"')
    parser.add_argument("--input-scale", type=float, help="factor of the input (default: as in the prototxt)")
    parser.add_argument("--pooling", choices=("max", "ave"), help="global pooling (default: as in the prototxt)")
    parser.add_argument("--batch-norm", type=int, choices=(1,), help="1: BatchNorm and Scale in place of each LRN")
    parser.add_argument("--neurons", type=int, help="outputs of each LSTM layer (default: as in the prototxt)")


def split_folder(args: argparse.Namespace) -> str:
    """The name of the split's folder under build/runs and build/votes. UserError for a fold that there is not."""
    check_fold(args.split, args.fold)
    return paths.split_name(args.split, args.fold)


def lmdb_split_folder(args: argparse.Namespace) -> str:
    """The name of the split's folder under build/lmdb, where other matrices and fewer genres name themselves."""
    return paths.variant(split_folder(args), **parameters_of(args).differences(), **genres_named(args))


def genres_named(args: argparse.Namespace) -> dict[str, str]:
    """``{"genres": "classical_metal_pop"}``, or nothing for all ten."""
    genres = gtzan.parse_genres(args.genres)
    return {"genres": "_".join(genres)} if genres else {}


def run_name(args: argparse.Namespace) -> str:
    """The name of a run: its net, and what differs from the defaults. UserError for a net that is no folder's name."""
    if args.net != Path(args.net).name:
        raise UserError(f"NET={cli.printable(args.net)}: NET is one of {', '.join(NETS)}")
    return paths.variant(
        args.net,
        dtype=None if args.dtype == "float" else args.dtype,
        seed=args.seed,
        **parameters_of(args).differences(),
        batch=args.batch,
        base_lr=args.base_lr,
        lr_steps=args.lr_steps and "_".join(args.lr_steps.split()),
        dropout=args.dropout and "_".join(args.dropout.split()),
        input_scale=args.input_scale,
        pooling=args.pooling,
        batch_norm=args.batch_norm,
        neurons=args.neurons,
        **genres_named(args),
    )


def run_folder(args: argparse.Namespace) -> Path:
    return paths.run_folder(args.build, split_folder(args), run_name(args))


def read_run(folder: Path) -> dict:
    """The record of a run. UserError where there is no such run, or its record is not whole."""
    file = folder / "run.json"
    try:
        record = json.loads(file.read_text())
        if not isinstance(record, dict) or not all(isinstance(record.get(key), kind) for key, kind in KEYS.items()):
            raise ValueError(f"a key of {', '.join(KEYS)} is missing")
        return record
    except FileNotFoundError:
        net = folder.name.split("@")[0]
        raise UserError(f"{folder}: no such run: type 'make train NET={net}' with the same settings first") from None
    except ValueError:
        raise UserError(f"{file} is not whole: remove {folder} and train again") from None


def write_whole(file: Path, text: str) -> None:
    """Write a file aside and rename it into place, so that it is never seen half written."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with aside.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(file)


def sha256_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def mark_whole(folder: Path, prefix: str, iteration: int) -> None:
    """Declare the snapshot of this iteration whole, once all of its files are written."""
    files = sorted(file for file in folder.glob(f"{prefix}_iter_{iteration}.*") if file.suffix != ".whole")
    for file in files:
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
    mark = {file.name: {"bytes": file.stat().st_size, "sha256": sha256_of(file)} for file in files}
    write_whole(folder / f"{prefix}_iter_{iteration}.whole", json.dumps(mark, indent=1) + "\n")


def whole_snapshots(folder: Path) -> dict[int, Path]:
    """Iteration to .caffemodel of every whole snapshot of a run, in order of iteration."""
    found = {}
    for mark in folder.glob("*_iter_*.whole"):
        iteration = int(re.search(r"_iter_(\d+)\.whole$", mark.name)[1])
        if _is_whole(mark):
            found[iteration] = mark.with_suffix(".caffemodel")
    return dict(sorted(found.items()))


def is_vote_of(summary: dict, record: dict, folder: Path) -> bool:
    """Whether a vote is of the run that stands in ``folder`` now, as far as can be told.

    Of the same LMDBs, and of the same weights while the snapshot is there that they would be in.
    """
    if any(record["lmdb"].get(part, {}).get("sha256") != seen for part, seen in summary.get("lmdb_sha256", {}).items()):
        return False
    model = whole_snapshots(folder).get(summary["iteration"])
    if model is None or not isinstance(summary.get("caffemodel_sha256"), str):
        return True
    return json.loads(model.with_suffix(".whole").read_text())[model.name]["sha256"] == summary["caffemodel_sha256"]


def choose_snapshot(folder: Path, wanted: int | None) -> tuple[int, Path]:
    """Iteration and .caffemodel of the snapshot ``wanted``, or of the newest. UserError where there is none whole."""
    snapshots = whole_snapshots(folder)
    if not snapshots:
        raise UserError(f"{folder} has no whole snapshot yet: train further first")
    iteration = max(snapshots) if wanted is None else wanted
    if iteration not in snapshots:
        raise UserError(
            f"{folder} has no whole snapshot of iteration {iteration}: choose from {', '.join(map(str, snapshots))}"
        )
    return iteration, snapshots[iteration]


def _is_whole(mark: Path) -> bool:
    try:
        files = json.loads(mark.read_text())
        as_marked = all((mark.parent / name).stat().st_size == seen["bytes"] for name, seen in files.items())
        return as_marked and mark.with_suffix(".caffemodel").name in files
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def newest_resumable(folder: Path) -> tuple[int, Path] | None:
    """Iteration and .solverstate of the newest snapshot whose files are what they were when it was marked whole."""
    for iteration, model in reversed(whole_snapshots(folder).items()):
        marked = json.loads(model.with_suffix(".whole").read_text())
        state = model.with_suffix(".solverstate")
        unchanged = all(sha256_of(folder / name) == seen.get("sha256") for name, seen in marked.items())
        if unchanged and state.name in marked:
            return iteration, state
    return None


def prune_snapshots(folder: Path) -> None:
    """Remove half-written snapshots, and old ones beyond the newest and the paper's own iterations."""
    whole = whole_snapshots(folder)
    kept = {n for n in whole if n in ITERATIONS_KEPT} | set(list(whole)[-NEWEST_KEPT:])
    for file in folder.glob("*_iter_*"):
        iteration = int(re.search(r"_iter_(\d+)\.", file.name)[1])
        if iteration not in kept:
            file.unlink(missing_ok=True)
