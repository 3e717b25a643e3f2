"""What a room needs lies in rooms before it, in the order in which data flow."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import CHECKOUT

ROOMS = ("songs", "convert", "nets", "train", "vote", "classify", "report", "verify", "serve", "bench", "paper")
MODULES = sorted((CHECKOUT / "tools").rglob("*.py"))


def room(parts: tuple[str, ...]) -> str:
    """The room of a module, or "" on the ground floor."""
    return parts[1] if len(parts) > 1 and (CHECKOUT / "tools" / parts[1]).is_dir() else ""


def imported(file: Path) -> set[tuple[str, ...]]:
    """Every module of the tools that a file imports, wherever in it: ("tools", "songs", "audio")."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {tuple(name.split(".")) for name in names if name.split(".")[0] == "tools"}


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.relative_to(CHECKOUT).as_posix())
def test_a_module_imports_none_of_a_later_room_and_no_command(file):
    ours = room(file.relative_to(CHECKOUT).with_suffix("").parts)
    for needed in imported(file):
        theirs = room(needed)
        assert "__main__" not in needed, f"{'.'.join(needed)} is a command"
        if theirs not in ("", ours):
            assert ours in ROOMS, f"{ours or 'the ground floor'} needs {theirs}"
            assert theirs in (*ROOMS[: ROOMS.index(ours)], "runtime"), f"{ours} needs {theirs}"
