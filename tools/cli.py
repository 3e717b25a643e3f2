"""How every tool ends: a result, or one line that names the file and the way out."""

from __future__ import annotations

import argparse
import errno
import io
import re
import shlex
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

QUOTES = "'\""


class UserError(Exception):
    """Something that the user can mend. The message is one line: the file or setting, what is wrong, the way out."""


class Parser(argparse.ArgumentParser):
    """Options whose errors are one line, as all errors are, without argparse's usage above it.

    An option with a wrong number is named as the make variable that it comes from, ``--threshold`` as THRESHOLD.
    """

    def error(self, message: str) -> NoReturn:
        wrong = re.fullmatch(r"argument --([\w-]+): invalid (int|float) value: (.*)", message, re.DOTALL)
        if wrong:
            kind = {"int": "a whole number", "float": "a number"}[wrong[2]]
            raise UserError(f"{wrong[1].upper().replace('-', '_')}={printable(wrong[3].strip(QUOTES))}: give {kind}")
        raise UserError(f"{message}: --help lists the options")


def command_line() -> str:
    """The command that this process was started by, as ``python -m tools.vote --net rcnn``."""
    module = sys.modules["__main__"].__spec__
    name = module.name if module else sys.argv[0]
    return shlex.join(["python", "-m", name.removesuffix(".__main__"), *sys.argv[1:]])


def printable(text: object) -> str:
    """``text`` on one line: line ends, control characters and undecodable bytes as escapes."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def interrupt(*_: object) -> NoReturn:
    """What Ctrl-C does, for other signals."""
    raise KeyboardInterrupt


def run(tool: str, main: Callable[[], int | None]) -> None:
    """Call ``main`` and end the process.

    The exit code is what ``main`` returns, or 0; 2 after an error, which is told in one line; 130 after Ctrl-C.
    SIGTERM does what Ctrl-C does: what is made aside is removed.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files may hold what a terminal can't show
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        sys.exit(main() or 0)
    except UserError as error:
        print(f"{tool}: {printable(error)}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print(f"{tool}: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except MemoryError as error:
        print(f"{tool}: not enough memory ({error}): end other programs, or ask for less at once", file=sys.stderr)
        sys.exit(2)
    except OSError as error:
        print(f"{tool}: {describe_os_error(error)}", file=sys.stderr)
        sys.exit(2)
    finally:
        signal.signal(signal.SIGTERM, before)


def describe_os_error(error: OSError) -> str:
    """One line for what the file system refused, with the way out."""
    where = printable(error.filename2 or error.filename or "the build folder")
    what = error.strerror or printable(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{where}: the disk is full: free some space, then type the same command again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where}: {what}: give yourself access to it, then type the same command again"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{where}: {what}: move the file that is in the way"
    if error.errno in (errno.EISDIR, errno.ENOTEMPTY):
        return f"{where}: {what}: name a file, or move the folder that is in the way"
    if error.errno == errno.ENAMETOOLONG:
        return f"{where}: {what}: give it a shorter name"
    return f"{where}: {what}: see to it, then type the same command again"
