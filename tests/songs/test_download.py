"""Downloads from a server on this machine that can be slow of foot, forgetful or hostile."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tools.cli import UserError
from tools.files import only_holder
from tools.songs import download, roots


def make_wav(seed: int) -> bytes:
    """A song of half a million bytes of noise, which no archive makes smaller."""
    file = io.BytesIO()
    noise = np.random.default_rng(seed).integers(-32768, 32767, 250_000).astype(np.int16)
    soundfile.write(file, noise, 22050, format="WAV", subtype="PCM_16")
    return file.getvalue()


SONGS = {f"{genre}.{number:05}": make_wav(label * 2 + number) for label, genre in enumerate(("blues", "rock"))
         for number in range(2)}  # fmt: skip
CHECKSUMS = {track: hashlib.md5(wav).hexdigest() for track, wav in SONGS.items()}


def make_tar(songs: dict[str, bytes], *odd: tarfile.TarInfo, prefix: str = "genres/") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as tar:
        for track, wav in songs.items():
            add(tar, f"{prefix}{track.partition('.')[0]}/{track}.wav", wav)
            add(tar, f"{prefix}{track.partition('.')[0]}/._{track}.wav", b"Mac OS X")
        add(tar, f"{prefix}README", b"not a song")
        for entry in odd:
            tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    return file.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def make_zip(songs: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for track, wav in songs.items():
            zipped.writestr(f"gtzan_mini-main/genres/{track.partition('.')[0]}/{track}.wav", wav)
    return file.getvalue()


@dataclass
class Site:
    """What the server has, and how it behaves: ``cuts`` holds how many bytes the coming answers break off after."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    knows_ranges: bool = True
    tells_lengths: bool = True
    endless: bool = False  # its files begin again for as long as anybody listens
    sent: int = 0
    ranges: list[str | None] = field(default_factory=list)

    def offer(self, name: str, content: bytes) -> str:
        self.files[f"/{name}"] = content
        return f"{self.address}/{name}"


@pytest.fixture
def site():
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            content = site.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            asked = self.headers.get("Range")
            site.ranges.append(asked)
            start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and site.knows_ranges else 0
            if start and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if site.tells_lengths:
                self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            try:
                while site.endless:
                    site.sent += self.wfile.write(content)
            except OSError:
                return
            self.wfile.write(content[start:][: site.cuts.pop(0) if site.cuts else None])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.address = f"http://127.0.0.1:{server.server_port}"
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "downloads" / "gtzan"


def songs_in(root: Path) -> dict[str, bytes]:
    return {track.track: track.path.read_bytes() for track in roots.survey(root).tracks}


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".gtzan.lock")


DEAD = "http://127.0.0.1:9/genres.tar.gz"  # the port of 'discard', where nobody listens


@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_the_songs_of_a_tar_or_zip_archive_become_a_data_root_and_nothing_else_stays(site, folder, make):
    root = download.download(folder, (site.offer("archive", make(SONGS)),), CHECKSUMS)
    assert root == folder / "genres"
    assert songs_in(root) == SONGS
    assert files_below(folder.parent) == [f"{track}.wav" for track in SONGS]


def test_a_download_cut_again_and_again_goes_on_where_it_stopped(site, folder, monkeypatch):
    monkeypatch.setattr("tools.songs.fetch.PAUSE", 0.0)
    site.cuts = [300_000, 500_000, 10, 700_000]
    root = download.download(folder, (site.offer("genres.tar.gz", make_tar(SONGS)),), CHECKSUMS)
    assert songs_in(root) == SONGS
    starts = [int(asked[6:-1]) for asked in site.ranges[1:]]
    assert site.ranges[0] is None
    assert starts == sorted(starts)
    assert starts[0] > 200_000


def test_a_download_that_was_given_up_goes_on_with_the_next_run(site, folder, monkeypatch):
    monkeypatch.setattr("tools.songs.fetch.PAUSE", 0.0)
    archive = make_tar(SONGS)
    source = site.offer("genres.tar.gz", archive)
    site.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(UserError, match="breaks off"):
        download.download(folder, (source,), CHECKSUMS)
    assert not folder.exists()
    site.ranges.clear()
    assert songs_in(download.download(folder, (source,), CHECKSUMS)) == SONGS
    assert len(site.ranges) == 1
    assert int(site.ranges[0][6:-1]) > 900_000


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(site, folder):
    site.knows_ranges = False
    site.cuts = [1_000_000]
    assert songs_in(download.download(folder, (site.offer("main.zip", make_zip(SONGS)),), CHECKSUMS)) == SONGS


