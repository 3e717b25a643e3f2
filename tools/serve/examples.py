"""The songs that the page offers to try: those that the model was not trained on, with their true genre."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tools.classify.model import Model
from tools.songs import roots, splits
from tools.songs.tracks import Track


@dataclass(frozen=True)
class Examples:
    """Songs with a known genre, and what has to be known of them."""

    tracks: list[Track]
    note: str


def find_examples(model: Model, root: Path | None, build: Path | None = None) -> Examples:
    """The test part of a data root as the model's run divided it; none without a root.

    The note says where the songs are not as unheard as test songs should be. Raises UserError for a root that is none.
    """
    if root is None:
        return Examples([], "")
    survey = roots.survey(root)
    if not roots.is_of(root, model.run["data_fingerprint"], build):
        return Examples(survey.tracks, "songs of another collection than the one that this model was trained on")
    if model.settings.split in ("clip", "all"):
        songs, note = survey.tracks, "this model was trained on most clips of these songs"
    else:
        songs = splits.song_parts(survey, model.settings.split, model.settings.fold)["test"]
        note = "test songs: this model was not trained on them"
    genres = model.run["genres"]  # where it knows but some, the parts were still drawn over all
    return Examples([track for track in songs if track.genre in genres], note)
