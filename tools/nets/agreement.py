"""Whether a deploy net is the net that was trained: one without its ReLUs would be half as good, and nobody be told."""

from __future__ import annotations

from pathlib import Path

import caffe
from caffe.proto import caffe_pb2
from google.protobuf.message import Message

from tools.cli import UserError
from tools.nets import prototxt

# What is there for training alone
TRAINING = ("Data", "Accuracy", "Dropout", "Silence")
# Fields that change nothing of what a trained layer computes
FREE = ("param", "include", "exclude", "phase", "loss_weight", "propagate_down", "blobs")
FILLERS = ("weight_filler", "bias_filler", "filler")


def check_same_layers(train_val: caffe_pb2.NetParameter, deploy: caffe_pb2.NetParameter, folder: Path) -> None:
    """UserError unless each layer of train_val that a layer of deploy goes by is in deploy too, and the same there."""
    data = prototxt.data_layer(train_val, caffe.TRAIN).top[0]
    scaled = prototxt.input_layers(deploy, folder / "deploy.prototxt")[1].top[0]
    there = {layer.name: plain(layer, {scaled: data}) for layer in deploy.layer}
    lasting = list(filter(is_lasting, train_val.layer))
    gone_by = {blob for layer in lasting if layer.name in there for blob in layer.bottom}
    for layer in lasting:
        ours, other = plain(layer, {}), there.get(layer.name)
        if other is None and gone_by & set(layer.top):
            raise UserError(
                f"{folder / 'deploy.prototxt'}: it lacks the layer '{layer.name}' of train_val.prototxt: add it"
            )
        if other is not None and ours != other:
            raise UserError(
                f"{folder / 'deploy.prototxt'}: its layer '{layer.name}' is not that of train_val.prototxt: "
                "give both the same settings and blobs"
            )


def is_lasting(layer: caffe_pb2.LayerParameter) -> bool:
    """Whether a trained net computes a layer: not one of training alone, nor of one phase."""
    return not (layer.type in TRAINING or layer.type.endswith("Loss") or layer.include or layer.exclude)


def plain(layer: caffe_pb2.LayerParameter, names: dict[str, str]) -> Message:
    """A layer without what does not matter here, its blobs called by these names."""
    copy = caffe_pb2.LayerParameter()
    copy.CopyFrom(layer)
    for field in FREE:
        copy.ClearField(field)
    for _, setting in copy.ListFields():
        for filler in FILLERS if isinstance(setting, Message) else ():
            if filler in setting.DESCRIPTOR.fields_by_name:
                setting.ClearField(filler)
    copy.bottom[:] = [names.get(blob, blob) for blob in layer.bottom]
    return copy
