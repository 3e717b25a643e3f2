"""The README's figures are those of the committed votes, and those can be counted again."""

from __future__ import annotations

import json
import shlex

import pytest

from tools import files, paths
from tools.cli import UserError
from tools.report import results
from tools.report.collect import collect, collect_kept
from tools.report.page import as_json, content_of, csv_files
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.vote import baseline
from tools.vote.count import hold_election, score
from tools.vote.files import read_clips

KEPT = sorted(paths.RESULTS.glob("votes/*/*/summary.json"))

pytestmark = pytest.mark.xdist_group("kept page")


@pytest.mark.parametrize(
    "file",
    [results.README, results.NETWORKS, results.TABLES],
    ids=lambda file: str(file.relative_to(paths.CHECKOUT)),
)
def test_a_readme_has_the_tables_of_the_kept_results(file, kept_page):
    text = file.read_text()
    assert results.insert_parts(file, text, kept_page) == text


def test_the_kept_page_is_that_of_the_kept_results(kept_page):
    """But for the drawings of the networks, which are of prototxt/."""
    folder = paths.RESULTS / "report"
    written, now = json.loads((folder / "report.json").read_text()), json.loads(as_json(content_of(kept_page)))
    for content in (written, now):
        del content["figures"]["networks"]
    assert written == now
    for name, text in csv_files(kept_page).items():
        assert (folder / name).read_text() == text or name.startswith("network_"), name


def test_each_kept_vote_names_the_ranks_that_trained_its_weights():
    """Of a run that went on with other ranks too: on two to 4000 iterations, then on one."""
    kept = [collect(root) for root in (paths.RESULTS, paths.OTHER_RESULTS)]
    votes = [vote for each in kept for vote in (*each.votes, *each.other_votes) if vote.net != baseline.NAME]
    assert {vote.folder: vote.summary["ranks"] for vote in votes} == {
        vote.folder: runs.ranks_to(vote.run.record, vote.iteration) for vote in votes
    }
    assert len({vote.summary["ranks"] for vote in votes if (vote.net, vote.split) == ("rcnn", "song")}) == 2


def test_the_picture_of_the_readme_is_that_of_the_kept_results(kept_page):
    assert results.PICTURE.read_text() == results.picture(kept_page)
    assert str(results.PICTURE.relative_to(paths.CHECKOUT)) in results.README.read_text()


def test_the_readme_stays_short():
    text = results.README.read_text()
    assert len(text.splitlines()) <= 150
    assert len(text.encode()) <= 10_000


def test_nothing_but_results_lies_among_the_kept_results():
    """No lock, no weights, no audio."""
    names = {file.name for file in paths.RESULTS.rglob("*") if file.is_file() and file.parent.name != "report"}
    assert names == {*results.KEPT, *results.KEPT_OF_RUN}


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.parent.name}/{file.parent.name}")
def test_every_kept_summary_is_what_its_clips_say(file):
    summary = json.loads(file.read_text())
    clips = read_clips(file.parent / "clips.csv")
    for key, value in score(clips, hold_election(clips, None)).items():
        assert summary[key] == value, key


def make_vote(build, name, runs):
    vote = build / "votes" / "song-folds" / name
    vote.mkdir(parents=True)
    for file in results.KEPT:
        (vote / file).write_text(json.dumps({"net": "rcnn", "genres": list(GENRES), "run": ", ".join(map(str, runs))}))
    return vote


def make_run(folder, caffe, iteration, ranks=((0, 2),)):
    folder.mkdir(parents=True, exist_ok=True)
    record = json.loads((paths.RESULTS / "runs" / "song" / "rcnn" / "run.json").read_text())
    record |= {"versions": {"caffe_package": caffe}, "iteration": iteration}
    record["stretches"] = [{"start": start, "ranks": number, "gpu": []} for start, number in ranks]
    files.write_record(folder / "run.json", record)
    (folder / "metrics.jsonl").write_text("curves")


def test_a_vote_is_kept_with_the_records_of_its_runs(tmp_path):
    folders = [tmp_path / "runs" / split / "rcnn" for split in ("song", "song-1")]
    for iteration, run in enumerate(folders):
        make_run(run, "native", iteration)
    results.keep(make_vote(tmp_path, "rcnn", folders), tmp_path / "kept")
    assert (tmp_path / "kept" / "votes" / "song-folds" / "rcnn" / "clips.csv").exists()
    for iteration, run in enumerate(folders):
        record = json.loads((tmp_path / "kept" / "runs" / run.parent.name / "rcnn" / "run.json").read_text())
        assert record["iteration"] == iteration


