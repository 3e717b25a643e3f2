"""The one table that people come for: what the paper says beside what was reproduced by clip, by song and by artist."""

from __future__ import annotations

from tools import paths
from tools.report.collect import Collection, Vote
from tools.report.paper import HEADLINES, TABLE_2, Headline, Table2Row
from tools.report.table import Interval

# Where a figure is looked for, in turn: all folds before fold 0
PLACES = {
    "by clip (leaks)": ("clip",),
    "by song": (paths.ALL_FOLDS, "song"),
    "by artist": (paths.joined_folds("artist"), "artist"),
}
MEASURES = ("clips", "songs")


def markdown(collection: Collection) -> str:
    """A line for each row of the paper's Table 2 and for each of its headlines."""
    header = ["right, in %", "the paper", *PLACES]
    rows = [table_2_row(collection, row) for row in TABLE_2]
    rows += [headline_row(collection, headline) for headline in HEADLINES if headline.measure in MEASURES]
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows])


def table_2_row(collection: Collection, row: Table2Row) -> list[str]:
    """Clips, and songs by the paper's own rule, of the complex CNN with its dropout raised by hand."""
    what = f"Table 2, complex CNN, {row.iterations:,} iterations: clips / songs by {row.threshold} of 15"
    paper = f"{row.clip_percent:g} / {row.song_percent:g}"
    cells = []
    for splits in PLACES.values():
        vote = newest(collection, "complex_cnn", splits, row.iterations, exact=True)
        songs = vote.songs_right("true_label", row.threshold) if vote else Interval()
        cells.append(f"{short(vote.clips_right)} / {short(songs)}" if vote else "not run")
    return [what, paper, *cells]


def headline_row(collection: Collection, headline: Headline) -> list[str]:
    """A headline of the paper, and ours at its iteration, else at the newest before it."""
    cells = []
    for splits in PLACES.values():
        vote = newest(collection, headline.net, splits, headline.iterations)
        share = Interval()
        if vote:
            songs = headline.measure == "songs"
            share = vote.songs_right("true_label", headline.threshold) if songs else vote.clips_right
        cells.append(f"{short(share)} after {vote.iteration:,}" if vote else "not run")
    after = f", {headline.iterations:,} iterations" if headline.iterations else ""
    return [headline.what + after, headline.words or f"{headline.percent:g}", *cells]


def newest(
    collection: Collection, net: str, splits: tuple[str, ...], iterations: int | None, exact: bool = False
) -> Vote | None:
    """The vote of a network as it is, or with its dropout raised by hand, that answers to an iteration of the paper.

    Where several are as far, the first of the splits counts.
    """
    votes = [vote for split in reversed(splits) for vote in votes_of(collection, net, split)]
    before = [vote for vote in votes if iterations is None or vote.iteration <= iterations]
    before = [vote for vote in before if not exact or vote.iteration == iterations]
    return sorted(before, key=lambda vote: vote.iteration)[-1] if before else None


def votes_of(collection: Collection, net: str, split: str) -> list[Vote]:
    return collection.find_votes(net, split) + collection.find_votes(net, split, dropout=None)


def short(share: Interval) -> str:
    """``60.0 [47, 73]``, in percent."""
    if share.value is None or share.low is None or share.high is None:
        return "–"
    return f"{100 * share.value:.1f} [{100 * share.low:.0f}, {100 * share.high:.0f}]"
