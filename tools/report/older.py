"""Which results are of a network that has other layers now."""

from __future__ import annotations

from caffe.proto import caffe_pb2
from google.protobuf.message import Message

from tools.nets import prototxt
from tools.nets.network import Network
from tools.report.records import Collection


def note(collection: Collection) -> str:
    """Which kept results are of a network that is no longer here; nothing where none is."""
    others = other_networks(collection)
    words = f"Of a network with other layers than `prototxt/` has, and to be run again: {', '.join(others)}."
    return f"\n\n{words}" if others else ""


def other_networks(collection: Collection) -> list[str]:
    """The networks whose kept runs were trained with other layers than prototxt/ has now."""
    plain = [run for run in collection.runs if not run.differences]
    return sorted({run.net for run in plain if layers(run.record["prototxt"]["deploy"]) != layers_now(run.net)})


def layers_now(net: str) -> list[tuple[str, str]]:
    return layers(prototxt.text(Network(net).deploy))


def layers(deploy: str) -> list[tuple[str, str]]:
    """Type and settings of each layer, but for those that only take the input in."""
    net = prototxt.parse(deploy, caffe_pb2.NetParameter(), "deploy")
    kept = [layer for layer in net.layer if layer.type not in ("Input", "Power")]
    fields = (
        "convolution_param",
        "inner_product_param",
        "pooling_param",
        "lrn_param",
        "dropout_param",
        "recurrent_param",
    )
    return [(layer.type, "".join(sizes(getattr(layer, field)) for field in fields)) for layer in kept]


def sizes(parameters: Message) -> str:
    """Settings as text, without how weights begin."""
    copy = type(parameters)()
    copy.CopyFrom(parameters)
    for filler in ("weight_filler", "bias_filler"):
        if filler in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(filler)
    return prototxt.text(copy)
