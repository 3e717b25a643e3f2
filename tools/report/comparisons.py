"""Comparisons: the same net under each split, data type and dropout setting; and the data that all of it rests on."""

from __future__ import annotations

import numpy as np

from tools import paths
from tools.nets.network import NETS
from tools.report import commands, compare, layout
from tools.report.collect import Collection, Vote
from tools.report.headlines import PROTOCOLS, basis, net_name, protocols_of, song_share
from tools.report.layout import Column, Row, Table
from tools.songs.splits import FOLDS
from tools.vote import baseline

ACCURACY_COLUMNS = [
    Column("Iterations", layout.count("iteration")),
    Column("Clips", layout.share_with_interval("clips_right")),
    Column("Songs, plurality", layout.share_with_interval("songs_plurality")),
    Column("Songs, mean probability", layout.share_with_interval("songs_mean")),
    Column("Songs voted on", layout.count("songs")),
    Column("Test clips", layout.count("clips")),
]


def accuracies(collection: Collection, vote: Vote) -> dict:
    return {
        **layout.with_interval("clips_right", vote.summary["clip_accuracy"], vote.summary["clip_interval"]),
        **layout.with_interval("songs_plurality", *song_share(vote, "plurality", 5)),
        **layout.with_interval("songs_mean", *song_share(vote, "mean_probability", None)),
        **basis(collection, vote),
    }


def splits(collection: Collection) -> Table:
    """The same net under each split."""
    table = Table(
        "splits",
        "Splits side by side",
        [
            Column("Net", layout.text("net_name"), number=False),
            Column("Split", layout.text("split"), number=False),
            *ACCURACY_COLUMNS,
        ],
        note="clip leaks: a song's clips fall on both sides, and its votes on songs are mostly of clips trained on. "
        "song keeps whole songs out. filtered also keeps repetitions and artists out and needs full GTZAN "
        "(make data SET=all).",
    )
    for net in NETS:
        for split in protocols_of(net):
            table.rows.append(split_row(collection, net, split))
        if collection.find_votes(net, "filtered"):
            table.rows.append(split_row(collection, net, "filtered"))
        if collection.find_votes(net, paths.ALL_FOLDS):
            table.rows.append(all_folds_row(collection, net))
    table.rows.append(baseline_row(collection))
    if not any(row.values["split"] == "song, all 5 folds" for row in table.rows[:-1]):
        table.rows.append(all_folds_row(collection, "rcnn"))
    if not any(row.values["split"] == "filtered" for row in table.rows):
        table.rows.append(split_row(collection, "rcnn", "filtered"))
    return table


def split_row(collection: Collection, net: str, split: str) -> Row:
    values = {"net": net, "net_name": net_name(net), "split": split}
    votes = collection.find_votes(net, split)
    if not votes:
        command = commands.make_command(net, split, build=collection.build)
        return Row(values, command, missing=True, note="needs full GTZAN" if split == "filtered" else "")
    return Row({**values, **accuracies(collection, votes[-1])}, commands.command_of_vote(collection, votes[-1]))


def all_folds_row(collection: Collection, net: str) -> Row:
    """The five folds as one (`tools.vote.folds`): each song tested once."""
    values = {"net": net, "net_name": net_name(net), "split": "song, all 5 folds"}
    votes = collection.find_votes(net, paths.ALL_FOLDS)
    if not votes:
        command = commands.folds_command(net, "song", range(FOLDS), build=collection.build)
        return Row(values, command, missing=True)
    command = commands.command_of_vote(collection, votes[-1])
    return Row({**values, **accuracies(collection, votes[-1])}, command)


def baseline_row(collection: Collection) -> Row:
    """MFCC statistics and an SVM on the same folds (`tools.vote.baseline`)."""
    values = {"net": baseline.NAME, "net_name": net_name(baseline.NAME), "split": "song, all 5 folds"}
    votes = collection.find_votes(baseline.NAME, paths.ALL_FOLDS)
    command = f"make baseline{commands.build_setting(collection.build)}"
    if not votes:
        return Row(values, command, missing=True)
    summary = votes[-1].summary
    right = layout.with_interval("clips_right", summary["clip_accuracy"], summary["clip_interval"])
    counted = {"clips": summary["clips"], "songs": summary["songs"]}
    return Row({**values, **right, **counted}, command, note="one vector a song: clips are songs here")


def integer_beside_float(collection: Collection) -> Table:
    """Pairs of runs that differ in the LMDB's data type alone."""
    table = Table(
        "integer_float",
        "Integer beside float LMDB, same seed",
        [
            Column("Net", layout.text("net_name"), number=False),
            Column("Split", layout.text("split"), number=False),
            Column("Iterations", layout.count("iteration")),
            Column("Clips, float", layout.share_with_interval("float_right")),
            Column("Clips, integer", layout.share_with_interval("int_right")),
            Column("Integer minus float [95%]", layout.text("difference")),
            Column("Same answer", layout.share("same_answer")),
        ],
        note="Same answer: test clips to which both runs give the same genre, right or wrong.",
    )
    for net in NETS:
        for split in protocols_of(net):
            row = integer_row(collection, net, split)
            if row or (net, split) == ("complex_cnn", "song"):
                table.rows.append(row or missing_pair(collection, net, split, {"dtype": "int"}))
    return table


