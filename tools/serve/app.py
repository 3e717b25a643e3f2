"""The web server behind `make serve`, as an ASGI application.

    GET  /             the page, and its own files by their fixed names
    GET  /about        the model, the genres, the limits and the songs to try
    GET  /examples/N   the N-th song to try, as wav
    POST /classify     the bytes of an audio file: verdict and spectrogram as JSON
    POST /waveform     the bytes of an audio file: what the net hears of it, as wav

It keeps nothing between requests, so that several at once can't mix. A request answers for itself with one line in
``error``: 400 under another name, 403 another site's, 408 too slow, 413 beyond the limits, 415 not readable as audio,
422 no sound in it, 503 too many at once.
"""

from __future__ import annotations

import mimetypes
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tools.classify.model import Model
from tools.classify.output import colour
from tools.cli import UserError, describe_os_error
from tools.serve.around import Headers, OwnNames, QuietEnd
from tools.serve.examples import Examples
from tools.serve.song import Limits, TooLargeError, classify_bytes, decode, to_wav
from tools.serve.uploads import BUSY, Uploads, check_own
from tools.songs import audio
from tools.songs.audio import SongError

PAGE = Path(__file__).resolve().parent / "page"


@dataclass(frozen=True)
class Service:
    """What a server answers with: a model, its limits, and how many songs it takes at once."""

    model: Model
    threshold: int
    limits: Limits
    examples: Examples
    at_once: int = 2  # songs in work; each is one process of Caffe
    admitted: int = 12  # songs in work or waiting; more are sent away


def make_app(service: Service, uploads: Uploads, names: frozenset[str]) -> Starlette:
    """The application. ``names`` are those that it answers to, besides addresses."""
    workers = anyio.CapacityLimiter(service.at_once)
    places = anyio.Semaphore(service.admitted)
    songs = {str(number): track.path for number, track in enumerate(service.examples.tracks)}

    async def about(_: Request) -> Response:
        return JSONResponse(describe(service))

    async def example(request: Request) -> Response:
        path = songs.get(request.path_params["number"])
        if path is None:
            raise HTTPException(404, "there is no such song here")
        async with admission(places):
            wav = await attempt(lambda: to_wav(audio.read_audio(path)), workers)
        return Response(wav, media_type="audio/wav")

    async def classify(request: Request) -> Response:
        body = await uploads.receive(request)
        async with admission(places):
            found = await attempt(
                lambda: classify_bytes(body, service.model, service.threshold, service.limits), workers
            )
        return JSONResponse(found)

    async def waveform(request: Request) -> Response:
        body = await uploads.receive(request)
        async with admission(places):
            wav = await attempt(lambda: to_wav(decode(body, service.limits)), workers)
        return Response(wav, media_type="audio/wav")

    return Starlette(
        routes=[
            *page_routes(),
            Route("/about", own(about)),
            Route("/examples/{number}", own(example)),
            Route("/classify", own(classify), methods=["POST"]),
            Route("/waveform", own(waveform), methods=["POST"]),
        ],
        middleware=[Middleware(QuietEnd), Middleware(Headers), Middleware(OwnNames, names=names)],
        exception_handlers={HTTPException: say_error, ClientDisconnect: say_nothing},
    )


def own(answer: Callable) -> Callable:
    """An answer to this page alone."""

    async def answer_own(request: Request) -> Response:
        check_own(request)
        return await answer(request)

    return answer_own


def page_routes() -> list[Route]:
    """The page's files, read once: what is asked for later never leads to a file."""
    routes = []
    for file in sorted(PAGE.iterdir()):
        media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        url = "/" if file.name == "index.html" else f"/{file.name}"
        routes.append(Route(url, Response(file.read_bytes(), media_type=media_type), methods=["GET"]))
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
        raise HTTPException(503, BUSY, {"Retry-After": "5"}) from None
    try:
        yield
    finally:
        places.release()


async def attempt(work: Callable[[], object], workers: anyio.CapacityLimiter) -> object:
    """``work`` in a thread, when one is free; what goes wrong in it as an HTTPException of one line."""
    try:
        return await run_sync(work, limiter=workers)
    except TooLargeError as error:
        raise HTTPException(413, error.reason) from None
    except SongError as error:
        if error.reason.startswith("unreadable"):
            raise HTTPException(415, f"{error.reason}: choose a file as wav, flac, mp3, ogg or m4a") from None
        raise HTTPException(422, f"{error.reason}: choose a song with sound, of 2 s or more") from None
    except UserError as error:
        raise HTTPException(500, str(error)) from None
    except OSError as error:
        raise HTTPException(500, describe_os_error(error)) from None


async def say_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # it is registered for no other
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def say_nothing(_: Request, __: Exception) -> Response:
    """To a sender that has gone."""
    return Response(status_code=400)
