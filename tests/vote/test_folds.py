"""Five folds voted as one are the songs of all five, each counted once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tools.cli import UserError
from tools.nets.predict import Prediction
from tools.songs import roots
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.vote import files
from tools.vote import folds as vote_folds
from tools.vote.count import collect_clips, hold_election, score


def write_fold(build: Path, fold: int, iteration: int = 1000, first_song: int | None = None) -> np.ndarray:
    """A vote on two songs a genre with random probabilities; returns which of its clips are right."""
    random = np.random.default_rng(fold)
    first = 2 * fold if first_song is None else first_song
    songs = [(genre, number) for genre in range(10) for number in (first, first + 1)]
    probabilities = random.dirichlet(np.ones(10), len(songs) * 15).astype(np.float32)
    labels = np.repeat([genre for genre, _ in songs], 15)
    probabilities[np.arange(len(labels)), labels] += random.random(len(labels)) < 0.4
    tracks = np.repeat([f"{GENRES[genre]}.{number:05d}" for genre, number in songs], 15)
    clips = collect_clips(
        {"test": Prediction(tracks, np.tile(np.arange(15), len(songs)), labels, probabilities)}, len(GENRES)
    )
    election = hold_election(clips, None)
    run = {
        "net": "rcnn",
        "dtype": "float",
        "seed": 1,
        "ranks": 2,
        "iteration": iteration,
        "run": f"a place before/{fold}",
    }
    name = "song" if fold == 0 else f"song-{fold}"
    summary = {**run, "caffemodel_sha256": str(fold), "genres": list(GENRES), "leaky": False, **score(clips, election)}
    (build / "votes" / name).mkdir(parents=True, exist_ok=True)
    files.write_votes(build / "votes" / name / "rcnn", clips, election, summary)
    return probabilities.argmax(axis=1) == labels


def write_records(build: Path, fingerprint: str, of_fold_0: dict) -> None:
    """The records of five runs in the build folder, which was another's when they were voted on."""
    record = {key: kind() for key, kind in runs.KEYS.items()} | {"prototxt": dict.fromkeys(runs.PROTOTXT, "")}
    record |= {"versions": {"caffe_package": runs.NATIVE}, "data_fingerprint": fingerprint}
    for fold in range(5):
        folder = build / "runs" / ("song" if fold == 0 else f"song-{fold}") / "rcnn"
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps({**record, **({} if fold else of_fold_0)}))


@pytest.fixture
def call(tmp_path, monkeypatch):
    def run(*options: object) -> dict:
        monkeypatch.setattr("sys.argv", ["vote_folds", "--net", "rcnn", "--build", str(tmp_path), *map(str, options)])
        vote_folds.main()
        return json.loads((tmp_path / "votes" / "song-folds" / "rcnn" / "summary.json").read_text())

    return run


def test_all_songs_are_counted_once(tmp_path, call):
    right = np.concatenate([write_fold(tmp_path, fold) for fold in range(5)])
    summary = call()
    assert (summary["songs"], summary["clips"], summary["leaky"]) == (100, 1500, False)
    assert summary["clip_accuracy"] == pytest.approx(right.mean())
    of_songs = right.reshape(100, 15).sum(axis=1)
    assert summary["song_accuracy"]["true_label"]["7"] == pytest.approx((of_songs >= 7).mean())


def test_a_fold_that_is_missing_is_named(tmp_path, call):
    for fold in (0, 1, 2, 4):
        write_fold(tmp_path, fold)
    with pytest.raises(UserError, match="FOLD=3"):
        call()


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_a_vote_that_was_changed_by_hand_is_not_counted(tmp_path, call):
    for fold in range(5):
        write_fold(tmp_path, fold)
    folder = tmp_path / "votes" / "song-3" / "rcnn"
    for name, change, words in (
        ("summary.json", with_another_seed, "has changed since it was written: .* vote again on fold 3"),
        ("clips.csv", by_one_label, "is not what summary.json was counted from: vote again"),
    ):
        whole = (folder / name).read_text()
        (folder / name).write_text(change(whole))
        with pytest.raises(UserError, match=f"song-3/rcnn/{name} {words}"):
            call()
        (folder / name).write_text(whole)
    assert call()["songs"] == 100


def with_another_seed(summary: str) -> str:
    return summary.replace('"seed": 1', '"seed": 2')


def by_one_label(clips: str) -> str:
    """clips.csv with a clip that was wrong made right."""
    lines = clips.splitlines()
    for number, line in enumerate(lines[1:], 1):
        track, clip, part, label, *shares = line.split(",")
        guessed = str(max(range(len(shares)), key=lambda label: float(shares[label])))
        if guessed != label:
            lines[number] = ",".join([track, clip, part, guessed, *shares])
            break
    return "\n".join([*lines, ""])


def test_folds_of_different_iterations_are_not_mixed(tmp_path, call):
    for fold in range(5):
        write_fold(tmp_path, fold, iteration=1000 + fold)
    with pytest.raises(UserError, match="differ in iteration"):
        call()


@pytest.mark.parametrize(
    ("of_fold_0", "said"),
    [
        ({"versions": {"caffe_package": "Debian bullseye"}}, "trained with .* and .*: train all folds with one"),
        ({"data_fingerprint": "synthetic songs"}, "trained on different songs"),
        ({}, None),
    ],
)
def test_folds_of_two_builds_of_caffe_or_of_two_data_sets_are_not_mixed(tmp_path, call, of_fold_0, said):
    for fold in range(5):
        write_fold(tmp_path, fold)
    write_records(tmp_path, "GTZAN", of_fold_0)
    if said is None:
        assert call()["songs"] == 100
        return
    with pytest.raises(UserError, match=said):
        call()


def test_folds_are_of_the_songs_that_are_named_or_refused(tmp_path, call, tiny_build, synthetic_songs):
    genres = tiny_build / "genres"
    for fold in range(5):
        write_fold(tmp_path, fold)
    with pytest.raises(UserError, match=r"runs/song/rcnn: no such run"):
        call("--data", genres)
    # A record may have the fingerprint of before
    write_records(tmp_path, roots.fingerprint(genres), {"data_fingerprint": roots.earlier_fingerprint(genres)})
    assert call("--data", genres)["songs"] == 100
    with pytest.raises(UserError, match=f"{synthetic_songs} holds other songs than .*rcnn was made of"):
        call("--data", synthetic_songs)


@pytest.mark.parametrize("split", ["clip", "inner"])
def test_another_split_is_refused(split, tool, tmp_path):
    seen = tool("tools.vote.folds", "--build", tmp_path, "--split", split)
    assert (seen.returncode, seen.stderr) == (
        2,
        f"vote_folds: SPLIT={split}: not every song is tested once: use SPLIT=song or artist\n",
    )


def test_a_song_in_two_folds_is_refused(tmp_path, call):
    for fold in range(5):
        write_fold(tmp_path, fold, first_song=0 if fold == 1 else None)
    with pytest.raises(UserError, match="two folds"):
        call()
