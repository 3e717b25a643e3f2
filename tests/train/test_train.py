"""Training is Caffe's own, to the bit, and survives whatever stops it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from caffe.proto import caffe_pb2
from conftest import CHECKOUT

from tools import files
from tools.nets import prototxt
from tools.train import runs, snapshots, training

NET = "simple_cnn"  # where any would do: the others take ten times as long an iteration


def weights(model: Path) -> dict[str, list[np.ndarray]]:
    net = caffe_pb2.NetParameter()
    net.ParseFromString(model.read_bytes())
    return {layer.name: [np.array(blob.data, np.float32) for blob in layer.blobs] for layer in net.layer if layer.blobs}


def assert_same_weights(one: Path, other: Path, tolerance: float = 0.0) -> None:
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    for name in a:
        for x, y in zip(a[name], b[name]):
            np.testing.assert_allclose(x, y, rtol=0, atol=tolerance, err_msg=name)


def metrics(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture
def train(tool, build):
    def call(net: str, iterations: int, *options: object, ranks: int = 1, seed: int = 7, batch: int = 8):
        named = ["--net", net, "--build", build, "--seed", seed, "--batch", batch]
        return tool("tools.train", *named, "--iters", iterations, "--ranks", ranks, *options)

    return call


def only_run(build: Path) -> Path:
    (folder,) = (build / "runs" / "song").iterdir()
    return folder


def model(build: Path, iteration: int) -> Path:
    return snapshots.whole_snapshots(only_run(build))[iteration]


@pytest.mark.parametrize("net", ["rcnn", "lstm"])
def test_thirty_iterations_give_the_weights_and_losses_of_stock_caffe_train(net, train, build, tmp_path):
    """In which the LMDB begins anew once."""
    assert train(net, 30, batch=5).returncode == 0
    folder = only_run(build)
    solver = prototxt.read(folder / "solver.prototxt", caffe_pb2.SolverParameter())
    solver.snapshot_prefix = str(tmp_path / "stock")
    # ours tests at the beginning and at the end
    solver.test_interval = 30
    (tmp_path / "solver.prototxt").write_text(prototxt.text(solver))
    stock = subprocess.run(
        ["caffe", "train", "-solver", str(tmp_path / "solver.prototxt")], capture_output=True, text=True, check=True
    )
    assert_same_weights(model(build, 30), tmp_path / "stock_iter_30.caffemodel")
    display = re.compile(r"Iteration (\d+) \(.*\), loss = (\S+)")
    theirs = {int(i): loss for i, loss in display.findall(stock.stderr)}
    ours = {int(i): loss for i, loss in display.findall((folder / "caffe.log").read_text())}
    assert ours == {i: loss for i, loss in theirs.items() if i < 30}
    outputs = re.compile(r"Train net output #(\d): (\w+) = (\S+)")
    assert outputs.findall((folder / "caffe.log").read_text()) == outputs.findall(stock.stderr)
    tests = re.compile(r"Test net output #\d: (\w+) = (\S+)")
    assert tests.findall((folder / "caffe.log").read_text()) == tests.findall(stock.stderr)


mpi = pytest.mark.xdist_group("mpi")
RANKS = [1, pytest.param(2, marks=mpi)]
quick = pytest.mark.quick
RESUMED = [
    pytest.param("simple_cnn", 1, marks=quick),
    pytest.param("complex_cnn", 2, marks=[mpi, quick]),
    pytest.param("lstm", 1, marks=quick),
    pytest.param("rcnn", 1, marks=quick),
    ("complex_cnn", 1),
    ("song_cnn", 1),
    ("rcnn_plus", 1),
    pytest.param("rcnn", 2, marks=mpi),
    pytest.param("lstm", 2, marks=mpi),
]


@pytest.mark.torture("stop and resume")
@pytest.mark.parametrize(("net", "ranks"), RESUMED)
def test_a_run_stopped_between_two_displays_and_resumed_is_one_never_stopped(net, ranks, train, build, tmp_path):
    """In its weights, its losses, and the accuracies of a display, which are of all batches since the one before."""
    batch = 8 if net in ("simple_cnn", "lstm") else 4  # the others take ten times as long

    def displays() -> list[tuple[int, float, float]]:
        return [(m["iter"], m["loss"], m["train_accuracy"]) for m in metrics(only_run(build)) if "loss" in m]

    assert train(net, 21, ranks=ranks, batch=batch).returncode == 0
    whole = shutil.copy(model(build, 21), tmp_path / "whole.caffemodel")
    never_stopped = displays()
    assert [iteration for iteration, _, _ in never_stopped] == [0, 20]
    shutil.rmtree(build / "runs")
    assert train(net, 7, ranks=ranks, batch=batch).returncode == 0
    assert train(net, 21, ranks=ranks, batch=batch).returncode == 0
    assert_same_weights(model(build, 21), Path(whole))
    assert displays() == never_stopped
    for (_, _, accuracy), batches in zip(never_stopped, (1, 20)):
        right = accuracy * batch * batches
        assert right == pytest.approx(round(right), abs=1e-4)


@pytest.mark.parametrize("ranks", RANKS)
def test_a_build_folder_that_was_moved_is_gone_on_with_bit_for_bit(ranks, tool, build, tiny_build, tmp_path):
    """And equal weights are equal files, though the LMDBs of one lie elsewhere."""

    def train(place: Path, iterations: int) -> None:
        named = ["--net", NET, "--build", place, "--seed", 7, "--batch", 8]
        done = tool("tools.train", *named, "--iters", iterations, "--ranks", ranks)
        assert done.returncode == 0, done.stderr

    train(build, 9)
    train(build, 10)
    whole = [model(build, iteration).read_bytes() for iteration in (9, 10)]
    for file in model(build, 9).parent.glob("*_iter_10.*"):
        file.unlink()
    moved = tmp_path / "another place" / "moved"
    moved.parent.mkdir()
    build.rename(moved)
    shutil.copytree((moved / "lmdb").resolve(), tmp_path / "lmdb")
    (moved / "lmdb").unlink()
    (tmp_path / "lmdb").rename(moved / "lmdb")
    train(moved, 10)
    assert [model(moved, iteration).read_bytes() for iteration in (9, 10)] == whole
    assert str(tmp_path).encode() not in whole[0]
    assert not build.exists()
    shutil.rmtree(moved / "runs")
    train(moved, 9)
    assert model(moved, 9).read_bytes() == whole[0]


@mpi
def test_a_net_changed_by_settings_is_resumed_alike(train, build, tmp_path):
    changes = ("--batch-norm", 1, "--pooling", "max", "--input-scale", 0.5, "--base-lr", 0.01)
    assert train("rcnn", 4, *changes, ranks=2, batch=4).returncode == 0
    whole = shutil.copy(model(build, 4), tmp_path / "whole.caffemodel")
    shutil.rmtree(build / "runs")
    assert train("rcnn", 2, *changes, ranks=2, batch=4).returncode == 0
    assert train("rcnn", 4, *changes, ranks=2, batch=4).returncode == 0
    assert_same_weights(model(build, 4), Path(whole))


def start(build: Path, net: str, iterations: int, ranks: int = 1) -> subprocess.Popen:
    command = [sys.executable, "-m", "tools.train", "--net", net, "--build", build, "--seed", 7, "--batch", 8]
    command += ["--iters", iterations, "--ranks", ranks]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_display(process: subprocess.Popen, iteration: int) -> None:
    for line in process.stdout:
        if re.match(rf"iteration {iteration} of \d+: loss", line):
            return
    pytest.fail(f"no iteration {iteration}: {process.stderr.read()}")


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_a_snapshot_from_which_the_same_command_goes_on(number, ranks, train, build, tmp_path):
    process = start(build, NET, 100_000, ranks)
    wait_for_display(process, 0)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    reached = int(re.search(r"stopped at iteration (\d+)", out)[1])
    assert list(snapshots.whole_snapshots(only_run(build))) == [reached]
    assert train(NET, reached + 3, ranks=ranks).returncode == 0
    resumed = shutil.copy(model(build, reached + 3), tmp_path / "resumed.caffemodel")
    shutil.rmtree(build / "runs")
    assert train(NET, reached + 3, ranks=ranks).returncode == 0
    assert_same_weights(model(build, reached + 3), Path(resumed))


@pytest.mark.parametrize("ranks", RANKS)
def test_an_interrupt_before_the_first_iteration_is_no_failure_of_caffe(ranks, train, build):
    process = start(build, NET, 100_000, ranks)
    while not list(build.glob("runs/*/*/caffe.log")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "stopped at iteration" in out
    assert "Caffe ended" not in err


def test_a_training_under_a_schedule_that_was_killed_in_its_last_test_makes_it_up(train, build):
    assert train("complex_cnn", 6, "--dropout", "0.4 0.9@3", batch=2).returncode == 0
    folder = only_run(build)
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "metrics.jsonl").write_text("".join(line for line in lines if '"iter": 6' not in line))
    record = json.loads((folder / "run.json").read_text())
    files.write_record(folder / "run.json", {**record, "state": "training"})
    assert train("complex_cnn", 6, "--dropout", "0.4 0.9@3", batch=2).returncode == 0
    last = metrics(folder)[-1]
    assert last["iter"] == 6
    assert "test_accuracy" in last


def test_a_killed_run_goes_on_from_its_newest_whole_snapshot(train, build, tmp_path):
    assert train(NET, 30).returncode == 0
    whole = shutil.copy(model(build, 30), tmp_path / "whole.caffemodel")
    shutil.rmtree(build / "runs")
    assert train(NET, 4).returncode == 0
    process = start(build, NET, 100_000)
    wait_for_display(process, 20)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.5)
    # what Caffe would leave of a snapshot when it dies while it writes
    (only_run(build) / f"{NET}_iter_25.caffemodel").write_bytes(b"half")
    (only_run(build) / f"{NET}_iter_25.solverstate").write_bytes(b"half")
    assert train(NET, 30).returncode == 0
    assert_same_weights(model(build, 30), Path(whole))
    iterations = [m["iter"] for m in metrics(only_run(build)) if "loss" in m]
    assert iterations == sorted(set(iterations))


@mpi
def test_two_ranks_follow_one_of_the_whole_batch(train, build, tmp_path):
    assert train(NET, 10).returncode == 0
    alone = shutil.copy(model(build, 10), tmp_path / "alone.caffemodel")
    losses = [m["loss"] for m in metrics(only_run(build)) if "loss" in m]
    shutil.rmtree(build / "runs")
    assert train(NET, 10, ranks=2).returncode == 0
    assert_same_weights(model(build, 10), Path(alone), tolerance=1e-5)
    assert [m["loss"] for m in metrics(only_run(build)) if "loss" in m] == pytest.approx(losses, abs=1e-4)


def test_a_dropout_schedule_that_never_changes_the_ratio_changes_nothing(train, build, tmp_path):
    assert train("complex_cnn", 9, "--dropout", "0.4", batch=2).returncode == 0
    plain = shutil.copy(model(build, 9), tmp_path / "plain.caffemodel")
    shutil.rmtree(build / "runs")
    assert train("complex_cnn", 9, "--dropout", "0.4 0.4@3 0.4@6", batch=2).returncode == 0
    assert_same_weights(model(build, 9), Path(plain))


def test_a_dropout_schedule_crosses_to_the_new_ratio(train, build):
    assert train("complex_cnn", 6, "--dropout", "0.4 0.9@3", batch=2).returncode == 0
    folder = only_run(build)
    assert folder.name.endswith("dropout=0.4_0.9@3")
    ratios = re.findall(r"dropout_ratio: (\S+)", (folder / "caffe.log").read_text())
    assert ratios.index("0.9") > ratios.index("0.4")


@pytest.mark.parametrize(
    ("steps", "expected"),
    [("1e-4 1e-5@20", {0: 1e-4, 20: 1e-5, 40: 1e-5}), ("1e-6 1e-4@20 1e-5@40", {0: 1e-6, 20: 1e-4, 40: 1e-5})],
)
def test_learning_rate_steps_hold_from_their_iterations_on(steps, expected, train, build):
    assert train(NET, 41, "--lr-steps", steps).returncode == 0
    assert {m["iter"]: m["lr"] for m in metrics(only_run(build)) if "lr" in m} == pytest.approx(expected)


def one_line(result: subprocess.CompletedProcess) -> str:
    assert result.returncode == 2, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("train: ")]
    return line


def test_a_run_of_other_data_is_refused(train, build, tiny_build):
    assert train(NET, 2).returncode == 0
    (build / "lmdb").unlink()
    shutil.copytree(tiny_build / "lmdb", build / "lmdb")
    manifest = build / "lmdb" / "song" / "manifest.json"
    text = json.loads(manifest.read_text())
    text["lmdbs"]["cnn_float_train_lmdb"]["sha256"] = "0" * 64
    files.write_record(manifest, text)
    assert "was begun with other LMDBs" in one_line(train(NET, 4))


@pytest.mark.quick
@pytest.mark.torture("two at once")
def test_lmdbs_that_become_others_while_it_trains_are_not_gone_on_with(train, build, tiny_build, monkeypatch):
    """As by a `make lmdb` of other songs: Caffe keeps those that it has open, but opens them for each dropout ratio."""
    run_child = training.run_child

    def then_exchange(*arguments):
        events = run_child(*arguments)
        (build / "lmdb").unlink()
        shutil.copytree(tiny_build / "lmdb", build / "lmdb")
        train_part, test_part = (build / "lmdb" / "song" / f"cnn_float_{part}_lmdb" for part in ("train", "test"))
        shutil.copy(test_part / "data.mdb", train_part)
        (build / "lmdb" / "song" / "manifest.json").unlink()
        return events

    monkeypatch.setattr(training, "run_child", then_exchange)
    line = one_line(train("complex_cnn", 4, "--dropout", "0.4 0.5@2"))
    assert "cnn_float_train_lmdb is not the train part that the run is of: remove" in line
    assert list(snapshots.whole_snapshots(only_run(build))) == [2]


def test_lmdbs_of_other_songs_than_those_named_are_refused(train, build, tiny_build, synthetic_songs):
    assert f"{synthetic_songs} holds other songs than" in one_line(train(NET, 2, "--data", synthetic_songs))
    assert not (build / "runs").exists()
    assert train(NET, 1, "--data", tiny_build / "genres").returncode == 0


def test_a_run_of_the_same_data_goes_on_however_it_is_named(train, tool, build, tiny_build, tmp_path):
    """Its songs were copied since, which gives them other times, and the build folder has another path."""
    assert train(NET, 2).returncode == 0
    (build / "lmdb").unlink()
    shutil.copytree(tiny_build / "lmdb", build / "lmdb")
    manifest = build / "lmdb" / "song" / "manifest.json"
    text = json.loads(manifest.read_text())
    text["data"]["fingerprint"] = "of a copy"
    files.write_record(manifest, text)
    linked = tmp_path / "linked"
    linked.symlink_to(build)
    named = ["--net", NET, "--build", linked, "--seed", 7, "--batch", 8]
    done = tool("tools.train", *named, "--iters", 3, "--ranks", 1)
    assert done.returncode == 0, done.stderr
    assert json.loads((only_run(build) / "run.json").read_text())["data_fingerprint"] == "of a copy"


def test_a_run_of_the_other_caffe_is_refused(train, build):
    assert train(NET, 2).returncode == 0
    file = only_run(build) / "run.json"
    record = json.loads(file.read_text())
    here = record["versions"]["caffe_package"]
    record["versions"]["caffe_package"] = "Debian bullseye" if here == runs.NATIVE else runs.NATIVE
    files.write_record(file, record)
    remedy = "CAFFE=stock" if here == runs.NATIVE else "CAFFE=native"
    assert f"was begun with another build of Caffe: say {remedy}" in one_line(train(NET, 4))


@pytest.mark.skipif(bool(os.environ.get("CAFFE")), reason="another Caffe than the default was asked for")
def test_the_record_says_that_it_is_debian_s_caffe(train, build):
    assert train(NET, 1).returncode == 0
    record = json.loads((only_run(build) / "run.json").read_text())
    assert record["versions"]["caffe_package"].startswith("Debian bullseye")


def test_a_run_from_before_a_setting_was_there_goes_on_with_its_default_and_with_no_other(train, build):
    assert train(NET, 2).returncode == 0
    file = only_run(build) / "run.json"
    record = json.loads(file.read_text())
    del record["features"]["overlap"], record["settings"]["overlap"]
    files.write_record(file, record)
    assert train(NET, 3).returncode == 0
    record["settings"]["overlap"] = 2
    files.write_record(file, record)
    assert "begun with other settings" in one_line(train(NET, 4))


def test_what_differs_from_the_defaults_gets_a_folder_of_its_own(train, build):
    assert train(NET, 1, "--dtype", "int").returncode == 0
    assert only_run(build).name == f"{NET}@dtype=int,seed=7,batch=8"


def test_a_loss_that_diverges_ends_the_run_in_one_line(train, build):
    assert "the loss is" in one_line(train(NET, 200, "--base-lr", 100))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--iters", 0), "ITERS=0"),
        (("--batch", 100_000), "BATCH=100000"),
        (("--batch", 8, "--ranks", 3), "RANKS=3"),
        (("--lr-steps", "1e-4 x@3"), "LR_STEPS"),
        (("--dropout", "1.5"), "DROPOUT=1.5"),
        (("--net", "no_such_net"), "NET is one of"),
        (("--neurons", "160"), "no LSTM layer"),
        (("--input-scale", "0"), "INPUT_SCALE=0"),
        (("--pooling", "ave"), "no global pooling"),
        (("--batch-norm", "1"), "no LRN layer"),
        (("--genres", "pop techno"), "techno"),
        (("--hop", "0"), "HOP=0"),
        (("--base-lr", "1e-3", "--lr-steps", "1e-4 1e-5@9"), "BASE_LR=0.001: LR_STEPS begins with 0.0001"),
        (("--split", "clip"), "make lmdb SPLIT=clip"),
        (("--split", "clip", "--fold", 1), "FOLD=1: the split clip has none"),
    ],
)
def test_a_setting_out_of_range_is_named_in_one_line(options, words, tool, build):
    assert words in one_line(tool("tools.train", "--net", "complex_cnn", "--build", build, *options))


def test_a_net_is_trained_and_votes_on_matrices_of_another_size(tool, synthetic_songs, tmp_path):
    """20 bands of 100 frames of a shorter window, of three genres: the net takes its shape from the LMDB."""
    matrices = ("--window", 512, "--n-bands", 20, "--frames-a-clip", 100, "--genres", "jazz metal rock")
    options = (*matrices, "--build", tmp_path)
    assert tool("tools.convert", synthetic_songs, *options, "--views", "cnn", "--dtypes", "float").returncode == 0
    assert tool("tools.train", "--net", NET, *options, "--iters", 3).returncode == 0
    done = tool("tools.vote", "--net", NET, *options)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/song/simple_cnn@n_bands=20,window=512,frames_a_clip=100,genres=jazz_metal_rock"
    run = runs.read_run(folder)
    assert run["lmdb"]["train"]["shape"] == [1, 20, 100]
    assert (run["features"]["window"], run["genres"]) == (512, ["jazz", "metal", "rock"])
    confusion = (tmp_path / "votes/song" / folder.name / "confusion.csv").read_text().splitlines()
    assert len(confusion) == 11


def test_two_trainings_of_one_run_do_not_mix(train, build):
    process = start(build, NET, 100_000)
    try:
        wait_for_display(process, 0)
        assert "another training is at work" in one_line(train(NET, 5))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def solvers(process: subprocess.Popen) -> list[int]:
    """The processes that train, of a training of this test's own session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            inside = str(only_run_of(process)).encode() in command
        except (OSError, ProcessLookupError):
            continue
        if inside and b"tools.train.solve" in command and b"mpirun" not in command:
            found.append(int(folder.name))
    return found


def only_run_of(process: subprocess.Popen) -> Path:
    return only_run(Path(process.args[process.args.index("--build") + 1]))


@mpi
def test_a_rank_that_dies_ends_the_job_with_its_error(build):
    process = start(build, NET, 100_000, ranks=2)
    wait_for_display(process, 20)
    os.kill(max(solvers(process)), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "exited on signal 9 (Killed)" in err
    assert "Traceback" not in err


@mpi
def test_a_run_goes_on_with_another_number_of_ranks(train, build):
    assert train(NET, 4, ranks=2).returncode == 0
    assert train(NET, 6, ranks=1).returncode == 0
    assert list(snapshots.whole_snapshots(only_run(build))) == [4, 6]
