"""A snapshot counts once it is whole, and a run is named by what differs from the defaults."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tools.cli import UserError
from tools.train import runs, snapshots


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    runs.add_run_options(parser)
    return parser.parse_args(arguments)


def snapshot(folder: Path, iteration: int, whole: bool = True) -> None:
    for kind in ("caffemodel", "solverstate"):
        (folder / f"rcnn_iter_{iteration}.{kind}").write_bytes(b"%d" % iteration * 100)
    if whole:
        snapshots.mark_whole(folder, "rcnn", iteration)


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        ((), "build/runs/song/rcnn"),
        (("--dtype", "int", "--seed", "3"), "build/runs/song/rcnn@dtype=int,seed=3"),
        (("--net", "lstm", "--fold", "2"), "build/runs/song-2/lstm"),
        (("--split", "clip", "--lr-steps", "1e-4 1e-5@9"), "build/runs/clip/rcnn@lr_steps=1e-4_1e-5@9"),
        (("--window", "512", "--bands", "linear"), "build/runs/song/rcnn@bands=linear,window=512"),
        (("--net", "lstm", "--neurons", "160"), "build/runs/song/lstm@neurons=160"),
        (("--genres", "pop metal"), "build/runs/song/rcnn@genres=metal_pop"),
        (("--split", "inner", "--fold", "2", "--pooling", "max"), "build/runs/inner-2/rcnn@pooling=max"),
        (("--overlap", "2", "--batch-norm", "1"), "build/runs/song/rcnn@overlap=2,batch_norm=1"),
    ],
)
def test_a_run_is_named_by_what_differs_from_the_defaults(arguments, folder):
    assert str(runs.run_folder(options(*arguments))) == folder


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        ((), "song"),
        (("--fold", "3", "--dtype", "int", "--seed", "5", "--neurons", "9"), "song-3"),
        (("--split", "clip", "--hop", "128", "--genres", "rock,jazz"), "clip@hop=128,genres=jazz_rock"),
        (("--masked-copies", "2", "--input-scale", "0.5"), "song@masked_copies=2"),
    ],
)
def test_lmdbs_are_named_by_what_differs_in_their_records(arguments, folder):
    assert runs.lmdb_split_folder(options(*arguments)) == folder


@pytest.mark.parametrize("fold", ["-1", "5"])
def test_a_fold_that_there_is_not_is_refused(fold):
    with pytest.raises(UserError, match=f"FOLD={fold}: .*0 to 4"):
        runs.run_folder(options("--fold", fold))


def test_only_whole_snapshots_are_found_in_order_of_iteration(tmp_path):
    snapshot(tmp_path, 1000)
    snapshot(tmp_path, 500)
    snapshot(tmp_path, 1500, whole=False)
    assert list(snapshots.whole_snapshots(tmp_path)) == [500, 1000]


def test_a_snapshot_cut_short_after_it_was_marked_no_longer_counts(tmp_path):
    snapshot(tmp_path, 500)
    snapshot(tmp_path, 1000)
    (tmp_path / "rcnn_iter_1000.caffemodel").write_bytes(b"short")
    assert list(snapshots.whole_snapshots(tmp_path)) == [500]


@pytest.mark.parametrize(
    "mark", ["2", "[]", "{}", '{"rcnn_iter_500.caffemodel": 3}', '{"rcnn_iter_500.cafe', '{"..": {}}']
)
def test_a_mark_that_says_nothing_makes_no_snapshot_whole(tmp_path, mark):
    snapshot(tmp_path, 500)
    (tmp_path / "rcnn_iter_500.whole").write_text(mark)
    assert snapshots.whole_snapshots(tmp_path) == {}
    assert snapshots.newest_resumable(tmp_path) is None


def test_training_goes_on_from_the_newest_snapshot_that_is_what_it_was(tmp_path):
    snapshot(tmp_path, 500)
    snapshot(tmp_path, 1000)
    state = tmp_path / "rcnn_iter_1000.solverstate"
    state.write_bytes(state.read_bytes()[::-1])
    assert snapshots.newest_resumable(tmp_path) == (500, tmp_path / "rcnn_iter_500.solverstate")


def test_old_snapshots_go_but_the_paper_s_iterations_stay(tmp_path):
    for iteration in range(500, 7500, 500):
        snapshot(tmp_path, iteration)
    snapshot(tmp_path, 7500, whole=False)
    snapshots.prune_snapshots(tmp_path)
    assert list(snapshots.whole_snapshots(tmp_path)) == [500, 1000, 4000, 5000, 5500, 6000, 6500, 7000]
    assert not list(tmp_path.glob("*_7500*"))


def test_a_run_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="make train NET=rcnn"):
        runs.read_run(tmp_path / "rcnn@seed=3")
