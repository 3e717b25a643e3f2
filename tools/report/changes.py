"""What moves the honest number: the RCNN with one thing changed, on folds within the train part of fold 0.

The folds are those of SPLIT=inner, so that the songs that fold 0 tests have no say in what is chosen. The votes of all
inner folds that a change and the unchanged RCNN have in common are put together. Ours: the paper has no such table.
"""

from __future__ import annotations

import numpy as np

from tools import paths
from tools.report import commands, compare, layout
from tools.report.collect import Collection, Vote
from tools.report.comparisons import same_iteration
from tools.report.layout import Column, Row, Table
from tools.songs.splits import FOLDS
from tools.vote.count import Clips, choose, concatenate

BASE, PLUS = "rcnn", "rcnn_plus"
INNER = "inner-"
VOTES_TO_DECIDE = 5

Folds = dict[str, Vote]  # by the split's folder


def changes(collection: Collection) -> Table:
    """A row for the unchanged RCNN and one for each change, with the difference that it makes."""
    table = Table(
        "changes",
        "One thing changed at a time",
        [
            Column("Changed", layout.text("changed"), number=False),
            Column("Clips", layout.share("clips_right")),
            Column("Clips, minus unchanged [95%]", layout.text("clips_difference")),
            Column("Songs, plurality", layout.share("songs_plurality")),
            Column("Songs, mean probability", layout.share("songs_mean")),
            Column("Songs, minus unchanged [95%]", layout.text("songs_difference")),
            Column("Iterations", layout.count("iteration")),
            Column("Songs tested", layout.count("songs")),
        ],
        note="On folds within the train part of fold 0, whose test songs have no say in the choice. The difference in "
        "songs is by mean probability, a soft vote.",
    )
    found = inner_votes(collection)
    for (name, iteration), folds in sorted(found.items(), key=lambda item: (item[0][0] != BASE, item[0])):
        unchanged = found.get((BASE, iteration), {})
        shared = sorted(folds.keys() & unchanged.keys())
        if shared:
            table.rows.append(changed_row(collection, name, folds, unchanged, shared))
    if not table.rows:
        missing = commands.make_command(BASE, "inner-1", {"dropout": "0.25"}, collection.build, ITERS=1000)
        table.rows.append(Row({"changed": "DROPOUT=0.25"}, missing, missing=True))
    return table


def inner_votes(collection: Collection) -> dict[tuple[str, int], Folds]:
    """Votes on inner folds of the RCNN and its variants, by run and iteration."""
    found: dict[tuple[str, int], Folds] = {}
    for vote in collection.votes:
        if vote.split.startswith(INNER) and vote.net in (BASE, PLUS):
            found.setdefault((vote.run_name, vote.iteration), {})[vote.split] = vote
    return found


def changed_row(collection: Collection, name: str, folds: Folds, unchanged: Folds, shared: list[str]) -> Row:
    changed, base = (concatenate([votes[split].clips for split in shared]) for votes in (folds, unchanged))
    vote = folds[shared[0]]
    values = {"changed": describe(vote), "iteration": vote.iteration, **accuracies(changed)}
    if name != BASE:
        tracks, right = compare.right_by_mean_probability(changed)
        songs = compare.song_difference(tracks, right, compare.right_by_mean_probability(base)[1])
        clips = compare.clip_difference(changed, base)
        values |= {"clips_difference": clips.text, "songs_difference": songs.text}
    each, settings = [split.removeprefix(INNER) for split in shared], commands.settings_of(collection, vote)
    command = commands.folds_command(vote.net, "inner", each, vote.differences, collection.build, **settings)
    return Row(values, command)


def describe(vote: Vote) -> str:
    """What differs from the RCNN as it is, as make variables."""
    settings = [f"{key}={value}" for key, value in commands.difference_settings(vote.differences).items()]
    return " ".join(([vote.net] if vote.net != BASE else []) + settings) or "nothing"


def accuracies(clips: Clips) -> dict[str, object]:
    plurality = compare.right_by_plurality(clips, VOTES_TO_DECIDE)[1]
    return {
        "clips_right": float(clips.right.mean()),
        "songs_plurality": float(plurality.mean()),
        "songs_mean": float(compare.right_by_mean_probability(clips)[1].mean()),
        "songs": len(plurality),
    }


def plus_gain(collection: Collection) -> Table:
    """What the changes give together on songs that are tested: all five folds, and fold 0, which chose nothing."""
    table = Table(
        "plus",
        "The changes together",
        [
            Column("Tested", layout.text("tested"), number=False),
            Column("Clips, RCNN", layout.share("clips_before")),
            Column("Clips, plus", layout.share("clips_right")),
            Column("Gain in clips [95%]", layout.text("clips_difference")),
            Column("Songs, RCNN", layout.share("songs_before")),
            Column("Songs, plus", layout.share("songs_plurality")),
            Column("Gain in songs [95%]", layout.text("songs_difference")),
            Column("Iterations", layout.count("iteration")),
            Column("Songs tested", layout.count("songs")),
        ],
        note="Songs by plurality of 5. The songs of folds 1 and 2 were looked at in the choice, those of fold "
        "0 were in no part.",
    )
    pair = same_iteration(
        collection, collection.find_votes(PLUS, paths.ALL_FOLDS), collection.find_votes(BASE, paths.ALL_FOLDS)
    )
    if not pair:
        command = commands.folds_command(PLUS, "song", range(FOLDS), {}, collection.build, ITERS=1000)
        table.rows.append(Row({"tested": "all five folds"}, command, missing=True))
        return table
    table.rows.append(gain_row(collection, "all five folds", pair[0], *(vote.clips for vote in pair)))
    songs = songs_of_fold_0(collection)
    if len(songs):
        table.rows.append(gain_row(collection, "fold 0", pair[0], *(of_songs(vote.clips, songs) for vote in pair)))
    return table


def songs_of_fold_0(collection: Collection) -> np.ndarray:
    """The songs that fold 0 tests, where either net has been voted on there."""
    votes = [*collection.find_votes(PLUS, "song"), *collection.find_votes(BASE, "song")]
    return np.unique(votes[0].clips.tracks) if votes else np.array([])


def of_songs(clips: Clips, songs: np.ndarray) -> Clips:
    return choose(clips, np.isin(clips.tracks, songs))


def gain_row(collection: Collection, tested: str, vote: Vote, changed: Clips, base: Clips) -> Row:
    before = accuracies(base)
    tracks, right = compare.right_by_plurality(changed, VOTES_TO_DECIDE)
    songs = compare.song_difference(tracks, right, compare.right_by_plurality(base, VOTES_TO_DECIDE)[1])
    values = {
        "tested": tested,
        **accuracies(changed),
        "clips_before": before["clips_right"],
        "songs_before": before["songs_plurality"],
        "clips_difference": compare.clip_difference(changed, base).text,
        "songs_difference": songs.text,
        "iteration": vote.iteration,
    }
    return Row(values, commands.command_of_vote(collection, vote))
