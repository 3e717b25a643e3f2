"""Datum, LMDB and mean, against Caffe's own protobuf messages, its Data layer and its compute_image_mean."""

from __future__ import annotations

import hashlib
import os
import subprocess

import caffe
import lmdb
import numpy as np
import pytest
from caffe.proto import caffe_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tools.cli import UserError
from tools.convert import datum, lmdbs

RANDOM = np.random.default_rng(0)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 150))
FLOATS = st.floats(width=32, allow_nan=False)
MATRICES = st.one_of(arrays.arrays(np.uint8, SHAPES), arrays.arrays(np.float32, SHAPES, elements=FLOATS))


def by_protobuf(array, label):
    message = caffe_pb2.Datum(channels=array.shape[0], height=array.shape[1], width=array.shape[2], label=label)
    if array.dtype == np.uint8:
        message.data = array.tobytes()
    else:
        message.float_data.extend(array.ravel().tolist())
    return message


def matrix(dtype, shape=(1, 33, 166)):
    values = 255 * RANDOM.random(shape)
    return np.rint(values).astype(np.uint8) if dtype == "int" else values.astype(np.float32)


def write(path, matrices, **options):
    records = [
        (lmdbs.record_key(n, f"rock.{n:05}", n % 15), datum.serialize(m, n % 10)) for n, m in enumerate(matrices)
    ]
    lmdbs.write_lmdb(path, records, **options)
    return records


@settings(deadline=None, max_examples=30)
@given(MATRICES, st.integers(0, 2**31 - 1))
def test_the_bytes_of_a_datum_are_protobufs_and_come_back(array, label):
    message = datum.serialize(array, label)
    assert message == by_protobuf(array, label).SerializeToString()
    parsed, parsed_label = datum.parse(message)
    assert parsed_label == label
    assert parsed.dtype == array.dtype
    np.testing.assert_array_equal(parsed, array)


@pytest.mark.parametrize("dtype", ["int", "float"])
def test_a_datum_in_another_order_of_fields_is_read_by_protobuf(dtype):
    array = matrix(dtype)
    message = by_protobuf(array, 7)
    label_first = caffe_pb2.Datum(label=7).SerializeToString()
    message.ClearField("label")
    for irregular in (label_first + message.SerializeToString(), by_protobuf(array, -1).SerializeToString()):
        parsed, label = datum.parse(irregular)
        assert label in (7, -1)
        np.testing.assert_array_equal(parsed, array)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"not a datum",
        bytes.fromhex("0800101018032800"),  # of no channel, with a label: found by fuzzing
        datum.serialize(matrix("float"), 3)[:-3],
        datum.serialize(matrix("int"), 3)[:-3],
        datum.serialize(matrix("float"), 3)[:-5],
        bytes.fromhex("08011001180132040000803f3500000040"),  # 2 values, the first packed: found by fuzzing
        datum.serialize(matrix("int"), 3) + b"\0",  # where protobuf stops reading, with a mere warning
        caffe_pb2.Datum(channels=1, height=1, width=1, data=b"x", encoded=True).SerializeToString(),
    ],
)
def test_what_is_no_whole_matrix_is_refused(message):
    with pytest.raises(ValueError, match="."):
        datum.parse(message)


@pytest.mark.parametrize("wrong", [np.zeros((33, 166), np.float32), np.zeros((1, 33, 166))])
def test_a_matrix_that_fits_no_datum_is_refused(wrong):
    with pytest.raises(ValueError, match="Datum"):
        datum.serialize(wrong, 0)


@pytest.mark.parametrize("dtype", ["int", "float"])
def test_an_lmdb_comes_back_as_it_was_written(tmp_path, dtype):
    matrices = [matrix(dtype) for _ in range(40)]
    write(tmp_path / "lmdb", matrices)
    records = list(lmdbs.read_lmdb(tmp_path / "lmdb"))
    assert records[23].key == "00000023_rock.00023_08"
    assert [(r.track, r.clip, r.label) for r in records] == [(f"rock.{n:05}", n % 15, n % 10) for n in range(40)]
    assert {record.array.dtype for record in records} == {matrices[0].dtype}
    np.testing.assert_array_equal(np.stack([record.array for record in records]), np.stack(matrices))
    assert lmdbs.count(tmp_path / "lmdb") == 40


@pytest.mark.parametrize("dtype", ["int", "float"])
def test_caffes_data_layer_reads_the_same(tmp_path, dtype):
    matrices = [matrix(dtype) for _ in range(20)]
    write(tmp_path / "lmdb", matrices)
    net = tmp_path / "net.prototxt"
    net.write_text(
        'layer { name: "data" type: "Data" top: "data" top: "label" '
        f'data_param {{ source: "{tmp_path / "lmdb"}" batch_size: 20 backend: LMDB }} }}'
    )
    layer = caffe.Net(str(net), caffe.TEST)
    blobs = layer.forward()
    np.testing.assert_array_equal(blobs["data"], np.stack(matrices).astype(np.float32))
    assert blobs["label"].tolist() == [n % 10 for n in range(20)]


