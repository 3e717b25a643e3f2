"""The child process of `tools.nets.predict`: clips through a trained net, their probabilities into an .npz file.

    python -m tools.nets.forward DEPLOY CAFFEMODEL SOURCE OUT

SOURCE is an LMDB, or an .npy file of clips (clips, channels, height, width) in the range of the LMDB's, 0..255: the
deploy net shifts and scales them itself. Standard output has the number of clips, then that of each batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

import caffe
import numpy as np
from caffe.proto import caffe_pb2

from tools import cli
from tools.cli import UserError
from tools.convert import lmdbs
from tools.convert.datum import read_file
from tools.files import temporary_file
from tools.nets import prototxt

# A batch is 100 clips of 33 x 166 values, or the worth of it: a net's memory grows with the values of a batch.
BATCH_CLIPS = 100
BATCH_VALUES = BATCH_CLIPS * 33 * 166


def load_net(deploy: Path, caffemodel: Path, shape: tuple[int, ...]) -> caffe.Net:
    """The deploy net for clips of ``shape`` (channels, height, width), with the weights of ``caffemodel``.

    UserError where the net does not shift and scale its input, and where the weights are cut short or another net's:
    Caffe itself would skip a layer that it doesn't find, and answer with untrained weights.
    """
    definition = prototxt.read_net(deploy)
    prototxt.input_layers(definition, deploy)
    prototxt.resolve_deploy(definition, shape)
    with temporary_file(prototxt.text(definition), ".prototxt") as file:
        net = caffe.Net(str(file), caffe.TEST)
    for blob, role in (("data", "input"), ("prob", "output")):
        if blob not in net.blobs:
            raise UserError(f"{deploy}: the network has no {role} blob '{blob}': give a blob that name")
    check_weights(net, deploy, caffemodel)
    net.copy_from(str(caffemodel))
    return net


def check_weights(net: caffe.Net, deploy: Path, caffemodel: Path) -> None:
    """UserError unless ``caffemodel`` has every blob of ``net`` in its shape."""
    try:
        refusal = f"{caffemodel} is damaged or cut short: remove it and train again"
        weights = read_file(caffe_pb2.NetParameter, caffemodel, refusal)
    except FileNotFoundError:
        raise UserError(f"{caffemodel} does not exist: train first, or ask for another iteration") from None
    there = {layer.name: [blob_shape(blob) for blob in layer.blobs] for layer in weights.layer}
    for layer, blobs in net.params.items():
        wanted = [tuple(blob.shape) for blob in blobs]
        if layer not in there:
            raise UserError(
                f"{caffemodel} has no layer '{layer}' of {deploy}: it is another network's, or cut short: train again"
            )
        if there[layer] != wanted:
            raise UserError(
                f"{caffemodel}: layer '{layer}' has weights of {describe(there[layer])} where {deploy} wants "
                f"{describe(wanted)}: it is another network's, or of clips of another size: train again"
            )


def blob_shape(blob: caffe_pb2.BlobProto) -> tuple[int, ...]:
    """The shape that a blob says it has, or () where its data are not of that size."""
    shape = tuple(blob.shape.dim)
    return shape if len(blob.data) == np.prod(shape, dtype=np.int64) else ()


def describe(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) or "a wrong length" for shape in shapes) or "no shape"


def read_source(source: Path) -> Iterator[tuple[str, int, int, np.ndarray]]:
    """Track, clip, label and values (channels, height, width) of every clip; an .npy file knows of values alone."""
    if source.suffix == ".npy":
        for index, clip in enumerate(np.load(source, mmap_mode="r")):
            yield "", index, -1, clip
    else:
        for record in lmdbs.read_lmdb(source):
            yield record.track, record.clip, record.label, record.array


def count_clips(source: Path) -> int:
    """How many clips a source has. UserError where an LMDB can't be read."""
    return len(np.load(source, mmap_mode="r")) if source.suffix == ".npy" else lmdbs.count(source)


def batches(clips: Iterable[tuple], size: int) -> Iterator[list[tuple]]:
    clips = iter(clips)
    while batch := list(islice(clips, size)):
        yield batch


def forward(net: caffe.Net, clips: np.ndarray) -> np.ndarray:
    """Probabilities (clips, labels) of a batch (clips, channels, height, width) of values 0..255."""
    if net.blobs["data"].data.shape != clips.shape:
        net.blobs["data"].reshape(*clips.shape)
        net.reshape()
    net.blobs["data"].data[...] = clips
    net.forward()
    return net.blobs["prob"].data.reshape(len(clips), -1).copy()


def run_net(deploy: Path, caffemodel: Path, source: Path) -> Iterator[tuple[list[tuple[str, int, int]], np.ndarray]]:
    """Batch by batch, the (track, clip, label) of each clip and their probabilities. UserError for an empty source."""
    clips = read_source(source)
    first = next(clips, None)
    if first is None:
        raise UserError(f"{source} is empty: type 'make lmdb' again")
    net = load_net(deploy, caffemodel, first[3].shape)
    size = max(1, min(BATCH_CLIPS, BATCH_VALUES // first[3].size))
    for batch in batches(chain([first], clips), size):
        values = np.stack([clip[3] for clip in batch])
        yield [clip[:3] for clip in batch], forward(net, values)


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    for name in ("deploy", "caffemodel", "source", "out"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    caffe.set_mode_cpu()
    print(count_clips(args.source), flush=True)
    clips, probabilities = [], []
    for named, outcome in run_net(args.deploy, args.caffemodel, args.source):
        clips += named
        probabilities.append(outcome)
        print(len(named), flush=True)
    tracks, numbers, labels = zip(*clips)
    np.savez(args.out, tracks=tracks, clips=numbers, labels=labels, probabilities=np.concatenate(probabilities))


if __name__ == "__main__":
    cli.run("forward", main)
