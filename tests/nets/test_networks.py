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
from tools.convert.views import View
from tools.nets import forward, prototxt
from tools.nets.network import NETS, Network
from tools.settings import Settings

GENRES = 10
CLIPS = 20
ITERATIONS = {"rcnn": 10, "rcnn_plus": 10}  # the others 30; these two take several times as long
FILLERS = ("weight_filler", "bias_filler")


def view_of(net: str) -> View:
    return prototxt.view_of(Network(net).train_val)


def genre_clips(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Clips (CLIPS, 1, height, width) in 0..255 and their labels: noise, and a bright band for each genre."""
    random, shape = np.random.default_rng(3), view.shape(Settings())
    labels = np.arange(CLIPS) % GENRES
    clips = random.uniform(110, 160, (CLIPS, *shape)).astype(np.float32)
    for clip, label in zip(clips, labels):
        bands = clip[0].T if view.is_sequence else clip[0]
        bands[3 * label : 3 * label + 3] += 70
    return clips, labels


@pytest.fixture(scope="module", params=NETS)
def run(request, tmp_path_factory) -> tuple[str, Path]:
    """A net's name, and a folder with its resolved prototxt and two LMDBs of CLIPS records that it can tell apart."""
    net, folder = request.param, tmp_path_factory.mktemp(request.param)
    definition, solver = Network(net).train_val, Network(net).solver
    clips, labels = genre_clips(prototxt.view_of(definition))
    records = [
        (lmdbs.record_key(n, f"song.{n:05d}", 0), datum.serialize(clip, label))
        for n, (clip, label) in enumerate(zip(clips, labels.tolist()))
    ]
    sources = {caffe.TRAIN: folder / "train_lmdb", caffe.TEST: folder / "test_lmdb"}
    for source in sources.values():
        lmdbs.write_lmdb(source, records)
    prototxt.resolve_net(definition, sources, {caffe.TRAIN: CLIPS // 2, caffe.TEST: CLIPS})
    solver.net, solver.snapshot_prefix = str(folder / "train_val.prototxt"), str(folder / net)
    solver.test_iter[:], solver.max_iter, solver.display, solver.test_interval = (
        [1],
        iterations(net),
        1,
        iterations(net),
    )
    (folder / "train_val.prototxt").write_text(prototxt.text(definition))
    (folder / "solver.prototxt").write_text(prototxt.text(solver))
    return net, folder


@pytest.fixture(scope="module")
def trained(run) -> tuple[str, Path, str]:
    """The net, its folder and the log, after some iterations of stock Caffe at the rate of the net's own solver."""
    net, folder = run
    command = ["caffe", "train", "-solver", str(folder / "solver.prototxt")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return net, folder, ended.stderr


def iterations(net: str) -> int:
    return ITERATIONS.get(net, 30)


def losses(log: str) -> list[float]:
    return [float(line.rsplit("loss = ", 1)[1]) for line in log.splitlines() if "iters), loss = " in line]


def test_the_first_loss_is_that_of_a_guess(trained):
    assert losses(trained[2])[0] == pytest.approx(np.log(GENRES), abs=0.3)


def test_stock_caffe_learns_at_the_net_s_own_rate(trained):
    """In 30 iterations it is right five times as often as a guess: out of reach of a rate that is off by ten."""
    if trained[0] in ITERATIONS:
        pytest.skip("too few iterations: tests/train compares the RCNN with stock Caffe after 30")
    accuracy = [line for line in trained[2].splitlines() if "accuracy = " in line][-1]
    assert float(accuracy.rsplit("= ", 1)[1]) >= 0.5, accuracy


def test_deploy_answers_as_the_test_phase_is_scored(trained):
    """With the weights and the transform of training, deploy's answers are as often right as Caffe's own test says."""
    net, folder, log = trained
    clips, labels = genre_clips(view_of(net))
    snapshot = folder / f"{net}_iter_{iterations(net)}.caffemodel"
    deploy = forward.load_net(paths.PROTOTXT / net / "deploy.prototxt", snapshot, clips.shape[1:])
    seen = forward.forward(deploy, clips)
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
def test_a_clip_s_answer_is_the_same_in_any_batch(net):
    caffe.set_mode_cpu()
    deploy = caffe.Net(str(paths.PROTOTXT / net / "deploy.prototxt"), caffe.TEST)
    random = np.random.default_rng(7)
    for name, blobs in deploy.params.items():
        if deploy.layer_dict[name].type == "BatchNorm":  # mean, variance, and what divides them
            blobs[1].data[...], blobs[2].data[...] = 1, 1
            continue
        for blob in blobs:
            blob.data[...] = random.normal(0, (2 * blob.shape[0] / blob.count) ** 0.5, blob.data.shape)
    shift, scale = (layer.power_param for layer in Network(net).deploy.layer[1:3])
    clips = random.normal(-shift.shift, 1 / scale.scale, (5, *view_of(net).shape(Settings()))).astype(np.float32)
    forward.forward(deploy, clips)
    for blob in deploy.params["score"]:
        blob.data[...] /= np.abs(deploy.blobs["score"].data).max()  # a softmax of large scores would be alike for all
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
    network = Network(net)
    *_, scale = network.deploy.layer[:3]
    assert layers_to_score(network.train_val) == layers_to_score(network.deploy, scale.top[0])


def layers_to_score(net: caffe_pb2.NetParameter, data: str = "data") -> list[str]:
    """The layers between the blob ``data`` and score as text, without what only training needs: rates and fillers."""
    kept = []
    for layer in net.layer:
        if layer.type in ("Data", "Input", "Power") and not kept:
            continue
        layer.bottom[:] = ["data" if bottom == data else bottom for bottom in layer.bottom]
        for param in layer.param:
            param.ClearField("lr_mult")
            param.ClearField("decay_mult")
        while layer.param and not layer.param[-1].name:
            del layer.param[-1]
        for settings in (layer.convolution_param, layer.inner_product_param, layer.recurrent_param):
            for filler in FILLERS:
                settings.ClearField(filler)
        kept.append(prototxt.text(layer))
        if layer.name == "score":
            return kept
    raise AssertionError(f"{net.name} has no layer 'score'")


def test_the_whole_song_net_begins_with_strides():
    first = next(layer for layer in Network("song_cnn").deploy.layer if layer.type == "Convolution")
    assert first.convolution_param.stride_w > 1
