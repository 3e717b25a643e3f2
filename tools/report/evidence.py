"""From votes to a verdict: how a claim of the paper is put to the test.

What a claim rests on is fixed: trainings, the split that tests them, and how far each is trained. That is the paper's
own number of iterations in passes over the data: on a tenth of its songs, at our batch, a tenth of them. Nothing stands
in for a training. Of two networks every seed of each counts, of two settings of one those that both have. Short of its
scale the verdict is 'not run at that scale', whatever is seen so far; without runs 'not run'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tools import paths
from tools.nets.network import Network
from tools.report import commands, paper
from tools.report.compare import STATEMENTS, Answers, clips_right, draws, judge, mean_difference
from tools.report.records import Collection, Differences, Vote
from tools.report.table import Values, gain
from tools.settings import parse
from tools.songs.gtzan import GENRES
from tools.vote.count import Clips

NEAR = 0.05  # a scale is met to a twentieth, since some songs are left out
SHORT, NOT_RUN = "not run at that scale", "not run"
FOLD_0 = "song"
SCHEDULES = {"dropout", "lr_steps"}  # which change on the way
BEST = {"classical", "metal", "pop"}
TAKEN_FOR = {"rock": "metal", "hiphop": "pop"}
FOLDS = {paths.ALL_FOLDS: "all folds", FOLD_0: "fold 0"}


@dataclass(frozen=True)
class Claim:
    """A claim, how it is tested, and what the runs say: ``found`` in words, ``values`` for the CSV file."""

    claim: str
    test: str
    verdict: str = NOT_RUN
    found: str = ""
    command: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """A network trained for so many of the paper's iterations, but for ``different`` as its plain run."""

    net: str
    iterations: int
    different: Differences = field(default_factory=dict)

    def is_it(self, vote: Vote) -> bool:
        """Whether a vote's run has these settings; what changes on the way, at the same shares of the iterations."""
        wanted, own = parse({"net": self.net, **self.different}), vote.run.settings
        same = {name: getattr(wanted, name) == getattr(own, name) for name in self.different}
        for name in SCHEDULES & same.keys():
            expected = [(start / self.iterations, value) for start, value in getattr(wanted, name)]
            given = [(start / vote.iteration, value) for start, value in getattr(own, name) if start < vote.iteration]
            same[name] = len(expected) == len(given) and all(
                value == other and abs(start - at) <= NEAR * at for (at, value), (start, other) in zip(expected, given)
            )
        return all(same.values()) and vote.differences.keys() <= same.keys() | {"seed"}

    def votes(self, collection: Collection, split: str, seed: int | None = None) -> list[Vote]:
        """By iteration, of a seed, by default that of the network's solver."""
        seed = Network(self.net).defaults["seed"] if seed is None else seed
        return collection.find_votes(self.net, split, lambda vote: vote.run.settings.seed == seed and self.is_it(vote))

    def is_far_enough(self, collection: Collection, vote: Vote) -> bool:
        wanted = ours(self.iterations, collection.songs_of(vote.fingerprint))
        return abs(vote.iteration - wanted) <= NEAR * wanted

    def command(self, collection: Collection, split: str) -> str:
        """What trains and votes so."""
        songs = collection.songs
        last = ours(self.iterations, songs)
        different = {
            name: re.sub(r"@(\d+)", lambda start: f"@{ours(int(start[1]), songs)}", value)
            for name, value in commands.named(self.different).items()
        }
        return commands.needed(collection, self.net, split, {**different, "ITERS": last, "ITERATION": last})


def ours(iterations: int, songs: int) -> int:
    """So many of the paper's iterations, on so many songs."""
    return round(iterations * songs / paper.SONGS)


class Seen(NamedTuple):
    """What the runs say of a claim: whether they are at its scale, and in which share of the draws it holds."""

    at_scale: bool
    share: float
    found: str
    command: str
    values: Values


@dataclass(frozen=True)
class Trial:
    """How a claim is tested: on which trainings, under which split; ``statement`` is what it says of a difference.

    ``look`` gives what is seen of it, or None without runs.
    """

    look: Callable[[Trial, Collection], Seen | None]
    statement: str
    split: str
    trainings: tuple[Training, ...]
    what: str = ""

    def __call__(self, claim: str, test: str, collection: Collection) -> Claim:
        needed = "\n".join(each.command(collection, self.split) for each in reversed(self.trainings))
        test = f"{test}, {FOLDS[self.split]}: {self.statement}." if self.statement else f"{test}."
        seen = self.look(self, collection)
        if seen is None:
            return Claim(claim, test, NOT_RUN, "", needed)
        if not seen.at_scale:
            return Claim(claim, test, SHORT, f"So far: {seen.found}", needed, seen.values)
        return Claim(claim, test, judge(seen.share), seen.found, seen.command, seen.values)

    def votes(self, collection: Collection) -> tuple[bool, list[list[Vote]]]:
        """The newest votes at the scale of all, and whether there are any; else at one iteration.

        For each training a list, one vote a seed. Those of one scale are of one iteration in any case.
        """
        nets = {training.net for training in self.trainings}
        seeds = sorted({vote.run.settings.seed for vote in collection.votes if vote.net in nets})
        each = [[v for seed in seeds for v in t.votes(collection, self.split, seed)] for t in self.trainings]
        every: list[tuple[Vote, ...]] = [(vote,) for vote in each[0]]
        if len(each) == 2:
            every = [*collection.pairs(*each)]
        at_one = [votes for votes in every if len({vote.iteration for vote in votes}) == 1]
        one_scale = len({training.iterations for training in self.trainings}) == 1
        at_scale = [
            votes
            for votes in (at_one if one_scale else every)
            if all(training.is_far_enough(collection, vote) for training, vote in zip(self.trainings, votes))
        ]
        far = [tuple(vote.iteration for vote in votes) for votes in at_scale or at_one]
        newest = [votes for votes, iterations in zip(at_scale or at_one, far) if iterations == max(far)]
        # Of two networks each vote is in a pair with every seed of the other
        return bool(at_scale), [[*{vote.run.settings.seed: vote for vote in votes}.values()] for votes in zip(*newest)]


