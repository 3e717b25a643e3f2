"""Pairs of trainings that differ in one thing, tested on the same clips: what it changes, with its interval.

The leak is the split's own. Integer beside float is the data's. Changes of the RCNN are ours, not the paper's: they are
tried on the folds of SPLIT=inner, within the train part of fold 0, so that the songs that fold 0 tests have no say in
what is chosen. The votes of all inner folds that a change and the unchanged RCNN have in common are put together.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tools import paths
from tools.nets.network import NETS
from tools.report import commands
from tools.report.canvas import BLUE, BY_SPLIT, GREEN, Figure, Style, dots_figure, line_of
from tools.report.compare import clips_right, difference, of_test_clips, songs_right
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, net_name, protocols_of
from tools.report.records import Collection, Vote
from tools.report.table import Column, Row, Table, Values, count, gain, interval, percent, words
from tools.vote.count import Clips, choose, concatenate

NET = Column("net_name", "Net", words)
LEAK = Column("difference", "Leak [95%]", gain)
HEARD = {"songs heard": "clips_leaky", "songs new": "clips_honest"}
BASE, PLUS, INNER = "rcnn", "rcnn_plus", "inner"
GAINS = {kind: f"{kind}_difference" for kind in ("clips", "songs")}


def leak(collection: Collection) -> Table:
    """The leak, measured: one net, its data and iterations, tested on the same clips, once with their songs heard.

    Every clip that the split clip tests is tested by the folds of the split song too, there by a net that never heard
    the song. A row for every net tested under both: on all folds, and on fold 0 where it was trained further there.
    """
    columns = [
        NET,
        Column("clips_leaky", "Clips, songs heard", percent),
        Column("clips_honest", "Clips, songs new", percent),
        LEAK,
        Column("iteration", "Iterations", count),
        Column("clips", "Clips tested", count),
    ]
    rows = [row for net in NETS if "clip" in protocols_of(net) for row in leak_rows(collection, net)]
    if not rows:
        both = "\n".join(commands.needed(collection, "rcnn", split) for split in PROTOCOLS)
        rows.append(Row({"net_name": net_name("rcnn")}, both, missing=True))
    note = (
        "The same test clips in both columns: split clip trains on other clips of their songs, split song on "
        "none. Where fewer clips are tested than in another row of the net, they are those of fold 0."
    )
    return Table("leak", "What heard songs give away", columns, rows, note)


def leak_rows(collection: Collection, net: str) -> list[Row]:
    """A row for each pair of votes of one training under split clip and the honest one, at ever later iterations.

    Of the complex CNN the trainings whose dropout was raised by hand as well.
    """
    rows: list[Row] = []
    furthest_yet = 0
    for split, dropout in product((paths.ALL_FOLDS, "song"), ("", DROPOUT_BY_HAND)):
        setting: Any = {"dropout": dropout} if dropout else {}
        pair = collection.same_iteration(*(collection.find_votes(net, each, **setting) for each in ("clip", split)))
        if pair is None or pair[0].iteration <= furthest_yet:
            continue
        furthest_yet = pair[0].iteration
        leak = difference(*(clips_right(vote.clips) for vote in pair))
        if leak:
            values: Values = {
                "net": net,
                "net_name": net_name(net) + (", dropout raised" if setting else ""),
                **dict(zip(HEARD.values(), leak.shares)),
                "difference": leak.interval,
                "split": split,
                "iteration": furthest_yet,
                "clips": leak.clips,
            }
            rows.append(Row(values, commands.command_of(collection, *pair)))
    return rows


def leak_figure(table: Table) -> list[Figure]:
    """The same clips heard and new, and between them the leak."""
    run = [row.values for row in table.rows if not row.missing]
    labels = [f"{values['net_name']}, {values['iteration']:,} iterations" for values in run]
    return dots_figure(
        "leak_figure",
        "Accuracy on the same clips with their songs heard and new",
        "One network, the same clips: once other clips of their songs were trained on, once none.",
        [line_of(label, values, HEARD, LEAK.cell(values)) for label, values in zip(labels, run)],
        dict(zip(HEARD, BY_SPLIT)),
        "the same test clips right, percent; at the right the difference",
    )


def integer_beside_float(collection: Collection) -> Table:
    """Pairs of runs that differ in the LMDB's data type alone."""
    columns = [
        NET,
        Column("split", "Split", words),
        Column("iteration", "Iterations", count),
        Column("float_right", "Clips, float", interval),
        Column("int_right", "Clips, integer", interval),
        Column("difference", "Integer minus float [95%]", gain),
        Column("same_answer", "Same answer", percent),
    ]
    rows = [row for net in NETS for split in protocols_of(net) for row in integer_row(collection, net, split)]
    note = "Same answer: test clips to which both runs give the same genre, right or wrong."
    return Table("integer_float", "Integer beside float LMDB, same seed", columns, rows, note)


def integer_row(collection: Collection, net: str, split: str) -> list[Row]:
    """The row of a net that was run on both; the complex CNN's says how, where it was not."""
    values: Values = {"net": net, "net_name": net_name(net), "split": split}
    pair = collection.same_iteration(collection.find_votes(net, split, dtype="int"), collection.find_votes(net, split))
    gained = pair and difference(*(clips_right(vote.clips) for vote in pair))
    if not (pair and gained):
        command = "\n".join(commands.needed(collection, net, split, kind) for kind in ({}, {"DTYPE": "int"}))
        return [Row(values, command, missing=True)] if (net, split) == ("complex_cnn", "song") else []
    whole, real = pair
    a, b = (of_test_clips(vote.clips, vote.clips.predicted) for vote in pair)
    values |= {
        "float_right": real.clips_right,
        "int_right": whole.clips_right,
        "difference": gained.interval,
        "same_answer": float(np.mean([a[clip] == b[clip] for clip in a.keys() & b.keys()])),
        "iteration": whole.iteration,
        "clips": gained.clips,
        "songs": gained.songs,
    }
    return [Row(values, commands.command_of(collection, real, whole))]


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
    tried: dict[tuple[bool, str, int], dict[int, Vote]] = {}  # votes by fold, of the unchanged RCNN first
    for vote in collection.votes:
        if vote.run.settings.split == INNER and vote.net in (BASE, PLUS):
            name = vote.run.folder.name
            tried.setdefault((name != BASE, name, vote.iteration), {})[vote.run.settings.fold] = vote
    pairs = [(folds, tried.get((False, BASE, iteration), {})) for (_, _, iteration), folds in sorted(tried.items())]
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
