"""Any other music: runs on genres that are not the paper's ten, and votes on the songs of other collections."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from tools.cli import printable
from tools.report import commands
from tools.report.canvas import Figure
from tools.report.comparisons import COLUMNS, vote_row
from tools.report.figures import confusion_figure
from tools.report.records import Collection, Run, Vote
from tools.report.table import Column, Row, Table, Values, count, percent, words
from tools.vote import baseline

MOST_DRAWN = 30  # genres; a picture of more can't be read
COMMONEST = 20  # confusions that are named in place of the picture


def accuracies(collection: Collection) -> Table:
    """A row for every vote on other music, and for each run there that is not voted on."""
    columns = [Column("music", "music", words), Column("genres", "genres", count), *COLUMNS[:-1]]
    named = (run for vote in collection.other_votes for run in vote.summary["run"].split(", "))  # of joined folds all
    voted_on = {Path(run).parts[-2:] for run in named}
    rows = [vote_of(collection, vote) for vote in collection.other_votes]
    rows += [run_row(collection, run) for run in collection.other_runs if run.folder.parts[-2:] not in voted_on]
    note = "Plurality: the genre with most clips of a song, if it has a third of them."
    return Table("music", "Other music", columns, sorted(rows, key=lambda row: str(row.values["music"])), note)


def vote_of(collection: Collection, vote: Vote) -> Row:
    row = vote_row(collection, vote)
    values = {**row.values, "music": music_of(collection, vote), "genres": len(vote.genres)}
    return Row(values, command_of(collection, vote))


def run_row(collection: Collection, run: Run) -> Row:
    values: Values = {
        "music": collection.music_of(run.record["data_fingerprint"]),
        "network": run.folder.name,
        "split": run.split,
        "genres": len(run.record["label_names"]),
    }
    far = {**commands.variables(collection, run), "ITERS": run.record["iteration"]}
    return Row(values, commands.needed(collection, run.net, run.settings.split, far), missing=True)


def music_of(collection: Collection, vote: Vote) -> str:
    if not vote.tested_elsewhere:
        return collection.music_of(vote.fingerprint)
    trained = collection.music_of(vote.fingerprint)
    return f"{printable(test_root(vote))}, {vote.summary['songs']:,} songs (trained on {trained})"


def test_root(vote: Vote) -> str:
    """What TEST= named, as the vote's own command has it; its fingerprint where that does not tell."""
    words = shlex.split(vote.summary.get("command", ""))
    return words[words.index("--test") + 1] if "--test" in words[:-1] else str(vote.tested_elsewhere)[:8]


def command_of(collection: Collection, vote: Vote) -> str:
    if not vote.tested_elsewhere:
        return commands.command_of(collection, vote)
    named: commands.Variables = {"RUN": str(vote.run.folder), "TEST": test_root(vote), "ITERATION": vote.iteration}
    return commands.make(collection, "vote", named)


def newest(collection: Collection) -> list[Vote]:
    """The newest vote of each run on each music."""
    votes = {}
    for vote in sorted(collection.other_votes, key=lambda vote: vote.iteration):
        votes[vote.run.folder, vote.split, vote.tested_elsewhere] = vote
    return list(votes.values())


def title(collection: Collection, vote: Vote) -> str:
    return f"{music_of(collection, vote)}: {vote.run.folder.name}, split {vote.split}"


def best(collection: Collection) -> list[Vote]:
    """Of each music and split the network's vote with most clips right."""
    votes: dict[tuple[str, str], Vote] = {}
    for vote in sorted(newest(collection), key=lambda vote: vote.clips_right):
        if vote.net != baseline.NAME:
            votes[music_of(collection, vote), vote.split] = vote
    return list(votes.values())


def confusions(collection: Collection) -> list[Figure]:
    drawn = [vote for vote in best(collection) if len(vote.genres) <= MOST_DRAWN]
    return [confusion_figure(vote, f"music_{k}", title(collection, vote)) for k, vote in enumerate(drawn, 1)]


def many_genres(collection: Collection) -> list[Table]:
    """In place of a picture: how well each genre is told, and which are taken for which."""
    votes = [vote for vote in best(collection) if len(vote.genres) > MOST_DRAWN]
    tables = []
    for k, vote in enumerate(votes, 1):
        said, command = title(collection, vote), command_of(collection, vote)
        tables += [genre_table(vote, f"genres_{k}", said, command), taken_table(vote, f"taken_{k}", said, command)]
    return tables


def genre_table(vote: Vote, name: str, said: str, command: str) -> Table:
    columns = [
        Column("genre", "Genre", words),
        Column("clips_right", "Clips", percent),
        Column("clips", "Clips tested", count),
    ]
    tested = np.bincount(vote.clips.labels[vote.clips.tested], minlength=len(vote.genres))
    rows: list[Values] = [
        {"genre": printable(genre), "clips_right": float(right) if clips else None, "clips": int(clips)}
        for genre, right, clips in zip(vote.genres, vote.confusion.diagonal(), tested)
    ]
    return Table(name, f"Each genre. {said}", columns, [Row(values, command) for values in rows])


def taken_table(vote: Vote, name: str, said: str, command: str) -> Table:
    """The commonest confusions, by the share of a genre's clips."""
    columns = [
        Column("genre", "Genre", words),
        Column("taken_for", "Taken for", words),
        Column("share", "Of its clips", percent),
    ]
    wrong = vote.confusion - np.diag(vote.confusion.diagonal())
    commonest = np.argsort(-wrong, axis=None, kind="stable")[:COMMONEST]
    pairs = [divmod(int(k), len(vote.genres)) for k in commonest if wrong.flat[k] > 0]
    rows: list[Values] = [
        {"genre": printable(vote.genres[true]), "taken_for": printable(vote.genres[taken]), "share": wrong[taken, true]}
        for taken, true in pairs
    ]
    return Table(name, f"The commonest confusions. {said}", columns, [Row(values, command) for values in rows])
