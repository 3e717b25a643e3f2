"""The answer: the paper's figures, and beside each what was reproduced by clip, by song and by artist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from tools import paths
from tools.report import commands, compare, paper
from tools.report.canvas import BY_SPLIT, INK, Figure, Line, Style, dots_figure, line_of
from tools.report.paper import Headline
from tools.report.records import Collection, Vote, by_iteration
from tools.report.table import DASH, Column, Interval, Row, Table, Values, interval, words
from tools.songs.gtzan import GENRES

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
# Where a figure is looked for, in turn: all folds before fold 0
PLACES = {
    "by clip (leaks)": ("clip",),
    "by song": (paths.ALL_FOLDS, "song"),
    "by artist": (paths.joined_folds("artist"), "artist"),
}
SPLITS = {**PLACES, "filtered": ("filtered",)}
THE_PAPER = "the paper"
STYLES = {THE_PAPER: Style(INK, "*"), **dict(zip(PLACES, BY_SPLIT))}


def net_name(net: str) -> str:
    return NET_NAMES.get(net, net)


def protocols_of(net: str) -> tuple[str, ...]:
    """The whole-song net has one record a song, which split clip divides by song as well: one protocol is enough."""
    return ("song",) if net == "song_cnn" else PROTOCOLS


def is_by_hand(vote: Vote) -> bool:
    """Whether dropout alone differs, and is raised on the way, as ``0.4 0.6@150 0.7@300``: shorter with SCALE=."""
    return vote.differences.keys() == {"dropout"} and "@" in vote.differences["dropout"]


def votes_by_the_paper(collection: Collection, net: str, split: str) -> list[Vote]:
    """Votes of a net by iteration; of the complex CNN those whose dropout was raised by hand, where there are any."""
    votes = collection.find_votes(net, split)
    if net == "complex_cnn":
        by_hand = collection.find_votes(net, split, dropout=DROPOUT_BY_HAND)
        votes = by_iteration([*(by_hand or collection.find_votes(net, split, is_by_hand)), *votes])
    return votes


def votes_of_fewer_genres(collection: Collection, net: str, split: str) -> list[Vote]:
    """Votes of a net as it is on those of GTZAN's genres that have artists enough to be kept apart, by iteration."""
    own = [vote for vote in collection.other_votes if not vote.differences and not vote.tested_elsewhere]
    votes = [vote for vote in own if (vote.net, vote.split) == (net, split)]
    return by_iteration(vote for vote in votes if set(vote.summary["genres"]) < set(GENRES))


Search = Callable[[str, str], list[Vote]]  # votes of a net under a split, by iteration


def furthest(find: Search, net: str, splits: tuple[str, ...], iterations: int | None = None) -> Vote | None:
    """The vote of a net that was trained furthest, up to so many iterations; else the first after.

    Where several are as far, that of the first of these splits counts.
    """
    asked = [split for split in reversed(splits) if split != "clip" or "clip" in protocols_of(net)]
    votes = sorted((vote for split in asked for vote in find(net, split)), key=lambda vote: vote.iteration)
    before = [vote for vote in votes if iterations is None or vote.iteration <= iterations]
    return next(iter(before[-1:] or votes[:1]), None)


def vote_beside(collection: Collection, headline: Headline, place: str) -> Vote | None:
    """The vote to set beside a headline: for a row of Table 2 that at its iteration alone."""
    searches = [votes_by_the_paper, *([votes_of_fewer_genres] if place == "by artist" else [])]
    found = (
        furthest(partial(search, collection), headline.net, PLACES[place], headline.iterations) for search in searches
    )
    vote = next(filter(None, found), None)
    exact = headline.place == "Table 2"
    return None if vote and exact and vote.iteration != headline.iterations else vote


def measured(vote: Vote, headline: Headline) -> Interval | None:
    """Our figure beside a headline's; None where that is not voted on."""
    if headline.measure == "clips":
        return vote.clips_right
    if headline.measure == "songs":
        return vote.songs_right("true_label", headline.threshold)
    if headline.measure == "train clips":
        return compare.train_clips_right(vote.clips)
    return Interval(vote.mean_over_genres)


