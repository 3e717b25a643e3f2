"""Networks on the songs of artists that none of them heard, beside the same genres by song."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tools import paths
from tools.report.collect import collect, collect_kept
from tools.report.table import Table
from tools.report.unheard import unheard
from tools.songs.gtzan import GENRES


@pytest.fixture(scope="module")
def kept() -> Table:
    return unheard(collect_kept(), collect(paths.RESULTS).other_votes)


def clips_right(folder: str, genre: str) -> float:
    """The share right of a genre's test clips, counted again from clips.csv."""
    with (paths.RESULTS / "votes" / folder / "clips.csv").open(newline="") as lines:
        clips = [clip for clip in csv.DictReader(lines) if clip["part"] == "test"]
    label = GENRES.index(genre)
    own = [clip for clip in clips if int(clip["label"]) == label]
    return float(np.mean([max(range(10), key=lambda k: float(clip[f"p{k}"])) == label for clip in own]))


def test_the_shares_are_those_of_the_genre_s_clips(kept):
    (row,) = (row for row in kept.rows if row.values["network"] == "RCNN plus (ours)")
    (vote,) = (vote for vote in collect(paths.RESULTS).other_votes if vote.net == "rcnn_plus")
    for genre in ("blues", "jazz"):
        heard, unheard_ = (row.values[f"{genre} {what}"] for what in ("heard", "unheard"))
        assert heard == pytest.approx(clips_right("song-folds/rcnn_plus@iter=1000", genre), abs=1e-12)
        assert unheard_ == pytest.approx(clips_right(f"song/{vote.folder.name}", genre), abs=1e-12)


def test_there_is_a_column_for_each_genre_that_has_songs_there_and_its_number_of_songs(kept):
    titles = [column.title for column in kept.columns[2:]]
    assert titles == [
        "blues, by song",
        "blues, 42 songs elsewhere",
        "jazz, by song",
        "jazz, 45 songs elsewhere",
    ]


def test_its_command_trains_what_it_tests_since_no_weights_are_kept(kept):
    (row,) = (row for row in kept.rows if row.values["network"] == "RCNN plus (ours)")
    assert row.command.splitlines()[-1] == (
        "make lmdb train vote NET=rcnn_plus SPLIT=song ITERS=1000 ITERATION=1000 RANKS=2 CAFFE=native TEST=gtzan-more"
    )


def test_a_vote_without_one_on_all_folds_as_far_on_is_left_out(vote):
    elsewhere = vote("song", "rcnn", iteration=500)
    assert unheard(collect_kept(), [elsewhere]).rows == []
