"""What is typed after `make` arrives as it was typed, and no step runs beside another.

In a folder with the Makefile and, in the place of the runtime, a script that writes down what it is asked to run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CHECKOUT

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here: the Makefile was not tried")

RUN = """#!/usr/bin/env python3
import json, os, sys, time
with open("calls", "a") as calls:
    began = time.monotonic()
    time.sleep(float(os.environ.get("SECONDS_A_CALL", 0)))
    entry = {"arguments": sys.argv[1:], "environment": dict(os.environ), "began": began, "ended": time.monotonic()}
    calls.write(json.dumps(entry) + "\\n")
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict]]:
    """Runs make, and returns every call of the runtime."""
    runtime = tmp_path / "tools" / "runtime"
    runtime.mkdir(parents=True)
    (runtime / "run").write_text(RUN)
    (runtime / "setup").write_text("#!/bin/sh\n")
    for script in runtime.iterdir():
        script.chmod(0o755)
    shutil.copy(CHECKOUT / "Makefile", tmp_path)
    for name in ("GTZAN", "DATA", "MAKEFLAGS", "CAFFE", "HOSTS", "STY", "VENDOR", "WINDOW", "HOST"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, **environment: str) -> list[dict]:
        command = ["make", "--no-print-directory", *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, env={**os.environ, **environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]

    return call


def value(call: dict, option: str) -> str:
    """What follows an option, which is there once."""
    (place,) = [n for n, argument in enumerate(call["arguments"]) if argument == option]
    return call["arguments"][place + 1]


SONGS = ["Ke$ha.flac", "$(shell touch made).flac", "`touch made`.wav", "a b'\"\\;&|*.mp3", "one\ntwo.wav", "${HOME} $$"]


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize("song", SONGS)
def test_a_song_is_called_what_it_is_called(song, make, tmp_path):
    (call,) = make("classify", f"SONG={song}")
    assert value(call, "--") == call["environment"]["SONG"] == song
    assert not (tmp_path / "made").exists()


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize("root", ["my $ongs", "$(shell touch made)", "a 'b'"])
def test_the_songs_come_from_the_command_line_or_the_environment_as_they_are(root, make, tmp_path):
    by_environment = make("lmdb", "train-rcnn", GTZAN=root)
    (tmp_path / "calls").unlink()
    by_command_line = make("lmdb", "train-rcnn", f"GTZAN={root}")
    for convert, train in (by_environment, by_command_line):
        assert convert["arguments"][:3] == ["-m", "tools.convert", root] or root in convert["arguments"]
        assert value(train, "--data") == root
        assert convert["environment"]["GTZAN"] == root
    assert not (tmp_path / "made").exists()


PATHS = ["GTZAN", "DATA", "TEST", "RUN", "MODEL", "WEIGHTS", "SONG", "KEEP", "HOSTS", "BUILD", "PNG", "CSV"]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_may_begin_with_the_home_folder_as_shells_leave_it_there(name, make):
    (call,) = make("check-data", f"{name}=~/my  $ongs~/~", HOME="/home/m$e", GTZAN="~/genres")
    there = {"DATA": "GTZAN", "MODEL": "RUN"}.get(name, name)
    assert call["environment"][there] == "/home/m$e/my  $ongs~/~"
    if there != "GTZAN":  # which comes from the environment there
        assert call["arguments"][-1] == "/home/m$e/genres"


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_typed_in_a_shell_that_puts_the_home_folder_there_and_in_one_that_does_not(shell, make, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    typed = ["make check-data DATA=~/Music", "make classify SONG=~/a.mp3 PNG=~", "make lmdb GENRES='~/a b' BUILD=a/~/b"]
    subprocess.run([shell, "-c", " && ".join(typed)], cwd=tmp_path, check=True)
    check, classify, _, lmdb = map(json.loads, (tmp_path / "calls").read_text().splitlines())
    assert check["arguments"][-1] == "/home/me/Music"
    assert (value(classify, "--"), value(classify, "--png")) == ("/home/me/a.mp3", "/home/me")
    assert (value(lmdb, "--genres"), value(lmdb, "--build")) == ("~/a b", "a/~/b")


@pytest.mark.parametrize("song", ["~", "~/a.mp3"])
def test_without_a_home_folder_it_is_left_as_it_is_typed(song, make, monkeypatch):
    """`tools/runtime/run` refuses it then."""
    monkeypatch.delenv("HOME")
    (call,) = make("classify", f"SONG={song}")
    assert value(call, "--") == song


def test_data_says_the_same_of_other_music_and_beats_gtzan_of_the_environment(make):
    for call in make("lmdb", "train-rcnn", "DATA=my $ongs.csv", GTZAN="genres"):
        assert "my $ongs.csv" in call["arguments"]
        assert "genres" not in call["arguments"]


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_data_and_gtzan_both_typed_are_refused(make):
    with pytest.raises(AssertionError, match="DATA= and GTZAN= both name the songs: give one of them"):
        make("lmdb", "DATA=a", "GTZAN=b")


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize("typed", ["ITER=500", "iters=500", "SPLITS=clip", "settings="])
def test_a_mistyped_name_is_refused_not_passed_over(typed, make):
    name = typed.partition("=")[0]
    with pytest.raises(AssertionError, match=f"{name}= is no setting: make and tools/README.md list them"):
        make("train-rcnn", typed)


def test_what_a_terminal_program_exports_is_no_setting_and_what_the_user_exports_is(make):
    of_screen = {"STY": "1.pts", "WINDOW": "3"}
    of_tcsh = {"VENDOR": "unknown", "HOST": "box"}
    for call in make("lmdb", "serve", **of_screen, **of_tcsh):
        assert not {"--window", "--host"} & set(call["arguments"])
    *_, lmdb, serve = make("lmdb", "serve", "WINDOW=512", "HOST=0.0.0.0", **of_screen, **of_tcsh)
    assert (value(lmdb, "--window"), value(serve, "--host")) == ("512", "0.0.0.0")
    *_, lmdb, serve = make("lmdb", "serve", WINDOW="256", HOST="::")
    assert (value(lmdb, "--window"), value(serve, "--host")) == ("256", "::")


def test_without_songs_none_are_named_to_train_and_vote(make):
    for call in make("train-rcnn", "vote", "vote-folds"):
        assert "--data" not in call["arguments"]


def test_every_setting_goes_to_the_tools_as_it_is_typed(make):
    typed = {"SPLIT": "inner", "FOLD": "2", "LR_STEPS": "1e-4 1e-5@9", "GENRES": "hip hop,p$p", "BUILD": "my build"}
    for call in make("lmdb", "train-complex", "vote", "vote-folds", *(f"{k}={v}" for k, v in typed.items())):
        if "tools.songs.synthetic" in call["arguments"]:
            continue
        for name, text in typed.items():
            assert value(call, f"--{name.lower().replace('_', '-')}") == text


def test_the_clips_vote_by_the_network_that_is_trained(make):
    (_, _, train, vote) = make("lmdb", "train-lstm", "vote")
    assert value(train, "--net") == value(vote, "--net") == "lstm"


def test_so_does_a_song_but_what_takes_no_settings_is_left_alone(make):
    calls = make("train-lstm", "classify", "paper", "SONG=a.wav")
    classify, paper = (
        next(call for call in calls if tool in call["arguments"]) for tool in ("tools.classify", "tools.paper")
    )
    assert value(classify, "--net") == "lstm"
    assert "--net" not in paper["arguments"]


@pytest.mark.parametrize("also", ["RUN=some/run", "MODEL=some/run", "train-song"])
def test_but_not_where_a_run_is_named_or_two_are_trained(also, make):
    (vote,) = (call for call in make("train-lstm", "vote", also) if "tools.vote" in call["arguments"])
    assert "--net" not in vote["arguments"]


def test_a_run_is_named_to_vote_and_classify_by_the_same_word(make):
    vote, classify = make("vote", "classify", "RUN=build/runs/song/r$1", "SONG=a.wav", "ITERATION=500")
    for call in (vote, classify):
        assert value(call, "--run") == "build/runs/song/r$1"
        assert value(call, "--iteration") == "500"


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("repeat", "NET= beside RUN=r: a run has its own settings"),
        ("paper", "NET= is none of make paper's"),
        ("bench", "NET= is none of make bench's"),
        ("gpu-check", "NET= is none of make gpu-check's"),
    ],
)
def test_a_setting_is_refused_where_the_tool_has_no_settings(target, words, make):
    if target != "bench":  # which is a script of its own
        make(target, "RUN=r", "CAFFE=native", "BUILD=b")
    with pytest.raises(AssertionError, match=f"{target}: {words}"):
        make(target, "RUN=r", "NET=lstm")


