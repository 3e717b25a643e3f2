"""The tables of the README, in Markdown, each between two marks that name it: made from the kept results alone."""

from __future__ import annotations

from tools import paths
from tools.cli import UserError
from tools.report import beside, changes, commands
from tools.report.collect import Collection, Vote
from tools.report.headlines import is_by_hand
from tools.report.page import Page
from tools.report.table import DASH, Column, Interval, Row, Table, Values, words
from tools.vote import baseline

README = paths.CHECKOUT / "README.md"  # has the paper beside ours
TABLES = paths.DATA / "results" / "README.md"  # has all other tables
BEGIN, END = "<!-- {part}: make results -->", "<!-- end of {part} -->"


def parts(page: Page) -> dict[str, str]:
    """What stands in the README, by the name of its marks."""
    tables = {table.name: table for members in page.tables.values() for table in members}
    tables |= {"results": networks(page.collection), "claims": claims_table(page)}
    return {part: tables[part].markdown() for part in ("results", "leak", "claims", "changes", "plus")}


def insert_parts(text: str, page: Page) -> str:
    """The tables of results in the place of those that ``text`` has."""
    for part, table in parts(page).items():
        text = insert(text, table, BEGIN.format(part=part), END.format(part=part))
    return text


def insert_paper(text: str, page: Page) -> str:
    """The paper beside ours in the place of what ``text`` has."""
    return insert(text, beside.markdown(page.collection), BEGIN.format(part="paper"), END.format(part="paper"))


def insert(text: str, part: str, begin: str, end: str) -> str:
    """``text`` with the part between its two marks. UserError where a mark is missing."""
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise UserError(f"README.md: the marks '{begin}' and '{end}' are not both there: put them back")
    return f"{before}{begin}\n{part}\n{end}{after}"


def networks(collection: Collection) -> Table:
    """The networks as they are, by split, network and iteration."""
    columns = [
        Column("network", "network"),
        Column("split", "split"),
        Column("iteration", "iterations", lambda iteration: str(iteration or DASH)),
        Column("tested", "clips / songs"),
        Column("clips", "clips right", short_interval),
        Column("plurality", "songs, plurality of 5", short_interval),
        Column("true_label", "songs, true label 5 / 7 / 8"),
    ]
    votes = sorted(filter(is_main, collection.votes), key=lambda vote: (vote.split, vote.net, vote.iteration))
    return Table("results", "", columns, [network_row(collection, vote) for vote in votes])


def is_main(vote: Vote) -> bool:
    """Whether a vote is of a network as it is; what differs in one thing stands in the tables of claims and changes."""
    return not changes.is_inner(vote) and (not vote.differences or is_by_hand(vote))


def network_row(collection: Collection, vote: Vote) -> Row:
    """What was tested, on how much, how well, and the command that votes so."""
    summary = vote.summary
    values: Values = {
        "network": vote.run_name,
        "split": f"{vote.split}{' (leaks)' if summary['leaky'] else ''}",
        "iteration": vote.iteration,
        "tested": f"{summary['clips']} / {summary['songs']}",
        "clips": vote.clips_right,
    }
    songs = summary["song_accuracy"]
    if songs:  # the paper's thresholds, of the LSTM twice those
        values["plurality"] = vote.songs_right("plurality", 5)
        values["true_label"] = " / ".join(f"{100 * share:.1f}" for share in songs["true_label"].values()) + "%"
    command = "make baseline" if vote.net == baseline.NAME else commands.command_of(collection, vote)
    return Row(values, command)


def short_interval(share: Interval) -> str:
    return f"{100 * share.value:.1f}% [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def claims_table(page: Page) -> Table:
    columns = [Column("claim", "claim", words), Column("verdict", "verdict", words), Column("found", "found", words)]
    rows = [Row({"claim": c.claim, "verdict": c.verdict, "found": c.found or None}, c.command) for c in page.claims]
    return Table("claims", "", columns, rows)
