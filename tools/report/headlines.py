"""The headline numbers and Table 2: the paper's figure, ours and the difference, with what each rests on."""

from __future__ import annotations

from pathlib import Path

from tools import paths
from tools.report import commands, compare, layout, paper
from tools.report.collect import Collection, Vote, nearest
from tools.report.layout import Column, Row, Table

NET_NAMES = {
    "simple_cnn": "Simple CNN",
    "complex_cnn": "Complex CNN",
    "rcnn": "RCNN",
    "rcnn_plus": "RCNN plus (ours)",
    "lstm": "LSTM",
    "song_cnn": "Whole-song CNN",
    "mfcc_svm": "MFCC + SVM (baseline)",
}
PROTOCOLS = ("clip", "song")


def net_name(net: str) -> str:
    return NET_NAMES.get(net, net)


def protocols_of(net: str) -> tuple[str, ...]:
    """The whole-song net has one record a song, which split clip divides by song as well: one protocol is enough."""
    return ("song",) if net == "song_cnn" else PROTOCOLS


def measured(vote: Vote, headline: paper.Headline) -> tuple[float | None, list[float] | None]:
    """Our figure beside a headline's, and its 95% interval."""
    if headline.measure == "clips":
        return vote.summary["clip_accuracy"], vote.summary["clip_interval"]
    if headline.measure == "songs":
        return song_share(vote, "true_label", headline.threshold)
    clips = vote.clips
    if headline.measure == "train clips":
        trained = clips.parts == "train"
        if not trained.any():
            return None, None
        right = clips.right[trained]
        return float(right.mean()), compare.interval_of_clips(clips.tracks[trained], right)
    present = vote.confusion.sum(axis=0) > 0
    return float(vote.confusion.diagonal()[present].mean()), None


def song_share(vote: Vote, rule: str, threshold: int | None) -> tuple[float | None, list[float] | None]:
    """Songs right by a rule; the paper's thresholds are of 15 clips, the LSTM's 30 have twice that."""
    if not vote.summary.get("song_accuracy"):
        return None, None
    if threshold is None:
        return vote.summary["song_accuracy"][rule], vote.summary["song_interval"][rule]
    by_threshold = vote.summary["song_accuracy"][rule]
    for key in (str(threshold), str(2 * threshold) if vote.net == "lstm" else ""):
        if key in by_threshold:
            return by_threshold[key], vote.summary["song_interval"][rule][key]
    return None, None


def basis(collection: Collection, vote: Vote) -> dict:
    """What a figure rests on, in every table alike."""
    return {
        "iteration": vote.iteration,
        "data": commands.describe_data(collection, vote.fingerprint),
        "clips": vote.summary["clips"],
        "songs": vote.summary["songs"],
        "seed": vote.summary.get("seed"),
        "ranks": vote.summary.get("ranks"),
        "run": str(in_checkout(vote.folder)),
    }


def in_checkout(folder: Path) -> Path:
    """Its path within the checkout, where it is in there."""
    return folder.relative_to(paths.CHECKOUT) if folder.is_relative_to(paths.CHECKOUT) else folder


def iterations_shown(values: dict) -> str:
    """``500 of 10,000``: how far ours went, of what the paper says."""
    ours, theirs = values.get("iteration"), values.get("paper_iterations")
    if ours is None:
        return "–" if theirs is None else f"– of {theirs:,}"
    return f"{ours:,}" if theirs in (None, ours) else f"{ours:,} of {theirs:,}"


def summary(collection: Collection) -> Table:
    """The headline numbers: paper, ours, difference."""
    table = Table(
        "summary",
        "The paper's headline numbers, and ours",
        [
            Column("What", layout.text("what"), number=False),
            Column("Split", layout.text("split"), number=False),
            Column("Paper", paper_shown),
            Column("Ours [95%]", layout.share_with_interval("ours")),
            Column("Difference", layout.points("difference_points")),
            Column("Iterations", iterations_shown),
            Column("Songs", layout.count("songs")),
            Column("Clips", layout.count("clips")),
            Column("Data", layout.text("data"), number=False),
        ],
        note="Difference: ours minus the paper's, in percentage points. The paper does not say how it split its data: "
        "both splits stand here, and neither is asserted to be the paper's.",
    )
    for headline in paper.HEADLINES:
        for split in protocols_of(headline.net):
            if headline.measure == "train clips" and split != "clip":
                continue
            table.rows.append(summary_row(collection, headline, split))
    return table


def paper_shown(values: dict) -> str:
    if values.get("paper_percent") is None:
        return values.get("paper_words") or "–"
    return f"{values['paper_percent']:g}%"


