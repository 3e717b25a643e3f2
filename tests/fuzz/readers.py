"""What reads files of ours, fed with bytes by atheris: each may refuse them in its own words, and nothing else.

python readers.py READER CORPUS [libFuzzer's options]      python readers.py --list
"""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import mkdtemp

import atheris
import caffe  # noqa: F401 (once, outside the instrumentation)
import numpy as np
from caffe.proto import caffe_pb2

with atheris.instrument_imports(include=["tools"]):
    from tools.cli import UserError
    from tools.convert import datum, lmdbs, manifest
    from tools.nets import prototxt
    from tools.report import collect
    from tools.songs import gtzan
    from tools.train import runs, snapshots
    from tools.train.__main__ import Metrics
    from tools.verify import outcome, training, votes
    from tools.vote import files

FOLDER = Path(mkdtemp())


def written(name: str, data: bytes) -> Path:
    file = FOLDER / name
    file.write_bytes(data)
    return file


def read_datum(data: bytes) -> None:
    """A Datum that NumPy reads is the one that protobuf reads, and comes back from its own bytes."""
    try:
        array, label = datum.parse(data)
    except ValueError:
        return
    other, other_label = datum.parse_irregular(data)
    assert np.array_equal(array, other, equal_nan=array.dtype != np.uint8) and (array.shape, label) == (
        other.shape,
        other_label,
    )
    if label >= 0:
        again, _ = datum.parse(datum.serialize(array, label))
        assert np.array_equal(again, array, equal_nan=array.dtype != np.uint8)


def read_mean(data: bytes) -> None:
    mean = datum.read_mean(written("mean.binaryproto", data))
    assert mean.ndim == 3 and mean.dtype == np.float32


def read_record(data: bytes) -> None:
    key, _, value = data.partition(b"\n")
    lmdbs.read_record(FOLDER, key, value)


def read_schedule(data: bytes) -> None:
    schedule = prototxt.parse_schedule(data.decode("utf-8", "replace"), "DROPOUT")
    assert schedule[0][0] == 0 and all(a < b for (a, _), (b, _) in zip(schedule, schedule[1:]))


def read_prototxt(data: bytes) -> None:
    prototxt.read(written("net.prototxt", data), caffe_pb2.NetParameter())


def read_run(data: bytes) -> None:
    written("run.json", data)
    record = runs.read_run(FOLDER)
    assert isinstance(record["lmdb"], dict)


def read_marks(data: bytes) -> None:
    written("rcnn_iter_5.whole", data)
    snapshots.whole_snapshots(FOLDER)
    snapshots.newest_resumable(FOLDER)


def read_manifest(data: bytes) -> None:
    written("manifest.json", data)
    found = manifest.read(FOLDER)
    manifest.describes(found, FOLDER, {"data": {"fingerprint": ""}})


def read_metrics(data: bytes) -> None:
    written("metrics.jsonl", data)
    left_out: list[str] = []
    collect.read_metrics(FOLDER / "metrics.jsonl", left_out)
    Metrics(FOLDER).cut(100)
    assert outcome.judge(FOLDER, "metrics", lambda: training.check_metrics(FOLDER)).state in ("PASS", "FAIL")


def read_clips(data: bytes) -> None:
    clips = files.read_clips(written("clips.csv", data))
    assert len(clips.tracks) == len(clips.probabilities) > 0
    assert outcome.judge(FOLDER, "clips", lambda: str(votes.Counted(FOLDER))).state in ("PASS", "FAIL")


def read_genres(data: bytes) -> None:
    genres = gtzan.parse_genres(data.decode("utf-8", "replace"))
    assert set(genres) < set(gtzan.GENRES)


READERS = {name[len("read_") :]: reader for name, reader in list(globals().items()) if name.startswith("read_")}


def seeds(reader: str) -> list[bytes]:
    """A whole one to begin with."""
    clip = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    row = ",".join(["jazz.00001", "0", "test", "5", *["0.1"] * 10])
    header = ",".join(["track", "clip", "part", "label", *(f"p{k}" for k in range(10))])
    return {
        "datum": [datum.serialize(clip, 3), datum.serialize(clip.astype(np.uint8), 3)],
        "record": [b"00000001_jazz.00001_02\n" + datum.serialize(clip, 3)],
        "mean": [caffe_pb2.BlobProto(num=1, channels=1, height=2, width=1, data=[1, 2]).SerializeToString()],
        "schedule": [b"0.4 0.6@3000 0.7@6000"],
        "prototxt": [b'name: "a" layer { name: "b" type: "ReLU" bottom: "c" top: "c" }'],
        "run": [b'{"net": "a", "split": "b", "view": "cnn", "dtype": "int", "seed": 1, "lmdb": {}}'],
        "marks": [b'{"run.json": {"bytes": 1, "sha256": "0"}}'],
        "manifest": [
            b'{"format": 1, "views": [], "dtypes": [], "lmdbs": {}, "left_out": [], "files": {}, "features": {}, '
            b'"data": {"fingerprint": ""}}'
        ],
        "metrics": [b'{"iter": 0, "loss": 2.3, "lr": 0.1}\n{"iter": 1, "test_loss": 1}\n'],
        "clips": [f"{header}\n{row}\n".encode()],
        "genres": [b"jazz pop"],
    }[reader]


def main() -> None:
    if sys.argv[1] == "--list":
        print(" ".join(READERS))
        return
    name, corpus = sys.argv.pop(1), Path(sys.argv[1])
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)

    def feed(data: bytes) -> None:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            try:
                READERS[name](data)
            except UserError as error:
                assert "\n" not in str(error), str(error)

    atheris.Setup(sys.argv, feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
