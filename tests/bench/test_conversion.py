"""The plain loop makes what the conversion makes, so that their speeds can be compared."""

from __future__ import annotations

import pytest

from tools.bench import plain_loop
from tools.bench.conversion import largest_difference, link_songs, time_ours
from tools.cli import UserError
from tools.songs.roots import survey


def test_the_plain_loop_makes_the_same_records(small_build, synthetic_songs, tmp_path):
    assert plain_loop.convert(survey(synthetic_songs).tracks[::25], tmp_path / "plain") > 0
    # in single precision
    assert 0 < largest_difference(small_build, tmp_path / "plain") < 0.05


def test_links_stand_in_for_many_songs(synthetic_songs, tmp_path):
    link_songs(synthetic_songs, tmp_path / "genres", 120)
    tracks = survey(tmp_path / "genres").tracks
    assert len(tracks) == 120
    assert all(track.path.is_symlink() for track in tracks)


def test_the_time_and_the_memory_of_a_conversion_are_measured(synthetic_songs, tmp_path):
    link_songs(synthetic_songs, tmp_path / "genres", 20)
    seconds, megabytes = time_ours(tmp_path / "genres", tmp_path)
    assert (tmp_path / "lmdb" / "song" / "manifest.json").exists()
    # Python with NumPy alone takes tens of megabytes
    assert seconds > 0 and 20 < megabytes < 2000


def test_a_conversion_that_fails_is_named_with_its_last_word(tmp_path):
    with pytest.raises(UserError, match="^make_lmdb: .*nowhere"):
        time_ours(tmp_path / "nowhere", tmp_path)
