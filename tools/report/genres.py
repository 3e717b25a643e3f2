"""The paper's claims on genres, put to the LSTM's confusion, its Table 1: rows the outcome, columns the true genre."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.report import commands
from tools.report.collect import Collection, Vote
from tools.report.evidence import SPLITS, Evidence, Training, not_run
from tools.report.table import Values
from tools.songs.gtzan import GENRES
from tools.vote.count import Clips
from tools.vote.rules import BOOTSTRAP_SEED

BEST = {"classical", "metal", "pop"}
TAKEN_FOR = {"rock": "metal", "hiphop": "pop"}
RESAMPLES = 1000


def table_1_vote(collection: Collection) -> Vote | None:
    """The vote that answers to Table 1: the LSTM's newest, all five folds before fold 0 before split clip."""
    for split in SPLITS:
        votes = collection.find_votes("lstm", split)
        if votes and (votes[-1].confusion.sum(axis=0) > 0).all():
            return votes[-1]
    return None


def resampled_confusions(clips: Clips, resamples: int = RESAMPLES) -> np.ndarray:
    """Confusions (resamples, 10, 10) of test songs drawn again genre by genre, columns as shares of the clips."""
    tracks, first, song_of_clip = np.unique(clips.tracks[clips.tested], return_index=True, return_inverse=True)
    outcomes = np.zeros((len(tracks), len(GENRES)))
    np.add.at(outcomes, (song_of_clip, clips.predicted[clips.tested]), 1)
    label_of_song = clips.labels[clips.tested][first]
    random = np.random.default_rng(BOOTSTRAP_SEED)
    drawn = np.zeros((resamples, len(GENRES), len(GENRES)))
    for label in range(len(GENRES)):
        songs = outcomes[label_of_song == label]
        sums = songs[random.integers(len(songs), size=(resamples, len(songs)))].sum(axis=1)
        drawn[:, :, label] = sums / sums.sum(axis=1, keepdims=True)
    return drawn


def by_table_1(
    collection: Collection, holds: Callable[[np.ndarray], bool], say: Callable[[np.ndarray], str]
) -> Evidence:
    """Evidence on a statement about a confusion (10, 10): the share of the resamples that it holds in."""
    vote = table_1_vote(collection)
    if vote is None:
        return not_run(collection, Training("lstm"))
    share = float(np.mean([holds(confusion) for confusion in resampled_confusions(vote.clips)]))
    verdict = "supported" if share >= 0.95 else "contradicted" if share <= 0.05 else "undecided"
    finding = (
        f"{say(vote.confusion)} It holds in {100 * share:.0f}% of {RESAMPLES} resamples of the test songs "
        f"(LSTM, split {vote.split}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs)."
    )
    values: Values = {"share_of_resamples": share, "split": vote.split, "iteration": vote.iteration}
    values |= {"songs": vote.summary["songs"], "clips": vote.summary["clips"]}
    return Evidence(verdict, finding, commands.command_of(collection, vote), values)


def best_three(confusion: np.ndarray) -> list[int]:
    return np.argsort(-confusion.diagonal(), kind="stable")[:3].tolist()


def best_genres(collection: Collection) -> Evidence:
    def say(confusion: np.ndarray) -> str:
        return f"Best here: {', '.join(f'{GENRES[i]} {100 * confusion[i, i]:.0f}%' for i in best_three(confusion))}."

    return by_table_1(collection, lambda confusion: {GENRES[i] for i in best_three(confusion)} == BEST, say)


def most_taken_for(confusion: np.ndarray, genre: str) -> int:
    """The label that a genre's clips get most often, where they don't get their own."""
    column = confusion[:, GENRES.index(genre)].copy()
    column[GENRES.index(genre)] = -1
    return int(column.argmax())


def taken_for(collection: Collection) -> Evidence:
    def holds(confusion: np.ndarray) -> bool:
        return all(GENRES[most_taken_for(confusion, genre)] == other for genre, other in TAKEN_FOR.items())

    def say(confusion: np.ndarray) -> str:
        others = {genre: most_taken_for(confusion, genre) for genre in TAKEN_FOR}
        shares = {genre: 100 * confusion[other, GENRES.index(genre)] for genre, other in others.items()}
        return (
            "Here "
            + " and ".join(
                f"{genre} is most often taken for {GENRES[other]} ({shares[genre]:.0f}%)"
                for genre, other in others.items()
            )
            + "."
        )

    return by_table_1(collection, holds, say)
