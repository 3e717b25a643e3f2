"""What `make gpu-check` plans, and what it reads of Caffe's commands, here on the CPU; without a GPU it ends."""

from __future__ import annotations

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import call_module

from tools.runtime import gpu, gpu_caffe, gpu_check
from tools.runtime import gpu_readings as readings
from tools.runtime.gpu_calls import NETS, Amounts, Check, CutOffError, FailedError
from tools.runtime.gpu_check import CUT_OFF, DONE, Results
from tools.runtime.gpu_items import ITEMS, Item, reached, without_dropout

NET = """
layer { name: "x" type: "DummyData" top: "x" top: "label"
  dummy_data_param {
    shape { dim: 4 dim: 3 } shape { dim: 4 }
    data_filler { type: "constant" value: 0.5 } data_filler { type: "constant" value: 1 }
  } }
layer { name: "wide" type: "InnerProduct" bottom: "x" top: "wide"
  inner_product_param { num_output: 4000 weight_filler { type: "xavier" } } }
layer { name: "score" type: "InnerProduct" bottom: "wide" top: "score"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" include { phase: TEST } }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small network and a solver of six iterations."""
    folder = tmp_path_factory.mktemp("net")
    (folder / "train_val.prototxt").write_text(NET)
    (folder / "solver.prototxt").write_text(
        f'net: "{folder}/train_val.prototxt" base_lr: 0.001 lr_policy: "fixed" display: 2 max_iter: 6 random_seed: 1 '
        f'snapshot_prefix: "{folder}/net" snapshot: 3 solver_mode: CPU'
    )
    return folder


@pytest.fixture(scope="module")
def training(folder: Path) -> str:
    return caffe("caffe", "train", "-solver", folder / "solver.prototxt")


def caffe(*command: object) -> str:
    return subprocess.run(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    ).stdout


# --- readings ---------------------------------------------------------------------------------------------------------


def test_the_losses_are_those_that_caffe_displays(training: str):
    losses = readings.losses(training)
    assert sorted(losses) == [0, 2, 4, 6]
    assert all(f"loss = {loss:g}" in training for loss in losses.values())


def test_the_times_of_caffe_time_and_the_layer_that_takes_longest(folder: Path):
    said = caffe("caffe", "time", "-model", folder / "train_val.prototxt", "-iterations", 5)
    assert f"Average Forward-Backward: {readings.milliseconds(said):g} ms" in said
    dearest = readings.dearest_layers(said, 4)
    assert dearest[0][0] in ("wide", "score")
    assert sum(share for _, share in dearest) == pytest.approx(1)


def test_the_counts_of_caffe_s_own_tests_are_those_of_its_summary():
    # Those of IOTest need pictures of Caffe's source tree, which only the GPU image has.
    said = caffe("caffe-gtest", "--gtest_filter=IOTest.TestReadFileToDatum:NeuronLayerTest/0.TestReLU*")
    tests = readings.tests(said)
    assert tests.passed == int(readings.first(r"^\[  PASSED  \] (\d+) test", said))
    assert tests.failed == re.findall(
        r"^\[  FAILED  \] (\S+?)(?:, .*)?$", said.partition("listed below")[2], re.MULTILINE
    )


def test_what_is_not_in_a_log_is_no_number():
    with pytest.raises(ValueError, match="Average"):
        readings.milliseconds("Check failed: error == cudaSuccess (2 vs. 0) out of memory")


def test_losses_are_compared_relative_to_the_second():
    assert readings.largest_relative_difference({0: 2.0, 1: 1.1}, {0: 2.0, 1: 1.0}, 2) == pytest.approx(0.1)


@pytest.mark.parametrize("broken", [{0: 2.0}, {0: 2.0, 1: math.nan}])
def test_a_loss_that_is_missing_or_nan_is_no_agreement(broken: dict[int, float]):
    whole = {0: 2.0, 1: 1.0}
    for pair in ((broken, whole), (whole, broken)):
        assert not readings.largest_relative_difference(*pair, 2) <= 1e-4


