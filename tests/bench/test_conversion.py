"""The plain loop makes what the conversion makes, so that their speeds can be compared."""

from __future__ import annotations

from tools.bench import plain_loop
from tools.bench.conversion import check_same, link_songs
from tools.songs.roots import find_tracks


def test_the_plain_loop_makes_the_same_records(small_build, synthetic_songs, tmp_path):
    assert plain_loop.convert(find_tracks(synthetic_songs)[::25], tmp_path / "plain") > 0
    # in single precision
    assert 0 < check_same(small_build, tmp_path / "plain") < 0.05


def test_links_stand_in_for_many_songs(synthetic_songs, tmp_path):
    link_songs(synthetic_songs, tmp_path / "genres", 120)
    tracks = find_tracks(tmp_path / "genres")
    assert len(tracks) == 120
    assert all(track.path.is_symlink() for track in tracks)
