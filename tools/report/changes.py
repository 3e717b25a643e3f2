"""What settings are chosen on, the folds of SPLIT=inner within the train part of fold 0; and what they then give.

The songs that fold 0 tests have no say in what is chosen. Changes of the RCNN are ours, not the paper's. The votes of
all inner folds that a change and the unchanged RCNN have in common are put together.
"""

from __future__ import annotations

import numpy as np

from tools import paths
from tools.nets.network import NETS
from tools.report import commands
from tools.report.canvas import BLUE, GREEN, Figure, Style, dots_figure, line_of
from tools.report.compare import clips_right, difference, songs_right
from tools.report.records import Collection, Vote
from tools.report.table import Column, Row, Table, Values, count, gain, percent, words
from tools.vote.count import Clips, choose, concatenate

BASE, PLUS, INNER = "rcnn", "rcnn_plus", "inner"
GAINS = {kind: f"{kind}_difference" for kind in ("clips", "songs")}


def inner(collection: Collection) -> Table:
    """A row for each network as it is, on the inner folds that it was tested on."""
    columns = [
        Column("net", "network", words),
        Column("clips_right", "clips", percent),
        Column("songs_plurality", "songs, plurality", percent),
        Column("iteration", "iterations", count),
        Column("songs", "songs looked at", count),
    ]
    tried = votes_tried(collection, NETS)
    rows = [inner_row(collection, folds) for net in NETS for (_, name, _), folds in tried.items() if name == net]
    return Table("inner", "The networks on the inner folds", columns, rows)


def inner_row(collection: Collection, folds: dict[int, Vote]) -> Row:
    vote = folds[min(folds)]
    values: Values = {"net": vote.net, "iteration": vote.iteration}
    values |= accuracies(concatenate([folds[fold].clips for fold in sorted(folds)]))
    return Row(
        values, commands.needed(collection, vote.net, INNER, commands.variables(collection, vote), sorted(folds))
    )


def votes_tried(collection: Collection, nets: tuple[str, ...]) -> dict[tuple[bool, str, int], dict[int, Vote]]:
    """Votes of inner folds, by fold, of each run's name and iteration; of the plain runs of the first net first."""
    tried: dict[tuple[bool, str, int], dict[int, Vote]] = {}
    for vote in collection.votes:
        if vote.run.settings.split == INNER and vote.net in nets:
            name = vote.run.folder.name
            tried.setdefault((name != nets[0], name, vote.iteration), {})[vote.run.settings.fold] = vote
    return dict(sorted(tried.items()))


def changes(collection: Collection) -> Table:
    """A row for the unchanged RCNN and one for each change, with the difference that it makes."""
    columns = [
        Column("changed", "Changed", words),
        Column("clips_right", "Clips", percent),
        Column("clips_difference", "Clips, minus unchanged [95%]", gain),
        Column("songs_plurality", "Songs, plurality", percent),
        Column("songs_mean", "Songs, mean probability", percent),
        Column("songs_difference", "Songs, minus unchanged [95%]", gain),
        Column("iteration", "Iterations", count),
        Column("songs", "Songs tested", count),
    ]
    tried = votes_tried(collection, (BASE, PLUS))
    pairs = [(folds, tried.get((False, BASE, iteration), {})) for (_, _, iteration), folds in tried.items()]
    rows = [changed_row(collection, *pair) for pair in pairs if pair[0].keys() & pair[1].keys()]
    if not rows:
        command = commands.needed(collection, BASE, INNER, {"FOLD": 1, "DROPOUT": "0.25", "ITERS": 1000})
        rows.append(Row({"changed": "DROPOUT=0.25"}, command, missing=True))
    note = (
        "On folds within the train part of fold 0, whose test songs have no say in the choice. The difference in "
        "songs is by mean probability, a soft vote."
    )
    return Table("changes", "One thing changed at a time", columns, rows, note)


