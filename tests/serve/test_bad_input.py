"""Ports that `make serve` is given and can't listen at."""

from __future__ import annotations

import socket

import pytest
from bad_input import Kinds, Place


def serve(place: Place, port: int) -> tuple:
    return ("tools.serve", "--build", place.build, "--port", port)


kind = Kinds(lambda place: serve(place, 99_999))
kind.add("serve: port 99999", "choose another with PORT=", lambda place: None)


kind.add(
    "serve: a setting beside a run",
    "NET= beside RUN=r: a run has its own settings",
    lambda place: ("tools.serve", "--run", "r", "--net", "rcnn"),
)


@kind("serve: a port that is taken", "choose another with PORT=")
def _(place: Place) -> tuple:
    taken = place.open.enter_context(socket.create_server(("127.0.0.1", 0)))
    return serve(place, taken.getsockname()[1])


@pytest.mark.parametrize("kind", kind.cases())
def test_what_is_amiss_ends_in_one_line_or_is_dealt_with(kind, place):
    kind.try_at(place)