def after(share: Interval | None, iteration: int | None) -> str:
    """``60.3% [52.1, 68.0] after 1,000``."""
    if share is None:
        return DASH if iteration is None else "not run"
    return f"{interval(share)} after {iteration:,}" if iteration else interval(share)


def summary(collection: Collection) -> Table:
    """A row for each figure of the paper."""
    columns = [Column("what", "Right", words), Column("paper_words", "The paper")]
    columns += [Column(place, place.capitalize(), after, beside=f"{place}, iteration") for place in PLACES]
    rows = [summary_row(collection, headline) for headline in paper.HEADLINES]
    note = (
        "By clip: a song's clips are trained on and tested. By song: the songs tested were not heard. By artist: no "
        "artist on both sides, of fewer genres where not all have three artists. Songs by clip were mostly trained on. "
        "The paper does not say how it split its data: none of these is asserted to be the paper's."
    )
    return Table("summary", "The paper beside ours", columns, rows, note)


def summary_row(collection: Collection, headline: Headline) -> Row:
    """Ours stand there in three columns of the CSV file each, with the vote that they are of."""
    values: Values = {
        "what": headline.title,
        "paper_words": headline.words or f"{headline.percent:g}%",
        "paper_percent": headline.percent,
        "paper_iterations": headline.iterations,
        "paper_place": headline.place,
    }
    typed, missing = [], True
    for place, splits in PLACES.items():
        asked = ("clip",) if headline.measure == "train clips" else (*protocols_of(headline.net), "artist")
        if splits[-1] not in asked:  # clips trained on are voted on under split clip alone
            continue
        vote = vote_beside(collection, headline, place)
        ours = measured(vote, headline) if vote else None
        values |= {place: ours, f"{place}, iteration": 0}
        if vote and ours:
            rests_on: Values = {"iteration": vote.iteration, "data": collection.music_of(vote.fingerprint)}
            rests_on |= {key: vote.summary.get(key) for key in ("clips", "songs", "seed", "ranks")}
            values |= {f"{place}, {key}": value for key, value in rests_on.items()}
            typed.append(commands.command_of(collection, vote))
            missing = False
        elif place != "by artist":  # of the net as it is, which few train by artist too
            far = {"ITERS": headline.iterations, "ITERATION": headline.iterations}
            typed.append(commands.needed(collection, headline.net, splits[-1], far))
    return Row(values, "\n".join(typed), missing)


def lines(table: Table) -> dict[str, list[Line]]:
    """The table as lines of dots, by what they measure; what the paper has twice, once."""
    grouped: dict[str, list[Line]] = {}
    for headline, row in zip(paper.HEADLINES, table.rows):
        values = {**row.values, THE_PAPER: headline.percent and headline.percent / 100}
        says = f"the paper: {headline.words}" if headline.words else ""
        line = line_of(headline.title, values, dict(zip(STYLES, STYLES)), says)
        grouped.setdefault(headline.drawn_with or headline.measure, []).append(line)
    return grouped


def answer(collection: Collection, table: Table, style: Mapping[str, str] | None = None) -> list[Figure]:
    of_artists = {str(data) for row in table.rows if (data := row.values.get("by artist, data"))}
    ours = "; by artist ".join([collection.music, *sorted(of_artists - {collection.music})])
    caption = f"Ours: {ours}. The paper: {paper.SONGS:,} songs." if collection.votes else ""
    alt = "Every figure of the paper, and ours by clip, by song and by artist, as dots with intervals"
    clips, songs = (lines(table)[measure] for measure in ("clips", "songs"))
    drawn = [Line("Clips right", heading=True), *clips, Line("Songs right", heading=True), *songs]
    return dots_figure("answer", alt, caption, drawn, STYLES, style=style)


def best(table: Table) -> Table:
    """The highest of each column, of clips and of songs."""
    columns = [Column("place", "", words), Column("clips", "Clips, at best"), Column("songs", "Songs, at best")]
    rows = []
    for series in STYLES:
        values: Values = {"place": series}
        for measure in ("clips", "songs"):
            shares = [line.dots[series].value for line in lines(table)[measure] if series in line.dots]
            digits = ".4g" if series == THE_PAPER else ".1f"
            values[measure] = f"{100 * max(shares):{digits}}%" if shares else "not run"
        rows.append(Row(values))
    return Table("best", "At best", columns, rows)
