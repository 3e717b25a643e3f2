"""What holds of every network: what is trained is what is used, at any batch, and stock Caffe trains it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import caffe
import numpy as np
import pytest
from caffe.proto import caffe_pb2

from tools import paths
from tools.convert import datum, lmdbs
from tools.nets import forward, prototxt

NETS = ("simple_cnn", "lstm", "song_cnn")
SHAPES = {"cnn": (1, 33, 166), "lstm": (1, 20, 72), "song": (1, 33, 2500)}
GENRES = 10
CLIPS = 20
FILLERS = ("weight_filler", "bias_filler")


def read(net: str, role: str) -> caffe_pb2.NetParameter:
    return prototxt.read_net(paths.PROTOTXT / net / f"{role}.prototxt")


def loaded(definition: caffe_pb2.NetParameter, folder: Path, phase: int = caffe.TEST) -> caffe.Net:
    file = folder / "net.prototxt"
    file.write_text(prototxt.text(definition))
    caffe.set_mode_cpu()
    return caffe.Net(str(file), phase)


def genre_clips(view: str) -> tuple[np.ndarray, np.ndarray]:
    """Clips (CLIPS, 1, height, width) in 0..255 and their labels: noise, and a bright band for each genre."""
    random, shape = np.random.default_rng(3), SHAPES[view]
    labels = np.arange(CLIPS) % GENRES
    clips = random.uniform(110, 160, (CLIPS, *shape)).astype(np.float32)
    for clip, label in zip(clips, labels):
        bands = clip[0].T if view == "lstm" else clip[0]
        bands[3 * label : 3 * label + 3] += 70
    return clips, labels


@pytest.fixture(scope="module", params=NETS)
def run(request, tmp_path_factory) -> tuple[str, Path]:
    """A net's name, and a folder with its resolved prototxt and two LMDBs of CLIPS records that it can tell apart."""
    net, folder = request.param, tmp_path_factory.mktemp(request.param)
    definition = read(net, "train_val")
    clips, labels = genre_clips(prototxt.view_of(definition))
    records = [
        (lmdbs.record_key(n, f"song.{n:05d}", 0), datum.serialize(clip, label))
        for n, (clip, label) in enumerate(zip(clips, labels.tolist()))
    ]
    sources = {caffe.TRAIN: folder / "train_lmdb", caffe.TEST: folder / "test_lmdb"}
    for source in sources.values():
        lmdbs.write_lmdb(source, records)
    prototxt.resolve_net(definition, sources, folder, {caffe.TRAIN: CLIPS // 2, caffe.TEST: CLIPS})
    solver = prototxt.read_solver(paths.PROTOTXT / net / "solver.prototxt")
    solver.net, solver.snapshot_prefix = str(folder / "train_val.prototxt"), str(folder / net)
    solver.test_iter[:], solver.max_iter, solver.display, solver.test_interval = [1], 30, 1, 30
    (folder / "train_val.prototxt").write_text(prototxt.text(definition))
    (folder / "solver.prototxt").write_text(prototxt.text(solver))
    return net, folder


@pytest.fixture(scope="module")
def trained(run) -> tuple[str, Path, str]:
    """The net, its folder and the log, after 30 iterations of stock Caffe at the rate of the net's own solver."""
    net, folder = run
    command = ["caffe", "train", "-solver", str(folder / "solver.prototxt")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return net, folder, ended.stderr


def losses(log: str) -> list[float]:
    return [float(line.rsplit("loss = ", 1)[1]) for line in log.splitlines() if "iters), loss = " in line]


def test_the_first_loss_is_that_of_a_guess(trained):
    assert losses(trained[2])[0] == pytest.approx(np.log(GENRES), abs=0.3)


def test_thirty_iterations_of_stock_caffe_at_its_own_rate_tell_tones_apart(trained):
    """Five times as often as a guess: that is far from trained, and out of reach of a rate that is off by ten."""
    accuracy = [line for line in trained[2].splitlines() if "accuracy = " in line][-1]
    assert float(accuracy.rsplit("= ", 1)[1]) >= 0.5, accuracy


def test_deploy_answers_as_the_test_phase_is_scored(trained):
    """With the weights and the transform of training, deploy's answers are as often right as Caffe's own test says."""
    net, folder, log = trained
    clips, labels = genre_clips(prototxt.view_of(read(net, "train_val")))
    snapshot = folder / f"{net}_iter_30.caffemodel"
    deploy = forward.load_net(paths.PROTOTXT / net / "deploy.prototxt", snapshot, clips.shape[1:])
    seen = forward.forward(deploy, forward.read_transform(folder / "train_val.prototxt")(clips))
    tested = caffe.Net(str(folder / "train_val.prototxt"), str(snapshot), caffe.TEST)
    outputs = tested.forward()
    assert set(outputs) == {"loss", "accuracy"}
    assert np.mean(seen.argmax(axis=1) == labels) == pytest.approx(float(outputs["accuracy"]))
    if "prob" in tested.blobs:
        np.testing.assert_allclose(tested.blobs["prob"].data, seen, atol=1e-5)
    else:
        expected = -np.log(seen[np.arange(CLIPS), labels]).mean()
        assert float(outputs["loss"]) == pytest.approx(expected, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_a_clip_s_answer_is_the_same_in_any_batch(net, tmp_path):
    definition = read(net, "deploy")
    shape = SHAPES[prototxt.view_of(read(net, "train_val"))]
    deploy = loaded(definition, tmp_path)
    random = np.random.default_rng(7)
    for blobs in deploy.params.values():
        for blob in blobs:
            blob.data[...] = random.normal(0, (2 * blob.shape[0] / blob.count) ** 0.5, blob.data.shape)
    clips = random.normal(0, 1, (5, *shape)).astype(np.float32)
    together = forward.forward(deploy, clips)
    assert together.shape == (5, GENRES)
    np.testing.assert_allclose(together.sum(axis=1), 1, atol=1e-5)
    assert np.ptp(together, axis=0).max() > 1e-4
    alone = np.concatenate([forward.forward(deploy, clip[None]) for clip in clips])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_the_train_phase_outputs_accuracy_and_loss_alone(run):
    _, folder = run
    assert caffe.Net(str(folder / "train_val.prototxt"), caffe.TRAIN).outputs == ["accuracy", "loss"]


@pytest.mark.parametrize("net", NETS)
def test_train_val_and_deploy_agree_on_every_layer_from_data_to_score(net):
    assert layers_to_score(read(net, "train_val")) == layers_to_score(read(net, "deploy"))


def layers_to_score(net: caffe_pb2.NetParameter) -> list[str]:
    """The layers between data and score as text, without what only training needs: learning rates and fillers."""
    kept = []
    for layer in net.layer:
        if layer.type in ("Data", "Input"):
            continue
        del layer.param[:]
        for settings in (layer.convolution_param, layer.inner_product_param, layer.recurrent_param):
            for filler in FILLERS:
                settings.ClearField(filler)
        kept.append(prototxt.text(layer))
        if layer.name == "score":
            return kept
    raise AssertionError(f"{net.name} has no layer 'score'")


def test_the_simple_net_has_two_convolutions_and_two_fully_connected_layers():
    kinds = [layer.type for layer in read("simple_cnn", "deploy").layer]
    assert (kinds.count("Convolution"), kinds.count("InnerProduct")) == (2, 2)


def test_the_whole_song_net_trains_for_table_2_s_60_000_iterations_and_begins_with_strides():
    assert prototxt.read_solver(paths.PROTOTXT / "song_cnn" / "solver.prototxt").max_iter == 60_000
    first = next(layer for layer in read("song_cnn", "deploy").layer if layer.type == "Convolution")
    assert first.convolution_param.stride_w > 1
