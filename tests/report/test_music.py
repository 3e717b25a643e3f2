"""Music that is not GTZAN on the page: its own genres, whatever they are called, and as many as there are."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_build import MANY_GENRES, ODD_GENRES, music_build

from tools import files, paths
from tools.report.canvas import BY_SPLIT, Line, dots_figure
from tools.report.collect import collect
from tools.report.page import Page as Report
from tools.report.page import as_html, content_of, make_page
from tools.report.table import Interval
from tools.vote.count import Clips
from tools.vote.files import read_clips


@pytest.fixture(scope="module")
def build() -> Path:
    return music_build()


@pytest.fixture(scope="module")
def report(build: Path) -> Report:
    return make_page(collect(build))


def clips_of(build: Path, split: str) -> Clips:
    (file,) = (build / "votes").glob(f"{split}*/*/clips.csv")
    return read_clips(file)


def test_every_vote_stands_there_with_its_figures_and_none_among_the_paper_s(build, report):
    assert report.collection.left_out == []
    assert report.collection.votes == report.collection.runs == []
    rows = {row.values["genres"]: row for row in report.tables["music"][0].rows}
    for split, genres in (("song", ODD_GENRES), ("clip", MANY_GENRES)):
        clips, row = clips_of(build, split), rows[len(genres)]
        assert row.values["clips"].value == clips.right[clips.tested].mean()
        assert row.values["music"] == f"{len(genres)} genres, {5 * len(genres)} songs"
        assert "CLIPS_A_SONG=2" in row.command
    assert [row for row in report.tables["summary"][0].rows if not row.missing] == []


def test_a_picture_has_the_genres_names_as_they_are(build, report):
    (figure,) = report.figures["music"]
    svg = ElementTree.fromstring(figure.svg)
    texts = {"".join(node.itertext()).strip() for node in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"рок и джаз", '<b>"a" & c', "$x_1$", "techno", "a name of a …m for"} <= texts
    clips = clips_of(build, "song")
    sorted_names = sorted(ODD_GENRES)
    for row in figure.rows:
        label = sorted_names.index(row["outcome"])
        for true, genre in enumerate(sorted_names):
            of_genre = clips.predicted[clips.labels == true]
            assert row[genre] == pytest.approx((of_genre == label).mean())


def test_the_head_of_the_page_leads_to_it_where_there_is_nothing_else(report):
    head = as_html(content_of(report)).partition("<nav")[0]
    assert 'Ours: nothing yet</b> of the paper\'s ten genres, and <a href="#music">other music</a>;' in head


def test_a_figure_says_which_series_stands_in_it_though_it_is_the_only_one():
    styles = dict(zip(("by song", "by artist"), BY_SPLIT))
    (figure,) = dots_figure("one", "", "", [Line("RCNN", {"by artist": Interval(0.5)})], styles)
    assert b"by artist" in figure.svg
    assert b"by song" not in figure.svg


def test_names_are_text_on_the_page(build):
    page = (build / "report" / "index.html").read_text()
    name = next(name for name in ODD_GENRES if "<" in name)
    assert name not in page


def test_beyond_thirty_genres_tables_stand_in_place_of_the_picture(build, report):
    each, taken = report.tables["music"][1:]
    clips = clips_of(build, "clip")
    tested = clips.tested
    assert [row.values["genre"] for row in each.rows] == list(MANY_GENRES)
    for label, row in enumerate(each.rows):
        of_genre = tested & (clips.labels == label)
        assert row.values["clips"] == of_genre.sum()
        assert row.values["clips_right"] == (pytest.approx(clips.right[of_genre].mean()) if of_genre.any() else None)
    counts = Counter(zip(clips.labels[tested], clips.predicted[tested]))
    of_genre = Counter(clips.labels[tested])
    shares = sorted((n / of_genre[true] for (true, said), n in counts.items() if true != said), reverse=True)
    assert [row.values["share"] for row in taken.rows] == pytest.approx(shares[:20])
    for row in taken.rows:
        true, said = (MANY_GENRES.index(row.values[key]) for key in ("genre", "taken_for"))
        assert row.values["share"] == pytest.approx(counts[true, said] / of_genre[true])


def test_a_run_without_a_vote_says_how_to_vote(build, tmp_path):
    for folder in ("lmdb", "runs"):
        (tmp_path / folder).symlink_to(build / folder)
    table, *others = make_page(collect(tmp_path)).tables["music"]
    assert others == []
    assert all(row.missing and " vote " in row.command for row in table.rows)


def test_a_vote_whose_clips_are_of_other_genres_than_it_says_is_left_out(build, tmp_path):
    kept = tmp_path / "votes" / "song"
    (tmp_path / "runs").symlink_to(build / "runs")
    (source,) = (build / "votes").glob("song*/[!.]*")
    folder = kept.with_name(source.parent.name) / source.name
    folder.mkdir(parents=True)
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    summary = json.loads((folder / "summary.json").read_text())
    files.write_record(folder / "summary.json", {**summary, "genres": summary["genres"][1:]})
    collection = collect(tmp_path)
    assert collection.other_votes == []
    assert "not of its 4 genres" in collection.left_out[0]


def test_songs_of_another_collection_are_apart_from_the_run_s_own(vote):
    """A vote on TEST= songs is of the paper's genres, but not of the songs that the paper's tables are of."""
    own, elsewhere = vote("song", "rcnn"), vote("song", "rcnn")
    elsewhere.summary["test_fingerprint"] = "0123456789"
    assert own.is_of_paper
    assert not elsewhere.is_of_paper


def test_the_kept_results_are_all_of_the_paper_s_genres():
    collection = collect(paths.RESULTS)
    assert collection.other_runs == []
    assert all(vote.tested_elsewhere for vote in collection.other_votes)


def test_the_page_with_both_kinds_of_music_is_made(build):
    html = as_html(content_of(make_page(collect(build))))
    rows = list(csv.DictReader((build / "report" / "music.csv").open()))
    assert len(rows) == 2
    for row in rows:
        assert row["music"] in html