def pair(
    trial: Trial,
    collection: Collection,
    right: Callable[[Clips], Answers] = clips_right,
    of: str = "test clips",
) -> Seen | None:
    """The share right of the first training, by ``right``, minus that of the second, on the same clips or songs."""
    at_scale, votes = trial.votes(collection)
    if not votes:
        return None
    first, second = votes
    one_network = first[0].net == second[0].net
    gained = mean_difference([right(v.clips) for v in first], [clips_right(v.clips) for v in second], one_network)
    if not gained:
        return None
    far = " and ".join(f"{iteration:,}" for iteration in dict.fromkeys((first[0].iteration, second[0].iteration)))
    seeds = " and ".join(map(str, dict.fromkeys((len(first), len(second)))))
    found = (
        f"{trial.what}: {gain(gained.interval)} of {of}, split {trial.split}, {far} iterations, {gained.songs:,} songs"
        f"{'' if seeds == '1' else f', {seeds} seeds'}."
    )
    values: Values = {"difference_points": gained.points, "low": gained.low, "high": gained.high}
    values |= {"split": trial.split, "iteration": first[0].iteration}
    values |= {"clips": gained.clips, "songs": gained.songs, "seeds": seeds}
    share = float(STATEMENTS[trial.statement](gained.drawn).mean())
    return Seen(at_scale, share, found, commands.command_of(collection, *second, *first), values)


def steady(trial: Trial, collection: Collection, start: int) -> Seen | None:
    """The spread of the test accuracy, over all tests from some iteration on: no song is drawn again for it."""
    (training,) = trial.trainings
    run = collection.find_run(training.net, trial.split)
    if run is None:
        return None
    songs = collection.songs_of(run.fingerprint)
    lines = [line for line in run.metrics if "test_accuracy" in line and line["iter"] >= ours(start, songs)]
    if len(lines) < 3:
        return None
    tests = sorted(100 * line["test_accuracy"] for line in lines)
    spread = tests[-1] - tests[0]
    found = (
        f"{len(tests)} tests from iteration {ours(start, songs):,} on, from {tests[0]:.1f}% to {tests[-1]:.1f}%: "
        f"{spread:.1f} points, split {run.split}."
    )
    values: Values = {"spread_points": spread, "tests": len(tests), "split": run.split, "iteration": run.iteration}
    at_scale = run.iteration >= (1 - NEAR) * ours(training.iterations, songs)
    share = float(STATEMENTS[trial.statement](spread))
    return Seen(at_scale, share, found, commands.command_of(collection, run), values)


def table_1(trial: Trial, collection: Collection, read: Callable[[np.ndarray], tuple[bool, str]]) -> Seen | None:
    """A reading of the confusion (10, 10) of a training: whether it is as the paper says, over draws of test songs."""
    at_scale, votes = trial.votes(collection)
    if not votes:
        return None
    ((vote, *_),) = votes
    share = float(np.mean([read(confusion)[0] for confusion in drawn_confusions(vote.clips)]))
    found = (
        f"{read(vote.confusion)[1]} It holds in {100 * share:.1f}% of the draws "
        f"(split {vote.split}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs)."
    )
    values: Values = {"share_of_draws": share, "split": vote.split, "iteration": vote.iteration}
    values |= {key: vote.summary[key] for key in ("clips", "songs")}
    return Seen(at_scale, share, found, commands.command_of(collection, vote), values)


def drawn_confusions(clips: Clips) -> np.ndarray:
    """Confusions (resamples, 10, 10) of test songs drawn again, columns as shares of the clips, 0 without any."""
    tested = clips.tested
    tracks, song_of_clip = np.unique(clips.tracks[tested], return_inverse=True)
    counts = np.zeros((len(tracks), len(GENRES), len(GENRES)), int)
    np.add.at(counts, (song_of_clip, clips.predicted[tested], clips.labels[tested]), 1)
    sums = np.tensordot(draws(len(tracks)), counts, 1)
    return sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)


def best_genres(confusion: np.ndarray) -> tuple[bool, str]:
    """Whether the three highest of the diagonal are the paper's, and what they are."""
    best = np.argsort(-confusion.diagonal(), kind="stable")[:3].tolist()
    said = ", ".join(f"{GENRES[i]} {100 * confusion[i, i]:.0f}%" for i in best)
    return {GENRES[i] for i in best} == BEST, f"Best here: {said}."


def taken_for(confusion: np.ndarray) -> tuple[bool, str]:
    """Whether the genres are most often taken for those of the paper, where not for themselves, and for which."""
    most = np.where(np.eye(len(GENRES), dtype=bool), -1, confusion).argmax(axis=0)
    columns = {genre: GENRES.index(genre) for genre in TAKEN_FOR}
    said = " and ".join(
        f"{genre} is most often taken for {GENRES[most[k]]} ({100 * confusion[most[k], k]:.0f}%)"
        for genre, k in columns.items()
    )
    return {genre: GENRES[most[k]] for genre, k in columns.items()} == TAKEN_FOR, f"Here {said}."
