"""Any music: folders of any names and tables, as people keep them."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.cli import UserError
from tools.convert.lmdbs import record_key, short_name
from tools.settings import GTZAN_GENRES, parse
from tools.songs import by_artist, roots, splits
from tools.songs.tracks import Survey, Track


def write(root: Path, *names: str) -> Path:
    """Files of these names, each with bytes of its own."""
    for number, name in enumerate(names):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(f"sound {number}".encode())
    return root


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return write(
        tmp_path / "music",
        "techno/Album One/01 Intro.mp3",
        "techno/Album One/02 Song.flac",
        "techno/loose.m4a",
        "Народная/Песня.ogg",
        "Народная/cover.jpg",
        "ambient/a.wav",
        "ambient/a.mp3",
        "stray.mp3",
    )


def test_genres_are_the_folders_sorted_by_name(library):
    found = roots.survey(library)
    assert not found.is_gtzan
    assert found.genres == ("ambient", "techno", "Народная")
    assert {track.genre: track.label for track in found.tracks} == {"ambient": 0, "techno": 1, "Народная": 2}


def test_a_song_is_named_by_its_path_below_the_root_without_suffix_but_where_two_are_equal(library):
    assert [track.track for track in roots.survey(library).tracks] == [
        "ambient/a.mp3",
        "ambient/a.wav",
        "techno/Album One/01 Intro",
        "techno/Album One/02 Song",
        "techno/loose",
        "Народная/Песня",
    ]


def test_every_file_that_is_not_used_is_named_with_the_reason(library):
    (library / "empty").mkdir()
    (library / "techno" / "gone.mp3").symlink_to(library / "nowhere.mp3")
    assert {odd.file: odd.reason for odd in roots.survey(library).left_out} == {
        "stray.mp3": "in no genre's folder",
        "Народная/cover.jpg": "not audio (.jpg)",
        "empty": "a folder without an audio file",
        "techno/gone.mp3": "a link to nothing",
    }


def test_names_stay_apart_where_a_suffix_makes_one_like_another(tmp_path):
    root = write(tmp_path, "a/x.mp3", "a/x.wav", "a/x.wav.ogg", "a/x.wav.ogg.flac", "a/y.wav.ogg", "b/y.mp3")
    assert [track.track for track in roots.survey(root).tracks] == [
        "a/x.mp3",
        "a/x.wav",
        "a/x.wav.ogg",
        "a/x.wav.ogg.flac",
        "a/y.wav",
        "b/y",
    ]


def test_songs_alike_byte_for_byte_are_drawn_as_one(tmp_path):
    root = write(tmp_path, *(f"{genre}/{n:02}.mp3" for genre in ("a", "b") for n in range(10)))
    for copy in ("a/copy.mp3", "b/copy.mp3"):  # also where they are of two genres
        (root / copy).write_bytes((root / "a" / "03.mp3").read_bytes())
    found = roots.survey(root)
    assert found.alike == {"a/copy": "a/03", "b/copy": "a/03"}
    for split, folds in (("song", range(5)), ("inner", range(1, 5)), ("artist", range(3)), ("artist-inner", (1, 2))):
        for fold in folds:
            for songs in splits.song_parts(found, split, fold).values():
                assert len({"a/copy", "b/copy", "a/03"} & {track.track for track in songs}) in (0, 3)


def test_songs_alike_under_two_genres_are_on_one_side_too(tmp_path):
    root = write(tmp_path, *(f"{genre}/{n:02}.mp3" for genre in ("a", "b") for n in range(10)))
    for n in range(10):
        (root / "b" / f"copy {n}.mp3").write_bytes((root / "a" / f"{n:02}.mp3").read_bytes())
    for fold in range(5):
        parts = splits.song_parts(roots.survey(root), "song", fold)
        tested = {track.track for track in parts["test"]}
        assert {f"a/{n:02}" in tested for n in range(10)} == {True, False}
        assert all((f"a/{n:02}" in tested) == (f"b/copy {n}" in tested) for n in range(10))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("only/a.mp3",), "it has songs of 1 genres: 2 to 100 are needed"),
        (tuple(f"g{n}/a.mp3" for n in range(101)), "101 genres"),
        (("a/x.txt", "b/y.txt"), "0 genres"),
        (("undecided/x.mp3", "b/y.mp3"), "a genre can't be called undecided"),
    ],
)
def test_too_few_genres_and_too_many_are_refused(tmp_path, names, words):
    with pytest.raises(UserError, match=words):
        roots.survey(write(tmp_path, *names))


def test_a_folder_beside_the_ten_makes_a_root_any_music(tmp_path):
    gtzan = tuple(f"{genre}/{genre}.0000{n}.wav" for genre in ("blues", "jazz") for n in range(3))
    assert roots.survey(write(tmp_path / "gtzan", *gtzan)).is_gtzan
    found = roots.survey(write(tmp_path / "more", *gtzan, "techno/a.wav"))
    assert not found.is_gtzan
    assert found.genres == ("blues", "jazz", "techno")


def test_gtzan_in_another_format_is_any_music(tmp_path):
    """A root is GTZAN where most songs are <genre>.NNNNN.{wav,au,flac}; an odd one is left out there."""
    names = [f"{genre}/{genre}.0000{n}" for genre in ("blues", "jazz") for n in range(3)]
    found = roots.survey(write(tmp_path / "mp3", *(f"{name}.mp3" for name in names)))
    assert (found.is_gtzan, found.genres) == (False, ("blues", "jazz"))
    assert [track.track for track in found.tracks] == [f"{name}" for name in names]
    found = roots.survey(write(tmp_path / "most", *(f"{name}.wav" for name in names), "jazz/jazz.00009.mp3"))
    assert (found.is_gtzan, len(found.tracks)) == (True, 6)
    assert [odd.file for odd in found.left_out] == ["jazz/jazz.00009.mp3"]


def test_gtzans_ten_genres_can_be_chosen_out_of_more():
    twelve = (*GTZAN_GENRES, "techno", "zouk")
    named = parse({"genres": " ".join(GTZAN_GENRES)}).genres
    assert roots.check_genres(named, twelve) == GTZAN_GENRES
    assert roots.check_genres(named, GTZAN_GENRES) == roots.check_genres((), GTZAN_GENRES)


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_genres_are_chosen_as_the_refusal_of_others_shows_them(tmp_path):
    genres = roots.survey(write(tmp_path, "Soul, Funk/a.wav", "hip hop/a.wav", "jazz/a.wav")).genres
    with pytest.raises(UserError, match="""^GENRES='hip hop jazz': hip is none of "Soul, Funk" "hip hop" jazz$"""):
        roots.check_genres(parse({"genres": "hip hop jazz"}).genres, genres)
    assert roots.check_genres(parse({"genres": '"Soul, Funk" "hip hop" jazz'}).genres, genres) == genres
    assert roots.check_genres(parse({"genres": '"Soul, Funk", hip hop'}).genres, genres) == ("Soul, Funk", "hip hop")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """30 songs by 6 artists, two genres; semicolons and a byte-order mark, as spreadsheets write them."""
    write(tmp_path, *(f"songs/{n:02}.mp3" for n in range(30)))
    rows = [f"songs/{n:02}.mp3;{'ab'[n % 2]};artist {n // 5};{('train', 'test')[n % 3 == 0]}" for n in range(30)]
    (tmp_path / "songs.csv").write_text("\ufeffPath;Genre;Artist;Part\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "songs.csv"


def test_a_table_names_songs_genres_artists_and_parts(table):
    found = roots.survey(table)
    assert (len(found.tracks), found.genres) == (30, ("a", "b"))
    first = found.tracks[0]
    assert (first.track, first.genre, first.artist, first.part) == ("songs/00", "a", "artist 0", "test")
    assert first.path == table.parent / "songs/00.mp3"


def test_no_artist_is_on_both_sides_and_each_song_is_tested_once(table):
    found = roots.survey(table)
    folds = [splits.song_parts(found, "artist", fold) for fold in range(3)]
    for parts in folds:
        trained, tested = ({song.artist for song in parts[part]} for part in ("train", "test"))
        assert not trained & tested
    tested = [song.track for parts in folds for song in parts["test"]]
    assert sorted(tested) == sorted(song.track for song in found.tracks)


def test_the_drawn_folds_are_scikit_learns(table):
    from sklearn.model_selection import StratifiedGroupKFold

    songs = sorted(roots.survey(table).tracks, key=lambda song: (song.genre, song.track))
    folds = StratifiedGroupKFold(3, shuffle=True, random_state=2016)
    genres, artists = [song.genre for song in songs], [song.artist for song in songs]
    for fold, (_, tested) in enumerate(folds.split(songs, genres, artists)):
        drawn = splits.song_parts(roots.survey(table), "artist", fold)["test"]
        assert {song.track for song in drawn} == {songs[i].track for i in tested}


def test_the_parts_of_a_table_are_taken_as_given(table):
    parts = splits.song_parts(roots.survey(table), "given", 0)
    assert {part: len(songs) for part, songs in parts.items()} == {"train": 20, "test": 10}


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("path,genre,part", "songs/00.mp3,a,", "songs/00 has no part"),
        ("path,genre,part", "songs/00.mp3,a,train", "no row of the part test"),
    ],
)
def test_parts_that_are_missing_are_named(tmp_path, header, row, words):
    write(tmp_path, "songs/00.mp3", "songs/01.mp3")
    file = tmp_path / "songs.csv"
    file.write_text(f"{header}\n{row}\nsongs/01.mp3,b,train\n")
    with pytest.raises(UserError, match=words):
        splits.song_parts(roots.survey(file), "given", 0)


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_rows_that_name_no_song_are_left_out_with_the_reason(tmp_path):
    write(tmp_path, "a.mp3", "b.mp3", "c.txt")
    (tmp_path / "t.csv").write_text("path,genre,part\na.mp3,x,\nb.mp3,y,\nnone.mp3,x,\nc.txt,x,\n,x,\nb.mp3,y,later\n")
    assert [(odd.file, odd.reason) for odd in roots.survey(tmp_path / "t.csv").left_out] == [
        ("none.mp3", "there is no such file"),
        ("c.txt", "not audio (.txt)"),
        ("line 6", "a row without a path or a genre"),
        ("b.mp3", "its part is 'later': give train, valid or test"),
    ]


def test_a_song_that_is_listed_twice_is_one(tmp_path):
    write(tmp_path, "a.mp3", "b.mp3")
    (tmp_path / "t.csv").write_text("path,genre\na.mp3,x\nb.mp3,y\na.mp3,x\na.mp3,y\n")
    found = roots.survey(tmp_path / "t.csv")
    assert [(track.track, track.genre) for track in found.tracks] == [("a", "x"), ("b", "y")]
    assert [(odd.file, odd.reason) for odd in found.left_out] == [("a.mp3", "listed twice")] * 2


def test_a_table_may_hold_any_letter_in_a_name(tmp_path):
    """Quotes, commas, and what Python counts as line ends and CSV does not."""
    names = ['a, "b".mp3', "a;b.mp3", "a\u2028b.mp3", "a\x85b.mp3", "a\x0bb.mp3", "a\nb.mp3"]
    write(tmp_path, *names)
    with (tmp_path / "t.csv").open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL)
        rows.writerow(["path", "genre"])
        rows.writerows([name, "xy"[number % 2]] for number, name in enumerate(names))
    found = roots.survey(tmp_path / "t.csv")
    assert {track.track for track in found.tracks} == {name[:-4] for name in names}


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_a_table_without_its_columns_is_refused(tmp_path):
    (tmp_path / "t.csv").write_text("file,genre\na.mp3,x\n")
    with pytest.raises(UserError, match="no column 'path'"):
        roots.survey(tmp_path / "t.csv")


# What spreadsheets, old machines and chance put into a cell, as CSV has it
ODD_NAMES = ['"k,l"', '"m""n"', '"i\nj"', '"i\r\nj"', "e\u2028f", "g\x85h", "o\x0cp", "q\x1cr", "'s'", " t u", "\u00e9"]


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize("cell", ODD_NAMES)
def test_a_name_with_line_ends_and_quotes_in_it_is_one_cell(tmp_path, cell):
    name = cell.strip().strip('"').replace('""', '"')
    write(tmp_path, f"{name}.mp3", "b.mp3")
    (tmp_path / "t.csv").write_bytes(f"path,genre\n{cell}.mp3,x\nb.mp3,y\n".replace('".mp3', '.mp3"').encode())
    found = roots.survey(tmp_path / "t.csv")
    assert {track.track for track in found.tracks} == {name, "b"}
    assert not found.left_out


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("path,genre\na.mp3,x\nb\0.mp3,y\n", "NUL, in the row after line 2: mend it"),
        (f"path,genre\na.mp3,x\n{'b' * 200_000},y\n", "field limit .*, in the row after line 2: mend it"),
        ('path,genre\na.mp3,x\n"b.mp3,y\nc.mp3,y\n', "unexpected end of data, in the row after line 2: mend it"),
        ("path,genre,Path\na.mp3,x,b.mp3\n", "two columns 'path'"),
        ("path,genre,genre\na.mp3,x,y\n", "two columns 'genre'"),
    ],
)
def test_a_table_that_can_be_read_in_two_ways_is_refused_in_one_line(tmp_path, table, words):
    write(tmp_path, "a.mp3", "b.mp3", "c.mp3")
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(UserError, match=words) as refused:
        roots.survey(tmp_path / "t.csv")
    assert "\n" not in str(refused.value)


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_a_name_too_long_for_the_disk_and_a_row_that_comes_twice_are_left_out(tmp_path):
    write(tmp_path, "a.mp3", "b.mp3")
    (tmp_path / "t.csv").write_text(f"path,genre\na.mp3,x\nb.mp3,y\n{'b' * 300}.mp3,y\na.mp3,y\n")
    found = roots.survey(tmp_path / "t.csv")
    assert {track.track: track.genre for track in found.tracks} == {"a": "x", "b": "y"}
    assert [odd.reason for odd in found.left_out] == ["File name too long", "listed twice"]


def test_one_song_by_two_names_is_given_one_part(tmp_path):
    write(tmp_path, "a.mp3", "b.mp3")
    (tmp_path / "t.csv").write_text("path,genre,part\na.mp3,x,train\nb.mp3,y,test\n./a.mp3,x,test\n")
    with pytest.raises(UserError, match="SPLIT=given: a and ./a are one song, byte for byte: give both the same part"):
        splits.song_parts(roots.survey(tmp_path / "t.csv"), "given", 0)


def by_artists(tmp_path: Path, **artists: str) -> Survey:
    """A song by each artist (a letter) of each genre."""
    songs = [(genre, f"{genre}{n}", artist) for genre, names in artists.items() for n, artist in enumerate(names)]
    write(tmp_path, *(f"{song}.mp3" for _, song, _ in songs))
    rows = [f"{song}.mp3,{genre},{artist}" for genre, song, artist in songs]
    (tmp_path / "t.csv").write_text("path,genre,artist\n" + "\n".join(rows))
    return roots.survey(tmp_path / "t.csv")


@pytest.mark.parametrize(("artists", "number"), [("KKKKKK", 1), ("KKLL", 2)])
def test_a_genre_whose_artists_are_too_few_is_named(tmp_path, artists, number):
    found = by_artists(tmp_path, a="ABCDEF", b=artists, c="GHI")
    reasons = [splits.why_no_fold(found, "artist", fold, ("a", "b")) for fold in range(3)]
    words = rf"of FOLD=\d has no song of b: a genre needs 3 artists, b has {number}: name the other genres with GENRES="
    assert any(reasons)
    for reason in filter(None, reasons):
        assert re.fullmatch(f"SPLIT=artist: the (train|test) part {words}", reason)
    assert not any(splits.why_no_fold(found, "artist", fold, ("a",)) for fold in range(3))
    assert not any(splits.why_no_fold(found, "song", fold, ("a", "b")) for fold in range(5))


def test_a_genre_that_the_draw_leaves_out_of_a_part_has_artists_enough_and_is_told_so(tmp_path):
    found = by_artists(tmp_path, a="ABCDE", b="KKKMMN")
    reasons = [splits.why_no_fold(found, "artist", fold, ("a", "b")) for fold in range(3)]
    for fold, reason in enumerate(reasons):
        drawn = splits.song_parts(found, "artist", fold)
        lacking = [part for part, songs in drawn.items() if {song.genre for song in songs} != {"a", "b"}]
        assert bool(reason) == bool(lacking)
    assert [reason for reason in reasons if reason] == [
        "SPLIT=artist: the test part of FOLD=0 has no song of b: it has artists enough, but they were drawn "
        "so: name the other genres with GENRES=, or give parts of your own in a table, with SPLIT=given"
    ]


@given(st.lists(st.integers(0, 6), min_size=12, max_size=12), st.dictionaries(st.integers(0, 11), st.integers(0, 11)))
def test_artists_of_songs_that_are_alike_are_one_however_many_songs_join_them(artists, alike):
    """As the connected parts of a graph are by SciPy, with an edge between songs of one artist and songs alike."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    songs = [
        Track(f"{n:02}", "a", 0, Path(f"{n:02}.mp3"), f"{artist}" if artist else "") for n, artist in enumerate(artists)
    ]
    groups = by_artist.artist_groups(songs, {f"{one:02}": f"{other:02}" for one, other in alike.items()})
    edges = [(n, artists.index(artist)) for n, artist in enumerate(artists) if artist] + [*alike.items()]
    rows, columns = zip(*edges, (0, 0))
    _, parts = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(12, 12)), directed=False)
    assert len(set(zip(groups, parts))) == len(set(groups)) == len(set(parts))


