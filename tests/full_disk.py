"""Run a command on a disk that is nearly full, then again with space.

    python full_disk.py DISK FREE SEED OUT COMMAND...

DISK is a folder on a small file system. What lies in SEED is copied to it first; then FREE bytes are left. In the end
what it holds goes to OUT, and what happened to standard output, as JSON.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

BLOCK = 4096


def fill(ballast: Path, free: int) -> None:
    """Write to ``ballast`` until no more than ``free`` bytes are left."""
    left = shutil.disk_usage(ballast.parent).free // BLOCK - free // BLOCK
    with ballast.open("wb") as stream:
        for _ in range(left):
            stream.write(bytes(BLOCK))


def run(command: list[str]) -> dict:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return {"status": done.returncode, "out": done.stdout, "err": done.stderr}


def main() -> None:
    disk, free, seed, out, *command = sys.argv[1:]
    shutil.copytree(seed, disk, symlinks=True, dirs_exist_ok=True)
    ballast = Path(disk) / "ballast"
    fill(ballast, int(free))
    full = run(command)
    ballast.unlink()
    again = run(command)
    shutil.copytree(disk, out, symlinks=True, dirs_exist_ok=True)
    print(json.dumps({"full": full, "again": again}))


if __name__ == "__main__":
    main()
