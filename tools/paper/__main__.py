"""The whole paper in one command: LMDBs, every network, its votes, and the page.

    python -m tools.paper DATA_ROOT [--scale 0.005] [--build build] [--plan]

Prints the plan with how long each step will take on this machine, then runs it through the same tools as the single
steps do. What is there already is not done again: stopped at any moment, the same command goes on from there.
SCALE multiplies the paper's iteration counts, but never below 500, the first row of its Table 2.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from pathlib import Path
from types import FrameType

from tools import cli, files, paths, processes
from tools.cli import UserError
from tools.paper.estimate import arithmetic, duration, measure_rates, seconds_of
from tools.paper.plan import Step, is_filtered_possible, steps_of, trainings
from tools.songs import roots
from tools.train import runs

FULL_GTZAN = 1000


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="paper", description=__doc__.splitlines()[0])
    parser.add_argument("data_root", type=Path, help="a folder per genre, as GTZAN has")
    parser.add_argument("--scale", type=float, default=1.0, help="of the paper's iteration counts (default: 1)")
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    parser.add_argument("--plan", action="store_true", help="print the plan and how long it will take, and run nothing")
    parser.add_argument("--songs", type=int, help="plan for so many songs (default: those of DATA_ROOT)")
    parser.add_argument("--cores", type=int, help="plan for so many cores (default: those of this machine)")
    args = parser.parse_args()
    for name in ("songs", "cores"):
        number = getattr(args, name)
        if number is not None and not (args.plan and number > 0):
            raise UserError(f"{name.upper()}={number}: give a number above 0, and PLAN=1 beside it")
    if not 0.001 <= args.scale <= 1:
        raise UserError(f"SCALE={args.scale:g}: give a number from 0.001 to 1")
    return args


def is_done(step: Step) -> bool:
    """Whether a step's vote is there, and is of the run that stands there now."""
    if step.product is None or not step.product.exists():
        return False
    try:
        summary = files.parse(step.product.read_text())
        folder = Path(summary["run"])
        return "lmdb_sha256" in summary and runs.is_vote_of(summary, runs.read_run(folder), folder)
    except (ValueError, KeyError, TypeError, AttributeError, UserError):
        return False


def run_step(step: Step) -> float:
    """Run one tool to its end and return its seconds. An interrupt is handed to it, so that it can save its work.

    Raises KeyboardInterrupt if it was stopped, UserError if it failed. It has said why itself.
    """
    began = time.monotonic()
    interrupts: list[int] = []
    tools: list[subprocess.Popen[str]] = []

    def stop(number: int, _: FrameType | None) -> None:
        interrupts.append(number)
        for tool in tools:
            tool.send_signal(number)

    # From before the tool is started: Python loses the exception of an interrupt that comes while it forks
    with processes.interrupts_to(stop), processes.child(step.command, out=None) as tool:
        tools.append(tool)
        if interrupts:
            tool.terminate()
        status = tool.wait()
    if interrupts or status == 130:
        raise KeyboardInterrupt
    if status:
        raise UserError(
            f"{step.title}: ended with status {status}: mend what is said above, then type the same command: it goes on"
        )
    return time.monotonic() - began


def run_plan(plan: list[Step], left: list[float]) -> None:
    for number, (step, seconds) in enumerate(zip(plan, left), 1):
        if seconds:
            about, rest = duration(seconds), duration(sum(left[number - 1 :]))
            print(f"\n[{number}/{len(plan)}] {step.title}: about {about}; {rest} to the end", flush=True)
            print(f"took {duration(run_step(step))} (estimate {about})", flush=True)


def main() -> None:
    args = parse_arguments()
    survey = roots.survey(args.data_root)
    songs = args.songs or len(survey.tracks)
    filtered = songs == FULL_GTZAN if args.songs else is_filtered_possible(survey)
    runs_to_train = list(trainings(args.scale, songs, filtered))
    nets = sorted({training.settings.net for training in runs_to_train})
    print(f"{songs} songs, SCALE={args.scale:g}: measuring this machine, a minute or more ...", flush=True)
    rates = measure_rates(survey.tracks, nets, args.cores or processes.cores())
    plan = list(steps_of(args.data_root, args.build, songs, runs_to_train))
    left = [0.0 if is_done(step) else seconds_of(step, rates) for step in plan]
    for step, seconds in zip(plan, left):
        print(f"  {duration(seconds) if seconds else 'done':>12}  {step.title}")
    where = f", for a machine of {args.cores} cores" if args.cores else ""
    print(f"  {duration(sum(left)):>12}  in all, as measured on this machine just now{where}", flush=True)
    peta = arithmetic(plan, nets) / 1e15
    on_gpu = duration(1000 * peta)
    print(f"  the trainings are {peta:.1f} PFLOP (10^15 operations): {on_gpu} on a GPU where Caffe reaches 1 TFLOP/s")
    if not filtered:
        print("  split filtered is left out: it needs full GTZAN (make data SET=all)")
    if not args.plan:
        began = time.monotonic()
        run_plan(plan, left)
        print(f"\nall done in {duration(time.monotonic() - began)}: {args.build / 'report' / 'index.html'}")


if __name__ == "__main__":
    cli.run("paper", main)
