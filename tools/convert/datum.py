"""Matrices to and from Caffe's own messages: a Datum for a clip, a BlobProto for a mean."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tools.cli import UserError
from tools.files import write_whole

# A value of float_data, field 6 of a Datum (caffe.proto), unpacked: a tag byte and four bytes, little endian
TAG = 0x35
TAGGED_FLOAT = np.dtype([("tag", "u1"), ("value", "<f4")])


def serialize(array: np.ndarray, label: int) -> bytes:
    """The Datum of a (channels, height, width) matrix: uint8 goes to `data`, float32 to `float_data`.

    Protobuf's Python needs a millisecond for the float_data of one clip. It is the last field and its wire form is
    regular, so that NumPy lays it out after what protobuf writes. ValueError for another type or shape.
    """
    from caffe.proto import caffe_pb2

    if array.ndim != 3 or array.dtype not in (np.uint8, np.float32) or label < 0:
        raise ValueError(f"no Datum of {array.dtype} {array.shape}, label {label}: it is (channels, height, width)")
    channels, height, width = array.shape
    datum = caffe_pb2.Datum(channels=channels, height=height, width=width, label=label)
    if array.dtype == np.uint8:
        datum.data = array.tobytes()
        return datum.SerializeToString()
    tagged = np.empty(array.size, TAGGED_FLOAT)
    tagged["tag"], tagged["value"] = TAG, array.ravel()
    return datum.SerializeToString() + tagged.tobytes()


def read_message(kind: Any, message: bytes) -> Any:
    """Parse bytes as a message of Caffe's, of the class ``kind``.

    Raises DecodeError unless all bytes belong to it. Protobuf itself only warns at a zero byte, and drops what follows.
    """
    from google.protobuf.message import DecodeError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RuntimeWarning)
        read = kind.FromString(message)
    if caught:
        raise DecodeError(str(caught[0].message))
    return read


def read_file(kind: Any, file: Path, refusal: str) -> Any:
    """`read_message` of a file. UserError with ``refusal`` where it is damaged or another's."""
    from google.protobuf.message import DecodeError

    try:
        return read_message(kind, file.read_bytes())
    except DecodeError:
        raise UserError(refusal) from None


def parse(message: bytes) -> tuple[np.ndarray, int]:
    """The (channels, height, width) matrix of a Datum, uint8 or float32, and its label.

    Raises ValueError if the bytes are no Datum, or one that holds no whole matrix (or an encoded image).
    """
    from caffe.proto import caffe_pb2
    from google.protobuf.message import DecodeError

    for head, floats in split_floats(message):
        try:
            datum = read_message(caffe_pb2.Datum, head)
        except DecodeError:
            continue
        if datum.encoded:
            raise ValueError("an encoded image, not a matrix")
        values = np.concatenate([np.array(datum.float_data, np.float32), floats])  # the former where some are packed
        flat = np.frombuffer(datum.data, np.uint8) if datum.data else values
        shape = (datum.channels, datum.height, datum.width)
        if min(shape) > 0 and flat.size == np.prod(shape, dtype=np.int64):
            return flat.reshape(shape).copy(), datum.label
    raise ValueError("not a Datum, or one whose values are not as many as it says")


def split_floats(message: bytes) -> Iterator[tuple[bytes, np.ndarray]]:
    """Ways to read a Datum: first without its float_data, beside these values (values,), then as one message.

    The first way fits what `serialize` and Caffe write. Nothing says where the values begin. So each place is tried
    from which on every fifth byte is the tag of a float, to the end.
    """
    for start in range(min(len(message), 32)):
        if message[start] == TAG and (len(message) - start) % TAGGED_FLOAT.itemsize == 0:
            tagged = np.frombuffer(message, TAGGED_FLOAT, offset=start)
            if (tagged["tag"] == TAG).all():
                yield message[:start], tagged["value"]
    yield message, np.empty(0, np.float32)


def write_mean(path: Path, mean: np.ndarray) -> None:
    """Write a mean (channels, height, width) as Caffe's tools/compute_image_mean.cpp does: a BlobProto with num = 1."""
    from caffe.proto import caffe_pb2

    channels, height, width = mean.shape
    blob = caffe_pb2.BlobProto(num=1, channels=channels, height=height, width=width)
    blob.data.extend(mean.ravel().tolist())
    write_whole(path, blob.SerializeToString())


def read_mean(path: Path) -> np.ndarray:
    """The mean that `write_mean` or compute_image_mean wrote: float32 (channels, height, width).

    Raises UserError if there is no such file or it holds no mean.
    """
    from caffe.proto import caffe_pb2

    refusal = f"{path}: damaged or not a mean: remove {path.parent} and type 'make lmdb' again"
    try:
        blob = read_file(caffe_pb2.BlobProto, path, refusal)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such mean: type 'make lmdb' first") from None
    shape = tuple(blob.shape.dim)[-3:] or (blob.channels, blob.height, blob.width)
    mean = np.array(blob.data, np.float32)
    if len(shape) != 3 or mean.size == 0 or mean.size != np.prod(shape, dtype=np.int64):
        raise UserError(refusal)
    return mean.reshape(shape)
