"""Whatever make can leave behind raises no alarm: what is older than what it was made of is skipped, and says so."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import CHECKOUT, call_module

from tools import paths
from tools.songs.splits import FOLDS
from tools.train import snapshots
from tools.verify.ballots import check_vote
from tools.verify.build import Build
from tools.verify.lmdbs import check_folder
from tools.vote.count import choose, hold_election, score
from tools.vote.files import read_clips, write_votes

RUN, VOTE = "runs/song/complex_cnn", "votes/song/complex_cnn@iter=2"


def states(outcomes: Callable, build: Path, folder: str) -> dict[str, str]:
    return {outcome.check: outcome.state for outcome in outcomes(build, folder)}


def test_lmdbs_of_balanced_genres_are_whole(build, outcomes):
    genres = build / "fewer"
    for file in (build / "synthetic/genres").glob("*/*.0000[0-3].wav"):
        if file.name != "jazz.00003.wav":
            (genres / file.parent.name).mkdir(parents=True, exist_ok=True)
            (genres / file.parent.name / file.name).symlink_to(file.resolve())
    made = call_module("tools.convert", genres, "--views", "cnn", "--balanced", 1, "--build", build)
    assert made.returncode == 0, made.stderr
    folder = build / "lmdb/song@balanced=1"
    said = {outcome.check: outcome.state for outcome in check_folder(Build(build, data=genres, songs=1), folder)}
    assert "FAIL" not in said.values(), said
    assert said["clips"] == said["split drawn again"] == said["derived again from the audio"] == "PASS"


def test_a_vote_whose_snapshot_is_no_longer_kept_is_counted_all_the_same(build, outcomes):
    for file in (build / RUN).glob("*_iter_2.*"):
        file.rename(file.with_name(file.name.replace("_iter_2", "_iter_3")))
    mark = build / RUN / "complex_cnn_iter_3.whole"
    mark.write_text(mark.read_text().replace("_iter_2", "_iter_3"))
    state = states(outcomes, build, VOTE)
    assert state.pop("clips passed again through the network") == "FAIL"  # its weights are there, of another iteration
    mark.unlink()
    state = states(outcomes, build, VOTE)
    assert state.pop("clips passed again through the network") == "SKIP"
    assert set(state.values()) == {"PASS"}


def test_a_snapshot_that_stock_caffe_left_beside_ours_is_no_fault(build, outcomes):
    (build / RUN / "complex_cnn_iter_1.caffemodel").write_bytes(b"of another program")
    assert set(states(outcomes, build, RUN).values()) == {"PASS"}


def test_a_vote_whose_run_is_gone_is_counted_all_the_same(build, outcomes):
    shutil.rmtree(build / RUN)
    state = states(outcomes, build, VOTE)
    assert (state.pop("run"), state.pop("clips passed again through the network")) == ("SKIP", "SKIP")
    assert set(state.values()) == {"PASS"}


def test_a_vote_of_an_earlier_run_is_said_to_be(build, outcomes):
    """Trained afresh, with other weights: here those of the run on integers, in their place."""
    other = build / "runs/song/complex_cnn@dtype=int"
    for suffix in (".caffemodel", ".solverstate"):
        shutil.copy(other / f"complex_cnn_iter_2{suffix}", build / RUN)
    snapshots.mark_whole(build / RUN, "complex_cnn", 2)
    assert states(outcomes, build, VOTE)["clips passed again through the network"] == "SKIP"


def test_lmdbs_made_anew_of_other_songs_leave_run_and_vote_behind(build, outcomes):
    shutil.rmtree(build / "lmdb/song")
    genres = build / "fewer"
    for file in (build / "synthetic/genres").glob("*/*.0000[0-2].wav"):
        (genres / file.parent.name).mkdir(parents=True, exist_ok=True)
        (genres / file.parent.name / file.name).symlink_to(file.resolve())
    made = call_module("tools.convert", genres, "--split", "song", "--views", "cnn", "--build", build)
    assert made.returncode == 0, made.stderr
    assert states(outcomes, build, RUN)["LMDBs are those it began with"] == "SKIP"
    assert states(outcomes, build, VOTE)["clips passed again through the network"] == "SKIP"
    assert "FAIL" not in states(outcomes, build, RUN).values()
    assert "FAIL" not in states(outcomes, build, VOTE).values()


def test_a_vote_with_thresholds_of_its_own_and_one_by_the_runs_folder_are_whole(build, outcomes):
    voted = call_module("tools.vote", "--run", build / RUN, "--threshold", 3, 9)
    assert voted.returncode == 0, voted.stderr
    assert set(states(outcomes, build, "votes/song/complex_cnn").values()) == {"PASS"}


def test_the_votes_of_all_folds_are_those_of_each_and_a_change_is_found(build):
    """Five folds of two songs each, out of one vote."""
    clips, summary = read_clips(build / VOTE / "clips.csv"), json.loads((build / VOTE / "summary.json").read_text())
    tracks = sorted(set(clips.tracks.tolist()))
    folders = [build / "votes" / ("song" if fold == 0 else f"song-{fold}") / Path(VOTE).name for fold in range(FOLDS)]
    for fold, folder in enumerate(folders):
        of_fold = choose(clips, [track in tracks[fold::FOLDS] for track in clips.tracks])
        about = {"split": folder.parent.name, "caffemodel_sha256": str(fold), "run": str(fold)}
        write_votes(
            folder, of_fold, election := hold_election(of_fold, None), {**summary, **score(of_fold, election), **about}
        )
    joined = call_module("tools.vote.folds", "--net", "complex_cnn", "--iteration", 2, "--build", build)
    assert joined.returncode == 0, joined.stderr
    folder = build / "votes" / paths.ALL_FOLDS / Path(VOTE).name

    def clips_are(state: str) -> bool:
        outcomes = {outcome.check: outcome.state for outcome in check_vote(Build(build), folder)}
        return outcomes["clips passed again through the network"] == state and "FAIL" not in (
            set(outcomes.values()) if state == "PASS" else ()
        )

    assert clips_are("PASS")
    text = (folder / "clips.csv").read_text()
    lines = text.splitlines()
    (folder / "clips.csv").write_text("\n".join([*lines[:9], lines[9].replace(",0.0", ",0.1", 1), *lines[10:]]))
    assert clips_are("FAIL")
    (folder / "clips.csv").write_text(text)
    text = (folder / "summary.json").read_text()
    (folder / "summary.json").write_text(text.replace('"3"', '"4"'))
    assert clips_are("FAIL")
    (folder / "summary.json").write_text(text)
    shutil.rmtree(folders[2])
    assert clips_are("SKIP")


def test_any_music_trained_on_whole_and_tested_on_the_songs_of_another_root(whole, tmp_path):
    build, genres = tmp_path / "build", whole / "synthetic" / "genres"
    for root, sources in (("own", {"techno": "metal", "ambient": "classical"}), ("other", {"techno": "rock"})):
        for name, source in sources.items():
            shutil.copytree(genres / source, tmp_path / root / name / "some songs")
    (tmp_path / "other" / "folk").mkdir()
    shutil.copy(genres / "country" / "country.00000.wav", tmp_path / "other" / "folk" / "a song.wav")
    shutil.copy(genres / "metal" / "metal.00000.wav", tmp_path / "own" / "techno" / "twin.wav")
    (tmp_path / "own" / "ambient" / "notes.txt").write_text("no song")
    for split in ("song", "artist", "all"):
        views = ("--views", "cnn", "--dtypes", "float", "--split", split, "--build", build)
        converted = call_module("tools.convert", tmp_path / "own", *views)
        assert converted.returncode == 0, converted.stderr
    named = ("--net", "simple_cnn", "--split", "all", "--build", build)
    for module, *options in (("tools.train", "--iters", 1), ("tools.vote", "--test", tmp_path / "other")):
        ended = call_module(module, *named, *options)
        assert ended.returncode == 0, ended.stderr
    result = call_module("tools.verify", "--build", build, "--songs", 1)
    assert result.returncode == 0, result.stdout
    assert "clips passed again through the network: 75 clips" in result.stdout


def test_a_training_that_is_at_work_killed_stopped_and_gone_on_with(whole, tmp_path, outcomes):
    build, folder = tmp_path / "build", "runs/song/complex_cnn@batch=4"
    build.mkdir()
    (build / "lmdb").symlink_to(whole / "lmdb")
    options = ["--net", "complex_cnn", "--batch", "4", "--ranks", "1", "--build", str(build), "--iters"]
    command = [sys.executable, "-m", "tools.train", *options, "4000"]
    for ending in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as training:
            next(line for line in training.stdout if "learning rate" in line)
            assert states(outcomes, build, folder) == {"run": "SKIP"}
            training.send_signal(ending)
            training.communicate()
        assert "FAIL" not in states(outcomes, build, folder).values()
    reached = json.loads((build / folder / "run.json").read_text())["iteration"]
    trained = call_module("tools.train", *options, reached + 2)
    assert trained.returncode == 0, trained.stderr
    assert set(states(outcomes, build, folder).values()) == {"PASS"}
