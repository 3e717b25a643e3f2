"""The same networks by clip, by song and by artist: what stands beside what."""

from __future__ import annotations

import csv
from dataclasses import replace
from operator import attrgetter

import numpy as np
import pytest

from tools import paths
from tools.report.collect import collect, collect_kept
from tools.report.records import Collection
from tools.report.splits import THREE, splits, three_figure, three_splits


@pytest.fixture(scope="module")
def kept() -> Collection:
    return collect_kept()


def test_a_row_has_each_split_s_share_and_its_mean_over_genres_as_the_clips_give_them(kept):
    rows = {row.values["network"]: row.values for row in three_splits(kept).rows}
    values = rows["Simple CNN"]
    for split in THREE.values():
        with (paths.OTHER_RESULTS / "votes" / split / "simple_cnn@iter=1000" / "clips.csv").open(newline="") as lines:
            clips = [clip for clip in csv.DictReader(lines) if clip["part"] == "test"]
        labels = np.array([int(clip["label"]) for clip in clips])
        picks = np.array([np.argmax([float(clip[f"p{k}"]) for k in range(7)]) for clip in clips])
        by_genre = [(picks[labels == genre] == genre).mean() for genre in range(7)]
        assert values[f"{split} clips"].value == pytest.approx((picks == labels).mean(), abs=1e-12)
        assert values[f"{split} genres"] == pytest.approx(np.mean(by_genre), abs=1e-12)


@pytest.mark.parametrize("split", ["song-folds", "artist-folds"])
def test_every_song_of_the_table_is_tested(kept, split):
    with (paths.OTHER_RESULTS / "songs.csv").open(newline="") as lines:
        songs = {row["path"].rsplit(".", 1)[0] for row in csv.DictReader(lines)}
    (vote,) = (vote for vote in kept.other_votes if (vote.net, vote.split) == ("lstm", split))
    assert set(vote.clips.tracks) == songs
    assert len(songs) == 157


def test_kept_songs_are_called_by_the_name_of_their_folder(kept):
    names = {kept.music_of(run.record["data_fingerprint"]) for run in (*kept.runs, *kept.other_runs)}
    assert names == {"gtzan-mini, 100 songs", "seven-genres, 157 songs"}


def test_without_a_vote_by_artist_there_is_no_row(tmp_path):
    assert three_splits(collect(tmp_path)).rows == []


@pytest.mark.parametrize("record", ["run.record", "summary"])
def test_a_vote_of_a_run_on_other_data_or_on_another_collection_stands_beside_none(record):
    kept = collect_kept()
    (vote,) = (vote for vote in kept.other_votes if (vote.net, vote.split) == ("simple_cnn", "clip"))
    key = "test_fingerprint" if record == "summary" else "data_fingerprint"
    attrgetter(record)(vote)[key] = "of other songs"
    (row,) = (row for row in three_splits(kept).rows if row.values["network"] == "Simple CNN")
    assert "clip" not in row.values
    assert row.values["song-folds"]


def test_every_seed_has_a_row(kept):
    rows = [row for row in splits(kept).rows if (row.values["split"], row.values["iteration"]) == ("song-folds", 1000)]
    named = [row.values["network"] for row in rows if "simple_cnn" in str(row.values["network"])]
    assert named == ["simple_cnn", "simple_cnn@seed=2", "simple_cnn@seed=3"]
    assert "SEED=3" in next(row.command for row in rows if row.values["network"] == "simple_cnn@seed=3")


def test_songs_are_those_that_a_plurality_of_their_clips_gets_right(kept):
    """Counted again from songs.csv, which has the plurality's own outcome."""
    (row,) = (row for row in three_splits(kept).rows if row.values["network"] == "Complex CNN")
    with (paths.OTHER_RESULTS / "votes/artist-folds/complex_cnn@iter=1000/songs.csv").open(newline="") as lines:
        right = [song["plurality"] == song["label"] for song in csv.DictReader(lines)]
    assert row.values["artist-folds songs"].value == pytest.approx(np.mean(right), abs=1e-12)


def test_a_network_trained_on_balanced_genres_says_so_and_stands_beside_its_own_votes_alone(kept):
    (row,) = (row for row in three_splits(kept).rows if "balanced" in str(row.values["network"]))
    assert row.values["network"] == "RCNN plus (ours), genres balanced"
    assert row.values.keys() >= set(THREE.values())
    assert row.command.count("lmdb train vote") == row.command.count(" BALANCED=1 ITERS=") == len(THREE)
    votes = [vote for vote in kept.other_votes if (vote.net, vote.split) == ("rcnn_plus", "song-folds")]
    unbalanced = [replace(vote, run=replace(vote.run, differences={})) for vote in votes]
    others = [vote for vote in kept.other_votes if vote not in votes]
    (row,) = (
        row
        for row in three_splits(replace(kept, other_votes=[*others, *unbalanced])).rows
        if "balanced" in str(row.values["network"])
    )
    assert "song-folds" not in row.values


def test_the_figure_says_of_how_many_songs_each_network_s_dots_are(kept):
    table = three_splits(kept)
    assert "The same 157 songs by clip" in three_figure(table)[0].caption
    table.rows[0].values["songs"] = 155  # as where the view of a network leaves out songs that are too short for it
    assert "The same 155 or 157 songs by clip" in three_figure(table)[0].caption
