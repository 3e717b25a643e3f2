"""The tables of the README, in Markdown, each between two marks that name it: made from the kept results alone."""

from __future__ import annotations

from tools import paths
from tools.cli import UserError
from tools.report import changes, commands, leak
from tools.report.claims import claims
from tools.report.collect import Collection, Vote
from tools.report.layout import Table
from tools.vote import baseline

README = paths.CHECKOUT / "README.md"
BEGIN, END = "<!-- {part}: make results -->", "<!-- end of {part} -->"
COLUMNS = ["network", "split", "iterations", "clips / songs", "clips right", "songs, plurality of 5"]
COLUMNS += ["songs, true label 5 / 7 / 8", "command"]


def parts(collection: Collection) -> dict[str, str]:
    """What stands in the README, by the name of its marks."""
    return {
        "results": networks(collection),
        "leak": as_markdown(leak.leak(collection)),
        "claims": claims_table(collection),
        "changes": as_markdown(changes.changes(collection)),
        "plus": as_markdown(changes.plus_gain(collection)),
    }


def insert_parts(text: str, collection: Collection) -> str:
    for part, made in parts(collection).items():
        text = insert(text, made, BEGIN.format(part=part), END.format(part=part))
    return text


def insert(text: str, made: str, begin: str, end: str) -> str:
    """``text`` with what was made between its two marks. UserError where a mark is missing."""
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise UserError(f"{README}: the marks '{begin}' and '{end}' are not both there: put them back")
    return f"{before}{begin}\n{made}\n{end}{after}"


def networks(collection: Collection) -> str:
    """The table of the networks as they are, by split, network and iteration."""
    votes = sorted(filter(is_main, collection.votes), key=lambda vote: (vote.split, vote.net, vote.iteration))
    return markdown(COLUMNS, [network_row(collection, vote) for vote in votes])


def is_main(vote: Vote) -> bool:
    """Whether a vote is of a network as it is; what differs in one thing stands in the tables of claims and changes."""
    by_hand = vote.differences.keys() == {"dropout"} and "@" in vote.differences["dropout"]  # as the paper raises it
    return not vote.split.startswith(changes.INNER) and (not vote.differences or by_hand)


def network_row(collection: Collection, vote: Vote) -> list[str]:
    """What was tested, on how much, how well, and the command that votes so."""
    summary = vote.summary
    command = "make baseline" if vote.net == baseline.NAME else commands.command_of_vote(collection, vote)
    return [
        vote.run_name,
        f"{vote.split}{' (leaks)' if summary['leaky'] else ''}",
        str(vote.iteration or "–"),
        f"{summary['clips']} / {summary['songs']}",
        percent(summary["clip_accuracy"], summary["clip_interval"]),
        *song_cells(summary),
        f"`{command}`",
    ]


def song_cells(summary: dict) -> list[str]:
    """Songs by plurality of 5, and by the paper's own rule at its Table 2's thresholds (the LSTM's: twice those)."""
    songs = summary["song_accuracy"]
    if songs is None:
        return ["–", "–"]
    lowest = min(songs["true_label"], key=int)
    by_label = " / ".join(f"{100 * share:.1f}" for share in songs["true_label"].values())
    return [percent(songs["plurality"][lowest], summary["song_interval"]["plurality"][lowest]), f"{by_label}%"]


def percent(share: float, interval: list[float]) -> str:
    return f"{100 * share:.1f}% [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def claims_table(collection: Collection) -> str:
    rows = [[c.claim, c.verdict, c.found or "–", f"`{c.command}`"] for c in claims(collection)]
    return markdown(["claim", "verdict", "found", "command"], rows)


def as_markdown(table: Table) -> str:
    """A table of the report with the command of each row; nothing of it where nothing has been run."""
    run = [row for row in table.shown() if not row["missing"]]
    if not run:
        return "Not run yet."
    rows = [[*(cell for _, cell, _ in row["cells"]), f"`{row['command']}`"] for row in run]
    return f"{markdown([*(column.title for column in table.columns), 'command'], rows)}\n\n{table.note}"


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *rows])
