"""What a server hears from others than its own page: other sites, stalled and broken uploads, its own end."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listening import Server, serving

from tools.classify.model import SHIPPED
from tools.serve.uploads import STALLED_SECONDS

STALLED = 20  # more than are admitted at once


@pytest.fixture(scope="module")
def server(synthetic_songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ["--model", SHIPPED, "--data", synthetic_songs, "--megabytes", 1]
    with serving(tmp_path_factory.mktemp("strangers") / "server", *options) as server:
        yield server


@pytest.fixture(scope="module")
def song() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, 70_000), 22050, format="WAV")
    return file.getvalue()


def begin(server: Server, length: int, sent: bytes = b"") -> socket.socket:
    """A connection on which an upload has begun."""
    connection = socket.create_connection(server.place, timeout=60)
    host = server.url.partition("://")[2]
    head = f"POST /classify HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
    connection.sendall(head.encode() + sent)
    return connection


# --- other sites ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://["},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_request_is_refused_by_all_that_works_or_tells(server, song, headers):
    for path in ("/classify", "/waveform"):
        assert server.post(path, song, **headers)[0] == 403
    for path in ("/examples/0", "/about"):
        assert server.get(path, **headers)[0] == 403


def test_what_this_page_asks_and_a_link_to_it_are_answered(server):
    for headers in ({"Origin": server.url}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}):
        assert server.get("/examples/0", **headers)[0] == 200
    assert server.get("/", **{"Sec-Fetch-Site": "cross-site"})[0] == 200


def test_no_answer_can_be_a_part_of_another_sites_page(server):
    for path in ("/", "/about", "/examples/0", "/none"):
        assert server.get(path)[1]["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("::1", "http://[::1]:"),
        ("[::1]", "http://[::1]:"),
        ("127.0.0.2", "http://127.0.0.2:"),
        ("127.1", "http://127.1:"),
        ("0.0.0.0", "http://0.0.0.0:"),
        ("localhost", "http://localhost:"),
    ],
)
def test_at_any_address_other_names_than_this_machines_are_refused(tmp_path, host, url):
    with serving(tmp_path / "server", "--model", SHIPPED, "--host", host) as server:
        assert server.url.startswith(url)
        assert server.get("/about")[0] == 200
        port = server.url.rpartition(":")[2]
        addresses = (f"127.0.0.1:{port}", f"[::1]:{port}", "192.168.1.7")
        for name in ("localhost", f"LOCALHOST:{port}", socket.gethostname().upper(), *addresses):
            assert server.get("/about", Host=name)[0] == 200, name
        for name in ("evil.com", f"evil.com:{port}", "[::1].evil.com", "[evil.com]", "127.0.0.1.evil.com", "", "["):
            status, _, said = server.get("/about", Host=name)
            assert (status, b"HOST=NAME" in said) == (400, True), name


def test_a_host_that_is_no_address_is_said_in_one_line(tool):
    for host, port in (("no such host", 0), ("127.0.0.1", 70000), ("", 0)):
        ended = tool("tools.serve", "--model", SHIPPED, "--host", host, "--port", port)
        assert (ended.returncode, len(ended.stderr.splitlines())) == (2, 1)
        assert "choose another with PORT=" in ended.stderr


# --- uploads that are stalled or broken -------------------------------------------------------------------------------


def test_stalled_uploads_keep_nobody_out(server, song):
    with ExitStack() as stalled:
        for number in range(STALLED):
            stalled.enter_context(begin(server, 900_000, b"\0" * 1000 * number))
        for path in ("/examples/0", "/about"):
            assert server.get(path)[0] == 200
        status, _, said = server.post("/classify", song)
        assert status == 200, said


def test_an_upload_that_stands_still_is_answered_and_hung_up_on(server):
    with begin(server, 900_000, b"\0" * 1000) as connection:
        began, answer = time.monotonic(), b""
        while chunk := connection.recv(65536):
            answer += chunk
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"stood still for 10 s" in answer
        assert time.monotonic() - began < 30


def test_uploads_together_hold_no_more_than_their_room(server, song):
    """Of 1 MB each twelve; once they are gone there is room again."""
    with ExitStack() as held:
        connections = [held.enter_context(begin(server, 999_999, b"\0" * 999_000)) for _ in range(STALLED)]
        answers = []
        for connection in connections:
            connection.settimeout(0.3)
            with suppress(OSError):  # those that have room
                answers.append(connection.recv(100))
        assert STALLED - 12 <= len(answers) < STALLED
        assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
    time.sleep(1)
    assert server.post("/classify", song)[0] == 200


def test_an_upload_that_is_broken_off_is_no_error(server, song):
    before = server.errors.read_text()
    for sent in (b"", b"\0" * 1000):
        begin(server, 900_000, sent).close()
    with begin(server, len(song), song):  # and one that does not wait for its answer
        pass
    time.sleep(3)
    assert server.post("/classify", song)[0] == 200
    assert server.errors.read_text() == before


@pytest.mark.parametrize(("number", "in_work"), [(signal.SIGINT, 0), (signal.SIGINT, 1), (signal.SIGTERM, 1)])
def test_it_ends_quietly_whatever_is_under_way_and_waits_for_no_upload(tmp_path, song, number, in_work):
    with serving(tmp_path / "server", "--model", SHIPPED) as server, ExitStack() as under_way:
        under_way.enter_context(begin(server, 900_000, b"\0" * 1000))
        under_way.enter_context(socket.create_connection(server.place))
        for _ in range(in_work):
            under_way.enter_context(begin(server, len(song), song))
        time.sleep(0.5)
        began = time.monotonic()
        server.process.send_signal(number)
        assert server.process.wait(timeout=120) == 0
        assert in_work or time.monotonic() - began < STALLED_SECONDS
        assert server.errors.read_text() == ""
        assert list(server.temporary.iterdir()) == []


# --- the model --------------------------------------------------------------------------------------------------------


def test_the_model_that_it_began_with_answers_though_training_removes_its_snapshot(tmp_path, song):
    run = tmp_path / "run"
    shutil.copytree(SHIPPED, run)
    with serving(tmp_path / "server", "--model", run) as server:
        first = json.loads(server.post("/classify", song)[2])
        shutil.rmtree(run)
        status, _, body = server.post("/classify", song)
        assert status == 200, body
        assert json.loads(body) == first
