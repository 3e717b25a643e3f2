"""The whole paper in one command: its plan, its estimates, and that it can be stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CHECKOUT

from tools import cli, files
from tools.cli import UserError
from tools.nets.network import Network
from tools.paper import __main__ as paper
from tools.paper import estimate, plan
from tools.settings import Settings, add_settings, read_settings
from tools.train import runs, snapshots


def test_no_scale_goes_below_500_iterations():
    assert plan.stages(0.001, *plan.TABLE_2) == (500,)
    assert plan.stages(0.1, *plan.TABLE_2) == (500, 1000)
    assert plan.stages(1, *plan.TABLE_2) == (500, 4000, 10_000)
    assert plan.stages(0.005, 200_000) == (1000,)


def test_the_dropout_schedule_shrinks_with_the_run():
    assert plan.dropout_by_hand(10_000) == ((0, 0.4), (3000, 0.6), (6000, 0.7))
    assert plan.dropout_by_hand(500) == ((0, 0.4), (150, 0.6), (300, 0.7))


def test_500_rounds_of_the_lstm_hear_every_train_clip_500_times():
    batch = Network("lstm").defaults["batch"]
    assert plan.lstm_iterations(songs=1000) * batch == pytest.approx(500 * 800 * 30, abs=batch)


@pytest.mark.parametrize("scale", [0.005, 1])
def test_every_net_is_trained_under_both_splits_and_compared_on_the_complex_cnn_alone(scale):
    trainings = list(plan.trainings(scale, 1000, filtered=False))
    plain = {(t.settings.net, t.settings.split) for t in trainings if t.title.count("-") == 0}
    for net in ("simple_cnn", "complex_cnn", "rcnn", "lstm"):
        assert {(net, "song"), (net, "clip")} <= plain
    assert ("song_cnn", "song") in plain
    assert {t.settings.net for t in trainings if t.settings.dtype == "int" or t.settings.dropout} == {"complex_cnn"}
    assert all(stage >= 500 for t in trainings for stage in t.stages)
    folders = [runs.run_folder(t.settings) for t in trainings]
    assert len(folders) == len(set(folders))


def test_the_filtered_split_is_part_of_the_plan_where_the_songs_allow_it():
    assert any(t.settings.split == "filtered" for t in plan.trainings(0.005, 1000, filtered=True))
    assert not any(t.settings.split == "filtered" for t in plan.trainings(0.005, 100, filtered=False))


@pytest.mark.parametrize(("seconds", "text"), [(4.4, "4 s"), (75, "1 min 15 s"), (3600 * 5 + 61, "5 h 01 min")])
def test_durations_are_said_in_words(seconds, text):
    assert estimate.duration(seconds) == text


def test_an_estimate_is_a_rate_times_a_count_after_the_start():
    work = plan.Step("", "tools.train", (), {"iteration of rcnn": 500, "clip of rcnn": 600})
    rates = {"iteration of rcnn": 0.5, "clip of rcnn": 0.01}
    assert estimate.seconds_of(work, rates) == estimate.START_SECONDS + 250 + 6


def test_a_run_is_trained_from_stage_to_stage_with_a_test_every_500_iterations_and_a_vote(tmp_path):
    training = plan.Training(Settings(net="rcnn", split="clip"), (500, 1500))
    steps = list(plan.steps_of_run(training, 100, tmp_path))
    assert [s.module for s in steps] == 2 * ["tools.train", "tools.vote"]
    assert [s.counts.get("iteration of rcnn") for s in steps] == [500, None, 1000, None]
    assert steps[2].counts["clip of rcnn"] == 4 * 100 * 15 / 5
    assert steps[3].counts["clip of rcnn"] == 100 * 15


def test_a_pass_is_measured_and_forward_and_back_take_about_twice_as_long_as_forward():
    forward, both = estimate.slowest_pass("complex_cnn", 4)
    assert 0 < 1.4 * forward < both


def step(module: str, *arguments: str, product: Path | None = None) -> plan.Step:
    return plan.Step(module, module, arguments, {}, product)


def test_a_step_that_fails_ends_the_plan_with_one_line(capfd, tmp_path):
    with pytest.raises(UserError, match="ended with status 2"):
        paper.run_step(step("tools.songs", str(tmp_path / "nowhere")))
    assert "nowhere" in capfd.readouterr().err


def test_a_step_is_done_when_its_vote_is_of_the_run_that_is_there(tmp_path):
    run, vote = tmp_path / "runs" / "song" / "rcnn", tmp_path / "summary.json"
    run.mkdir(parents=True)
    record = {key: kind() for key, kind in runs.KEYS.items()} | {"prototxt": dict.fromkeys(runs.PROTOTXT, "")}
    (run / "run.json").write_text(json.dumps({**record, "lmdb": {"test": {"path": "b", "sha256": "a", "records": 1}}}))
    assert not paper.is_done(step("tools.vote", product=vote))
    summary = {"run": str(run), "iteration": 500, "lmdb_sha256": {"test": "a"}, "caffemodel_sha256": "earlier"}

    def is_done(**changed: object) -> bool:
        vote.write_text(json.dumps({**summary, **changed}))
        return paper.is_done(step("tools.vote", product=vote))

    assert is_done()
    assert not is_done(lmdb_sha256={"test": "b"})
    assert not is_done(lmdb_sha256=None)
    for suffix in (".caffemodel", ".solverstate"):
        (run / f"rcnn_iter_500{suffix}").write_bytes(b"weights")
    snapshots.mark_whole(run, "rcnn", 500)
    assert not is_done()
    assert is_done(caffemodel_sha256=files.sha256_of(run / "rcnn_iter_500.caffemodel"))


@pytest.mark.parametrize("scale", ["0", "1.5", "0.0001"])
def test_a_scale_out_of_range_is_refused(tool, scale, tmp_path):
    done = tool("tools.paper", tmp_path, "--scale", scale)
    assert done.returncode == 2
    assert "SCALE=" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_plan_comes_first_with_an_estimate_for_every_step_and_runs_nothing(tool, synthetic_songs, tmp_path):
    done = tool("tools.paper", synthetic_songs, "--scale", "0.001", "--build", tmp_path / "build", "--plan")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    estimates = [line for line in lines if re.match(r"\s+\d+ (s|min|h)", line)]
    assert len([line for line in estimates if "train" in line]) >= 10
    assert "the page" in done.stdout
    assert estimates[-1].endswith("in all, as measured on this machine just now")
    assert "it needs full GTZAN" in done.stdout
    assert not (tmp_path / "build").exists()


def test_a_plan_can_be_for_full_gtzan_on_another_machine(tool, synthetic_songs, tmp_path):
    options = ("--build", tmp_path, "--plan", "--songs", 1000, "--cores", 8)
    there = tool("tools.paper", synthetic_songs, *options)
    assert there.returncode == 0, there.stderr
    assert "train rcnn, split filtered to 200,000" in there.stdout
    assert "1000 songs" in there.stdout
    assert "for a machine of 8 cores" in there.stdout
    assert "PFLOP" in there.stdout.splitlines()[-1]


def test_songs_and_cores_are_of_a_plan_alone(tool, synthetic_songs):
    done = tool("tools.paper", synthetic_songs, "--songs", 1000)
    assert done.returncode == 2
    assert "PLAN=1 beside it" in done.stderr


def test_an_interrupt_goes_to_the_tool_at_work_and_says_how_to_go_on(synthetic_songs, tmp_path):
    command = [sys.executable, "-m", "tools.paper", str(synthetic_songs), "--scale", "0.001"]
    child = subprocess.Popen(
        [*command, "--build", str(tmp_path / "build")],
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    for line in child.stdout:
        if line.startswith("[1/"):
            break
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=120)
    assert child.returncode == 130
    assert "the same command goes on" in said
    assert "Traceback" not in said


def test_every_step_of_the_plan_is_a_call_that_the_tools_understand(tmp_path):
    """A plan that names an option wrongly would be found out after hours."""
    steps = list(plan.steps_of(tmp_path, tmp_path, 100, list(plan.trainings(0.005, 100, filtered=True))))
    assert steps[-1].module == "tools.report"
    for call in steps:
        if call.module in ("tools.train", "tools.vote"):
            parser = cli.Parser()
            add_settings(parser)
            parser.add_argument("--iteration", type=int)
            args = parser.parse_args(call.arguments)
            stage = args.iteration or int(args.iters)
            folder = runs.run_folder(read_settings(args))
            assert call.product.parent == tmp_path / "votes" / folder.parent.name / f"{folder.name}@iter={stage}"
