"""Hand-written prototxt in, resolved prototxt out: the paths, the batch and the settings of one run filled in.

What comes out is read by stock `caffe train` as well as by ours. Formats: caffe.proto of BVLC Caffe 1.0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import caffe
from caffe.proto import caffe_pb2
from google.protobuf import text_format

from tools import paths
from tools.cli import UserError
from tools.convert.views import VIEWS, View
from tools.settings import Value, text_of

Message = TypeVar("Message")  # of protobuf
# Settings that each layer of a kind has: what that is called, its type, and where in it the value stands
IN_LAYERS = {
    "dropout": ("Dropout layer", "Dropout", "dropout_param", "dropout_ratio"),
    "neurons": ("LSTM layer", "LSTM", "recurrent_param", "num_output"),
    "pooling": ("global pooling", "Pooling", "pooling_param", "pool"),
}
# What a model from somebody else could run code with, or read and write files
UNSAFE_LAYERS = ("Python", "HDF5Data", "HDF5Output", "ImageData", "WindowData")


def read(file: Path, message: Message) -> Message:
    """Parse a prototxt into ``message``. UserError with file and line where it is missing or mistyped."""
    try:
        return parse(file.read_text(), message, file)
    except FileNotFoundError:
        known = sorted(folder.name for folder in paths.PROTOTXT.iterdir() if folder.is_dir())
        raise UserError(
            f"{file} does not exist: NET is one of {', '.join(known)}, or a folder that you add there"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: {error}: mend that line") from None


def parse(text: str, message: Message, name: object) -> Message:
    """Parse the text of a prototxt into ``message``. UserError with ``name`` and line where it is mistyped."""
    try:
        return text_format.Parse(text, message)
    except text_format.ParseError as error:
        raise UserError(f"{name}: {' '.join(str(error).split())}: mend that line") from None


def read_net(file: Path) -> caffe_pb2.NetParameter:
    """Parse a net. UserError also for a layer type that this Caffe does not have, or that is not let near files."""
    net = read(file, caffe_pb2.NetParameter())
    known = set(caffe.layer_type_list())
    for layer in net.layer:
        if layer.type not in known:
            raise UserError(f"{file}: layer '{layer.name}' is of unknown type '{layer.type}': mend its type")
        if layer.type in UNSAFE_LAYERS:
            raise UserError(
                f"{file}: layer '{layer.name}' is of type {layer.type}, which runs code or touches files: take it out"
            )
    return net


def data_layer(net: caffe_pb2.NetParameter, phase: int) -> caffe_pb2.LayerParameter:
    """The Data layer of a phase (caffe.TRAIN or caffe.TEST). UserError where the net has none."""
    for layer in net.layer:
        if layer.type == "Data" and any(rule.phase == phase for rule in layer.include):
            return layer
    raise UserError(f"net '{net.name}' has no Data layer for {'TRAIN' if phase == caffe.TRAIN else 'TEST'}: add one")


def view_of(net: caffe_pb2.NetParameter) -> View:
    """Which view of a song a net reads, from the name of the LMDB in its prototxt."""
    source = data_layer(net, caffe.TRAIN).data_param.source
    view = VIEWS.get(Path(source).name.split("_")[0])
    if view is None:
        raise UserError(f"net '{net.name}' reads {source}: its name must begin with one of {', '.join(VIEWS)}")
    return view


def input_layers(
    deploy: caffe_pb2.NetParameter, name: object
) -> tuple[caffe_pb2.LayerParameter, caffe_pb2.LayerParameter]:
    """The two Power layers with which a deploy net begins: first the shift, then the scale.

    With them it takes v itself, 0..255, and computes (v - mean) * scale in the order of Caffe's data_transformer.cpp,
    so that the values are the same bit for bit. UserError where the net does not begin so.
    """
    if [layer.type for layer in deploy.layer[:3]] == ["Input", "Power", "Power"]:
        data, shift, scale = deploy.layer[:3]
        neutral = (shift.power_param.scale, shift.power_param.power, scale.power_param.shift, scale.power_param.power)
        if (shift.bottom, scale.bottom, neutral) == (data.top, shift.top, (1, 1, 0, 1)):
            return shift, scale
    raise UserError(
        f"{name} does not begin with two Power layers, first the shift, then the scale of its input: "
        "train again, or write them as prototxt/rcnn/deploy.prototxt has them"
    )


def check_input(train_val: caffe_pb2.NetParameter, deploy: caffe_pb2.NetParameter, folder: Path) -> None:
    """UserError unless the deploy net does to its input what both Data layers do to theirs."""
    shift, scale = input_layers(deploy, folder / "deploy.prototxt")
    expected = caffe_pb2.TransformationParameter(scale=scale.power_param.scale)
    if shift.power_param.shift:
        expected.mean_value.append(-shift.power_param.shift)
    for phase in (caffe.TRAIN, caffe.TEST):
        transform = caffe_pb2.TransformationParameter(scale=1)
        transform.MergeFrom(data_layer(train_val, phase).transform_param)
        if transform != expected:
            ours, other = (" ".join(text(message).split()) for message in (transform, expected))
            raise UserError(
                f"{folder / 'train_val.prototxt'}: transform_param is {ours}, and deploy.prototxt does {other}: "
                "give both the same mean_value and scale, and nothing else"
            )


def covering_batch(records: int, largest: int = 128) -> int:
    """The largest batch that covers ``records`` exactly once. At the end of an LMDB Caffe's Data layer begins again."""
    return max(batch for batch in range(1, min(records, largest) + 1) if records % batch == 0)


