"""Which trained net answers: a run of build/runs, or the small model that comes with the project.

The shipped model is a run folder like any other, without what only training needs: deploy.prototxt, train_val.prototxt,
run.json, the .caffemodel and its mark `<net>_iter_<N>.whole`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from tools import paths
from tools.cli import UserError
from tools.convert.parameters import Parameters
from tools.train import runs

SHIPPED = paths.DATA / "model"


@dataclass(frozen=True)
class Model:
    """A trained net and how its clips were made."""

    folder: Path
    iteration: int
    caffemodel: Path
    run: dict  # run.json
    origin: str  # why this one, in a few words

    @property
    def deploy(self) -> Path:
        return self.folder / "deploy.prototxt"

    @property
    def train_val(self) -> Path:
        return self.folder / "train_val.prototxt"

    @property
    def view(self) -> str:
        return self.run["view"]

    @property
    def parameters(self) -> Parameters:
        """What its clips were made with: by its record, or for an older one by the shape of its LMDB.

        Raises UserError for a record that no matrix can be made with.
        """
        if "features" in self.run:
            return recorded_parameters(self.folder, self.run["features"])
        _, height, width = self.run["lmdb"]["train"]["shape"]
        if self.view == "lstm":
            return Parameters(bands=self.run["bands"], lstm_frames_a_clip=height)
        frames = {"cnn": "frames_a_clip", "song": "song_frames"}[self.view]
        return Parameters(bands=self.run["bands"], n_bands=height, **{frames: width})

    @property
    def description(self) -> str:
        return f"{self.folder}, iteration {self.iteration} ({self.origin})"

    def as_json(self) -> dict:
        """What a result needs to be traced back to the weights that it came from."""
        return {
            "folder": str(self.folder),
            "iteration": self.iteration,
            "net": self.run["net"],
            "split": self.run["split"],
            "dtype": self.run["dtype"],
            "view": self.view,
            "caffemodel_sha256": runs.sha256_of(self.caffemodel),
        }


def recorded_parameters(folder: Path, features: dict) -> Parameters:
    """The parameters that a run's record names, one and all. UserError where one is missing or is none."""
    names = [field.name for field in fields(Parameters)]
    try:
        return Parameters(**{name: features[name] for name in names})
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{folder / 'run.json'}: its features can't be read ({error}): train again, or name another MODEL="
        ) from None


def choose_model(build: Path, wanted: Path | None = None, iteration: int | None = None) -> Model:
    """The run folder ``wanted``, else the one trained last under ``build``/runs, else the shipped model.

    Raises UserError for a folder that is no run, lacks a file or has no whole snapshot (of ``iteration``).
    """
    if wanted is not None:
        return open_model(wanted, iteration, "as MODEL= says")
    newest = newest_run(build)
    if newest is not None:
        return open_model(newest, iteration, f"the newest trained in {build / 'runs'}; MODEL= takes another")
    if SHIPPED.is_dir():
        return open_model(SHIPPED, iteration, f"shipped: nothing is trained in {build / 'runs'} yet")
    raise UserError(
        f"{build / 'runs'}: nothing is trained there: type 'make train-rcnn' first, or name a run with MODEL="
    )


def newest_run(build: Path) -> Path | None:
    """The run folder whose newest whole snapshot was written last, of a net whose clips vote if there is one.

    None where there is none.
    """
    snapshots = [
        model for folder in (build / "runs").glob("*/*") for model in runs.whole_snapshots(folder).values()
    ]  # fmt: skip
    newest = sorted(snapshots, key=lambda model: (model.stat().st_mtime_ns, str(model)), reverse=True)
    folders = list(dict.fromkeys(model.parent for model in newest))
    return next(filter(has_clips, folders), folders[0] if folders else None)


def has_clips(folder: Path) -> bool:
    """Whether a run is of clips; one of the whole song has nothing to vote on, and needs 29 s of any song."""
    try:
        return runs.read_run(folder)["view"] != "song"
    except UserError:
        return True  # whoever opens it says what is wrong


def open_model(folder: Path, iteration: int | None, origin: str) -> Model:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such run folder: MODEL= names one, as build/runs/song/rcnn")
    run = runs.read_run(folder)
    missing = [key for key in ("net", "split", "view", "dtype", "bands", "lmdb") if key not in run]
    if missing:
        raise UserError(
            f"{folder / 'run.json'} says nothing of {', '.join(missing)}: train again, or name another MODEL="
        )
    iteration, caffemodel = runs.choose_snapshot(folder, iteration)
    model = Model(folder, iteration, caffemodel, run, origin)
    for file in (model.deploy, model.train_val):
        if not file.is_file():
            raise UserError(f"{file} is missing: train again, or name another run with MODEL=")
    return model
