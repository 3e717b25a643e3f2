"""Which trained net answers: a run of build/runs, or the small model that comes with the project.

The shipped model is a run folder like any other, without what only training needs: deploy.prototxt, run.json, the
.caffemodel and its mark `<net>_iter_<N>.whole`.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools import files, paths
from tools.cli import UserError
from tools.convert.views import VIEWS, View
from tools.nets.network import Network
from tools.settings import FOLDER, LMDB, RUN, Settings, add_settings, given_settings, read_settings
from tools.train import runs, snapshots
from tools.vote import rules

SHIPPED = paths.DATA / "model"


@dataclass(frozen=True)
class Model:
    """A trained net and how its clips were made."""

    folder: Path
    iteration: int
    caffemodel: Path
    run: dict[str, Any]  # run.json
    settings: Settings  # those of the run
    origin: str  # why this one, in a few words

    @property
    def deploy(self) -> Path:
        return self.caffemodel.with_name("deploy.prototxt")

    @property
    def genres(self) -> tuple[str, ...]:
        """The genres that it tells apart, in order of label."""
        return tuple(self.run["label_names"])

    @property
    def view(self) -> View:
        return VIEWS[self.run["view"]]

    @property
    def description(self) -> str:
        """Where it lies and why it was chosen; of the shipped model also how far it can be trusted."""
        place = f"{self.folder}, iteration {self.iteration} ({self.origin})"
        return f"{place}: {self.evidence}" if self.folder.resolve() == SHIPPED else place

    @property
    def evidence(self) -> str:
        """How right the shipped model is on artists that it has not heard. It was trained on all songs there are.

        So the same network tells, trained without the artists of the songs that it was tested on: its votes are
        among the kept results. Where these were taken away, nothing is known.
        """
        trained = f"trained on {self.run['lmdb']['train']['songs']} songs of GTZAN"
        vote = f"{Network(self.settings.net).run_name(self.settings)}@iter={self.iteration}"
        folder = paths.votes_folder(paths.OTHER_RESULTS, paths.joined_folds("artist"), vote)
        if not (folder / "summary.json").is_file():
            return f"{trained}; {folder}, which says how right it is on others, is not here"
        summary = json.loads((folder / "summary.json").read_text())
        right = summary["song_accuracy"]["plurality"][str(rules.PAPER_THRESHOLDS[0])] * summary["songs"]
        untested = [genre for genre in self.genres if genre not in summary["genres"]]
        return (
            f"{trained}; the same network, trained without their artists, "
            f"told {right:.0f} of {summary['songs']} songs right; not tested so: {', '.join(untested)}"
        )

    def as_json(self) -> dict[str, Any]:
        """What a result needs to be traced back to the weights that it came from."""
        return {
            "folder": str(self.folder),
            "iteration": self.iteration,
            "net": self.run["net"],
            "split": self.run["split"],
            "dtype": self.run["dtype"],
            "view": self.view.name,
            "caffemodel_sha256": files.sha256_of(self.caffemodel),
        }


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which net answers, alike for every tool that listens to songs."""
    runs.add_run_option(parser, "--model")
    parser.add_argument("--iteration", type=int, help="with this snapshot (default: the newest)")
    add_settings(parser)


def model_of(args: argparse.Namespace) -> Model:
    """The model that RUN= or settings name, as `choose_model` says. UserError for both at once."""
    settings, run = read_settings(args), args.run
    if run:
        runs.check_alone(args)
    elif any(name in given_settings(args) for name, _ in settings.items(FOLDER, LMDB, RUN)):
        run = runs.run_folder(settings)
    return choose_model(settings.build, run, args.iteration)


def choose_model(build: Path, run: Path | None = None, iteration: int | None = None) -> Model:
    """The run folder ``run``; else the one of ``build``/runs that was trained last; else the shipped model.

    Raises UserError for a folder that is no run, lacks a file or has no whole snapshot (of ``iteration``).
    """
    if run is not None:
        return open_model(run, iteration, "named by RUN= or its settings")
    newest = newest_run(build)
    if newest is not None:
        return open_model(newest, iteration, f"the newest trained in {build / 'runs'}; RUN= names another")
    if SHIPPED.is_dir():
        return open_model(SHIPPED, iteration, f"the one that comes along: nothing is trained in {build / 'runs'} yet")
    raise UserError(f"{build / 'runs'}: nothing is trained there: type 'make train-rcnn', or name a run with RUN=")


def newest_run(build: Path) -> Path | None:
    """The run folder whose newest whole snapshot was written last; if there are any, among those whose clips vote.

    None without a run.
    """
    folders = (build / "runs").glob("*/*")
    models = [model for folder in folders for model in snapshots.whole_snapshots(folder).values()]
    newest = sorted(models, key=lambda model: (model.stat().st_mtime_ns, str(model)), reverse=True)
    newest_first = list(dict.fromkeys(model.parent for model in newest))
    return next(filter(has_clips, newest_first), newest_first[0] if newest_first else None)


def has_clips(folder: Path) -> bool:
    """Whether the network of a run reads clips. One that reads the whole
    song has nothing to vote on, and needs 29 s.
    """
    try:
        return runs.read_run(folder)["view"] != "song"
    except UserError:
        return True  # whoever opens it says what is wrong


@contextmanager
def kept_apart(model: Model) -> Iterator[Model]:
    """The same model with copies of its files while it answers, since a training that goes on removes snapshots."""
    with tempfile.TemporaryDirectory(prefix="model-") as folder:
        for file in (model.deploy, model.caffemodel):
            shutil.copy(file, folder)
        try:
            yield replace(model, caffemodel=Path(folder) / model.caffemodel.name)
        except UserError as error:
            raise UserError(str(error).replace(folder, str(model.folder))) from None


def open_model(folder: Path, iteration: int | None, origin: str) -> Model:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run: name the folder of one with RUN=; 'ls -d build/runs/*/*' lists them")
    run = runs.read_unchanged(folder)
    if run["view"] not in VIEWS:
        raise UserError(
            f"{folder / 'run.json'}: its view is none of {', '.join(VIEWS)}: train again, or name another run with RUN="
        )
    iteration, caffemodel = snapshots.choose_snapshot(folder, iteration)
    model = Model(folder, iteration, caffemodel, run, runs.settings_of(run, folder), origin)
    runs.deploy_of(folder, run)
    return model
