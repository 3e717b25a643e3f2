"""What reads files of ours, fed with bytes by atheris: each may refuse them in its own words, and nothing else.

python readers.py READER CORPUS [libFuzzer's options]      python readers.py --list
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import atheris
import caffe  # noqa: F401 (once, outside the instrumentation)
import numpy as np
from caffe.proto import caffe_pb2

with atheris.instrument_imports(include=["tools"]):
    from tools import files as ground
    from tools import settings
    from tools.cli import UserError
    from tools.convert import datum, lmdbs, manifest
    from tools.nets import prototxt
    from tools.report import collect
    from tools.songs import gtzan, library, roots
    from tools.train import runs, snapshots
    from tools.train.progress import Metrics
    from tools.verify import build, log, outcome, record, votes
    from tools.vote import files

FOLDER = Path(mkdtemp())
HEADER = ",".join(["track", "clip", "part", "label", *(f"p{k}" for k in range(10))])
CLIPS = "\n".join([HEADER, ",".join(["jazz.00001", "0", "test", "5", *["0.1"] * 10]), ""])


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
    message = caffe_pb2.Datum.FromString(data)
    values = np.frombuffer(message.data, np.uint8) if message.data else np.array(message.float_data, np.float32)
    assert np.array_equal(array.ravel(), values, equal_nan=array.dtype != np.uint8) and label == message.label
    if label >= 0:
        again, _ = datum.parse(datum.serialize(array, label))
        assert np.array_equal(again, array, equal_nan=array.dtype != np.uint8)


def read_mean(data: bytes) -> None:
    mean = datum.read_mean(written("mean.binaryproto", data))
    assert mean.ndim == 3 and mean.dtype == np.float32


def read_record(data: bytes) -> None:
    key, _, value = data.partition(b"\n")
    lmdbs.read_record(FOLDER, key, value)


def read_mdb(data: bytes) -> None:
    """The file of an LMDB is read where it is the one that the manifest beside it says, and no other is mapped."""
    lmdb = FOLDER / "with a manifest" / "cnn_int_test_lmdb"
    lmdb.mkdir(parents=True, exist_ok=True)
    (lmdb / "data.mdb").write_bytes(data)
    expected = {"files_sha256": {f"{lmdb.name}/data.mdb": hashlib.sha256(whole_lmdb()).hexdigest()}}
    (lmdb.parent / manifest.FILE).write_text(json.dumps(expected))
    lmdbs.is_as_recorded.cache_clear()  # a clock ticks less often than this writes
    shapes = [record.array.shape for record in lmdbs.read_lmdb(lmdb)]
    assert data == whole_lmdb() and shapes == 3 * [(1, 2, 3)]


def read_mdb_alone(data: bytes) -> None:
    """Without a manifest it is read by a process of its own: whatever that dies of is said."""
    lmdb = FOLDER / "alone" / "cnn_int_test_lmdb"
    lmdb.mkdir(parents=True, exist_ok=True)
    (lmdb / "data.mdb").write_bytes(data)
    build.read_aside.cache_clear()
    assert judged(lambda: str(len(build.content_of(lmdb).keys)))


def read_own_hash(data: bytes) -> None:
    assert judged(lambda: record.check_own_hash(written("record.json", data)))


def read_schedule(data: bytes) -> None:
    schedule = settings.parse({"dropout": data.decode("utf-8", "replace")}).dropout
    assert schedule[0][0] == 0 and all(a < b for (a, _), (b, _) in zip(schedule, schedule[1:]))


def read_prototxt(data: bytes) -> None:
    prototxt.read(written("net.prototxt", data), caffe_pb2.NetParameter())


def read_run(data: bytes) -> None:
    written("run.json", data)
    record = runs.read_run(FOLDER)
    assert isinstance(record["lmdb"], dict)
    runs.settings_of(record, FOLDER)


def read_marks(data: bytes) -> None:
    written("rcnn_iter_5.whole", data)
    snapshots.whole_snapshots(FOLDER)
    snapshots.newest_resumable(FOLDER)


def read_manifest(data: bytes) -> None:
    written("manifest.json", data)
    manifest.describes(manifest.read(FOLDER), FOLDER, {"data": {"fingerprint": ""}})


def read_metrics(data: bytes) -> None:
    file = written("metrics.jsonl", data)
    collect.read_metrics(file)
    assert judged(lambda: str(log.read_metrics(file, was_killed=True)))
    Metrics(FOLDER).cut(100)


def read_log(data: bytes) -> None:
    assert judged(lambda: str(log.read_log(written("caffe.log", data))))


def read_clips(data: bytes) -> None:
    file = written("clips.csv", data)
    written("summary.json", json.dumps({"genres": list(gtzan.GENRES), "command": "python -m tools.vote"}).encode())
    assert judged(partial(votes.check_rows, votes.Vote(FOLDER)))
    clips = files.read_clips(file)
    assert len(clips.tracks) == len(clips.probabilities) > 0


def read_summary(data: bytes) -> None:
    written("summary.json", data)
    written("clips.csv", CLIPS.encode())
    for check in (votes.check_rows, votes.check_summary, votes.check_confusion):
        assert judged(partial(check, votes.Vote(FOLDER)))


def judged(look: Callable[[], str]) -> bool:
    """Whether verify passes, fails or skips what it looks at, whatever that is."""
    return outcome.judge(FOLDER, "", look).state in ("PASS", "FAIL", "SKIP")


def read_table(data: bytes) -> None:
    for row in library.read_table(written("songs.csv", data)):
        assert row["path"] == row["path"].strip() and row["genre"] == row["genre"].strip()
        library.why_not_listed(row, FOLDER / row["path"])


def read_genres(data: bytes) -> None:
    names = settings.parse({"genres": data.decode("utf-8", "replace")}).genres
    assert set(roots.check_genres(names, gtzan.GENRES)) <= set(gtzan.GENRES)


@cache
def whole_lmdb() -> bytes:
    """The file of an LMDB of three records."""
    clip = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    lmdbs.write_lmdb(FOLDER / "lmdb", ((lmdbs.record_key(n, "a", n), datum.serialize(clip, n)) for n in range(3)))
    return (FOLDER / "lmdb" / "data.mdb").read_bytes()


READERS = {name[len("read_") :]: reader for name, reader in list(globals().items()) if name.startswith("read_")}


def seeds(reader: str) -> list[bytes]:
    """A whole one to begin with."""
    clip = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    return {
        "datum": [datum.serialize(clip, 3), datum.serialize(clip.astype(np.uint8), 3)],
        "record": [b"00000001_jazz.00001_02\n" + datum.serialize(clip, 3)],
        "mean": [caffe_pb2.BlobProto(num=1, channels=1, height=2, width=1, data=[1, 2]).SerializeToString()],
        "schedule": [b"0.4 0.6@3000 0.7@6000"],
        "prototxt": [b'name: "a" layer { name: "b" type: "ReLU" bottom: "c" top: "c" }'],
        "mdb": [whole_lmdb()],
        "mdb_alone": [whole_lmdb()],
        "own_hash": [json.dumps({"a": 1, ground.OWN_HASH: ground.hash_of({"a": 1})}).encode()],
        "run": [json.dumps({key: kind() for key, kind in runs.KEYS.items()}).encode()],
        "marks": [b'{"run.json": {"bytes": 1, "sha256": "0"}}'],
        "manifest": [json.dumps({"format": 1, **{key: kind() for key, kind in manifest.KEYS.items()}}).encode()],
        "metrics": [b'{"iter": 0, "loss": 2.3, "lr": 0.1}\n{"iter": 1, "test_loss": 1}\n'],
        "log": [b"I1125 23:59:59.0 10 _caffe.cpp:68] Iteration 0, lr = 0.1\n  batch_size: 3\n"],
        "clips": [CLIPS.encode()],
        "summary": [json.dumps({"genres": list(gtzan.GENRES), "command": "python -m tools.vote", "clips": 1}).encode()],
        "genres": [b"jazz pop"],
        "table": [b'path,genre,part\na.mp3,jazz,train\n"b, c.mp3",pop,test\n'],
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
            except BaseException:
                print(f"{name}: {data!r}", file=sys.__stderr__, flush=True)  # libFuzzer may be ended before it keeps it
                raise

    atheris.Setup(sys.argv, feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
