"""Every command says in one line, by its name, which of its options it does not know."""

from __future__ import annotations

import errno
import re

import pytest
from conftest import CHECKOUT, call_module

from tools import cli

# By module, the name that begins its errors; those without a parser are processes of another's own
COMMANDS = {
    file.relative_to(CHECKOUT).with_suffix("").as_posix().replace("/", ".").replace(".__main__", ""): names[0]
    for file in sorted((CHECKOUT / "tools").rglob("*.py"))
    if (names := re.findall(r'^    (?:cli\.)?run\("(\S+)"', file.read_text(), re.MULTILINE))
    and "cli.Parser(" in file.read_text()
}


@pytest.mark.parametrize("module", COMMANDS)
def test_an_unknown_option_is_named_in_one_line(module):
    said = call_module(module, "--no-such-option", "x")
    assert said.returncode == 2
    assert said.stdout == ""
    assert re.fullmatch(rf"{COMMANDS[module]}: [^\n]+: --help lists the options\n", said.stderr), said.stderr


def test_they_are_all_there():
    assert len(COMMANDS) > 20


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (cli.UserError("a\nb: no such song"), r"tool: a\nb: no such song"),
        (
            OSError(errno.ENAMETOOLONG, "File name too long", "x" * 5),
            "tool: xxxxx: File name too long: give it a short",
        ),
        (OSError(errno.EISDIR, "Is a directory", ".c.1", None, "c\n"), r"tool: c\n: Is a directory: name a file, or "),
        (OSError(errno.EIO, "Input/output error", "d"), "tool: d: Input/output error: see to it, then type the same"),
        (OSError(errno.ENOSPC, "No space left on device"), "tool: the build folder: the disk is full: free some sp"),
    ],
)
def test_an_error_is_one_line_that_names_the_file_and_the_way_out(error, line, capsys):
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit):
        cli.run("tool", fail)
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(line)


def test_want_of_memory_is_said_in_one_line(capsys):
    def take() -> None:
        raise MemoryError("Unable to allocate 9 GiB")

    with pytest.raises(SystemExit) as end:
        cli.run("tool", take)
    assert end.value.code == 2
    said = "tool: not enough memory (Unable to allocate 9 GiB): end other programs, or ask for less at once\n"
    assert capsys.readouterr().err == said