def changed_row(collection: Collection, folds: dict[int, Vote], unchanged: dict[int, Vote]) -> Row:
    """Of the folds that both have; what differs from the RCNN as it is, as make variables."""
    shared = sorted(folds.keys() & unchanged.keys())
    changed, base = (concatenate([votes[fold].clips for fold in shared]) for votes in (folds, unchanged))
    vote = folds[shared[0]]
    settings = [f"{name}={value}" for name, value in commands.named(vote.differences).items()]
    name = " ".join([vote.net] * (vote.net != BASE) + settings)
    values: Values = {"changed": name or "nothing", "iteration": vote.iteration, **accuracies(changed)}
    values |= gains(changed, base, "mean") if name else {}
    return Row(values, commands.needed(collection, vote.net, INNER, commands.variables(collection, vote), shared))


def accuracies(clips: Clips) -> Values:
    by_rule = {
        "clips_right": clips_right(clips),
        "songs_plurality": songs_right(clips, "plurality"),
        "songs_mean": songs_right(clips, "mean"),
    }
    shares = {rule: float(np.mean(list(answers.values()))) for rule, answers in by_rule.items()}
    return {**shares, "songs": len(by_rule["songs_mean"])}


def gains(changed: Clips, base: Clips, rule: str) -> Values:
    """The differences in clips, and in songs by a rule."""
    clips, songs = zip(*((clips_right(each), songs_right(each, rule)) for each in (changed, base)))
    found = {"clips": difference(*clips), "songs": difference(*songs)}
    return {GAINS[kind]: gained.interval if gained else None for kind, gained in found.items()}


def plus_gain(collection: Collection) -> Table:
    """What the changes give together on songs that are tested: all five folds, and fold 0, which chose nothing."""
    columns = [
        Column("tested", "Tested", words),
        Column("clips_before", "Clips, RCNN", percent),
        Column("clips_right", "Clips, plus", percent),
        Column("clips_difference", "Gain in clips [95%]", gain),
        Column("songs_before", "Songs, RCNN", percent),
        Column("songs_plurality", "Songs, plus", percent),
        Column("songs_difference", "Gain in songs [95%]", gain),
        Column("iteration", "Iterations", count),
        Column("songs", "Songs tested", count),
    ]
    pair = collection.same_iteration(*(collection.find_votes(net, paths.ALL_FOLDS) for net in (PLUS, BASE)))
    if pair:
        fold_0 = [vote for net in (PLUS, BASE) for vote in collection.find_votes(net, "song")]
        tested = dict(zip(("all five folds", "fold 0"), (pair[0], *fold_0)))
        rows = [gain_row(collection, *pair, name, vote.clips.tracks) for name, vote in tested.items()]
    else:
        command = commands.needed(collection, PLUS, paths.ALL_FOLDS, {"ITERS": 1000})
        rows = [Row({"tested": "all five folds"}, command, missing=True)]
    note = (
        "Songs by plurality of 5. The songs of folds 1 and 2 were looked at in the choice, those of fold "
        "0 were in no part."
    )
    return Table("plus", "The changes together", columns, rows, note)


def gain_row(collection: Collection, plus: Vote, rcnn: Vote, tested: str, tracks: np.ndarray) -> Row:
    changed, base = (choose(vote.clips, np.isin(vote.clips.tracks, tracks)) for vote in (plus, rcnn))
    before = accuracies(base)
    values: Values = {
        "tested": tested,
        **accuracies(changed),
        "clips_before": before["clips_right"],
        "songs_before": before["songs_plurality"],
        **gains(changed, base, "plurality"),
        "iteration": plus.iteration,
    }
    return Row(values, commands.command_of(collection, plus))


def changes_figure(changed: Table, plus: Table) -> list[Figure]:
    """The differences of both tables as dots."""
    lines = [line_of(row.values["changed"], row.values, GAINS) for row in changed.rows]
    lines += [line_of(f"rcnn_plus on {row.values['tested']}", row.values, GAINS) for row in plus.rows]
    return dots_figure(
        "changes_figure",
        "What each change gains, as dots with intervals",
        "The RCNN with one thing changed, on folds within the train part; rcnn_plus, all of it, also on test folds.",
        [line for line in lines if line.dots],
        {"clips": Style(BLUE), "songs": Style(GREEN, "D")},
        "points more than the RCNN as it is, with 95% intervals",
        limits=(-30, 50),
    )
