"""A net that has been trained for a moment, and a server that listens with it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from conftest import CHECKOUT, done, shared

ITERATIONS = 20


def train_briefly(small_build: Path) -> Path:
    """The run folder of a complex CNN with ``ITERATIONS`` iterations behind it, alone in its build folder."""

    def make(build: Path) -> None:
        (build / "lmdb").symlink_to(small_build / "lmdb")
        named = ("--net", "complex_cnn", "--seed", 11, "--batch", 8, "--build", build)
        done("tools.train", *named, "--iters", ITERATIONS, "--ranks", 1)

    return shared("listening", make) / "runs" / "song" / "complex_cnn@seed=11,batch=8"


@dataclass(frozen=True)
class Server:
    """A running server: its address, its process, the folder that it has for temporary files, and what it said."""

    url: str
    process: subprocess.Popen
    temporary: Path
    errors: Path

    @property
    def place(self) -> tuple[str, int]:
        """Its host and port."""
        address = urlsplit(self.url)
        return address.hostname or "", address.port or 0

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.ask(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.ask(urllib.request.Request(self.url + path, data=body, headers=headers, method="POST"))

    @staticmethod
    def ask(request: urllib.request.Request) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer."""
        try:
            with urllib.request.urlopen(request, timeout=300) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()


@contextmanager
def serving(temporary: Path, *options: object) -> Iterator[Server]:
    """``python -m tools.serve`` at a free port of this machine, until the block is left."""
    temporary.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tools.serve", "--port", "0", *map(str, options)]
    environment, errors = {**os.environ, "TMPDIR": str(temporary)}, temporary.with_suffix(".errors")
    with errors.open("w") as words:
        process = subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=words, text=True
        )
    try:
        for line in process.stdout:
            if found := re.search(r"open (http://[^/]+)/", line):
                break
        else:
            raise AssertionError(f"the server ended with {process.wait()}: {errors.read_text()}")
        yield Server(found[1], process, temporary, errors)
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()
