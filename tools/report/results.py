"""The results that are kept in the repository, and the README's tables and the page that are made of them.

    python -m tools.report.results --keep build/votes/song-folds/rcnn   keep a vote and its runs' records
    python -m tools.report.results                                      write the tables into README.md, and the page

What is kept lies as it does under build/: clips.csv, from which every figure can be counted again, run.json and the
curves; no audio, no features, no weights. The page of `tools.report` is made of it, in report/ beside it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tools import cli, files, paths
from tools.cli import UserError
from tools.report import beside, changes, commands
from tools.report.collect import Collection, Vote, collect_kept
from tools.report.headlines import is_by_hand
from tools.report.page import Page, make_page, write_page
from tools.report.table import DASH, Column, Interval, Row, Table, Values
from tools.train import runs

README = paths.CHECKOUT / "README.md"  # has the paper beside ours
TABLES = paths.DATA / "results" / "README.md"  # has all other tables
BEGIN, END = "<!-- {part}: make results -->", "<!-- end of {part} -->"
KEPT = ("summary.json", "clips.csv", "songs.csv", "confusion.csv")
KEPT_OF_RUN = ("run.json", "metrics.jsonl")
LOCK = paths.CHECKOUT / "build" / "results"  # what is kept is committed: its lock lies elsewhere
# Runs that are alike in these have the same weights, bit for bit, as far as both go
ONE_TRAINING = ("prototxt", "lmdb", "seed", "batch", "dropout", "lr_steps", "ranks", "versions")


def keep(vote: Path, results: Path) -> None:
    """Copy the records and curves of the runs that a vote is of to ``results``/runs/, then the vote to votes/.

    UserError where one of them is not whole, or another training is kept where a run would lie; then no vote is kept.
    """
    check_whole(vote, KEPT)
    for run in map(Path, json.loads((vote / "summary.json").read_text())["run"].split(", ")):
        if run.is_dir():  # not of the baseline, which has no run
            keep_run(run, paths.run_folder(results, run.parent.name, run.name))
    folder = paths.votes_folder(results, vote.parent.name, vote.name)
    copy_files(vote, folder, KEPT)
    print(f"kept in {folder}")


def keep_run(run: Path, folder: Path) -> None:
    """Copy a run's record and curves, but not over those of the same run further on.

    UserError where another training is kept there: votes of both can't stand beside one record.
    """
    check_whole(run, KEPT_OF_RUN)
    new = runs.read_run(run)
    kept = runs.read_run(folder) if folder.is_dir() else new
    for key in ONE_TRAINING:
        if kept.get(key) != new.get(key):
            raise UserError(f"{folder} is of another training than {run} ({key}): remove it and its votes first")
    if new["iteration"] >= kept["iteration"]:
        copy_files(run, folder, KEPT_OF_RUN)


def check_whole(folder: Path, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder}: {missing[0]} is not there: train or vote again, then keep it")


def copy_files(source: Path, folder: Path, names: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / name, folder / name)


def parts(page: Page) -> dict[Path, dict[str, str]]:
    """What stands in each README, by the name of its marks."""
    tables = {table.name: table for members in page.tables.values() for table in members}
    tables |= {"results": networks(page.collection), "claims": claims_table(page)}
    results = {part: tables[part].markdown() for part in ("results", "leak", "claims", "changes", "plus")}
    results["results"] += beside.note(page.collection)
    return {README: {"paper": beside.paper_beside_ours(page.collection).markdown(commands=False)}, TABLES: results}


def insert_parts(file: Path, text: str, page: Page) -> str:
    """The text of a README with what `parts` has for it. UserError where a mark is missing."""
    for part, table in parts(page)[file].items():
        begin, end = BEGIN.format(part=part), END.format(part=part)
        before, first, rest = text.partition(begin)
        _, last, after = rest.partition(end)
        if not (first and last):
            raise UserError(f"{file}: the marks '{begin}' and '{end}' are not both there: put them back")
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


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
        "network": vote.run.folder.name,
        "split": f"{vote.split}{' (leaks)' if summary['leaky'] else ''}",
        "iteration": vote.iteration,
        "tested": f"{summary['clips']} / {summary['songs']}",
        "clips": vote.clips_right,
    }
    songs = summary["song_accuracy"]
    if songs:  # the paper's thresholds, of the LSTM twice those
        values["plurality"] = vote.songs_right("plurality", 5)
        values["true_label"] = " / ".join(f"{100 * share:.1f}" for share in songs["true_label"].values()) + "%"
    return Row(values, commands.command_of(collection, vote))


def short_interval(share: Interval) -> str:
    return f"{100 * share.value:.1f}% [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def claims_table(page: Page) -> Table:
    columns = [Column("claim", "claim"), Column("verdict", "verdict"), Column("found", "found")]
    rows = [Row({"claim": c.claim, "verdict": c.verdict, "found": c.found or None}, c.command) for c in page.claims]
    return Table("claims", "", columns, rows)


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", type=Path, nargs="+", default=[], metavar="VOTE", help="folders of build/votes to keep"
    )
    votes = parser.parse_args().keep
    with files.only_writer(LOCK):
        for vote in votes:
            keep(vote, paths.RESULTS)
        collection = collect_kept()
        if not collection.votes:
            raise UserError(f"{paths.RESULTS}: no result is kept there: keep a vote first, with --keep")
        page = make_page(collection)
        for file in (README, TABLES):
            files.write_whole(file, insert_parts(file, file.read_text(), page))
        write_page(paths.RESULTS / "report", page)
    print(f"{len(collection.votes)} votes of {len(collection.runs)} runs: written into the READMEs and the page")


if __name__ == "__main__":
    cli.run("results", main)
