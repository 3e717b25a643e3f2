"""What the whole paper needs: every run with its stages, and the calls of the tools that make them, in order."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools import cli, paths
from tools.cli import UserError
from tools.nets import prototxt
from tools.songs import gtzan, splits
from tools.train import runs

FEWEST_ITERATIONS = 500
TABLE_2 = (500, 4000, 10_000)
# the complex CNN's 10,000, the whole song's 60,000 and the RCNN's 200,000, with its drop of the learning rate half-way
CNN_ITERATIONS, SONG_ITERATIONS, RCNN_ITERATIONS, RATE_DROP = 10_000, 60_000, 200_000, 100_000
DROPOUT_SCHEDULE = ((0, 0.4), (3000, 0.6), (6000, 0.7))
LSTM_ROUNDS = 500
FEW_GENRES = "classical metal pop"
SHORT_WINDOW = 512
WIDE_LSTM = 160


@dataclass(frozen=True)
class Step:
    """One call of one tool. ``product`` is the file that tells that it is done."""

    title: str
    module: str
    arguments: tuple[str, ...]
    product: Path | None = None
    net: str = ""
    split: str = ""
    iterations: int = 0  # to be trained in this step

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self.module, *self.arguments]


@dataclass(frozen=True)
class Training:
    """A run to be trained through ``stages``, with a vote at each."""

    net: str
    split: str
    stages: tuple[int, ...]
    options: tuple[str, ...] = field(default=())

    @property
    def title(self) -> str:
        return " ".join([f"{self.net}, split {self.split}", *self.options])


def is_filtered_possible(tracks: list[gtzan.Track]) -> bool:
    try:
        splits.filtered_split(tracks)
    except UserError:
        return False
    return True


def scaled(iterations: int, scale: float) -> int:
    return max(FEWEST_ITERATIONS, round(iterations * scale))


def stages(scale: float, *iterations: int) -> tuple[int, ...]:
    """The paper's iteration counts, scaled, in order and each once."""
    return tuple(sorted({scaled(n, scale) for n in iterations}))


def dropout_schedule(last: int) -> str:
    """The by-hand schedule of the paper, shrunk from 10,000 iterations to ``last``."""
    steps = [(round(start * last / CNN_ITERATIONS), ratio) for start, ratio in DROPOUT_SCHEDULE]
    return " ".join(f"{ratio}@{start}" if start else f"{ratio}" for start, ratio in steps)


def lstm_iterations(songs: int, clips_a_song: int, batch: int) -> int:
    """500 rounds: in each, every train clip is seen once."""
    train_clips = round(songs * (1 - 1 / splits.FOLDS)) * clips_a_song
    return round(LSTM_ROUNDS * train_clips / batch)


def trainings(scale: float, songs: int, filtered: bool) -> list[Training]:
    """Every run of the paper, the shortest first within what builds on one another."""
    cnn = stages(scale, *TABLE_2)
    last = cnn[-1]
    rcnn = stages(scale, *TABLE_2, SONG_ITERATIONS, RCNN_ITERATIONS)
    lstm = stages(scale, lstm_iterations(songs, 30, batch_of("lstm")))
    found = []
    for split in ("song", "clip"):
        found += [
            Training("complex_cnn", split, cnn),
            Training("complex_cnn", split, cnn, ("--dropout", dropout_schedule(last))),
            Training("simple_cnn", split, cnn),
            Training("lstm", split, lstm),
            Training("rcnn", split, rcnn),
        ]
    # one record a song: split clip divides them by song too, so that one run is both
    found.append(Training("song_cnn", "song", stages(scale, SONG_ITERATIONS)))
    if filtered:
        found += [Training("complex_cnn", "filtered", cnn), Training("rcnn", "filtered", rcnn)]
    return found + comparisons(scale, last, rcnn[-1], lstm)


def comparisons(scale: float, last: int, rcnn_last: int, lstm: tuple[int, ...]) -> list[Training]:
    """Runs that differ from one above in one thing: what the paper's claims are tested with."""
    drop = round(RATE_DROP * rcnn_last / RCNN_ITERATIONS)
    # at full scale the RCNN's own prototxt drops the rate, so that the other run is the one without
    rates = "1e-4" if drop == RATE_DROP else f"1e-4 1e-5@{drop}"
    return [
        Training("complex_cnn", "song", (last,), ("--dtype", "int")),
        Training("complex_cnn", "song", (last,), ("--dropout", "0.6")),
        Training("rcnn", "song", (rcnn_last,), ("--lr-steps", rates)),
        Training("complex_cnn", "song", (last,), ("--genres", FEW_GENRES)),
        Training("complex_cnn", "song", (last,), ("--window", str(SHORT_WINDOW))),
        Training("lstm", "song", lstm, ("--neurons", str(WIDE_LSTM))),
    ]


def batch_of(net: str) -> int:
    import caffe

    read = prototxt.read_net(paths.PROTOTXT / net / "train_val.prototxt")
    return prototxt.data_layer(read, caffe.TRAIN).data_param.batch_size


def steps_of(args: argparse.Namespace, wanted: list[Training]) -> Iterator[Step]:
    """The plan: LMDBs, then each run to each of its stages with a vote, then the page."""
    yield from lmdb_steps(args, wanted)
    for training in wanted:
        options = ["--net", training.net, "--split", training.split, *training.options, "--build", str(args.build)]
        parser = cli.Parser()
        runs.add_run_options(parser)
        named = parser.parse_args(options)
        name, folder = runs.run_name(named), runs.split_folder(named)
        before = 0
        for stage in training.stages:
            votes = paths.votes_folder(args.build, folder, f"{name}@iter={stage}") / "summary.json"
            yield Step(
                f"train {training.title} to {stage:,}",
                "tools.train",
                (*options, "--iterations", str(stage)),
                votes,
                training.net,
                training.split,
                stage - before,
            )
            yield Step(
                f"vote {training.title} at {stage:,}",
                "tools.vote",
                (*options, "--iteration", str(stage)),
                votes,
                training.net,
                training.split,
            )
            before = stage
    yield Step("the baseline", "tools.vote.baseline", (str(args.data_root), "--build", str(args.build)))
    yield Step("the page", "tools.report", ("--build", str(args.build)))


def lmdb_steps(args: argparse.Namespace, wanted: list[Training]) -> Iterator[Step]:
    """A conversion for every folder of LMDBs that a run reads. The tool itself knows what is up to date."""
    for split, *options in dict.fromkeys((training.split, *lmdb_options(training)) for training in wanted):
        yield Step(
            " ".join([f"LMDBs, split {split}", *options]),
            "tools.convert",
            (str(args.data_root), "--split", split, *options, "--build", str(args.build)),
        )


def lmdb_options(training: Training) -> tuple[str, ...]:
    """Those of a run's options that name its LMDBs."""
    pairs = zip(training.options[::2], training.options[1::2])
    return tuple(word for option, value in pairs if option in ("--window", "--genres") for word in (option, value))
