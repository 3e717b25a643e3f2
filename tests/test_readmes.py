"""Every command in a block of a README is run here, in small, or named here with the reason why it is not."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
import soundfile
from conftest import CHECKOUT

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="there is no make here: no command was tried")

READMES = [CHECKOUT / "README.md"]
READMES += [file for part in ("data", "prototxt", "tools") for file in sorted((CHECKOUT / part).rglob("README.md"))]
ENGINE = "it takes a container engine"
NATIVE = "it compiles Caffe for minutes; tests/runtime/test_native.py trains with it where that was done"
# What a command begins with, and why it is not run
NOT_RUN = {
    "make test": "it is what runs this",
    "make data": "it downloads 100 songs; tests/songs/test_download.py does so from a server of its own",
    "make paper": "it takes hours; tests/paper runs its steps",
    "make bench": "it takes hours, and installs PyTorch; tests/bench measures in small",
    "make setup CAFFE=native": NATIVE,
    "make train-rcnn CAFFE=native": NATIVE,
    "make lmdb train-rcnn HOSTS=": "it takes hosts; tests/two_hosts makes two, and runs it there",
    "make gpu-check": "it takes a GPU; tests/runtime/test_gpu_check.py tries what can be tried without",
    "make docker": ENGINE,
    "docker run": ENGINE,
    "tools/runtime/caffe-gpu/root pack": ENGINE,
    "mkdir root && tar": "it takes an image that was packed",
    "GTZAN=/where/genres/is root/music/": "it takes an image that was packed",
}
TRAINS = re.compile(r"\b(demo|train(-\w+)?)\b")


def blocks(file: Path) -> list[list[str]]:
    """The commands of each block of a README, without the words behind #. A block that draws has none.

    Nor has a program in Python: tests/nets/test_elsewhere.py runs those.
    """
    text = re.sub(r"^```python.*?^```", "", file.read_text(), flags=re.M | re.S)
    text = re.sub(r"^```.*?^```", lambda fence: re.sub("^", "    ", fence[0], flags=re.M), text, flags=re.M | re.S)
    found = []
    for block in re.findall(r"(?:^    .*\n)+", text, re.MULTILINE):
        lines = re.sub(r"\\\n\s*", "", block).splitlines()
        commands = [re.sub(r"\s+# .*", "", line).strip() for line in lines if "```" not in line]
        if not re.search("->|──", block):
            found.append(commands)
    return found


def reason(command: str) -> str | None:
    return next((why for begin, why in NOT_RUN.items() if command.startswith(begin)), None)


BLOCKS = {
    f"{file.relative_to(CHECKOUT)}: {block[0]}": block
    for file in READMES
    for block in blocks(file)
    if not all(map(reason, block))
}


@pytest.fixture
def home(tmp_path: Path, synthetic_songs: Path) -> Path:
    """What the commands speak of: music, a table, another collection, a song, and GTZAN where `make data` puts it."""
    for folder, *genres in (("Music", "jazz", "rock"), ("checkout/other/songs", "pop", "metal")):
        for name, genre in zip(("calm", "loud"), genres):
            (tmp_path / folder / name).mkdir(parents=True)
            for number, song in enumerate(sorted((synthetic_songs / genre).iterdir())):
                (tmp_path / folder / name / f"My {number}.wav").symlink_to(song)
    checkout = tmp_path / "checkout"
    songs = sorted((tmp_path / "Music").glob("*/*"))
    rows = [f"{song},{song.parent.name},{number}" for number, song in enumerate(songs)]
    (checkout / "songs.csv").write_text("\n".join(["path,genre,artist", *rows]))
    soundfile.write(checkout / "my song.mp3", *soundfile.read(songs[0]), format="MP3", subtype="MPEG_LAYER_III")
    for part in ("tools", "prototxt", "data"):
        shutil.copytree(CHECKOUT / part, checkout / part, ignore=shutil.ignore_patterns("downloads", "gtzan-mini"))
    shutil.copy(CHECKOUT / "Makefile", checkout)
    mini = checkout / "data/downloads/gtzan-mini/genres"
    mini.mkdir(parents=True)
    for genre in ("jazz", "rock"):
        (mini / genre).symlink_to(synthetic_songs / genre)
    return tmp_path


def small(command: str) -> str:
    """The same command with few iterations, and with a port that is free."""
    if TRAINS.search(command):
        command = re.sub(r" ITERS=\d+", "", command) + " ITERS=1"
    return command + " PORT=0" if command == "make serve" else command


def start(command: str, home: Path) -> subprocess.Popen:
    surroundings = {name: text for name, text in os.environ.items() if name not in ("GTZAN", "BUILD", "MAKEFLAGS")}
    return subprocess.Popen(
        ["bash", "-c", command],
        cwd=home / "checkout",
        env={**surroundings, "HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def serve(process: subprocess.Popen) -> None:
    """Looks at the page, then ends the server as Ctrl-C does."""
    address = next(line for line in process.stdout if line.startswith("open http")).split()[1]
    with urllib.request.urlopen(address, timeout=60) as page:
        assert b"<title>" in page.read()
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert "Traceback" not in said


def each_block() -> list:
    """Those that train are left to `make torture`."""
    return [
        pytest.param(name, marks=[] if any(map(TRAINS.search, block)) else pytest.mark.quick)
        for name, block in BLOCKS.items()
    ]


@pytest.mark.torture("command")
@pytest.mark.parametrize("block", each_block())
def test_the_commands_of_a_block_do_one_after_the_other(block, home):
    for command in BLOCKS[block]:
        if reason(command):
            continue
        process = start(small(command), home)
        if command == "make serve":
            serve(process)
            continue
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, f"{command}\n{said}"
        assert "Traceback" not in said, said


def test_what_is_not_run_is_still_there():
    commands = [command for file in READMES for block in blocks(file) for command in block]
    assert len(commands) > 20
    assert not [begin for begin in NOT_RUN if not any(command.startswith(begin) for command in commands)]


def test_every_target_that_a_readme_names_is_one():
    known = subprocess.run(["make", "-pn", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
    targets = set(re.search(r"^\.PHONY: (.*)$", known, re.MULTILINE)[1].split())
    for file in READMES:
        named = set(re.findall(r"(?:`|^    )make ((?:[a-z]+-?)+)", file.read_text(), re.MULTILINE))
        assert named <= targets, file
