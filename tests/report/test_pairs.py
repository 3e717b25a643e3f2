"""Pairs that differ in one thing: the leak."""

from __future__ import annotations

from pathlib import Path

from tools.report import pairs
from tools.report.records import Collection, Vote
from tools.report.table import Row


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
