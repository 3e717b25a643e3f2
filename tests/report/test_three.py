"""The same networks by clip, by song and by artist: what stands beside what."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tools import paths
from tools.report.collect import collect, collect_kept
from tools.report.records import Collection
from tools.report.three import SPLITS, three_splits


@pytest.fixture(scope="module")
def kept() -> Collection:
    return collect_kept()


def test_a_row_has_each_split_s_share_and_its_mean_over_genres_as_the_clips_give_them(kept):
    rows = {row.values["network"]: row.values for row in three_splits(kept).rows}
    values = rows["Simple CNN"]
    for split in SPLITS:
        with (paths.OTHER_RESULTS / "votes" / split / "simple_cnn@iter=1000" / "clips.csv").open(newline="") as lines:
            clips = [clip for clip in csv.DictReader(lines) if clip["part"] == "test"]
        labels = np.array([int(clip["label"]) for clip in clips])
        picks = np.array([np.argmax([float(clip[f"p{k}"]) for k in range(7)]) for clip in clips])
        by_genre = [(picks[labels == genre] == genre).mean() for genre in range(7)]
        assert values[split].value == pytest.approx((picks == labels).mean(), abs=1e-12)
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
