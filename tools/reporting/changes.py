"""What moves the honest number: the RCNN with one thing changed, on folds within the train part of fold 0.

The folds are those of SPLIT=inner, so that the songs that fold 0 tests have no say in what is chosen. The votes of all
inner folds that a change and the unchanged RCNN have in common are put together. Ours: the paper has no such table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import numpy as np

from tools.reporting import commands, compare, layout
from tools.reporting.collect import Classified, Collection, Vote
from tools.reporting.layout import Column, Row, Table
from tools.splits import FOLDS
from tools.voting import rules

BASE, PLUS = "rcnn", "rcnn_plus"
INNER = "inner-"
VOTES_TO_DECIDE = 5

Answers = tuple[np.ndarray, np.ndarray]  # of each song: its name, and whether it is right
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
    changed, base = (join([votes[split].clips for split in shared]) for votes in (folds, unchanged))
    vote = folds[shared[0]]
    values = {"changed": describe(vote), "iteration": vote.iteration, **accuracies(changed)}
    if name != BASE:
        a, b = compare.shared_clips(changed, base)
        clips = compare.paired(changed.tracks[a], changed.right[a].astype(float) - base.right[b])
        songs = song_difference(changed, base, by_mean_probability)
        values |= {"clips_difference": clips.text, "songs_difference": songs.text}
    each = [split.removeprefix(INNER) for split in shared]
    return Row(
        values, commands.folds_command(vote.net, "inner", each, vote.differences, collection.build, **how_far(vote))
    )


def describe(vote: Vote) -> str:
    """What differs from the RCNN as it is, as make variables."""
    settings = [f"{key}={value}" for key, value in commands.difference_settings(vote.differences).items()]
    return " ".join(([vote.net] if vote.net != BASE else []) + settings) or "nothing"


def how_far(vote: Vote) -> dict[str, int]:
    return {"ITERS": vote.iteration, "RANKS": vote.summary.get("ranks")}


def join(parts: list[Classified]) -> Classified:
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Classified))
    return Classified(*map(np.concatenate, columns))


def accuracies(clips: Classified) -> dict[str, object]:
    plurality, mean = by_plurality(clips)[1], by_mean_probability(clips)[1]
    return {
        "clips_right": float(clips.right.mean()),
        "songs_plurality": float(plurality.mean()),
        "songs_mean": float(mean.mean()),
        "songs": len(mean),
    }


def by_plurality(clips: Classified) -> Answers:
    tracks, labels, votes, means = compare.songs_and_votes(clips)
    return tracks, rules.plurality(votes, means, VOTES_TO_DECIDE) == labels


def by_mean_probability(clips: Classified) -> Answers:
    tracks, labels, _, means = compare.songs_and_votes(clips)
    return tracks, means.argmax(axis=1) == labels


def song_difference(first: Classified, second: Classified, rule: Callable[[Classified], Answers]) -> compare.Difference:
    """Songs right in ``first`` minus those in ``second`` by one rule; both have the same songs."""
    tracks, right = rule(first)
    _, others = rule(second)
    return compare.song_difference(tracks, right, others)


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
    folds = pair_on(collection, "song-folds")
    if not folds:
        command = commands.folds_command(PLUS, "song", range(FOLDS), {}, collection.build, ITERS=1000)
        table.rows.append(Row({"tested": "all five folds"}, command, missing=True))
        return table
    changed, base = (vote.clips for vote in folds)
    of_fold_0 = fold_0(collection)
    for tested, songs in (("all five folds", None), ("fold 0", of_fold_0)):
        if songs is None or len(songs):
            parts = (of_songs(clips, songs) for clips in (changed, base))
            table.rows.append(gain_row(collection, tested, folds[0], *parts))
    return table


def pair_on(collection: Collection, split: str) -> tuple[Vote, Vote] | None:
    base = {vote.iteration: vote for vote in collection.find_votes(BASE, split)}
    pairs = [(vote, base[vote.iteration]) for vote in collection.find_votes(PLUS, split) if vote.iteration in base]
    return pairs[-1] if pairs else None


def fold_0(collection: Collection) -> np.ndarray:
    """The songs that fold 0 tests, where either net has been voted on there."""
    votes = [*collection.find_votes(PLUS, "song"), *collection.find_votes(BASE, "song")]
    return np.unique(votes[0].clips.tracks) if votes else np.array([])


def of_songs(clips: Classified, songs: np.ndarray | None) -> Classified:
    if songs is None:
        return clips
    kept = np.isin(clips.tracks, songs)
    return Classified(*(getattr(clips, field.name)[kept] for field in fields(Classified)))


def gain_row(collection: Collection, tested: str, vote: Vote, changed: Classified, base: Classified) -> Row:
    a, b = compare.shared_clips(changed, base)
    clips = compare.paired(changed.tracks[a], changed.right[a].astype(float) - base.right[b])
    before = accuracies(base)
    values = {
        "tested": tested,
        **accuracies(changed),
        "clips_before": before["clips_right"],
        "songs_before": before["songs_plurality"],
        "clips_difference": clips.text,
        "songs_difference": song_difference(changed, base, by_plurality).text,
        "iteration": vote.iteration,
    }
    return Row(values, commands.folds_command(PLUS, "song", range(FOLDS), {}, collection.build, **how_far(vote)))
