"""The README's table of results, made from the committed summaries of votes.

    python -m tools.results --keep build/votes/song-folds/rcnn     keep a vote's summary and clips under data/results/
    python -m tools.results                                        write the table into README.md from what is kept

Kept are summary.json and clips.csv, from which every figure can be counted again; no audio and no features.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from tools import baseline, cli, paths
from tools.cli import UserError

RESULTS = paths.DATA / "results" / "gtzan-mini"
README = paths.DATA.parent / "README.md"
BEGIN, END = "<!-- results: make results -->", "<!-- end of results -->"
KEPT = ("summary.json", "clips.csv")


def keep(vote: Path) -> None:
    """Copy a vote's summary and clips to data/results/gtzan-mini/<split>/<run>/. UserError where it is not whole."""
    folder = RESULTS / vote.parent.name / vote.name
    missing = [name for name in KEPT if not (vote / name).is_file()]
    if missing:
        raise UserError(f"{vote}: {missing[0]} is not there: vote again, then keep it")
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(vote / name, folder / name)
    print(f"kept in {folder.relative_to(paths.DATA.parent)}")


def percent(share: float, interval: list[float]) -> str:
    return f"{100 * share:.1f}% [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def row(summary: dict) -> str:
    """A line of the table: what was tested, on how much, how well, and the command that votes so."""
    songs = summary["song_accuracy"]
    cells = [
        summary["net"],
        f"{summary['split']}{' (leaks)' if summary['leaky'] else ''}",
        str(summary["iteration"] or "–"),
        f"{summary['clips']} / {summary['songs']}",
        percent(summary["clip_accuracy"], summary["clip_interval"]),
    ]
    for rule, threshold in (("plurality", "5"), ("true_label", "7")):
        key = threshold if songs is None or threshold in songs[rule] else str(2 * int(threshold))
        cells.append("–" if songs is None else percent(songs[rule][key], summary["song_interval"][rule][key]))
    return f"| {' | '.join(cells)} | `{make_command(summary)}` |"


def make_command(summary: dict) -> str:
    """The make command that leads to a summary, from the songs on."""
    if summary["net"] == baseline.NAME:
        return "make baseline"
    split, _, fold = summary["split"].partition("-")
    settings = [f"NET={summary['net']}", f"ITERS={summary['iteration']}", f"RANKS={summary['ranks']}"]
    settings += [f"DTYPE={summary['dtype']}"] if summary["dtype"] != "float" else []
    if fold == "folds":
        each_fold = f"make lmdb train vote FOLD=$f {' '.join(settings)}"
        return f"for f in 0 1 2 3 4; do {each_fold}; done; make vote-folds NET={summary['net']}"
    return f"make lmdb train vote SPLIT={split}{f' FOLD={fold}' if fold else ''} {' '.join(settings)}"


def table() -> str:
    """The whole table, in Markdown. UserError where nothing is kept."""
    summaries = [json.loads(file.read_text()) for file in sorted(RESULTS.glob("*/*/summary.json"))]
    if not summaries:
        raise UserError(f"{RESULTS}: no result is kept there: keep a vote first, with --keep")
    columns = ["network", "split", "iterations", "clips / songs", "clips right", "songs, plurality of 5"]
    columns += ["songs, true label 7", "command"]
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return "\n".join(head + [row(summary) for summary in summaries])


def insert(text: str, made: str) -> str:
    """``text`` with the table between its two marks. UserError where a mark is missing."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise UserError(f"{README}: the marks '{BEGIN}' and '{END}' are not both there: put them back")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", type=Path, nargs="+", default=[], metavar="VOTE", help="folders of build/votes to keep"
    )
    for vote in parser.parse_args().keep:
        keep(vote)
    README.write_text(insert(README.read_text(), table()))
    print(f"{README.name}: {len(table().splitlines()) - 2} rows")


if __name__ == "__main__":
    cli.run("results", main)
