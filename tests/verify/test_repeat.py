"""A run can be trained again from its run.json alone, and has the same weights then."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from caffe.proto import caffe_pb2
from conftest import call_module, run_module

from tools import files
from tools.train import snapshots
from tools.verify import repeat
from tools.verify.build import Build
from tools.verify.training import check_run

NET = "complex_cnn"


@pytest.fixture(scope="module")
def once(tiny_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with a run whose first three iterations were made by two ranks, the others by one."""
    build = tmp_path_factory.mktemp("repeat") / "build"
    build.mkdir()
    (build / "lmdb").symlink_to(tiny_build / "lmdb")
    for iterations, ranks in ((3, 2), (5, 1)):
        options = ("--net", NET, "--build", build, "--batch", 4, "--seed", 3, "--dropout", "0.4 0.6@4")
        trained = call_module("tools.train", *options, "--iters", iterations, "--ranks", ranks)
        assert trained.returncode == 0, trained.stderr
    return build


@pytest.fixture
def run(once: Path, tmp_path: Path) -> Path:
    """The run in a build folder of its own; of its files only run.json and the snapshots are left."""
    build = tmp_path / "build"
    shutil.copytree(once / "runs", build / "runs")
    (folder,) = (build / "runs" / "song").iterdir()
    for file in [*folder.glob("*.prototxt"), folder / "caffe.log", folder / "metrics.jsonl"]:
        file.unlink()
    return folder


def edit(run: Path, change: Callable[[dict], object]) -> None:
    record = json.loads((run / "run.json").read_text())
    change(record)
    files.write_record(run / "run.json", record)


def stretches_of(folder: Path) -> dict[str, str]:
    """What verify says of the ranks of a run."""
    outcomes = check_run(Build(folder.parents[2]), folder)
    return {outcome.check: outcome.state for outcome in outcomes}


def test_a_run_says_which_stretch_was_trained_by_how_many_ranks(once, tmp_path):
    shutil.copytree(once / "runs", tmp_path / "runs")
    (tmp_path / "lmdb").symlink_to(once / "lmdb")
    (folder,) = (tmp_path / "runs" / "song").iterdir()
    stretches = json.loads((folder / "run.json").read_text())["stretches"]
    assert [(stretch["start"], stretch["ranks"]) for stretch in stretches] == [(0, 2), (3, 1)]
    assert set(stretches_of(folder).values()) == {"PASS"}
    for number, key, value in ((0, "ranks", 4), (0, "start", 1), (1, "ranks", 2), (1, "start", 2), (1, "start", 4)):
        changed = json.loads(json.dumps(stretches))
        changed[number][key] = value
        edit(folder, lambda record, changed=changed: record.update(stretches=changed))
        assert stretches_of(folder)["stretches"] == "FAIL", changed
    for fewer in (stretches[:1], stretches[1:], []):
        edit(folder, lambda record, fewer=fewer: record.update(stretches=fewer))
        assert stretches_of(folder)["stretches"] == "FAIL", fewer


def test_the_weights_are_the_same_bit_for_bit_and_the_run_is_left_alone(once, run):
    before = {file: file.read_bytes() for file in run.iterdir() if file.is_file()}
    result = run_module("tools.verify.repeat", run)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1] == "the weights are the same, bit for bit"
    again = run.parent.parent.parent / "repeats" / "song" / run.name
    assert list(snapshots.whole_snapshots(again)) == [3, 4, 5]
    (again.parents[2] / "lmdb").symlink_to(once / "lmdb")
    assert {outcome.state for outcome in check_run(Build(again.parents[2]), again)} == {"PASS"}
    assert {file: file.read_bytes() for file in run.iterdir() if file.is_file()} == before
    earlier = call_module("tools.verify.repeat", run, "--iteration", 3)
    assert earlier.returncode == 0, earlier.stdout + earlier.stderr


def test_a_run_in_a_build_folder_that_was_moved_is_repeated_from_where_its_lmdbs_are_now(once, tmp_path):
    build = tmp_path / "moved"
    shutil.copytree(once / "runs", build / "runs")
    shutil.copytree((once / "lmdb").resolve(), build / "lmdb")
    (run,) = (build / "runs" / "song").iterdir()
    text = (run / "run.json").read_text()
    files.write_record(run / "run.json", json.loads(text.replace(str(once), str(tmp_path / "before"))))
    assert str(once) in text
    result = call_module("tools.verify.repeat", run, "--iteration", 3)
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(stretches_of(build / "repeats" / "song" / run.name).values()) == {"PASS"}


def test_weights_that_differ_in_one_bit_are_told(run, tmp_path, capsys):
    model, altered = run / f"{NET}_iter_5.caffemodel", tmp_path / "altered.caffemodel"
    net = caffe_pb2.NetParameter()
    net.ParseFromString(model.read_bytes())
    (layer,) = [layer for layer in net.layer if layer.name == "conv1"]
    layer.blobs[0].data[7] *= 1 + 2**-23
    altered.write_bytes(net.SerializeToString())
    assert repeat.compare(model, altered) == 1
    out = capsys.readouterr().out
    assert "layer conv1: 1 of 800 differ" in out
    assert out.splitlines()[-1] == "the weights differ"
    assert repeat.compare(model, model) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record["lmdb"]["train"].update(sha256="0" * 64), "is not the train part that the run is of"),
        (lambda record: record["lmdb"]["test"].update(path="/none"), "/none: there is no such LMDB"),
        (lambda record: record.pop("prototxt"), "run.json is not whole"),
        (lambda record: record["prototxt"].update(solver="base_lr: fast"), "mend that line"),
    ],
)
def test_what_cannot_be_repeated_is_said_in_one_line(run, change, words):
    edit(run, change)
    result = call_module("tools.verify.repeat", run)
    assert result.returncode == 2
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_a_run_or_a_snapshot_that_is_not_there_is_named(run, tmp_path):
    assert "no such run" in call_module("tools.verify.repeat", tmp_path / "none").stderr
    assert "choose ITERATION= from 3, 4, 5" in call_module("tools.verify.repeat", run, "--iteration", 2).stderr
