"""What lies under a build folder, read for the report; what votes have in common."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tools import files, paths
from tools.cli import UserError
from tools.report.collect import collect, run_of, set_apart
from tools.report.records import Collection, Run


def test_songs_are_the_same_by_their_fingerprint_or_where_two_copies_made_one_lmdb(run, vote):
    here, copied = run("song", "rcnn", "a", "here"), run("song", "lstm", "b", "a copy")
    others = run("song", "simple_cnn", "c", "others")
    votes = {id(trained): vote("song", trained.net, run=trained) for trained in (here, copied, others)}
    collection = Collection(Path("build"), runs=[here, copied, others])

    def same(first: Run, second: Run) -> bool:
        return collection.same_songs(votes[id(first)], votes[id(second)])

    assert same(here, here)
    assert not same(here, copied)
    collection.runs.append(run("song", "complex_cnn", "a", "a copy"))  # as `rcnn` had it, from the other copy
    assert same(here, copied)
    assert not same(here, others)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"seed": "1", "base_lr": "1e-4", "genres": ""}, {}),
        ({"dtype": "int", "seed": "3"}, {"dtype": "int", "seed": "3"}),
        ({"dropout": ".4 0.60@3000"}, {"dropout": "0.4 0.6@3000"}),
        ({"genres": "rock metal"}, {"genres": "metal rock"}),
        ({"genres": "rock, hip hop"}, {"genres": '"hip hop" rock'}),
        ({"base_lr": "0.01"}, {"base_lr": "0.01"}),
        ({"lr_steps": "2e-4 1e-4@500"}, {"lr_steps": "0.0002 0.0001@500"}),
        ({"iters": "5", "ranks": "2", "caffe": "native", "fold": "2"}, {}),
    ],
)
def test_what_differs_from_the_network_is_said_as_make_takes_it(run, given, expected):
    """Values that are equal are no difference, and a rate is named once."""
    fold = given.pop("fold", "")
    trained = run(f"song-{fold}" if fold else "song", "rcnn", **given)
    assert trained.differences == expected
    assert run("song", "rcnn", **trained.differences).differences == expected


def test_a_network_that_was_changed_since_leaves_a_run_what_it_was_in_its_time(run):
    """The plain run beside it has the values that were the network's own then, whatever prototxt/ says now."""
    now = run("song", "complex_cnn"), run("song-1", "complex_cnn", window="512")
    then = [replace(each, settings=replace(each.settings, dropout=((0, 0.3),))) for each in now]
    assert [set_apart(then, each).differences for each in then] == [{}, {"window": "512"}]
    assert set_apart([], then[1]).differences == {"window": "512", "dropout": "0.3"}


def test_a_run_of_a_network_that_is_gone_is_left_out_by_name(tmp_path):
    folder = tmp_path / "runs" / "song" / "gone@seed=2"
    folder.mkdir(parents=True)
    record = json.loads((paths.RESULTS / "runs" / "song" / "rcnn" / "run.json").read_text())
    record["net"] = record["settings"]["net"] = "gone"
    files.write_record(folder / "run.json", record)
    collection = collect(tmp_path)
    assert collection.runs == []
    assert collection.left_out[0].startswith(f"{folder}: ")


def test_a_vote_is_of_the_run_that_its_summary_names_wherever_the_build_folder_lies(run):
    first, later = run("song", "rcnn"), run("song-4", "rcnn", dropout="0.25")

    def of(named: str) -> Run:
        return run_of(Path("votes/song/rcnn"), {"net": "rcnn", "run": named}, [first, later])

    assert of("/elsewhere, far/runs/song/rcnn") is first
    assert of("build/runs/song-4/rcnn@dropout=0.25") is later
    assert of("build/runs/song/rcnn, build/runs/song-1/rcnn") is first
    with pytest.raises(UserError, match="run is gone"):
        of("build/runs/song-1/rcnn")


def test_a_vote_whose_run_is_gone_is_left_out_by_name(tmp_path):
    folder = tmp_path / "votes" / "song-folds" / "rcnn"
    folder.mkdir(parents=True)
    for file in (paths.RESULTS / "votes" / "song-folds" / "rcnn@iter=1000").iterdir():
        (folder / file.name).symlink_to(file)
    collection = collect(tmp_path)
    assert collection.votes == []
    assert collection.left_out == [f"{folder}: its run is gone: train and vote again"]


def test_a_run_of_an_earlier_form_is_left_out_with_the_way_out(tmp_path):
    folder = tmp_path / "runs" / "song" / "rcnn"
    folder.mkdir(parents=True)
    record = json.loads((paths.RESULTS / "runs" / "song" / "rcnn" / "run.json").read_text())
    del record["settings"]
    files.write_record(folder / "run.json", record)
    collection = collect(tmp_path)
    assert collection.runs == []
    assert "make clean" in collection.left_out[0]


def test_every_kept_vote_has_its_run_and_nothing_kept_is_left_out():
    collection = collect(paths.RESULTS)
    assert collection.left_out == []
    assert {vote.net for vote in collection.votes if vote.net != vote.run.net} == set()
    assert [vote.net for vote in collection.votes if vote.run not in collection.runs] == ["mfcc_svm"]