@pytest.mark.parametrize("dtype", ["int", "float"])
def test_a_mean_is_what_compute_image_mean_writes(tmp_path, dtype):
    matrices = [matrix(dtype) for _ in range(60)]
    write(tmp_path / "lmdb", matrices)
    subprocess.run(["compute_image_mean", tmp_path / "lmdb", tmp_path / "theirs"], check=True, capture_output=True)
    datum.write_mean(tmp_path / "ours", np.stack(matrices).mean(axis=0, dtype=float))
    np.testing.assert_allclose(datum.read_mean(tmp_path / "ours"), datum.read_mean(tmp_path / "theirs"), rtol=1e-6)
    ours, theirs = (caffe_pb2.BlobProto.FromString((tmp_path / name).read_bytes()) for name in ("ours", "theirs"))
    for message in (ours, theirs):
        message.ClearField("data")
    assert ours == theirs
    assert (ours.num, ours.channels, ours.height, ours.width) == (1, 1, 33, 166)


def test_a_map_that_is_full_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdbs, "TRANSACTION", 1 << 18)
    records = write(tmp_path / "small", [matrix("float") for _ in range(100)], map_size=1 << 16)
    write_again = [(key, value) for key, value in records]
    lmdbs.write_lmdb(tmp_path / "large", write_again)
    assert lmdbs.count(tmp_path / "small") == 100
    assert lmdbs.content_hash(tmp_path / "small") == lmdbs.content_hash(tmp_path / "large")


def test_the_content_hash_is_over_keys_and_values(tmp_path):
    records = write(tmp_path / "lmdb", [matrix("int") for _ in range(5)])
    digest = hashlib.sha256(b"".join(key.encode() + value for key, value in records))
    assert lmdbs.content_hash(tmp_path / "lmdb") == digest.hexdigest()


def test_writing_replaces_an_old_lmdb_and_leaves_nothing_beside_it(tmp_path):
    write(tmp_path / "lmdb", [matrix("int")] * 3)
    write(tmp_path / "lmdb", [matrix("int")] * 2)
    assert lmdbs.count(tmp_path / "lmdb") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["lmdb"]


def test_a_failed_writing_leaves_the_old_lmdb(tmp_path):
    write(tmp_path / "lmdb", [matrix("int")] * 3)
    with pytest.raises(ValueError, match="00000001_b"):
        lmdbs.write_lmdb(tmp_path / "lmdb", [("00000002_a_00", b"x"), ("00000001_b_00", b"y")])
    assert lmdbs.count(tmp_path / "lmdb") == 3
    assert [path.name for path in tmp_path.iterdir()] == ["lmdb"]


def test_one_lmdb_can_be_read_by_several_at_once(tmp_path):
    write(tmp_path / "lmdb", [matrix("int") for _ in range(5)])
    first, second = lmdbs.read_lmdb(tmp_path / "lmdb"), lmdbs.read_lmdb(tmp_path / "lmdb")
    next(first)
    for ours, theirs in zip(lmdbs.read_lmdb(tmp_path / "lmdb"), second):
        assert ours.key == theirs.key
    assert [record.clip for record in first] == [1, 2, 3, 4]
    write(tmp_path / "lmdb", [matrix("int")])
    assert lmdbs.count(tmp_path / "lmdb") == 1


def refusal(read, path):
    with pytest.raises(UserError) as caught:
        result = read(path)
        list(result) if read is lmdbs.read_lmdb else result
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


READERS = (lmdbs.read_lmdb, lmdbs.tracks, lmdbs.count, lmdbs.content_hash)


@pytest.mark.parametrize("read", READERS)
def test_a_missing_lmdb_says_how_to_make_it(tmp_path, read):
    assert "make lmdb" in refusal(read, tmp_path / "none")
    assert "make lmdb" in refusal(read, tmp_path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("size", [0, 100, 8192, 100_000])
def test_an_lmdb_cut_short_is_refused_and_kills_nobody(tmp_path, read, size):
    write(tmp_path / "lmdb", [matrix("float") for _ in range(20)])
    os.truncate(tmp_path / "lmdb" / "data.mdb", size)
    assert "make lmdb" in refusal(read, tmp_path / "lmdb")


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_is_no_lmdb_is_refused(tmp_path, read):
    (tmp_path / "lmdb").mkdir()
    (tmp_path / "lmdb" / "data.mdb").write_bytes(b"something else " * 10_000)
    assert "not an LMDB" in refusal(read, tmp_path / "lmdb")


def test_an_lmdb_of_another_program_is_refused(tmp_path):
    with lmdb.open(str(tmp_path / "keys")) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"00000000_cat.jpg", datum.serialize(matrix("int"), 0))
    assert "another program" in refusal(lmdbs.read_lmdb, tmp_path / "keys")
    lmdbs.write_lmdb(tmp_path / "values", [("00000000_rock.00000_00", b"no datum")])
    assert "00000000_rock.00000_00" in refusal(lmdbs.read_lmdb, tmp_path / "values")


def test_an_empty_lmdb_has_no_records(tmp_path):
    lmdbs.write_lmdb(tmp_path / "lmdb", [])
    assert list(lmdbs.read_lmdb(tmp_path / "lmdb")) == []
    assert lmdbs.count(tmp_path / "lmdb") == 0


def test_a_missing_or_damaged_mean_is_named(tmp_path):
    assert "make lmdb" in refusal(datum.read_mean, tmp_path / "none.binaryproto")
    whole = caffe_pb2.BlobProto(num=1, channels=1, height=1, width=2, data=[1, 2]).SerializeToString()
    short = caffe_pb2.BlobProto(channels=1, data=[1, 2]).SerializeToString()
    for contents in (b"", b"rubbish, and more of it", short, whole + b"\0"):
        (tmp_path / "mean.binaryproto").write_bytes(contents)
        assert "make lmdb" in refusal(datum.read_mean, tmp_path / "mean.binaryproto")
