"""The LSTM layers of prototxt/lstm do what the LSTM's equations say, at any batch."""

from __future__ import annotations

import caffe
import numpy as np
import pytest

from tools import paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.nets.network import Network

STEPS, BANDS, CELLS, BATCHES = 20, 72, 80, (3, 7)

Weights = tuple[np.ndarray, np.ndarray, np.ndarray]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def lstm(x: np.ndarray, weights: Weights) -> np.ndarray:
    """h(1) to h(T) of one clip (T, cells), x (T, inputs), from h(0) = c(0) = 0.

    Hochreiter and Schmidhuber 1997 with the forget gate of Gers, Schmidhuber and Cummins 2000, without peepholes:
        i, f, o = sigmoid(W x + U h + b), g = tanh(W x + U h + b), c = f c + i g, h = o tanh(c)
    The rows of W, U and b hold the gates in the order i, f, o, g.
    """
    w, b, u = weights
    h, c, outputs = np.zeros(CELLS), np.zeros(CELLS), []
    for step in x:
        i, f, o, g = np.split(w @ step + u @ h + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs)


def params(net: caffe.Net, layer: str) -> tuple[np.ndarray, ...]:
    return tuple(blob.data.astype(np.float64) for blob in net.params[layer])


def forward(net: caffe.Net, clips: np.ndarray) -> dict[str, np.ndarray]:
    """Every blob after a forward pass of ``clips`` (batch, 1, 20, 72) of v, at a batch of their number."""
    net.blobs["data"].reshape(*clips.shape)
    net.reshape()
    net.blobs["data"].data[...] = clips
    net.forward()
    return {name: blob.data.copy() for name, blob in net.blobs.items()}


def random_clips(batch: int, seed: int = 11) -> np.ndarray:
    return np.random.default_rng([seed, batch]).uniform(0, 255, (batch, 1, STEPS, BANDS)).astype(np.float32)


@pytest.fixture(scope="module")
def net() -> caffe.Net:
    """The deploy net with random weights and biases, of a size at which every gate moves."""
    caffe.set_mode_cpu()
    net = caffe.Net(str(paths.PROTOTXT / "lstm" / "deploy.prototxt"), caffe.TEST)
    random = np.random.default_rng(5)
    for blobs in net.params.values():
        for blob in blobs:
            spread = 0.5 if len(blob.shape) == 1 else 1.5 * blob.shape[1] ** -0.5
            blob.data[...] = random.normal(0, spread, blob.data.shape)
    return net


@pytest.mark.parametrize("batch", BATCHES)
def test_both_layers_are_the_equations_at_every_step(net, batch):
    clips = random_clips(batch)
    seen = forward(net, clips)
    assert seen["lstm1"].shape == seen["lstm2"].shape == (STEPS, batch, CELLS)
    for n, clip in enumerate(seen["input_scale"][:, 0].astype(np.float64)):
        first = lstm(clip, params(net, "lstm1"))
        second = lstm(first, params(net, "lstm2"))
        assert np.abs(second).max() > 0.5
        np.testing.assert_allclose(seen["lstm1"][:, n], first, rtol=0, atol=1e-5)
        np.testing.assert_allclose(seen["lstm2"][:, n], second, rtol=0, atol=1e-5)


@pytest.mark.parametrize("batch", BATCHES)
def test_a_clip_s_probabilities_are_the_average_of_its_steps_softmax(net, batch):
    seen = forward(net, random_clips(batch))
    (w3, b3), (w, b) = params(net, "fc3"), params(net, "score")
    score = np.maximum(seen["lstm2"] @ w3.T + b3, 0) @ w.T + b
    assert seen["prob"].shape == (batch, 10)
    np.testing.assert_allclose(seen["prob"], softmax(score).mean(axis=0), rtol=0, atol=1e-5)


def test_the_layers_are_the_paper_s_sizes(net):
    assert [blob.data.shape for blob in net.params["lstm1"]] == [(320, 72), (320,), (320, 80)]
    assert [blob.data.shape for blob in net.params["lstm2"]] == [(320, 80), (320,), (320, 80)]
    assert [net.params[name][0].data.shape for name in ("fc3", "score")] == [(40, 80), (10, 40)]


@pytest.mark.parametrize("batch", BATCHES)
def test_the_lstm_sees_the_steps_in_order_and_each_clip_begins_anew(net, batch):
    clips = random_clips(batch)
    seen = forward(net, clips)
    np.testing.assert_array_equal(seen["x"], seen["input_scale"][:, 0].transpose(1, 0, 2))
    np.testing.assert_array_equal(seen["cont"], np.repeat([[0.0], [1.0]], [1, STEPS - 1], axis=0).repeat(batch, axis=1))


def test_a_clip_s_answer_depends_on_no_other_clip_nor_on_the_batch_before(net):
    clips = random_clips(5)
    together = forward(net, clips)["prob"]
    forward(net, random_clips(5, seed=12) * 100)
    np.testing.assert_array_equal(forward(net, clips)["prob"], together)
    alone = np.concatenate([forward(net, clip[None])["prob"] for clip in clips])
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-6)


def test_another_number_of_bands_needs_no_other_prototxt():
    """As from a window of 1024, which has 64 bands."""

    definition = prototxt.read_net(paths.PROTOTXT / "lstm" / "deploy.prototxt")
    prototxt.resolve_deploy(definition, (1, STEPS, 64))
    assert build(definition).params["lstm1"][0].data.shape == (320, 64)


@pytest.mark.parametrize("steps", [3, 40])
def test_another_number_of_steps_makes_the_same_net_over_as_many_rows(steps):
    """As from LMDBs of LSTM_FRAMES_A_CLIP=40: a clip of equal steps answers alike however it is cut."""

    definition = prototxt.read_net(paths.PROTOTXT / "lstm" / "deploy.prototxt")
    prototxt.set_steps(definition, steps)
    prototxt.resolve_deploy(definition, (1, steps, 72))
    net = build(definition)
    clips = random_clips(4 * steps)[:, :, 0].reshape(4, 1, steps, 72)
    seen = forward(net, clips)
    np.testing.assert_array_equal(seen["x"], seen["input_scale"][:, 0].transpose(1, 0, 2))
    assert seen["cont"].shape == (steps, 4)
    np.testing.assert_allclose(seen["prob"], seen["step_prob"].mean(axis=0), rtol=0, atol=1e-6)


def test_the_steps_of_the_prototxt_are_left_as_they_are_written():
    for name in ("train_val", "deploy"):
        written = prototxt.read_net(paths.PROTOTXT / "lstm" / f"{name}.prototxt")
        definition = prototxt.read_net(paths.PROTOTXT / "lstm" / f"{name}.prototxt")
        prototxt.set_steps(definition, STEPS)
        assert definition == written


def test_a_wider_lstm_is_wider_in_both_layers():
    definition = prototxt.read_net(paths.PROTOTXT / "lstm" / "deploy.prototxt")
    prototxt.set_in_layers(definition, "neurons", 160)
    params = build(definition).params
    assert params["lstm1"][0].data.shape == (640, 72)
    assert params["lstm2"][0].data.shape == (640, 160)
    with pytest.raises(UserError, match="no LSTM layer"):
        prototxt.set_in_layers(Network("rcnn").deploy, "neurons", 160)


def build(definition: object) -> caffe.Net:
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".prototxt") as file:
        file.write(prototxt.text(definition))
        file.flush()
        return caffe.Net(file.name, caffe.TEST)
