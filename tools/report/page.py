"""The page: its tables and figures by section, as HTML for a reader, as JSON and CSV for everything else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2

from tools.files import whole_folder
from tools.report import changes, commands, comparisons, curves, figures, headlines, paper
from tools.report.canvas import Figure
from tools.report.claims import Claim, claims
from tools.report.collect import Collection
from tools.report.spectrogram import spectrogram_figures
from tools.report.table import Row, Table, csv_text

TEMPLATES = Path(__file__).with_name("template")

Tables = dict[str, list[Table]]  # by section
Figures = dict[str, list[Figure]]


@dataclass(frozen=True)
class Page:
    collection: Collection
    tables: Tables
    figures: Figures
    claims: list[Claim]

    @property
    def missing_rows(self) -> int:
        return sum(row.missing for members in self.tables.values() for table in members for row in table.rows)


def make_tables(collection: Collection) -> Tables:
    return {
        "summary": [headlines.summary(collection)],
        "table2": [
            headlines.table_2(collection, net, split)
            for net in ("complex_cnn", "rcnn")
            for split in headlines.PROTOCOLS
        ],
        "splits": [comparisons.splits(collection), comparisons.leak(collection)],
        "integer_float": [comparisons.integer_beside_float(collection)],
        "dropout": [comparisons.dropout_settings(collection)],
        "changes": [changes.changes(collection), changes.plus_gain(collection)],
        "data": [comparisons.data_table(collection)],
    }


def make_figures(collection: Collection) -> Figures:
    """An empty list where nothing of a section has been run."""
    return {
        "table1": figures.confusion_figures(collection),
        "networks": figures.network_figures(collection),
        "figure4": spectrogram_figures(collection),
        "figure5": curves.curves(collection, "figure5", "loss"),
        "figure6": curves.curves(collection, "figure6", "accuracy"),
        "splits": figures.splits_figure(collection),
        "integer_float": curves.integer_float_figures(collection),
        "dropout": curves.dropout_figures(collection),
        "voting": figures.voting_figures(collection),
    }


def make_page(collection: Collection) -> Page:
    return Page(collection, make_tables(collection), make_figures(collection), claims(collection))


def commands_for(collection: Collection) -> dict[str, str]:
    """What fills the sections that have no figure yet."""
    lstm = commands.needed(collection, "lstm", "song")
    clip, song = (commands.needed(collection, "rcnn", split) for split in headlines.PROTOCOLS)
    return {"table1": lstm, "figure4": "make lmdb", "figure5": song, "figure6": song, "splits": f"{clip}; {song}"}


def content_of(page: Page) -> dict[str, Any]:
    """Everything that the page shows, and that report.json holds."""
    collection = page.collection
    return {
        "paper": {"title": paper.TITLE, "authors": paper.AUTHORS, "figures": paper.figures()},
        "counts": {"runs": len(collection.runs), "votes": len(collection.votes), "splits": len(collection.manifests)},
        "tables": page.tables,
        "figures": page.figures,
        "claims": page.claims,
        "commands": commands_for(collection),
        "left_out": collection.left_out,
        "build": str(collection.build),
        "files": sorted(table.name for members in page.tables.values() for table in members),
    }


def as_json(content: dict[str, Any]) -> str:
    def plain(part: Table | Figure | Claim) -> Any:
        """A table by its cells, a figure without its picture."""
        if isinstance(part, Table):
            return {"name": part.name, "title": part.title, "note": part.note, "rows": part.shown()}
        return {key: value for key, value in asdict(part).items() if key != "uri"}

    return json.dumps(content, indent=1, default=plain, ensure_ascii=False) + "\n"


def csv_files(page: Page) -> dict[str, str]:
    """The text of a CSV file per table and figure, and of the claims', by name."""
    rows = {table.name: table.rows for members in page.tables.values() for table in members}
    rows |= {f.name: [Row(values) for values in f.rows] for members in page.figures.values() for f in members}
    rows["claims"] = [
        Row({"claim": c.claim, "test": c.test, "verdict": c.verdict, "found": c.found, **c.values}, c.command)
        for c in page.claims
    ]
    return {f"{name}.csv": csv_text(members) for name, members in rows.items()}


def as_html(content: dict[str, Any]) -> str:
    """The page. Everything is escaped by the template engine: names of files and of runs may hold anything."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("index.html").render(content)


def write_page(folder: Path, page: Page) -> None:
    """Write the page and its numbers, in place of those of an earlier report. Only for the holder of a lock."""
    content = content_of(page)
    texts = {"index.html": as_html(content), "report.json": as_json(content), **csv_files(page)}
    with whole_folder(folder) as aside:
        for name, text in texts.items():
            (aside / name).write_text(text)