def test_what_is_left_of_a_longer_file_is_thrown_away(site, folder, monkeypatch):
    monkeypatch.setattr("tools.songs.fetch.PAUSE", 0.0)
    site.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(UserError):
        download.download(folder, (site.offer("main.zip", make_zip(SONGS)),), CHECKSUMS)
    one = {"rock.00001": SONGS["rock.00001"]}
    assert songs_in(download.download(folder, (site.offer("main.zip", make_zip(one)),), CHECKSUMS)) == one


def test_an_archive_that_is_pinned_is_taken_with_its_checksum_alone(site, folder):
    archive = make_tar(SONGS)
    source = f"{site.offer('genres.tar.gz', archive)}#md5={hashlib.md5(archive).hexdigest()}"
    assert songs_in(download.download(folder, (source,), {})) == SONGS


def test_an_archive_with_another_checksum_than_the_pinned_one_is_refused(site, folder):
    source = f"{site.offer('genres.tar.gz', make_tar(SONGS))}#md5={'0' * 32}"
    with pytest.raises(UserError, match="another checksum"):
        download.download(folder, (source,), CHECKSUMS)
    assert files_below(folder.parent) == []


def test_an_archive_with_a_song_that_is_not_the_genuine_one_is_refused_and_the_next_source_taken(site, folder):
    altered = SONGS | {"rock.00000": make_wav(99)}
    bad, good = site.offer("bad.tar.gz", make_tar(altered)), site.offer("good.tar.gz", make_tar(SONGS))
    with pytest.raises(UserError, match="rock.00000 of its 4 songs"):
        download.download(folder, (bad,), CHECKSUMS)
    assert songs_in(download.download(folder, (bad, good), CHECKSUMS)) == SONGS


def test_the_song_that_is_damaged_in_every_copy_is_no_reason_to_refuse_the_others(site, folder, capsys):
    songs = SONGS | {"jazz.00054": b"torn"}
    root = download.download(folder, (site.offer("genres.tar.gz", make_tar(songs)),), CHECKSUMS | {"jazz.00054": "0"})
    assert songs_in(root) == songs
    assert "jazz.00054 is damaged" in capsys.readouterr().out


def test_an_archive_with_fewer_songs_than_its_source_should_have_is_refused(site, folder):
    with pytest.raises(UserError, match="4 of 1000 songs"):
        download.download(folder, (site.offer("genres.tar.gz", make_tar(SONGS)),), CHECKSUMS, expected=1000)


@pytest.mark.parametrize("told", [True, False])
def test_an_archive_of_more_than_twice_its_size_is_given_up_and_the_next_source_taken(site, folder, told):
    """Before any of it comes where the server tells its size, else once it is too much; nothing of it is kept."""
    site.tells_lengths, large = told, make_tar(SONGS)
    one = make_tar({"rock.00001": SONGS["rock.00001"]})
    sources = (site.offer("large.tar.gz", large), site.offer("one.tar.gz", one))
    root = download.download(folder, sources, CHECKSUMS, largest=2 * len(one))
    assert songs_in(root) == {"rock.00001": SONGS["rock.00001"]}
    assert files_below(folder.parent) == ["rock.00001.wav"]


def test_a_server_that_sends_for_ever_is_hung_up_on_in_one_line_and_fills_no_disk(site, folder):
    site.tells_lengths, site.endless = False, True
    source = site.offer("genres.tar.gz", make_tar(SONGS))
    with pytest.raises(UserError, match="genres.tar.gz was refused: more than 10 MB, twice what it should be") as error:
        download.download(folder, (source,), CHECKSUMS, largest=10_000_000)
    assert "\n" not in str(error.value)
    assert site.sent < 30_000_000
    assert files_below(folder.parent) == []


def test_an_archive_whose_songs_are_more_than_they_should_be_is_refused(site, folder):
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(4_000_000, np.int16), 22050, format="WAV")
    songs = {f"blues.{number:05}": silence.getvalue() for number in range(3)}
    with pytest.raises(UserError, match="more than 20 MB of songs in it"):
        download.download(folder, (site.offer("archive", make_tar(songs)),), {}, largest=20_000_000)
    assert files_below(folder.parent) == []


def test_the_next_source_is_used_when_one_is_dead_or_has_nothing(site, folder, capsys):
    sources = (DEAD, f"{site.address}/gone.tar.gz", site.offer("genres.tar.gz", make_tar(SONGS)))
    assert songs_in(download.download(folder, sources, CHECKSUMS)) == SONGS
    said = capsys.readouterr().out
    assert f"{DEAD} can't be reached" in said
    assert "gone.tar.gz answers 404" in said


