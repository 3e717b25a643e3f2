"""One page of the whole paper: every table, figure and claim beside what was reproduced so far.

    python -m tools.report [--build build]

Reads what `make lmdb`, `make train` and `make vote` left under the build folder, whichever part of it there is, and
writes build/report/index.html, which needs nothing but itself, with every number on it in report.json and in a CSV file
per table and figure. What has not been run says so, with the command that runs it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import jinja2

from tools import cli, paths
from tools.files import only_writer, whole_folder
from tools.report import changes, claims, comparisons, curves, figures, headlines, leak, paper
from tools.report.canvas import Figure
from tools.report.collect import Collection, collect
from tools.report.commands import make_command
from tools.report.layout import Row, Table
from tools.report.networks import network_figures
from tools.report.spectrogram import spectrogram_figure
from tools.report.voting import voting_figures

TEMPLATES = Path(__file__).with_name("template")


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    return parser.parse_args()


def make_tables(collection: Collection) -> dict[str, list[Table]]:
    """The tables of each section of the page."""
    return {
        "summary": [headlines.summary(collection)],
        "table2": [
            headlines.table_2(collection, net, split)
            for net in ("complex_cnn", "rcnn")
            for split in headlines.PROTOCOLS
        ],
        "splits": [comparisons.splits(collection), leak.leak(collection)],
        "integer_float": [comparisons.integer_beside_float(collection)],
        "dropout": [comparisons.dropout_settings(collection)],
        "changes": [changes.changes(collection), changes.plus_gain(collection)],
        "data": [comparisons.data_table(collection)],
    }


def make_figures(collection: Collection) -> dict[str, list[Figure]]:
    """The figures of each section of the page; an empty list where nothing of it has been run."""
    networks, undrawn = network_figures()
    collection.left_out += undrawn
    spectrogram = spectrogram_figure(collection)
    return {
        "table1": figures.confusion_figures(collection),
        "networks": networks,
        "figure4": [spectrogram] if spectrogram else [],
        "figure5": curves.curves(collection, "figure5"),
        "figure6": curves.curves(collection, "figure6"),
        "splits": figures.splits_figure(collection),
        "integer_float": curves.integer_float_figures(collection),
        "dropout": curves.dropout_figures(collection),
        "voting": voting_figures(collection),
    }


def commands_for(collection: Collection) -> dict[str, str]:
    """What fills the sections that have no figure yet."""
    build = collection.build
    return {
        "table1": make_command("lstm", "song", build=build),
        "figure4": "make lmdb",
        "figure5": make_command("rcnn", "song", build=build),
        "figure6": make_command("rcnn", "song", build=build),
        "splits": f"{make_command('rcnn', 'clip', build=build)}; {make_command('rcnn', 'song', build=build)}",
        "everything": "make paper GTZAN=DIR",
    }


def context(collection: Collection) -> dict:
    """Everything that the page shows, as plain values: what report.json holds, but for the pictures."""
    tables, drawn = make_tables(collection), make_figures(collection)
    return {
        "paper": {"title": paper.TITLE, "authors": paper.AUTHORS},
        "counts": {"runs": len(collection.runs), "votes": len(collection.votes), "splits": len(collection.manifests)},
        "observation": paper.observation_on_200(),
        "tables": {
            section: [{"name": t.name, "title": t.title, "note": t.note, "rows": t.shown()} for t in members]
            for section, members in tables.items()
        },
        "figures": {
            section: [{**asdict(f), "rows": [row.values for row in f.rows]} for f in members]
            for section, members in drawn.items()
        },
        "contradictions": [asdict(found) for found in paper.contradictions()],
        "claims": [asdict(claim) for claim in claims.claims(collection)],
        "commands": commands_for(collection),
        "left_out": collection.left_out,
        "build": str(collection.build),
        "files": sorted([t.name for members in tables.values() for t in members]),
        "csv": csv_files(tables, drawn),
    }


def csv_files(tables: dict[str, list[Table]], drawn: dict[str, list[Figure]]) -> dict[str, str]:
    """The text of a CSV file per table and figure, by file name."""
    members = [table for group in tables.values() for table in group]
    members += [Table(f.name, f.caption, [], f.rows) for group in drawn.values() for f in group]
    return {f"{table.name}.csv": table.csv() for table in members}


def claims_csv(claims: list[dict]) -> str:
    rows = [
        Row({**{key: claim[key] for key in ("claim", "test", "verdict", "found")}, **claim["values"]}, claim["command"])
        for claim in claims
    ]
    return Table("claims", "", [], rows).csv()


def render(content: dict) -> str:
    """The page. Everything is escaped by the template engine: names of files and of runs may hold anything."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html").render(content)


def write(folder: Path, content: dict) -> None:
    """Write the page and its numbers, in place of those of an earlier report. Only for the holder of a lock."""
    page = render(content)
    numbers = {key: value for key, value in content.items() if key != "csv"}
    numbers["figures"] = {
        section: [{key: value for key, value in figure.items() if key != "uri"} for figure in members]
        for section, members in content["figures"].items()
    }
    with whole_folder(folder) as aside:
        (aside / "index.html").write_text(page)
        (aside / "report.json").write_text(json.dumps(numbers, indent=1, default=float, ensure_ascii=False) + "\n")
        (aside / "claims.csv").write_text(claims_csv(content["claims"]))
        for name, text in content["csv"].items():
            (aside / name).write_text(text)


def main() -> None:
    args = parse_arguments()
    collection = collect(args.build)
    content = context(collection)
    folder = args.build / "report"
    with only_writer(folder):
        write(folder, content)
    missing = sum(row["missing"] for group in content["tables"].values() for table in group for row in table["rows"])
    verdicts = [claim["verdict"] for claim in content["claims"]]
    print(f"{len(collection.runs)} runs, {len(collection.votes)} votes; {missing} rows not run yet")
    print("claims: " + ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(verdicts)))
    for line in collection.left_out:
        print(f"left out: {line}")
    print(f"written to {folder / 'index.html'}")


if __name__ == "__main__":
    cli.run("report", main)
