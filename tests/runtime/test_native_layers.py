"""Each layer that the native Caffe computes in its own way gives what Debian's binary gives, on random shapes.

Run as a program it computes all cases with whatever Caffe its environment names, and writes them to a file:

    python3 tests/runtime/test_native_layers.py FILE.npz
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
NATIVE = CHECKOUT / ".caffe" / "native"
CASES_A_KIND = 12

pytestmark = pytest.mark.skipif(
    not (NATIVE / "fingerprint").exists(), reason="there is no native Caffe here: make setup CAFFE=native"
)


# --- The cases: a kind of layer, and a random draw of it: the layers of a net, from `x` to `y`, and the shape of x.
def window(rng: np.random.Generator, height: int, width: int, largest: int = 5) -> dict[str, int]:
    """A random kernel, stride and pad that fit an image of height x width."""
    kernel_h, kernel_w = int(rng.integers(1, min(largest, height) + 1)), int(rng.integers(1, min(largest, width) + 1))
    return {
        "kernel_h": kernel_h,
        "kernel_w": kernel_w,
        "stride_h": int(rng.integers(1, 4)),
        "stride_w": int(rng.integers(1, 4)),
        "pad_h": int(rng.integers(0, kernel_h)),
        "pad_w": int(rng.integers(0, kernel_w)),
    }


def fields(values: dict[str, object]) -> str:
    return " ".join(f"{name}: {value}" for name, value in values.items())


def image_shape(rng: np.random.Generator) -> tuple[int, ...]:
    batch, height, width = rng.integers(1, 5), rng.integers(4, 24), rng.integers(4, 40)
    channels = rng.choice([1, 2, 3, 7, 8, 16, 20, 32, 33])
    return tuple(int(n) for n in (batch, channels, height, width))


def layer(kind: str, parameters: str = "", bottom: str = "x", top: str = "y") -> str:
    return f'layer {{ name: "{top}_{kind}" type: "{kind}" bottom: "{bottom}" top: "{top}" {parameters} }}\n'


def convolution(
    rng: np.random.Generator, shape: tuple[int, ...], bottom: str = "x", top: str = "y", **more: object
) -> str:
    settings = {
        "num_output": int(rng.choice([1, 4, 10, 16, 24, 50])),
        "bias_term": str(bool(rng.integers(2))).lower(),
        **window(rng, *shape[2:]),
        **more,
    }
    return layer("Convolution", f"convolution_param {{ {fields(settings)} }}", bottom, top)


def draw_convolution(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    shape = image_shape(rng)
    return convolution(rng, shape), shape


def draw_grouped_and_dilated_convolution(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    """What stays Caffe's own: it must still be chosen for these."""
    shape = (2, 6, 12, 14)
    more = {"group": 2, "num_output": 4} if rng.integers(2) else {"dilation": 2}
    return convolution(rng, (*shape[:2], 4, 4), **more), shape


def pooling(rng: np.random.Generator, method: str, shape: tuple[int, ...], bottom: str = "x", top: str = "y") -> str:
    settings = window(rng, *shape[2:])
    # With a stride beyond the kernel stock Caffe makes windows outside the image, and then writes outside it.
    settings["stride_h"] = min(settings["stride_h"], settings["kernel_h"])
    settings["stride_w"] = min(settings["stride_w"], settings["kernel_w"])
    return layer("Pooling", f"pooling_param {{ pool: {method} {fields(settings)} }}", bottom, top)


