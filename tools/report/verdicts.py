"""From two votes to a verdict: how a claim of the paper is put to the test.

A verdict is computed, never typed in: 'supported' or 'contradicted' when the 95% interval of the difference says so,
'undecided' when it does not, 'not run' when there is nothing to test it on. A claim of 'no difference' is supported
when the whole interval lies within 5 points. Every test compares runs of one seed that differ in one thing, on the same
test clips; split song is taken first, all five folds of it if they are there, since its test songs are new to the net.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools import paths
from tools.report import commands, compare
from tools.report.collect import Collection, Vote
from tools.report.compare import Difference
from tools.report.comparisons import same_iteration

NOT_RUN = "not run"


@dataclass(frozen=True)
class Claim:
    """A row of the claims table: ``found`` is the evidence in words and figures, ``values`` the figures for the CSV."""

    claim: str
    test: str
    verdict: str
    found: str
    command: str
    values: dict


def untested(claim: str, test: str, *commands_needed: str) -> Claim:
    return Claim(claim, test, NOT_RUN, "", "; ".join(commands_needed), {})


Pair = tuple[Vote, Vote]


def first_pair(pairs_of: Callable[[str], Pair | None]) -> tuple[Pair, Difference] | None:
    """The first pair of votes that have test clips in common: on all five folds, else on fold 0, else by clip."""
    for split in (paths.ALL_FOLDS, "song", "clip"):
        pair = pairs_of(split)
        difference = pair and compare.clip_difference(*(vote.clips for vote in pair))
        if difference:
            return pair, difference
    return None


def compared(
    collection: Collection, claim: str, test: str, pair: Pair, difference: Difference, verdict: str, what: str
) -> Claim:
    """A claim decided by the difference of two votes' clip accuracies."""
    first, second = pair
    found = (
        f"{what}: {difference.text} of test clips ({100 * first.summary['clip_accuracy']:.1f}% and "
        f"{100 * second.summary['clip_accuracy']:.1f}%), split {first.split}, {first.iteration:,} iterations, "
        f"{difference.clips:,} clips of {difference.songs:,} songs."
    )
    values = {
        "difference_points": difference.points,
        "low": difference.low,
        "high": difference.high,
        "split": first.split,
        "iteration": first.iteration,
        "clips": difference.clips,
        "songs": difference.songs,
    }
    made = "; ".join(commands.command_of_vote(collection, vote) for vote in (second, first))
    return Claim(claim, test, verdict, found, made, values)


def two_runs(
    collection: Collection,
    claim: str,
    test: str,
    pairs_of: Callable[[str], Pair | None],
    judge: Callable[[Difference], str],
    what: str,
    *needed: str,
) -> Claim:
    """A claim on two runs: judged where both are there, otherwise 'not run' with the commands needed."""
    decided = first_pair(pairs_of)
    if decided is None:
        return untested(claim, test, *needed)
    pair, difference = decided
    return compared(collection, claim, test, pair, difference, judge(difference), what)


def pairs(
    collection: Collection, net: str, differences: dict, other: str | None = None
) -> Callable[[str], Pair | None]:
    """By split: votes of ``net`` with ``differences``, beside those of the default run of ``other`` or the same net."""
    return lambda split: same_iteration(
        collection, collection.find_votes(net, split, **differences), collection.find_votes(other or net, split)
    )


def command(collection: Collection, net: str, differences: dict | None = None, **settings: object) -> str:
    return commands.make_command(net, "song", differences, collection.build, **settings)
