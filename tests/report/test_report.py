"""The page: whole by itself, true to its files, and honest about what has not been run."""

from __future__ import annotations

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from report_build import RUNS, empty_build, filled_build

from tools import paths
from tools.report.collect import collect
from tools.report.page import TEMPLATES, as_html, content_of, make_page

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class Page(HTMLParser):
    """What a reader sees (``text``), and what a browser would fetch (``sources``)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.sources, self.tags, self.open = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append(tag)
        named = dict(attributes)
        self.sources += [named[key] for key in ("src", "href", "action", "data") if key in named]
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.text.append(data)


def page_of(build: Path) -> Page:
    return Page((build / "report" / "index.html").read_text())


def numbers(build: Path) -> dict:
    return json.loads((build / "report" / "report.json").read_text())


@pytest.fixture(scope="module")
def empty() -> Path:
    return empty_build()


@pytest.fixture(scope="module")
def filled(synthetic_songs: Path) -> Path:
    return filled_build(synthetic_songs)


@pytest.mark.parametrize("build", ["empty", "filled"])
def test_the_page_needs_nothing_but_itself(build, request):
    page = page_of(request.getfixturevalue(build))
    assert page.tags.count("script") == 1
    assert all(source.startswith(("#", "data:")) for source in page.sources)


def test_without_any_run_every_row_says_what_to_type(empty):
    content = numbers(empty)
    tables = [table for group in content["tables"].values() for table in group]
    rows = [row for table in tables if table["name"] != "claims" for row in table["rows"]]
    assert rows
    commands = [command for row in rows for command in row["commands"]]
    assert all(row["missing"] and row["commands"] for row in rows)
    assert all(command.startswith(("make ", "for f in ")) for command in commands)
    assert {claim["verdict"] for claim in content["claims"]} == {"not run"}
    assert all("make " in claim["command"] for claim in content["claims"])
    text = " ".join(page_of(empty).text)
    assert text.count("not run yet") >= len(rows)
    assert all(command in text for command in commands)


def test_the_networks_and_the_paper_itself_are_there_without_any_run(empty):
    content = numbers(empty)
    drawn = {figure["name"] for figure in content["figures"]["networks"]}
    assert drawn == {f"network_{file.parent.name}" for file in paths.PROTOTXT.glob("*/deploy.prototxt")}
    assert content["figures"]["voting"][0]["name"] == "voting_paper"
    assert "All song figures of Table 2 are multiples of 1/200" in " ".join(page_of(empty).text)


def test_every_run_stands_in_the_summary_with_the_figures_of_its_vote(filled):
    for net, split, iterations, options in RUNS:
        if options:
            continue
        vote = json.loads((filled / "votes" / split / f"{net}@iter={iterations}" / "summary.json").read_text())
        with (filled / "report" / "splits.csv").open() as lines:
            (row,) = [row for row in csv.DictReader(lines) if (row["network"], row["split"].split()[0]) == (net, split)]
        assert float(row["clips"]) == vote["clip_accuracy"]
        assert [float(row["clips_low"]), float(row["clips_high"])] == vote["clip_interval"]
        assert row["tested"] == f"{vote['clips']} / {vote['songs']}"
        assert row["data"] == "synthetic, 50 songs"
        assert f"NET={net} SPLIT={split} ITERS={iterations}" in row["command"]


def test_the_newest_figure_stands_beside_the_paper_s(filled):
    with (filled / "report" / "summary.csv").open() as lines:
        rows = {row["what"]: row for row in csv.DictReader(lines)}
    vote = json.loads((filled / "votes" / "song" / "lstm@iter=2" / "summary.json").read_text())
    row = rows["LSTM, clips"]
    assert float(row["by song"]) == vote["clip_accuracy"]
    assert (row["paper_percent"], row["by song, iteration"], row["by clip (leaks)"]) == ("55.0", "2", "")
    assert rows["Table 2: complex CNN, clips, 500 iterations"]["by song"] == "", "no other iteration stands in"


def test_every_number_on_the_page_stands_in_a_file_beside_it(filled):
    files = "".join(file.read_text() for file in (filled / "report").iterdir() if file.name != "index.html")
    template = "".join(file.read_text() for file in TEMPLATES.iterdir())
    known = set(NUMBER.findall(files)) | set(NUMBER.findall(template))
    judged = numbers(filled)["claims"]
    counted = {str(sum(claim["verdict"] == each["verdict"] for claim in judged)) for each in judged}
    counted |= {str(len(table["rows"])) for group in numbers(filled)["tables"].values() for table in group}
    counted.add(str(len(judged)))
    shown = set(NUMBER.findall(" ".join(page_of(filled).text)))
    assert len(shown) > 100
    assert shown - known - counted == set()


def test_every_figure_has_its_numbers_in_a_file(filled):
    for members in numbers(filled)["figures"].values():
        for figure in members:
            with (filled / "report" / f"{figure['name']}.csv").open() as lines:
                assert len(list(csv.DictReader(lines))) == len(figure["rows"]) > 0


def test_integer_and_float_are_compared_on_the_same_clips(filled):
    content = numbers(filled)
    claim = content["claims"][0]
    assert claim["verdict"] == "not run at that scale"
    votes = [filled / "votes" / "song" / f"complex_cnn{kind}@iter=2" / "clips.csv" for kind in ("@dtype=int", "")]
    right = []
    for file in votes:
        rows = list(csv.DictReader(file.open()))
        picked = [max(range(10), key=lambda k, row=row: float(row[f"p{k}"])) for row in rows]
        right.append(sum(p == int(row["label"]) for p, row in zip(picked, rows)) / len(rows))
    assert claim["values"]["difference_points"] == pytest.approx(100 * (right[0] - right[1]))


def test_a_damaged_vote_is_left_out_by_name_and_the_page_is_made(filled, tmp_path):
    build = tmp_path / "build"
    shutil.copytree(filled / "votes", build / "votes")
    shutil.copytree(filled / "runs", build / "runs")
    (build / "votes" / "song" / "complex_cnn@iter=2" / "clips.csv").write_text("track,clip\nx")
    (build / "votes" / "clip" / "complex_cnn@iter=2" / "summary.json").write_text('{"net": "com')
    (build / "runs" / "song" / "lstm" / "run.json").write_text("")
    collection = collect(build)
    assert len(collection.left_out) == 4, "of the run that can't be read the vote too"
    html = as_html(content_of(make_page(collection)))
    for line in collection.left_out:
        assert line.split(":")[0] in html


def test_names_of_files_are_escaped(filled, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    build = tmp_path / evil
    shutil.copytree(filled / "votes", build / "votes")
    (build / "votes" / "song" / evil).mkdir()
    (build / "votes" / "song" / evil / "summary.json").write_text("{")
    collection = collect(build)
    page = Page(as_html(content_of(make_page(collection))))
    assert "x" not in page.sources
    assert any(evil in text for text in page.text)
