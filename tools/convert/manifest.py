"""manifest.json: what the LMDBs of a folder were made from, and whether they are still what was asked for."""

from __future__ import annotations

import platform
from pathlib import Path

import lmdb
import numpy as np
import scipy
import soundfile

from tools import cli
from tools.convert import features
from tools.convert.views import matrix_settings, minimum_samples
from tools.files import is_as_written, read_dict, sha256_of, write_record
from tools.settings import Settings
from tools.songs import splits
from tools.songs.audio import SAMPLE_RATE

FORMAT = 1
FILE = "manifest.json"
KEYS = {
    "label_names": list,
    "samples_sha256": dict,
    "views": list,
    "dtypes": list,
    "lmdbs": dict,
    "left_out": list,
    "data": dict,
    "files": dict,
    "files_sha256": dict,
    "features": dict,
}


def origin(
    settings: Settings, seed: int, label_names: tuple[str, ...], genres: tuple[str, ...], fingerprint: str
) -> dict:
    """What decides what an LMDB holds, apart from its view and dtype. Only if it changes, LMDBs are made again.

    ``seed`` is that of the order of the records, ``label_names`` are the genres of the root in order of label,
    ``genres`` those of them that are used.
    """
    return {
        "format": FORMAT,
        "split": settings.split,
        "fold": settings.fold,
        "label_names": list(label_names),
        "genres": list(genres),
        "seed": seed,
        "split_seed": splits.SEED,
        "features": {
            "formulas": features.FORMULAS,
            "sample_rate": SAMPLE_RATE,
            "minimum_samples": minimum_samples(settings),
            **matrix_settings(settings),
        },
        "data": {"fingerprint": fingerprint},
    }


def read(folder: Path) -> dict | None:
    """The manifest of a folder; None if it has none that is whole, with all that `write` is given."""
    found = read_dict(folder / FILE)
    is_whole = found.get("format") == FORMAT and all(isinstance(found.get(key), kind) for key, kind in KEYS.items())
    return found if is_whole else None


def describes(found: dict | None, folder: Path, wanted: dict, *same: str) -> bool:
    """Whether ``folder`` holds whole LMDBs of the origin, the views and the dtypes that are ``wanted``.

    ``same`` are other fingerprints that the songs may have had.
    """
    if (
        found is None
        or is_as_written(folder / FILE) is False
        or any(found.get(key) != value for key, value in wanted.items() if key != "data")
    ):
        return False
    same_songs = found["data"].get("fingerprint") in (wanted["data"]["fingerprint"], *same)
    return same_songs and found["files"] == sizes(folder) and found["files_sha256"] == hashes(folder)


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of every file of a folder of LMDBs; not of the locks that their readers leave, nor of the manifest."""
    files = [*folder.glob("*_lmdb/data.mdb"), *folder.glob("*_mean.binaryproto")]
    return {file.relative_to(folder).as_posix(): file.stat().st_size for file in sorted(files)}


def hashes(folder: Path) -> dict[str, str]:
    """sha256 of the same files, read as plain files: a wrong byte in a mapped LMDB can end the process."""
    return {name: sha256_of(folder / name) for name in sizes(folder)}


def write(folder: Path, contents: dict) -> None:
    """Write the manifest into a folder whose LMDBs are whole, together with what they were made by."""
    whole = {
        **contents,
        "files": sizes(folder),
        "files_sha256": hashes(folder),
        "versions": versions(),
        "command": cli.command_line(),
    }
    write_record(folder / FILE, whole)


def versions() -> dict[str, str]:
    from importlib.metadata import version

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "librosa": version("librosa"),
        "soundfile": soundfile.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
        "lmdb": ".".join(map(str, lmdb.version())),
    }
