"""Pairs that differ in one thing: the leak, changes on inner folds, and what they give together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.report import pairs
from tools.report.records import Collection, Vote
from tools.report.table import Row
from tools.vote.count import Clips


def rows_of(*votes: Vote) -> list[Row]:
    return pairs.leak(Collection(Path("build"), votes=list(votes))).rows


def test_the_leak_is_over_the_clips_that_both_splits_test(vote, clips):
    """Split clip tests clip 0 of each song here, and was trained on the others: those do not count."""
    leaky = vote("clip", "rcnn", clips({"a": [True, True], "b": [True, True]}, "train"))
    honest = vote("song-folds", "rcnn", clips({"a": [True, False], "b": [False, False]}))
    (row,) = rows_of(leaky, honest)
    assert (row.values["clips_leaky"], row.values["clips_honest"], row.values["clips"]) == (1.0, 0.5, 2)
    assert row.values["difference"].value == 0.5
    assert "SPLIT=clip" in row.command
    assert "make vote-folds NET=rcnn" in row.command


def test_other_iterations_are_no_pair_and_the_commands_that_are_needed_are_named(vote, clips):
    right = clips({"a": [True]})
    (row,) = rows_of(vote("clip", "rcnn", right), vote("song-folds", "rcnn", right, iteration=500))
    assert row.missing
    assert "make lmdb train-rcnn" in row.command


def test_fold_0_stands_there_too_where_it_was_trained_further(vote, clips):
    right = clips({"a": [True, True]})
    votes = [vote(split, "rcnn", right, iteration=n) for split in ("clip", "song") for n in (1000, 10_000)]
    rows = rows_of(*votes, vote("song-folds", "rcnn", right))
    assert [(row.values["split"], row.values["iteration"]) for row in rows] == [("song-folds", 1000), ("song", 10_000)]


def test_a_training_with_dropout_raised_is_set_beside_one_of_the_same_schedule(vote, clips):
    right, by_hand = clips({"a": [True, True]}), {"dropout": "0.4 0.6@3000 0.7@6000"}
    votes = [vote(split, "complex_cnn", right, 10_000, **by_hand) for split in ("clip", "song")]
    votes.append(vote("song", "complex_cnn", clips({"a": [False, False]}), 10_000))
    (row,) = rows_of(*votes)
    assert row.values["net_name"] == "Complex CNN, dropout raised"
    assert row.values["clips_honest"] == 1.0
    assert row.command.count("DROPOUT=") == 2


def test_without_a_clip_in_common_there_is_no_row_of_a_pair(vote, clips):
    (row,) = rows_of(vote("clip", "rcnn", clips({"a": [True]})), vote("song", "rcnn", clips({"b": [True]})))
    assert row.missing


def test_the_picture_shows_what_the_table_says(vote, clips):
    votes = vote("clip", "rcnn", clips({"a": [True, True]})), vote("song", "rcnn", clips({"a": [True, False]}))
    (figure,) = pairs.leak_figure(pairs.leak(Collection(Path("build"), votes=list(votes))))
    assert {row["series"]: row["value"] for row in figure.rows} == {"songs heard": 1.0, "songs new": 0.5}


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
    base, tried = (row.values for row in pairs.changes(collection).rows)
    assert (base["changed"], base["songs"]) == ("nothing", 5)
    assert base["clips_right"] == pytest.approx(18 / 50)
    assert (tried["changed"], tried["songs"]) == ("DROPOUT=0.25", 3)
    assert tried["clips_right"] == pytest.approx(24 / 30)
    assert tried["clips_difference"].value == pytest.approx(0.2)
    assert tried["clips_difference"].low == 0
    assert tried["songs_difference"].value == pytest.approx(1 / 3)
    assert "clips_difference" not in base


def test_the_command_of_a_change_trains_it_on_each_of_its_folds(collection):
    base, tried = (row.command for row in pairs.changes(collection).rows)
    train = "make lmdb train-rcnn vote NET=rcnn SPLIT=inner FOLD=$f"
    assert base == f"for f in 1 2; do {train} ITERS=1000 ITERATION=1000 RANKS=2; done"
    assert tried == f"for f in 1; do {train} DROPOUT=0.25 ITERS=1000 ITERATION=1000 RANKS=2; done"


def test_the_gain_of_all_changes_is_over_all_folds_and_over_fold_0(collection, vote, songs):
    collection.votes += [
        vote("song-folds", "rcnn", songs([0.2, 0.2, 1.0, 1.0])),
        vote("song-folds", "rcnn_plus", songs([0.2, 0.9, 1.0, 1.0])),
        vote("song", "rcnn", songs([0.2, 0.2])),
    ]
    everything, fold_0 = (row.values for row in pairs.plus_gain(collection).rows)
    assert (everything["songs"], fold_0["songs"]) == (4, 2)
    assert everything["clips_difference"].value == pytest.approx(0.175)
    assert fold_0["clips_difference"].value == pytest.approx(0.35)
    assert (fold_0["songs_before"], fold_0["songs_plurality"]) == (0.0, 0.5)


def test_what_was_not_run_says_how_to_run_it():
    nothing = Collection(Path("build"))
    for table in (pairs.changes(nothing), pairs.plus_gain(nothing)):
        assert [row.missing for row in table.rows] == [True]
        assert "make lmdb train" in table.rows[0].command


def test_the_picture_has_every_gain_of_the_tables(collection):
    changed, plus = pairs.changes(collection), pairs.plus_gain(collection)
    (figure,) = pairs.changes_figure(changed, plus)
    (_, tried) = changed.rows
    drawn = {(row["line"], row["series"]): row["value"] for row in figure.rows}
    assert drawn == {("DROPOUT=0.25", kind): tried.values[f"{kind}_difference"].value for kind in ("clips", "songs")}
