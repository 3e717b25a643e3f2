"""What a check says: PASS, FAIL or SKIP, of what, and why."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tools.cli import UserError, describe_os_error, printable


class FailedError(Exception):
    """What was checked is not so: says where, and what is there instead."""


class SkippedError(Exception):
    """It can't be told here, and why."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check of one subject."""

    state: str  # PASS, FAIL or SKIP
    subject: str
    check: str
    words: str

    def __str__(self) -> str:
        return printable(f"{self.state}  {self.subject}: {self.check}: {self.words}")


def judge(subject: Path, check: str, look: Callable[[], str]) -> Outcome:
    """Call ``look``, which says what holds or raises. Whatever can't be read as what it should be has failed."""
    try:
        state, words = "PASS", look()
    except SkippedError as reason:
        state, words = "SKIP", str(reason)
    except (FailedError, UserError) as reason:
        state, words = "FAIL", str(reason)
    except OSError as error:
        state, words = "FAIL", describe_os_error(error)
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, csv.Error) as error:
        about = " ".join(str(error).split())
        state, words = "FAIL", f"not what the tool writes ({type(error).__name__}: {about})"
    return Outcome(state, str(subject), check, words)


def judge_all(subject: Path, checks: dict[str, Callable[..., str]], *about: Any) -> Iterator[Outcome]:
    """`judge` each of the checks, which are called with what they are ``about``."""
    for check, look in checks.items():
        yield judge(subject, check, partial(look, *about))


def equal(value: Any, right: Any, what: str) -> None:
    """FailedError, with both, unless they are equal and of one type: 1 is not True."""
    if value != right or type(value) is not type(right):
        raise FailedError(f"{what}: {shortly(value)} where {shortly(right)} is right")


def equal_items(record: dict[str, Any], right: dict[str, Any]) -> None:
    """FailedError unless a record has what is right under each of its keys."""
    for key, value in right.items():
        equal(record[key], value, key)


def near(value: float, right: float, what: str, tolerance: float = 1e-9) -> None:
    """FailedError, with both, unless they are numbers that differ by ``tolerance`` at most."""
    if isinstance(value, bool) or not abs(value - right) <= tolerance:
        raise FailedError(f"{what}: {value} where {right} is right")


def shortly(value: Any) -> str:
    text = str(value)
    return text if len(text) < 80 else f"{text[:76]} ..."
