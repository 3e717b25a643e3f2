"""The paper's claims on genres, put to the LSTM's confusion, its Table 1: rows the outcome, columns the true genre."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.report import commands, compare
from tools.report.evidence import NOT_RUN, SHORT, Evidence, Training
from tools.report.records import Collection, Vote
from tools.report.table import Values
from tools.songs.gtzan import GENRES
from tools.vote.count import Clips

BEST = {"classical", "metal", "pop"}
TAKEN_FOR = {"rock": "metal", "hiphop": "pop"}


@dataclass(frozen=True)
class Table1:
    """A test of a statement on the confusion (10, 10) of a training, over the draws of its test songs."""

    holds: Callable[[np.ndarray], bool]
    say: Callable[[np.ndarray], str]
    training: Training
    split: str

    def __call__(self, collection: Collection) -> Evidence:
        votes = self.training.votes(collection, self.split)
        needed = self.training.command(collection, self.split)
        if not votes:
            return Evidence(NOT_RUN, "", needed)
        at_scale = [vote for vote in votes if self.training.is_far_enough(collection, vote)]
        vote = (at_scale or votes)[-1]
        share = float(np.mean([self.holds(confusion) for confusion in drawn_confusions(vote.clips)]))
        found = (
            f"{self.say(vote.confusion)} It holds in {100 * share:.1f}% of the draws "
            f"(split {vote.split}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs)."
        )
        values = figures(vote, share)
        if not at_scale:
            return Evidence(SHORT, f"So far: {found}", needed, values)
        return Evidence(compare.judge(share), found, commands.command_of(collection, vote), values)


def figures(vote: Vote, share: float) -> Values:
    counted = {key: vote.summary[key] for key in ("clips", "songs")}
    return {"share_of_draws": share, "split": vote.split, "iteration": vote.iteration, **counted}


def drawn_confusions(clips: Clips) -> np.ndarray:
    """Confusions (resamples, 10, 10) of test songs drawn again, columns as shares of the clips, 0 without any."""
    tested = clips.tested
    tracks, song_of_clip = np.unique(clips.tracks[tested], return_inverse=True)
    counts = np.zeros((len(tracks), len(GENRES), len(GENRES)), int)
    np.add.at(counts, (song_of_clip, clips.predicted[tested], clips.labels[tested]), 1)
    sums = np.tensordot(compare.draws(len(tracks)), counts, 1)
    return sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)


def best_three(confusion: np.ndarray) -> list[int]:
    return np.argsort(-confusion.diagonal(), kind="stable")[:3].tolist()


def are_best(confusion: np.ndarray) -> bool:
    return {GENRES[i] for i in best_three(confusion)} == BEST


def say_best(confusion: np.ndarray) -> str:
    return f"Best here: {', '.join(f'{GENRES[i]} {100 * confusion[i, i]:.0f}%' for i in best_three(confusion))}."


def most_taken_for(confusion: np.ndarray, genre: str) -> int:
    """The label that a genre's clips get most often, where they don't get their own."""
    column = confusion[:, GENRES.index(genre)].copy()
    column[GENRES.index(genre)] = -1
    return int(column.argmax())


def are_taken_for(confusion: np.ndarray) -> bool:
    return all(GENRES[most_taken_for(confusion, genre)] == other for genre, other in TAKEN_FOR.items())


def say_taken_for(confusion: np.ndarray) -> str:
    others = {genre: most_taken_for(confusion, genre) for genre in TAKEN_FOR}
    said = (
        f"{genre} is most often taken for {GENRES[other]} ({100 * confusion[other, GENRES.index(genre)]:.0f}%)"
        for genre, other in others.items()
    )
    return f"Here {' and '.join(said)}."
