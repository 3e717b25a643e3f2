"""The README's table of results, made from the committed summaries of votes.

    python -m tools.results --keep build/votes/song-folds/rcnn     keep a vote's summary and clips under data/results/
    python -m tools.results                                        write the table into README.md from what is kept

Kept are summary.json and clips.csv, from which every figure can be counted again; no audio and no features.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from pathlib import Path

from tools import baseline, cli, paths
from tools.cli import UserError
from tools.reporting.collect import ITERATION_SUFFIX, differences
from tools.reporting.commands import difference_settings
from tools.reporting.commands import make_command as make

RESULTS = paths.DATA / "results" / "gtzan-mini"
README = paths.DATA.parent / "README.md"
BEGIN, END = "<!-- results: make results -->", "<!-- end of results -->"
KEPT = ("summary.json", "clips.csv")
KEPT_OF_RUN = ("run.json", "metrics.jsonl")


def keep(vote: Path) -> None:
    """Copy a vote to data/results/gtzan-mini/<split>/<run>/, with the records and curves of the runs that it is of.

    UserError where it is not whole.
    """
    folder = RESULTS / vote.parent.name / vote.name
    missing = [name for name in KEPT if not (vote / name).is_file()]
    if missing:
        raise UserError(f"{vote}: {missing[0]} is not there: vote again, then keep it")
    folder.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        shutil.copyfile(vote / name, folder / name)
    for run in map(Path, json.loads((vote / "summary.json").read_text())["run"].split(", ")):
        for name in KEPT_OF_RUN:
            if (run / name).is_file():
                (folder / run.parent.name).mkdir(exist_ok=True)
                shutil.copyfile(run / name, folder / run.parent.name / name)
    print(f"kept in {folder.relative_to(paths.DATA.parent)}")


def percent(share: float, interval: list[float]) -> str:
    return f"{100 * share:.1f}% [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def row(name: str, summary: dict) -> str:
    """A line of the table: what was tested, on how much, how well, and the command that votes so.

    ``name`` is the vote's folder: the net, and what differs from the defaults.
    """
    songs = summary["song_accuracy"]
    cells = [
        ITERATION_SUFFIX.sub("", name),
        f"{summary['split']}{' (leaks)' if summary['leaky'] else ''}",
        str(summary["iteration"] or "–"),
        f"{summary['clips']} / {summary['songs']}",
        percent(summary["clip_accuracy"], summary["clip_interval"]),
    ]
    for rule, threshold in (("plurality", "5"), ("true_label", "7")):
        key = threshold if songs is None or threshold in songs[rule] else str(2 * int(threshold))
        cells.append("–" if songs is None else percent(songs[rule][key], summary["song_interval"][rule][key]))
    return f"| {' | '.join(cells)} | `{make_command(name, summary)}` |"


def make_command(name: str, summary: dict) -> str:
    """The make command that leads to a summary, from the songs on."""
    net = summary["net"]
    if net == baseline.NAME:
        return "make baseline"
    settings = {"ITERS": summary["iteration"], "RANKS": summary["ranks"]}
    different = differences(ITERATION_SUFFIX.sub("", name))
    if summary["split"] != "song-folds":
        return make(net, summary["split"], different, **settings)
    each_fold = make(net, "song", different, **settings).replace("SPLIT=song", "FOLD=$f")
    which = [f"{key}={shlex.quote(value)}" for key, value in difference_settings(different).items()]
    return f"for f in 0 1 2 3 4; do {each_fold}; done; {' '.join(['make vote-folds', f'NET={net}', *which])}"


def table() -> str:
    """The whole table, in Markdown. UserError where nothing is kept."""
    summaries = {file.parent: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*/*/summary.json"))}
    if not summaries:
        raise UserError(f"{RESULTS}: no result is kept there: keep a vote first, with --keep")
    columns = ["network", "split", "iterations", "clips / songs", "clips right", "songs, plurality of 5"]
    columns += ["songs, true label 7", "command"]
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return "\n".join(head + [row(folder.name, summary) for folder, summary in summaries.items()])


def insert(text: str, made: str, begin: str = BEGIN, end: str = END) -> str:
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
    README.write_text(insert(README.read_text(), table()))
    print(f"{README.name}: {len(table().splitlines()) - 2} rows")


if __name__ == "__main__":
    cli.run("results", main)
