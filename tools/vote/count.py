"""From classified clips to an election: who voted how, what each rule makes of it, and how often it is right.

Goal, conventions and formulas of the rules themselves: `tools.vote.rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tools.cli import UserError
from tools.nets.predict import Prediction
from tools.vote import rules


@dataclass(frozen=True)
class Clips:
    """Classified clips, in order of track and clip.

    Probabilities are float64, read from ``texts``, the shortest decimals that name Caffe's float32 values: what is
    voted on is exactly what clips.csv says.
    """

    tracks: np.ndarray  # (clips,) str
    clips: np.ndarray  # (clips,) number of the clip within its song
    parts: np.ndarray  # (clips,) 'train' or 'test'
    labels: np.ndarray  # (clips,) true label
    texts: np.ndarray  # (clips, 10) str
    probabilities: np.ndarray  # (clips, 10)

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Which clips get their true label (clips,), bool."""
        return self.predicted == self.labels

    @property
    def tested(self) -> np.ndarray:
        """Which clips belong to the test part (clips,), bool."""
        return self.parts == "test"


def concatenate(parts: list[Clips]) -> Clips:
    """The clips of several votes, one vote after the other."""
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Clips))
    return Clips(*map(np.concatenate, columns))


def choose(clips: Clips, which: np.ndarray) -> Clips:
    """Some of the clips, by a mask or their numbers."""
    return Clips(*(getattr(clips, field.name)[which] for field in fields(Clips)))


@dataclass(frozen=True)
class Election:
    """The songs that the clips vote on, in order of their names."""

    tracks: np.ndarray  # (songs,) str
    labels: np.ndarray  # (songs,) true label
    song_of_clip: np.ndarray  # (clips,) index into the songs
    votes: np.ndarray  # (songs, 10)
    mean_probabilities: np.ndarray  # (songs, 10)
    thresholds: tuple[int, ...]  # ascending; the lowest decides songs.csv
    clips_a_song: int

    def plurality(self, threshold: int) -> np.ndarray:
        return rules.plurality(self.votes, self.mean_probabilities, threshold)

    @property
    def most_probable(self) -> np.ndarray:
        """The label of each song (songs,) by the mean_probability rule."""
        return self.mean_probabilities.argmax(axis=1)


def collect_clips(predictions: dict[str, Prediction], genres: int) -> Clips:
    """The clips to be voted with, out of `tools.nets.predict.Prediction` by part: every clip of a song that has a
    test clip, once. Balanced genres have some train clips more often.

    UserError where the net or the labels are not of so many ``genres``.
    """
    parts = np.concatenate([[part] * len(p.tracks) for part, p in predictions.items()])
    tracks, clips, labels, probabilities = (
        np.concatenate([getattr(p, name) for p in predictions.values()])
        for name in ("tracks", "clips", "labels", "probabilities")
    )
    if probabilities.shape[1] != genres or labels.min() < 0 or labels.max() >= genres:
        raise UserError(
            f"the net has {probabilities.shape[1]} outputs and the clips have labels {labels.min()} to {labels.max()}: "
            f"both must be of the {genres} genres, 0 to {genres - 1}: train and convert again"
        )
    kept = np.flatnonzero(np.isin(tracks, tracks[parts == "test"]))
    kept = kept[np.lexsort((clips[kept], tracks[kept]))]
    # A test clip that stands there twice stays: it is a fault, and the election names it
    again = (tracks[kept[1:]] == tracks[kept[:-1]]) & (clips[kept[1:]] == clips[kept[:-1]])
    kept = kept[~np.append(False, again) | (parts[kept] == "test")]
    texts = probabilities[kept].astype(str)
    return Clips(tracks[kept], clips[kept], parts[kept], labels[kept], texts, texts.astype(np.float64))


def hold_election(clips: Clips, thresholds: list[int] | None) -> Election:
    """Let the clips of every song vote. UserError where songs differ in clips, or a threshold can't be met."""
    tracks, first, song_of_clip, counts = np.unique(
        clips.tracks, return_index=True, return_inverse=True, return_counts=True
    )
    clips_a_song = int(counts.max())
    if counts.min() < clips_a_song:
        short = tracks[counts.argmin()]
        raise UserError(
            f"song {short} has {counts.min()} clips where others have {clips_a_song}: type 'make lmdb' again"
        )
    return Election(
        tracks=tracks,
        labels=clips.labels[first],
        song_of_clip=song_of_clip,
        votes=rules.count_votes(song_of_clip, clips.predicted, len(tracks), clips.probabilities.shape[1]),
        mean_probabilities=rules.mean_probabilities(song_of_clip, clips.probabilities, len(tracks)),
        thresholds=rules.check_thresholds(thresholds, clips_a_song),
        clips_a_song=clips_a_song,
    )


def right_songs(election: Election) -> dict[str, dict[str, np.ndarray] | np.ndarray]:
    """Which songs are right (songs,) by each rule and threshold, in the layout of summary.json's song_accuracy."""
    return {
        "true_label": {
            str(t): rules.true_label_right(election.votes, election.labels, t) for t in election.thresholds
        },
        "plurality": {
            str(t): election.plurality(t) == election.labels for t in sorted({1, *election.thresholds})
        },
        "mean_probability": election.most_probable == election.labels,
    }  # fmt: skip


def score(clips: Clips, election: Election) -> dict:
    """The figures of summary.json: clips, songs, leaky, the accuracies and their 95% intervals [low, high].

    Clip accuracy is over test clips alone. Songs of one clip have nothing to vote on: their song_accuracy is None, and
    the interval of their clips is one over songs.
    """
    tested = clips.tested
    right = clips.right[tested]
    accuracy = interval = None
    clip_interval = rules.wilson_interval(right.sum(), len(right))
    if election.clips_a_song > 1:
        clip_interval = rules.bootstrap_interval(election.song_of_clip[tested], right)
        songs = right_songs(election)
        accuracy = each(songs, lambda rule: float(rule.mean()))
        interval = each(songs, lambda rule: rules.wilson_interval(rule.sum(), len(rule)))
    return {
        "leaky": not bool(tested.all()),
        "clips": int(tested.sum()),
        "songs": len(election.tracks),
        "clip_accuracy": float(right.mean()),
        "clip_interval": clip_interval,
        "song_accuracy": accuracy,
        "song_interval": interval,
    }


def each(tree: Any, function: Callable[[np.ndarray], Any]) -> Any:
    """``function`` of every leaf of nested dictionaries."""
    if isinstance(tree, dict):
        return {key: each(value, function) for key, value in tree.items()}
    return function(tree)