def test_twenty_thousand_songs_that_are_alike_by_as_many_artists_are_joined_at_once():
    songs = [Track(f"{n:05}", "a", 0, Path(f"{n:05}.mp3")) for n in range(20_000)]
    began = time.process_time()
    groups = by_artist.artist_groups(songs, {f"{n:05}": f"{n % 10:05}" for n in range(10, 20_000)})
    assert len(set(groups)) == 10
    assert time.process_time() - began < 5, "a pass over all songs for each of them takes minutes"


def test_all_of_gtzan_has_the_published_artist_folds():
    from tools.songs.gtzan import GENRES, artists
    from tools.songs.tracks import Survey

    tracks = [Track(f"{g}.{n:05}", g, i, Path(f"{g}.{n:05}.wav")) for i, g in enumerate(GENRES) for n in range(100)]
    found = Survey(Path("gtzan"), True, GENRES, tracks)
    folds = [splits.song_parts(found, "artist", fold) for fold in range(3)]
    assert sum(len(parts["test"]) for parts in folds) == 948
    for fold, parts in enumerate(folds):
        assert {artists()[song.track][1] for song in parts["test"]} == {fold}
        assert len(parts["train"]) + len(parts["test"]) == 948


def test_a_long_name_is_cut_in_a_key_and_told_apart_by_its_hash():
    one, other = "ж" * 300, "ж" * 299 + "з"
    assert short_name("ж" * 200) == "ж" * 200
    assert len(record_key(0, one, 0).encode()) < 511
    assert short_name(one) != short_name(other)
    assert short_name(one)[-9] == "~"
