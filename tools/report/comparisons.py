"""Comparisons: every network under each split; what a split leaks; integer beside float; the data of all of it."""

from __future__ import annotations

from itertools import product
from typing import cast

import numpy as np

from tools import paths
from tools.nets.network import NETS
from tools.report import changes, commands, compare, dots
from tools.report.canvas import BLUE, GREEN, ORANGE, PURPLE, Figure
from tools.report.dots import Line, Style
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, SPLITS, furthest, net_name, protocols_of
from tools.report.records import Collection, Vote
from tools.report.table import DASH, Column, Interval, Row, Table, Values, count, gain, interval, percent, words

NET, SPLIT = Column("net_name", "Net", words), Column("split", "Split", words)
STYLES = dict(zip(SPLITS, (Style(ORANGE, "s"), Style(BLUE), Style(GREEN, "D"), Style(PURPLE, "^"))))
COLUMNS = [
    Column("network", "network"),
    Column("split", "split"),
    Column("iteration", "iterations", lambda iteration: str(iteration or DASH)),
    Column("tested", "clips / songs"),
    Column("clips", "clips right", interval),
    Column("plurality", "songs, plurality of 5", interval),
    Column("mean", "songs, mean probability", percent),
    Column("true_label", "songs, true label 5 / 7 / 8"),
]


def splits(collection: Collection) -> Table:
    """Every vote of the networks as they are, by split, network and iteration, and of the complex CNN's dropouts."""
    votes = sorted(filter(is_main, collection.votes), key=lambda vote: (vote.split, vote.net, vote.iteration))
    rows = [vote_row(collection, vote) for vote in votes] or [
        Row({"network": "rcnn", "split": split}, commands.needed(collection, "rcnn", split), missing=True)
        for split in PROTOCOLS
    ]
    note = (
        "Split clip leaks: a song's clips fall on both sides. Split song keeps whole songs out; song-folds tests each "
        "song once. Plurality: the genre with most clips, if it has 5 of 15. True label: at least so many clips are "
        "right, the paper's rule; of the LSTM's 30 clips twice as many."
    )
    return Table("splits", "Every network under each split", COLUMNS, rows, note)


def is_main(vote: Vote) -> bool:
    """Whether a vote is of a network as it is; what differs in one thing stands with the claims and the changes."""
    return not changes.is_inner(vote) and vote.differences.keys() <= {"dropout"}


def vote_row(collection: Collection, vote: Vote) -> Row:
    """What was tested, on how much, how well, and the command that votes so."""
    summary = vote.summary
    trained = compare.train_clips_right(vote.clips)
    values: Values = {
        "network": vote.run.folder.name,
        "split": f"{vote.split}{' (leaks)' if summary['leaky'] else ''}",
        "iteration": vote.iteration,
        "tested": f"{summary['clips']} / {summary['songs']}",
        "clips": vote.clips_right,
        "mean": getattr(vote.songs_right("mean_probability"), "value", None),
        "train_clips": trained and trained.value,
        "data": collection.music_of(vote.fingerprint),
        "seed": summary.get("seed"),
        "ranks": summary.get("ranks"),
    }
    songs = summary["song_accuracy"]
    if songs:  # the paper's thresholds, of the LSTM twice those, of songs of another number of clips in proportion
        values["plurality"] = vote.songs_right("plurality", 5) or vote.songs_right("plurality", vote.lowest_threshold)
        values["true_label"] = " / ".join(f"{100 * share:.1f}" for share in songs["true_label"].values()) + "%"
    return Row(values, commands.command_of(collection, vote))


def splits_figure(collection: Collection) -> list[Figure]:
    """Clip accuracy of every net under every split, newest votes, with its interval."""
    lines = []
    for net in NETS:
        votes = {name: furthest(collection, net, splits) for name, splits in SPLITS.items()}
        shown = {name: vote.clips_right for name, vote in votes.items() if vote}
        if shown:
            lines.append(Line(net_name(net), shown))
    if not lines:
        return []
    svg = dots.draw_dots(lines, STYLES, "test clips right, percent, with 95% intervals", (0, 101))
    caption = "Test clips right under each split: the votes trained furthest. Chance is 10%."
    alt = "Clip accuracy of every net under each split, as dots with intervals"
    return [Figure("splits_figure", alt, caption, svg, dots.numbers(lines))]


def leak(collection: Collection) -> Table:
    """The leak, measured: one net, its data and iterations, tested on the same clips, once with their songs heard.

    Every clip that the split clip tests is tested by the folds of the split song too, there by a net that never heard
    the song. A row for every net tested under both: on all folds, and on fold 0 where it was trained further there.
    """
    columns = [
        NET,
        Column("clips_leaky", "Clips, songs heard", percent),
        Column("clips_honest", "Clips, songs new", percent),
        Column("difference", "Leak [95%]", gain),
        Column("iteration", "Iterations", count),
        Column("clips", "Clips tested", count),
    ]
    nets = [net for net in NETS if "clip" in protocols_of(net)]
    pairs = [pair for net in nets for pair in both_splits(collection, net)]
    rows = [row for row in (leak_row(collection, *pair) for pair in pairs) if row]
    if not rows:
        both = "\n".join(commands.needed(collection, "rcnn", split) for split in PROTOCOLS)
        rows.append(Row({"net_name": net_name("rcnn")}, both, missing=True))
    note = (
        "The same test clips in both columns: split clip trains on other clips of their songs, split song on "
        "none. Where fewer clips are tested than in another row of the net, they are those of fold 0."
    )
    return Table("leak", "What heard songs give away", columns, rows, note)


