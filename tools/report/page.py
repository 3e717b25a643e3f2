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
from tools.report import changes, commands, curves, figures, headlines, music, pairs, paper, splits
from tools.report.canvas import Figure
from tools.report.claims import claims, claims_figure, claims_table
from tools.report.evidence import Claim
from tools.report.records import Collection
from tools.report.table import Row, Table, csv_text

TEMPLATES = Path(__file__).with_name("template")


@dataclass(frozen=True)
class Page:
    """Tables and figures by section."""

    collection: Collection
    tables: dict[str, list[Table]]
    figures: dict[str, list[Figure]]
    claims: list[Claim]

    @property
    def counts(self) -> dict[str, int]:
        c = self.collection
        runs, votes = len(c.runs) + len(c.other_runs), len(c.votes) + len(c.other_votes)
        return {"runs": runs, "votes": votes, "splits": len(c.manifests)}


def make_page(collection: Collection) -> Page:
    """No figure where nothing of a section has been run."""
    judged = claims(collection)
    summary, leak = headlines.summary(collection), pairs.leak(collection)
    changed, plus = changes.changes(collection), changes.plus_gain(collection)
    by_artist = splits.three_splits(collection)
    others = bool(collection.other_runs or collection.other_votes)
    tables = {
        "summary": [summary],
        "claims": [claims_table(judged)],
        "splits": [leak, *([by_artist] if by_artist.rows else []), splits.splits(collection)],
        "integer_float": [pairs.integer_beside_float(collection)],
        "changes": [changed, plus],
        "music": [music.accuracies(collection), *music.many_genres(collection)] if others else [],
        "data": [splits.data_table(collection)],
    }
    pictures = {
        "summary": headlines.answer(collection, summary),
        "claims": claims_figure(judged),
        "table2": curves.table_2_figures(collection),
        "splits": [
            *pairs.leak_figure(leak),
            *splits.three_figure(by_artist),
            *splits.splits_figure(collection),
        ],
        "table1": figures.confusion_figures(collection),
        "voting": curves.voting_figures(collection),
        "networks": figures.network_figures(collection),
        "figure4": figures.spectrogram_figures(collection),
        "figure5": curves.net_figures(collection),
        "settings": curves.setting_figures(collection),
        "changes": changes.changes_figure(changed, plus),
        "music": music.confusions(collection),
    }
    return Page(collection, tables, pictures, judged)


def content_of(page: Page) -> dict[str, Any]:
    """Everything that the page shows, and that report.json holds."""
    collection = page.collection
    lstm, clip, song = (
        commands.needed(collection, net, split) for net, split in (("lstm", "song"), ("rcnn", "clip"), ("rcnn", "song"))
    )
    return {
        "data": collection.music or "nothing yet",
        "best": headlines.best(page.tables["summary"][0]),
        "paper": {"title": paper.TITLE, "authors": paper.AUTHORS, "figures": paper.figures()},
        "counts": page.counts,
        "tables": page.tables,
        "figures": page.figures,
        "claims": page.claims,
        # what fills the sections that have no figure yet
        "commands": {"table1": lstm, "figure4": "make lmdb", "figure5": song, "table2": f"{clip}\n{song}"},
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
