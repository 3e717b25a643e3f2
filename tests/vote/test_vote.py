"""What a vote writes is what its own clips.csv implies, counted again in plain Python; what is amiss is named."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import small_run
from conftest import call_module

from tools.cli import UserError
from tools.nets.predict import Prediction
from tools.songs.gtzan import GENRES
from tools.vote.count import collect_clips, hold_election
from tools.vote.files import write_votes
from tools.vote.rules import wilson_interval

FILES = ("clips.csv", "songs.csv", "confusion.csv", "summary.json")


def vote(build: Path, *options: object, name: str = small_run.RUN, split: str = "song"):
    return call_module("tools.vote", "--run", build / "runs" / split / name, *options)


def votes_of(build: Path, split: str = "song", name: str = small_run.RUN) -> Path:
    return build / "votes" / split / name


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def make_build(
    tmp_path_factory: pytest.TempPathFactory, name: str, iterations: tuple[int, ...] = (60,), **data
) -> Path:
    build = tmp_path_factory.mktemp(name) / "build"
    parts = small_run.write_lmdbs(build, **data)
    named = {key: data[key] for key in ("split", "view", "dtype") if key in data}
    small_run.train(build, parts, iterations=iterations, **named)
    return build


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Path:
    """A build folder with a small run under split song, voted on."""
    build = make_build(tmp_path_factory, "song", iterations=(20, 60))
    voted = vote(build)
    assert voted.returncode == 0, voted.stderr
    return build


@pytest.fixture(scope="module")
def leaky_build(tmp_path_factory) -> Path:
    """The same under split clip."""
    build = make_build(tmp_path_factory, "clip", split="clip")
    voted = vote(build, split="clip")
    assert voted.returncode == 0, voted.stderr
    assert "leaky" in voted.stdout
    return build


def argmax(values: list[float]) -> int:
    return max(range(len(values)), key=lambda k: (values[k], -k))


def probabilities(clip: dict[str, str]) -> list[float]:
    return [float(clip[f"p{k}"]) for k in range(10)]


class Recount:
    """An election held again from clips.csv alone."""

    def __init__(self, clips: list[dict[str, str]]) -> None:
        self.songs: dict[str, list[dict[str, str]]] = {}
        for clip in clips:
            self.songs.setdefault(clip["track"], []).append(clip)
        self.labels = {track: int(clips[0]["label"]) for track, clips in self.songs.items()}
        self.votes = {
            track: Counter(argmax(probabilities(clip)) for clip in clips) for track, clips in self.songs.items()
        }
        self.means = {
            track: [sum(column) / len(clips) for column in zip(*map(probabilities, clips))]
            for track, clips in self.songs.items()
        }

    def plurality(self, track: str, threshold: int) -> int | None:
        winner = max(range(10), key=lambda k: (self.votes[track][k], self.means[track][k]))
        return winner if self.votes[track][winner] >= threshold else None

    def share(self, right) -> float:
        return sum(right(track) for track in self.songs) / len(self.songs)

    def song_accuracy(self, thresholds: tuple[int, ...]) -> dict:
        return {
            "true_label": {
                str(t): self.share(lambda track, t=t: self.votes[track][self.labels[track]] >= t) for t in thresholds
            },
            "plurality": {
                str(t): self.share(lambda track, t=t: self.plurality(track, t) == self.labels[track])
                for t in (1, *thresholds)
            },
            "mean_probability": self.share(lambda track: argmax(self.means[track]) == self.labels[track]),
        }


@pytest.mark.parametrize(("fixture", "split"), [("build", "song"), ("leaky_build", "clip")])
def test_the_summary_is_what_its_own_clips_imply(fixture, split, request):
    folder = votes_of(request.getfixturevalue(fixture), split)
    clips, summary = table(folder / "clips.csv"), json.loads((folder / "summary.json").read_text())
    recount, tested = Recount(clips), [clip for clip in clips if clip["part"] == "test"]
    assert summary["clips"] == len(tested) == 150
    assert summary["songs"] == len(recount.songs)
    right = [argmax(probabilities(clip)) == int(clip["label"]) for clip in tested]
    assert summary["clip_accuracy"] == pytest.approx(sum(right) / len(right), abs=1e-12)
    assert summary["song_accuracy"] == recount.song_accuracy((5, 7, 8))
    assert summary["clip_interval"][0] < summary["clip_accuracy"] < summary["clip_interval"][1]


@pytest.mark.parametrize(("fixture", "split"), [("build", "song"), ("leaky_build", "clip")])
def test_songs_csv_is_what_clips_csv_implies(fixture, split, request):
    folder = votes_of(request.getfixturevalue(fixture), split)
    recount = Recount(table(folder / "clips.csv"))
    for row in table(folder / "songs.csv"):
        track = row["track"]
        winner = recount.plurality(track, 5)
        assert int(row["label"]) == recount.labels[track] == GENRES.index(track.split(".")[0])
        assert [int(row[f"v{k}"]) for k in range(10)] == [recount.votes[track][k] for k in range(10)]
        assert row["plurality"] == ("undecided" if winner is None else str(winner))
        assert row["mean_probability"] == str(argmax(recount.means[track]))
    assert {row["track"] for row in table(folder / "songs.csv")} == set(recount.songs)


def test_confusion_columns_are_the_outcomes_of_the_test_clips_of_a_genre(leaky_build):
    folder = votes_of(leaky_build, "clip")
    tested = [clip for clip in table(folder / "clips.csv") if clip["part"] == "test"]
    rows = table(folder / "confusion.csv")
    assert [row["outcome"] for row in rows] == list(GENRES)
    for label, genre in enumerate(GENRES):
        outcomes = [argmax(probabilities(clip)) for clip in tested if int(clip["label"]) == label]
        for outcome, row in enumerate(rows):
            assert float(row[genre]) == pytest.approx(outcomes.count(outcome) / len(outcomes), abs=1e-12)


def test_the_songs_of_split_song_are_the_test_songs_by_all_their_clips(build):
    folder = votes_of(build)
    clips = [(clip["track"], int(clip["clip"]), clip["part"]) for clip in table(folder / "clips.csv")]
    assert clips == [(f"{genre}.00000", clip, "test") for genre in GENRES for clip in range(15)]
    assert json.loads((folder / "summary.json").read_text())["leaky"] is False


def test_the_songs_of_split_clip_are_voted_on_by_all_their_clips_and_said_to_leak(leaky_build):
    folder = votes_of(leaky_build, "clip")
    clips = table(folder / "clips.csv")
    assert set(Counter(clip["track"] for clip in clips).values()) == {15}
    tested = {clip["track"] for clip in clips if clip["part"] == "test"}
    assert tested == {clip["track"] for clip in clips}
    assert any(clip["part"] == "train" for clip in clips)
    assert json.loads((folder / "summary.json").read_text())["leaky"] is True


def test_the_summary_names_its_run_and_gives_an_interval_for_every_share(build):
    summary = json.loads((votes_of(build) / "summary.json").read_text())
    described = {key: summary[key] for key in ("net", "split", "dtype", "seed", "ranks", "iteration")}
    assert described == {"net": "small", "split": "song", "dtype": "float", "seed": 1, "ranks": 1, "iteration": 60}
    for rule in ("true_label", "plurality"):
        for threshold, share in summary["song_accuracy"][rule].items():
            low, high = summary["song_interval"][rule][threshold]
            assert 0 <= low <= share <= high <= 1
    low, high = summary["song_interval"]["mean_probability"]
    assert low <= summary["song_accuracy"]["mean_probability"] <= high


def test_a_second_vote_says_in_its_last_line_what_was_reached_and_writes_the_same_bytes(build):
    before = {name: (votes_of(build) / name).read_bytes() for name in FILES}
    voted = vote(build)
    assert voted.returncode == 0
    accuracy = json.loads(before["summary.json"])
    clips, songs = accuracy["clip_accuracy"], accuracy["song_accuracy"]["plurality"]["5"]
    reached = f"{100 * clips:.2f}% of clips, {100 * songs:.2f}% of songs by 5 votes right"
    assert voted.stdout.splitlines()[-1] == f"{reached}: written to {votes_of(build)}"
    assert {name: (votes_of(build) / name).read_bytes() for name in FILES} == before
    assert [path.name for path in votes_of(build).parent.glob(".*") if path.is_dir()] == []


def test_an_iteration_asked_for_has_a_folder_of_its_own_and_other_weights(build):
    assert vote(build, "--iteration", 20).returncode == 0
    early = votes_of(build, name="small@iter=20")
    assert json.loads((early / "summary.json").read_text())["iteration"] == 20
    assert (early / "clips.csv").read_bytes() != (votes_of(build) / "clips.csv").read_bytes()


def test_thresholds_asked_for_take_the_place_of_the_papers(tmp_path_factory):
    build = make_build(tmp_path_factory, "thresholds")
    assert vote(build, "--threshold", 9, 3).returncode == 0
    folder = votes_of(build)
    recount = Recount(table(folder / "clips.csv"))
    assert json.loads((folder / "summary.json").read_text())["song_accuracy"] == recount.song_accuracy((3, 9))
    for row in table(folder / "songs.csv"):
        winner = recount.plurality(row["track"], 3)
        assert row["plurality"] == ("undecided" if winner is None else str(winner))


def test_thirty_clips_a_song_are_voted_on_with_10_14_and_16(tmp_path_factory):
    build = make_build(tmp_path_factory, "thirty", view="lstm", clips_a_song=30)
    assert vote(build).returncode == 0
    recount = Recount(table(votes_of(build) / "clips.csv"))
    summary = json.loads((votes_of(build) / "summary.json").read_text())
    assert summary["song_accuracy"] == recount.song_accuracy((10, 14, 16))


def test_songs_of_one_clip_have_no_vote_but_an_accuracy_over_songs(tmp_path_factory):
    build = make_build(tmp_path_factory, "whole", view="song", clips_a_song=1)
    voted = vote(build)
    assert voted.returncode == 0
    assert re.search(r"\n[\d.]+% of clips right: written to [^\n]+\n$", voted.stdout)
    summary = json.loads((votes_of(build) / "summary.json").read_text())
    assert summary["song_accuracy"] is None
    assert summary["clips"] == summary["songs"] == 10
    songs = table(votes_of(build) / "songs.csv")
    right = sum(song["plurality"] == song["label"] for song in songs)
    assert summary["clip_accuracy"] == right / 10
    assert summary["clip_interval"] == wilson_interval(right, 10)


def test_a_subset_of_the_genres_keeps_the_ten_labels_and_leaves_columns_of_zeros(tmp_path_factory):
    build = make_build(tmp_path_factory, "subset", genres=("classical", "rock"), dtype="int")
    (build / "runs/song/small").rename(build / "runs/song/small@dtype=int")
    assert vote(build, name="small@dtype=int").returncode == 0
    rows = table(votes_of(build, name="small@dtype=int") / "confusion.csv")
    sums = {genre: sum(float(row[genre]) for row in rows) for genre in GENRES}
    assert sums == pytest.approx({genre: float(genre in ("classical", "rock")) for genre in GENRES})


def one_line(done, *words: str) -> bool:
    lines = done.stderr.strip().splitlines()
    return done.returncode == 2 and len(lines) == 1 and all(word in lines[0] for word in ("vote: ", *words))


@pytest.mark.parametrize("threshold", [0, 16])
def test_a_threshold_out_of_range_ends_in_one_line(build, threshold):
    assert one_line(vote(build, "--threshold", threshold), f"--threshold {threshold}", "1 to 15")


def test_an_iteration_that_is_not_there_ends_in_one_line_that_names_those_that_are(build):
    assert one_line(vote(build, "--iteration", 30), "iteration 30", "20, 60")


def test_a_run_that_is_not_there_ends_in_one_line(build):
    assert one_line(vote(build, name="other"), "runs/song/other", "make train")


def test_weights_of_another_net_end_in_one_line_and_leave_the_earlier_vote(tmp_path_factory):
    build = make_build(tmp_path_factory, "wrong")
    assert vote(build).returncode == 0
    before = (votes_of(build) / "summary.json").read_bytes()
    for file in ("deploy.prototxt", "run.json"):
        file = build / "runs/song/small" / file
        file.write_text(file.read_text().replace("num_output: 4", "num_output: 5"))
    assert one_line(vote(build), "small_iter_60.caffemodel", "another network's")
    assert (votes_of(build) / "summary.json").read_bytes() == before


def test_a_network_that_takes_the_input_in_otherwise_than_it_was_trained_is_refused(tmp_path_factory):
    build = make_build(tmp_path_factory, "shifted")
    deploy = build / "runs/song/small/deploy.prototxt"
    deploy.write_text(deploy.read_text().replace("shift: -128", "shift: 0"))
    assert one_line(vote(build), "deploy.prototxt is not the network that was trained")
    assert not votes_of(build).exists()


def test_an_lmdb_made_anew_with_other_songs_is_refused(tmp_path_factory):
    build = make_build(tmp_path_factory, "changed")
    lmdb = build / "lmdb/song/cnn_float_test_lmdb"
    lmdb.rename(lmdb.with_name("aside"))
    small_run.write_lmdb(lmdb, small_run.draw_clips(1, 15, "float")[::-1])
    assert one_line(vote(build), "cnn_float_test_lmdb", "not the one")


def test_an_lmdb_that_is_gone_ends_in_one_line(tmp_path_factory):
    build = make_build(tmp_path_factory, "gone")
    (build / "lmdb/song/cnn_float_test_lmdb").rename(build / "aside")
    assert one_line(vote(build), "cnn_float_test_lmdb", "make lmdb")


def test_a_clip_that_balanced_genres_train_on_more_often_votes_once():
    """Split clip lets train clips vote too. A test clip that stands there twice is no such clip, and is refused."""
    probabilities = np.eye(10, dtype=np.float32)[[0, 0, 0, 1, 9]]
    songs = np.array(["blues.00000"] * 4 + ["rock.00000"])
    trained = Prediction(songs, np.array([2, 0, 2, 1, 1]), np.array([0, 0, 0, 0, 9]), probabilities)
    tested = Prediction(songs[[0, 4, 4]], np.array([3, 0, 2]), np.array([0, 9, 9]), probabilities[[1, 4, 4]])
    voters = collect_clips({"train": trained, "test": tested}, len(GENRES))
    assert voters.clips.tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert voters.predicted.tolist() == [0, 1, 0, 0, 9, 9, 9]
    twice = Prediction(songs[[0, 0, 4]], np.array([3, 3, 0]), np.array([0, 0, 9]), probabilities[[1, 1, 4]])
    with pytest.raises(UserError, match="make lmdb"):
        hold_election(collect_clips({"test": twice}, len(GENRES)), None)


def test_a_vote_that_fails_while_writing_leaves_the_earlier_one_whole(tmp_path):
    folder = tmp_path / "votes" / "small"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text("earlier")
    songs, clips = ["blues.00000", "rock.00000"], range(2)
    probabilities = np.full((4, 10), 0.1, np.float32)
    predicted = Prediction(np.repeat(songs, 2), np.tile(clips, 2), np.repeat([0, 9], 2), probabilities)
    voters = collect_clips({"test": predicted}, len(GENRES))
    with pytest.raises(TypeError):
        write_votes(folder, voters, hold_election(voters, None), {"genres": GENRES, "not for JSON": object()})
    assert (folder / "summary.json").read_text() == "earlier"
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == ["small"]


def test_a_trained_network_votes_on_songs_and_on_no_others(tiny_build, synthetic_songs, tmp_path):
    (tmp_path / "lmdb").symlink_to(tiny_build / "lmdb")
    named, songs = ["--net", "simple_cnn", "--build", tmp_path, "--batch", 8], tiny_build / "genres"
    trained = call_module("tools.train", *named, "--ranks", 1, "--iters", 1, "--data", songs)
    assert trained.returncode == 0, trained.stderr
    other = call_module("tools.vote", *named, "--data", synthetic_songs)
    assert one_line(other, f"{synthetic_songs} holds other songs than")
    assert call_module("tools.vote", *named, "--data", songs).returncode == 0
    summary = json.loads((votes_of(tmp_path, name="simple_cnn@batch=8") / "summary.json").read_text())
    assert (summary["net"], summary["clips"], summary["songs"]) == ("simple_cnn", 30, 2)


@pytest.mark.parametrize(("option", "value"), [("--net", "lstm"), ("--seed", 3), ("--fold", 1), ("--iters", 5)])
def test_a_setting_beside_a_run_is_refused(option, value, build):
    done = vote(build, option, value)
    assert one_line(done, f"{option[2:].upper()}= beside RUN={build}", "leave one of the two out")
