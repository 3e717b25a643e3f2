"""Which clips are trained on where one genre has more of them than another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tools.convert.parts import balanced_clips
from tools.songs.tracks import Track


def test_balanced_clips_stand_as_often_as_any_other_of_their_genre_or_once_more():
    counts = {"jazz": 7, "rock": 3, "pop": 1}
    clips = [
        (Track(f"{genre}.{number}", genre, label, Path(genre)), 0)
        for label, (genre, count) in enumerate(counts.items())
        for number in range(count)
    ]
    drawn = Counter(balanced_clips(clips, "a name"))
    assert set(drawn) == set(clips)
    assert Counter(track.genre for track, _ in drawn.elements()) == dict.fromkeys(counts, 7)
    for genre, times in {"jazz": {1}, "rock": {2, 3}, "pop": {7}}.items():
        assert {drawn[clip] for clip in clips if clip[0].genre == genre} == times


def test_where_no_clip_is_usable_there_is_none_to_repeat():
    assert balanced_clips([], "a name") == []
