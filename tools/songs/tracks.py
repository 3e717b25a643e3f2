"""Songs and what a data root holds of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Track:
    """A song: ``track`` is its name, unique in its root, ``label`` its genre's place among the root's genres.

    ``artist`` and ``part`` are empty where they are not known.
    """

    track: str
    genre: str
    label: int
    path: Path
    artist: str = ""
    part: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A file or folder of the data root that is no song, and why. ``file`` is relative to the root and printable."""

    file: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """What a data root holds: ``root`` is where the genre folders lie, ``tracks`` are sorted by label, then name.

    ``alike`` maps the name of a song to that of the first song with the same bytes, for those that have one.
    """

    root: Path
    is_gtzan: bool
    genres: tuple[str, ...]
    tracks: list[Track]
    left_out: list[LeftOut] = field(default_factory=list)
    alike: dict[str, str] = field(default_factory=dict)
