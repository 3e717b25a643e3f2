"""The leak: what a net knows of songs that it has heard other clips of."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.report.collect import Collection, Vote
from tools.report.leak import leak
from tools.vote.count import Clips


def vote(
    split: str, right: dict[str, list[bool]], parts: str = "test", iteration: int = 1000, name: str = "rcnn"
) -> Vote:
    """Clips 0, 1, ... of each song, of label 0, right or taken for 1."""
    clips = [(track, number, hit) for track, hits in right.items() for number, hit in enumerate(hits)]
    classified = Clips(
        tracks=np.array([track for track, _, _ in clips]),
        clips=np.array([number for _, number, _ in clips]),
        parts=np.array([parts if number else "test" for _, number, _ in clips]),
        labels=np.zeros(len(clips), int),
        texts=np.empty((0, 10), str),
        probabilities=np.eye(10)[[0 if hit else 1 for _, _, hit in clips]],
    )
    summary = {"net": name.partition("@")[0], "iteration": iteration, "ranks": 2}
    made = Vote(Path(split), split, name, summary, None)
    made.__dict__["clips"] = classified  # what would be read from clips.csv
    return made


def test_the_leak_is_over_the_clips_that_both_splits_test():
    """Split clip tests clip 0 of each song here, and was trained on the others: those do not count."""
    leaky = vote("clip", {"a": [True, True], "b": [True, True]}, "train")
    honest = vote("song-folds", {"a": [True, False], "b": [False, False]})
    (row,) = leak(Collection(Path("build"), votes=[leaky, honest])).rows
    assert (row.values["clips_leaky"], row.values["clips_honest"], row.values["clips"]) == (1.0, 0.5, 2)
    assert row.values["difference"].startswith("+50.0 points")
    assert "SPLIT=clip" in row.command
    assert "make vote-folds NET=rcnn" in row.command


def test_other_iterations_are_no_pair_and_the_commands_that_are_needed_are_named():
    votes = [vote("clip", {"a": [True]}), vote("song-folds", {"a": [True]}, iteration=500)]
    (row,) = leak(Collection(Path("build"), votes=votes)).rows
    assert row.missing
    assert "make lmdb train-rcnn" in row.command


def test_fold_0_stands_there_too_where_it_was_trained_further():
    right = {"a": [True, True]}
    votes = [vote(split, right, iteration=n) for split in ("clip", "song") for n in (1000, 10_000)]
    votes.append(vote("song-folds", right))
    rows = leak(Collection(Path("build"), votes=votes)).rows
    assert [(row.values["split"], row.values["iteration"]) for row in rows] == [("song-folds", 1000), ("song", 10_000)]


def test_a_training_with_dropout_raised_is_set_beside_one_of_the_same_schedule():
    by_hand = "complex_cnn@dropout=0.4_0.6@3000_0.7@6000"
    right = {"a": [True, True]}
    votes = [vote(split, right, name=by_hand, iteration=10_000) for split in ("clip", "song")]
    votes.append(vote("song", {"a": [False, False]}, name="complex_cnn", iteration=10_000))
    (row,) = leak(Collection(Path("build"), votes=votes)).rows
    assert row.values["net_name"] == "Complex CNN, dropout raised"
    assert row.values["clips_honest"] == 1.0
    assert row.command.count("DROPOUT=") == 2
