"""What the clips of one song say together: the votes, the genre or 'undecided', and which genre was heard when.

The rules are those of `tools.vote.rules`. The decision is the plurality rule's: the genre with most votes, if it has at
least the threshold. The threshold is meant for the 15 clips of a 30 s song, 5 of them by default as in the paper. A
song of more or fewer clips has one in proportion.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from tools.classify.model import Model
from tools.classify.song import Song
from tools.cli import UserError
from tools.nets.predict import predict_arrays
from tools.songs.library import UNDECIDED
from tools.vote import rules

THRESHOLD = rules.PAPER_THRESHOLDS[0]


@dataclass(frozen=True)
class Verdict:
    """The votes of a song's clips."""

    genres: tuple[str, ...]  # by label
    probabilities: np.ndarray  # (clips, genres), a softmax each
    clip_seconds: float
    threshold: int  # votes needed, of this song's clips

    @property
    def clip_genres(self) -> list[str]:
        """The genre that each clip votes for."""
        return [self.genres[label] for label in self.probabilities.argmax(axis=1)]

    @property
    def votes(self) -> np.ndarray:
        """Clips for each genre (genres,)."""
        return self._count()[0]

    @property
    def mean_probability(self) -> np.ndarray:
        """Probabilities averaged over the clips (genres,)."""
        return self._count()[1]

    @property
    def decision(self) -> str:
        """The genre by the plurality rule, or 'undecided'."""
        votes, means = self._count()
        label = rules.plurality(votes[None], means[None], self.threshold)[0]
        return UNDECIDED if label == rules.UNDECIDED else self.genres[label]

    @property
    def most_probable(self) -> str:
        """The genre by the mean_probability rule."""
        return self.genres[self.mean_probability.argmax()]

    def _count(self) -> tuple[np.ndarray, np.ndarray]:
        one_song = np.zeros(len(self.probabilities), dtype=int)
        votes = rules.count_votes(one_song, self.probabilities.argmax(axis=1), 1, len(self.genres))
        return votes[0], rules.mean_probabilities(one_song, self.probabilities, 1)[0]

    def stretches(self) -> Iterator[tuple[float, float, str, float]]:
        """Begin and end in seconds, genre, and its mean probability, of each run of clips with the same vote."""
        genres = self.clip_genres
        for genre, run in groupby(range(len(genres)), key=lambda clip: genres[clip]):
            clips = list(run)
            mean = float(self.probabilities[clips, self.genres.index(genre)].mean(dtype=np.float64))
            yield clips[0] * self.clip_seconds, (clips[-1] + 1) * self.clip_seconds, genre, mean

    def as_json(self) -> dict:
        """All of it, by genre where there is one number a genre."""
        return {
            "decision": self.decision,
            "most_probable": self.most_probable,
            "clips": len(self.probabilities),
            "threshold": self.threshold,
            "votes": by_genre(self.genres, self.votes),
            "mean_probability": by_genre(self.genres, self.mean_probability),
            "clip_seconds": self.clip_seconds,
            "time_line": [
                {"start": i * self.clip_seconds, "genre": genre, "probabilities": by_genre(self.genres, row)}
                for i, (genre, row) in enumerate(zip(self.clip_genres, self.probabilities))
            ],
        }


def hear(songs: list[Song], model: Model, threshold: int = THRESHOLD) -> list[Verdict]:
    """The verdicts on songs that were cut for ``model``, in one run of Caffe.

    Raises UserError where `judge` and `predict_arrays` do.
    """
    clips = np.concatenate([song.clips for song in songs])
    probabilities = predict_arrays(model.deploy, model.caffemodel, clips)
    borders = np.cumsum([len(song.clips) for song in songs])[:-1]
    parts = np.split(probabilities, borders)
    return [judge(model.genres, part, song.clip_seconds, threshold) for song, part in zip(songs, parts)]


def judge(
    genres: tuple[str, ...], probabilities: np.ndarray, clip_seconds: float, threshold: int = THRESHOLD
) -> Verdict:
    """The verdict on a song's clips (clips, genres). ``threshold`` is the number of votes out of 15.

    Raises UserError where `check_threshold` does, and if the network tells another number of genres apart.
    """
    check_threshold(threshold)
    if probabilities.shape[1] != len(genres):
        raise UserError(
            f"the network has {probabilities.shape[1]} outputs for {len(genres)} genres: name another run with RUN="
        )
    return Verdict(genres, probabilities, clip_seconds, rules.in_proportion(threshold, len(probabilities)))


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    words = "votes of 15 that a genre needs; in proportion where a song has more or fewer clips (default: %(default)s)"
    parser.add_argument("--threshold", type=int, default=THRESHOLD, help=words)


def check_threshold(threshold: int) -> None:
    """UserError for a threshold that is no number of votes out of 15."""
    if not 1 <= threshold <= rules.PAPER_CLIPS:
        raise UserError(f"THRESHOLD={threshold}: give a number of votes, from 1 to {rules.PAPER_CLIPS}")


def by_genre(genres: tuple[str, ...], values: np.ndarray) -> dict[str, float]:
    return dict(zip(genres, values.tolist()))
