"""The command that makes a number, to be typed as it is."""

from __future__ import annotations

from pathlib import Path

from tools.report.collect import Collection, Run, Vote
from tools.report.commands import command_of_run, command_of_vote
from tools.train import runs


def command(split: str, name: str, build: str = "build") -> str:
    summary = {"net": name.partition("@")[0], "iteration": 1000, "ranks": 2}
    return command_of_vote(Collection(Path(build)), Vote(Path(name), split, f"{name}@iter=1000", summary, None))


def test_a_vote_s_command_names_its_snapshot_since_the_run_may_have_gone_further():
    whole = "make lmdb train-lstm vote NET=lstm SPLIT=clip ITERS=1000 ITERATION=1000 RANKS=2"
    assert command("clip", "lstm") == whole
    assert command("song-3", "lstm", "other").startswith("make lmdb train-lstm vote NET=lstm SPLIT=song FOLD=3")
    assert command("song-3", "lstm", "other").endswith("BUILD=other")


def test_the_command_of_all_folds_says_all_that_differs_from_the_defaults_to_each_and_to_the_vote_on_all():
    differing = "NET=rcnn DTYPE=int DROPOUT='0.4 0.6@300'"
    each = differing.replace("NET=rcnn", "NET=rcnn FOLD=$f")
    assert command("song-folds", "rcnn@dtype=int,dropout=0.4_0.6@300") == (
        f"for f in 0 1 2 3 4; do make lmdb train-rcnn vote {each} ITERS=1000 ITERATION=1000 RANKS=2; done; "
        f"make vote-folds {differing} ITERATION=1000"
    )


def test_what_the_native_caffe_trained_is_made_again_with_the_native_caffe():
    record = {"net": "rcnn", "iteration": 1000, "ranks": 2, "data_fingerprint": "", "versions": {}}
    record["versions"]["caffe_package"] = runs.NATIVE
    run = Run(Path("rcnn"), "song", "rcnn", record, [])
    vote = Vote(Path("rcnn"), "song", "rcnn", {"net": "rcnn", "iteration": 500, "ranks": 2}, run)
    collection = Collection(Path("build"), runs=[run], votes=[vote])
    assert command_of_vote(collection, vote).endswith("ITERS=500 ITERATION=500 RANKS=2 CAFFE=native")
    assert command_of_run(collection, run).endswith("ITERS=1000 RANKS=2 CAFFE=native")
    record["versions"]["caffe_package"] = "Debian bullseye"
    assert "CAFFE" not in command_of_vote(collection, vote)
