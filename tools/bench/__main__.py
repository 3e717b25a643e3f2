"""The tables of what `make bench` has measured.

    python -m tools.bench            build/bench/bench.md, from build/bench/*.jsonl
    python -m tools.bench --keep     also keeps the measurements in data/results/bench, and writes the README's tables

What is kept has a folder for each kind of processor. New measurements take the place of those of the same kind.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tools import cli, files, paths
from tools.bench.machine import machine_of
from tools.bench.measurements import Measurements
from tools.bench.tables import TABLES

KEPT = paths.DATA / "results" / "bench"
BEGIN, END = "<!-- speed: make bench KEEP=1 -->", "<!-- end of speed -->"


def report(bench: Path) -> str:
    """Every table of which something was measured, under the machine. UserError where nothing was."""
    machine = machine_of(bench)
    rounds = len({line["round"] for line in Measurements(bench, "train").lines()})
    tables = [table(bench) for part, table in TABLES.items() if Measurements(bench, part).lines()]
    heading = [f"## {machine.title}", f"Medians of {rounds} rounds."]
    return "\n\n".join([*heading, *(table.markdown(commands=False) for table in tables)])


def keep(bench: Path, kept: Path) -> None:
    """Keep the measurements in the place of those of the same kind of processor, and write all tables into README.md.

    UserError where it lacks the marks that they stand between.
    """
    folder, readme = kept / machine_of(bench).kind, kept / "README.md"
    before = readme.read_text()
    files.put_between(before, BEGIN, END, "", readme)  # refused before anything is kept
    with files.whole_folder(folder) as new:
        for file in bench.glob("*.jsonl"):
            shutil.copyfile(file, new / file.name)
    tables = "\n\n".join(report(file.parent) for file in sorted(kept.glob("*/machine.jsonl")))
    files.write_whole(readme, files.put_between(before, BEGIN, END, tables, readme))
    print(f"kept in {folder}, written to {readme.name}")


def main() -> None:
    parser = cli.Parser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    parser.add_argument("--keep", action="store_true", help="keep the measurements, and write the README's tables")
    args = parser.parse_args()
    bench = args.build / "bench"
    tables = report(bench)
    files.write_whole(bench / "bench.md", tables + "\n")
    print(f"\n{tables}\n\nwritten to {bench / 'bench.md'}")
    if args.keep:
        keep(bench, KEPT)


if __name__ == "__main__":
    cli.run("bench", main)
