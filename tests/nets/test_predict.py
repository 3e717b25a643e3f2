"""Probabilities are those of Caffe's own test pass, and whatever ends Caffe comes out as one line."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cached_property
from pathlib import Path

import caffe
import numpy as np
import pytest
import small_run
from caffe.proto import caffe_pb2

from tools.cli import UserError
from tools.nets.forward import run_net
from tools.nets.predict import Prediction, check_probabilities, predict_arrays, predict_lmdb


class Run:
    """The files of a small run, and a prediction with any of them exchanged."""

    def __init__(self, build: Path, dtype: str, mean: float, scale: float) -> None:
        parts = small_run.write_lmdbs(build, dtype=dtype)
        self.folder = small_run.train(build, parts, dtype=dtype, mean=mean, scale=scale)
        self.lmdb = parts["test"]
        self.deploy, self.train_val = self.folder / "deploy.prototxt", self.folder / "train_val.prototxt"
        self.caffemodel = self.folder / "small_iter_60.caffemodel"

    @cached_property
    def prediction(self) -> Prediction:
        return self.predict()

    def predict(self, **exchanged: Path) -> Prediction:
        return predict_lmdb(*(exchanged.get(name, getattr(self, name)) for name in ("deploy", "caffemodel", "lmdb")))

    def refusal(self, **exchanged: Path) -> str:
        """Why the child refuses its files, seen here instead; that its words arrive is tried once, on a full round."""
        with pytest.raises(UserError) as caught:
            next(run_net(*(exchanged.get(name, getattr(self, name)) for name in ("deploy", "caffemodel", "lmdb"))))
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture(
    scope="module",
    params=[("float", 128, 0.01), ("int", 100, 0.02), ("int", 0, 0.005)],
    ids=["float", "int", "int-no_mean"],
)
def any_run(request, tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("run") / "build", *request.param)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("run") / "build", "float", 128, 0.01)


def test_accuracy_is_what_caffe_test_says_of_the_same_lmdb(any_run):
    prediction = any_run.prediction
    command = ["caffe", "test", "-model", any_run.train_val, "-weights", any_run.caffemodel, "-iterations", 15]
    said = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stderr
    accuracy = float(re.findall(r"\] accuracy = (\S+)", said)[-1])
    assert len(prediction.labels) == 150
    assert (prediction.predicted == prediction.labels).mean() == pytest.approx(accuracy, abs=1e-6)
    assert 0.2 < accuracy < 0.9, "a net that is always or never right would prove nothing"


def test_probabilities_are_the_softmax_of_caffes_test_phase_in_the_order_of_the_lmdb(any_run):
    prediction = any_run.prediction
    net = caffe.Net(str(any_run.train_val), str(any_run.caffemodel), caffe.TEST)
    scores, labels = [], []
    for _ in range(15):
        net.forward()
        scores.append(net.blobs["score"].data.astype(np.float64).copy())
        labels.append(net.blobs["label"].data.astype(int))
    exponentials = np.exp(np.concatenate(scores) - np.concatenate(scores).max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        prediction.probabilities, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-5
    )
    assert np.array_equal(prediction.labels, np.concatenate(labels))


def test_clips_keep_their_song_number_and_label(run):
    prediction = run.prediction
    seen = set(zip(prediction.tracks, prediction.clips, prediction.labels))
    assert seen == {(f"{genre}.00000", clip, k) for k, genre in enumerate(small_run.GENRES) for clip in range(15)}


def test_arrays_get_the_probabilities_that_the_same_clips_get_in_an_lmdb(run, tmp_path):
    clips = small_run.draw_clips(1, 3, "float")
    small_run.write_lmdb(tmp_path / "lmdb", clips)
    values = np.stack([values for *_, values in clips])
    ours = predict_arrays(run.deploy, run.caffemodel, values)
    np.testing.assert_array_equal(ours, run.predict(lmdb=tmp_path / "lmdb").probabilities)


def test_weights_of_another_net_are_named(run, tmp_path):
    other = tmp_path / "other.prototxt"
    other.write_text(run.train_val.read_text().replace("num_output: 4", "num_output: 5"))
    model = tmp_path / "other.caffemodel"
    caffe.Net(str(other), caffe.TEST).save(str(model))
    said = f"{model}: layer 'conv1' has weights of 5x1x3x3 and 5 where {run.deploy} wants 4x1x3x3 and 4"
    assert run.refusal(caffemodel=model).startswith(said)
    with pytest.raises(UserError, match="^" + re.escape(said)):
        run.predict(caffemodel=model)


def test_weights_that_lack_a_layer_are_named_where_caffe_itself_would_answer_untrained(run, tmp_path):
    weights = caffe_pb2.NetParameter()
    weights.ParseFromString(run.caffemodel.read_bytes())
    for layer in weights.layer:
        if layer.name == "score":
            layer.name = "score_of_another_net"
    model = tmp_path / "other.caffemodel"
    model.write_bytes(weights.SerializeToString())
    assert f"{model} has no layer 'score'" in run.refusal(caffemodel=model)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_weights_cut_short_anywhere_are_named(run, tmp_path, share):
    whole = run.caffemodel.read_bytes()
    model = tmp_path / "cut.caffemodel"
    model.write_bytes(whole[: int(len(whole) * share)])
    said = run.refusal(caffemodel=model)
    assert said.startswith(str(model))
    assert "cut short" in said


def test_weights_that_protobuf_reads_but_in_part_are_named(run, tmp_path):
    model = tmp_path / "damaged.caffemodel"
    model.write_bytes(run.caffemodel.read_bytes() + b"\0")
    assert run.refusal(caffemodel=model).startswith(f"{model} is damaged")


def test_weights_that_are_not_there_are_named(run, tmp_path):
    assert run.refusal(caffemodel=tmp_path / "none").startswith(f"{tmp_path / 'none'} does not exist")


def test_weights_that_are_nan_are_refused(run, tmp_path):
    net = caffe.Net(str(run.deploy), str(run.caffemodel), caffe.TEST)
    net.params["score"][0].data[...] = np.nan
    net.save(str(tmp_path / "nan.caffemodel"))
    with pytest.raises(UserError, match="150 of 150 clips got no probabilities"):
        run.predict(caffemodel=tmp_path / "nan.caffemodel")


def test_rows_that_do_not_sum_to_one_are_refused():
    with pytest.raises(UserError, match="1 of 2 clips"):
        check_probabilities(np.array([[0.5, 0.5], [0.5, 0.4]], np.float32), Path("some.caffemodel"))


def test_clips_of_another_size_are_refused(run, tmp_path):
    np.save(tmp_path / "clips.npy", np.zeros((2, 1, 6, 12), np.float32))
    assert "of clips of another size" in run.refusal(lmdb=tmp_path / "clips.npy")


def test_a_failed_check_of_caffe_is_reported_in_one_line(run, tmp_path):
    shutil.copy(run.deploy, tmp_path)
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text(deploy.read_text().replace('bottom: "conv1" top: "score"', 'bottom: "nowhere" top: "score"'))
    with pytest.raises(
        UserError, match=r"^\S+small_iter_60\.caffemodel: Caffe was killed by SIGABRT: .*nowhere"
    ) as error:
        run.predict(deploy=deploy)
    assert "\n" not in str(error.value)


def test_an_lmdb_that_is_empty_or_is_not_there_is_named(run, tmp_path):
    small_run.write_lmdb(tmp_path / "empty_lmdb", [])
    for name in ("empty_lmdb", "no_lmdb"):
        assert name in run.refusal(lmdb=tmp_path / name)


def test_a_deploy_net_that_does_not_shift_and_scale_its_input_is_refused(run, tmp_path):
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text(run.deploy.read_text().replace("Power", "ReLU", 1))
    assert run.refusal(deploy=deploy).startswith(f"{deploy} does not begin with two Power layers")
