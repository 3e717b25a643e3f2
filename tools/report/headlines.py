"""The answer: the paper's figures, and beside each what was reproduced by clip, by song and by artist."""

from __future__ import annotations

from tools import paths
from tools.report import commands, compare, dots, paper
from tools.report.canvas import BLUE, GREEN, INK, ORANGE, Figure
from tools.report.dots import Line, Style
from tools.report.paper import Headline
from tools.report.records import Collection, Vote
from tools.report.table import DASH, Column, Interval, Row, Table, Values, interval, words

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
STYLES = {
    THE_PAPER: Style(INK, "*"),
    **dict(zip(PLACES, (Style(ORANGE, "s"), Style(BLUE), Style(GREEN, "D")))),
}


def net_name(net: str) -> str:
    return NET_NAMES.get(net, net)


def protocols_of(net: str) -> tuple[str, ...]:
    """The whole-song net has one record a song, which split clip divides by song as well: one protocol is enough."""
    return ("song",) if net == "song_cnn" else PROTOCOLS


def is_by_hand(vote: Vote) -> bool:
    """Whether dropout alone differs, and is raised on the way, as ``0.4 0.6@150 0.7@300``."""
    return vote.differences.keys() == {"dropout"} and "@" in vote.differences["dropout"]


def votes_by_the_paper(collection: Collection, net: str, split: str) -> list[Vote]:
    """Votes of a net by iteration; of the complex CNN those whose dropout was raised by hand, where there are any."""
    votes = collection.find_votes(net, split)
    if net == "complex_cnn":
        by_hand = collection.find_votes(net, split, dropout=DROPOUT_BY_HAND)
        # with SCALE= below 1 the schedule is shorter too
        votes += by_hand or [v for v in collection.votes if (v.net, v.split) == (net, split) and is_by_hand(v)]
    by_iteration = {vote.iteration: vote for vote in votes}
    return [by_iteration[iteration] for iteration in sorted(by_iteration)]


def vote_beside(collection: Collection, headline: Headline, place: str) -> Vote | None:
    """The vote to set beside a headline: that at its iteration; but for Table 2 else the last before, the first after.

    Where several are as far, the first of the place's splits counts.
    """
    splits = [split for split in reversed(PLACES[place]) if split != "clip" or "clip" in protocols_of(headline.net)]
    votes = [vote for split in splits for vote in votes_by_the_paper(collection, headline.net, split)]
    votes.sort(key=lambda vote: vote.iteration)
    if headline.exact:
        votes = [vote for vote in votes if vote.iteration == headline.iterations]
    before = [vote for vote in votes if headline.iterations is None or vote.iteration <= headline.iterations]
    return next(iter(before[-1:] or votes[:1]), None)


def furthest(collection: Collection, net: str, splits: tuple[str, ...]) -> Vote | None:
    """The vote of a net as it is that was trained furthest, of the first of these splits where several are as far."""
    asked = [split for split in reversed(splits) if split != "clip" or "clip" in protocols_of(net)]
    votes = [vote for split in asked for vote in collection.find_votes(net, split)]
    return max(reversed(votes), key=lambda vote: vote.iteration, default=None)


def measured(vote: Vote, headline: Headline) -> Interval | None:
    """Our figure beside a headline's; None where that is not voted on."""
    if headline.measure == "clips":
        return vote.clips_right
    if headline.measure == "songs":
        return vote.songs_right("true_label", headline.threshold)
    if headline.measure == "train clips":
        return compare.train_clips_right(vote.clips)
    present = vote.confusion.sum(axis=0) > 0
    return Interval(float(vote.confusion.diagonal()[present].mean()))


def is_asked(headline: Headline, place: str) -> bool:
    """Clips trained on are voted on under split clip alone, where the whole-song net has no records of its own."""
    by_clip = PLACES[place] == ("clip",)
    return by_clip if headline.measure == "train clips" else not by_clip or "clip" in protocols_of(headline.net)


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
        "artist on both sides. Songs by clip were mostly trained on. The paper does not say how it split its data: "
        "none of these is asserted to be the paper's."
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
    for place in filter(lambda place: is_asked(headline, place), PLACES):
        vote = vote_beside(collection, headline, place)
        ours = measured(vote, headline) if vote else None
        values |= {place: ours, f"{place}, iteration": 0}
        if vote and ours:
            values |= {f"{place}, {key}": value for key, value in basis(collection, vote).items()}
            typed.append(commands.command_of(collection, vote))
            missing = False
        elif place != "by artist":  # of the net as it is, which few train by artist too
            far = {"ITERS": headline.iterations, "ITERATION": headline.iterations}
            typed.append(commands.needed(collection, headline.net, PLACES[place][-1], far))
    return Row(values, "\n".join(typed), missing)


def basis(collection: Collection, vote: Vote) -> Values:
    """What a figure rests on."""
    return {
        "iteration": vote.iteration,
        "data": collection.music_of(vote.fingerprint),
        "clips": vote.summary["clips"],
        "songs": vote.summary["songs"],
        "seed": vote.summary.get("seed"),
        "ranks": vote.summary.get("ranks"),
    }


def lines(table: Table) -> list[Line]:
    """The table as lines of dots, clips first, then songs; what the paper has twice, once."""
    grouped: list[Line] = []
    for title, measure in (("Clips right", "clips"), ("Songs right", "songs")):
        grouped.append(Line(title, heading=True))
        for headline, row in zip(paper.HEADLINES, table.rows):
            if (headline.drawn_with or headline.measure) == measure:
                ours = {place: row.values.get(place) for place in PLACES}
                shown = {place: share for place, share in ours.items() if isinstance(share, Interval)}
                if headline.percent is not None:
                    shown = {THE_PAPER: Interval(headline.percent / 100), **shown}
                says = "" if headline.percent is not None else f"the paper: {headline.words}"
                grouped.append(Line(headline.title, shown, says))
    return grouped


def picture(table: Table, style: dict[str, str] | None = None) -> bytes:
    return dots.draw_dots(lines(table), STYLES, "percent right, with 95% intervals", (0, 101), style=style)


def answer(collection: Collection, table: Table) -> Figure:
    caption = f"Ours: {data_of(collection)}. The paper: {paper.SONGS:,} songs." if collection.votes else ""
    alt = "Every figure of the paper, and ours by clip, by song and by artist, as dots with intervals"
    return Figure("answer", alt, caption, picture(table), dots.numbers(lines(table)))


def data_of(collection: Collection) -> str:
    """The songs that the votes are of, as people name them."""
    return "; ".join(dict.fromkeys(collection.music_of(vote.fingerprint) for vote in collection.votes))


def best(table: Table) -> Table:
    """The highest of each column, of clips and of songs."""
    columns = [Column("place", "", words), Column("clips", "Clips, at best"), Column("songs", "Songs, at best")]
    highest: dict[str, dict[str, float]] = {place: {} for place in (THE_PAPER, *PLACES)}
    for headline, row in zip(paper.HEADLINES, table.rows):
        measure = headline.drawn_with or headline.measure
        ours = {place: row.values.get(place) for place in PLACES}
        shares = {place: 100 * share.value for place, share in ours.items() if isinstance(share, Interval)}
        if headline.percent is not None:
            shares[THE_PAPER] = headline.percent
        for place, share in shares.items() if measure in ("clips", "songs") else ():
            highest[place][measure] = max(highest[place].get(measure, 0), share)
    rows = []
    for place, shares in highest.items():
        said = {measure: f"{share:.4g}%" for measure, share in shares.items()}
        rows.append(Row({"place": place, "clips": "not run", "songs": "not run", **said}))
    return Table("best", "At best", columns, rows)