@pytest.mark.parametrize("target", ["classify", "serve", "robustness"])
def test_what_listens_to_songs_gets_run_and_settings(target, make):
    *_, call = make(target, "SONG=a.wav", "NET=lstm", "FOLD=2", "BUILD=my build")
    assert [value(call, option) for option in ("--net", "--fold", "--build")] == ["lstm", "2", "my build"]


@pytest.mark.parametrize("target", ["classify", "serve", "robustness", "vote", "repeat"])
def test_model_is_a_second_name_of_run(target, make):
    *_, call = make(target, "SONG=a.wav", "MODEL=r$1")
    assert call["environment"]["RUN"] == "r$1"
    assert "r$1" in call["arguments"]
    with pytest.raises(AssertionError, match="RUN= and MODEL= both name the run: give one of them"):
        make(target, "SONG=a.wav", "MODEL=r", "RUN=s")


def test_the_demo_is_of_synthetic_songs_whatever_music_is_named(make):
    calls = make("demo", "DATA=my music", GTZAN="genres")
    assert not any({"my music", "genres"} & set(call["arguments"]) for call in calls)
    assert {value(call, "--build") for call in calls if "--build" in call["arguments"]} == {"build/demo"}


def test_train_alone_trains_all_six_networks_in_turn(make):
    from tools.nets.network import NETS

    assert [value(call, "--net") for call in make("train")] == list(NETS)


@pytest.mark.parametrize("flags", [{"MAKEFLAGS": "-j4"}, {}])
def test_no_step_runs_beside_another(flags, make):
    calls = make(*([] if flags else ["-j4"]), "lmdb", "train-rcnn", "vote", "report", SECONDS_A_CALL="0.2", **flags)
    modules = [call["arguments"][2] for call in calls]
    assert modules == ["tools.songs.synthetic", "tools.convert", "tools.train", "tools.vote", "tools.report"]
    for earlier, later in zip(calls, calls[1:]):
        assert earlier["ended"] <= later["began"]


def help_lines() -> list[str]:
    return subprocess.run(["make"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_help_fits_a_screen():
    assert len(help_lines()) < 40
    assert max(map(len, help_lines())) <= 100


def test_help_names_every_target():
    known = subprocess.run(["make", "-pn", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
    targets = set(re.search(r"^\.PHONY: (.*)$", known, re.MULTILINE)[1].split())
    assert len(targets) > 30
    assert targets - set(re.findall("[a-z-]+", "\n".join(help_lines()))) <= {"help", "synthetic"}
