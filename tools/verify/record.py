"""What a record (manifest.json, run.json, summary.json) says of itself: the hash of all else in it, and its command.

Much of it is compared with what it was made from, too. With what, when and where it was made, its hash alone tells.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path

from tools import cli, files
from tools.settings import FOLDER, LMDB, NOTHING, RUN, Settings, add_settings, given_settings, parse
from tools.verify.outcome import FailedError, SkippedError, equal

CHECK = "record as it was written"


def check_own_hash(file: Path) -> str:
    """The hash in a record is its own. SkippedError where it has none."""
    as_written = files.is_as_written(file)
    if as_written is None:
        raise SkippedError(f"{file.name} has no hash of its own: it is of an earlier form")
    if not as_written:
        raise FailedError(f"{file.name} has changed since: it has another hash than it says")
    return "its own hash is right"


def read_command(command: str, modules: Iterable[str], *options: str) -> argparse.Namespace:
    """The options of ``python -m MODULE OPTION ...``; ``words`` are those of no option. FailedError for another module.

    ``options`` are the module's own, which take any number of words.
    """
    python, dash, module, *words = shlex.split(command)
    if (python, dash) != ("python", "-m") or module not in modules:
        raise FailedError(f"command: {command} where python -m {' or '.join(modules)} is right")
    parser = cli.Parser(prog="command")
    parser.add_argument("words", nargs="*")
    for option in options:
        parser.add_argument(f"--{option}", nargs="+", default=[])
    add_settings(parser)
    return parser.parse_args(words)


def check_settings(args: argparse.Namespace, settings: Settings, needed: Iterable[str], beside: Iterable[str]) -> None:
    """FailedError unless the command gives every setting that is ``needed``, and each as ``settings`` has it.

    Those ``beside`` say where and how, and are not compared.
    """
    texts = given_settings(args)
    values = parse(texts)
    equal(sorted(set(needed) - texts.keys()), [], "settings that are not in the command")
    said, right = (each.differences(FOLDER, LMDB, RUN, NOTHING) for each in (values, settings))
    for name in texts.keys() - set(beside):
        equal(said.get(name), right.get(name), f"{name.upper()} in the command")
