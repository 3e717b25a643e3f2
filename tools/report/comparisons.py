"""Comparisons: the same net under each split, data type and dropout setting; and the data that all of it rests on."""

from __future__ import annotations

from itertools import product

import numpy as np

from tools import paths
from tools.nets.network import NETS
from tools.report import commands, compare
from tools.report.collect import Collection, Vote
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, basis, net_name, protocols_of
from tools.report.table import Column, Row, Table, Values, count, interval, percent, words
from tools.vote import baseline

NET, SPLIT = Column("net_name", "Net", words), Column("split", "Split", words)
ACCURACY_COLUMNS = [
    Column("iteration", "Iterations", count),
    Column("clips_right", "Clips", interval),
    Column("songs_plurality", "Songs, plurality", interval),
    Column("songs_mean", "Songs, mean probability", interval),
    Column("songs", "Songs voted on", count),
    Column("clips", "Test clips", count),
]
FOLDS_AS_ONE = "song, all 5 folds"
OPTIONAL = ("filtered", paths.ALL_FOLDS)  # splits that stand on the page where they were run


def accuracies(collection: Collection, vote: Vote) -> Values:
    return {
        "clips_right": vote.clips_right,
        "songs_plurality": vote.songs_right("plurality", 5),
        "songs_mean": vote.songs_right("mean_probability"),
        **basis(collection, vote),
    }


def splits(collection: Collection) -> Table:
    """The same net under each split; the RCNN stands for what has not been run of any."""
    note = (
        "clip leaks: a song's clips fall on both sides, and its votes on songs are mostly of clips trained on. "
        "song keeps whole songs out. filtered also keeps repetitions and artists out and needs full GTZAN "
        "(make data SET=all)."
    )
    rows = [split_row(collection, net, split) for net in NETS for split in splits_of(collection, net)]
    rows.append(baseline_row(collection))
    never = [split for split in OPTIONAL if not any(collection.find_votes(net, split) for net in NETS)]
    rows += [split_row(collection, "rcnn", split) for split in reversed(never)]
    return Table("splits", "Splits side by side", [NET, SPLIT, *ACCURACY_COLUMNS], rows, note)


def splits_of(collection: Collection, net: str) -> list[str]:
    """Both protocols, and what else was run."""
    return [*protocols_of(net), *(split for split in OPTIONAL if collection.find_votes(net, split))]


def split_row(collection: Collection, net: str, split: str) -> Row:
    """The newest vote of a net under a split; all five folds as one (`tools.vote.folds`) test each song once."""
    said = FOLDS_AS_ONE if split == paths.ALL_FOLDS else split
    values: Values = {"net": net, "net_name": net_name(net), "split": said}
    votes = collection.find_votes(net, split)
    if not votes:
        note = "needs full GTZAN" if split == "filtered" else ""
        return Row(values, commands.needed(collection, net, split), missing=True, note=note)
    return Row({**values, **accuracies(collection, votes[-1])}, commands.command_of(collection, votes[-1]))


def baseline_row(collection: Collection) -> Row:
    """MFCC statistics and an SVM on the same folds (`tools.vote.baseline`)."""
    values: Values = {"net": baseline.NAME, "net_name": net_name(baseline.NAME), "split": FOLDS_AS_ONE}
    votes = collection.find_votes(baseline.NAME, paths.ALL_FOLDS)
    command = commands.make(collection, "baseline", {})
    if not votes:
        return Row(values, command, missing=True)
    values["clips_right"] = votes[-1].clips_right
    values |= {key: votes[-1].summary[key] for key in ("clips", "songs")}
    return Row(values, command, note="one vector a song: clips are songs here")