def missing_pair(collection: Collection, net: str, split: str, differences: dict[str, str]) -> Row:
    values = {"net": net, "net_name": net_name(net), "split": split}
    pair = [commands.make_command(net, split, d, collection.build) for d in ({}, differences)]
    return Row(values, "; ".join(pair), missing=True)


def same_iteration(collection: Collection, first: list[Vote], second: list[Vote]) -> tuple[Vote, Vote] | None:
    """The newest pair of votes at one iteration, on the same data, as many ranks and the same Caffe."""
    by_iteration = {vote.iteration: vote for vote in second}
    for vote in reversed(first):
        other = by_iteration.get(vote.iteration)
        if other and collection.same_songs(vote, other) and trained_with(vote) == trained_with(other):
            return vote, other
    return None


def trained_with(vote: Vote) -> tuple[object, object]:
    """Ranks and build of Caffe: both change the last digits of the weights."""
    versions = vote.run.record.get("versions", {}) if vote.run else {}
    return vote.summary.get("ranks"), versions.get("caffe_package")


def integer_row(collection: Collection, net: str, split: str) -> Row | None:
    pair = same_iteration(collection, collection.find_votes(net, split, dtype="int"), collection.find_votes(net, split))
    difference = pair and compare.clip_difference(*(vote.clips for vote in pair))
    if not difference:
        return None
    whole, real = pair
    a, b = compare.shared_clips(whole.clips, real.clips)
    values = {
        "net": net,
        "net_name": net_name(net),
        "split": split,
        **layout.with_interval("float_right", real.summary["clip_accuracy"], real.summary["clip_interval"]),
        **layout.with_interval("int_right", whole.summary["clip_accuracy"], whole.summary["clip_interval"]),
        "difference": difference.text,
        "same_answer": float(np.mean(whole.clips.predicted[a] == real.clips.predicted[b])),
        **basis(collection, whole),
    }
    return Row(values, "; ".join(commands.command_of_vote(collection, vote) for vote in (real, whole)))


def dropout_settings(collection: Collection) -> Table:
    """The complex CNN under every dropout ratio or schedule that has been run."""
    table = Table(
        "dropout",
        "Dropout settings side by side, complex CNN",
        [
            Column("Dropout", layout.text("dropout"), number=False),
            Column("Split", layout.text("split"), number=False),
            Column("Train clips", layout.share("train_right")),
            *ACCURACY_COLUMNS,
        ],
        note="0.4 0.6@3000 reads: 0.4 at first, 0.6 from iteration 3000 on. "
        "Train clips are voted on under split clip alone.",
    )
    seen = {}
    for vote in collection.votes:
        if vote.net == "complex_cnn" and set(vote.differences) <= {"dropout"} and vote.split in PROTOCOLS:
            key = (vote.split, vote.differences.get("dropout", ""))
            seen[key] = max(seen.get(key, vote), vote, key=lambda v: v.iteration)
    for (split, ratio), vote in sorted(seen.items()):
        trained = vote.clips.parts == "train"
        values = {
            "dropout": ratio or "as in the prototxt (0.4)",
            "split": split,
            "train_right": float(vote.clips.right[trained].mean()) if trained.any() else None,
            **accuracies(collection, vote),
        }
        table.rows.append(Row(values, commands.command_of_vote(collection, vote)))
    for schedule in ("0.6", "0.4 0.6@3000 0.7@6000"):
        if not any(ratio and ("@" in ratio) == ("@" in schedule) for _, ratio in seen):
            command = commands.make_command("complex_cnn", "song", {"dropout": schedule}, collection.build)
            table.rows.append(Row({"dropout": schedule, "split": "song"}, command, missing=True))
    return table


def data_table(collection: Collection) -> Table:
    """Every LMDB that there is."""
    table = Table(
        "data",
        "Data",
        [
            Column("Split", layout.text("split"), number=False),
            Column("LMDB", layout.text("lmdb"), number=False),
            Column("Records", layout.count("records")),
            Column("Songs", layout.count("songs")),
            Column("Shape", layout.text("shape")),
            Column("SHA-256", layout.text("sha256"), number=False),
        ],
    )
    for split, manifest in collection.manifests.items():
        for name, entry in manifest["lmdbs"].items():
            values = {
                "split": split,
                "lmdb": name,
                "records": entry.get("records"),
                "songs": entry.get("songs"),
                "shape": " x ".join(map(str, entry.get("shape", []))),
                "sha256": str(entry.get("sha256", ""))[:12],
            }
            table.rows.append(Row(values))
    if not table.rows:
        table.rows.append(Row({"split": "song"}, "make lmdb", missing=True))
    return table
