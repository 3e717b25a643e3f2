"""What `make report` and `make results` are given and should not be."""

from __future__ import annotations

import shutil

import pytest
from bad_input import HANDLED, Kinds, Place, replace
from report_build import shapes_told_once  # noqa: F401

kind = Kinds(lambda place: ("tools.report", "--build", place.build), built=True)

FILES = {
    "a summary cut short": ("votes/song/*/summary.json", '{"net"'),
    "a summary of another form": ("votes/song/*/summary.json", "[]"),
    "clips.csv cut short": ("votes/song/*/clips.csv", "track,clip\nx"),
    "a confusion that is none": ("votes/song/*/confusion.csv", "outcome\nx,y\n"),
    "run.json cut short": ("runs/song/*/run.json", "{"),
    "metrics of another form": ("runs/song/*/metrics.jsonl", '{"iter": "x", "loss": []}\n[]\n'),
    "a manifest cut short": ("lmdb/song/manifest.json", "{"),
    "a manifest of another form": ("lmdb/song/manifest.json", '{"lmdbs": [], "data": 3, "left_out": 3}'),
}
for name, (pattern, text) in FILES.items():

    @kind(f"report: {name}", "written to " if name == "metrics of another form" else "left out: ", HANDLED)
    def _(place: Place, pattern: str = pattern, text: str = text) -> None:
        (file,) = place.build.glob(pattern)
        replace(file, text)


@kind("report: a build folder that is a file", "build")
def _(place: Place) -> None:
    shutil.rmtree(place.build)
    place.build.write_text("")


for name, text in {"cut short": '{"net"', "of another form": "[]", "of lists in lists": "[" * 100_000}.items():

    @kind(f"results: a summary {name}", "summary.json is not whole: vote again, then keep it")
    def _(place: Place, text: str = text) -> tuple:
        replace(place.vote / "summary.json", text)
        return ("tools.report.results", "--keep", place.vote)


kind.add(
    "results: a vote that is not there",
    "vote again, then keep it",
    lambda place: ("tools.report.results", "--keep", place.folder / "none"),
)


@pytest.mark.parametrize("kind", kind.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
