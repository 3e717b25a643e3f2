"""Does Caffe compute on this GPU what it computes on the CPU, how fast, and what happens where it doesn't?

    python -m tools.runtime.gpu_check --minutes 25 [--data ROOT] [--nets rcnn lstm] [--build BUILD]

Seven items (`tools.runtime.gpu_items`), in order. What is measured is written to BUILD/gpu-check/<card>/results.jsonl
as soon as it is had, and a table is printed in the end. An item has a share of the minutes, and what those before it
left of theirs; one that is cut off, or fails, says so. The same command goes on with the items that are not done.

--rehearse runs the same on the CPU, a few iterations each, to see that the check itself works: no result is a GPU's.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from tools import cli, files, paths
from tools.cli import UserError
from tools.runtime import gpu
from tools.runtime.gpu_calls import NETS, REHEARSAL, Amounts, Check, CutOffError, FailedError
from tools.runtime.gpu_items import ITEMS, Item, Value

DONE, CUT_OFF = "done", "cut off: the minutes were over"


class Results:
    """What has been measured, a line each: {"item", "what", "value"}, or {"item", "end"} where an item has ended."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines = files.json_lines(file)

    def add(self, **line: Value) -> None:
        self.lines.append(line)
        files.write_whole(self.file, "".join(json.dumps(line) + "\n" for line in self.lines))

    def ending(self, item: int) -> str | None:
        return next((line["end"] for line in self.lines if line["item"] == item and "end" in line), None)

    def begin(self, item: int) -> None:
        """Forget what an earlier check measured of an item that it did not end."""
        self.lines = [line for line in self.lines if line["item"] != item]


def ends(items: list[Item], minutes: float, begin: float) -> list[float]:
    """When each item has to be over: by its share, so that what one leaves is had by those after it."""
    shares = list(accumulate(item.share for item in items))
    return [begin + 60 * minutes * share / shares[-1] for share in shares]


def run_items(items: list[Item], check: Check, minutes: float, results: Results) -> None:
    """Each item that is not done, until it ends, fails or is cut off."""
    items = [item for item in items if results.ending(item.number) != DONE]
    for item, end in zip(items, ends(items, minutes, time.monotonic())):
        results.begin(item.number)
        print(f"{item.number}. {item.title}", flush=True)
        try:
            for what, value in item.run(replace(check, end=end)):
                results.add(item=item.number, what=what, value=value)
                print(f"   {what}: {shown(value)}", flush=True)
            ending = DONE
        except CutOffError:
            ending = CUT_OFF
        except (FailedError, ValueError) as failure:
            ending = f"failed: {failure}"
        results.add(item=item.number, end=ending)
        if ending != DONE:
            print(f"   {ending}", flush=True)


def shown(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(items: list[Item], results: Results) -> str:
    """Markdown: a row a result, and one for each item that was not done."""
    rows: list[tuple[Value, ...]] = [("item", "what", "result"), ("---", "---", "---")]
    for item in items:
        lines = [line for line in results.lines if line["item"] == item.number and "what" in line]
        rows += [(item.number, line["what"], line["value"]) for line in lines]
        ending = results.ending(item.number) or "not begun"
        rows += [(item.number, item.title, ending)] if ending != DONE else []
    cells = [[shown(value).replace("|", "\\|") for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def main() -> int:
    parser = cli.Parser(prog="gpu-check", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=25, help="how long it may take (default 25)")
    parser.add_argument("--data", type=Path, help="the songs to train on (default: synthetic ones)")
    parser.add_argument("--nets", nargs="+", default=list(NETS), help="default: all")
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, a few iterations each")
    args = parser.parse_args()
    if not args.minutes > 0:
        raise UserError(f"MINUTES={args.minutes:g}: give a number above 0")
    answer = gpu.ask()
    if not args.rehearse and not answer.gpus:
        raise UserError(answer.reason or "CUDA names no GPU")
    card = "rehearsal" if args.rehearse else answer.gpus[0].name
    folder = args.build / "gpu-check" / re.sub(r"\W+", "-", card)
    folder.mkdir(parents=True, exist_ok=True)
    check = Check(
        folder=folder.resolve(),
        device=None if args.rehearse else answer.gpus[0].index,
        data=args.data.resolve() if args.data else None,
        nets=args.nets,
        amounts=REHEARSAL if args.rehearse else Amounts(),
    )
    results = Results(folder / "results.jsonl")
    what = "the CPU in the place of a GPU: a rehearsal" if args.rehearse else f"{card}, CUDA {answer.cuda}"
    print(f"{what}; {args.minutes:g} minutes; results in {results.file}")
    run_items(ITEMS, check, args.minutes, results)
    print(f"\n{what}\n\n{table(ITEMS, results)}")
    return 0 if all(results.ending(item.number) == DONE for item in ITEMS) else 1


if __name__ == "__main__":
    cli.run("gpu-check", main)
