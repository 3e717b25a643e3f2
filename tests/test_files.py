"""Files and folders are seen whole or not at all, one writer at a time."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import CHECKOUT

from tools import files
from tools.cli import UserError, describe_os_error


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("content", "written"), [("läuft\n", "läuft\n".encode()), (b"\0\xff", b"\0\xff")])
def test_a_text_or_bytes_take_the_place_of_what_was_there(content, written, tmp_path):
    (tmp_path / "file").write_text("earlier")
    files.write_whole(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == written
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_said_of_the_file_that_was_to_be_written(tmp_path):
    with pytest.raises(OSError) as full, files.whole_file(tmp_path / "file") as aside:
        aside.symlink_to("/dev/full")
        aside.write_text("x")
    assert describe_os_error(full.value).startswith(f"{tmp_path / 'file'}: the disk is full: free some space")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError) as taken:
        files.write_whole(tmp_path / "folder", "x")
    assert describe_os_error(taken.value).startswith(f"{tmp_path / 'folder'}: Is a directory: name a file, or move")
    with pytest.raises(OSError) as other, files.whole_file(tmp_path / "file"):
        (tmp_path / "none").read_text()
    assert other.value.filename == str(tmp_path / "none")


def test_two_writers_of_one_process_id_as_in_two_containers_are_not_in_each_others_way(tmp_path):
    with files.whole_file(tmp_path / "file") as one, files.whole_file(tmp_path / "file") as another:
        one.write_text("one")
        another.write_text("another")
    assert (tmp_path / "file").read_text() == "one"
    assert names(tmp_path) == ["file"]


def test_a_record_holds_the_hash_of_all_else_in_it(tmp_path):
    file = tmp_path / "record.json"
    files.write_record(file, {"b": (1, 2.5, None), "a": {10: "ü", 9: "\udcff"}, files.OWN_HASH: "an earlier one"})
    assert files.is_as_written(file)
    text = file.read_text()
    canonical = r'{"a": {"10": "\u00fc", "9": "\udcff"}, "b": [1, 2.5, null]}'
    assert hashlib.sha256(canonical.encode()).hexdigest() in text
    file.write_text(text.replace("2.5", "2.25"))
    assert files.is_as_written(file) is False
    for without in ('{"a": 1}', "[]", "3"):
        file.write_text(without)
        assert files.is_as_written(file) is None


def test_a_file_whose_writer_fails_stays_as_it_was(tmp_path):
    (tmp_path / "file").write_text("earlier")
    with pytest.raises(ZeroDivisionError), files.whole_file(tmp_path / "file") as aside:
        aside.write_text("half")
        assert (tmp_path / "file").read_text() == "earlier"
        raise ZeroDivisionError
    assert (tmp_path / "file").read_text() == "earlier"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("name", ["a" * 255, "漢" * 85, "\udcff" * 255], ids=["letters", "of three bytes", "no text"])
def test_a_name_as_long_as_the_file_system_takes_is_written(name, tmp_path):
    files.write_whole(tmp_path / name, "x")
    assert names(tmp_path) == [name]


def test_a_folder_takes_the_place_of_the_old_one_with_all_that_is_in_it(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    with files.whole_folder(folder) as aside:
        (aside / "new").touch()
        assert names(folder) == ["old"]
    assert names(folder) == ["new"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_whose_writer_fails_stays_as_it_was(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(ZeroDivisionError), files.whole_folder(folder):
        raise ZeroDivisionError
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["folder"]


KILLED = """
import os, signal, sys
from pathlib import Path
from tools.files import whole_folder
with whole_folder(Path(sys.argv[1])) as aside:
    (aside / "half").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_of_a_folder_leaves_is_removed_by_the_next(tmp_path):
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "folder"], cwd=CHECKOUT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "folder").exists()
    with files.whole_folder(tmp_path / "folder") as aside:
        assert names(aside) == []
    assert names(tmp_path) == ["folder"]


HOLDER = """
import sys
from pathlib import Path
from tools import files
lock = files.only_writer(Path(sys.argv[2])) if sys.argv[1] == "writer" else files.only_holder(Path(sys.argv[2]), "")
with lock:
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen]]:
    """Starts another process that takes the lock of the folder `it`, or that is this file, and says when it has it."""
    processes = []

    def call(kind: str) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLDER, kind, tmp_path / "it"]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        processes.append(subprocess.Popen(command, cwd=CHECKOUT, text=True, **pipes))
        return processes[-1]

    yield call
    for process in processes:
        process.kill()
        process.communicate()


def test_a_second_writer_waits_for_the_first_and_says_so(tmp_path, start):
    first = start("writer")
    assert first.stdout.readline() == "held\n"
    second = start("writer")
    assert second.stderr.readline() == f"another process is making {tmp_path / 'it'}: waiting for it\n"
    first.kill()
    assert second.stdout.readline() == "held\n"


def test_a_second_holder_is_refused_and_the_next_after_a_killed_one_is_not(tmp_path, start):
    first = start("holder")
    assert first.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="^taken$"), files.only_holder(tmp_path / "it", "taken"):
        pass
    first.kill()
    first.wait()
    with files.only_holder(tmp_path / "it", "taken"):
        pass


def test_a_child_of_the_holder_holds_the_lock_too(tmp_path):
    with files.only_holder(tmp_path / "it", "taken"):
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
    try:
        with (tmp_path / "it").open("w") as lock:
            assert not files.is_taken(lock.fileno())
            child.kill()
            child.wait()
            assert files.is_taken(lock.fileno())
    finally:
        child.kill()


def test_a_hash_is_that_of_the_whole_file(tmp_path):
    content = os.urandom((1 << 20) + 5)
    (tmp_path / "file").write_bytes(content)
    assert files.sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()
