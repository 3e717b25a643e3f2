"""A deploy net computes of v, bit for bit, what Caffe's Data layer gives to the net that is trained."""

from __future__ import annotations

from pathlib import Path

import caffe
import numpy as np
import pytest
from caffe.proto import caffe_pb2

from tools import paths
from tools.cli import UserError
from tools.convert import datum, lmdbs
from tools.nets import prototxt
from tools.nets.network import NETS, Network
from tools.settings import Settings

CLIPS = 4


def read(net: str) -> tuple[caffe_pb2.NetParameter, caffe_pb2.NetParameter]:
    """train_val and deploy."""
    network = Network(net)
    return network.train_val, network.deploy


def values(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Clips of v: both ends of its range, and whatever lies between."""
    clips = np.random.default_rng(4).uniform(0, 255, (CLIPS, *shape)).astype(np.float32)
    clips[0].flat[:4] = 0, 255, 1e-6, 254.99999
    return np.rint(clips).astype(np.uint8) if dtype == "int" else clips


def data_of_training(train_val: caffe_pb2.NetParameter, clips: np.ndarray, folder: Path, phase: int) -> np.ndarray:
    """The blob `data` that Caffe's Data layer fills from an LMDB of the clips."""
    records = [(lmdbs.record_key(n, "song", n), datum.serialize(clip, 0)) for n, clip in enumerate(clips)]
    source = folder / "lmdb"
    lmdbs.write_lmdb(source, records)
    prototxt.resolve_net(train_val, dict.fromkeys((0, 1), source), dict.fromkeys((0, 1), CLIPS))
    file = folder / "train_val.prototxt"
    file.write_text(prototxt.text(train_val))
    net = caffe.Net(str(file), phase)
    net.forward()
    return net.blobs["data"].data.copy()


def input_of_use(deploy: caffe_pb2.NetParameter, clips: np.ndarray, folder: Path) -> np.ndarray:
    """The blob that the third layer, the scale, makes of v in the blob `data`."""
    prototxt.resolve_deploy(deploy, clips.shape[1:])
    file = folder / "deploy.prototxt"
    file.write_text(prototxt.text(deploy))
    net = caffe.Net(str(file), caffe.TEST)
    net.blobs["data"].reshape(*clips.shape)
    net.reshape()
    net.blobs["data"].data[...] = clips
    net.forward()
    np.testing.assert_array_equal(net.blobs["data"].data, clips)
    return net.blobs[deploy.layer[2].top[0]].data.copy()


@pytest.mark.parametrize("input_scale", [None, 0.3])
@pytest.mark.parametrize("dtype", ["float", "int"])
@pytest.mark.parametrize("phase", [caffe.TRAIN, caffe.TEST], ids=["train", "test"])
@pytest.mark.parametrize("net", NETS)
def test_the_first_blob_is_that_of_training_bit_for_bit(net, phase, dtype, input_scale, tmp_path):
    caffe.set_mode_cpu()
    train_val, deploy = read(net)
    clips = values(prototxt.view_of(train_val).shape(Settings()), dtype)
    before = input_of_use(deploy, clips, tmp_path)
    if input_scale:
        prototxt.set_input_scale(train_val, deploy, input_scale)
    trained, used = data_of_training(train_val, clips, tmp_path, phase), input_of_use(deploy, clips, tmp_path)
    np.testing.assert_array_equal(used.view(np.uint32), trained.view(np.uint32))
    assert np.array_equal(used, before) == (input_scale is None)


@pytest.mark.parametrize("net", NETS)
def test_deploy_begins_with_the_shift_and_then_the_scale(net):
    _, deploy = read(net)
    assert [layer.type for layer in deploy.layer[:3]] == ["Input", "Power", "Power"]
    shift, scale = (layer.power_param for layer in deploy.layer[1:3])
    assert shift.shift < 0 < scale.scale
    assert (shift.scale, shift.power, scale.shift, scale.power) == (1, 1, 0, 1)


@pytest.mark.parametrize("net", NETS)
def test_training_and_use_of_every_net_agree(net):
    train_val, deploy = read(net)
    prototxt.check_input(train_val, deploy, paths.PROTOTXT / net)


def without_power(deploy: caffe_pb2.NetParameter) -> None:
    deploy.layer[3].bottom[0] = "data"
    del deploy.layer[1:3]


def scale_first(deploy: caffe_pb2.NetParameter) -> None:
    shift, scale = deploy.layer[1].power_param, deploy.layer[2].power_param
    scale.scale, scale.shift, shift.shift = 1, shift.shift, 0


def not_in_a_chain(deploy: caffe_pb2.NetParameter) -> None:
    deploy.layer[2].bottom[0] = "data"


@pytest.mark.parametrize("change", [without_power, scale_first, not_in_a_chain])
def test_a_deploy_of_another_form_is_refused_by_name(change):
    _, deploy = read("complex_cnn")
    change(deploy)
    with pytest.raises(UserError, match=r"my/deploy\.prototxt does not begin with two Power layers"):
        prototxt.input_layers(deploy, "my/deploy.prototxt")


@pytest.mark.parametrize(
    "field, value", [("scale", 0.5), ("mean_value", [100]), ("mean_file", "mean"), ("crop_size", 30), ("mirror", True)]
)
def test_a_net_that_is_trained_on_other_values_than_it_is_used_on_is_refused(field, value):
    """Also where deploy cannot do what training does, as with a mean for each place or a cut."""
    train_val, deploy = read("complex_cnn")
    transform = prototxt.data_layer(train_val, caffe.TRAIN).transform_param
    if field == "mean_value":
        transform.mean_value[:] = value
    else:
        setattr(transform, field, value)
    with pytest.raises(UserError, match=rf"train_val\.prototxt: transform_param is .*{field}"):
        prototxt.check_input(train_val, deploy, paths.PROTOTXT / "complex_cnn")
