"""The same networks by clip, by song and by artist, on the same songs: what each split lets a network know beforehand.

Genres may have very different numbers of songs: of the seven that are kept, two have two thirds of them. So the mean
over genres stands beside the share of all clips.
"""

from __future__ import annotations

from tools.nets.network import NETS
from tools.report import commands
from tools.report.canvas import BLUE, GREEN, ORANGE, Figure
from tools.report.dots import Line, Style, draw_dots, numbers
from tools.report.headlines import net_name
from tools.report.records import Collection, Vote
from tools.report.table import DASH, Column, Interval, Row, Table, Values, interval, percent, words

SPLITS = {
    "clip": "by clip (leaks)",
    "song-folds": "by song (leaks artists)",
    "artist-folds": "by artist",
}

STYLES = dict(zip(SPLITS.values(), (Style(ORANGE, "s"), Style(BLUE), Style(GREEN, "D"))))


def three_splits(collection: Collection) -> Table:
    """A row for each network that was voted on by artist, at the iteration of that vote. No row without such a vote.

    Beside it stand votes on the same data alone. A cell: clips right, their interval, songs right, mean over genres.
    """
    columns = [
        Column("network", "clips / songs right / mean over genres", words),
        Column("iteration", "iterations", iterations),
    ]
    columns += [Column(split, title, words) for split, title in SPLITS.items()]
    own = [vote for vote in collection.other_votes if not vote.differences and not vote.tested_elsewhere]
    by_artist = [vote for vote in own if vote.split == "artist-folds"]
    by_artist.sort(key=lambda vote: (vote.net not in NETS, vote.net, vote.iteration))  # the baseline last
    rows = [three_row(collection, [vote for vote in own if stands_beside(vote, other)]) for other in by_artist]
    note = (
        "95% intervals: a bootstrap over songs. Songs: by plurality of 5 clips, of the LSTM's 30 of 10. Mean over "
        "genres: of the share of each genre's clips that are right. The baseline takes a whole song as one."
    )
    return Table("three_splits", "By clip, by song, by artist", columns, rows, note)


def stands_beside(vote: Vote, by_artist: Vote) -> bool:
    """Whether both are of one network, trained as far on the same songs."""
    return all(
        getattr(vote, key) == getattr(by_artist, key) for key in ("net", "iteration", "fingerprint", "trained_with")
    )


def three_row(collection: Collection, votes: list[Vote]) -> Row:
    """What one network got right by each split, and the commands of all."""
    by_split = {split: vote for split in SPLITS for vote in votes if vote.split == split}
    by_artist = by_split["artist-folds"]
    values: Values = {
        "network": net_name(by_artist.net),
        "iteration": by_artist.iteration,
        "songs": by_artist.summary["songs"],
    }
    for split, vote in by_split.items():
        songs, genres = vote.songs_right("plurality", 5), float(vote.confusion.diagonal().mean())
        of_songs = percent(songs.value) if songs else DASH
        values |= {split: f"{interval(vote.clips_right)} / {of_songs} / {percent(genres)}"}
        values |= {f"{split} clips": vote.clips_right, f"{split} songs": songs, f"{split} genres": genres}
    return Row(values, commands.commands_of(collection, *by_split.values()))


def iterations(iteration: int) -> str:
    return f"{iteration:,}" if iteration else DASH


def figure(table: Table) -> list[Figure]:
    """The clips right of the table as dots with intervals; nothing without a row."""
    if not table.rows:
        return []
    lines = [Line(str(row.values["network"]), shares_of(row.values)) for row in table.rows]
    alt = "Clips right of each network by clip, by song and by artist, on the same songs"
    songs = table.rows[0].values["songs"]
    caption = f"The same {songs} songs by clip, by song and by artist: test clips right, with 95% intervals."
    drawn = draw_dots(lines, STYLES, "percent of clips right", (0, 101))
    return [Figure("three_splits_figure", alt, caption, drawn, numbers(lines))]


def shares_of(values: Values) -> dict[str, Interval]:
    shares = {title: values.get(f"{split} clips") for split, title in SPLITS.items()}
    return {title: share for title, share in shares.items() if isinstance(share, Interval)}
