"""Changes on inner folds, what they give together, and the networks as they are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.report import changes
from tools.report.records import Collection
from tools.vote.count import Clips


@pytest.fixture
def songs(clips) -> Callable[..., Clips]:
    """Test songs of ten clips of label 0, of which such a share is taken for 0 and the rest for 1."""

    def make(shares: list[float], first: int = 0) -> Clips:
        return clips({f"blues.{first + i:05}": [k < 10 * share for k in range(10)] for i, share in enumerate(shares)})

    return make


@pytest.fixture
def collection(vote, songs) -> Collection:
    """Two inner folds of the RCNN, one of which a change was tried on too."""
    tried = songs([1.0, 0.8, 0.6])
    return Collection(
        Path("build"),
        votes=[
            vote("inner-1", "rcnn", songs([1.0, 0.6, 0.2])),
            vote("inner-2", "rcnn", songs([0.0, 0.0], first=3)),
            vote("inner-1", "rcnn", tried, dropout="0.25"),
            vote("song", "rcnn", tried, overlap="2"),
        ],
    )


def test_a_change_is_set_beside_the_unchanged_net_on_the_folds_that_both_have(collection):
    base, tried = (row.values for row in changes.changes(collection).rows)
    assert (base["changed"], base["songs"]) == ("nothing", 5)
    assert base["clips_right"] == pytest.approx(18 / 50)
    assert (tried["changed"], tried["songs"]) == ("DROPOUT=0.25", 3)
    assert tried["clips_right"] == pytest.approx(24 / 30)
    assert tried["clips_difference"].value == pytest.approx(0.2)
    assert tried["clips_difference"].low == 0
    assert tried["songs_difference"].value == pytest.approx(1 / 3)
    assert "clips_difference" not in base


def test_the_command_of_a_change_trains_it_on_each_of_its_folds(collection):
    base, tried = (row.command for row in changes.changes(collection).rows)
    train = "make lmdb train-rcnn vote NET=rcnn SPLIT=inner FOLD=$f"
    assert base == f"for f in 1 2; do {train} ITERS=1000 ITERATION=1000 RANKS=2; done"
    assert tried == f"for f in 1; do {train} DROPOUT=0.25 ITERS=1000 ITERATION=1000 RANKS=2; done"


def test_the_gain_of_all_changes_is_over_all_folds_and_over_fold_0(collection, vote, songs):
    collection.votes += [
        vote("song-folds", "rcnn", songs([0.2, 0.2, 1.0, 1.0])),
        vote("song-folds", "rcnn_plus", songs([0.2, 0.9, 1.0, 1.0])),
        vote("song", "rcnn", songs([0.2, 0.2])),
    ]
    everything, fold_0 = (row.values for row in changes.plus_gain(collection).rows)
    assert (everything["songs"], fold_0["songs"]) == (4, 2)
    assert everything["clips_difference"].value == pytest.approx(0.175)
    assert fold_0["clips_difference"].value == pytest.approx(0.35)
    assert (fold_0["songs_before"], fold_0["songs_plurality"]) == (0.0, 0.5)


def test_what_was_not_run_says_how_to_run_it():
    nothing = Collection(Path("build"))
    for table in (changes.changes(nothing), changes.plus_gain(nothing)):
        assert [row.missing for row in table.rows] == [True]
        assert "make lmdb train" in table.rows[0].command


def test_the_picture_has_every_gain_of_the_tables(collection):
    changed, plus = changes.changes(collection), changes.plus_gain(collection)
    (figure,) = changes.changes_figure(changed, plus)
    (_, tried) = changed.rows
    drawn = {(row["line"], row["series"]): row["value"] for row in figure.rows}
    assert drawn == {("DROPOUT=0.25", kind): tried.values[f"{kind}_difference"].value for kind in ("clips", "songs")}


def test_a_network_as_it_is_stands_there_by_all_its_inner_folds_and_its_changes_do_not(collection, vote, songs):
    collection.votes.append(vote("inner-1", "lstm", songs([0.6])))
    rnn, lstm = (row.values for row in changes.inner(collection).rows)
    assert (rnn["net"], rnn["songs"], rnn["clips_right"]) == ("rcnn", 5, pytest.approx(18 / 50))
    assert (lstm["net"], lstm["songs"], lstm["clips_right"]) == ("lstm", 1, pytest.approx(0.6))
    assert "FOLD=$f" in changes.inner(collection).rows[0].command
