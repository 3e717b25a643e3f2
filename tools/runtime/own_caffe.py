"""Whether this machine's own Python has Caffe and the locked packages: exit code 0 or 1, and nothing printed.

Run as a file, by the machine's own Python, so that a folder named `caffe` in the checkout is not taken for Caffe.
"""

import sys
from importlib.machinery import PathFinder
from pathlib import Path

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"


def has_caffe() -> bool:
    """Whether pycaffe's extension module is there, for this release of Python. To load it would take a second."""
    package = PathFinder.find_spec("caffe", sys.path[1:])
    if package is None or not package.submodule_search_locations:
        return False
    return PathFinder.find_spec("caffe._caffe", list(package.submodule_search_locations)) is not None


def has_locked_packages() -> bool:
    """Whether each package of requirements.lock is installed, in the release that is locked."""
    from importlib.metadata import PackageNotFoundError, version

    locked = [line.split()[0].split("==") for line in LOCK.read_text().splitlines() if "==" in line]
    try:
        return all(version(name) == release.rstrip(";") for name, release in locked)
    except PackageNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(not (has_caffe() and has_locked_packages()))
