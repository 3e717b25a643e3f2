"""Whether everything under the build folder is still what it says it is: a line a check, PASS or FAIL.

    python -m tools.verify [--build build] [--data DATA_ROOT] [--songs 3]

Every LMDB is recounted record by record and compared with its manifest, its split and its mean, and some songs' records
are derived again from the audio; a run's record is compared with its settings, prototxt, snapshots and log; a vote is
counted again from its clips.csv, whose clips pass again through the network; the report is made again. SKIP says what
can't be told here, as when the songs are gone, or what has been made anew since. Exit code 1 where a check has failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from tools import cli, paths
from tools.cli import UserError
from tools.verify.ballots import check_vote
from tools.verify.build import Build
from tools.verify.lmdbs import check_folder
from tools.verify.outcome import Outcome, judge_all
from tools.verify.page import check_page
from tools.verify.training import check_run


def checks(build: Build) -> Iterator[Outcome]:
    """Every check of everything in a build folder, in the order in which it was made."""
    for folder in folders(build.path / "lmdb", "*_lmdb"):
        yield from check_folder(build, folder)
    for kind, check in (("runs", check_run), ("repeats", check_run), ("votes", check_vote)):
        for folder in chain.from_iterable(folders(split, "*") for split in folders(build.path / kind, "*")):
            yield from check(build, folder)
    if (build.path / "report").is_dir():
        yield from judge_all(build.path / "report", {"page and tables are those of the votes": check_page}, build.path)


def folders(parent: Path, holding: str) -> list[Path]:
    """The visible folders of a folder that hold anything of the pattern; those that begin with a dot are half made."""
    return sorted(path for path in parent.glob("[!.]*") if path.is_dir() and any(path.glob(holding)))


def main() -> int:
    parser = cli.Parser(prog="verify", description="Check all that was made against what it was made from.")
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    parser.add_argument("--data", type=Path, help="the songs that the LMDBs have to be of (default: as they stand)")
    parser.add_argument("--songs", type=int, default=3, help="songs of each split to derive again (default: 3)")
    parser.add_argument("--seed", type=int, help="of the choice of songs (default: another choice each time)")
    args = parser.parse_args()
    for name in ("songs", "seed"):
        if (getattr(args, name) or 0) < 0:
            raise UserError(f"{name.upper()}={getattr(args, name)}: give a whole number from 0")
    if not args.build.is_dir():
        raise UserError(f"{args.build}: no such folder: type 'make lmdb' first")
    build = Build(args.build, args.data, args.songs, np.random.default_rng(args.seed))
    states: Counter[str] = Counter()
    for outcome in checks(build):
        print(outcome, flush=True)
        states[outcome.state] += 1
    if not states:
        raise UserError(f"{args.build}: nothing to verify in it: type 'make lmdb' first")
    print(f"{states['PASS']} passed, {states['FAIL']} failed, {states['SKIP']} skipped")
    return 1 if states["FAIL"] else 0


if __name__ == "__main__":
    cli.run("verify", main)
