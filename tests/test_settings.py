"""Each setting is defined once; equal values are equal; what differs from the defaults names LMDBs and runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from conftest import CHECKOUT
from hypothesis import given
from hypothesis import strategies as st

from tools import cli, settings
from tools.cli import UserError
from tools.settings import Settings, from_json, parse

NAMES = [each.name for each in fields(Settings)]


def read(*arguments: object) -> Settings:
    parser = cli.Parser()
    settings.add_settings(parser)
    return settings.read_settings(parser.parse_args(list(map(str, arguments))))


# --- texts to values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        ({"base_lr": ".5"}, {"base_lr": 0.5}),
        ({"base_lr": "1e-4"}, {"base_lr": 0.0001}),
        ({"dropout": "0.4"}, {"dropout": ((0, 0.4),)}),
        ({"dropout": "0.4 0.6@3000 0.7@6000"}, {"dropout": ((0, 0.4), (3000, 0.6), (6000, 0.7))}),
        ({"dropout": "0.4_0.6@3000"}, {"dropout": ((0, 0.4), (3000, 0.6))}),
        ({"genres": "pop metal pop"}, {"genres": ("metal", "pop")}),
        ({"genres": "pop, hip hop"}, {"genres": ("hip hop", "pop")}),
        ({"genres": '"hip hop" pop'}, {"genres": ("hip hop", "pop")}),
        ({"genres": '"Soul, Funk","say ""yes"" ", hip hop'}, {"genres": ("Soul, Funk", "hip hop", 'say "yes" ')}),
        ({"genres": '7" mixes, 12" mixes'}, {"genres": ('12" mixes', '7" mixes')}),
        ({"seed": " 3 "}, {"seed": 3}),
        ({"hosts": "my hosts"}, {"hosts": Path("my hosts")}),
        # no further than its name tells it
        ({"base_lr": "0.00123456789"}, {"base_lr": 0.00123457}),
        ({"lr_steps": "1.0000001 0.1@9"}, {"lr_steps": ((0, 1.0), (9, 0.1))}),
    ],
)
def test_a_text_is_read_as_the_value_that_it_means(texts, values):
    assert parse(texts) == Settings(**values)


@pytest.mark.parametrize("text", ["", "x", "0.4 0.6", "0.4@10", "0.4 0.6@5 0.7@5", "0.4 0.6@-1", "0.4 0.6@1.5", "1.5"])
def test_a_schedule_that_makes_no_sense_is_refused(text):
    with pytest.raises(UserError, match="^DROPOUT="):
        parse({"dropout": text})


@pytest.mark.parametrize(
    ("name", "text", "remedy"),
    [
        ("split", "album", "give song, clip, "),
        ("dtype", "double", "give float or int"),
        ("fold", "-1", "give a whole number from 0"),
        ("hop", "0", "give a whole number from 1"),
        ("hop", "1.5", "give a whole number from 1"),
        ("seed", "2147483648", "give a whole number from 0"),
        ("window", "9" * 5000, "give a whole number from 1 to 65536"),
        ("lstm_window", "131072", "give a whole number from 1 to 65536"),
        ("base_lr", "0", "give a number above 0 and below 1000"),
        ("base_lr", "nan", "give a number above 0 and below 1000"),
        ("base_lr", "inf", "give a number above 0 and below 1000"),
        ("input_scale", "1e-50", "give a number above 0 and below 1000"),
        ("dropout", "0.9999999999", "give a number from 0 and below 1, then VALUE@ITERATION for each change, in order"),
        (
            "dropout",
            "0.4 0.5@2147483648",
            "give a number from 0 and below 1, then VALUE@ITERATION for each change, in order",
        ),
        ("dropout", "1", "give a number from 0 and below 1, then VALUE@ITERATION for each change, in order"),
        ("dropout", "nan", "give a number from 0 and below 1, then VALUE@ITERATION for each change, in order"),
        ("dropout", "0.4 2@9", "give a number from 0 and below 1, then VALUE@ITERATION for each change, in order"),
        ("neurons", "5000", "give a whole number from 1 to 4096"),
        ("batch_norm", "2", "give 0 or 1"),
        ("net", "rcnn\0", "give the name of a folder of prototxt/"),
        ("net", "../rcnn", "give the name of a folder of prototxt/"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_one_line_that_names_it_and_what_is(name, text, remedy):
    with pytest.raises(UserError) as refused:
        parse({name: text})
    said = str(refused.value)
    assert said.startswith(f"{name.upper()}=")
    assert remedy in said
    assert said.isprintable()


@given(st.sampled_from([name for name in NAMES if name not in ("genres", "gpu", "hosts", "build")]), st.text())
def test_whatever_the_text_it_is_read_or_refused_in_one_line(name, text):
    try:
        parse({name: text})
    except UserError as refused:
        assert str(refused).startswith(f"{name.upper()}=")
        assert str(refused).isprintable()


def test_an_empty_option_counts_as_left_out():
    assert read("--seed", "", "--genres", "", "--net", "") == read()


def test_the_build_of_caffe_comes_from_the_environment_as_the_runtime_takes_it(monkeypatch):
    monkeypatch.delenv("CAFFE", raising=False)
    assert read().caffe == "stock"
    monkeypatch.setenv("CAFFE", "native")
    assert read().caffe == "native"


def test_every_setting_is_an_option_with_its_meaning_what_is_allowed_and_its_default():
    parser = cli.Parser()
    settings.add_settings(parser)
    said = " ".join(parser.format_help().split())
    for each in fields(Settings):
        assert f"--{each.name.replace('_', '-')} X" in said
        assert each.metadata["meaning"] in said
    assert "--hop X samples from one STFT window to the next: a whole number from 1 (default: 256)" in said


# --- values to names --------------------------------------------------------------------------------------------------

OWN = {"seed": 1, "batch": 64, "base_lr": 1e-4, "lr_steps": ((0, 1e-4),), "dropout": ((0, 0.4),), "pooling": "max"}


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({}, "rcnn"),
        ({"net": "lstm"}, "lstm"),
        ({"dtype": "int", "seed": "3"}, "rcnn@dtype=int,seed=3"),
        # in the order of settings.py, whatever that of the command line
        ({"genres": "pop metal", "batch": "8", "hop": "128"}, "rcnn@hop=128,batch=8,genres=metal_pop"),
        ({"dropout": "0.4 0.6@3000"}, "rcnn@dropout=0.4_0.6@3000"),
        ({"base_lr": "1e-3"}, "rcnn@base_lr=0.001"),
        # a default, the network's too, names nothing, however it is written
        ({"dtype": "float", "hop": "256", "overlap": "1", "fold": "0"}, "rcnn"),
        ({"seed": "1", "base_lr": ".0001", "dropout": ".40", "pooling": "max"}, "rcnn"),
        ({"genres": " ".join(settings.GTZAN_GENRES)}, "rcnn"),
        # how far and where
        ({"iters": "5", "ranks": "2", "gpu": "0", "jobs": "3", "build": "b", "caffe": "native", "hosts": "h"}, "rcnn"),
    ],
)
def test_a_run_is_named_by_what_differs_from_the_defaults(texts, name):
    assert parse(texts).run_name(OWN) == name


@pytest.mark.parametrize(
    ("texts", "folder"),
    [
        ({}, "song"),
        ({"split": "clip"}, "clip"),
        ({"fold": "3"}, "song-3"),
        ({"split": "inner", "fold": "2"}, "inner-2"),
        ({"fold": "3", "dtype": "int", "seed": "5", "neurons": "9", "input_scale": "0.5"}, "song-3"),
        ({"split": "clip", "genres": "rock,jazz", "hop": "128"}, "clip@hop=128,genres=jazz_rock"),
        ({"masked_copies": "2"}, "song@masked_copies=2"),
    ],
)
def test_lmdbs_are_named_by_what_differs_in_their_records(texts, folder):
    assert parse(texts).lmdb_folder == folder


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize(
    "genres",
    ["hip-hop/rap,rock", '"Soul, Funk",jazz', "../../x,y", "a\nb,c", ",".join(f"genre {n}" for n in range(90))],
)
def test_what_no_folder_can_be_called_is_named_by_its_hash(genres, tmp_path):
    given_, other = parse({"genres": genres}), parse({"genres": f"{genres},z"})
    for name, another in ((given_.lmdb_folder, other.lmdb_folder), (given_.run_name({}), other.run_name({}))):
        assert re.fullmatch(r"\w+@genres=[^/,\n]*~[0-9a-f]{8}", name)
        assert name != another
        (tmp_path / f".{name}@iter=1000000000@test=00000000.spool").mkdir()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_setting_says_that_it_names_it_names(name):
    """Its own folder, LMDBs and runs, runs alone, or nothing."""
    others = {"net": "lstm", "split": "clip", "fold": "3", "dtype": "int", "bands": "linear", "pooling": "ave"}
    others |= {
        "caffe": "native",
        "genres": "pop rock",
        "hosts": "h",
        "build": "b",
        "gpu": "0",
        "batch_norm": "1",
        "balanced": "1",
    }
    changed = parse({name: others.get(name, "7" if name not in ("dropout",) else "0.7")})
    names = {
        settings.FOLDER: name in ("split", "fold"),
        settings.LMDB: True,
        settings.RUN: False,
        settings.NOTHING: False,
    }
    what = next(each.metadata["names"] for each in fields(Settings) if each.name == name)
    assert (changed.lmdb_folder != Settings().lmdb_folder) == names[what]
    names |= {settings.FOLDER: name == "net", settings.RUN: True}
    assert (changed.run_name({}) != Settings().run_name({})) == names[what]


# --- run.json -------------------------------------------------------------------------------------------------------


def test_a_record_holds_every_setting_and_gives_it_back():
    given_ = parse(
        {
            "net": "lstm",
            "seed": "3",
            "dropout": "0.4",
            "lr_steps": "1e-4 1e-5@9",
            "genres": "pop,hip hop",
            "hosts": "h",
            "build": "my build",
        }
    )
    record = json.loads(json.dumps(given_.as_json()))
    assert list(record) == NAMES
    assert (record["dropout"], record["lr_steps"], record["genres"]) == (0.4, "0.0001 1e-05@9", ["hip hop", "pop"])
    assert (record["base_lr"], record["seed"], record["build"]) == (None, 3, "my build")
    assert from_json(record) == given_
    assert from_json(Settings().as_json()) == Settings()


@given(st.sets(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1)))
def test_genres_of_any_name_come_back_from_a_record_and_from_what_is_typed(names):
    given_ = Settings(genres=tuple(sorted(names)))
    assert from_json(json.loads(json.dumps(given_.as_json()))) == given_
    assert parse({"genres": settings.typed(given_.genres)}) == given_


def test_a_setting_that_an_older_record_lacks_has_its_default():
    record = Settings(seed=3).as_json()
    del record["overlap"]
    assert from_json(record) == Settings(seed=3)


# --- a new setting ----------------------------------------------------------------------------------------------------


def test_a_new_setting_is_an_option_a_name_and_in_the_record_once_settings_py_has_it(tmp_path):
    """In a copy of the checkout, by a line."""
    for part in ("tools", "prototxt"):
        shutil.copytree(CHECKOUT / part, tmp_path / part)
    file = tmp_path / "tools/settings.py"
    line = '    colour: int = setting(0, "the colour of the notes", int, LMDB, low=0)\n'
    file.write_text(file.read_text().replace("    overlap: int =", f"{line}    overlap: int =", 1))
    seen = """
import argparse, json
from pathlib import Path
from tools import cli, settings
from tools.convert.views import matrix_settings
from tools.nets.network import Network
parser = cli.Parser()
settings.add_settings(parser)
both = settings.read_settings(parser.parse_args(["--colour", "3", "--overlap", "2"]))
network = Network("rcnn")
print(json.dumps({"record": both.as_json()["colour"], "lmdb": both.lmdb_folder, "matrices": matrix_settings(both),
    "run": network.run_name(network.resolve(both)), "help": parser.format_help()}))
"""
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-c", seen]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert (said["record"], said["matrices"]["colour"]) == (3, 3)
    assert said["lmdb"] == "song@colour=3,overlap=2"
    assert said["run"] == "rcnn@colour=3,overlap=2"
    assert "the colour of the notes: a whole number from 0 (default: 0)" in " ".join(said["help"].split())


def test_the_makefile_has_the_name_of_every_setting():
    makefile = (CHECKOUT / "Makefile").read_text().replace("\\\n", " ")
    (listed,) = re.findall(r"^SETTINGS := (.*)", makefile, re.MULTILINE)
    assert [name.lower() for name in listed.split()] == NAMES
