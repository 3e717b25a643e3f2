"""From two votes to a verdict: how a claim of the paper is put to the test.

A verdict is computed, never typed in: 'supported' or 'contradicted' when the 95% interval of the difference says so,
'undecided' when it does not, 'not run' when there is nothing to test it on. A claim of 'no difference' is supported
when the whole interval lies within 5 points. Every test compares runs of one seed that differ in one thing, on the same
test clips; split song is taken first, all five folds of it if they are there, since its test songs are new to the net.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tools import paths
from tools.report import commands, compare
from tools.report.collect import Collection, Vote
from tools.report.compare import Difference
from tools.report.table import Values, percent

SPLITS = (paths.ALL_FOLDS, "song", "clip")
# What is typed for a setting that may have any value
EXAMPLES = {"genres": "classical metal pop", "lr_steps": "1e-4 1e-5@5000"}

Pair = tuple[Vote, Vote]


@dataclass(frozen=True)
class Evidence:
    """What the runs say: ``found`` in words and figures, ``values`` the figures for the CSV file."""

    verdict: str
    found: str
    command: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """A network, and the settings in which it is not as the plain run; None where any other value will do."""

    net: str
    different: dict[str, str | None] = field(default_factory=dict)

    def votes(self, collection: Collection, split: str) -> list[Vote]:
        return collection.find_votes(self.net, split, **self.different)


def not_run(collection: Collection, *trainings: Training, **named: int) -> Evidence:
    """No evidence, and the commands that make some."""
    needed = [
        commands.needed(collection, each.net, "song", {k: v or EXAMPLES[k] for k, v in each.different.items()}, **named)
        for each in trainings
    ]
    return Evidence("not run", "", "; ".join(needed))


@dataclass(frozen=True)
class TwoRuns:
    """The clip accuracy of ``first`` minus that of ``second``, at one iteration, on the test clips that both have."""

    what: str
    judge: Callable[[Difference], str]
    first: Training
    second: Training

    def pair(self, collection: Collection, split: str) -> Pair | None:
        return collection.same_iteration(self.first.votes(collection, split), self.second.votes(collection, split))

    def say(self, _: Pair) -> str:
        return self.what

    def __call__(self, collection: Collection) -> Evidence:
        for split in SPLITS:
            pair = self.pair(collection, split)
            difference = pair and compare.clip_difference(*(vote.clips for vote in pair))
            if pair and difference:
                return self.evidence(collection, pair, difference)
        return not_run(collection, self.second, self.first)

    def evidence(self, collection: Collection, pair: Pair, difference: Difference) -> Evidence:
        first, second = pair
        shares = " and ".join(percent(vote.summary["clip_accuracy"]) for vote in pair)
        found = (
            f"{self.say(pair)}: {difference} of test clips ({shares}), split {first.split}, {first.iteration:,} "
            f"iterations, {difference.clips:,} clips of {difference.songs:,} songs."
        )
        values = {**figures(difference, first), "clips": difference.clips, "songs": difference.songs}
        return Evidence(self.judge(difference), found, commands.commands_of(collection, second, first), values)


def figures(difference: Difference, vote: Vote) -> Values:
    return {
        "difference_points": difference.points,
        "low": difference.low,
        "high": difference.high,
        "split": vote.split,
        "iteration": vote.iteration,
    }
