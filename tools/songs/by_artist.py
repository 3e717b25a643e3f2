"""The split artist: three folds without an artist on both sides, as they were published for GTZAN, or drawn."""

from __future__ import annotations

import warnings
from functools import lru_cache

from tools.cli import UserError
from tools.songs import gtzan
from tools.songs.tracks import Survey, Track

ARTIST_FOLDS = 3
ARTIST_SEED = 2016

Parts = dict[str, list[Track]]


def artist_split(survey: Survey, fold: int) -> Parts:
    """Three folds without an artist on both sides.

    Of all 1000 songs of GTZAN the published folds (`tools.songs.gtzan.artists`), less the 52 songs that are in none;
    else scikit-learn's StratifiedGroupKFold over all songs. A song of no known artist is an artist of its own, and
    songs that are alike are by one artist.
    """
    songs = sorted(survey.tracks, key=lambda track: (track.genre, track.track))
    if survey.is_gtzan and len(songs) == gtzan.SONGS_A_GENRE * len(gtzan.GENRES):
        published = {track: part for track, (_, part) in gtzan.artists().items()}
        songs = [song for song in songs if song.track in published]
        tested_by = tuple(published[song.track] for song in songs)
    else:
        tested_by = draw_by_artist(tuple(song.genre for song in songs), tuple(artist_groups(songs, survey.alike)))
    return {
        "train": [song for song, own in zip(songs, tested_by) if own != fold],
        "test": [song for song, own in zip(songs, tested_by) if own == fold],
    }


@lru_cache(maxsize=1)  # of all folds and views the draw is one, and of many songs it takes seconds
def draw_by_artist(genres: tuple[str, ...], artists: tuple[str, ...]) -> tuple[int, ...]:
    """The fold that tests each song, of whose genre and artist one is given. UserError for fewer artists than folds."""
    from sklearn.model_selection import StratifiedGroupKFold

    if len(set(artists)) < ARTIST_FOLDS:
        raise UserError(
            f"SPLIT=artist: {len(set(artists))} artists are too few for {ARTIST_FOLDS} folds: use SPLIT=song"
        )
    folds = StratifiedGroupKFold(ARTIST_FOLDS, shuffle=True, random_state=ARTIST_SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of genres with fewer songs than folds: `why_no_fold` says what is wrong then
        drawn = {song: fold for fold, (_, tested) in enumerate(folds.split(genres, genres, artists)) for song in tested}
    return tuple(drawn[song] for song in range(len(genres)))


def artist_groups(songs: list[Track], alike: dict[str, str]) -> list[str]:
    """The artist of each song; of songs that are alike, one artist, and all that are by either of theirs."""
    artist = {song.track: song.artist and f"artist {song.artist}" or f"song {song.track}" for song in songs}
    joined: dict[str, str] = {}  # an artist who is one with another, and that other

    def one(name: str) -> str:
        while name in joined:
            joined[name] = joined.get(joined[name], joined[name])  # the way is half as long for the next
            name = joined[name]
        return name

    for track, first in alike.items():
        if track in artist and first in artist and one(artist[track]) != one(artist[first]):
            joined[one(artist[track])] = one(artist[first])
    return [one(artist[song.track]) for song in songs]