def test_the_last_losses_are_averaged():
    assert readings.last_mean({0: 9.0, 1: 3.0, 2: 1.0}, 2) == 2
    assert readings.last_mean({5: 4.0}, 10) == 4


# --- pycaffe ----------------------------------------------------------------------------------------------------------


def test_the_picks_are_the_highest_scores_of_each_test_batch(training: str, folder: Path):
    model = folder / "net_iter_3.caffemodel"
    wide, score = weights_of(model)
    scores = score[0] @ (wide[0] @ np.full(3, 0.5) + wide[1]) + score[1]
    assert gpu_caffe.picks(str(folder / "train_val.prototxt"), str(model), "3") == 12 * [int(scores.argmax())]


def weights_of(caffemodel: Path) -> list[list[np.ndarray]]:
    """The weights and the biases of each layer that has any."""
    from caffe.proto import caffe_pb2

    net = caffe_pb2.NetParameter.FromString(caffemodel.read_bytes())
    return [[np.array(blob.data).reshape(blob.shape.dim) for blob in layer.blobs] for layer in net.layer if layer.blobs]


def test_the_difference_of_two_caffemodels_is_that_of_their_weights(training: str, folder: Path):
    models = [folder / f"net_iter_{iteration}.caffemodel" for iteration in (3, 6)]
    flat = [np.concatenate([blob.ravel() for blobs in weights_of(model) for blob in blobs]) for model in models]
    assert gpu_caffe.difference(*models) == np.abs(flat[0] - flat[1]).max() > 0
    assert gpu_caffe.difference(models[0], models[0]) == 0


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_the_shares_of_the_items_are_all_of_the_minutes():
    assert [item.number for item in ITEMS] == [1, 2, 3, 4, 5, 6, 7]
    assert sum(item.share for item in ITEMS) == pytest.approx(1)


def test_an_item_ends_by_the_shares_of_all_up_to_it():
    items = [Item(1, "", never, 0.1), Item(2, "", never, 0.3)]
    assert gpu_check.ends(items, minutes=4, begin=1000) == pytest.approx([1000 + 60, 1000 + 240])


def never(_: Check) -> Iterator[tuple[str, float]]:
    raise AssertionError("an item that is done is not begun again")


def measures(_: Check) -> Iterator[tuple[str, float]]:
    yield "a", 1.0
    yield "b", 2.0


def is_cut_off(_: Check) -> Iterator[tuple[str, float]]:
    yield "c", 3.0
    raise CutOffError


def fails(_: Check) -> Iterator[tuple[str, str]]:
    yield "d", "4 | 5"
    raise FailedError("out of memory")


@pytest.fixture
def check(tmp_path: Path) -> Check:
    return Check(tmp_path, None, None, NETS, Amounts())


def test_a_network_that_it_trains_is_found_by_its_record(tmp_path: Path, check: Check, small_build: Path):
    (tmp_path / "lmdb").symlink_to(small_build / "lmdb")
    check = replace(check, end=time.monotonic() + 300)
    run = check.train(tmp_path / "same" / "simple_cnn", "simple_cnn", 2, "--batch", 8)
    assert run == tmp_path / "same" / "simple_cnn" / "runs" / "song" / "simple_cnn@batch=8"
    assert reached(tmp_path / "same" / "simple_cnn", "simple_cnn") == 2


def test_each_result_is_on_the_disk_when_it_is_had(tmp_path: Path, check: Check):
    file = tmp_path / "results.jsonl"
    on_disk = []

    def looks(_: Check) -> Iterator[tuple[str, float]]:
        yield "first", 1.0
        on_disk.append(file.read_text())
        yield "second", 2.0

    gpu_check.run_items([Item(1, "looks", looks, 1)], check, 1, Results(file))
    assert [json.loads(line) for line in on_disk[0].splitlines()] == [{"item": 1, "what": "first", "value": 1.0}]
    assert json.loads(file.read_text().splitlines()[-1]) == {"item": 1, "end": DONE}