def test_offline_it_is_one_line_that_names_every_source_and_the_way_out(folder):
    with pytest.raises(UserError) as error:
        download.download(folder, (DEAD, "ftp://127.0.0.1/x", "nonsense"), CHECKSUMS)
    assert "\n" not in str(error.value)
    assert all(words in str(error.value) for words in (DEAD, "ftp://127.0.0.1/x", "nonsense", "GTZAN_URL="))


def hostile(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size, entry.linkname = kind, size, link
    return entry


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (hostile("../../escaped/blues/blues.00009.wav", size=1), "leads out"),
        (hostile("genres/../../../blues/blues.00009.wav", size=1), "leads out"),
        (hostile("/blues/blues.00009.wav", size=1), "leads out"),
        (hostile("genres/blues/blues.00009.wav", tarfile.SYMTYPE, link="/etc/passwd"), "neither a file nor a folder"),
        (hostile("genres/jazz", tarfile.SYMTYPE, link="/tmp"), "neither a file nor a folder"),
        (hostile("genres/rock/rock.00009.wav", tarfile.LNKTYPE, link="/etc/passwd"), "neither a file nor a folder"),
        (hostile("genres/rock/rock.00009.wav", tarfile.FIFOTYPE), "neither a file nor a folder"),
        (hostile("genres/rock/rock.00001.wav", size=1), "is in it twice"),
    ],
)
def test_an_archive_with_a_hostile_member_is_refused_whole_and_leaves_nothing(site, folder, entry, words):
    with pytest.raises(UserError, match=words):
        download.download(folder, (site.offer("genres.tar.gz", make_tar(SONGS, entry)),), CHECKSUMS)
    assert files_below(folder.parent.parent) == []


def damaged(archive: bytes) -> bytes:
    middle = len(archive) // 2
    return archive[:middle] + bytes(64) + archive[middle + 64 :]


@pytest.mark.parametrize(
    "content",
    [b"<html>Log in to this network</html>", b"", make_tar(SONGS)[:-1000], damaged(make_tar(SONGS)), make_tar({}),
     make_zip(SONGS)[:-1000], damaged(make_zip(SONGS))],
    ids=["web page", "nothing", "short tar", "damaged tar", "tar without songs", "short zip", "damaged zip"],
)  # fmt: skip
def test_what_is_no_whole_archive_of_songs_is_refused_and_not_met_again(site, folder, content):
    source = site.offer("genres.tar.gz", content)
    with pytest.raises(UserError, match="refused"):
        download.download(folder, (source,), CHECKSUMS)
    assert files_below(folder.parent) == []
    site.offer("genres.tar.gz", make_tar(SONGS))
    assert songs_in(download.download(folder, (source,), CHECKSUMS)) == SONGS


def test_a_whole_download_that_the_process_died_upon_is_not_asked_for_again(site, folder):
    source = site.offer("genres.tar.gz", make_tar(SONGS))
    folder.parent.mkdir()
    download.fetch_archive(source, folder, download.LARGEST["all"])
    assert songs_in(download.download(folder, (source,), CHECKSUMS)) == SONGS
    assert len(site.ranges) == 1


def test_a_second_download_at_the_same_time_is_turned_away(folder):
    lock = only_holder(folder.parent / f".{folder.name}.lock", "held by the test")
    with lock, pytest.raises(UserError, match="another download"):
        download.download(folder, (DEAD,), CHECKSUMS)


@pytest.mark.parametrize(("size", "name"), [("mini", "gtzan-mini"), ("all", "gtzan")])
def test_gtzan_url_takes_the_place_of_the_known_sources_and_the_root_is_printed(
    site, tmp_path, monkeypatch, capsys, size, name
):
    table = tmp_path / "checksums.csv"
    table.write_text("track,md5\n" + "".join(f"{track},{md5}\n" for track, md5 in CHECKSUMS.items()))
    monkeypatch.setenv("GTZAN_URL", site.offer("mine.tar.gz", make_tar(SONGS, prefix="Data/genres_original/")))
    monkeypatch.chdir(tmp_path)
    arguments = [size, "--to", "data/downloads", "--checksums", str(table)]
    assert download.main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "4 songs are there. To use them:",
        f"GTZAN=data/downloads/{name}/genres",
    ]
    asked = len(site.ranges)
    assert download.main(arguments) == 0
    assert len(site.ranges) == asked == 1


def test_the_known_sources_end_with_the_pinned_archive_of_the_full_set():
    assert all(source.startswith("http") for sources in download.SOURCES.values() for source in sources)
    assert download.SOURCES["all"][-1].endswith("#md5=5b3d6dddb579ab49814ab86dba69e7c7")
