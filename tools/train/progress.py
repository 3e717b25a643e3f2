"""What a training shows as it goes: metrics.jsonl, and the newest figures on the terminal."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from tools import files


class Metrics:
    """metrics.jsonl: a line per display and per test, without those that a resumed run does anew."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "metrics.jsonl"

    def cut(self, iteration: int) -> None:
        """Forget what was seen from ``iteration`` on."""
        kept = []
        for line in files.json_lines(self.file):
            with suppress(TypeError, KeyError):  # what is no line of ours
                kept += [json.dumps(line) + "\n"] if line["iter"] < iteration else []
        if self.file.exists():
            files.write_whole(self.file, "".join(kept))

    def add(self, event: dict) -> None:
        with self.file.open("a") as stream:
            stream.write(json.dumps(event) + "\n")


def show(bar: tqdm, event: dict) -> None:
    """The newest loss, learning rate and test accuracy: in the bar, or as lines where there is no terminal."""
    if "loss" in event:
        shown = f"loss {event['loss']:.4f}, lr {event['lr']:g}"
        bar.set_postfix_str(shown)
        if bar.disable:
            print(f"iteration {event['iter']}: {shown}, {event['iter_per_s']:.2f} iter/s", flush=True)
    else:
        shown = f"test accuracy {event['test_accuracy']:.4f}, test loss {event['test_loss']:.4f}"
        tqdm.write(f"iteration {event['iter']}: {shown}")
