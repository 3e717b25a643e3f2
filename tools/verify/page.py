"""The check of the report: the page, its numbers and its tables are what would be made of the votes now."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import files, paths
from tools.report.collect import collect
from tools.report.page import make_page, write_page
from tools.verify.outcome import SkippedError, equal

# What a report is made of, in a build folder and in the checkout
SOURCES = ("lmdb/[!.]*/manifest.json", "runs/*/*/run.json", "runs/*/*/metrics.jsonl", "votes/[!.]*/[!.]*/*")
FOLDERS = ("lmdb", "runs", "runs/*", "votes", "votes/[!.]*")  # newer where something in them has been removed
CODE = ("tools/report/**/*", "tools/vote/*", "prototxt/**/*.prototxt", "data/*.csv")


def check_page(build: Path) -> str:
    """A report made now is the one that is there. SkippedError where that was made in another folder."""
    said = Path(files.parse((build / "report" / "report.json").read_text())["build"])
    if said.resolve() != build.resolve():
        raise SkippedError(f"made in another build folder, {said}: type 'make report'")
    with made_again(said) as again:
        return compare(build, again)


@contextmanager
def made_again(build: Path) -> Iterator[Path]:
    """A folder with the report that would be made of a build folder now."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / "report"
        write_page(again, make_page(collect(build)))
        yield again


def compare(build: Path, again: Path) -> str:
    """Every file of two reports is the same byte for byte. SkippedError where the build has newer votes or runs."""
    written = build / "report"
    names = sorted({file.name for place in (written, again) for file in place.iterdir()})
    different = [name for name in names if content(written / name) != content(again / name)]
    older = {name for name in different if is_older(written / name, build)}
    if "report.json" in older:  # what it lacks has been made since
        older |= {name for name in different if not (written / name).is_file()}
    changed = [name for name in different if name not in older]
    equal(changed, [], "files that are not what the votes give (type 'make report')")
    if different:
        raise SkippedError("older than what it is made of: type 'make report'")
    return f"{len(names)} files"


def content(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def is_older(file: Path, build: Path) -> bool:
    """Whether something that the report is made of is newer than a file of it."""
    if not file.is_file():
        return False
    sources = [path for pattern in (*SOURCES, *FOLDERS) for path in build.glob(pattern)]
    sources += [path for pattern in CODE for path in paths.CHECKOUT.glob(pattern) if path.is_file()]
    return any(path.stat().st_mtime > file.stat().st_mtime for path in sources)