def layers_with(net: caffe_pb2.NetParameter, setting: str) -> list[Any]:
    """The part of each layer that has a setting of `IN_LAYERS`: of Pooling layers the global ones alone have it."""
    _, kind, part, _ = IN_LAYERS[setting]
    parts = [getattr(layer, part) for layer in net.layer if layer.type == kind]
    return [part for part in parts if setting != "pooling" or part.global_pooling]


def set_in_layers(net: caffe_pb2.NetParameter, setting: str, value: Value) -> None:
    """Give a setting of `IN_LAYERS` its value in every layer that has it. UserError where none does."""
    called, _, _, field = IN_LAYERS[setting]
    name, parts = setting.upper(), layers_with(net, setting)
    if not parts:
        raise UserError(f"{name}={text_of(value)}: net '{net.name}' has no {called}: leave {name} out")
    for part in parts:
        setattr(part, field, part.PoolMethod.Value(value.upper()) if setting == "pooling" else value)


def share_loss(net: caffe_pb2.NetParameter, ranks: int) -> None:
    """Weigh every loss by 1 / ``ranks``, so that the gradients of as many ranks sum up to that of the whole batch."""
    for layer in net.layer:
        if layer.type.endswith("Loss"):
            layer.loss_weight[:] = [weight / ranks for weight in layer.loss_weight or [1.0]]


def set_input_scale(train_val: caffe_pb2.NetParameter, deploy: caffe_pb2.NetParameter, scale: float) -> None:
    """Multiply the input by ``scale``, in training and in use."""
    for phase in (caffe.TRAIN, caffe.TEST):
        data_layer(train_val, phase).transform_param.scale = scale
    input_layers(deploy, f"deploy net '{deploy.name}'")[1].power_param.scale = scale


def normalise_batches(net: caffe_pb2.NetParameter) -> None:
    """Put BatchNorm and Scale (Ioffe and Szegedy 2015) in the place of each LRN. UserError where the net has none.

    Caffe's own fraction of the moving averages, 0.999, would remember the first weights for thousands of iterations.
    """
    layers = []
    for layer in net.layer:
        if layer.type != "LRN":
            layers.append(layer)
            continue
        normal = caffe_pb2.LayerParameter(name=layer.name, type="BatchNorm", bottom=layer.bottom, top=layer.top)
        normal.batch_norm_param.moving_average_fraction = 0.95
        scale = caffe_pb2.LayerParameter(name=f"{layer.name}_scale", type="Scale", bottom=layer.top, top=layer.top)
        scale.scale_param.bias_term = True
        layers += [normal, scale]
    if len(layers) == len(net.layer):
        raise UserError(f"BATCH_NORM=1: net '{net.name}' has no LRN layer for it to replace: leave BATCH_NORM out")
    del net.layer[:]
    net.layer.extend(layers)


