"""Probabilities are those of Caffe's own test pass, and whatever ends Caffe comes out as one line."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import caffe
import numpy as np
import pytest
import small_run
from caffe.proto import caffe_pb2

from tools.cli import UserError
from tools.nets.predict import check_probabilities, predict_arrays, predict_lmdb


class Run:
    """The files of a small run, and a prediction with any of them exchanged."""

    def __init__(self, build: Path, dtype: str, transform: str) -> None:
        lmdbs = small_run.write_lmdbs(build, dtype=dtype)
        if "mean_file" in transform:
            mean = build / "mean.binaryproto"
            subprocess.run(["compute_image_mean", str(lmdbs["train"]), str(mean)], check=True)
            transform = transform.format(mean)
        self.folder = small_run.train(build, lmdbs, dtype=dtype, transform=transform)
        self.lmdb = lmdbs["test"]
        self.deploy, self.train_val = self.folder / "deploy.prototxt", self.folder / "train_val.prototxt"
        self.caffemodel = self.folder / "small_iter_60.caffemodel"

    def predict(self, **exchanged: Path):
        files = {
            name: exchanged.get(name, getattr(self, name)) for name in ("deploy", "train_val", "caffemodel", "lmdb")
        }
        return predict_lmdb(**files)


@pytest.fixture(
    scope="module",
    params=[("float", "mean_value: 128 scale: 0.01"), ("int", "mean_file: '{}' scale: 0.02"), ("int", "scale: 0.005")],
    ids=["float-mean_value", "int-mean_file", "int-no_mean"],
)
def any_run(request, tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("run") / "build", *request.param)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return Run(tmp_path_factory.mktemp("run") / "build", "float", "mean_value: 128 scale: 0.01")


def test_accuracy_is_what_caffe_test_says_of_the_same_lmdb(any_run):
    prediction = any_run.predict()
    command = ["caffe", "test", "-model", any_run.train_val, "-weights", any_run.caffemodel, "-iterations", 15]
    said = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stderr
    accuracy = float(re.findall(r"\] accuracy = (\S+)", said)[-1])
    assert len(prediction.labels) == 150
    assert (prediction.predicted == prediction.labels).mean() == pytest.approx(accuracy, abs=1e-6)
    assert 0.2 < accuracy < 0.9, "a net that is always or never right would prove nothing"


def test_probabilities_are_the_softmax_of_caffes_test_phase_in_the_order_of_the_lmdb(any_run):
    prediction = any_run.predict()
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
    prediction = run.predict()
    seen = set(zip(prediction.tracks, prediction.clips, prediction.labels))
    assert seen == {(f"{genre}.00000", clip, k) for k, genre in enumerate(small_run.GENRES) for clip in range(15)}


def test_arrays_get_the_probabilities_that_the_same_clips_get_in_an_lmdb(run, tmp_path):
    clips = small_run.draw_clips(1, 3, "float")
    small_run.write_lmdb(tmp_path / "lmdb", clips)
    values = np.stack([values for *_, values in clips])
    ours = predict_arrays(run.deploy, run.train_val, run.caffemodel, values)
    np.testing.assert_array_equal(ours, run.predict(lmdb=tmp_path / "lmdb").probabilities)


def test_weights_of_another_net_are_named(run, tmp_path):
    other = tmp_path / "other.prototxt"
    other.write_text(run.train_val.read_text().replace("num_output: 4", "num_output: 5"))
    caffe.Net(str(other), caffe.TEST).save(str(tmp_path / "other.caffemodel"))
    with pytest.raises(UserError, match=r"other\.caffemodel: layer 'conv1' has weights of 5x1x3x3 and 5 .*4x1x3x3"):
        run.predict(caffemodel=tmp_path / "other.caffemodel")


def test_weights_that_lack_a_layer_are_named_where_caffe_itself_would_answer_untrained(run, tmp_path):
    weights = caffe_pb2.NetParameter()
    weights.ParseFromString(run.caffemodel.read_bytes())
    for layer in weights.layer:
        if layer.name == "score":
            layer.name = "score_of_another_net"
    (tmp_path / "other.caffemodel").write_bytes(weights.SerializeToString())
    with pytest.raises(UserError, match=r"other\.caffemodel has no layer 'score'"):
        run.predict(caffemodel=tmp_path / "other.caffemodel")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_weights_cut_short_anywhere_are_named(run, tmp_path, share):
    whole = run.caffemodel.read_bytes()
    (tmp_path / "cut.caffemodel").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(UserError, match=r"cut\.caffemodel.* cut short"):
        run.predict(caffemodel=tmp_path / "cut.caffemodel")


def test_weights_that_are_not_there_are_named(run, tmp_path):
    with pytest.raises(UserError, match=r"none\.caffemodel does not exist"):
        run.predict(caffemodel=tmp_path / "none.caffemodel")


def test_weights_that_are_nan_are_refused(run, tmp_path):
    net = caffe.Net(str(run.deploy), str(run.caffemodel), caffe.TEST)
    net.params["score"][0].data[...] = np.nan
    net.save(str(tmp_path / "nan.caffemodel"))
    with pytest.raises(UserError, match="150 of 150 clips got no probabilities"):
        run.predict(caffemodel=tmp_path / "nan.caffemodel")


def test_rows_that_do_not_sum_to_one_are_refused():
    with pytest.raises(UserError, match="1 of 2 clips"):
        check_probabilities(np.array([[0.5, 0.5], [0.5, 0.4]], np.float32), Path("some.caffemodel"))


def test_clips_of_another_size_are_refused(run):
    with pytest.raises(UserError, match="of clips of another size"):
        predict_arrays(run.deploy, run.train_val, run.caffemodel, np.zeros((2, 1, 6, 12), np.float32))


def test_a_failed_check_of_caffe_is_reported_in_one_line(run, tmp_path):
    shutil.copy(run.deploy, tmp_path)
    deploy = tmp_path / "deploy.prototxt"
    deploy.write_text(deploy.read_text().replace('bottom: "conv1" top: "score"', 'bottom: "nowhere" top: "score"'))
    with pytest.raises(
        UserError, match=r"^\S+small_iter_60\.caffemodel: Caffe was killed by SIGABRT: .*nowhere"
    ) as error:
        run.predict(deploy=deploy)
    assert "\n" not in str(error.value)


def test_an_empty_lmdb_is_named(run, tmp_path):
    small_run.write_lmdb(tmp_path / "empty_lmdb", [])
    with pytest.raises(UserError, match="empty_lmdb"):
        run.predict(lmdb=tmp_path / "empty_lmdb")


def test_an_lmdb_that_is_not_there_is_named(run, tmp_path):
    with pytest.raises(UserError, match="no_lmdb"):
        run.predict(lmdb=tmp_path / "no_lmdb")
