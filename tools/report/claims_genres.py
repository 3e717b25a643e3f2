"""The paper's claims on genres, put to the LSTM's confusion: its Table 1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools import paths
from tools.report import commands, compare
from tools.report.collect import Collection, Vote
from tools.report.headlines import PROTOCOLS
from tools.report.verdicts import Claim, command, untested
from tools.songs.gtzan import GENRES

BEST_GENRES = ("classical", "metal", "pop")
RESAMPLES = 1000

Judge = Callable[[np.ndarray], np.ndarray]


def table_1_vote(collection: Collection) -> Vote | None:
    """The vote that answers to Table 1: the LSTM's newest, all five folds before fold 0 before split clip."""
    for split in (paths.ALL_FOLDS, "song", *PROTOCOLS):
        votes = collection.find_votes("lstm", split)
        if votes and (votes[-1].confusion.sum(axis=0) > 0).all():
            return votes[-1]
    return None


def resampled_confusions(vote: Vote, resamples: int = RESAMPLES) -> np.ndarray:
    """Confusions (resamples, 10, 10) of test songs drawn again genre by genre, columns as shares of the clips."""
    clips = vote.clips
    tracks, song_of_clip = np.unique(clips.tracks[clips.tested], return_inverse=True)
    labels, predicted = clips.labels[clips.tested], clips.predicted[clips.tested]
    outcomes = np.zeros((len(tracks), len(GENRES)))
    np.add.at(outcomes, (song_of_clip, predicted), 1)
    label_of_song = labels[np.unique(song_of_clip, return_index=True)[1]]
    random = np.random.default_rng(compare.rules.BOOTSTRAP_SEED)
    drawn = np.zeros((resamples, len(GENRES), len(GENRES)))
    for label in range(len(GENRES)):
        songs = outcomes[label_of_song == label]
        sums = songs[random.integers(len(songs), size=(resamples, len(songs)))].sum(axis=1)
        drawn[:, :, label] = sums / sums.sum(axis=1, keepdims=True)
    return drawn


def chance_verdict(share: float) -> str:
    """Of a statement that holds in this share of the resamples."""
    if share >= 0.95:
        return "supported"
    return "contradicted" if share <= 0.05 else "undecided"


def by_table_1(collection: Collection, claim: str, test: str, judge: Judge, say: Callable) -> Claim:
    """A claim on the LSTM's confusion: ``judge`` says of confusions (n, 10, 10) in which of them it holds (n,)."""
    vote = table_1_vote(collection)
    if vote is None:
        return untested(claim, test, command(collection, "lstm"))
    share = float(judge(resampled_confusions(vote)).mean())
    found = (
        f"{say(vote.confusion)} It holds in {100 * share:.0f}% of {RESAMPLES} resamples of the test songs "
        f"(LSTM, split {vote.split}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs)."
    )
    values = {"share_of_resamples": share, "split": vote.split, "iteration": vote.iteration}
    values |= {"songs": vote.summary["songs"], "clips": vote.summary["clips"]}
    return Claim(claim, test, chance_verdict(share), found, commands.command_of_vote(collection, vote), values)


def best_genres(collection: Collection) -> Claim:
    wanted = {GENRES.index(genre) for genre in BEST_GENRES}

    def holds(confusions: np.ndarray) -> np.ndarray:
        order = np.argsort(-np.diagonal(confusions, axis1=1, axis2=2), axis=1, kind="stable")[:, :3]
        return np.array([set(best) == wanted for best in order.tolist()])

    def say(confusion: np.ndarray) -> str:
        order = np.argsort(-confusion.diagonal(), kind="stable")[:3]
        return "Best here: " + ", ".join(f"{GENRES[i]} {100 * confusion[i, i]:.0f}%" for i in order) + "."

    test = "The three highest of the diagonal of Table 1, LSTM."
    return by_table_1(collection, "The best classes are classical, metal and pop.", test, holds, say)


def rock_for_metal_hiphop_for_pop(collection: Collection) -> Claim:
    taken = {GENRES.index("rock"): GENRES.index("metal"), GENRES.index("hiphop"): GENRES.index("pop")}

    def most_taken_for(confusions: np.ndarray, genre: int) -> np.ndarray:
        columns = confusions[:, :, genre].copy()
        columns[:, genre] = -1
        return columns.argmax(axis=1)

    def holds(confusions: np.ndarray) -> np.ndarray:
        return np.all([most_taken_for(confusions, genre) == other for genre, other in taken.items()], axis=0)

    def say(confusion: np.ndarray) -> str:
        said = []
        for genre in taken:
            other = int(most_taken_for(confusion[None], genre)[0])
            said.append(
                f"{GENRES[genre]} is most often taken for {GENRES[other]} ({100 * confusion[other, genre]:.0f}%)"
            )
        return "Here " + " and ".join(said) + "."

    test = "The largest entry off the diagonal in the columns rock and hiphop of Table 1, LSTM."
    return by_table_1(collection, "Rock is taken for metal and hiphop for pop.", test, holds, say)
