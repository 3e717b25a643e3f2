"""Audio files as people have them: damaged, of other formats, named alike and no audio at all.

`KINDS` holds, for each kind, how to put it into a genre's folder, and what becomes of it: the words of the reason for
which it is left out, or `USED` where it is a song like any other.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

GENRE = "rock"
RATE = 22050
SAMPLES = 640_768
USED = "used"


def noise(seconds: float = SAMPLES / RATE, rate: int = RATE, channels: int = 1) -> np.ndarray:
    random = np.random.default_rng(channels)
    loudness = np.repeat(random.random(64), int(np.ceil(seconds * rate / 64)))[: int(np.ceil(seconds * rate))]
    return 0.2 * (loudness * random.standard_normal((channels, len(loudness)))).T


def wav(samples: np.ndarray | None = None, rate: int = RATE, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, noise() if samples is None else samples, rate, subtype=subtype, format=kind)
    return stream.getvalue()


def with_header(**fields: int) -> bytes:
    """A whole wav whose header says something else: codec, channels, rate, riff (bytes) or data (bytes)."""
    content = bytearray(wav())
    for name, value in fields.items():
        fields_at = {
            "codec": (20, "<H"),
            "channels": (22, "<H"),
            "rate": (24, "<I"),
            "riff": (4, "<I"),
            "data": (40, "<I"),
        }
        place, form = fields_at[name]
        struct.pack_into(form, content, place, value)
    return bytes(content)


def spoilt(value: float) -> bytes:
    samples = noise()
    samples[300_000] = value
    return wav(samples, subtype="FLOAT")


def damaged_flac() -> bytes:
    content = bytearray(wav(kind="FLAC"))
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    return bytes(content)


def vbr_mp3() -> bytes:
    """Of a variable bit rate, first low, then high, without the header that says how long it is."""
    samples = noise().astype(np.float32).T
    samples[:, : SAMPLES // 2] *= 1e-3
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp3", options={"write_xing": "0"}) as container:
        mp3 = container.add_stream(
            "mp3", rate=RATE, layout="mono", options={"flags": "+qscale", "global_quality": "472"}
        )
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler("fltp", "mono", RATE, frame_size=576)
        for part in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(mp3.encode(part))
    return stream.getvalue()


def holding(content: Callable[[], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content())


def named(name: str, put: Callable[[Path], None]) -> Callable[[Path], None]:
    """Put it beside ``path`` under another name."""
    return lambda path: put(path.with_name(name))


def twice(path: Path) -> None:
    path.write_bytes(wav())
    path.with_suffix(".au").write_bytes(wav(kind="AU"))


# name: (how to put it there, the reason, or USED)
KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut short in its header": (holding(lambda: wav()[:20]), "unreadable as audio"),
    "cut short in its data": (holding(lambda: wav()[:500_000]), "too short"),
    "with a wrong magic number": (holding(lambda: b"RIFQ" + wav()[4:]), "unreadable as audio"),
    "of zero bytes": (holding(lambda: b""), "unreadable as audio"),
    "of zeros": (holding(lambda: bytes(1_300_000)), "unreadable as audio"),
    "8 bits": (holding(lambda: wav(subtype="PCM_U8")), USED),
    "24 bits": (holding(lambda: wav(subtype="PCM_24")), USED),
    "float": (holding(lambda: wav(subtype="FLOAT")), USED),
    "float with NaN": (holding(lambda: spoilt(np.nan)), "not finite"),
    "float with infinity": (holding(lambda: spoilt(np.inf)), "not finite"),
    "stereo": (holding(lambda: wav(noise(channels=2))), USED),
    "stereo in opposite phase": (holding(lambda: wav(noise() * [1, -1])), "silent"),
    "6 channels": (holding(lambda: wav(noise(channels=6))), USED),
    "8 kHz": (holding(lambda: wav(noise(30, 8000), 8000)), USED),
    "16 kHz": (holding(lambda: wav(noise(30, 16_000), 16_000)), USED),
    "44.1 kHz": (holding(lambda: wav(noise(30, 44_100), 44_100)), USED),
    "96 kHz": (holding(lambda: wav(noise(30, 96_000), 96_000)), USED),
    "1 s long": (holding(lambda: wav(noise(1))), "too short"),
    "a sample short": (holding(lambda: wav(noise()[1:])), "too short"),
    "silence": (holding(lambda: wav(np.zeros(SAMPLES))), "silent"),
    "a constant": (holding(lambda: wav(np.full(SAMPLES, 0.5))), USED),
    "clipped": (holding(lambda: wav(np.clip(20 * noise(), -1, 1))), USED),
    "text": (holding(lambda: b"la la la\n" * 1000), "unreadable as audio"),
    "a page that says 404": (holding(lambda: b"<html><h1>404</h1></html>"), "unreadable as audio"),
    "an mp3 by another name": (holding(lambda: wav(kind="MP3", subtype="MPEG_LAYER_III")), USED),
    "an mp3 of a variable rate without its length": (holding(vbr_mp3), USED),
    "a flac damaged inside": (holding(damaged_flac), "unreadable as audio"),
    "a codec that nobody knows": (holding(lambda: with_header(codec=0x1234)), "unreadable as audio"),
    "no channel": (holding(lambda: with_header(channels=0)), "unreadable"),
    "a rate of 0": (holding(lambda: with_header(rate=0)), "unreadable"),
    "a rate of 4 GHz": (holding(lambda: with_header(rate=4_000_000_000)), "unreadable"),
    "data longer than the file": (holding(lambda: with_header(riff=2**32 - 1, data=2**32 - 1)), USED),
    "a directory": (lambda path: path.mkdir(), "a folder, not a file"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere.wav"), "a link to nothing"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "a link to nothing"),
    "a named pipe": (lambda path: os.mkfifo(path), "not a regular file"),
    # even root may not read it: the first page of a process is never there
    "unreadable": (lambda path: path.symlink_to("/proc/self/mem"), "unreadable"),
    "named for another genre": (named("pop.00099.wav", holding(wav)), "not named rock.NNNNN.wav"),
    "numbered with letters": (named("rock.0000x.wav", holding(wav)), "not named rock.NNNNN.wav"),
    "of another suffix": (named("rock.00090.aiff", holding(wav)), "not a .wav, .au or .flac file"),
    "two files of one song": (twice, "which is taken"),
    "Unicode in its name": (named("ロック.00001.wav", holding(wav)), "not named rock.NNNNN.wav"),
    "a line end in its name": (named("rock.\n0001.wav", holding(wav)), "not named rock.NNNNN.wav"),
    "bytes that are no text in its name": (
        named(os.fsdecode(b"rock.\xff\xfe.wav"), holding(wav)),
        "not named rock.NNNNN.wav",
    ),
    "markup in its name": (named("rock.<b>&\"';$(id).wav", holding(wav)), "not named rock.NNNNN.wav"),
}


def put_all(folder: Path) -> dict[str, set[str]]:
    """Put one of each kind into a genre's folder; returns the names of the files of each."""
    placed = {}
    for number, (kind, (put, _)) in enumerate(KINDS.items()):
        before = {path.name for path in folder.iterdir()}
        put(folder / f"{GENRE}.{100 + number:05}.wav")
        placed[kind] = {path.name for path in folder.iterdir()} - before
    return placed
