"""Which Caffe of a machine's own counts: one whose extension module is there, beside the packages that are locked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import caffe
import numpy as np
from conftest import CHECKOUT

SCRIPT = CHECKOUT / "tools" / "runtime" / "own_caffe.py"
LOCKED_PACKAGES = Path(np.__file__).parent.parent


def counts(*search_path: Path, folder: Path = CHECKOUT) -> bool:
    """What the script says where Python finds packages in ``search_path`` alone, called from ``folder``."""
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, search_path))}
    child = subprocess.run([sys.executable, "-S", SCRIPT], cwd=folder, env=surroundings, capture_output=True, text=True)
    assert child.stdout == "" and child.stderr == ""
    return child.returncode == 0


def only_caffe(folder: Path) -> Path:
    """A folder that holds this machine's pycaffe and nothing else."""
    (folder / "caffe").symlink_to(Path(caffe.__file__).parent)
    return folder


def test_caffe_beside_the_locked_packages_counts(tmp_path: Path):
    assert counts(only_caffe(tmp_path), LOCKED_PACKAGES)


def test_caffe_without_the_locked_packages_does_not(tmp_path: Path):
    assert not counts(only_caffe(tmp_path))


def test_the_locked_packages_without_caffe_do_not():
    assert not counts(LOCKED_PACKAGES)


def test_another_release_of_one_package_does_not(tmp_path: Path):
    packages = tmp_path / "packages"
    packages.mkdir()
    for entry in LOCKED_PACKAGES.iterdir():
        if not entry.name.startswith("numpy-"):
            (packages / entry.name).symlink_to(entry)
    assert not counts(only_caffe(tmp_path), packages)
    (metadata,) = LOCKED_PACKAGES.glob("numpy-*.dist-info")
    other = packages / "numpy-2.0.0.dist-info"
    other.mkdir()
    text = (metadata / "METADATA").read_text()
    (other / "METADATA").write_text(text.replace(f"\nVersion: {np.__version__}\n", "\nVersion: 2.0.0\n"))
    assert not counts(tmp_path, packages)
    (other / "METADATA").write_text(text)
    assert counts(tmp_path, packages)


def test_a_folder_named_caffe_does_not_wherever_it_lies(tmp_path: Path):
    (tmp_path / "caffe" / "python").mkdir(parents=True)
    assert not counts(LOCKED_PACKAGES, folder=tmp_path)
    assert not counts(tmp_path, LOCKED_PACKAGES)
    (tmp_path / "caffe" / "__init__.py").touch()
    assert not counts(tmp_path, LOCKED_PACKAGES)