def set_steps(net: caffe_pb2.NetParameter, steps: int) -> None:
    """Cut a recurrent net's clips into as many time steps as they have rows.

    The prototxt names each step, as stock Caffe needs it: every list of one blob a step, and every 1 / steps, is made
    anew for another number. Nothing changes where the number is the prototxt's own.
    """
    written = next((len(layer.top) for layer in net.layer if layer.type == "Slice" and len(layer.top) > 2), steps)
    if written == steps:
        return
    for layer in net.layer:
        for blobs in (layer.bottom, layer.top):
            if len(blobs) == written:
                stem = blobs[0].rstrip("0123456789")
                same = len(set(blobs)) == 1
                blobs[:] = [blobs[0] if same else f"{stem}{step:02d}" for step in range(1, steps + 1)]
        if len(layer.eltwise_param.coeff) == written:
            layer.eltwise_param.coeff[:] = [1 / steps] * steps
        dims = layer.reshape_param.shape.dim
        dims[:] = [steps if size == written else size for size in dims]


def resolve_net(net: caffe_pb2.NetParameter, sources: dict[int, Path], batches: dict[int, int]) -> None:
    """Fill in each phase's LMDB and batch size. Where nothing is tested, the layers of the phase TEST go."""
    if caffe.TEST not in sources:
        tested = [layer for layer in net.layer if any(rule.phase == caffe.TEST for rule in layer.include)]
        for layer in tested:
            net.layer.remove(layer)
    for phase in sources:
        data = data_layer(net, phase).data_param
        data.source, data.batch_size = str(sources[phase]), batches[phase]


def scoring_layer(net: caffe_pb2.NetParameter) -> caffe_pb2.LayerParameter:
    """The last layer with weights, which has an output for each genre. UserError where there is none."""
    for layer in reversed(net.layer):
        if layer.type in ("InnerProduct", "Convolution"):
            return layer
    raise UserError(f"net '{net.name}' has no InnerProduct or Convolution layer to score the genres: add one")


def set_outputs(net: caffe_pb2.NetParameter, genres: int) -> None:
    layer = scoring_layer(net)
    part = layer.inner_product_param if layer.type == "InnerProduct" else layer.convolution_param
    part.num_output = genres


def check_roles(
    train_val: caffe_pb2.NetParameter, deploy: caffe_pb2.NetParameter, solver: caffe_pb2.SolverParameter, folder: Path
) -> None:
    """UserError unless the files of a network have what training and votes need (prototxt/README.md)."""
    for name, net, blobs in (
        ("train_val.prototxt", train_val, ("data", "label", "loss", "accuracy")),
        ("deploy.prototxt", deploy, ("data", "prob")),
    ):
        tops = {top for layer in net.layer for top in layer.top}
        for blob in blobs:
            if blob not in tops:
                raise UserError(f"{folder / name}: no layer has the top '{blob}': give one that name")
    if any(layer.type == "Data" for layer in deploy.layer):
        raise UserError(f"{folder / 'deploy.prototxt'}: a Data layer belongs to train_val.prototxt: begin with Input")
    if solver.snapshot_format != caffe_pb2.SolverParameter.BINARYPROTO:
        raise UserError(f"{folder / 'solver.prototxt'}: snapshot_format: training goes on from BINARYPROTO alone")


def resolve_deploy(net: caffe_pb2.NetParameter, shape: tuple[int, ...]) -> None:
    """Give the Input layer the shape of the LMDB's Datums, (channels, height, width)."""
    for layer in net.layer:
        if layer.type == "Input":
            layer.input_param.shape[0].dim[1:] = shape
            return
    raise UserError(f"deploy net '{net.name}' has no Input layer: add one")


def text(message: object) -> str:
    return text_format.MessageToString(message)