def test_what_is_cut_off_or_fails_says_so_and_the_next_goes_on(tmp_path: Path, check: Check):
    items = [Item(1, "one", is_cut_off, 1), Item(2, "two", fails, 1), Item(3, "three", measures, 1)]
    results = Results(tmp_path / "results.jsonl")
    gpu_check.run_items(items, check, 1, results)
    assert [results.ending(number) for number in (1, 2, 3)] == [CUT_OFF, "failed: out of memory", DONE]
    table = gpu_check.table([*items, Item(4, "four", never, 1)], results).splitlines()[2:]
    assert table == [
        "| 1 | c | 3 |",
        f"| 1 | one | {CUT_OFF} |",
        "| 2 | d | 4 \\| 5 |",
        "| 2 | two | failed: out of memory |",
        "| 3 | a | 1 |",
        "| 3 | b | 2 |",
        "| 4 | four | not begun |",
    ]


def test_a_second_check_goes_on_with_what_is_not_done(tmp_path: Path, check: Check):
    file = tmp_path / "results.jsonl"
    gpu_check.run_items([Item(1, "", measures, 1), Item(2, "", is_cut_off, 1)], check, 1, Results(file))
    with file.open("a") as stream:
        stream.write('{"item": 3, "wh')  # killed while it wrote
    results = Results(file)
    gpu_check.run_items([Item(1, "", never, 1), Item(2, "", measures, 1)], check, 1, results)
    assert [line.get("what") for line in Results(file).lines] == ["a", "b", None, "a", "b", None]


# --- calls ------------------------------------------------------------------------------------------------------------


def test_a_command_that_outlasts_its_item_is_cut_off_and_its_words_are_kept(check: Check):
    until = Check(check.folder, None, None, NETS, Amounts(), end=time.monotonic() + 1)
    with pytest.raises(CutOffError):
        until.call("sleeper", "sh", "-c", "echo begun; sleep 60")
    assert check.log("sleeper").read_text() == "begun\n"


def test_a_command_that_can_be_stopped_is_interrupted_first(check: Check):
    until = Check(check.folder, None, None, NETS, Amounts(), end=time.monotonic() + 31)
    with pytest.raises(CutOffError):
        until.call("saver", "sh", "-c", "trap 'echo saved; exit 130' INT; while :; do sleep 0.1; done", interrupt=30)
    assert check.log("saver").read_text() == "saved\n"


def test_a_command_that_fails_is_named_with_its_last_word(check: Check):
    with pytest.raises(FailedError, match=r"broken: train: no such net \(whole log: .*broken\.log\)"):
        check.call("broken", "sh", "-c", "echo train: no such net; exit 2")


@pytest.mark.parametrize("net", NETS)
def test_a_network_is_compared_without_the_dropout_that_it_has(net: str):
    from caffe.proto import caffe_pb2
    from google.protobuf import text_format

    from tools.nets.network import NETS as NETWORKS

    prototxt = Path("prototxt") / net / "train_val.prototxt"
    layers = text_format.Parse(prototxt.read_text(), caffe_pb2.NetParameter()).layer
    assert bool(without_dropout(net)) == any(layer.type == "Dropout" for layer in layers)
    assert set(NETS) == set(NETWORKS)


@pytest.mark.skipif(bool(gpu.ask().gpus), reason="there is a GPU here, so that it would be checked")
def test_without_a_gpu_one_line_says_so(tmp_path: Path):
    done = call_module("tools.runtime.gpu_check", "--build", tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"gpu-check: .*GPU.*\n", done.stderr) and done.stdout == ""
    assert not list(tmp_path.iterdir())


def test_minutes_are_a_number_above_0():
    done = call_module("tools.runtime.gpu_check", "--minutes", 0)
    assert done.returncode == 2 and done.stderr == "gpu-check: MINUTES=0: give a number above 0\n"
