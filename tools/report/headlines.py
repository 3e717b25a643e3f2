"""The headline numbers and Table 2: the paper's figure, ours and the difference, with what each rests on."""

from __future__ import annotations

from tools import paths
from tools.report import commands, compare, paper
from tools.report.collect import Collection, Vote
from tools.report.table import Column, Interval, Row, Table, Values, count, interval, of_all, percent, points, words

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
DROPOUT_BY_HAND = "0.4 0.6@3000 0.7@6000"  # the paper's schedule


def net_name(net: str) -> str:
    return NET_NAMES.get(net, net)


def protocols_of(net: str) -> tuple[str, ...]:
    """The whole-song net has one record a song, which split clip divides by song as well: one protocol is enough."""
    return ("song",) if net == "song_cnn" else PROTOCOLS


def basis(collection: Collection, vote: Vote) -> Values:
    """What a figure rests on, in every table alike."""
    folder = vote.folder
    return {
        "iteration": vote.iteration,
        "data": commands.describe_data(collection, vote.fingerprint),
        "clips": vote.summary["clips"],
        "songs": vote.summary["songs"],
        "seed": vote.summary.get("seed"),
        "ranks": vote.summary.get("ranks"),
        "run": str(folder.relative_to(paths.CHECKOUT) if folder.is_relative_to(paths.CHECKOUT) else folder),
    }


def is_by_hand(vote: Vote) -> bool:
    """Whether dropout alone differs, and is raised on the way, as ``0.4 0.6@150 0.7@300``."""
    return vote.differences.keys() == {"dropout"} and "@" in vote.differences["dropout"]


def scheduled_dropout(collection: Collection, split: str) -> list[Vote]:
    """Votes of the complex CNN whose dropout is raised by hand, by any schedule."""
    return [v for v in collection.votes if (v.net, v.split) == ("complex_cnn", split) and is_by_hand(v)]


def votes_by_the_paper(collection: Collection, net: str, split: str) -> list[Vote]:
    """Votes of a net by iteration; of the complex CNN those whose dropout was raised by hand, where there are any."""
    votes = collection.find_votes(net, split)
    if net == "complex_cnn":
        by_hand = collection.find_votes(net, split, dropout=DROPOUT_BY_HAND)
        # with SCALE= below 1 the schedule is shorter too
        votes += by_hand or scheduled_dropout(collection, split)
    by_iteration = {vote.iteration: vote for vote in votes}
    return [by_iteration[iteration] for iteration in sorted(by_iteration)]


def nearest(votes: list[Vote], iteration: int | None) -> Vote | None:
    """The vote to set beside the paper's ``iteration``: that one, else the last before it, else the first after.

    With no iteration the newest vote.
    """
    before = [vote for vote in votes if iteration is None or vote.iteration <= iteration]
    return next(iter(before[-1:] or votes[:1]), None)


def measured(vote: Vote, headline: paper.Headline) -> Interval | None:
    """Our figure beside a headline's; None where that is not voted on."""
    if headline.measure == "clips":
        return vote.clips_right
    if headline.measure == "songs":
        return vote.songs_right("true_label", headline.threshold)
    if headline.measure == "train clips":
        return compare.train_clips_right(vote.clips)
    present = vote.confusion.sum(axis=0) > 0
    return Interval(float(vote.confusion.diagonal()[present].mean()))


def percent_or_words(share: float | None, said: str) -> str:
    return said or "–" if share is None else f"{share:g}%"


def summary(collection: Collection) -> Table:
    """The headline numbers: paper, ours, difference."""
    columns = [
        Column("what", "What", words),
        Column("split", "Split", words),
        Column("paper_percent", "Paper", percent_or_words, beside="paper_words"),
        Column("ours", "Ours [95%]", interval),
        Column("difference_points", "Difference", points),
        Column("iteration", "Iterations", of_all, beside="paper_iterations"),
        Column("songs", "Songs", count),
        Column("clips", "Clips", count),
        Column("data", "Data", words),
    ]
    rows = [
        summary_row(collection, headline, split)
        for headline in paper.HEADLINES
        for split in protocols_of(headline.net)
        if headline.measure != "train clips" or split == "clip"
    ]
    note = (
        "Difference: ours minus the paper's, in percentage points. The paper does not say how it split its data: "
        "both splits stand here, and neither is asserted to be the paper's."
    )
    return Table("summary", "The paper's headline numbers, and ours", columns, rows, note)


def summary_row(collection: Collection, headline: paper.Headline, split: str) -> Row:
    values: Values = {
        "what": headline.what,
        "split": split,
        "paper_percent": headline.percent,
        "paper_words": headline.words,
        "paper_place": headline.place,
        "paper_iterations": headline.iterations,
    }
    note = f"Paper: {headline.place}"
    vote = nearest(votes_by_the_paper(collection, headline.net, split), headline.iterations)
    ours = measured(vote, headline) if vote else None
    if vote is None or ours is None:
        return Row(values, commands.needed(collection, headline.net, split), missing=True, note=note)
    values["ours"] = ours
    if headline.percent is not None:
        values["difference_points"] = 100 * ours.value - headline.percent
    values |= basis(collection, vote)
    if headline.measure == "train clips":
        values["clips"] = int((vote.clips.parts == "train").sum())
    if headline.measure == "songs" and vote.summary["leaky"]:
        note += ". Leaky: most clips of these songs were trained on"
    return Row(values, commands.command_of(collection, vote), note=note)


def table_2(collection: Collection, net: str, split: str) -> Table:
    """Iterations, clips and songs at a threshold, as in the paper's Table 2, with the whole song as its last row."""
    columns = [
        Column("iteration", "Iterations", of_all, beside="paper_iterations"),
        Column("paper_clips", "Clips: paper", lambda share: percent(share, 2)),
        Column("clips_right", "Clips: ours", interval),
        Column("threshold", "Threshold"),
        Column("paper_songs", "Songs: paper", percent),
        Column("songs_right", "Songs: ours, true label", interval),
        Column("songs_plurality", "Songs: ours, plurality", interval),
        Column("songs", "Songs voted on", count),
    ]
    votes = votes_by_the_paper(collection, net, split)
    rows = [table_2_row(collection, net, split, quoted, nearest(votes, quoted.iterations)) for quoted in paper.TABLE_2]
    if split == "song":
        whole = nearest(collection.find_votes("song_cnn", split), paper.WHOLE_SONG.iterations)
        rows.append(table_2_row(collection, "song_cnn", split, paper.WHOLE_SONG, whole))
    return Table(f"table2_{net}_{split}", f"Table 2: {net_name(net)}, split {split}", columns, rows)


def table_2_row(collection: Collection, net: str, split: str, quoted: paper.Table2Row, vote: Vote | None) -> Row:
    """What stands beside a row of the paper; a whole song is one clip, without a vote."""
    values: Values = {
        "net": net,
        "split": split,
        "paper_iterations": quoted.iterations,
        "paper_clips": quoted.clip_percent / 100 if quoted.threshold else None,
        "paper_songs": quoted.song_percent / 100,
        "threshold": quoted.threshold or "whole song",
    }
    if vote is None:
        far = {"ITERS": quoted.iterations, "ITERATION": quoted.iterations}
        return Row(values, commands.needed(collection, net, split, far), missing=True)
    if quoted.threshold:
        values["clips_right"] = vote.clips_right
        values["songs_right"] = vote.songs_right("true_label", quoted.threshold)
        values["songs_plurality"] = vote.songs_right("plurality", quoted.threshold)
    else:
        values["songs_right"] = vote.clips_right
    return Row({**values, **basis(collection, vote)}, commands.command_of(collection, vote))
