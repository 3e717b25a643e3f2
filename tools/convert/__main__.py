"""Songs to matrices to LMDBs that stock `caffe train` reads.

    python -m tools.convert DATA_ROOT --split song --fold 0

makes build/lmdb/<split>/<view>_<dtype>_<part>_lmdb for the views cnn, lstm and song and the dtypes int and float, the
mean of each train part beside them, and manifest.json. The folder is put in place whole, and made again only where the
songs, the settings or the formulas are others than those it was made from. Songs that can't be used are left out and
named.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools import cli, paths, processes
from tools.cli import UserError
from tools.convert import manifest
from tools.convert.extract import Spool, extract
from tools.convert.lmdbs import short_name
from tools.convert.parts import SEED, draw_parts, list_left_out, usable_parts
from tools.convert.views import VIEWS, View, check_matrices
from tools.convert.writing import write_lmdbs
from tools.files import only_writer, whole_folder
from tools.settings import DTYPES, Settings, add_settings, read_settings
from tools.songs import audio, contents, roots, splits
from tools.songs.tracks import Survey, Track


def read_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="make_lmdb", description="Songs to matrices to LMDBs for Caffe.")
    parser.add_argument("data_root", type=Path, metavar="DATA_ROOT", help="a folder per genre, or a table")
    parser.add_argument("--views", nargs="+", default=list(VIEWS), choices=VIEWS, help="default: all")
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES), choices=DTYPES, help="default: both")
    add_settings(parser)
    return parser.parse_args()


def with_earlier(earlier: dict | None, views: list[str], dtypes: list[str]) -> tuple[list[View], list[str]]:
    """The views and dtypes to make: those asked for, and those that the folder has already, in their usual order."""
    if earlier is not None:
        views, dtypes = [*views, *earlier["views"]], [*dtypes, *earlier["dtypes"]]
    return [view for name, view in VIEWS.items() if name in views], [dtype for dtype in DTYPES if dtype in dtypes]


def report_odd(left_out: list[dict[str, str]], survey: Survey) -> None:
    """Name what is left out, and songs that are alike."""
    for item in left_out:
        print(f"left out: {item['file']}: {item['reason']}", file=sys.stderr)
    for track, first in survey.alike.items():
        print(f"alike byte for byte: {cli.printable(track)} and {cli.printable(first)}: drawn as one", file=sys.stderr)


def report_unknown_artists(split: str, survey: Survey) -> None:
    """Say how far a split by artist is one by song. The artists of GTZAN's songs are published."""
    unknown = [track for track in survey.tracks if not track.artist]
    if split.startswith("artist") and unknown and not survey.is_gtzan:
        print(
            f"SPLIT={split}: no artist is known of {len(unknown)} of {len(survey.tracks)} songs: each counts as "
            "an artist of its own: name artists in a table",
            file=sys.stderr,
        )


def report_other_folds(survey: Survey, settings: Settings, genres: tuple[str, ...]) -> None:
    """Name a fold by artist that will be refused, before the others are trained."""
    for fold in set(splits.FOLDS_OF.get(settings.split, ())) - {settings.fold}:
        if reason := splits.why_no_fold(survey, settings.split, fold, genres):
            print(f"not every fold can be used: {reason}", file=sys.stderr)


def report_converted(tracks: list[Track]) -> None:
    """Say how many songs had other channels or another rate, and name the first."""
    formats = [(track.path.name, audio.other_format(track.path)) for track in tracks]
    others = [(name, form) for name, form in formats if form]
    for name, form in others[:1]:
        print(
            f"brought to mono at {audio.SAMPLE_RATE} Hz: {len(others)} songs, one is {name} ({form})", file=sys.stderr
        )


def print_table(folder: Path, lmdbs: dict[str, dict]) -> None:
    print(f"{'LMDB':28}{'records':>9}{'songs':>7}  shape")
    for name, entry in lmdbs.items():
        print(f"{name:28}{entry['records']:9}{entry['songs']:7}  {' x '.join(map(str, entry['shape']))}")
    print(f"{sum(entry['records'] for entry in lmdbs.values())} records: written to {folder}")


def main() -> None:
    args = read_arguments()
    settings = read_settings(args)
    if settings.hosts and processes.world_size() == 1:
        processes.become_pool(settings.hosts, "tools.convert", sys.argv[1:])
    check_matrices(settings)
    splits.check_fold(settings.split, settings.fold)
    with contents.remembered(settings.build):
        survey = roots.survey(args.data_root)
    genres = roots.check_genres(settings.genres, survey.genres)
    folder = paths.lmdb_folder(settings.build, settings.lmdb_folder)
    fingerprint = roots.fingerprint(args.data_root, settings.build)
    origin = manifest.origin(settings, SEED, survey.genres, genres, fingerprint)

    with only_writer(folder):
        earlier = manifest.read(folder)
        views, dtypes = with_earlier(earlier, args.views, args.dtypes)
        asked = {**origin, "views": [view.name for view in views], "dtypes": dtypes}
        if manifest.describes(earlier, folder, asked, roots.earlier_fingerprint(args.data_root)):
            print(f"{folder}: up to date")
            return
        draw_parts(survey, settings, views, genres)  # refused before the work, not after it
        report_other_folds(survey, settings, genres)
        tracks = [track for track in survey.tracks if track.genre in genres]
        here = len({track.genre for track in tracks})
        print(f"{cli.printable(args.data_root)}: {len(tracks)} songs of {here} genres, to {folder}", flush=True)
        spool = Spool(folder.with_name(f".{folder.name}.spool"), settings, tuple(views))
        spool.open(origin["data"]["fingerprint"])
        outcomes = extract(tracks, spool, settings.jobs, survey.is_gtzan)
        if roots.fingerprint(args.data_root, settings.build) != fingerprint:
            raise UserError(f"{cli.printable(args.data_root)}: songs changed while they were read: type it again")
        reasons = {name: outcome.reasons for name, outcome in outcomes.items()}
        left_out = list_left_out(survey, genres, reasons)
        report_odd(left_out, survey)
        report_unknown_artists(settings.split, survey)
        report_converted([track for track in tracks if not reasons[track.track]])
        parts, lacking = usable_parts(survey, settings, views, genres, reasons, left_out)
        for view, reason in lacking.items():
            print(f"no LMDBs of {view}: {reason}", file=sys.stderr)
        with whole_folder(folder) as aside:
            lmdbs = write_lmdbs(aside, parts, spool, dtypes, survey.genres, settings.jobs)
            data = {"root": str(args.data_root), "songs_present": len(survey.tracks), **origin["data"]}
            hashes = {short_name(name): outcome.samples_sha256 for name, outcome in outcomes.items()}
            names = {short_name(track.track): track.track for track in tracks if short_name(track.track) != track.track}
            others = {"left_out": left_out, "alike": survey.alike, "long_names": names, "samples_sha256": hashes}
            if lacking:
                others["lacking"] = lacking
            manifest.write(aside, {**asked, "lmdbs": lmdbs, **others, "data": data})
        spool.remove()
    print_table(folder, lmdbs)


if __name__ == "__main__":
    cli.run("make_lmdb", main)
