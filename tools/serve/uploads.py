"""What browsers send: from this page alone, not too much, and not too slowly."""

from __future__ import annotations

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request

from tools.serve.song import Limits

UPLOAD_SECONDS = 120
STALLED_SECONDS = 10  # without a byte
PATIENCE = 4  # times the limit, after which a sender is hung up on
CLOSE = {"Connection": "close"}
SLOW = f"the upload took more than {UPLOAD_SECONDS} s, or stood still for {STALLED_SECONDS} s"
BUSY = "too many songs at once: try again in a moment"


def check_own(request: Request) -> None:
    """HTTPException 403 for what another site has a browser ask."""
    origin = request.headers.get("origin")
    own = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not own or request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise HTTPException(403, "this is another site's request")


class Uploads:
    """The uploads under way, which share the ``room`` of so many of the largest size.

    Each takes as much of it as has come: one that is stalled at its beginning keeps nobody else out.
    """

    def __init__(self, limits: Limits, at_once: int) -> None:
        self.limits, self.room = limits, at_once * limits.bytes
        self.waiting: set[anyio.CancelScope] = set()
        self.ended = False

    def end(self) -> None:
        """Wait for none of them any longer: the server ends."""
        self.ended = True
        for scope in self.waiting:
            scope.cancel()

    async def receive(self, request: Request) -> bytes:
        """The body of a request. HTTPException for one that is empty, too large or too slow."""
        body, size = bytearray(), 0
        try:
            with anyio.CancelScope() as scope:
                self.waiting.add(scope)
                if self.ended:
                    scope.cancel()
                size = await self.read(request, body, scope)
        finally:
            self.waiting.discard(scope)
            self.room += len(body)
        if scope.cancelled_caught:
            raise HTTPException(503, "the server ends", CLOSE) if self.ended else HTTPException(408, SLOW, CLOSE)
        if size > self.limits.bytes:
            raise HTTPException(413, f"too large: a file may have {self.limits.megabytes} MB here")
        if not size:
            raise HTTPException(422, "the file is empty: choose another")
        return bytes(body)

    async def read(self, request: Request, body: bytearray, scope: anyio.CancelScope) -> int:
        """Read a request into ``body``, until the deadline of ``scope``; returns how many bytes came."""
        size, last = 0, anyio.current_time() + UPLOAD_SECONDS
        scope.deadline = anyio.current_time() + STALLED_SECONDS
        async for chunk in request.stream():
            scope.deadline = min(last, anyio.current_time() + STALLED_SECONDS)
            size += len(chunk)
            # A while longer it is read and dropped: to hang up on a sender would lose it the answer.
            if size > PATIENCE * self.limits.bytes:
                break
            if size > self.limits.bytes:
                continue
            if len(chunk) > self.room:
                raise HTTPException(503, BUSY, {"Retry-After": "5"})
            body += chunk
            self.room -= len(chunk)
        return size
