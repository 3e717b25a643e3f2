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
from tools.report.collect import Collection, Differences, Vote
from tools.report.compare import Difference
from tools.report.table import Values, percent

SPLITS = (paths.ALL_FOLDS, "song", "clip")


@dataclass(frozen=True)
class Evidence:
    """What the runs say: ``found`` in words and figures, ``values`` the figures for the CSV file."""

    verdict: str
    found: str
    command: str
    values: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """A network, and the settings in which it is not as the plain run."""

    net: str
    different: Differences = field(default_factory=dict)

    def votes(self, collection: Collection, split: str) -> list[Vote]:
        return collection.find_votes(self.net, split, **self.different)


def not_run(collection: Collection, *trainings: Training, iterations: int | None = None) -> Evidence:
    """No evidence, and the commands that make some."""
    needed = (
        commands.needed(collection, each.net, "song", {**commands.named(each.different), "ITERS": iterations})
        for each in trainings
    )
    return Evidence("not run", "", "; ".join(needed))


def compared(
    collection: Collection, what: str, judge: Callable[[Difference], str], first: Vote, second: Vote
) -> Evidence | None:
    """The clip accuracy of one vote minus that of the other on the test clips that both have; None without any."""
    difference = compare.clip_difference(first.clips, second.clips)
    if difference is None:
        return None
    shares = " and ".join(percent(vote.summary["clip_accuracy"]) for vote in (first, second))
    finding = (
        f"{what}: {difference} of test clips ({shares}), split {first.split}, {first.iteration:,} iterations, "
        f"{difference.clips:,} clips of {difference.songs:,} songs."
    )
    values = {**figures(difference, first), "clips": difference.clips, "songs": difference.songs}
    return Evidence(judge(difference), finding, commands.commands_of(collection, second, first), values)


def figures(difference: Difference, vote: Vote) -> Values:
    interval = {"difference_points": difference.points, "low": difference.low, "high": difference.high}
    return {**interval, "split": vote.split, "iteration": vote.iteration}


@dataclass(frozen=True)
class TwoRuns:
    """A test of two trainings at one iteration; ``choose`` finds votes where the first need not be that very one."""

    what: str
    judge: Callable[[Difference], str]
    first: Training
    second: Training
    choose: Callable[[Collection, str], list[Vote]] | None = None

    def __call__(self, collection: Collection) -> Evidence:
        for split in SPLITS:
            votes = (self.choose or self.first.votes)(collection, split)
            pair = collection.same_iteration(votes, self.second.votes(collection, split))
            evidence = pair and compared(collection, self.what, self.judge, *pair)
            if evidence:
                return evidence
        return not_run(collection, self.second, self.first)