def votes_by_the_paper(collection: Collection, net: str, split: str) -> list[Vote]:
    """Votes of a net by iteration; of the complex CNN those whose dropout was raised by hand, where there are any."""
    votes = collection.find_votes(net, split)
    if net == "complex_cnn":
        by_hand = collection.find_votes(net, split, dropout=commands.DROPOUT_BY_HAND)
        # with SCALE= below 1 the schedule is shorter too
        votes += by_hand or scheduled_dropout(collection, split)
    by_iteration = {vote.iteration: vote for vote in votes}
    return [by_iteration[iteration] for iteration in sorted(by_iteration)]


def scheduled_dropout(collection: Collection, split: str) -> list[Vote]:
    """Votes of the complex CNN whose dropout alone differs, by any schedule, as ``0.4 0.6@150 0.7@300``."""
    votes = (vote for vote in collection.votes if (vote.net, vote.split) == ("complex_cnn", split))
    return [v for v in votes if v.differences.keys() == {"dropout"} and "@" in v.differences["dropout"]]


def summary_row(collection: Collection, headline: paper.Headline, split: str) -> Row:
    values = {
        "what": headline.what,
        "split": split,
        "paper_percent": headline.percent,
        "paper_words": headline.words,
        "paper_place": headline.place,
        "paper_iterations": headline.iterations,
    }
    note = f"Paper: {headline.place}"
    vote = nearest(votes_by_the_paper(collection, headline.net, split), headline.iterations)
    ours, interval = measured(vote, headline) if vote else (None, None)
    if vote is None or ours is None:
        return Row(values, commands.make_command(headline.net, split, build=collection.build), missing=True, note=note)
    values |= layout.with_interval("ours", ours, interval)
    if headline.percent is not None:
        values["difference_points"] = 100 * ours - headline.percent
    values |= basis(collection, vote)
    if headline.measure == "train clips":
        values["clips"] = int((vote.clips.parts == "train").sum())
    if headline.measure == "songs" and vote.summary["leaky"]:
        note += ". Leaky: most clips of these songs were trained on"
    return Row(values, commands.command_of_vote(collection, vote), note=note)


def table_2(collection: Collection, net: str, split: str) -> Table:
    """Iterations, clips and songs at a threshold, as in the paper's Table 2, with the whole song as its last row."""
    table = Table(
        f"table2_{net}_{split}",
        f"Table 2: {net_name(net)}, split {split}",
        [
            Column("Iterations", iterations_shown),
            Column("Clips: paper", layout.share("paper_clips", 2)),
            Column("Clips: ours", layout.share_with_interval("clips_right")),
            Column("Threshold", layout.text("threshold")),
            Column("Songs: paper", layout.share("paper_songs")),
            Column("Songs: ours, true label", layout.share_with_interval("songs_right")),
            Column("Songs: ours, plurality", layout.share_with_interval("songs_plurality")),
            Column("Songs voted on", layout.count("songs")),
        ],
    )
    votes = votes_by_the_paper(collection, net, split)
    for quoted in paper.TABLE_2:
        values = {
            "net": net,
            "split": split,
            "paper_iterations": quoted.iterations,
            "paper_clips": quoted.clip_percent / 100,
            "paper_songs": quoted.song_percent / 100,
            "threshold": quoted.threshold,
        }
        vote = nearest(votes, quoted.iterations)
        if vote is None:
            wanted = {"ITERS": quoted.iterations, "ITERATION": quoted.iterations}
            table.rows.append(
                Row(values, commands.make_command(net, split, build=collection.build, **wanted), missing=True)
            )
            continue
        values |= layout.with_interval("clips_right", vote.summary["clip_accuracy"], vote.summary["clip_interval"])
        values |= layout.with_interval("songs_right", *song_share(vote, "true_label", quoted.threshold))
        values |= layout.with_interval("songs_plurality", *song_share(vote, "plurality", quoted.threshold))
        values |= basis(collection, vote)
        table.rows.append(Row(values, commands.command_of_vote(collection, vote)))
    if split == "song":
        table.rows.append(whole_song_row(collection))
    return table


def whole_song_row(collection: Collection) -> Row:
    headline = next(h for h in paper.HEADLINES if h.key == "whole_song")
    values = {
        "net": "song_cnn",
        "split": "song",
        "paper_iterations": headline.iterations,
        "threshold": "whole song",
        "paper_songs": headline.percent / 100,
    }
    vote = nearest(collection.find_votes("song_cnn", "song"), headline.iterations)
    if vote is None:
        return Row(values, commands.make_command("song_cnn", "song", build=collection.build), missing=True)
    values |= layout.with_interval("songs_right", vote.summary["clip_accuracy"], vote.summary["clip_interval"])
    return Row({**values, **basis(collection, vote)}, commands.command_of_vote(collection, vote))
