"""Clips to probabilities, by Caffe in a child process: a failed CHECK ends the process that it happens in.

The child is `tools.nets.forward`. Whatever ends it comes out here as a UserError of one line.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tools.cli import UserError
from tools.processes import child, ending, last_words


@dataclass(frozen=True)
class Prediction:
    """The clips of an LMDB, in its key order, and what a net makes of them."""

    tracks: np.ndarray  # (clips,) str
    clips: np.ndarray  # (clips,) number of the clip within its song
    labels: np.ndarray  # (clips,) the true label
    probabilities: np.ndarray  # (clips, labels) float32, a softmax

    @property
    def predicted(self) -> np.ndarray:
        """The most probable label of each clip (clips,); the lowest of them where several are equal."""
        return self.probabilities.argmax(axis=1)


def predict_lmdb(deploy: Path, caffemodel: Path, lmdb: Path) -> Prediction:
    """Run every clip of an LMDB, or an .npy file, through the net of ``deploy`` with the weights of ``caffemodel``.

    Raises UserError for whatever goes wrong in Caffe, and for probabilities that are none.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "prediction.npz"
        run_child(deploy, caffemodel, lmdb, out)
        with np.load(out) as arrays:
            prediction = Prediction(**arrays)
    check_probabilities(prediction.probabilities, caffemodel)
    return prediction


def predict_arrays(deploy: Path, caffemodel: Path, clips: np.ndarray) -> np.ndarray:
    """Probabilities (clips, labels) of ``clips`` (clips, channels, height, width), values 0..255 as in an LMDB.

    Otherwise as `predict_lmdb`.
    """
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "clips.npy", clips)
        return predict_lmdb(deploy, caffemodel, Path(folder) / "clips.npy").probabilities


def run_child(deploy: Path, caffemodel: Path, source: Path, out: Path) -> None:
    """Run `tools.nets.forward` to its end, with a bar. UserError where it fails; an interrupt ends it as well."""
    command = [sys.executable, "-m", "tools.nets.forward", *map(str, (deploy, caffemodel, source, out))]
    with tempfile.TemporaryFile("w+", errors="replace") as words:
        with child(command, words, quiet=True) as process:
            lines = iter(process.stdout or ())
            total = int(next(lines, 0))
            with tqdm(None, source.stem, total, unit="clip", disable=None, dynamic_ncols=True) as bar:
                for line in lines:
                    bar.update(int(line))
            status = process.wait()
        words.seek(0)
        if status:
            raise UserError(failure(status, words.read(), caffemodel))


def failure(status: int, words: str, caffemodel: Path) -> str:
    """One line for how the child ended: its own error line, else Caffe's last fatal line, else its last word."""
    last = (words.strip().splitlines() or [""])[-1]
    if status == 2 and last.startswith("forward: "):
        return last[len("forward: ") :]
    return f"{caffemodel}: Caffe {ending(status)}: {last_words(words)}"


def check_probabilities(probabilities: np.ndarray, caffemodel: Path) -> None:
    """UserError unless every row is finite and sums to 1: a training that diverged leaves NaN behind."""
    sums = probabilities.sum(axis=1, dtype=np.float64)
    wrong = ~np.isfinite(probabilities).all(axis=1) | ~(np.abs(sums - 1) < 1e-3)
    if wrong.any():
        raise UserError(
            f"{caffemodel}: {wrong.sum()} of {len(wrong)} clips got no probabilities (NaN, or a sum other than 1): "
            "the training has diverged: name an earlier ITERATION=, or train again with a lower BASE_LR="
        )
