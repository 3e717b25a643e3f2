"""What a training shows as it goes: metrics.jsonl, and the newest figures on the terminal."""

from __future__ import annotations

import json
from pathlib import Path

from tqdm import tqdm

from tools import files


class Metrics:
    """metrics.jsonl: a line for each display and each test. A resumed run replaces those that it makes again."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "metrics.jsonl"

    def cut(self, iteration: int) -> None:
        """Forget what was seen from ``iteration`` on."""
        if not self.file.exists():
            return
        lines = []
        for line in self.file.read_text(errors="replace").splitlines():
            try:
                if json.loads(line)["iter"] < iteration:
                    lines.append(line + "\n")
            except (ValueError, TypeError, KeyError):
                pass  # the last line of a killed run
        files.write_whole(self.file, "".join(lines))

    def add(self, event: dict) -> None:
        with self.file.open("a") as stream:
            stream.write(json.dumps(event) + "\n")


def show(bar: tqdm, event: dict) -> None:
    """The newest loss, learning rate and test accuracy: in the bar, or as lines where there is no terminal."""
    if "loss" not in event:
        accuracy = f"{100 * event['test_accuracy']:.2f}% of test clips right"
        tqdm.write(f"iteration {event['iter']}: {accuracy}, test loss {event['test_loss']:.4f}")
        return
    loss, lr = f"loss {event['loss']:.4f}", f"{event['lr']:g}"
    bar.set_postfix_str(f"{loss}, lr {lr}")
    if bar.disable:
        rate = event["iter_per_s"]
        left = f", {tqdm.format_interval((bar.total - event['iter']) / rate)} left" if rate else ""
        print(
            f"iteration {event['iter']} of {bar.total}: {loss}, learning rate {lr}, {rate:.2f} iterations/s{left}",
            flush=True,
        )
