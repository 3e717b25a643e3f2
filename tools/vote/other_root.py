"""The songs of another data root, for a trained network to vote on: what the field calls cross-collection testing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools import files
from tools.cli import UserError, printable
from tools.convert.extract import Outcome, Spool, extract
from tools.convert.lmdbs import short_name
from tools.convert.views import VIEWS
from tools.convert.writing import write_lmdbs
from tools.settings import Settings
from tools.songs import roots
from tools.songs.tracks import Track
from tools.train.prepare import SONGS_FILE


@contextmanager
def test_lmdb(root: Path, run: Path, record: dict[str, Any], settings: Settings, aside: Path) -> Iterator[Path]:
    """An LMDB of the songs of ``root``, labelled as the run labels their genres; it is made in ``aside``, for a while.

    Songs of genres that the run does not know, and songs that it was trained on, are named and left out.
    UserError where none is left.
    """
    survey = roots.survey(root)
    genres = record["genres"]
    known = [track for track in survey.tracks if track.genre in genres]
    unknown = sorted(set(survey.genres) - set(genres))
    if unknown:
        print(f"left out: {printable(', '.join(unknown))}: the network does not know these genres")
    view = VIEWS[record["view"]]
    spool = Spool(aside / "spool", settings, (view,))
    spool.open(str(root))
    outcomes = extract(known, spool, settings.jobs, survey.is_gtzan)
    trained = trained_samples(run)
    tracks = [track for track in known if is_unheard(track, outcomes[track.track], trained)]
    if not tracks:
        others = printable(", ".join(genres))
        raise UserError(f"{printable(root)}: no song there that this network can be tested on: name others of {others}")
    labels = record["label_names"]
    clips = [
        (replace(track, label=labels.index(track.genre)), clip)
        for track in tracks
        for clip in range(view.clips(settings))
    ]
    name = f"{view.name}_{record['dtype']}_test_lmdb"
    write_lmdbs(aside, {view: {"test": clips}}, spool, [record["dtype"]], tuple(labels))
    yield aside / name


def trained_samples(run: Path) -> dict[str, str]:
    """The songs that a run was trained on, by the sha256 of their samples. UserError where that was not kept."""
    try:
        songs = files.parse((run / SONGS_FILE).read_text())
        return {str(sha256): track for track, sha256 in songs.items()}
    except (OSError, ValueError, AttributeError):
        raise UserError(f"{run / SONGS_FILE}: the songs it was trained on are not kept: train again") from None


def is_unheard(track: Track, outcome: Outcome, trained: dict[str, str]) -> bool:
    """Whether a song can be used and was not trained on; says why not."""
    for reason in dict.fromkeys(outcome.reasons.values()):
        print(f"left out: {printable(track.track)}: {reason}")
    if outcome.samples_sha256 in trained:
        print(f"left out: {short_name(track.track)}: trained on, as {trained[outcome.samples_sha256]}")
    return not outcome.reasons and outcome.samples_sha256 not in trained
