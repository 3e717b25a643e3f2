"""What a network has to beat: statistics of MFCCs and a support vector machine, the field's usual baseline.

    python -m tools.vote.baseline DATA_ROOT [--build build]

Each song is one vector: mean and standard deviation, over the 30 s that the networks hear, of 20 MFCCs and of their
first differences (librosa's defaults). An SVM with an RBF kernel (scikit-learn) is trained on each fold's train part
and tested on its test part, so that every song is tested once. The songs are those of the LMDBs of the view cnn, with
the same settings: a song that is too short for its clips is left out here too. C and gamma are chosen by
cross-validation within the train part. Writes build/votes/song-folds/mfcc_svm/, in the layout of `tools.vote`.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from tools import cli, paths, processes
from tools.cli import UserError
from tools.convert.extract import stretch_of, usable_views
from tools.convert.views import VIEWS
from tools.settings import LMDB, Settings, add_settings, read_settings
from tools.songs import roots, splits
from tools.songs.audio import SAMPLE_RATE, SongError, read_song
from tools.songs.tracks import Survey, Track
from tools.vote.count import Clips, hold_election, score
from tools.vote.files import print_table, write_votes

NAME = "mfcc_svm"
VIEW = VIEWS["cnn"]  # whose songs are the baseline's
N_MFCC = 20
SEED = 1
GRID = {"svc__C": [1, 3, 10, 30, 100], "svc__gamma": ["scale", 0.003, 0.01]}


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("data_root", type=Path, metavar="DATA_ROOT", help="a folder per genre, blues to rock")
    add_settings(parser)
    return parser.parse_args()


def describe_song(samples: np.ndarray) -> np.ndarray:
    """(80,): mean and deviation of 20 MFCCs and of their first differences over a song's samples at 22050 Hz."""
    import librosa

    mfcc = librosa.feature.mfcc(y=samples.astype(np.float32), sr=SAMPLE_RATE, n_mfcc=N_MFCC)
    rows = np.concatenate([mfcc, librosa.feature.delta(mfcc)])
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1)])


def describe_file(settings: Settings, is_gtzan: bool, track: Track) -> np.ndarray | str:
    """A song's vector, or the reason why it has none."""
    try:
        samples = read_song(track.path, 0)
    except SongError as error:
        return error.reason
    usable, reasons = usable_views(len(samples), settings, [VIEW], is_gtzan)
    return describe_song(stretch_of(samples, settings)) if usable else reasons[VIEW.name]


def describe_all(tracks: list[Track], settings: Settings, is_gtzan: bool) -> dict[str, np.ndarray]:
    """The vector of every song that can be used, by its name; the others are named on standard error."""
    found = {}
    describe = partial(describe_file, settings, is_gtzan)
    for track, outcome in zip(tracks, processes.map_songs(describe, tracks, jobs=settings.jobs)):
        if isinstance(outcome, str):
            print(f"left out: {track.genre}/{track.path.name}: {outcome}", file=sys.stderr)
        else:
            found[track.track] = outcome
    return found


def classify_fold(parts: dict[str, list[Track]], vectors: dict[str, np.ndarray], fold: int) -> list[tuple[Track, int]]:
    """The label that each test song of a fold gets. UserError where a genre has too few songs to choose settings on."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    train, test = ([track for track in parts[part] if track.track in vectors] for part in ("train", "test"))
    labels = np.array([track.label for track in train])
    fewest = np.bincount(labels)[np.unique(labels)].min() if len(labels) else 0
    if fewest < 2 or not test:
        raise UserError(f"fold {fold}: a genre has fewer than two songs to train on, or none to test: add songs")
    folds = StratifiedKFold(min(5, fewest), shuffle=True, random_state=SEED)
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), GRID, cv=folds)
    search.fit([vectors[track.track] for track in train], labels)
    predicted = search.predict([vectors[track.track] for track in test])
    return list(zip(test, map(int, predicted)))


def as_clips(answers: list[tuple[Track, int]], genres: int) -> Clips:
    """The answers as clips, one a song, whose decision has all the probability."""
    answers = sorted(answers, key=lambda answer: answer[0].track)
    probabilities = np.eye(genres)[[label for _, label in answers]]
    return Clips(
        tracks=np.array([track.track for track, _ in answers]),
        clips=np.zeros(len(answers), int),
        parts=np.array(["test"] * len(answers)),
        labels=np.array([track.label for track, _ in answers]),
        texts=probabilities.astype(int).astype(str),
        probabilities=probabilities,
    )


def fold_of(survey: Survey, split: str, fold: int, genres: tuple[str, ...]) -> dict[str, list[Track]]:
    """The songs of these genres in each part of a fold. UserError where a part lacks a genre, by artist."""
    if reason := splits.why_no_fold(survey, split, fold, genres):
        raise UserError(reason)
    parts = splits.song_parts(survey, split, fold)
    return {part: [track for track in songs if track.genre in genres] for part, songs in parts.items()}


def main() -> None:
    args = parse_arguments()
    settings = read_settings(args)
    if settings.split not in splits.JOINED:
        raise UserError(f"SPLIT={settings.split}: the baseline has the splits {' and '.join(splits.JOINED)}: use one")
    survey = roots.survey(args.data_root)
    genres = roots.check_genres(settings.genres, survey.genres)
    tracks = [track for track in survey.tracks if track.genre in genres]
    folds = [fold_of(survey, settings.split, fold, genres) for fold in range(splits.JOINED[settings.split])]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vectors = describe_all(tracks, settings, survey.is_gtzan)
        answers = [answer for fold, parts in enumerate(folds) for answer in classify_fold(parts, vectors, fold)]
    clips = as_clips(answers, len(survey.genres))
    election = hold_election(clips, None)
    summary = {
        "net": NAME,
        "split": paths.joined_folds(settings.split),
        "dtype": "float",
        "seed": SEED,
        "ranks": 1,
        "iteration": 0,
        **score(clips, election),
        "genres": list(survey.genres),
        "command": cli.command_line(),
        "run": NAME,
        "data_fingerprint": roots.fingerprint(args.data_root, settings.build),
    }
    name = paths.variant(NAME, settings.differences(LMDB))
    folder = paths.votes_folder(settings.build, paths.joined_folds(settings.split), name)
    write_votes(folder, clips, election, summary)
    print_table(summary, folder)


if __name__ == "__main__":
    cli.run("baseline", main)
