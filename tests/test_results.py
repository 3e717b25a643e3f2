"""The README's figures are those of the committed votes, and those can be counted again."""

from __future__ import annotations

import json
import shutil

import pytest

from tools import paths, results
from tools.cli import UserError
from tools.voting.count import hold_election, score
from tools.voting.files import read_clips

KEPT = sorted(results.RESULTS.glob("*/*/summary.json"))


def test_the_readme_has_the_table_of_the_kept_results():
    text = results.README.read_text()
    assert results.insert(text, results.table()) == text


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.parent.name}/{file.parent.name}")
def test_every_kept_summary_is_what_its_clips_say(file):
    summary = json.loads(file.read_text())
    clips = read_clips(file.parent / "clips.csv")
    for key, value in score(clips, hold_election(clips, None)).items():
        assert summary[key] == value, key


def test_the_command_of_a_row_says_all_that_differs_from_the_defaults():
    summary = {"net": "rcnn", "split": "song-folds", "iteration": 1000, "ranks": 2}
    each_fold = "make lmdb train-rcnn vote NET=rcnn FOLD=$f DTYPE=int DROPOUT='0.4 0.6@300' ITERS=1000 RANKS=2"
    together = "make vote-folds NET=rcnn DTYPE=int DROPOUT='0.4 0.6@300'"
    made = results.make_command("rcnn@dtype=int,dropout=0.4_0.6@300@iter=1000", summary)
    assert made == f"for f in 0 1 2 3 4; do {each_fold}; done; {together}"
    clip = results.make_command("lstm", {**summary, "net": "lstm", "split": "clip"})
    assert clip == "make lmdb train-lstm vote NET=lstm SPLIT=clip ITERS=1000 RANKS=2"


def test_a_vote_is_kept_with_the_records_of_its_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "RESULTS", paths.DATA.parent / "build" / tmp_path.name)
    vote, runs = (
        tmp_path / "votes" / "song-folds" / "rcnn",
        [tmp_path / "runs" / s / "rcnn" for s in ("song", "song-1")],
    )
    vote.mkdir(parents=True)
    (vote / "clips.csv").write_text("clips")
    (vote / "summary.json").write_text(json.dumps({"run": ", ".join(map(str, runs))}))
    for run in runs:
        run.mkdir(parents=True)
        (run / "run.json").write_text(str(run))
    results.keep(vote)
    kept = results.RESULTS / "song-folds" / "rcnn"
    assert [(kept / run.parent.name / "run.json").read_text() for run in runs] == list(map(str, runs))
    shutil.rmtree(results.RESULTS)


def test_a_readme_without_marks_is_refused():
    with pytest.raises(UserError, match="marks"):
        results.insert("no marks here", "table")
