"""Every command says in one line, by its name, which of its options it does not know."""

from __future__ import annotations

import re

import pytest
from conftest import CHECKOUT, call_module

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
