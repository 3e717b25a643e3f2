"""The same networks by clip, by song and by artist, on the same songs: what each split lets a network know beforehand.

The songs are those of the seven genres of which three artists or more are at hand. Two of the genres have two thirds of
the songs, so that the mean over genres stands beside the share of all clips.
"""

from __future__ import annotations

from tools.nets.network import NETS
from tools.report import commands
from tools.report.canvas import BLUE, GREEN, ORANGE, Figure, svg_uri
from tools.report.dots import Line, Style, draw_dots, numbers
from tools.report.headlines import net_name
from tools.report.records import Collection, Vote
from tools.report.table import DASH, Column, Interval, Row, Table, Values, interval, percent, words
from tools.vote import baseline

SPLITS = {
    "clip": "by clip (leaks)",
    "song-folds": "by song (leaks artists)",
    "artist-folds": "by artist",
}

STYLES = dict(zip(SPLITS.values(), (Style(ORANGE, "s"), Style(BLUE), Style(GREEN, "D"))))


def tables(collection: Collection) -> list[Table]:
    """The table, where anything was voted on by artist."""
    table = three_splits(collection)
    return [table] if table.rows else []


def figure(collection: Collection) -> list[Figure]:
    """The table as dots with intervals."""
    table = three_splits(collection)
    if not table.rows:
        return []
    lines = [Line(str(row.values["network"]), shares_of(row.values)) for row in table.rows]
    songs = table.rows[0].values["songs"]
    alt = "Clips right of each network by clip, by song and by artist, on the same songs"
    caption = f"The same {songs} songs by clip, by song and by artist: test clips right, with 95% intervals."
    drawn = draw_dots(lines, STYLES, "percent of clips right", (0, 101))
    return [Figure("three_splits_figure", alt, caption, svg_uri(drawn), numbers(lines))]


def shares_of(values: Values) -> dict[str, Interval]:
    shares = {title: values.get(split) for split, title in SPLITS.items()}
    return {title: share for title, share in shares.items() if isinstance(share, Interval)}


def three_splits(collection: Collection) -> Table:
    """A row for each network that was voted on by artist, at the iteration of that vote."""
    columns = [
        Column("network", "clips right / mean over genres", words),
        Column("iteration", "iterations", iterations),
    ]
    columns += [Column(split, title, both, beside=f"{split} genres") for split, title in SPLITS.items()]
    votes = {(vote.net, vote.split, vote.iteration): vote for vote in collection.other_votes if not vote.differences}
    by_artist = [vote for net in (*NETS, baseline.NAME) for vote in collection.other_votes if is_of(vote, net)]
    rows = [three_row(collection, [votes.get((v.net, split, v.iteration)) for split in SPLITS]) for v in by_artist]
    note = (
        "95% intervals: a bootstrap over songs. Mean over genres: of the share of each genre's clips that are right. "
        "The baseline takes a whole song as one."
    )
    return Table("three_splits", "By clip, by song, by artist", columns, rows, note)


def is_of(vote: Vote, net: str) -> bool:
    return (vote.net, vote.split) == (net, "artist-folds") and not vote.differences


def three_row(collection: Collection, votes: list[Vote | None]) -> Row:
    """What one network got right by each split, and the commands of all."""
    present = [vote for vote in votes if vote]
    newest = present[-1]
    values: Values = {
        "network": net_name(newest.net),
        "iteration": newest.iteration,
        "songs": newest.summary["songs"],
    }
    for vote in present:
        values |= {vote.split: vote.clips_right, f"{vote.split} genres": float(vote.confusion.diagonal().mean())}
    return Row(values, commands.commands_of(collection, *present))


def iterations(iteration: int | None) -> str:
    return f"{iteration:,}" if iteration else DASH


def both(share: Interval | None, mean: float | None) -> str:
    return DASH if share is None or mean is None else f"{interval(share)} / {percent(mean)}"