def draw_max_pooling(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    shape = image_shape(rng)
    return pooling(rng, "MAX", shape), shape


def draw_average_pooling(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    shape = image_shape(rng)
    return pooling(rng, "AVE", shape), shape


def draw_relu(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    return layer("ReLU", f"relu_param {{ negative_slope: {rng.choice([0, 0.1])} }}"), image_shape(rng)


def draw_lrn(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    settings = {
        "local_size": rng.choice([1, 3, 5, 7]),
        "alpha": rng.choice([1e-4, 0.5]),
        "beta": rng.choice([0.75, 0.5]),
        "k": rng.choice([1, 2]),
    }
    return layer("LRN", f"lrn_param {{ {fields(settings)} }}"), image_shape(rng)


def draw_batch_norm(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    """In training, and with the averages that it has; followed by Scale in place, as it always is."""
    normalise = layer("BatchNorm", f"batch_norm_param {{ use_global_stats: {rng.choice(['true', 'false'])} }}")
    scale = layer("Scale", f"scale_param {{ bias_term: {rng.choice(['true', 'false'])} }}", "y", "y")
    return normalise + scale, image_shape(rng)


def draw_scale(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    return layer("Scale", f"scale_param {{ bias_term: {rng.choice(['true', 'false'])} }}"), image_shape(rng)


def draw_softmax(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    return layer("Softmax", f"softmax_param {{ axis: {rng.integers(1, 4)} }}"), image_shape(rng)


def draw_chain(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    """Many layers, whose blobs nobody but they looks at. TanH in their midst knows Caffe's own order alone."""
    shape = image_shape(rng)
    same = {"kernel_h": 3, "kernel_w": 3, "stride_h": 1, "stride_w": 1, "pad_h": 1, "pad_w": 1, "num_output": 16}
    sums = 'layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "c" bottom: "t" top: "sum" '
    sums += "eltwise_param { coeff: 1 coeff: 1 coeff: 0.5 } }\n"
    chain = convolution(rng, shape, "x", "a", **same) + layer("ReLU", "", "a", "r") + layer("LRN", "", "r", "b")
    # Without a bias: BatchNorm takes the mean away, and the bias' gradient is nothing but rounding.
    chain += convolution(rng, shape, "b", "c", **{**same, "bias_term": "false"}) + layer("TanH", "", "b", "t") + sums
    chain += layer("BatchNorm", "", "sum", "n") + layer("Scale", "scale_param { bias_term: true }", "n", "n")
    chain += layer("ReLU", "", "n", "n") + pooling(rng, "MAX", shape, "n", "p")
    chain += layer("InnerProduct", "inner_product_param { num_output: 5 }", "p", "y")
    return chain, shape


def draw_lstm(rng: np.random.Generator) -> tuple[str, tuple[int, ...]]:
    shape = tuple(int(n) for n in (rng.integers(1, 9), rng.integers(1, 7), rng.integers(1, 20)))
    hidden = int(rng.integers(1, 20))
    lstm = 'layer { name: "y" type: "LSTM" bottom: "x" bottom: "cont" top: "y" '
    return lstm + f"recurrent_param {{ num_output: {hidden} }} }}\n", shape


DRAWS = {
    "convolution": draw_convolution,
    "grouped_and_dilated_convolution": draw_grouped_and_dilated_convolution,
    "max_pooling": draw_max_pooling,
    "average_pooling": draw_average_pooling,
    "relu": draw_relu,
    "lrn": draw_lrn,
    "batch_norm": draw_batch_norm,
    "scale": draw_scale,
    "softmax": draw_softmax,
    "chain": draw_chain,
    "lstm": draw_lstm,
}
EXACT = ("max_pooling", "average_pooling", "relu")


# --- As a program
def net_of(layers: str, shape: tuple[int, ...], folder: Path) -> object:
    """A net of these layers. The LSTM's cont is an input as well."""
    import caffe

    dims = " ".join(f"dim: {n}" for n in shape)
    text = f'force_backward: true\nlayer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ {dims} }} }} }}\n'
    if '"cont"' in layers:
        dims = " ".join(f"dim: {n}" for n in shape[:2])
        text += f'layer {{ name: "cont" type: "Input" top: "cont" input_param {{ shape {{ {dims} }} }} }}\n'
    path = folder / "net.prototxt"
    path.write_text(text + layers)
    return caffe.Net(str(path), caffe.TRAIN)


def compute(kind: str, number: int, folder: Path) -> dict[str, np.ndarray]:
    """Outputs and gradients of one case: twice forward, for a layer may carry something over, then back."""
    rng = np.random.default_rng([list(DRAWS).index(kind), number])
    layers, shape = DRAWS[kind](rng)
    net = net_of(layers, shape, folder)
    for name in sorted(net.params):
        for blob in net.params[name]:
            blob.data[...] = rng.standard_normal(blob.data.shape) * 0.3
            if "BatchNorm" in name:  # variances among them
                blob.data[...] = np.abs(blob.data) + 0.1
            blob.diff[...] = 0
    results = {}
    for round_number in range(2):
        net.blobs["x"].data[...] = rng.standard_normal(shape)
        if "cont" in net.blobs:
            net.blobs["cont"].data[...] = rng.random(shape[:2]) > 0.3
        net.forward()
        results[f"y{round_number}"] = net.blobs["y"].data.copy()
    net.backward(y=rng.standard_normal(net.blobs["y"].data.shape))
    results["x.diff"] = net.blobs["x"].diff.copy()
    for name in sorted(net.params):
        for i, blob in enumerate(net.params[name]):
            results.update({f"{name}.{i}": blob.data.copy(), f"{name}.{i}.diff": blob.diff.copy()})
    return {f"{kind}/{number}/{name}": values for name, values in results.items()}


def update(folder: Path) -> dict[str, np.ndarray]:
    """Weights and history of a solver after each of three updates by given gradients."""
    import caffe

    net = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 300 } } }\n'
    net += 'layer { name: "y" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 77 } }\n'
    (folder / "train.prototxt").write_text(net)
    settings = "base_lr: 0.01 lr_policy: 'fixed' momentum: 0.9 weight_decay: 0.004 display: 0 snapshot_prefix: 'update'"
    (folder / "solver.prototxt").write_text(f"net: '{folder}/train.prototxt' {settings}")
    solver = caffe.SGDSolver(str(folder / "solver.prototxt"))
    rng = np.random.default_rng(0)
    weights, bias = solver.net.params["y"]
    for blob in (weights, bias):
        blob.data[...] = rng.standard_normal(blob.data.shape)
    results = {}
    for number in range(3):
        for blob in (weights, bias):
            blob.diff[...] = rng.standard_normal(blob.diff.shape)
        solver.apply_update()
        for name, blob in (("weights", weights), ("bias", bias)):
            results[f"update/{number}/{name}"] = blob.data.copy()
            results[f"update/{number}/{name}.diff"] = blob.diff.copy()
    return results


def look(folder: Path) -> dict[str, np.ndarray]:
    """An array of a blob's values, taken before the net runs, shows them afterwards."""
    net = net_of(convolution(np.random.default_rng(0), (2, 3, 8, 9), "x", "a"), (2, 3, 8, 9), folder)
    (weights, *_), values = net.params["a_Convolution"], net.blobs["a"].data
    weights.data[...], net.blobs["x"].data[...] = 1, 1
    net.forward()
    return {"look/values": values.copy()}


def main(file: Path) -> None:
    results = {**update(file.parent), **look(file.parent)}
    for kind in DRAWS:
        for number in range(CASES_A_KIND):
            results.update(compute(kind, number, file.parent))
    np.savez(file, **results)


# --- As tests
@pytest.fixture(scope="module")
def stock_and_native(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The results of all cases, by each of the two."""
    results = []
    for caffe in ("stock", "native"):
        file = tmp_path_factory.mktemp(caffe) / "results.npz"
        environment = {name: value for name, value in os.environ.items() if name not in ("LD_LIBRARY_PATH", "CAFFE")}
        if caffe == "native":
            environment["LD_LIBRARY_PATH"] = str(NATIVE)
        done = subprocess.run(
            [sys.executable, __file__, str(file)],
            env={**environment, "GLOG_minloglevel": "2"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results.append(dict(np.load(file)))
    return tuple(results)


def test_both_computed_the_same_cases_by_different_code(stock_and_native):
    stock, native = stock_and_native
    assert list(stock) == list(native)
    assert any(not np.array_equal(stock[name], native[name]) for name in stock), "this was the same binary twice"


@pytest.mark.parametrize("kind", [kind for kind in DRAWS if kind not in EXACT])
def test_outputs_and_gradients_are_those_of_stock_to_rounding(kind, stock_and_native):
    stock, native = stock_and_native
    for name in (name for name in stock if name.startswith(kind + "/")):
        largest = np.abs(stock[name]).max()
        assert np.abs(native[name] - stock[name]).max() <= 1e-5 * largest, name


@pytest.mark.parametrize("kind", EXACT)
def test_pooling_and_relu_are_those_of_stock_bit_for_bit(kind, stock_and_native):
    stock, native = stock_and_native
    for name in (name for name in stock if name.startswith(kind + "/")):
        np.testing.assert_array_equal(native[name], stock[name], err_msg=name)


def test_an_array_that_was_taken_before_shows_what_a_layer_computes(stock_and_native):
    stock, native = stock_and_native
    assert stock["look/values"].any()
    np.testing.assert_allclose(native["look/values"], stock["look/values"], rtol=1e-5)


def test_an_update_is_that_of_stock_within_one_unit_in_the_last_place(stock_and_native):
    stock, native = stock_and_native
    for name in (name for name in stock if name.startswith("update/")):
        np.testing.assert_array_max_ulp(native[name], stock[name], maxulp=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
