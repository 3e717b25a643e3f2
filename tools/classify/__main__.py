"""Tell the genre of any songs, by the votes of their clips.

    python -m tools.classify "my song.mp3" [more songs and folders] [--model RUN] [--json] [--csv FILE] [--png FOLDER]

Reads whatever libsndfile reads (wav, flac, mp3, ogg, opus, aiff, au ...), of any sample rate, number of channels and
level, from one clip in length on. One song is told in full, several as a table. How a song is cut and levelled:
`tools.classify.song`; how it is decided: `tools.classify.verdict`. A file that can't be used is named with
the reason, the others go on, and the exit code is 2.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from tools import cli, files
from tools.classify.model import Model, add_model_options, kept_apart, model_of
from tools.classify.output import Heard, as_csv, as_json, table, tell
from tools.classify.song import Song, read_song
from tools.classify.verdict import Verdict, add_threshold_option, check_threshold, hear
from tools.cli import UserError, printable
from tools.songs.audio import SUFFIXES, SongError
from tools.songs.library import files_below

LONGEST_STEM = 60  # letters of a picture's name: at 4 bytes each about what file systems take
CLIPS_AT_ONCE = 1500  # a hundred songs of 30 s: so many go through Caffe together


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="classify", description=__doc__.splitlines()[0])
    parser.add_argument("songs", nargs="+", type=Path, metavar="SONG", help="audio files, and folders of them")
    add_model_options(parser)
    add_threshold_option(parser)
    parser.add_argument("--json", action="store_true", help="everything as JSON on standard output")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row a song into this file")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="a picture a song into this folder")
    return parser.parse_args()


def find_songs(names: list[Path]) -> list[Path]:
    """The files named, and those in the folders named that look like audio, each once; links are followed, as in a
    data root.

    Raises UserError for a folder with none.
    """
    songs: dict[Path, None] = {}
    for name in names:
        inside = sorted(filter(looks_like_audio, files_below(name))) if name.is_dir() else [name]
        if not inside:
            raise UserError(
                f"{printable(name)}: no audio file in this folder: name one with files of {' '.join(sorted(SUFFIXES))}"
            )
        songs.update(dict.fromkeys(inside))
    return list(songs)


def looks_like_audio(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def classify(
    songs: list[Path], model: Model, threshold: int, failed: dict[Path, str]
) -> Iterator[tuple[Path, Song, Verdict]]:
    """Each usable song with its verdict, in order. The reason why another can't be used goes into ``failed``."""
    waiting: list[tuple[Path, Song]] = []
    for path in tqdm(songs, desc="songs", unit="song", disable=None if len(songs) > 1 else True, dynamic_ncols=True):
        try:
            waiting.append((path, read_song(path, model.view, model.settings)))
        except SongError as error:
            failed[path] = error.reason
        if sum(len(song.clips) for _, song in waiting) >= CLIPS_AT_ONCE:
            yield from hear_together(waiting, model, threshold)
            waiting = []
    yield from hear_together(waiting, model, threshold)


def hear_together(
    waiting: list[tuple[Path, Song]], model: Model, threshold: int
) -> Iterator[tuple[Path, Song, Verdict]]:
    if waiting:
        verdicts = hear([song for _, song in waiting], model, threshold)
        for (path, song), verdict in zip(waiting, verdicts):
            yield path, song, verdict


def save_picture(folder: Path, path: Path, song: Song, verdict: Verdict, taken: set[Path]) -> Path:
    """A PNG named after the song's file; another song of the same name gets a number."""
    from tools.classify import picture  # matplotlib takes most of a second to import

    folder.mkdir(parents=True, exist_ok=True)
    stem, number = printable(path.stem)[:LONGEST_STEM], 1
    file = folder / f"{stem}.png"
    while file in taken:
        number += 1
        file = folder / f"{stem}-{number}.png"
    taken.add(file)
    picture.save_picture(file, path.name, song, verdict)
    return file


def classify_all(songs: list[Path], model: Model, args: argparse.Namespace) -> dict[Path, str]:
    """Tell the genre of the songs as the options ask. Returns the songs that can't be used, each with the reason."""
    heard: list[Heard] = []
    failed: dict[Path, str] = {}
    pictures: set[Path] = set()
    for path, song, verdict in classify(songs, model, args.threshold, failed):
        heard.append(Heard(path, song.seconds, verdict))
        if args.png:
            save_picture(args.png, path, song, verdict, pictures)

    if args.json:
        print(as_json(heard, failed, model))
    elif heard:
        print()
        print(tell(heard[0]) if len(songs) == 1 else table(heard))
    if args.csv:
        args.csv.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(args.csv, as_csv(heard, model.genres))
    written = [*([args.csv] if args.csv else []), *sorted(pictures)]
    if written and not args.json:
        print(f"\nwritten: {', '.join(map(str, written[:3]))}{' ...' if len(written) > 3 else ''}")
    return failed


def tell_failed(failed: dict[Path, str]) -> None:
    """A line for each song that can't be used, and what to give instead: in the same line where there is only one."""
    remedy = "give audio files, as mp3, m4a, flac, ogg or wav, with sound, of 2 s or more"
    lines = [f"{printable(path)}: {reason}" for path, reason in failed.items()]
    if len(lines) == 1:
        lines = [f"{lines[0]}: {remedy}"]
    elif lines:
        lines.append(f"{len(lines)} files left out: {remedy}")
    for line in lines:
        print(f"classify: {line}", file=sys.stderr)


def main() -> int:
    args = parse_arguments()
    check_threshold(args.threshold)
    songs = find_songs(args.songs)
    chosen = model_of(args)
    print(f"model: {chosen.description}", file=sys.stderr if args.json else sys.stdout, flush=True)
    with kept_apart(chosen) as model:
        failed = classify_all(songs, model, args)
    tell_failed(failed)
    return 2 if failed else 0


if __name__ == "__main__":
    cli.run("classify", main)
