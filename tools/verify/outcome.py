"""What a check says: PASS, FAIL or SKIP, of what, and what was seen."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass

from tools.cli import UserError, describe_os_error, printable


class FailedError(Exception):
    """What was checked is not so: says where, and what was found instead."""


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


def judge(subject: object, check: str, look: Callable[[], str]) -> Outcome:
    """Call ``look``, which says what it saw or raises. Whatever can't be read as what it should be has failed."""
    try:
        return Outcome("PASS", str(subject), check, look())
    except SkippedError as reason:
        return Outcome("SKIP", str(subject), check, str(reason))
    except (FailedError, UserError) as found:
        return Outcome("FAIL", str(subject), check, str(found))
    except OSError as error:
        return Outcome("FAIL", str(subject), check, describe_os_error(error))
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, csv.Error) as error:
        words = " ".join(str(error).split())
        return Outcome("FAIL", str(subject), check, f"not what the tool writes ({type(error).__name__}: {words})")


def equal(found: object, expected: object, what: str) -> None:
    """FailedError, with both, unless they are equal."""
    if found != expected:
        raise FailedError(f"{what}: {shortly(found)} where {shortly(expected)} is right")


def shortly(value: object) -> str:
    text = str(value)
    return text if len(text) < 80 else f"{text[:76]} ..."