def leak(collection: Collection) -> Table:
    """The leak, measured: one net, its data and iterations, tested on the same clips, once with their songs heard.

    Every clip that the split clip tests is tested by the folds of the split song too, there by a net that never heard
    the song. A row for every net tested under both: on all folds, and on fold 0 where it was trained further there.
    """
    columns = [
        NET,
        Column("clips_leaky", "Clips, songs heard", percent),
        Column("clips_honest", "Clips, songs new", percent),
        Column("difference", "Leak [95%]"),
        Column("iteration", "Iterations", count),
        Column("clips", "Clips tested", count),
    ]
    nets = [net for net in NETS if "clip" in protocols_of(net)]
    rows = [leak_row(collection, *pair) for net in nets for pair in both_splits(collection, net)]
    if not rows:
        both = "; ".join(commands.needed(collection, "rcnn", split) for split in PROTOCOLS)
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


def leak_row(collection: Collection, leaky: Vote, honest: Vote) -> Row:
    a, b = compare.shared_clips(leaky.clips, honest.clips)
    difference = compare.clip_difference(leaky.clips, honest.clips)
    values: Values = {
        "net": leaky.net,
        "net_name": net_name(leaky.net) + (", dropout raised" if "dropout" in leaky.differences else ""),
        "clips_leaky": float(leaky.clips.right[a].mean()),
        "clips_honest": float(honest.clips.right[b].mean()),
        "difference": str(difference),
        "split": honest.split,
        "iteration": leaky.iteration,
        "clips": len(a),
    }
    return Row(values, commands.commands_of(collection, leaky, honest))


def integer_beside_float(collection: Collection) -> Table:
    """Pairs of runs that differ in the LMDB's data type alone."""
    columns = [
        NET,
        SPLIT,
        Column("iteration", "Iterations", count),
        Column("float_right", "Clips, float", interval),
        Column("int_right", "Clips, integer", interval),
        Column("difference", "Integer minus float [95%]"),
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
        command = "; ".join(commands.needed(collection, net, split, kind) for kind in ({}, {"DTYPE": "int"}))
        return [Row(values, command, missing=True)] if (net, split) == ("complex_cnn", "song") else []
    whole, real = pair
    a, b = compare.shared_clips(whole.clips, real.clips)
    values |= {"float_right": real.clips_right, "int_right": whole.clips_right, "difference": str(difference)}
    values["same_answer"] = float(np.mean(whole.clips.predicted[a] == real.clips.predicted[b]))
    return [Row({**values, **basis(collection, whole)}, commands.commands_of(collection, real, whole))]


def dropout_settings(collection: Collection) -> Table:
    """The complex CNN under every dropout ratio or schedule that has been run."""
    columns = [
        Column("dropout", "Dropout", words),
        SPLIT,
        Column("train_right", "Train clips", percent),
        *ACCURACY_COLUMNS,
    ]
    newest: dict[tuple[str, str], Vote] = {}
    for vote in collection.votes:
        if vote.net == "complex_cnn" and set(vote.differences) <= {"dropout"} and vote.split in PROTOCOLS:
            key = (vote.split, vote.differences.get("dropout", ""))
            newest[key] = max(newest.get(key, vote), vote, key=lambda v: v.iteration)
    rows = [dropout_row(collection, ratio, vote) for (_, ratio), vote in sorted(newest.items(), key=lambda kv: kv[0])]
    for schedule in ("0.6", DROPOUT_BY_HAND):
        if not any(ratio and ("@" in ratio) == ("@" in schedule) for _, ratio in newest):
            command = commands.needed(collection, "complex_cnn", "song", {"DROPOUT": schedule})
            rows.append(Row({"dropout": schedule, "split": "song"}, command, missing=True))
    note = (
        "0.4 0.6@3000 reads: 0.4 at first, 0.6 from iteration 3000 on. Train clips are voted on under split clip alone."
    )
    return Table("dropout", "Dropout settings side by side, complex CNN", columns, rows, note)


def dropout_row(collection: Collection, ratio: str, vote: Vote) -> Row:
    trained = compare.train_clips_right(vote.clips)
    values: Values = {
        "dropout": ratio or "as in the prototxt (0.4)",
        "split": vote.split,
        "train_right": trained.value if trained else None,
    }
    return Row({**values, **accuracies(collection, vote)}, commands.command_of(collection, vote))


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
