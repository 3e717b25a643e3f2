"""Any other music: runs on genres that are not the paper's ten, and votes on the songs of other collections."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.cli import printable
from tools.report import commands
from tools.report.canvas import Figure
from tools.report.figures import confusion_figure
from tools.report.records import Collection, Vote
from tools.report.splits import COLUMNS, vote_row
from tools.report.table import Column, Row, Table, Values, count, percent, words
from tools.vote import baseline

MOST_DRAWN = 30  # genres; a picture of more can't be read
COMMONEST = 20  # confusions that are named in place of the picture


def accuracies(collection: Collection) -> Table:
    """A row for every vote on other music, and for each run there that is not voted on."""
    columns = [Column("music", "music", words), Column("genres", "genres", count), *COLUMNS[:-1]]
    rows = []
    for vote in collection.other_votes:
        row = vote_row(collection, vote)
        own: Values = {"music": music_of(collection, vote), "genres": len(vote.genres)}
        rows.append(Row({**row.values, **own}, row.command))
    named = (run for vote in collection.other_votes for run in vote.summary["run"].split(", "))  # of joined folds all
    voted_on = {Path(run).parts[-2:] for run in named}
    for run in collection.other_runs:
        if run.folder.parts[-2:] not in voted_on:
            music, genres = collection.music_of(run.fingerprint), len(run.record["label_names"])
            values: Values = {"music": music, "network": run.folder.name, "split": run.split, "genres": genres}
            rows.append(Row(values, commands.command_of(collection, run), missing=True))
    note = "Plurality: the genre with most clips of a song, if it has a third of them."
    return Table("music", "Other music", columns, sorted(rows, key=lambda row: str(row.values["music"])), note)


def music_of(collection: Collection, vote: Vote) -> str:
    own = collection.music_of(vote.fingerprint)
    if not vote.tested_elsewhere:
        return own
    return f"{printable(vote.test_root)}, {vote.summary['songs']:,} songs (trained on {own})"


def best(collection: Collection) -> dict[str, Vote]:
    """Of each music and split the network's vote with most clips right, of each run's the newest, by its title."""
    newest = {}
    for vote in sorted(collection.other_votes, key=lambda vote: vote.iteration):
        newest[vote.run.folder, vote.split, vote.tested_elsewhere] = vote
    votes = {}
    for vote in sorted(newest.values(), key=lambda vote: vote.clips_right):
        if vote.net != baseline.NAME:
            votes[music_of(collection, vote), vote.split] = vote
    return {f"{music}: {vote.run.folder.name}, split {split}": vote for (music, split), vote in votes.items()}


def confusions(collection: Collection) -> list[Figure]:
    drawn = {title: vote for title, vote in best(collection).items() if len(vote.genres) <= MOST_DRAWN}
    return [confusion_figure(vote, f"music_{k}", title) for k, (title, vote) in enumerate(drawn.items(), 1)]


def many_genres(collection: Collection) -> list[Table]:
    """In place of a picture: how well each genre is told, and which are taken for which."""
    votes = {title: vote for title, vote in best(collection).items() if len(vote.genres) > MOST_DRAWN}
    tables = []
    for k, (title, vote) in enumerate(votes.items(), 1):
        command = commands.command_of(collection, vote)
        tables += [genre_table(vote, f"genres_{k}", title, command), taken_table(vote, f"taken_{k}", title, command)]
    return tables


def genre_table(vote: Vote, name: str, title: str, command: str) -> Table:
    """The share right of each genre's clips."""
    columns = [
        Column("genre", "Genre", words),
        Column("clips_right", "Clips", percent),
        Column("clips", "Clips tested", count),
    ]
    tested = np.bincount(vote.clips.labels[vote.clips.tested], minlength=len(vote.genres)).tolist()
    rows = []
    for genre, right, clips in zip(vote.genres, vote.confusion.diagonal().tolist(), tested):
        values: Values = {"genre": printable(genre), "clips_right": right if clips else None, "clips": clips}
        rows.append(Row(values, command))
    return Table(name, f"Each genre. {title}", columns, rows)


def taken_table(vote: Vote, name: str, title: str, command: str) -> Table:
    """The commonest confusions, by the share of a genre's clips."""
    columns = [
        Column("genre", "Genre", words),
        Column("taken_for", "Taken for", words),
        Column("share", "Of its clips", percent),
    ]
    wrong = vote.confusion - np.diag(vote.confusion.diagonal())
    rows = []
    for place in np.argsort(-wrong, axis=None, kind="stable")[:COMMONEST]:
        taken, true = divmod(int(place), len(vote.genres))
        values: Values = {"genre": printable(vote.genres[true]), "taken_for": printable(vote.genres[taken])}
        if wrong[taken, true] > 0:
            rows.append(Row({**values, "share": wrong[taken, true]}, command))
    return Table(name, f"The commonest confusions. {title}", columns, rows)