def both_splits(collection: Collection, net: str) -> list[tuple[Vote, Vote]]:
    """Votes of one training under split clip and under the honest one, at one iteration, ever later ones.

    Of the complex CNN the trainings whose dropout was raised by hand as well.
    """
    pairs: list[tuple[Vote, Vote]] = []
    for split, dropout in product((paths.ALL_FOLDS, "song"), (None, DROPOUT_BY_HAND)):
        setting = {"dropout": dropout} if dropout else {}
        votes = (collection.find_votes(net, each, **setting) for each in ("clip", split))
        pair = collection.same_iteration(*votes)
        if pair and pair[0].iteration > max((leaky.iteration for leaky, _ in pairs), default=0):
            pairs.append(pair)
    return pairs


def leak_row(collection: Collection, leaky: Vote, honest: Vote) -> Row | None:
    a, b = compare.shared_clips(leaky.clips, honest.clips)
    if not len(a):
        return None
    difference = compare.difference(leaky.clips.tracks[a], leaky.clips.right[a], honest.clips.right[b])
    values: Values = {
        "net": leaky.net,
        "net_name": net_name(leaky.net) + (", dropout raised" if "dropout" in leaky.differences else ""),
        "clips_leaky": float(leaky.clips.right[a].mean()),
        "clips_honest": float(honest.clips.right[b].mean()),
        "difference": difference.interval,
        "split": honest.split,
        "iteration": leaky.iteration,
        "clips": len(a),
    }
    return Row(values, commands.commands_of(collection, leaky, honest))


def leak_figure(table: Table) -> list[Figure]:
    """The same clips heard and new, and between them the leak."""
    rows = [row.values for row in table.rows if not row.missing]
    if not rows:
        return []
    styles = {"songs heard": Style(ORANGE, "s"), "songs new": Style(BLUE)}
    lines = [
        Line(
            f"{values['net_name']}, {values['iteration']:,} iterations",
            {
                name: Interval(cast(float, values[key] or 0.0))
                for name, key in zip(styles, ("clips_leaky", "clips_honest"))
            },
            gain(values["difference"]) if isinstance(values["difference"], Interval) else "",
        )
        for values in rows
    ]
    svg = dots.draw_dots(lines, styles, "the same test clips right, percent; at the right the difference", (0, 101))
    caption = "One network, the same clips: once other clips of their songs were trained on, once none."
    alt = "Accuracy on the same clips with their songs heard and new"
    return [Figure("leak_figure", alt, caption, svg, dots.numbers(lines))]


def integer_beside_float(collection: Collection) -> Table:
    """Pairs of runs that differ in the LMDB's data type alone."""
    columns = [
        NET,
        SPLIT,
        Column("iteration", "Iterations", count),
        Column("float_right", "Clips, float", interval),
        Column("int_right", "Clips, integer", interval),
        Column("difference", "Integer minus float [95%]", gain),
        Column("same_answer", "Same answer", percent),
    ]
    both = [(net, split) for net in NETS for split in protocols_of(net)]
    rows = [row for net, split in both for row in integer_row(collection, net, split)]
    note = "Same answer: test clips to which both runs give the same genre, right or wrong."
    return Table("integer_float", "Integer beside float LMDB, same seed", columns, rows, note)


def integer_row(collection: Collection, net: str, split: str) -> list[Row]:
    """The row of a net that was run on both; the complex CNN's says how, where it was not."""
    values: Values = {"net": net, "net_name": net_name(net), "split": split}
    pair = collection.same_iteration(collection.find_votes(net, split, dtype="int"), collection.find_votes(net, split))
    difference = pair and compare.clip_difference(*(vote.clips for vote in pair))
    if pair is None or difference is None:
        command = "\n".join(commands.needed(collection, net, split, kind) for kind in ({}, {"DTYPE": "int"}))
        return [Row(values, command, missing=True)] if (net, split) == ("complex_cnn", "song") else []
    whole, real = pair
    a, b = compare.shared_clips(whole.clips, real.clips)
    values |= {"float_right": real.clips_right, "int_right": whole.clips_right, "difference": difference.interval}
    values["same_answer"] = float(np.mean(whole.clips.predicted[a] == real.clips.predicted[b]))
    values |= {"iteration": whole.iteration, "clips": difference.clips, "songs": difference.songs}
    return [Row(values, commands.commands_of(collection, real, whole))]


def data_table(collection: Collection) -> Table:
    """Every LMDB that there is."""
    columns = [
        SPLIT,
        Column("lmdb", "LMDB", words),
        Column("records", "Records", count),
        Column("songs", "Songs", count),
        Column("shape", "Shape"),
        Column("sha256", "SHA-256", words),
    ]
    rows = [
        Row({
            "split": split,
            "lmdb": name,
            "records": entry.get("records"),
            "songs": entry.get("songs"),
            "shape": " x ".join(map(str, entry.get("shape", []))),
            "sha256": str(entry.get("sha256", ""))[:12],
        })
        for split, manifest in collection.manifests.items()
        for name, entry in manifest["lmdbs"].items()
    ]  # fmt: skip
    return Table("data", "Data", columns, rows or [Row({"split": "song"}, "make lmdb", missing=True)])
