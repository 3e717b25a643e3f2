"""A trained network votes on the songs of another data root, and training goes from a trained network."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from caffe.proto import caffe_pb2
from conftest import CHECKOUT

from tools.files import sha256_of

NET = "simple_cnn"
PLAIN = ("--net", NET, "--batch", 8, "--seed", 7)


@pytest.fixture(scope="module")
def trained(tool, tiny_build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a simple CNN after 2 iterations on jazz and rock."""
    build = tmp_path_factory.mktemp("other") / "build"
    build.mkdir()
    (build / "lmdb").symlink_to(tiny_build / "lmdb")
    result = tool("tools.train", *PLAIN, "--iters", 2, "--ranks", 1, "--build", build)
    assert result.returncode == 0, result.stderr
    (folder,) = (build / "runs" / "song").iterdir()
    return folder


@pytest.fixture(scope="module")
def voted(tool, trained: Path, tiny_build: Path) -> tuple[str, Path]:
    """What a vote on the songs that the run was made of says, by way of their audio, and its folder."""
    result = tool("tools.vote", "--run", trained, "--test", tiny_build / "genres")
    assert result.returncode == 0, result.stderr
    return result.stdout, folder_of(result)


def folder_of(result: subprocess.CompletedProcess) -> Path:
    return Path(result.stdout.splitlines()[-1].partition(": written to ")[2])


def rows_of(folder: Path, name: str = "clips.csv") -> list[dict[str, str]]:
    with (folder / name).open(newline="") as rows:
        return list(csv.DictReader(rows))


def test_songs_that_were_trained_on_are_named_and_not_counted(trained, voted):
    """Of the songs that the run was made of, those of its test part alone are left."""
    said, folder = voted
    assert said.count(": trained on, as ") == 8
    summary = json.loads((folder / "summary.json").read_text())
    assert folder.name == f"{trained.name}@test={summary['test_fingerprint'][:8]}"
    assert (summary["songs"], summary["clips"], summary["leaky"]) == (2, 30, False)
    trained_on = json.loads((trained / "trained_songs.json").read_text())
    assert not {row["track"] for row in rows_of(folder)} & set(trained_on)


def test_a_vote_that_is_ended_leaves_nothing_behind(trained, synthetic_songs, tmp_path):
    """Its matrices of the other songs, which may be of gigabytes."""
    build, run = tmp_path / "build", shutil.copytree(trained, tmp_path / "somebody's")
    command = [sys.executable, "-m", "tools.vote", "--run", run, "--test", synthetic_songs, "--build", build]
    process = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True)
    while not list(build.glob("*/spool/*.f32")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said.splitlines()[-1]) == (130, "vote: interrupted; the same command goes on from here")
    assert [path.name for path in build.iterdir()] in ([], ["cache"])


def test_the_votes_on_another_root_are_those_on_the_same_songs_in_an_lmdb(tool, trained, voted):
    """The two test songs, by way of their audio and by way of the LMDB: the same probabilities.

    But for the rounding of a sum: BLAS adds up in another order at another place of a batch.
    """
    assert tool("tools.vote", "--run", trained).returncode == 0
    by_audio, by_lmdb = rows_of(voted[1]), rows_of(voted[1].with_name(trained.name))
    assert len(by_audio) == len(by_lmdb) == 30
    for one, other in zip(by_audio, by_lmdb):
        assert (one["track"], one["clip"]) == (other["track"], other["clip"])
        assert float(one["p0"]) == pytest.approx(float(other["p0"]), abs=1e-6)


def test_genres_are_matched_by_name_and_others_are_left_out_by_name(tool, trained, synthetic_songs, tmp_path):
    """A library of three genres, two of which the network knows under other labels."""
    for genre in ("rock", "jazz", "polka"):
        (tmp_path / "music" / genre).mkdir(parents=True)
        source = synthetic_songs / (genre if genre != "polka" else "disco")
        for file in sorted(source.glob("*.wav")):
            shutil.copy(file, tmp_path / "music" / genre / f"My {file.name}")
    result = tool("tools.vote", "--run", trained, "--test", tmp_path / "music")
    assert result.returncode == 0, result.stderr
    assert "left out: polka: the network does not know these genres" in result.stdout
    labels = {row["track"].split("/")[0]: row["label"] for row in rows_of(folder_of(result), "songs.csv")}
    assert labels == {"jazz": "5", "rock": "9"}


def layers(model: Path) -> dict[str, np.ndarray]:
    net = caffe_pb2.NetParameter()
    net.ParseFromString(model.read_bytes())
    return {layer.name: np.array(layer.blobs[0].data, np.float32) for layer in net.layer if layer.blobs}


def test_songs_of_other_genres_alone_are_refused_and_those_that_would_do_are_named(
    tool, trained, synthetic_songs, tmp_path
):
    for genre in ("techno", "waltz"):
        (tmp_path / genre).mkdir()
        (tmp_path / genre / "a.wav").symlink_to(next((synthetic_songs / "jazz").iterdir()))
    result = tool("tools.vote", "--run", trained, "--test", tmp_path)
    assert result.returncode == 2
    assert re.search("no song there that this network can be tested on: name others of .*jazz.*rock", result.stderr)


def test_training_goes_from_the_weights_of_another_run_which_names_it(tool, trained):
    build = trained.parents[2]
    weights = trained / f"{NET}_iter_2.caffemodel"
    result = tool(
        "tools.train", *PLAIN, "--base-lr", 1e-9, "--weights", trained, "--iters", 1, "--ranks", 1, "--build", build
    )
    assert result.returncode == 0, result.stderr
    digits = sha256_of(weights)[:8]
    folder = build / "runs" / "song" / f"{NET}@seed=7,batch=8,base_lr=1e-09,weights={digits}"
    assert json.loads((folder / "run.json").read_text())["settings"]["weights"] == digits
    begun, ended = layers(weights), layers(folder / f"{NET}_iter_1.caffemodel")
    for name, values in begun.items():
        np.testing.assert_allclose(ended[name], values, atol=1e-5, err_msg=name)


def test_the_last_layer_begins_afresh_where_the_genres_are_others(trained, tmp_path):
    from tools.nets.network import Network
    from tools.train.weights import first_weights

    file = trained / f"{NET}_iter_2.caffemodel"
    net = Network(NET).train_val
    record = json.loads((trained / "run.json").read_text())
    for genres, kept in ((record["label_names"], True), (["a", "b"], False), (record["label_names"][::-1], False)):
        weights = caffe_pb2.NetParameter()
        weights.ParseFromString(first_weights(file, net, genres))
        names = {layer.name for layer in weights.layer}
        assert ("score" in names) == kept
        assert "conv1" in names
