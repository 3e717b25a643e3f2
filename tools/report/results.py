"""The results that are kept in the repository, and the README's tables and the page that are made of them.

    python -m tools.report.results --keep build/votes/song-folds/rcnn   keep a vote and its runs' records
    python -m tools.report.results                                      write the tables into README.md, and the page

What is kept lies as it does under build/: clips.csv, from which every figure can be counted again, run.json and the
curves; no audio, no features, no weights. The page of `tools.report` is made of it, in report/ beside it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

from caffe.proto import caffe_pb2

from tools import cli, files, paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.nets.network import Network
from tools.report import changes, headlines, passes, splits, unheard
from tools.report.canvas import PAPER
from tools.report.collect import collect, collect_kept
from tools.report.page import Page, make_page, write_page
from tools.report.records import Collection
from tools.songs.gtzan import GENRES
from tools.train import runs
from tools.train.record import lasting
from tools.vote import baseline

README = paths.CHECKOUT / "README.md"  # has the paper beside ours
PICTURE = paths.DATA / "pictures" / "paper.svg"  # the same, in the README too
NETWORKS = paths.PROTOTXT / "README.md"  # has the networks on the folds that their settings were chosen on
TABLES = paths.DATA / "results" / "README.md"  # has all other tables
BEGIN, END = "<!-- {part}: make results -->", "<!-- end of {part} -->"
KEPT = ("summary.json", "clips.csv", "songs.csv", "confusion.csv")
KEPT_OF_RUN = ("run.json", "metrics.jsonl")
LOCK = paths.CHECKOUT / "build" / "results"  # what is kept is committed: its lock lies elsewhere
# Runs that are alike in these have the same weights, bit for bit, as far as both go
ONE_TRAINING = ("prototxt", "lmdb", "seed", "batch", "dropout", "lr_steps", "versions")


def keep(vote: Path, results: Path | None = None) -> None:
    """Copy the records and curves of the runs that a vote is of to ``results``/runs/, then the vote to votes/.

    Where no folder is named, votes on other genres than the paper's ten are kept apart. UserError where one of them is
    not whole, or another training is kept where a run would lie; then no vote is kept.
    """
    check_whole(vote, KEPT)
    try:
        files.check_as_written(vote / "summary.json", "vote again")
        summary = files.parse((vote / "summary.json").read_text())
        genres = tuple(summary["genres"])
        voters = [] if summary["net"] == baseline.NAME else summary["run"].split(", ")  # the baseline has no run
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(f"{vote / 'summary.json'} is not whole: vote again, then keep it") from None
    if results is None:
        results = paths.RESULTS if genres == GENRES else paths.OTHER_RESULTS
    for run in map(Path, voters):
        keep_run(run, paths.run_folder(results, run.parent.name, run.name))
    folder = paths.votes_folder(results, vote.parent.name, vote.name)
    copy_files(vote, folder, KEPT)
    print(f"kept in {folder}")


def keep_run(run: Path, folder: Path) -> None:
    """Copy a run's record and curves, but not over those of the same run further on.

    UserError where another training is kept there: votes of both can't stand beside one record.
    """
    check_whole(run, KEPT_OF_RUN)
    new = runs.read_unchanged(run)
    kept = runs.read_run(folder) if folder.is_dir() else new
    both = min(kept["iteration"], new["iteration"])
    pairs = {key: (lasting(key, kept.get(key)), lasting(key, new.get(key))) for key in ONE_TRAINING}
    pairs["ranks"] = (runs.stretches_to(kept, both), runs.stretches_to(new, both))
    for key, (before, now) in pairs.items():
        if before != now:
            raise UserError(f"{folder} is of another training than {run} ({key}): remove it and its votes first")
    if new["iteration"] >= kept["iteration"]:
        copy_files(run, folder, KEPT_OF_RUN)


def check_whole(folder: Path, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder}: {missing[0]} is not there: train or vote again, then keep it")


def copy_files(source: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Copy all of them, in the place of what is kept there, or none."""
    with files.whole_folder(folder) as aside:
        for name in names:
            shutil.copyfile(source / name, aside / name)
        leave_places_out(aside / names[0], [*source.absolute().parents][:3][-1])


