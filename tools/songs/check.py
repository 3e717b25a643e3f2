"""Whether the songs of a data root are all there, can be used and are the genuine ones of GTZAN."""

from __future__ import annotations

from tools.cli import printable
from tools.processes import map_songs
from tools.songs import audio, genuine
from tools.songs.gtzan import GENRES, SONGS_A_GENRE, number_of
from tools.songs.tracks import Survey, Track


def check_gtzan(found: Survey) -> int:
    """Print a line per genre and one per thing that is wrong. Returns 0 if all is good, otherwise 1."""
    missing = missing_tracks(found.tracks)
    wrong = check_songs(found.tracks, genuine.read_checksums())
    for genre in GENRES:
        tracks = [track for track in found.tracks if track.genre == genre]
        bad = sum(track.track in wrong for track in tracks)
        print(f"{genre:10}{describe_genre(tracks, missing[genre], bad, is_full(found.tracks))}")
    for names in missing.values():
        whole_genre = [f"{names[0]} to {names[-1]}"] if len(names) == SONGS_A_GENRE else names
        for name in whole_genre:
            print(f"missing: {name}")
    for reason in wrong.values():
        print(f"wrong: {reason}")
    for odd in found.left_out:
        print(f"left out: {odd.file}: {odd.reason}")
    if wrong or found.left_out or any(missing.values()):
        return 1
    print(f"all {len(found.tracks)} songs are genuine and in order")
    return 0


def missing_tracks(tracks: list[Track]) -> dict[str, list[str]]:
    """The names of the songs that should be there and aren't, by genre.

    In a set with most of the 1000 songs, each of the others is missing. A smaller set is taken for the first songs of
    each genre, up to the highest number in it: only the gaps inside are missing. Where most would be gaps, it is taken
    for a selection, and only genres without a song are missing.
    """
    highest = max(number_of(track.track) for track in tracks)
    expected = SONGS_A_GENRE if is_full(tracks) else min(highest + 1, SONGS_A_GENRE)
    present, present_genres = {track.track for track in tracks}, {track.genre for track in tracks}
    selection = len(tracks) <= expected * len(GENRES) // 2
    missing = {}
    for genre in GENRES:
        absent = [f"{genre}.{number:05}" for number in range(expected) if f"{genre}.{number:05}" not in present]
        missing[genre] = [] if selection and genre in present_genres else absent
    return missing


def is_full(tracks: list[Track]) -> bool:
    """Whether this is meant to be all of GTZAN, as opposed to a subset: most of its songs are there."""
    return len(tracks) > SONGS_A_GENRE * len(GENRES) // 2


def check_song(track: Track, md5: str | None) -> str | None:
    """What is wrong with a song, in words; None if it is the genuine one and can be used."""
    try:
        audio.read_song(track.path)
    except audio.SongError as error:
        return str(error)
    if md5 is None:
        return f"{printable(track.path)}: no song of GTZAN has this name"
    if not genuine.is_genuine(track.path, md5):
        return f"{printable(track.path)}: not the genuine song: the md5 of its WAV file should be {md5}"
    return None


def check_songs(tracks: list[Track], checksums: dict[str, str]) -> dict[str, str]:
    """What is wrong with each song that has something wrong with it, by track name; a process per core."""
    md5s = [checksums.get(track.track) for track in tracks]
    reasons = map_songs(check_song, tracks, md5s, jobs=None, label="check")
    return {track.track: reason for track, reason in zip(tracks, reasons) if reason}


def describe_genre(tracks: list[Track], missing: list[str], bad: int, full: bool) -> str:
    """One genre's line of the report, such as ``10 songs, a subset: 10 of 100``."""
    parts = [f"{len(tracks)} songs"]
    if tracks and not full:
        parts.append(f"a subset: {len(tracks)} of {SONGS_A_GENRE}")
    if missing:
        parts.append(f"{len(missing)} missing")
    if bad:
        parts.append(f"{bad} not in order")
    return ", ".join(parts)
