"""What stands around every answer of the server: whose name it is given under, its headers, and its end."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from contextlib import suppress

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tools.serve.uploads import CLOSE

OTHER_NAME = "this is another site's name: open the page by this machine's address, or start it with HOST=NAME"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class QuietEnd:
    """An answer that is cut short because the server ends is none of its errors."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # where it has begun to answer
                await JSONResponse({"error": "the server ends"}, 503, CLOSE)(scope, receive, send)


class OwnNames:
    """Nothing is answered under another site's name, which its owner may have pointed at this machine: an address is
    nobody's but this machine's, and ``names`` are those that it has besides.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self.app, self.names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            name = name_of(dict(scope["headers"]).get(b"host", b"").decode("latin-1"))
            if name not in self.names and not is_address(name):
                await JSONResponse({"error": OTHER_NAME}, 400)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def name_of(host: str) -> str:
    """127.0.0.1 of 127.0.0.1:8000, ::1 of [::1]:8000; nothing of what is no name."""
    match = re.fullmatch(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::\d*)?", host.lower())
    return (match[1] or match[2] or "") if match else ""


def own_names(host: str) -> frozenset[str]:
    """The names of this machine, and the one that the server was told to answer at."""
    machine = socket.gethostname().lower()
    return frozenset(("localhost", host.lower(), machine, f"{machine}.local"))


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Headers:
    """Every answer with the headers that keep a browser from doing more with it than this page does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                more = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self.app(scope, receive, send_with_headers)
