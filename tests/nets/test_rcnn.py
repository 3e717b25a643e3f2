"""The recurrent convolution layers of prototxt/rcnn do what Liang and Hu's equations say."""

from __future__ import annotations

import caffe
import numpy as np
import pytest
from scipy.signal import correlate2d

from tools import paths


def convolve(x: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Cross-correlation with zero padding: x (maps in, height, width), kernels (maps out, maps in, 3, 3)."""
    return np.array([sum(correlate2d(plane, kernel, mode="same") for plane, kernel in zip(x, row)) for row in kernels])


def normalize(x: np.ndarray, alpha: float = 1e-4, beta: float = 0.75) -> np.ndarray:
    """Local response normalisation across K / 8 + 1 of K maps (Liang and Hu 2015, equation 3), Caffe's alpha / size."""
    size = len(x) // 8 + 1
    squares = np.pad(x**2, ((size // 2, size // 2), (0, 0), (0, 0)))
    sums = sum(squares[i : i + len(x)] for i in range(size))
    return x / (1 + alpha / size * sums) ** beta


def recurrent_layer(
    u: np.ndarray, feedforward: np.ndarray, bias: np.ndarray, recurrent: np.ndarray
) -> list[np.ndarray]:
    """x(0) to x(3): z(t) = w_f * u + w_r * x(t - 1) + b, x(t) = LRN(max(z(t), 0)), x(-1) = 0."""
    driven = convolve(u, feedforward) + bias[:, None, None]
    x, states = np.zeros_like(driven), []
    for _ in range(4):
        x = normalize(np.maximum(driven + convolve(x, recurrent), 0))
        states.append(x)
    return states


@pytest.fixture(scope="module")
def net() -> caffe.Net:
    """The deploy net with random weights, after a forward pass of a random clip."""
    caffe.set_mode_cpu()
    net = caffe.Net(str(paths.PROTOTXT / "rcnn" / "deploy.prototxt"), caffe.TEST)
    random = np.random.default_rng(5)
    for blobs in net.params.values():
        for blob in blobs:
            fan_in = max(1, blob.count // blob.shape[0])
            blob.data[...] = random.normal(0, (2 / fan_in) ** 0.5, blob.data.shape)
    net.blobs["data"].data[...] = random.uniform(0, 255, net.blobs["data"].data.shape)
    net.forward()
    return net


@pytest.mark.parametrize(("layer", "bottom"), [("rcl1", "pool1"), ("rcl2", "rcl1_x3"), ("rcl3", "pool2")])
def test_every_time_step_is_the_equation_s(net, layer, bottom):
    feedforward, bias = (blob.data.astype(np.float64) for blob in net.params[f"{layer}_feedforward"])
    recurrent = net.params[f"{layer}_recurrent1"][0].data.astype(np.float64)
    expected = recurrent_layer(net.blobs[bottom].data[0].astype(np.float64), feedforward, bias, recurrent)
    for t, state in enumerate(expected):
        seen = net.blobs[f"{layer}_x{t}"].data[0]
        assert np.abs(seen).max() > 1
        np.testing.assert_allclose(seen, state, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("layer", ["rcl1", "rcl2", "rcl3"])
def test_the_time_steps_share_one_recurrent_kernel(net, layer):
    first, second, third = (net.params[f"{layer}_recurrent{t}"][0].data for t in (1, 2, 3))
    first[0, 0, 0, 0] += 1
    assert second[0, 0, 0, 0] == third[0, 0, 0, 0] == first[0, 0, 0, 0]
