"""LMDBs that training is given and should not be, and their manifest."""

from __future__ import annotations

import fcntl
import json
import os
import shutil

import lmdb
import pytest
from bad_input import HANDLED, Kinds, Place, flip_record, replace, small_lmdb

OTHER_BYTES = "its bytes are not those that its manifest says"

kind = Kinds(lambda place: (*place.command("tools.train"), "--ranks", 1, "--iters", 2), built=True)


@kind("LMDB: cut short", OTHER_BYTES, fast=True)
def _(place: Place) -> None:
    os.truncate(place.train_lmdb / "data.mdb", 100_000)


kind.each(
    "LMDB",
    {
        "one byte changed": (OTHER_BYTES, lambda place: flip_record(place.train_lmdb)),
        "no LMDB": (
            "cnn_float_train_lmdb",
            lambda place: (place.train_lmdb / "data.mdb").write_bytes(b"not a database" * 1000),
        ),
        "gone": ("make lmdb", lambda place: shutil.rmtree(place.test_lmdb)),
        "its file gone": ("make lmdb", lambda place: (place.train_lmdb / "data.mdb").unlink()),
        "of another shape": ("cnn_float_train_lmdb", lambda place: small_lmdb(place.train_lmdb)),
        "with fewer records": ("cnn_float_test_lmdb", lambda place: small_lmdb(place.test_lmdb, (1, 33, 166), 3)),
        "empty": ("cnn_float_train_lmdb", lambda place: small_lmdb(place.train_lmdb, records=0)),
    },
)


@kind("LMDB: of another split", OTHER_BYTES)
def _(place: Place) -> None:
    place.test_lmdb.rename(place.lmdbs / "other")
    place.train_lmdb.rename(place.test_lmdb)
    (place.lmdbs / "other").rename(place.train_lmdb)


@kind("LMDB: locked by a writer", "done, iteration 2", HANDLED)
def _(place: Place) -> None:
    place.environment["LC_ALL"] = "C.UTF-8"  # so that the tool is a process of its own
    writer = place.open.enter_context(lmdb.open(str(place.train_lmdb), map_size=1 << 30))
    transaction = writer.begin(write=True)
    place.open.callback(transaction.abort)


@kind("LMDB: another container reads it, under the same process id", "done, iteration 2", HANDLED)
def _(place: Place) -> None:
    place.environment["LC_ALL"] = "C.UTF-8"  # so that the tool is a process of its own
    lock = place.open.enter_context((place.train_lmdb / "lock.mdb").open("w+b"))
    fcntl.lockf(lock, fcntl.LOCK_EX, 0, 1)  # LMDB locks the byte of its process id: here those of all ids are taken


@kind("LMDB: read-only", "done, iteration 2", HANDLED)
def _(place: Place) -> None:
    for path in (place.train_lmdb, place.test_lmdb):
        (path / "data.mdb").chmod(0o444)
        path.chmod(0o555)
        place.open.callback(path.chmod, 0o755)


@kind("manifest: its genres in another order", "manifest.json has changed since it was written")
def _(place: Place) -> None:
    manifest = json.loads((place.lmdbs / "manifest.json").read_text())
    changed = {**manifest, "label_names": manifest["label_names"][::-1]}
    replace(place.lmdbs / "manifest.json", json.dumps(changed))


MANIFESTS = {"cut short": '{"lmdbs": {', "of another form": '{"lmdbs": 3}', "a list": "[]", "empty": ""}
for name, text in MANIFESTS.items():
    kind.add(f"manifest: {name}", "make lmdb", lambda place, text=text: replace(place.lmdbs / "manifest.json", text))


@pytest.mark.parametrize("kind", kind.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
