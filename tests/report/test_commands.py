"""The command that makes a number, to be typed as it is."""

from __future__ import annotations

from pathlib import Path

from tools.report.collect import collect_kept
from tools.report.commands import command_of
from tools.report.records import Collection, Vote
from tools.vote import baseline


def command(vote: Vote, build: str = "build") -> str:
    return command_of(Collection(Path(build)), vote)


def test_a_vote_s_command_names_its_snapshot_since_the_run_may_have_gone_further(vote):
    whole = "make lmdb train-lstm vote NET=lstm SPLIT=clip ITERS=1000 ITERATION=1000 RANKS=2"
    assert command(vote("clip", "lstm")) == whole
    assert command(vote("song-3", "lstm"), "other").startswith("make lmdb train-lstm vote NET=lstm SPLIT=song FOLD=3")
    assert command(vote("song-3", "lstm"), "other").endswith("BUILD=other")


def test_the_command_of_all_folds_says_all_that_differs_from_the_defaults_to_each_and_to_the_vote_on_all(vote):
    differing = "NET=rcnn DTYPE=int DROPOUT='0.4 0.6@300'"
    each = differing.replace("NET=rcnn", "NET=rcnn FOLD=$f")
    assert command(vote("song-folds", "rcnn", dtype="int", dropout="0.4 0.6@300")) == (
        f"for f in 0 1 2 3 4; do make lmdb train-rcnn vote {each} ITERS=1000 ITERATION=1000 RANKS=2; done; "
        f"make vote-folds {differing} ITERATION=1000"
    )


def test_what_the_native_caffe_trained_is_made_again_with_the_native_caffe(native, vote):
    voted = vote("song", "rcnn", iteration=500, run=native)
    collection = Collection(Path("build"), runs=[native], votes=[voted])
    assert command(voted).endswith("ITERS=500 ITERATION=500 RANKS=2 CAFFE=native")
    assert command_of(collection, native).endswith("ITERS=1000 RANKS=2 CAFFE=native")
    native.record["versions"]["caffe_package"] = "Debian bullseye"
    assert "CAFFE" not in command(voted)


def test_the_baseline_s_command_names_its_split():
    kept = collect_kept()
    votes = [vote for vote in (*kept.votes, *kept.other_votes) if vote.net == baseline.NAME]
    commands = {vote.split: command_of(kept, vote) for vote in votes}
    assert commands == {"song-folds": "make baseline", "artist-folds": "make baseline SPLIT=artist"}
