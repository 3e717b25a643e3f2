"""Downloads that go on where they were cut."""

from __future__ import annotations

import re
import time
from pathlib import Path

import requests
from tqdm import tqdm

from tools.songs.unpack import BadArchiveError

TIMEOUT = (10, 60)  # seconds to connect, and between two pieces of data
CHUNK_SIZE = 1 << 16  # what is lost at most when a connection is cut
PATIENCE = 3  # attempts in a row that bring nothing before a connection is given up
PAUSE = 1.0  # seconds between such attempts


def fetch(url: str, archive: Path, largest: int) -> None:
    """Download ``url`` to ``archive``. What has come so far is kept beside it, also when the process dies, and the next
    call asks for the rest of it alone (HTTP Range).

    Raises requests.RequestException if the server can't be reached, refuses, or cuts the connection again and again,
    and BadArchiveError beyond ``largest`` bytes: then nothing is kept.
    """
    partial, attempts, received = archive.with_suffix(".partial"), PATIENCE, False
    while True:
        before = size_of(partial)
        try:
            fetch_rest(url, partial, largest)
            break
        except BadArchiveError:
            partial.unlink(missing_ok=True)
            raise
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
            progress = size_of(partial) > before
            received = received or progress
            attempts = PATIENCE if progress else attempts - 1
            # A server that never sent anything is left for the next source at once.
            if not received or attempts == 0:
                raise
        if not progress:
            time.sleep(PAUSE)
    partial.replace(archive)


def fetch_rest(url: str, partial: Path, largest: int) -> None:
    """Get what ``partial`` lacks of ``url``; all of it from a server that does not know Range.

    Raises requests.ConnectionError if fewer bytes come than the server announced, and BadArchiveError where it
    announces, or sends, more than ``largest``.
    """
    start = size_of(partial)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if start and response.status_code == requests.codes.requested_range_not_satisfiable:
            if total_size(response) != start:
                # What is there is no beginning of this file.
                partial.unlink()
                fetch_rest(url, partial, largest)
            return
        response.raise_for_status()
        start = first_byte(response)
        total = total_size(response)
        check_size(total or 0, largest)
        bar = tqdm(desc="download", initial=start, total=total, unit="B", unit_scale=True, disable=None)
        with partial.open("r+b" if start else "wb") as file, bar:
            file.seek(start)
            file.truncate()
            for chunk in response.iter_content(CHUNK_SIZE):
                check_size(file.tell() + len(chunk), largest)
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and size_of(partial) != total:
        raise requests.ConnectionError(f"cut after {size_of(partial)} of {total} bytes")


def check_size(size: int, largest: int) -> None:
    """BadArchiveError for more than ``largest`` bytes: a server that sends for ever would fill the disk."""
    if size > largest:
        raise BadArchiveError(f"more than {largest / 1e6:,.0f} MB, twice what it should be")


def first_byte(response: requests.Response) -> int:
    """Where in the file the answer begins: 0 for a whole file."""
    content_range = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(content_range[1]) if response.status_code == requests.codes.partial and content_range else 0


def total_size(response: requests.Response) -> int | None:
    """The size of the whole file in bytes, if the server tells."""
    if response.status_code == requests.codes.ok:
        length = response.headers.get("Content-Length", "")
    else:
        length = response.headers.get("Content-Range", "").rpartition("/")[2]
    return int(length) if length.isdecimal() else None


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
