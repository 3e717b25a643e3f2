"""What a library of any music holds: genres, songs, hours, formats, rates, artists, songs that are alike."""

from __future__ import annotations

from collections import Counter

from tools.cli import printable
from tools.processes import map_songs
from tools.songs import audio
from tools.songs.audio import Header
from tools.songs.tracks import Survey, Track

SHORTEST = audio.MINIMUM_SAMPLES / audio.SAMPLE_RATE  # seconds, for all views


def look_at(track: Track) -> Header | str:
    """What was found in a song's file, or the reason why it can't be used."""
    try:
        channels, rate = audio.read_channels(track.path)
        audio.check_sound(track.path, channels)
    except audio.SongError as error:
        return error.reason
    return Header(len(channels), rate, channels.shape[1])


def overview(survey: Survey) -> int:
    """Print the overview, and a line for each file that is not used. Returns 1 if one of these should be a song.

    A picture in a folder of songs is nothing wrong. A row of a table that names one is.
    """
    looks = dict(zip((t.track for t in survey.tracks), map_songs(look_at, survey.tracks, jobs=None, label="check")))
    wrong = {track: look for track, look in looks.items() if isinstance(look, str)}
    headers = {track: look for track, look in looks.items() if isinstance(look, Header)}
    width = max(len(printable(genre)) for genre in survey.genres)
    print(f"{'genre':{width}}{'songs':>8}{'hours':>8}{'artists':>9}")
    for genre in survey.genres:
        tracks = [track for track in survey.tracks if track.genre == genre]
        seconds = sum(headers[t.track].frames / headers[t.track].rate for t in tracks if t.track in headers)
        artists = {track.artist for track in tracks if track.artist}
        print(f"{printable(genre):{width}}{len(tracks):8}{seconds / 3600:8.2f}{len(artists) or '-':>9}")
    print_counts("format", Counter(track.path.suffix.lower() for track in survey.tracks))
    print_counts("sample rate", Counter(f"{header.rate} Hz" for header in headers.values()))
    print_counts("channels", Counter(str(header.channels) for header in headers.values()))
    if any(track.part for track in survey.tracks):
        print_counts("part", Counter(track.part or "none" for track in survey.tracks))
    for track, first in survey.alike.items():
        print(f"alike byte for byte: {printable(track)} and {printable(first)}")
    for track, header in headers.items():
        if 0 < (seconds := header.frames / header.rate) < SHORTEST:
            need = f"left out of views that need more, up to {SHORTEST:.2f} s"
            print(f"short: {printable(track)}: {seconds:.2f} s: {need}")
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