def leave_places_out(record: Path, build: Path) -> None:
    """Have a record name ``build`` and what lies in it from there on, and its command other files by their last name.

    What is kept is for everybody, and where songs lay on one machine is not. The fingerprint tells which they were.
    """
    text = named = record.read_text()
    for place in (str(build), os.path.relpath(build)):
        named = re.sub(rf'(?<=["\s]){re.escape(json.dumps(place)[1:-1])}(?=[/"])', "build", named)
    content = json.loads(named)
    words = shlex.split(content.get("command", ""))
    if any(word.startswith("/") for word in words):
        content["command"] = shlex.join(Path(word).name if word.startswith("/") else word for word in words)
    if content != json.loads(text):
        files.write_record(record, content)


def parts(page: Page) -> dict[Path, dict[str, str]]:
    """What stands in each README, by the name of its marks."""
    tables = {table.name: table for members in page.tables.values() for table in members}
    tables |= {"results": tables["splits"], "paper": tables["summary"], "three": splits.three_splits(page.collection)}
    tables["unheard"] = unheard.unheard(page.collection, collect(paths.RESULTS).other_votes)
    tables["passes"] = passes.passes(page.collection)
    names = ("leak", "claims", "changes", "plus", "passes", "results", "three", "unheard")
    texts = {name: tables[name].markdown() for name in names}
    changed = ", ".join(changed_runs(page.collection))
    if changed:
        texts["results"] += (
            f"\n\nOf networks with other layers than `prototxt/` has now: {changed}, and the changes tried there."
        )
    # The README says the notes in words of its own
    readme = {part: replace(tables[part], note="").markdown(commands=False) for part in ("paper", "three")}
    return {README: readme, NETWORKS: {"inner": changes.inner(page.collection).markdown()}, TABLES: texts}


def changed_runs(collection: Collection) -> list[str]:
    """Kept runs, as inner-1/rcnn, of networks that have other layers in prototxt/ now."""
    plain = [run for run in collection.runs if not run.differences]
    now = {run.net: layers(prototxt.text(Network(run.net).deploy)) for run in plain}
    other = (run for run in plain if layers(run.record["prototxt"]["deploy"]) != now[run.net])
    return sorted(f"{run.split}/{run.net}" for run in other)


def layers(deploy: str) -> list[str]:
    """The settings of each layer but those that only take the input in, without names and how weights begin."""
    net = prototxt.parse(deploy, caffe_pb2.NetParameter(), "deploy")
    kept = [layer for layer in net.layer if layer.type not in ("Input", "Power")]
    for layer in kept:
        for name in ("name", "bottom", "top", "param"):
            layer.ClearField(name)
        for parameters in (layer.convolution_param, layer.inner_product_param, layer.recurrent_param):
            parameters.ClearField("weight_filler")
            parameters.ClearField("bias_filler")
    return [prototxt.text(layer) for layer in kept]


def picture(page: Page) -> str:
    """The answer as the README shows it, on paper of its own."""
    paper = dict.fromkeys(("figure.facecolor", "savefig.facecolor"), PAPER)
    (summary,) = page.tables["summary"]
    (figure,) = headlines.answer(page.collection, summary, paper)
    return figure.svg.decode()


def insert_parts(file: Path, text: str, page: Page) -> str:
    """The text of a README with what `parts` has for it. UserError where a mark is missing."""
    for part, table in parts(page)[file].items():
        text = files.put_between(text, BEGIN.format(part=part), END.format(part=part), table, file)
    return text


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", type=Path, nargs="+", default=[], metavar="VOTE", help="folders of build/votes to keep"
    )
    votes = parser.parse_args().keep
    with files.only_writer(LOCK):
        for vote in votes:
            keep(vote)
        collection = collect_kept()
        if not collection.votes:
            raise UserError(f"{paths.RESULTS}: no result is kept there: keep a vote first, with --keep")
        page = make_page(collection)
        for file in parts(page):
            files.write_whole(file, insert_parts(file, file.read_text(), page))
        files.write_whole(PICTURE, picture(page))
        write_page(paths.RESULTS / "report", page)
    print(f"{len(collection.votes)} votes of {len(collection.runs)} runs: written into the READMEs and the page")


if __name__ == "__main__":
    cli.run("results", main)
