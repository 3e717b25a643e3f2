"""What moves the honest number: the RCNN with one thing changed, on folds within the train part of fold 0.

The folds are those of SPLIT=inner, so that the songs that fold 0 tests have no say in what is chosen. The votes of all
inner folds that a change and the unchanged RCNN have in common are put together. Ours: the paper has no such table.
"""

from __future__ import annotations

import numpy as np

from tools import paths
from tools.report import commands, compare, dots
from tools.report.canvas import BLUE, GREEN, Figure
from tools.report.dots import Line, Style
from tools.report.records import Collection, Vote
from tools.report.table import Column, Interval, Row, Table, Values, count, gain, percent, words
from tools.vote.count import Clips, choose, concatenate, hold_election

BASE, PLUS, INNER = "rcnn", "rcnn_plus", "inner"
VOTES_TO_DECIDE = 5

Folds = dict[int, Vote]


def is_inner(vote: Vote) -> bool:
    return vote.run.settings.split == INNER


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
    by_change: dict[tuple[str, int], Folds] = {}
    for vote in collection.votes:
        if is_inner(vote) and vote.net in (BASE, PLUS):
            by_change.setdefault((vote.run.folder.name, vote.iteration), {})[vote.run.settings.fold] = vote
    rows = []
    for (name, iteration), folds in sorted(by_change.items(), key=lambda item: (item[0][0] != BASE, item[0])):
        unchanged = by_change.get((BASE, iteration), {})
        if folds.keys() & unchanged.keys():
            rows.append(changed_row(collection, name, folds, unchanged))
    if not rows:
        command = commands.train_and_vote(collection, BASE, INNER, {"FOLD": 1, "DROPOUT": "0.25", "ITERS": 1000})
        rows.append(Row({"changed": "DROPOUT=0.25"}, command, missing=True))
    note = (
        "On folds within the train part of fold 0, whose test songs have no say in the choice. The difference in "
        "songs is by mean probability, a soft vote."
    )
    return Table("changes", "One thing changed at a time", columns, rows, note)


def changed_row(collection: Collection, name: str, folds: Folds, unchanged: Folds) -> Row:
    shared = sorted(folds.keys() & unchanged.keys())
    changed, base = (concatenate([votes[fold].clips for fold in shared]) for votes in (folds, unchanged))
    vote = folds[shared[0]]
    values: Values = {"changed": describe(vote), "iteration": vote.iteration, **accuracies(changed)}
    if name != BASE:
        songs, before = (hold_election(clips, None) for clips in (changed, base))
        right = (election.most_probable == election.labels for election in (songs, before))
        values["clips_difference"] = clip_gain(changed, base)
        values["songs_difference"] = compare.difference(songs.tracks, *right).interval
    return Row(values, commands.each_fold(collection, vote.net, INNER, commands.variables(collection, vote), shared))


def clip_gain(changed: Clips, base: Clips) -> Interval | None:
    difference = compare.clip_difference(changed, base)
    return difference.interval if difference else None


def describe(vote: Vote) -> str:
    """What differs from the RCNN as it is, as make variables."""
    settings = [f"{name}={value}" for name, value in commands.named(vote.differences).items()]
    return " ".join(([vote.net] if vote.net != BASE else []) + settings) or "nothing"


def accuracies(clips: Clips) -> Values:
    election = hold_election(clips, None)
    return {
        "clips_right": float(clips.right.mean()),
        "songs_plurality": float((election.plurality(VOTES_TO_DECIDE) == election.labels).mean()),
        "songs_mean": float((election.most_probable == election.labels).mean()),
        "songs": len(election.tracks),
    }


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
    if pair is None:
        command = commands.needed(collection, PLUS, paths.ALL_FOLDS, {"ITERS": 1000})
        rows = [Row({"tested": "all five folds"}, command, missing=True)]
    else:
        changed, base = (vote.clips for vote in pair)
        rows = [gain_row(collection, "all five folds", pair[0], changed, base)]
        songs = songs_of_fold_0(collection)
        if len(songs):
            changed, base = (choose(clips, np.isin(clips.tracks, songs)) for clips in (changed, base))
            rows.append(gain_row(collection, "fold 0", pair[0], changed, base))
    note = (
        "Songs by plurality of 5. The songs of folds 1 and 2 were looked at in the choice, those of fold "
        "0 were in no part."
    )
    return Table("plus", "The changes together", columns, rows, note)


def songs_of_fold_0(collection: Collection) -> np.ndarray:
    """The songs that fold 0 tests, where either net has been voted on there."""
    votes = [*collection.find_votes(PLUS, "song"), *collection.find_votes(BASE, "song")]
    return np.unique(votes[0].clips.tracks) if votes else np.array([])


def gain_row(collection: Collection, tested: str, vote: Vote, changed: Clips, base: Clips) -> Row:
    before, songs = accuracies(base), hold_election(changed, None)
    right = [election.plurality(VOTES_TO_DECIDE) == election.labels for election in (songs, hold_election(base, None))]
    values: Values = {
        "tested": tested,
        **accuracies(changed),
        "clips_before": before["clips_right"],
        "songs_before": before["songs_plurality"],
        "clips_difference": clip_gain(changed, base),
        "songs_difference": compare.difference(songs.tracks, *right).interval,
        "iteration": vote.iteration,
    }
    return Row(values, commands.command_of(collection, vote))


def figures(changed: Table, plus: Table) -> list[Figure]:
    """The differences of both tables as dots."""
    styles = {"clips": Style(BLUE), "songs": Style(GREEN, "D")}
    lines = []
    for row in (*changed.rows, *plus.rows):
        gains = {kind: row.values.get(f"{kind}_difference") for kind in styles}
        gained = {kind: share for kind, share in gains.items() if isinstance(share, Interval)}
        of_plus = f"rcnn_plus on {row.values.get('tested')}"
        if gained:
            lines.append(Line(str(row.values.get("changed", of_plus)), gained))
    if not lines:
        return []
    svg = dots.draw_dots(lines, styles, "points more than the RCNN as it is, with 95% intervals", (-30, 50))
    caption = (
        "The RCNN with one thing changed, on folds within the train part; rcnn_plus, all of it, also on test folds."
    )
    return [
        Figure(
            "changes_figure",
            "What each change gains, as dots with intervals",
            caption,
            svg,
            dots.numbers(lines),
        )
    ]
