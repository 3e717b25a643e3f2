"""What the whole paper needs: every run with its stages, and the calls of the tools that make them, in order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools import paths
from tools.cli import UserError
from tools.convert.views import View
from tools.nets import prototxt
from tools.nets.network import Network
from tools.settings import FOLDER, LMDB, RUN, Schedule, Settings, typed
from tools.songs import splits
from tools.songs.tracks import Survey
from tools.train import runs

FEWEST_ITERATIONS = 500
TABLE_2 = (500, 4000, 10_000)
# the complex CNN's 10,000, the whole song's 60,000 and the RCNN's 200,000, with its drop of the learning rate half-way
CNN_ITERATIONS, SONG_ITERATIONS, RCNN_ITERATIONS, RATE_DROP = 10_000, 60_000, 200_000, 100_000
BY_HAND = ((0, 0.4), (3000, 0.6), (6000, 0.7))  # dropout, raised as the paper does
LSTM_ROUNDS = 500
FEW_GENRES = ("classical", "metal", "pop")
TEST_INTERVAL = 500
TEST_SHARE = 1 / splits.FOLDS


@dataclass(frozen=True)
class Training:
    """A run to be trained through ``stages``, with a vote at each."""

    settings: Settings
    stages: tuple[int, ...]

    @property
    def title(self) -> str:
        named = replace(self.settings, net=Settings.net, split=Settings.split)
        return " ".join([f"{self.settings.net}, split {self.settings.split}", *options(named)])


@dataclass(frozen=True)
class Step:
    """One call of one tool.

    ``counts`` says how much of what it does, for the estimate. ``product`` is the file that tells that it is done.
    """

    title: str
    module: str
    arguments: tuple[str, ...]
    counts: dict[str, float] = field(default_factory=dict)
    product: Path | None = None

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self.module, *self.arguments]


def options(settings: Settings, *names: str) -> tuple[str, ...]:
    """The options of the settings that differ from the defaults: all that name LMDBs or a run, or only ``names``."""
    usual = Settings()
    items = settings.items(*(names or (FOLDER, LMDB, RUN)))
    changed = [(name, value) for name, value in items if value != getattr(usual, name)]
    return tuple(word for name, value in changed for word in (f"--{name.replace('_', '-')}", typed(value)))


def is_filtered_possible(survey: Survey) -> bool:
    try:
        splits.filtered_split(survey)
    except UserError:
        return False
    return True


def stages(scale: float, *iterations: int) -> tuple[int, ...]:
    """The paper's iteration counts, scaled, in order and each once."""
    return tuple(sorted({max(FEWEST_ITERATIONS, round(n * scale)) for n in iterations}))


def dropout_by_hand(last: int) -> Schedule:
    """The schedule of the paper, shrunk from 10,000 iterations to ``last``."""
    return tuple((round(start * last / CNN_ITERATIONS), ratio) for start, ratio in BY_HAND)


def view_of(net: str) -> View:
    return prototxt.view_of(Network(net).train_val)


def lstm_iterations(songs: int) -> int:
    """500 rounds: in each, every train clip is heard once."""
    train_clips = round(songs * (1 - TEST_SHARE)) * view_of("lstm").clips(Settings())
    return round(LSTM_ROUNDS * train_clips / Network("lstm").defaults["batch"])


def trainings(scale: float, songs: int, filtered: bool) -> Iterator[Training]:
    """Every run of the paper, the shortest first within what builds on one another."""
    cnn, lstm = stages(scale, *TABLE_2), stages(scale, lstm_iterations(songs))
    rcnn = stages(scale, *TABLE_2, SONG_ITERATIONS, RCNN_ITERATIONS)
    last = cnn[-1:]
    for split in ("song", "clip"):
        yield Training(Settings(net="complex_cnn", split=split), cnn)
        yield Training(Settings(net="complex_cnn", split=split, dropout=dropout_by_hand(*last)), cnn)
        yield Training(Settings(net="simple_cnn", split=split), cnn)
        yield Training(Settings(net="lstm", split=split), lstm)
        yield Training(Settings(net="rcnn", split=split), rcnn)
    # one record a song: split clip divides them by song too, so that one run is both
    yield Training(Settings(net="song_cnn"), stages(scale, SONG_ITERATIONS))
    if filtered:
        yield Training(Settings(net="complex_cnn", split="filtered"), cnn)
        yield Training(Settings(net="rcnn", split="filtered"), rcnn)
    # What the paper's claims are tested with: each differs from a run above in one thing
    yield Training(Settings(net="complex_cnn", dtype="int"), last)
    yield Training(Settings(net="complex_cnn", dropout=((0, 0.6),)), last)
    yield Training(Settings(net="rcnn", lr_steps=other_rates(rcnn[-1])), rcnn[-1:])
    yield Training(Settings(net="complex_cnn", genres=FEW_GENRES), last)
    yield Training(Settings(net="complex_cnn", window=512), last)
    yield Training(Settings(net="lstm", neurons=160), lstm)


def other_rates(last: int) -> Schedule:
    """The drop of the RCNN's learning rate half-way; at full scale, where its prototxt has it, none."""
    drop = round(RATE_DROP * last / RCNN_ITERATIONS)
    return ((0, 1e-4),) if drop == RATE_DROP else ((0, 1e-4), (drop, 1e-5))


def steps_of(data_root: Path, build: Path, songs: int, runs_to_train: list[Training]) -> Iterator[Step]:
    """The plan: LMDBs, then each run to each of its stages with a vote, then the baseline and the page.

    The conversion itself knows what is up to date.
    """
    placed = ("--build", str(build))
    for folder in dict.fromkeys(options(replace(t.settings, net=Settings.net), FOLDER, LMDB) for t in runs_to_train):
        yield Step(" ".join(["LMDBs", *folder]), "tools.convert", (str(data_root), *folder, *placed), {"song": songs})
    for training in runs_to_train:
        yield from steps_of_run(training, songs, build)
    yield Step("the baseline", "tools.vote.baseline", (str(data_root), *placed), {"song of the baseline": songs})
    yield Step("the page", "tools.report", placed, {"page": 1})


def steps_of_run(training: Training, songs: int, build: Path) -> Iterator[Step]:
    """Under split clip every clip votes, otherwise those of the test songs."""
    settings = replace(training.settings, build=build)
    net, folder = settings.net, runs.run_folder(settings)
    named = ("--net", net, *options(replace(settings, net=Settings.net)), "--build", str(build))
    clips = songs * view_of(net).clips(settings)
    voting = clips * (1 if settings.split == "clip" else TEST_SHARE)
    before = 0
    for stage in training.stages:
        votes = paths.votes_folder(build, folder.parent.name, f"{folder.name}@iter={stage}") / "summary.json"
        tests = 2 + (stage - before) // TEST_INTERVAL
        work = {f"iteration of {net}": stage - before, f"clip of {net}": tests * clips * TEST_SHARE}
        yield Step(f"train {training.title} to {stage:,}", "tools.train", (*named, "--iters", str(stage)), work, votes)
        ballot = (*named, "--iteration", str(stage))
        yield Step(f"vote {training.title} at {stage:,}", "tools.vote", ballot, {f"clip of {net}": voting}, votes)
        before = stage
