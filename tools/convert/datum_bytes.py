"""The bytes of Caffe's Datum: laid out and read by NumPy.

A Datum (caffe.proto) has the fields channels=1, height=2, width=3, data=4 (bytes), label=5, float_data=6 (unpacked: a
tag byte and four bytes for every value) and encoded=7. Protobuf's Python needs a millisecond for the float_data of one
clip; the wire form is regular, so NumPy lays it out in one go, byte for byte as protobuf would.
"""

from __future__ import annotations

import numpy as np

CHANNELS, HEIGHT, WIDTH, DATA, LABEL, FLOAT_DATA = (
    bytes([0x08]),  # field 1 to 3 and 5: varint
    bytes([0x10]),
    bytes([0x18]),
    bytes([0x22]),  # field 4: length and bytes
    bytes([0x28]),
    0x35,  # field 6: four bytes, little endian
)
TAGGED_FLOAT = np.dtype([("tag", "u1"), ("value", "<f4")])


def serialize(array: np.ndarray, label: int) -> bytes:
    """The Datum of a (channels, height, width) matrix: uint8 goes to `data`, float32 to `float_data`.

    The same bytes as caffe_pb2.Datum's SerializeToString. Raises ValueError for another type or shape, or a negative
    label.
    """
    if array.ndim != 3 or array.dtype not in (np.uint8, np.float32):
        raise ValueError(
            f"a Datum holds (channels, height, width) of uint8 or float32, not {array.shape} {array.dtype}"
        )
    channels, height, width = map(varint, array.shape)
    head = CHANNELS + channels + HEIGHT + height + WIDTH + width
    if array.dtype == np.uint8:
        return head + DATA + varint(array.size) + array.tobytes() + LABEL + varint(label)
    tagged = np.empty(array.size, TAGGED_FLOAT)
    tagged["tag"] = FLOAT_DATA
    tagged["value"] = array.ravel()
    return head + LABEL + varint(label) + tagged.tobytes()


def parse(message: bytes) -> tuple[np.ndarray, int]:
    """The (channels, height, width) matrix of a Datum, uint8 or float32, and its label.

    Raises ValueError if the bytes are no Datum, or one that holds no whole matrix (or an encoded image).
    """
    try:
        return parse_regular(message)
    except (ValueError, IndexError):
        return parse_irregular(message)


def parse_regular(message: bytes) -> tuple[np.ndarray, int]:
    """`parse` for what `serialize` and Caffe itself write: the fields in their order. ValueError for all else."""
    channels, at = read_field(message, 0, CHANNELS)
    height, at = read_field(message, at, HEIGHT)
    width, at = read_field(message, at, WIDTH)
    size = channels * height * width
    if size < 1:
        raise ValueError("no value")
    if message[at : at + 1] == DATA:
        length, at = read_field(message, at, DATA)
        label, end = read_field(message, at + length, LABEL)
        if length != size or end != len(message):
            raise ValueError("not a regular Datum of bytes")
        array = np.frombuffer(message, np.uint8, size, at)
    else:
        label, at = read_field(message, at, LABEL)
        if len(message) - at != size * TAGGED_FLOAT.itemsize:
            raise ValueError("not a regular Datum of floats")
        tagged = np.frombuffer(message, TAGGED_FLOAT, size, at)
        if not (tagged["tag"] == FLOAT_DATA).all():
            raise ValueError("not a regular Datum of floats")
        array = tagged["value"]
    return array.reshape(channels, height, width).copy(), label


def parse_irregular(message: bytes) -> tuple[np.ndarray, int]:
    """`parse` by protobuf, for fields in another order or left out."""
    from caffe.proto import caffe_pb2  # brings all of Caffe
    from google.protobuf.message import DecodeError

    try:
        datum = caffe_pb2.Datum.FromString(message)
    except DecodeError:
        raise ValueError("not a Datum") from None
    if datum.encoded:
        raise ValueError("an encoded image, not a matrix")
    flat = np.frombuffer(datum.data, np.uint8) if datum.data else np.array(datum.float_data, np.float32)
    shape = (datum.channels, datum.height, datum.width)
    if min(shape) < 1 or flat.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"a Datum of {flat.size} values that says it is {' x '.join(map(str, shape))}")
    return flat.reshape(shape).copy(), datum.label


def varint(number: int) -> bytes:
    """Protobuf's form of a number that is not negative: seven bits a byte, the lowest first."""
    if number < 0:
        raise ValueError(f"{number} is negative")
    low = bytearray()
    while number > 0x7F:
        low.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*low, number])


def read_field(message: bytes, at: int, tag: bytes) -> tuple[int, int]:
    """The varint of the field that begins at ``at``, and where what follows it begins. ValueError for another field."""
    if message[at : at + 1] != tag:
        raise ValueError(f"no field {tag!r} at byte {at}")
    number = 0
    for shift in (0, 7, 14, 21, 28):
        at += 1
        number |= (message[at] & 0x7F) << shift
        if message[at] < 0x80 and number < 1 << 31:
            return number, at + 1
    raise ValueError("a negative number, or none")
