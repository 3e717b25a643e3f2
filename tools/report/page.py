"""The page: its tables and figures by section, as HTML for a reader, as JSON and CSV for everything else."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from tools.files import whole_folder
from tools.report import changes, commands, comparisons, curves, figures, headlines, music, paper, three
from tools.report.canvas import Figure
from tools.report.claims import Claim, claims, claims_figure, claims_table
from tools.report.records import Collection
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


def has_other_music(collection: Collection) -> bool:
    return bool(collection.other_runs or collection.other_votes)


def make_page(collection: Collection) -> Page:
    """Tables and figures by section; no figure where nothing of a section has been run."""
    judged = claims(collection)
    summary, leak = headlines.summary(collection), comparisons.leak(collection)
    changed, plus = changes.changes(collection), changes.plus_gain(collection)
    others, by_artist = has_other_music(collection), three.three_splits(collection)
    tables = {
        "summary": [summary],
        "claims": [claims_table(judged)],
        "splits": [leak, *([by_artist] if by_artist.rows else []), comparisons.splits(collection)],
        "integer_float": [comparisons.integer_beside_float(collection)],
        "changes": [changed, plus],
        "music": [music.accuracies(collection), *music.many_genres(collection)] if others else [],
        "data": [comparisons.data_table(collection)],
    }
    pictures = {
        "summary": [headlines.answer(collection, summary)],
        "claims": [claims_figure(judged)],
        "table2": curves.table_2_figures(collection),
        "splits": [*comparisons.leak_figure(leak), *three.figure(by_artist), *comparisons.splits_figure(collection)],
        "table1": figures.confusion_figures(collection),
        "voting": figures.voting_figures(collection),
        "networks": figures.network_figures(collection),
        "figure4": spectrogram_figures(collection),
        "figure5": curves.net_figures(collection),
        "settings": [*curves.integer_float_figures(collection), *curves.dropout_figures(collection)],
        "changes": changes.figures(changed, plus),
        "music": music.confusions(collection),
    }
    return Page(collection, tables, pictures, judged)


def commands_for(collection: Collection) -> dict[str, str]:
    """What fills the sections that have no figure yet."""
    lstm = commands.needed(collection, "lstm", "song")
    clip, song = (commands.needed(collection, "rcnn", split) for split in headlines.PROTOCOLS)
    return {"table1": lstm, "figure4": "make lmdb", "figure5": song, "table2": f"{clip}\n{song}"}


def counts(collection: Collection) -> dict[str, int]:
    runs, votes = (*collection.runs, *collection.other_runs), (*collection.votes, *collection.other_votes)
    return {"runs": len(runs), "votes": len(votes), "splits": len(collection.manifests)}


def content_of(page: Page) -> dict[str, Any]:
    """Everything that the page shows, and that report.json holds."""
    collection = page.collection
    return {
        "data": headlines.data_of(collection) or "nothing yet",
        "best": headlines.best(page.tables["summary"][0]),
        "paper": {"title": paper.TITLE, "authors": paper.AUTHORS, "figures": paper.figures()},
        "counts": counts(collection),
        "tables": page.tables,
        "figures": page.figures,
        "claims": page.claims,
        "commands": commands_for(collection),
        "left_out": collection.left_out,
        "build": str(collection.build),
    }


def as_json(content: dict[str, Any]) -> str:
    def plain(part: Table | Figure | Claim) -> Any:
        """A table by its cells, a figure without its picture."""
        if isinstance(part, Table):
            return {"name": part.name, "title": part.title, "note": part.note, "rows": part.shown()}
        return {key: value for key, value in asdict(part).items() if key != "svg"}

    return json.dumps(content, indent=1, default=plain, ensure_ascii=False) + "\n"


def csv_files(page: Page) -> dict[str, str]:
    """The text of a CSV file per table and figure, and of the claims', by name."""
    rows = {table.name: table.rows for members in page.tables.values() for table in members}
    rows |= {f.name: [Row(values) for values in f.rows] for members in page.figures.values() for f in members}
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
    script = environment.get_template("page.js").render()
    sha256 = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("index.html").render(content, script=Markup(script), script_sha256=sha256)


def write_page(folder: Path, page: Page) -> None:
    """Write the page and its numbers, in place of those of an earlier report. Only for the holder of a lock."""
    content = content_of(page)
    texts = {"index.html": as_html(content), "report.json": as_json(content), **csv_files(page)}
    with whole_folder(folder) as aside:
        for name, text in texts.items():
            (aside / name).write_text(text)
