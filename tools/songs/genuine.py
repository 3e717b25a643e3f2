"""Whether a song is the genuine one of GTZAN, by the md5 of its WAV file.

The md5s are of the 16-bit WAV files that GTZAN was published as. A FLAC or AU copy holds the same samples in other
bytes, and so does a WAV file with a longer header: their samples are put into a WAV file with the plain header of 44
bytes, in memory, and the md5 is taken of that.
"""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import soundfile

from tools import paths
from tools.cli import UserError

CHECKSUMS = paths.DATA / "checksums.csv"


def read_checksums(file: Path = CHECKSUMS) -> dict[str, str]:
    """The md5 of each song's WAV file by its track name; ``file`` has the columns track and md5.

    Raises UserError where ``file`` is missing or has no such columns.
    """
    try:
        with file.open(newline="", encoding="utf-8") as lines:
            return {row["track"]: row["md5"] for row in csv.DictReader(lines)}
    except (FileNotFoundError, KeyError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not a table of checksums with the columns track and md5: name another") from error


def is_genuine(path: Path, md5: str) -> bool:
    """True if the song in ``path`` is the one whose WAV file has this md5, whatever format it is kept in."""
    if path.suffix.lower() == ".wav" and hashlib.md5(path.read_bytes()).hexdigest() == md5:
        return True
    return canonical_md5(path) == md5


def canonical_md5(path: Path) -> str | None:
    """The md5 of the song as a 16-bit WAV file with a header of 44 bytes; None where it can't be read."""
    wav = io.BytesIO()
    try:
        samples, sample_rate = soundfile.read(path, dtype="int16")
        soundfile.write(wav, samples, sample_rate, format="WAV", subtype="PCM_16")
    except (soundfile.SoundFileError, MemoryError):
        return None
    return hashlib.md5(wav.getvalue()).hexdigest()
