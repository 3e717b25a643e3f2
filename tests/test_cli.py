"""Every command says in one line, by its name, which of its options it does not know."""

from __future__ import annotations

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


def test_want_of_memory_is_said_in_one_line(capsys):
    def take() -> None:
        raise MemoryError("Unable to allocate 9 GiB")

    with pytest.raises(SystemExit) as end:
        cli.run("tool", take)
    assert end.value.code == 2
    said = "tool: not enough memory (Unable to allocate 9 GiB): end other programs, or ask for less at once\n"
    assert capsys.readouterr().err == said
