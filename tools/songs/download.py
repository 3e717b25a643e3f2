"""Download GTZAN, or a tenth of it, and lay it out as a data root.

    python -m tools.songs.download mini     100 songs, 10 a genre
    python -m tools.songs.download all      all 1000 songs, 1.2 GB

A cut download goes on where it stopped. Sources are tried in turn until one gives songs that are the genuine ones.
GTZAN_URL=, or --url, names another source; a ``#md5=...`` or ``#sha256=...`` at its end pins the archive itself, and
its songs are then not compared with the genuine ones.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import urldefrag

import pooch
import requests
from tqdm import tqdm

from tools import cli, paths
from tools.cli import UserError, printable
from tools.files import only_holder
from tools.songs import genuine
from tools.songs.fetch import fetch
from tools.songs.unpack import BadArchiveError, unpack_songs

FOLDERS = {"mini": "gtzan-mini", "all": "gtzan"}
SONGS = {"mini": 100, "all": 1000}
# Twice what is right: 1.3 MB a song, packed or not
LARGEST = {size: 2 * songs * 1_330_000 for size, songs in SONGS.items()}
MINI = "https://github.com/TempoBeatDownbeat/gtzan_mini/archive/refs/heads/main"
SOURCES = {
    # Packed by the server when it is asked, so that no checksum of the archive lasts.
    "mini": (f"{MINI}.zip", f"{MINI}.tar.gz"),
    "all": (
        # Packed anew from the songs.
        "https://huggingface.co/datasets/marsyas/gtzan/resolve/main/data/genres.tar.gz",
        # Where GTZAN was published. It has been out of reach since 2022, but its checksum is known.
        "http://opihi.cs.uvic.ca/sound/genres.tar.gz#md5=5b3d6dddb579ab49814ab86dba69e7c7",
    ),
}
# Damaged in the copies that are still to be had; making LMDBs leaves it out and says so.
DAMAGED_EVERYWHERE = {"jazz.00054"}


def download(
    folder: Path,
    sources: tuple[str, ...],
    checksums: dict[str, str],
    expected: int = 1,
    largest: int = LARGEST["all"],
) -> Path:
    """Get the songs from the first of ``sources`` that has the genuine ones; returns the data root, ``folder``/genres.

    The root appears whole or not at all, with ``expected`` songs at least; an archive, and its songs together, have
    ``largest`` bytes at most. Raises UserError if no source will do, naming what is wrong with each.
    """
    refusal = f"{printable(folder)}: another download is at work here: wait for it"
    with only_holder(folder.parent / f".{folder.name}.lock", refusal):
        if (folder / "genres").is_dir():
            return folder / "genres"
        failures: list[str] = []
        for source in sources:
            try:
                archive = fetch_archive(source, folder, largest)
                lay_out(archive, folder, {} if is_pinned(source) else checksums, expected, largest)
                for failure in failures:
                    print(f"not taken: {failure}")
                return folder / "genres"
            except (requests.RequestException, BadArchiveError) as error:
                failures.append(f"{urldefrag(source).url} {describe(error)}")
    raise UserError(
        f"no source of {folder.name} would do ({'; '.join(failures)}): see to the network and try again, "
        "or name another source with GTZAN_URL="
    )


def fetch_archive(source: str, folder: Path, largest: int) -> Path:
    """The archive of a source, downloaded and, if it is pinned, verified.

    Raises requests.RequestException from the network, and BadArchiveError for another checksum than the pinned one or
    more than ``largest`` bytes.
    """
    url, pinned = urldefrag(source)
    archive = folder.parent / f"{folder.name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}.archive"
    print(f"downloading {url}", flush=True)
    if not archive.exists():
        fetch(url, archive, largest)
    kind, _, checksum = pinned.partition("=")
    if is_pinned(source) and pooch.file_hash(str(archive), kind) != checksum.lower():
        archive.unlink()
        raise BadArchiveError(f"another checksum than its {pinned}")
    return archive


def is_pinned(source: str) -> bool:
    return urldefrag(source).fragment.startswith(("md5=", "sha256="))


def lay_out(archive: Path, folder: Path, checksums: dict[str, str], expected: int, largest: int) -> None:
    """Unpack the songs beside ``folder``, verify them if there are checksums, and move them to their place as a whole.

    The archive is done with in any case: a bad one would only be met again. Raises BadArchiveError for a bad one.
    """
    aside = folder.parent / f".{folder.name}.unpacking"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        songs = unpack_songs(archive, aside / "genres", largest)
        if len(songs) < expected:
            raise BadArchiveError(f"{len(songs)} of {expected} songs in it")
        if checksums:
            verify(songs, checksums)
        folder.mkdir(exist_ok=True)
        (aside / "genres").replace(folder / "genres")
    except BadArchiveError:
        archive.unlink()
        raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    archive.unlink()


def verify(songs: list[Path], checksums: dict[str, str]) -> None:
    """Raises BadArchiveError unless every song is the genuine one, but for those that are damaged everywhere."""
    altered = []
    for path in tqdm(songs, "verify", unit="song", disable=None):
        if not genuine.is_genuine(path, checksums.get(path.stem, "")):
            altered.append(path.stem)
    refused = sorted(set(altered) - DAMAGED_EVERYWHERE)
    if refused:
        others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        raise BadArchiveError(
            f"{refused[0]}{others} of its {len(songs)} songs have another checksum than the genuine ones"
        )
    for track in altered:
        print(f"{track} is damaged, as in every copy that can still be had")


def describe(error: Exception) -> str:
    """What went wrong with a source, in a few words that follow its address."""
    if isinstance(error, BadArchiveError):
        return f"was refused: {error}"
    if isinstance(error, requests.HTTPError):
        return f"answers {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "does not answer"
    if isinstance(error, (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)):
        return "is no http:// or https:// address"
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "can't be reached or breaks off"
    return f"can't be used: {printable(error)}"


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = cli.Parser(prog="download", description="Download GTZAN, or a tenth of it.")
    parser.add_argument("size", choices=FOLDERS, help="mini: 100 songs; all: all 1000, 1.2 GB")
    parser.add_argument(
        "--to", type=Path, default=paths.DATA / "downloads", metavar="DIR", help="default: data/downloads"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("GTZAN_URL"),
        help="an archive in place of the known sources; default: GTZAN_URL",
    )
    parser.add_argument(
        "--checksums", type=Path, default=genuine.CHECKSUMS, metavar="FILE", help="default: data/checksums.csv"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse_arguments(arguments)
    # Whoever names a source may have all songs in it, whatever it is to stand for
    given = ((options.url,), 1, LARGEST["all"])
    known = (SOURCES[options.size], SONGS[options.size], LARGEST[options.size])
    sources, expected, largest = given if options.url else known
    checksums = genuine.read_checksums(options.checksums)
    genres = download(options.to / FOLDERS[options.size], sources, checksums, expected, largest).resolve()
    songs = sum(1 for _ in genres.glob("*/*"))
    print(f"{songs} songs are there. To use them:")
    print(f"GTZAN={genres.relative_to(Path.cwd()) if Path.cwd() in genres.parents else genres}")
    return 0


if __name__ == "__main__":
    cli.run("download", main)
