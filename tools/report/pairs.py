"""Pairs of trainings that differ in one thing, tested on the same clips: what it changes, with its interval.

The leak is the split's own, integer beside float the data's. Changes of the RCNN: `tools.report.changes`.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tools import paths
from tools.nets.network import NETS
from tools.report import commands
from tools.report.canvas import BY_SPLIT, Figure, dots_figure, line_of
from tools.report.compare import clips_right, difference, of_test_clips
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, net_name, protocols_of
from tools.report.records import Collection
from tools.report.table import Column, Row, Table, Values, count, gain, interval, percent, words

NET = Column("net_name", "Net", words)
LEAK = Column("difference", "Leak [95%]", gain)
HEARD = {"songs heard": "clips_leaky", "songs new": "clips_honest"}


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