def test_a_run_of_other_layers_than_the_network_has_now_is_named():
    kept = collect_kept()
    assert "song/complex_cnn" not in results.changed_runs(kept)
    (run,) = (run for run in kept.runs if (run.split, run.net, run.differences) == ("song", "complex_cnn", {}))
    deploy = run.record["prototxt"]["deploy"]
    run.record["prototxt"]["deploy"] = deploy.replace("num_output: 32", "num_output: 31")
    assert "song/complex_cnn" in results.changed_runs(kept)
    run.record["prototxt"]["deploy"] = deploy.replace("conv1", "first")  # a name is no layer
    assert "song/complex_cnn" not in results.changed_runs(kept)


def test_what_is_kept_does_not_say_where_songs_lay_on_one_machine(tmp_path):
    run = tmp_path / "runs" / "song" / "rcnn"
    make_run(run, "native", 500)
    record = json.loads((run / "run.json").read_text())
    kept_prototxt = record["prototxt"]
    here = {name: text.replace('"build/', f'"{tmp_path}/') for name, text in kept_prototxt.items()}
    record |= {"command": "python -m x --data '/home/me/my songs' --net rcnn", "prototxt": here}
    assert here != kept_prototxt
    files.write_record(run / "run.json", record)
    results.keep(make_vote(tmp_path, "rcnn", [run]), tmp_path / "kept")
    kept = tmp_path / "kept/runs/song/rcnn/run.json"
    assert json.loads(kept.read_text())["prototxt"] == kept_prototxt
    assert json.loads(kept.read_text())["command"] == "python -m x --data 'my songs' --net rcnn"
    assert files.is_as_written(kept)


@pytest.mark.parametrize("file", sorted(paths.RESULTS.parent.glob("*/[rv]*/*/*/*.json")), ids=str)
def test_no_kept_record_names_a_file_of_one_machine(file):
    record = json.loads(file.read_text())
    assert [word for word in shlex.split(record.get("command", "")) if word.startswith("/")] == []
    assert '"/' not in file.read_text()


def test_a_run_that_went_on_is_kept_as_far_as_it_came_and_another_is_refused(tmp_path):
    run = tmp_path / "runs" / "song" / "rcnn"
    for number, (caffe, iteration, stands) in enumerate(
        [("native", 500, 500), ("native", 900, 900), ("native", 500, 900)]
    ):
        make_run(run, caffe, iteration)
        results.keep(make_vote(tmp_path, f"rcnn@iter={number}", [run]), tmp_path / "kept")
        assert (
            json.loads((tmp_path / "kept" / "runs" / "song" / "rcnn" / "run.json").read_text())["iteration"] == stands
        )
    make_run(run, "native", 1200, ranks=[(0, 2), (900, 1)])  # from 900 on with one: what is kept is of the same weights
    results.keep(make_vote(tmp_path, "rcnn@iter=1200", [run]), tmp_path / "kept")
    make_run(run, "native", 1500, ranks=[(0, 2), (700, 1)])
    with pytest.raises(UserError, match=r"another training .*\(ranks\)"):
        results.keep(make_vote(tmp_path, "rcnn@iter=1500", [run]), tmp_path / "kept")
    make_run(run, "stock", 900)
    other = make_vote(tmp_path, "rcnn", [run])
    with pytest.raises(UserError, match=r"another training .*\(versions\)"):
        results.keep(other, tmp_path / "kept")
    assert not (tmp_path / "kept" / "votes" / "song-folds" / "rcnn").exists()


def test_a_vote_that_is_not_whole_is_not_kept(tmp_path):
    vote = make_vote(tmp_path, "rcnn", [])
    (vote / "songs.csv").unlink()
    with pytest.raises(UserError, match="songs.csv"):
        results.keep(vote, tmp_path / "kept")


def test_a_vote_whose_run_lies_elsewhere_by_now_is_not_kept_without_its_record(tmp_path):
    vote = make_vote(tmp_path, "rcnn", [tmp_path / "moved/runs/song/rcnn"])
    with pytest.raises(UserError, match=r"moved/runs/song/rcnn: run.json is not there"):
        results.keep(vote, tmp_path / "kept")
    assert not (tmp_path / "kept").exists()


def test_a_readme_without_marks_is_refused(kept_page):
    with pytest.raises(UserError, match="marks"):
        results.insert_parts(results.README, "no marks here", kept_page)
