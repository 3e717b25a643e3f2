"""What a library of any music holds: genres, songs, hours, formats, rates, artists, songs that are alike."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tools.cli import printable
from tools.processes import map_songs
from tools.songs import audio
from tools.songs.tracks import Survey, Track

SHORTEST = audio.MINIMUM_SAMPLES / audio.SAMPLE_RATE  # seconds, for all views


@dataclass(frozen=True)
class Look:
    """What was found in a song's file: its length, rate and channels, or the reason why it can't be used."""

    seconds: float = 0.0
    rate: int = 0
    channels: int = 0
    reason: str = ""


def look_at(track: Track) -> Look:
    try:
        channels, rate = audio.read_channels(track.path)
        audio.check_sound(track.path, channels)
    except audio.SongError as error:
        return Look(reason=error.reason)
    return Look(len(channels) / rate, rate, channels.shape[1])


def overview(survey: Survey) -> int:
    """Print the overview, and a line for each file that is not used. Returns 1 if one of these should be a song.

    A picture in a folder of songs is nothing wrong. A row of a table that names one is.
    """
    looks = dict(zip((t.track for t in survey.tracks), map_songs(look_at, survey.tracks, jobs=None, label="check")))
    width = max(len(printable(genre)) for genre in survey.genres)
    print(f"{'genre':{width}}{'songs':>8}{'hours':>8}{'artists':>9}")
    for genre in survey.genres:
        tracks = [track for track in survey.tracks if track.genre == genre]
        hours = sum(looks[track.track].seconds for track in tracks) / 3600
        artists = {track.artist for track in tracks if track.artist}
        print(f"{printable(genre):{width}}{len(tracks):8}{hours:8.2f}{len(artists) or '-':>9}")
    print_counts("format", Counter(track.path.suffix.lower() for track in survey.tracks))
    print_counts("sample rate", Counter(f"{look.rate} Hz" for look in looks.values() if look.rate))
    print_counts("channels", Counter(str(look.channels) for look in looks.values() if look.channels))
    if any(track.part for track in survey.tracks):
        print_counts("part", Counter(track.part or "none" for track in survey.tracks))
    for track, first in survey.alike.items():
        print(f"alike byte for byte: {printable(track)} and {printable(first)}")
    for track, look in looks.items():
        if 0 < look.seconds < SHORTEST:
            need = f"left out of views that need more, up to {SHORTEST:.2f} s"
            print(f"short: {printable(track)}: {look.seconds:.2f} s: {need}")
    wrong = {track: look.reason for track, look in looks.items() if look.reason}
    for track, reason in wrong.items():
        print(f"wrong: {printable(track)}: {reason}")
    for odd in survey.left_out:
        print(f"left out: {odd.file}: {odd.reason}")
    used = (
        f"{len(survey.tracks) - len(wrong)} of {len(survey.tracks)} songs, of {len(survey.genres)} genres, can be used"
    )
    print(f"{printable(survey.root)}: {used}" + "; 'make lmdb' leaves the others out" * bool(wrong))
    is_table = not survey.root.is_dir()
    return int(bool(wrong) or any(is_table or not odd.reason.startswith("not audio") for odd in survey.left_out))


def print_counts(what: str, counts: Counter[str]) -> None:
    print(f"{what}: {', '.join(f'{name} ({number} songs)' for name, number in counts.most_common())}")
