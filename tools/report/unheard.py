"""The networks of the ten genres on the songs of another collection, whose artists none of them heard.

Beside it the same genres of the songs at hand, by song: there other songs of the artists were trained on.
"""

from __future__ import annotations

from operator import attrgetter

import numpy as np

from tools.nets.network import NETS
from tools.report import commands
from tools.report.headlines import net_name
from tools.report.records import Collection, Vote
from tools.report.table import Column, Row, Table, Values, count, percent, words


def unheard(collection: Collection, elsewhere: list[Vote]) -> Table:
    """A row for each network that voted on another collection; two columns for each genre that has songs there.

    Not for votes of changed trainings, nor for those without a vote on all folds as far on.
    """
    training = attrgetter("net", "iteration", "fingerprint")
    own = [vote for vote in collection.votes if vote.split == "song-folds"]
    by_song = {training(vote): vote for vote in own if not vote.differences}
    plain = sorted((vote for vote in elsewhere if not vote.differences), key=lambda vote: NETS.index(vote.net))
    pairs = [(by_song[training(vote)], vote) for vote in plain if training(vote) in by_song]
    songs = {genre: number for _, vote in pairs for genre, number in songs_of(vote).items() if number}
    columns = [Column("network", "clips right", words), Column("iteration", "iterations", count)]
    for genre, number in songs.items():
        columns.append(Column(f"{genre} heard", f"{genre}, by song", percent))
        columns.append(Column(f"{genre} unheard", f"{genre}, {number} songs elsewhere", percent))
    return Table("unheard", "Artists that were not heard", columns, [unheard_row(collection, *pair) for pair in pairs])


def songs_of(vote: Vote) -> dict[str, int]:
    """How many songs of each genre were tested."""
    labels = dict(zip(vote.clips.tracks.tolist(), vote.clips.labels.tolist()))
    return dict(zip(vote.genres, np.bincount(list(labels.values()), minlength=len(vote.genres)).tolist()))


def unheard_row(collection: Collection, own: Vote, elsewhere: Vote) -> Row:
    """The share right, 0..1, of each genre's clips: of all folds, and elsewhere."""
    values: Values = {"network": net_name(own.net), "iteration": own.iteration}
    for label, (genre, number) in enumerate(songs_of(elsewhere).items()):
        if number:
            values[f"{genre} heard"] = float(own.confusion[label, label])
            values[f"{genre} unheard"] = float(elsewhere.confusion[label, label])
    return Row(values, commands.command_of(collection, own, elsewhere))
