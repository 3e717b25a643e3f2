"""The words in which a verdict is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.classify.output import LONGEST_NAME, Heard, table, tell
from tools.classify.verdict import judge

NAMES = [("blues", "rock"), ("chamber music of the baroque", "Drum & Bass")]


def heard(genres: tuple[str, ...], path: str = "song.mp3") -> Heard:
    """A song whose 15 clips vote for the first genre."""
    return Heard(Path(path), 30, judge(genres, np.tile([0.75, 0.25], (15, 1)), 2))


@pytest.mark.parametrize("genres", NAMES)
def test_numbers_of_one_song_stand_under_their_heads(genres):
    head, first, second = tell(heard(genres)).splitlines()[3:6]
    end = head.index("votes") + len("votes")
    assert (first[:end].split()[-1], second[:end].split()[-1]) == ("15", "0")
    assert first[head.index("mean") :].startswith("0.750")


@pytest.mark.parametrize("genres", NAMES)
def test_the_columns_of_several_songs_stand_under_their_heads(genres):
    head, row, _ = table([heard(genres)] * 2).splitlines()
    assert row[head.index("genre") :].startswith(genres[0])
    assert row[: head.index("votes") + len("votes")].endswith("15 of 15")
    assert row[head.index("by mean") :].startswith(f"{genres[0]} 0.75")
    assert len(row) == len(head)


def test_several_songs_are_named_from_the_folder_that_holds_them_all():
    names = ["/music/Ana/Hits/01 Intro.mp3", "/music/Bo/01 Intro.mp3", f"/music/{'very ' * 20}long/01 Intro.mp3"]
    _, *rows = table([heard(NAMES[0], name) for name in names]).splitlines()
    said = [row[:LONGEST_NAME].rstrip() for row in rows]
    assert said[:2] == ["Ana/Hits/01 Intro.mp3", "Bo/01 Intro.mp3"]
    assert said[2].startswith("very very")
    assert said[2].endswith("long/01 Intro.mp3")
    assert len(said[2]) == LONGEST_NAME
    _, one, _ = table([heard(NAMES[0], "/music/Ana/a.mp3"), heard(NAMES[0], "/music/Ana/b.mp3")]).splitlines()
    assert one.startswith("a.mp3 ")
