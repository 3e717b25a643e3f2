"""The README's table of results, made from the committed records of runs and votes.

    python -m tools.results --keep build/votes/song-folds/rcnn     keep a vote and its runs' records under data/results/
    python -m tools.results                                        write the tables into README.md, and the page

What is kept lies as it does under build/: clips.csv, from which every figure can be counted again, run.json and the
curves; no audio, no features, no weights. The page of `tools.report` is made of it, in report/ beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from tools import baseline, cli, paths, report, runs
from tools.cli import UserError
from tools.reporting import changes, leak
from tools.reporting.claims import claims
from tools.reporting.collect import ITERATION_SUFFIX, Collection, collect_kept, differences
from tools.reporting.commands import folds_command
from tools.reporting.commands import make_command as make
from tools.reporting.layout import Table
from tools.splits import FOLDS

RESULTS = paths.RESULTS
README = paths.DATA.parent / "README.md"
BEGIN, END = "<!-- {part}: make results -->", "<!-- end of {part} -->"
KEPT = ("summary.json", "clips.csv", "songs.csv", "confusion.csv")
KEPT_OF_RUN = ("run.json", "metrics.jsonl")
# Runs that are alike in these have the same weights, bit for bit, as far as both go
ONE_TRAINING = ("prototxt", "lmdb", "seed", "batch", "dropout", "lr_steps", "ranks", "versions")


def keep(vote: Path) -> None:
    """Copy a vote to data/results/gtzan-mini/votes/, and the records and curves of the runs that it is of to runs/.

    UserError where it is not whole.
    """
    folder = paths.votes_folder(RESULTS, vote.parent.name, vote.name)
    copy_files(vote, folder, KEPT)
    for run in map(Path, json.loads((vote / "summary.json").read_text())["run"].split(", ")):
        if run.is_dir():
            keep_run(run, paths.run_folder(RESULTS, run.parent.name, run.name))
    print(f"kept in {folder.relative_to(paths.DATA.parent)}")


def keep_run(run: Path, folder: Path) -> None:
    """Copy a run's record and curves, but not over those of the same run further on.

    UserError where another run is kept there: votes of both can't stand beside one record.
    """
    new = runs.read_run(run)
    kept = runs.read_run(folder) if folder.is_dir() else new
    for key in ONE_TRAINING:
        if kept.get(key) != new.get(key):
            raise UserError(f"{folder} is of another training than {run} ({key}): remove it and its votes first")
    if new["iteration"] >= kept["iteration"]:
        copy_files(run, folder, KEPT_OF_RUN)


def copy_files(source: Path, folder: Path, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not (source / name).is_file()]
    if missing:
        raise UserError(f"{source}: {missing[0]} is not there: train or vote again, then keep it")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(source / name, folder / name)


def percent(share: float, interval: list[float]) -> str:
    return f"{100 * share:.1f}% [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def row(name: str, summary: dict) -> str:
    """A line of the table: what was tested, on how much, how well, and the command that votes so.

    ``name`` is the vote's folder: the net, and what differs from the defaults.
    """
    cells = [
        ITERATION_SUFFIX.sub("", name),
        f"{summary['split']}{' (leaks)' if summary['leaky'] else ''}",
        str(summary["iteration"] or "–"),
        f"{summary['clips']} / {summary['songs']}",
        percent(summary["clip_accuracy"], summary["clip_interval"]),
    ]
    return f"| {' | '.join([*cells, *song_cells(summary)])} | `{make_command(name, summary)}` |"


def song_cells(summary: dict) -> list[str]:
    """Songs by plurality of 5, and by the paper's own rule at its Table 2's thresholds (the LSTM's: twice those)."""
    songs = summary["song_accuracy"]
    if songs is None:
        return ["–", "–"]
    lowest = min(songs["true_label"], key=int)
    by_label = " / ".join(f"{100 * share:.1f}" for share in songs["true_label"].values())
    return [percent(songs["plurality"][lowest], summary["song_interval"]["plurality"][lowest]), f"{by_label}%"]


def make_command(name: str, summary: dict) -> str:
    """The make command that leads to a summary, from the songs on."""
    net = summary["net"]
    if net == baseline.NAME:
        return "make baseline"
    settings = {"ITERS": summary["iteration"], "RANKS": summary["ranks"]}
    different = differences(ITERATION_SUFFIX.sub("", name))
    if summary["split"] != "song-folds":
        return make(net, summary["split"], different, **settings)
    return folds_command(net, "song", range(FOLDS), different, **settings)


def is_main(vote: Path) -> bool:
    """Whether a vote is of the paper's networks as they are; what differs in one thing is in the tables of those."""
    different = differences(ITERATION_SUFFIX.sub("", vote.name))
    by_hand = different.keys() == {"dropout"} and "@" in different["dropout"]  # as the paper raises it
    return not vote.parent.name.startswith("inner") and (not different or by_hand)


def table() -> str:
    """The table of the networks, in Markdown. UserError where nothing is kept."""
    files = [file for file in RESULTS.glob("votes/*/*/summary.json") if is_main(file.parent)]
    summaries = {file.parent: json.loads(file.read_text()) for file in files}
    if not summaries:
        raise UserError(f"{RESULTS}: no result is kept there: keep a vote first, with --keep")
    columns = ["network", "split", "iterations", "clips / songs", "clips right", "songs, plurality of 5"]
    columns += ["songs, true label 5 / 7 / 8", "command"]
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    in_order = sorted(summaries.items(), key=lambda item: (item[1]["split"], item[1]["net"], item[1]["iteration"]))
    return "\n".join(head + [row(folder.name, summary) for folder, summary in in_order])


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def as_markdown(made: Table) -> str:
    """A table of the report with the command of each row; nothing of it where nothing has been run."""
    rows = [
        [cell for _, cell, _ in row["cells"]] + [f"`{row['command']}`"] for row in made.shown() if not row["missing"]
    ]
    if not rows:
        return "Not run yet."
    return markdown([column.title for column in made.columns] + ["Command"], rows) + f"\n\n{made.note}"


def claims_table(collection: Collection) -> str:
    rows = [[c.claim, c.verdict, c.found or "–", f"`{c.command}`"] for c in claims(collection)]
    return markdown(["Claim", "Verdict", "Found", "Command"], rows)


def parts() -> dict[str, str]:
    """What `make results` writes into the README, by the name of its marks."""
    collection = collect_kept()
    return {
        "results": table(),
        "leak": as_markdown(leak.leak(collection)),
        "claims": claims_table(collection),
        "changes": as_markdown(changes.changes(collection)),
        "plus": as_markdown(changes.plus_gain(collection)),
    }


def insert_parts(text: str) -> str:
    for part, made in parts().items():
        text = insert(text, made, BEGIN.format(part=part), END.format(part=part))
    return text


def insert(text: str, made: str, begin: str, end: str) -> str:
    """``text`` with what was made between its two marks. UserError where a mark is missing."""
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise UserError(f"{README}: the marks '{begin}' and '{end}' are not both there: put them back")
    return f"{before}{begin}\n{made}\n{end}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", type=Path, nargs="+", default=[], metavar="VOTE", help="folders of build/votes to keep"
    )
    for vote in parser.parse_args().keep:
        keep(vote)
    README.write_text(insert_parts(README.read_text()))
    report.write(RESULTS / "report", report.context(collect_kept()))
    print(f"{README.name}: {len(table().splitlines()) - 2} rows")


if __name__ == "__main__":
    cli.run("results", main)
