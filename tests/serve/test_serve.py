"""The server of `make serve`, asked over HTTP."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from listening import CHECKOUT, Server, serving, train_briefly

from tools.classify.model import Model
from tools.serve.examples import find_examples
from tools.train import runs

RATE = 22050


@pytest.fixture(scope="module")
def model(small_build: Path) -> Path:
    return train_briefly(small_build)


@pytest.fixture(scope="module")
def server(model: Path, synthetic_songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    temporary = tmp_path_factory.mktemp("server")
    options = ["--model", model, "--data", synthetic_songs, "--megabytes", 4, "--minutes", 1]
    with serving(temporary, *options) as server:
        yield server


def audio_file(samples: np.ndarray, form: str = "WAV", rate: int = RATE) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form)
    return file.getvalue()


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE))


def test_the_page_and_its_files_are_there_and_nothing_else(server: Server) -> None:
    status, headers, body = server.get("/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>What genre is it?</title>" in body
    for name in ("page.js", "page.css", "icon.svg"):
        assert server.get(f"/{name}")[0] == 200
    for name in ("/serve.py", "/../serve.py", "/%2e%2e/serve.py", "//etc/passwd", "/examples/../about", "/examples/x"):
        assert server.get(name)[0] == 404
    for number in ("-1", "99", "9" * 5000):  # the last is more than Python reads as a number
        status, _, body = server.get(f"/examples/{number}")
        assert (status, json.loads(body)) == (404, {"error": "there is no such song here"})


def test_every_answer_forbids_what_the_page_does_not_need(server: Server) -> None:
    for path in ("/", "/about", "/none"):
        headers = server.get(path)[1]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_what_it_offers_to_try_are_the_songs_that_the_run_did_not_train_on(server: Server, model: Path) -> None:
    import lmdb

    about = json.loads(server.get("/about")[2])
    test = json.loads((model / "run.json").read_text())["lmdb"]["test"]["path"]
    with lmdb.open(test, readonly=True, lock=False) as environment, environment.begin() as transaction:
        tested = {key.decode().split("_")[1] for key in transaction.cursor().iternext(values=False)}
    assert {song["track"] for song in about["examples"]} == tested
    assert "not trained on" in about["note"]


def test_a_run_of_some_genres_offers_songs_of_these_alone(model: Path, synthetic_songs: Path) -> None:
    run = json.loads((model / "run.json").read_text())
    settings = runs.settings_of(run, model)
    two = replace(settings, genres=("jazz", "metal"))
    some = Model(model, 1, model / "none", {**run, "genres": list(two.genres), "settings": two.as_json()}, two, "")
    every = Model(model, 1, model / "none", run, settings, "")
    offered, of_all = (find_examples(model, synthetic_songs) for model in (some, every))
    assert offered.tracks == [track for track in of_all.tracks if track.genre in ("jazz", "metal")]
    assert len(offered.tracks) == 2
    assert offered.note == of_all.note


def test_an_example_is_its_song_as_wav(server: Server, synthetic_songs: Path) -> None:
    first = json.loads(server.get("/about")[2])["examples"][0]
    samples, rate = soundfile.read(io.BytesIO(server.get("/examples/0")[2]))
    expected, _ = soundfile.read(synthetic_songs / first["genre"] / f"{first['track']}.wav")
    assert rate == RATE
    np.testing.assert_allclose(samples, expected, atol=1 / 32768)
    assert server.get("/examples/999")[0] == 404


def test_several_songs_at_once_each_get_what_the_command_line_says_of_them(
    server: Server, model: Path, synthetic_songs: Path, tool: object
) -> None:
    songs = [sorted((synthetic_songs / genre).glob("*.wav"))[0] for genre in ("blues", "disco", "metal")]
    told = json.loads(tool("tools.classify", *songs, "--model", model, "--json").stdout)["songs"]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda path: server.post("/classify", path.read_bytes()), songs))
    for (status, _, body), expected in zip(answers, told):
        found = json.loads(body)
        assert status == 200
        assert found["votes"] == expected["votes"]
        assert found["decision"] == expected["decision"]
        assert found["mean_probability"] == pytest.approx(expected["mean_probability"], abs=1e-5)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 422, "empty"),
        (b"no song" * 100, 415, "unreadable as audio"),
        (b"\0" * 4_000_001, 413, "4 MB"),
        (audio_file(np.zeros(61 * RATE), "FLAC"), 413, "1 minutes"),
        (audio_file(np.zeros(5 * RATE)), 422, "silent"),
        (audio_file(noise(1)), 422, "too short"),
    ],
    ids=["empty", "no audio", "too large", "too long", "silent", "too short"],
)
def test_what_is_no_song_is_refused_in_one_line(server: Server, body: bytes, status: int, reason: str) -> None:
    for path in ("/classify", "/waveform") if status in (413, 415) else ("/classify",):
        found, _, said = server.post(path, body)
        assert found == status
        assert reason in json.loads(said)["error"]
        assert str(server.temporary) not in said.decode()


def test_a_body_that_does_not_tell_its_length_is_cut_off_at_the_limit(server: Server) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        head = f"POST /classify HTTP/1.1\r\nHost: {address.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        chunk = b"%x\r\n" % 65536 + b"\0" * 65536 + b"\r\n"
        try:
            for _ in range(400):  # 26 MB
                connection.sendall(chunk)
        except OSError:
            pass  # it has hung up, as it should
        connection.settimeout(30)
        try:
            answer = connection.recv(65536)
        except ConnectionResetError:
            return
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_waveform_is_what_the_net_hears(server: Server) -> None:
    stereo = np.stack([noise(3), np.zeros(3 * RATE)], axis=1)
    status, headers, body = server.post("/waveform", audio_file(stereo, "AIFF"))
    samples, rate = soundfile.read(io.BytesIO(body))
    assert (status, headers["content-type"], rate) == (200, "audio/wav", RATE)
    np.testing.assert_allclose(samples, stereo.mean(axis=1), atol=2 / 32768)


def test_another_sites_requests_and_names_are_refused(server: Server) -> None:
    assert server.post("/classify", audio_file(noise(3)), Origin="http://evil.example")[0] == 403
    assert server.post("/classify", audio_file(noise(3)), Origin=server.url)[0] == 200
    assert server.get("/about", Host="evil.example")[0] == 400


def test_it_answers_at_the_loopback_address_alone(server: Server) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", urlsplit(server.url).port), timeout=5)


def test_no_temporary_file_outlives_its_request(server: Server) -> None:
    server.post("/classify", audio_file(noise(3)))
    server.post("/classify", b"no song")
    assert [path.name.partition("-")[0] for path in server.temporary.iterdir()] == ["model"]


def test_a_port_that_is_taken_is_named_with_the_way_out(server: Server, model: Path) -> None:
    port = urlsplit(server.url).port
    command = [sys.executable, "-m", "tools.serve", "--model", str(model), "--port", str(port)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"port {port}: Address already in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
