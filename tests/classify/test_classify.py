"""Songs of any kind, cut as in training, and what their clips decide."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from listening import ITERATIONS, train_briefly

from tools import files, paths
from tools.classify.__main__ import find_songs
from tools.classify.model import SHIPPED, choose_model, kept_apart, newest_run
from tools.classify.output import Heard, table, tell
from tools.classify.song import cut_song, read_song
from tools.classify.verdict import hear, judge
from tools.cli import UserError
from tools.convert import features
from tools.convert.views import VIEWS
from tools.settings import Settings
from tools.songs.audio import LONGEST_SAMPLES, SAMPLE_RATE, SongError
from tools.songs.gtzan import GENRES

SETTINGS = Settings()
SONG = Path("song.wav")


def noise(samples: int, seed: int = 0) -> np.ndarray:
    """Noise that swells and fades, so that its frames differ in level."""
    swell = 0.2 + np.abs(np.sin(np.arange(samples) / 50_000))
    return (np.random.default_rng(seed).normal(0, 0.1, samples) * swell).astype(np.float32)


# --- cutting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("samples", [640_768, 661_794, LONGEST_SAMPLES])
def test_a_song_of_training_length_is_cut_exactly_as_the_lmdbs_are(view: str, samples: int) -> None:
    waveform = noise(samples)
    expected = features.views_of(waveform, SETTINGS, [VIEWS[view]])[view]
    np.testing.assert_array_equal(cut_song(SONG, waveform, VIEWS[view], SETTINGS).clips, expected)


def test_the_int_variant_is_rounded_as_its_lmdb_is() -> None:
    waveform = noise(661_794)
    clips = cut_song(SONG, waveform, VIEWS["cnn"], Settings(dtype="int")).clips
    assert clips.dtype == np.uint8
    np.testing.assert_array_equal(clips, np.rint(features.views_of(waveform, SETTINGS, [VIEWS["cnn"]])["cnn"]))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("seconds", [30, 70])
def test_the_level_of_a_song_cancels(view: str, seconds: int) -> None:
    waveform = noise(seconds * SAMPLE_RATE)
    loud = cut_song(SONG, waveform, VIEWS[view], SETTINGS).clips
    for level in (10 ** (-60 / 20), 10 ** (-30 / 20), 4.0):
        np.testing.assert_allclose(
            cut_song(SONG, waveform * np.float32(level), VIEWS[view], SETTINGS).clips, loud, atol=2e-3
        )


@pytest.mark.parametrize(("view", "frame", "frames"), [("cnn", 256, 166), ("lstm", 1024, 20), ("song", 256, 2500)])
def test_a_long_song_has_every_clip_that_fits_in_it(view: str, frame: int, frames: int) -> None:
    window = 2048 if view == "lstm" else 1024
    song = cut_song(SONG, noise(95 * SAMPLE_RATE), VIEWS[view], SETTINGS)
    assert len(song.clips) == (1 + (95 * SAMPLE_RATE - window) // frame) // frames
    assert song.clip_seconds == frames * frame / SAMPLE_RATE


@pytest.mark.parametrize("clip", [0, 20, 40])
def test_a_clip_of_a_long_song_is_what_training_would_have_seen_in_the_excerpt_around_it(clip: int) -> None:
    waveform = noise(90 * SAMPLE_RATE)
    waveform[: 45 * SAMPLE_RATE] *= 0.1  # 20 dB: another maximum than the rest of the song has
    frames, total = 1 + (LONGEST_SAMPLES - 1024) // 256, 1 + (len(waveform) - 1024) // 256
    first = min(max(clip * 166 + 83 - frames // 2, 0), total - frames)
    excerpt = waveform[first * 256 : (first + frames - 1) * 256 + 1024]
    expected = features.image_of(excerpt, VIEWS["cnn"], SETTINGS)[clip * 166 - first :][:166].T
    found = cut_song(SONG, waveform, VIEWS["cnn"], SETTINGS).clips[clip, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("decibel", "brightest"), [(-30, 255), (-40, 255), (-80, 255 * 40 / 80), (-130, 0)])
def test_a_pause_in_a_long_song_is_levelled_by_40_db_at_most(decibel: float, brightest: float) -> None:
    waveform = noise(150 * SAMPLE_RATE)
    music, pause = waveform[: 50 * SAMPLE_RATE], waveform[60 * SAMPLE_RATE : 140 * SAMPLE_RATE]
    pause[:] = np.resize(music, len(pause)) * 10 ** (decibel / 20)
    clips = cut_song(SONG, waveform, VIEWS["cnn"], SETTINGS).clips
    inside = clips[45:55].max()  # at 87 to 106 s, with nothing but the pause in the 30 s around them
    assert inside == pytest.approx(brightest, abs=8)
    assert clips[5].max() > 230


def test_a_song_of_one_clip_is_enough_and_a_sample_less_is_not() -> None:
    shortest = 165 * 256 + 1024
    assert len(cut_song(SONG, noise(shortest), VIEWS["cnn"], SETTINGS).clips) == 1
    with pytest.raises(SongError, match="song.wav: too short: 1.96 s, and this network needs 1.97 s"):
        cut_song(SONG, noise(shortest - 1), VIEWS["cnn"], SETTINGS)


def test_silence_is_no_song() -> None:
    with pytest.raises(SongError, match="silent"):
        cut_song(SONG, np.full(100_000, 5e-5, np.float32), VIEWS["cnn"], SETTINGS)


# --- deciding -------------------------------------------------------------------------------------------------------


def clips_for(*genres: str, sure: float = 0.5) -> np.ndarray:
    """A clip that votes for each of these, with probability ``sure``."""
    probabilities = np.full((len(genres), len(GENRES)), (1 - sure) / 9)
    for clip, genre in enumerate(genres):
        probabilities[clip, GENRES.index(genre)] = sure
    return probabilities


def test_the_genre_with_most_votes_wins_if_it_has_five_of_fifteen() -> None:
    spread = ["blues"] * 3 + ["jazz"] * 3 + ["rock"] * 3 + ["pop"] * 2
    assert judge(GENRES, clips_for(*spread, *["metal"] * 4), 2.0).decision == "undecided"
    verdict = judge(GENRES, clips_for(*spread[1:], *["metal"] * 5), 2.0)
    assert verdict.decision == "metal"
    assert verdict.votes[GENRES.index("metal")] == 5
    assert verdict.votes.sum() == 15


def test_a_tie_goes_to_the_higher_mean_probability() -> None:
    probabilities = np.concatenate([clips_for(*["blues"] * 7), clips_for(*["disco"] * 7, sure=0.6)])
    assert judge(GENRES, probabilities, 2.0).decision == "disco"


@pytest.mark.parametrize(("clips", "needed"), [(1, 1), (3, 1), (15, 5), (30, 10), (120, 40)])
def test_the_threshold_goes_in_proportion_with_the_clips(clips: int, needed: int) -> None:
    assert judge(GENRES, clips_for(*["pop"] * clips), 2.0).threshold == needed


def test_the_time_line_joins_neighbours_of_one_vote() -> None:
    verdict = judge(GENRES, clips_for("rock", "rock", "metal", "rock"), 2.0)
    assert list(verdict.stretches()) == [
        (0.0, 4.0, "rock", 0.5),
        (4.0, 6.0, "metal", 0.5),
        (6.0, 8.0, "rock", 0.5),
    ]


def test_names_of_songs_and_genres_keep_to_their_lines() -> None:
    genres = ("a\ngenre", "\x1b[2Jcleared")
    verdict = judge(genres, np.array([[0.9, 0.1], [0.2, 0.8]] * 5), 2.0)
    heard = Heard(Path("a\nsong.wav"), 20.0, verdict)
    assert len(table([heard, heard]).splitlines()) == 3
    told = tell(heard)
    assert r"a\ngenre" in told
    assert r"\x1b[2Jcleared" in told
    assert "\x1b" not in told


@pytest.mark.parametrize("threshold", [0, 16])
def test_a_threshold_that_can_not_be_met_is_refused(threshold: int) -> None:
    with pytest.raises(UserError, match=f"THRESHOLD={threshold}"):
        judge(GENRES, clips_for("pop"), 2.0, threshold)


# --- the model ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run_folder(small_build: Path) -> Path:
    return train_briefly(small_build)


@pytest.fixture
def runs_of_two(run_folder: Path, tmp_path: Path) -> Path:
    """A build folder with the same run twice, of which the one called older was trained first."""
    for age, name in enumerate(("newer", "older")):
        copy = tmp_path / "runs" / "song" / name
        shutil.copytree(run_folder, copy)
        for file in copy.iterdir():
            os.utime(file, (1e9 - age, 1e9 - age))
    return tmp_path


def test_the_run_trained_last_is_taken_and_said(runs_of_two: Path) -> None:
    model = choose_model(runs_of_two)
    assert model.folder.name == "newer"
    assert f"newer, iteration {ITERATIONS} (the newest trained" in model.description


def test_a_run_of_the_whole_song_is_taken_only_where_there_is_no_other(runs_of_two: Path) -> None:
    for name, taken in (("newer", "older"), ("older", "newer")):
        record = runs_of_two / "runs" / "song" / name / "run.json"
        record.write_text(json.dumps({**json.loads(record.read_text()), "view": "song"}))
        assert newest_run(runs_of_two).name == taken


def test_a_run_that_is_named_is_taken(runs_of_two: Path) -> None:
    assert choose_model(runs_of_two, runs_of_two / "runs" / "song" / "older").folder.name == "older"


def test_settings_name_the_run_that_make_vote_takes(
    run_folder: Path, synthetic_songs: Path, tmp_path: Path, tool
) -> None:
    other = shutil.copytree(run_folder, tmp_path / "runs" / "song" / "complex_cnn@batch=8")  # trained last
    named = shutil.copytree(run_folder, tmp_path / "runs" / "song-1" / run_folder.name)
    os.utime(next(named.glob("*.caffemodel")), (1e9, 1e9))
    song = ("--build", tmp_path, "--", synthetic_songs / "jazz" / "jazz.00001.wav")
    said = tool("tools.classify", "--net", "complex_cnn", "--seed", 11, "--batch", 8, "--fold", 1, *song)
    assert said.stdout.startswith(f"model: {named}, iteration {ITERATIONS}"), said.stderr
    # what names no run leaves the newest
    assert tool("tools.classify", "--iters", 5, "--ranks", 1, *song).stdout.startswith(f"model: {other}, ")


def test_a_run_without_what_only_training_needs_is_enough(run_folder: Path, tmp_path: Path) -> None:
    shipped = tmp_path / "model"
    shipped.mkdir()
    for name in ("deploy.prototxt", "run.json", f"complex_cnn_iter_{ITERATIONS}.caffemodel"):
        shutil.copy(run_folder / name, shipped)
    mark = json.loads((run_folder / f"complex_cnn_iter_{ITERATIONS}.whole").read_text())
    kept = {name: seen for name, seen in mark.items() if name.endswith(".caffemodel")}
    (shipped / f"complex_cnn_iter_{ITERATIONS}.whole").write_text(json.dumps(kept))
    assert choose_model(tmp_path, shipped).iteration == ITERATIONS


def test_where_nothing_is_trained_the_shipped_model_answers(tool, synthetic_songs: Path, tmp_path: Path) -> None:
    said = tool("tools.classify", "--build", tmp_path, synthetic_songs / "jazz" / "jazz.00001.wav")
    assert said.returncode == 0, said.stderr
    assert "the one that comes along: nothing is trained in" in said.stdout
    assert "jazz.00001.wav: " in said.stdout


def test_the_shipped_model_says_how_right_it_is_on_artists_that_it_has_not_heard(tmp_path: Path) -> None:
    """Counted again from the clips: most votes, 5 or more; where two genres have as many, the more probable one."""
    model = choose_model(tmp_path)
    vote = paths.OTHER_RESULTS / f"votes/artist-folds/rcnn_plus@balanced=1@iter={model.iteration}/clips.csv"
    songs = defaultdict(list)
    for row in csv.DictReader(vote.open()):
        songs[row["track"], int(row["label"])].append([float(row[f"p{label}"]) for label in range(7)])
    right = 0
    for (_, label), clips in songs.items():
        votes = Counter(clip.index(max(clip)) for clip in clips)
        first = max(range(7), key=lambda genre: (votes[genre], sum(clip[genre] for clip in clips)))
        right += first == label and votes[first] >= 5
    assert f"trained on 187 songs of GTZAN; the same network, trained without their artists, told {right} " in (
        model.description
    )
    assert len(songs) == 157
    assert model.description.endswith("not tested so: classical, reggae, rock")


def test_the_shipped_model_answers_without_the_kept_results_and_says_that_they_are_not_here(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "OTHER_RESULTS", tmp_path / "none")
    assert re.search(r"trained on 187 songs of GTZAN; \S+/none/\S+, which says", choose_model(tmp_path).description)


def test_the_songs_of_the_shipped_model_are_those_of_its_table() -> None:
    with (SHIPPED / "songs.csv").open(newline="") as lines:
        table = {row["path"].rsplit(".", 1)[0] for row in csv.DictReader(lines)}
    assert {name.removeprefix("songs/") for name in json.loads((SHIPPED / "trained_songs.json").read_text())} == table


def test_the_shipped_model_knows_the_songs_that_it_was_trained_on(gtzan: Path, tmp_path: Path) -> None:
    model = choose_model(tmp_path)
    songs = sorted(path for genre in GENRES for path in (gtzan / genre).iterdir())[::8]
    verdicts = hear([read_song(path, model.view, model.settings) for path in songs], model)
    right = [verdict.decision == path.parent.name for path, verdict in zip(songs, verdicts)]
    assert np.mean(right) > 0.8


def with_settings(run_folder: Path, other: Path, **values: object) -> Path:
    """A copy of a run whose record holds other settings."""
    shutil.copytree(run_folder, other)
    run = json.loads((other / "run.json").read_text())
    run["settings"].update(values)
    files.write_record(other / "run.json", run)
    return other


def test_a_run_of_other_settings_cuts_a_song_as_its_record_says(run_folder: Path, tmp_path: Path) -> None:
    # a window and a hop are nothing that the shape of an LMDB could tell
    settings = choose_model(tmp_path, with_settings(run_folder, tmp_path / "other", window=512, hop=128)).settings
    assert (settings.window, settings.hop, settings.n_bands, settings.seed) == (512, 128, 33, 11)
    cut = cut_song(SONG, noise(661_794), VIEWS["cnn"], settings)
    expected = features.views_of(noise(661_794), settings, [VIEWS["cnn"]])
    np.testing.assert_array_equal(cut.clips, expected["cnn"])
    assert cut.clip_seconds == pytest.approx(166 * 128 / 22050)


def test_a_record_with_settings_that_are_not_allowed_is_refused(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"other/run.json: HOP=0: give a whole number from 1"):
        choose_model(tmp_path, with_settings(run_folder, tmp_path / "other", hop=0))


def test_a_run_of_an_earlier_form_is_refused_with_the_way_out(run_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run_folder, tmp_path / "other")
    run = json.loads((other / "run.json").read_text())
    del run["settings"]
    (other / "run.json").write_text(json.dumps(run))
    with pytest.raises(UserError, match="other is a run of an earlier form: type 'make clean', or name another BUILD"):
        choose_model(tmp_path, other)


def test_a_record_with_a_view_that_is_none_is_refused(run_folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(run_folder, tmp_path / "other")
    run = json.loads((other / "run.json").read_text())
    files.write_record(other / "run.json", {**run, "view": "bark"})
    with pytest.raises(UserError, match=r"other/run.json: its view is none of cnn, lstm, song"):
        choose_model(tmp_path, other)


def test_the_model_that_was_chosen_answers_though_training_removes_it(
    run_folder: Path, synthetic_songs: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(run_folder, tmp_path / "run")
    song = read_song(next((synthetic_songs / "pop").glob("*.wav")), VIEWS["cnn"], SETTINGS)
    chosen = choose_model(tmp_path, run)
    [first] = hear([song], chosen)
    with kept_apart(chosen) as model:
        shutil.rmtree(run)
        [again] = hear([song], model)
        np.testing.assert_array_equal(again.probabilities, first.probabilities)
        assert model.description == chosen.description
        place = model.caffemodel.parent
    assert not place.exists()
    shutil.copytree(run_folder, run)
    with pytest.raises(UserError, match=f"^{run}/weights: Caffe ended"), kept_apart(chosen) as model:
        raise UserError(f"{model.caffemodel.parent}/weights: Caffe ended")


def test_what_is_no_trained_run_is_refused(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such run: name"):
        choose_model(tmp_path, tmp_path / "none")
    with pytest.raises(UserError, match="has no whole snapshot of iteration 7"):
        choose_model(tmp_path, run_folder, iteration=7)
    broken = shutil.copytree(run_folder, tmp_path / "broken")
    changed = (broken / "deploy.prototxt").read_text().replace("shift: -137", "shift: 0")
    (broken / "deploy.prototxt").write_text(changed)
    with pytest.raises(UserError, match="deploy.prototxt is not the network that was trained"):
        choose_model(tmp_path, broken)
    (broken / "deploy.prototxt").unlink()
    with pytest.raises(UserError, match="deploy.prototxt is missing"):
        choose_model(tmp_path, broken)


# --- the tool -------------------------------------------------------------------------------------------------------


def test_a_song_gets_the_votes_that_make_vote_gives_it(run_folder: Path, synthetic_songs: Path, tool: object) -> None:
    assert tool("tools.vote", "--run", run_folder).returncode == 0
    with (run_folder.parents[2] / "votes" / "song" / run_folder.name / "songs.csv").open() as lines:
        voted = {row["track"]: row for row in csv.DictReader(lines)}
    songs = [synthetic_songs / track.partition(".")[0] / f"{track}.wav" for track in voted]
    told = json.loads(tool("tools.classify", *songs, "--model", run_folder, "--json").stdout)
    assert told["model"]["iteration"] == ITERATIONS
    assert len(told["songs"]) == len(voted) == 10
    for song in told["songs"]:
        row = voted[Path(song["file"]).stem]
        assert list(song["votes"].values()) == [int(row[f"v{label}"]) for label in range(10)]
        expected = row["plurality"] if row["plurality"] == "undecided" else GENRES[int(row["plurality"])]
        assert song["decision"] == expected
        assert song["most_probable"] == GENRES[int(row["mean_probability"])]
        assert sum(song["mean_probability"].values()) == pytest.approx(1, abs=1e-5)
        assert [clip["genre"] for clip in song["time_line"]].count(song["decision"]) >= 5 * (expected != "undecided")


def test_one_song_is_told_in_full_with_its_picture(
    run_folder: Path, synthetic_songs: Path, tmp_path: Path, tool
) -> None:
    song = tmp_path / "my $song$ [1].wav"
    shutil.copy(next((synthetic_songs / "rock").glob("*.wav")), song)
    done = tool("tools.classify", song, "--model", run_folder, "--png", tmp_path / "pictures")
    assert (done.returncode, done.stderr) == (0, "")
    for part in (
        "model: ",
        "15 clips of 1.93 s from 30.0 s; 5 votes decide",
        "mean probability",
        "time line",
        "0:00 to ",
    ):
        assert part in done.stdout
    assert all(genre in done.stdout for genre in GENRES)
    picture = (tmp_path / "pictures" / "my $song$ [1].png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == 1100  # pixels across


def test_a_folder_of_every_format_becomes_a_table_and_a_csv(run_folder: Path, tmp_path: Path, tool: object) -> None:
    folder = tmp_path / "music" / "inner"
    folder.mkdir(parents=True)
    mono = noise(8 * 48000)
    stereo = np.stack([mono, mono / 2], axis=1)
    for name, rate in {
        "a.wav": 48000,
        "b.flac": 44100,
        "c.mp3": 44100,
        "d.aiff": 8000,
        "e.au": 22050,
        "f.OGG": 48000,
    }.items():
        soundfile.write(folder / name, stereo[: 8 * rate], rate)
    soundfile.write(folder / "g.opus", mono, 48000, format="OGG", subtype="OPUS")
    soundfile.write(folder / ".hidden.wav", mono, 48000)
    (folder / "cover.jpg").write_bytes(b"no song")
    done = tool("tools.classify", tmp_path / "music", "--model", run_folder, "--csv", tmp_path / "songs.csv")
    assert (done.returncode, done.stderr) == (0, "")
    with (tmp_path / "songs.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert [Path(row["file"]).name for row in rows] == ["a.wav", "b.flac", "c.mp3", "d.aiff", "e.au", "f.OGG", "g.opus"]
    for row in rows:
        assert float(row["seconds"]) == pytest.approx(8, abs=0.1)
        assert sum(int(row[f"v_{genre}"]) for genre in GENRES) == int(row["clips"]) == 4
        assert f"{Path(row['file']).name} " in done.stdout


def test_the_songs_of_linked_folders_are_found_once_each(tmp_path: Path) -> None:
    """Links to a folder elsewhere, to one that is there already, to a song, to nothing, and in circles."""
    music, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    for file in (music / "a.wav", music / "own" / "b.mp3", elsewhere / "deep" / "c.flac", tmp_path / "d.wav"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    for name, target in {
        "linked": elsewhere,
        "own/twice": elsewhere,
        "own/circle": music,
        "e.wav": tmp_path / "d.wav",
        "f.wav": tmp_path / "none",
        ".hidden": elsewhere,
    }.items():
        (music / name).symlink_to(target)
    (elsewhere / "deep" / "back").symlink_to(elsewhere)
    found = [str(path.relative_to(music)) for path in find_songs([music])]
    assert found == ["a.wav", "e.wav", "linked/deep/c.flac", "own/b.mp3"]
    (tmp_path / "way").symlink_to(music)
    assert [path.name for path in find_songs([tmp_path / "way"])] == ["a.wav", "e.wav", "c.flac", "b.mp3"]


def test_what_is_no_song_is_named_and_the_others_go_on(
    run_folder: Path, synthetic_songs: Path, tmp_path: Path, tool
) -> None:
    bad = tmp_path / "bad.mp3"
    bad.write_bytes(b"no song" * 100)
    good = next((synthetic_songs / "pop").glob("*.wav"))
    done = tool("tools.classify", bad, tmp_path / "none.wav", good, "--model", run_folder)
    assert done.returncode == 2
    assert good.name in done.stdout
    said = done.stderr.splitlines()
    assert said[0].startswith(f"classify: {bad}: unreadable as audio")
    assert said[1] == f"classify: {tmp_path / 'none.wav'}: there is no such file"
    assert len(said) == 3


def test_a_folder_without_songs_is_an_error_of_one_line(run_folder: Path, tmp_path: Path, tool: object) -> None:
    done = tool("tools.classify", tmp_path, "--model", run_folder)
    assert done.returncode == 2
    assert done.stderr.startswith(f"classify: {tmp_path}: no audio file in this folder")
