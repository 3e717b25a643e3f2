"""The web server behind `make serve`, as an ASGI application.

    GET  /             the page, and its own files by their fixed names
    GET  /about        the model, the genres, the limits and the songs to try
    GET  /examples/N   the N-th song to try, as wav
    POST /classify     the bytes of an audio file: verdict and spectrogram as JSON
    POST /waveform     the bytes of an audio file: what the net hears of it, as wav

It keeps nothing between requests, so that several at once can't mix. A request answers for itself with one line in
``error``: 413 beyond the limits, 415 not readable as audio, 422 no sound in it, 503 too many at once.
"""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tools.classify.model import Model
from tools.classify.output import colour
from tools.cli import UserError
from tools.serve.examples import Examples
from tools.serve.song import Limits, TooLargeError, classify_bytes, decode, to_wav
from tools.songs import audio
from tools.songs.audio import SongError

PAGE = Path(__file__).resolve().parent / "page"
LOOPBACK = ("127.0.0.1", "localhost")
UPLOAD_SECONDS = 120
PATIENCE = 4  # times the limit, after which a sender is hung up on
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Service:
    """What a server answers with: a model, its limits, and how many songs it takes at once."""

    model: Model
    threshold: int
    limits: Limits
    examples: Examples
    at_once: int = 2  # songs in work; each is one process of Caffe
    admitted: int = 12  # songs in work or waiting; more are sent away


def make_app(service: Service, hosts: tuple[str, ...] = LOOPBACK) -> Starlette:
    """The application. ``hosts`` are the names it answers to ("*": any): another site's name that was pointed at
    this machine is refused.
    """
    workers = anyio.CapacityLimiter(service.at_once)
    places = anyio.Semaphore(service.admitted)

    async def about(_: Request) -> Response:
        return JSONResponse(describe(service))

    async def example(request: Request) -> Response:
        number = request.path_params["number"]
        if number >= len(service.examples.tracks):
            raise HTTPException(404, "there is no such song here")
        path = service.examples.tracks[number].path
        wav = await attempt(lambda: to_wav(audio.read_audio(path)), workers)
        return Response(wav, media_type="audio/wav")

    async def classify(request: Request) -> Response:
        async with admission(places):
            body = await receive(request, service.limits)
            found = await attempt(
                lambda: classify_bytes(body, service.model, service.threshold, service.limits), workers
            )
        return JSONResponse(found)

    async def waveform(request: Request) -> Response:
        async with admission(places):
            body = await receive(request, service.limits)
            wav = await attempt(lambda: to_wav(decode(body, service.limits)), workers)
        return Response(wav, media_type="audio/wav")

    return Starlette(
        routes=[
            *page_routes(),
            Route("/about", about),
            Route("/examples/{number:int}", example),
            Route("/classify", classify, methods=["POST"]),
            Route("/waveform", waveform, methods=["POST"]),
        ],
        middleware=[Middleware(Headers), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={HTTPException: say_error},
    )


def page_routes() -> list[Route]:
    """The page's files, read once: what is asked for later never leads to a file."""

    def serve(content: bytes, media_type: str) -> Callable:
        async def answer(_: Request) -> Response:
            return Response(content, media_type=media_type)

        return answer

    routes = []
    for file in sorted(PAGE.iterdir()):
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        url = "/" if file.name == "index.html" else f"/{file.name}"
        routes.append(Route(url, serve(file.read_bytes(), media_type)))
    return routes


def describe(service: Service) -> dict:
    return {
        "model": service.model.description,
        "net": service.model.run["net"],
        "genres": [{"name": genre, "colour": colour(label)} for label, genre in enumerate(service.model.genres)],
        "megabytes": service.limits.megabytes,
        "minutes": service.limits.minutes,
        "examples": [{"track": track.track, "genre": track.genre} for track in service.examples.tracks],
        "note": service.examples.note,
    }


@asynccontextmanager
async def admission(places: anyio.Semaphore) -> AsyncIterator[None]:
    """A place among those in work or waiting. HTTPException 503 where all are taken."""
    try:
        places.acquire_nowait()
    except anyio.WouldBlock:
        raise HTTPException(503, "too many songs at once: try again in a moment", {"Retry-After": "5"}) from None
    try:
        yield
    finally:
        places.release()


async def receive(request: Request, limits: Limits) -> bytes:
    """The body of a request of this page's own. HTTPException for another site's, a too large and a too slow one."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "this is another site's request")
    body, seen = bytearray(), 0
    with anyio.move_on_after(UPLOAD_SECONDS) as scope:
        async for chunk in request.stream():
            seen += len(chunk)
            # A while longer it is read and dropped: to hang up on a sender would lose it the answer.
            if seen > PATIENCE * limits.bytes:
                break
            if seen <= limits.bytes:
                body += chunk
    if seen > limits.bytes:
        raise HTTPException(413, f"too large: a file may have {limits.megabytes} MB here")
    if scope.cancelled_caught:
        raise HTTPException(408, f"the upload took more than {UPLOAD_SECONDS} s")
    if not body:
        raise HTTPException(422, "the file is empty")
    return bytes(body)


async def attempt(work: Callable[[], object], workers: anyio.CapacityLimiter) -> object:
    """``work`` in a thread, when one is free; what goes wrong in it as an HTTPException of one line."""
    try:
        return await run_sync(work, limiter=workers)
    except TooLargeError as error:
        raise HTTPException(413, error.reason) from None
    except SongError as error:
        raise HTTPException(415 if error.reason.startswith("unreadable") else 422, error.reason) from None
    except UserError as error:
        raise HTTPException(500, str(error)) from None


async def say_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # it is registered for no other
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


class Headers:
    """Every answer with the headers that keep a browser from doing more with it than this page does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            await send(message)

        await self.app(scope, receive, send_with_headers)
