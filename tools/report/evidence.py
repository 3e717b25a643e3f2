"""From two votes to a verdict: how a claim of the paper is put to the test.

A claim's pair is fixed: two trainings, the split that tests them, and how far each is trained. That is the paper's own
number of iterations in passes over the data: on a tenth of its songs, at our batch, a tenth of them. Nothing stands in
for a pair. Short of its scale the verdict is 'not run at that scale', whatever is seen so far; without runs 'not run'.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tools.report import commands, compare, paper
from tools.report.compare import Difference, Statement
from tools.report.records import Collection, Differences, Vote
from tools.report.table import Values

NEAR = 0.05  # a scale is met to a twentieth, since some songs are left out
SHORT, NOT_RUN = "not run at that scale", "not run"


@dataclass(frozen=True)
class Evidence:
    """What the runs say: ``found`` in words and figures, ``values`` the figures for the CSV file."""

    verdict: str
    found: str
    command: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """A network trained for so many of the paper's iterations, with the settings in which it is not as the plain run.

    Settings that change on the way are those at the paper's scale; ``is_it`` tells them in a run of another.
    """

    net: str
    iterations: int
    different: Differences = field(default_factory=dict)
    is_it: Callable[[Vote], bool] | None = None

    def votes(self, collection: Collection, split: str) -> list[Vote]:
        if self.is_it is None:
            return collection.find_votes(self.net, split, **self.different)
        votes = [vote for vote in collection.votes if (vote.net, vote.split) == (self.net, split)]
        chosen = [vote for vote in votes if vote.differences.keys() <= self.different.keys() and self.is_it(vote)]
        return sorted({vote.iteration: vote for vote in chosen}.values(), key=lambda vote: vote.iteration)

    def ours(self, songs: int) -> int:
        """Its iterations on so many songs."""
        return round(self.iterations * songs / paper.SONGS)

    def is_far_enough(self, collection: Collection, vote: Vote) -> bool:
        wanted = self.ours(collection.songs_of(vote.fingerprint))
        return abs(vote.iteration - wanted) <= NEAR * wanted

    def command(self, collection: Collection, split: str) -> str:
        """What trains and votes so."""
        songs = collection.songs
        last = self.ours(songs)
        different = {
            name: re.sub(r"@(\d+)", lambda start: f"@{round(int(start[1]) * songs / paper.SONGS)}", value)
            for name, value in self.different.items()
        }
        far = {"ITERS": last, "ITERATION": last}
        return commands.needed(collection, self.net, split, {**commands.named(different), **far})


def changes_at(vote: Vote, schedule: tuple[tuple[int, float], ...], *expected: tuple[float, float]) -> bool:
    """Whether a schedule up to a vote has these values from such shares of its iterations on: (0.5, 1e-5) half-way."""
    steps = [(start / vote.iteration, value) for start, value in schedule if start < vote.iteration]
    return len(steps) == len(expected) and all(
        value == wanted and abs(start - place) <= NEAR * place
        for (start, value), (place, wanted) in zip(steps, expected)
    )


@dataclass(frozen=True)
class Pair:
    """Two trainings under a split, and the statement on the first minus the second."""

    what: str
    statement: Statement
    first: Training
    second: Training
    split: str
    measure: Callable[[Vote, Vote], Difference | None] = lambda first, second: compare.clip_difference(
        first.clips, second.clips
    )
    of: str = "test clips"

    def __call__(self, collection: Collection) -> Evidence:
        firsts, seconds = (each.votes(collection, self.split) for each in (self.first, self.second))
        needed = "\n".join(each.command(collection, self.split) for each in (self.second, self.first))
        for votes in ((a, b) for a in firsts for b in seconds):
            if collection.comparable(*votes) and self.are_far_enough(collection, *votes):
                return self.judged(collection, *votes)
        seen = collection.same_iteration(firsts, seconds)
        difference = seen and self.measure(*seen)
        if not (seen and difference):
            return Evidence(NOT_RUN, "", needed)
        return Evidence(SHORT, f"So far: {self.found(difference, *seen)}", needed, figures(difference, seen[0]))

    def are_far_enough(self, collection: Collection, first: Vote, second: Vote) -> bool:
        """Both at their scale, and at one iteration where the scale is the same."""
        trained = self.first.is_far_enough(collection, first) and self.second.is_far_enough(collection, second)
        return trained and (first.iteration == second.iteration or self.first.iterations != self.second.iterations)

    def judged(self, collection: Collection, first: Vote, second: Vote) -> Evidence:
        difference = self.measure(first, second)
        command = commands.commands_of(collection, second, first)
        if difference is None:
            return Evidence(NOT_RUN, "They have no test clip in common.", command)
        verdict = compare.judge(float(self.statement(difference.drawn).mean()))
        return Evidence(verdict, self.found(difference, first, second), command, figures(difference, first))

    def found(self, difference: Difference, first: Vote, second: Vote) -> str:
        far = " and ".join(f"{iteration:,}" for iteration in dict.fromkeys((first.iteration, second.iteration)))
        return (
            f"{self.what}: {difference} of {self.of}, split {self.split}, {far} iterations, {difference.songs:,} songs."
        )


def figures(difference: Difference, vote: Vote) -> Values:
    interval = {"difference_points": difference.points, "low": difference.low, "high": difference.high}
    counted = {"clips": difference.clips, "songs": difference.songs}
    return {**interval, "split": vote.split, "iteration": vote.iteration, **counted}
