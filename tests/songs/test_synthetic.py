"""What the synthetic data set promises: GTZAN's layout, songs fixed by their seed, ten genres to learn."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tools.cli import UserError
from tools.songs import synthetic as synth
from tools.songs.gtzan import GENRES, find_tracks
from tools.songs.synthesis.genres import STYLES
from tools.songs.synthesis.mix import overdrive
from tools.songs.synthesis.plan import draw_plan, parse_chord
from tools.songs.synthesis.song import SAMPLES, generator, held_notes, song
from tools.songs.synthesis.voices import DRUMS, KITS, SAMPLE_RATE, VOICES, Voice, drum_kit, harmonic_series, note

SONGS = 8
SEED = 1


def describe(job: tuple[str, int]) -> dict[str, np.ndarray]:
    """A song's features for the two classifiers, and what the rules are about."""
    samples = song(SEED, *job)
    power = np.abs(librosa.stft(samples, n_fft=1024, hop_length=1024, center=False)) ** 2
    bands = librosa.feature.melspectrogram(S=power, sr=SAMPLE_RATE, n_mels=40)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(bands), n_mfcc=20)
    return {
        "timbre": np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)]),
        "mean spectrum": power.mean(axis=1),
        "mean log spectrum": np.log(power + 1e-10).mean(axis=1),
        "excerpt": samples[::20],
        "facts": np.array([len(samples), np.isfinite(samples).all(), np.abs(samples).max(), samples.std()]),
        "full-scale share": np.mean(np.abs(samples) >= 0.999 * np.abs(samples).max()),
    }


@pytest.fixture(scope="module")
def described() -> dict[str, np.ndarray]:
    """The features of the first songs of every genre, a row a song, genre by genre."""
    jobs = [(genre, number) for genre in GENRES for number in range(SONGS)]
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(describe, jobs, chunksize=4))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def accuracy(classifier, features: np.ndarray) -> float:
    labels = np.repeat(np.arange(len(GENRES)), SONGS)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    return float(cross_val_score(make_pipeline(StandardScaler(), classifier), features, labels, cv=folds).mean())


def contents(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def wait_for_a_song(out: Path) -> None:
    deadline = time.monotonic() + 60
    while not any(out.rglob("[a-z]*.wav")) and time.monotonic() < deadline:
        time.sleep(0.02)


# --- the data set ---------------------------------------------------------------------------------------------------


def test_the_layout_and_format_are_those_of_gtzan(tmp_path):
    synth.make_songs(tmp_path / "genres", songs=1, seed=SEED, jobs=2)
    tracks = find_tracks(tmp_path / "genres")
    assert [track.track for track in tracks] == [f"{genre}.00000" for genre in GENRES]
    for track in tracks:
        info = soundfile.info(str(track.path))
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (22050, 1, "PCM_16", 661794)
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == ["genres", "synth.json"]
    recipe = json.loads((tmp_path / "synth.json").read_text())
    assert (recipe["seed"], recipe["songs"]) == (SEED, 1) and recipe["version"]


def test_the_file_holds_the_song_to_within_half_a_step(tmp_path):
    synth.render((SEED, "reggae", 3, tmp_path / "reggae.00003.wav"))
    read, _ = soundfile.read(str(tmp_path / "reggae.00003.wav"))
    assert np.abs(read * 32768 - song(SEED, "reggae", 3) * 32767.0).max() <= 0.51


def test_a_song_is_the_same_whatever_else_is_made_and_in_how_many_processes(tmp_path):
    for name, songs, jobs in (("one", 1, 1), ("two", 2, 2)):
        synth.make_songs(tmp_path / name / "genres", songs=songs, seed=5, jobs=jobs)
    one, two = contents(tmp_path / "one/genres"), contents(tmp_path / "two/genres")
    assert len(one) == 10 and len(two) == 20
    assert all(two[name] == content for name, content in one.items())
    assert len(set(two.values())) == 20


def test_another_seed_gives_other_songs():
    assert np.abs(song(1, "pop", 0) - song(2, "pop", 0)).max() > 0.01


def test_only_what_is_damaged_missing_or_of_another_recipe_is_made_again(tmp_path):
    out = tmp_path / "genres"
    synth.make_songs(out, songs=2, seed=SEED, jobs=2)
    whole = contents(out)
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.wav")}
    assert synth.make_songs(out, songs=2, seed=SEED) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.wav")} == times
    (out / "blues/blues.00001.wav").write_bytes(whole["blues/blues.00001.wav"][:5000])
    (out / "rock/rock.00000.wav").unlink()
    (out / "rock/.rock.00000.wav.part").write_bytes(b"half")
    assert synth.make_songs(out, songs=2, seed=SEED) == 2
    assert contents(out) == whole
    assert synth.make_songs(out, songs=1, seed=SEED) == 0
    assert contents(out) == {name: content for name, content in whole.items() if name.endswith("00000.wav")}
    assert synth.make_songs(out, songs=1, seed=SEED + 1, jobs=2) == 10
    assert not set(contents(out).values()) & set(whole.values())


def test_an_interrupted_run_has_no_manifest_and_goes_on(tmp_path):
    out = tmp_path / "genres"
    command = [sys.executable, "-m", "tools.songs.synthetic", "--out", str(out), "--songs", "2", "--jobs", "2"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for_a_song(out)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130 and "Traceback" not in errors
    made = contents(out)
    assert 0 < len(made) < 20 and not (tmp_path / "synth.json").exists()
    assert synth.make_songs(out, songs=2, seed=1, jobs=2) == 20 - len(made)
    assert (tmp_path / "synth.json").exists()
    assert made.items() <= contents(out).items()


def test_nothing_goes_on_when_the_run_is_killed(tmp_path):
    out = tmp_path / "genres"
    command = [sys.executable, "-m", "tools.songs.synthetic", "--out", str(out), "--songs", "2", "--jobs", "2"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wait_for_a_song(out)
    run.kill()
    run.communicate(timeout=30)  # the pipe closes only when the last process that holds it has gone
    assert 0 < len(list(out.rglob("*.wav"))) < 20 and not (tmp_path / "synth.json").exists()


def test_songs_from_elsewhere_are_never_touched(tmp_path):
    genuine = tmp_path / "genres/jazz/jazz.00000.wav"
    genuine.parent.mkdir(parents=True)
    genuine.write_bytes(b"genuine")
    with pytest.raises(UserError, match=r"jazz\.00000\.wav: not made by this tool"):
        synth.make_songs(tmp_path / "genres", songs=1, seed=SEED)
    (tmp_path / "synth.json").write_text('{"folder": "other", "version": "", "seed": 1, "songs": 1}')
    with pytest.raises(UserError, match="belongs to other"):
        synth.make_songs(tmp_path / "genres", songs=1, seed=SEED)
    assert contents(tmp_path / "genres") == {"jazz/jazz.00000.wav": b"genuine"}


@pytest.mark.parametrize("songs", ["0", "101", "-1", "many"])
def test_a_number_of_songs_outside_1_to_100_is_refused_in_words(songs, tmp_path):
    command = [sys.executable, "-m", "tools.songs.synthetic", "--out", str(tmp_path / "genres"), f"--songs={songs}"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 2 and f"{songs}: not a number from 1 to 100" in run.stderr


# --- the songs ------------------------------------------------------------------------------------------------------


def test_every_song_is_long_enough_finite_audible_and_not_clipped(described):
    length, finite, peak, deviation = described["facts"].T
    assert (length == 661794).all() and finite.all()
    assert (peak <= 1).all() and (deviation > 0.01).all()
    # A hard-clipped song sits at its peak for a good part of the time.
    assert described["full-scale share"].max() < 1e-4


def test_no_two_songs_are_alike(described):
    excerpts = described["excerpt"] / np.linalg.norm(described["excerpt"], axis=1, keepdims=True)
    likeness = np.abs(excerpts @ excerpts.T) - np.eye(len(excerpts))
    assert likeness.max() < 0.3
    plans = [draw_plan(genre, generator(SEED, genre, number)) for genre in GENRES for number in range(SONGS)]
    assert len({plan.tempo for plan in plans}) == len(plans)


@pytest.mark.parametrize("genre", GENRES)
def test_every_tempo_lies_in_its_genres_range_and_ranges_are_filled(genre):
    low, high = STYLES[genre].tempo
    tempos = [draw_plan(genre, generator(SEED, genre, number)).tempo for number in range(100)]
    assert low <= min(tempos) < low + 0.1 * (high - low) and high - 0.1 * (high - low) < max(tempos) <= high


def test_the_tempo_that_a_beat_tracker_hears_in_disco_is_the_planned_one():
    right = 0
    for number in range(4):
        onsets = librosa.onset.onset_strength(y=song(SEED, "disco", number), sr=SAMPLE_RATE, hop_length=256)
        heard = librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE, hop_length=256)[0]
        right += abs(heard / draw_plan("disco", generator(SEED, "disco", number)).tempo - 1) < 0.04
    assert right >= 3


def test_genres_are_learned_from_timbre_but_not_from_a_mean_spectrum(described):
    learned = accuracy(SVC(kernel="linear"), described["timbre"])
    trivial = max(accuracy(NearestCentroid(), described[name]) for name in ("mean spectrum", "mean log spectrum"))
    assert 0.5 < learned < 0.95
    assert trivial < 0.6 and trivial < learned - 0.1


# --- how they are written and played ----------------------------------------------------------------------------------


def test_there_is_a_style_for_each_genre_in_the_order_of_the_labels():
    assert tuple(STYLES) == GENRES


@pytest.mark.parametrize("genre", GENRES)
def test_a_style_uses_only_what_exists(genre):
    style = STYLES[genre]
    for groove in style.grooves:
        for name, pattern in groove.items():
            assert name in DRUMS and len(pattern) == 16 and set(pattern) <= set("xo.")
    for part in style.parts.values():
        assert set(part.voices) <= set(VOICES)
        assert (part.density[1] > 0) != bool(part.patterns)
        assert all(len(pattern) == 16 and set(pattern) <= set("xortfewa-.") for pattern in part.patterns)
    assert all(parse_chord(name) for progression in style.progressions for name in progression.split())
    assert set(style.kits) <= set(KITS) and set(style.neighbours) <= set(GENRES) - {genre}
    assert bool(style.grooves) == (genre != "classical")


@pytest.mark.parametrize(
    ("name", "in_minor", "notes"),
    [
        ("I", False, {0, 4, 7}),
        ("vi", False, {9, 0, 4}),
        ("V7", False, {7, 11, 2, 5}),
        ("ii7", False, {2, 5, 9, 0}),
        ("Imaj7", False, {0, 4, 7, 11}),
        ("bVII", False, {10, 2, 5}),
        ("bII5", True, {1, 8}),
        ("VI", True, {8, 0, 3}),
        ("VII", True, {10, 2, 5}),
        ("i7", True, {0, 3, 7, 10}),
    ],
)
def test_roman_numerals_name_the_notes_of_the_chord(name, in_minor, notes):
    chord = parse_chord(name, in_minor)
    assert {(chord.root + interval) % 12 for interval in chord.intervals} == notes


def test_a_note_is_held_until_the_next_one_or_a_rest():
    assert held_notes("r---f-..x.o-----") == [(0, "r", 4), (4, "f", 2), (8, "x", 1), (10, "o", 6)]


def test_swing_moves_the_second_eighth_of_each_beat_and_leaves_the_beats():
    plan = draw_plan("jazz", generator(SEED, "jazz", 0))
    beat = 60 / plan.tempo
    onsets = np.array([plan.second(0, step) - plan.second(0, 0) for step in range(0, 4 * plan.beats, 2)])
    assert onsets[::2] == pytest.approx(beat * np.arange(plan.beats))
    assert np.diff(onsets)[::2] == pytest.approx(beat * plan.swing) and 0.58 <= plan.swing <= 0.68
    assert plan.second(1, 0) - plan.second(0, 0) == pytest.approx(plan.beats * beat)


@pytest.mark.parametrize("odd", [False, True])
def test_the_harmonic_series_is_the_sum_of_its_sines(odd):
    phase, brightness = np.linspace(0, 20, 1001), 0.6
    harmonics = np.arange(1, 200, 2 if odd else 1)
    sines = np.sum([brightness ** (k - 1) * np.sin(k * phase) for k in harmonics], axis=0)
    power = np.sum(brightness ** (2.0 * (harmonics - 1)))
    assert harmonic_series(phase, np.full_like(phase, brightness), odd) == pytest.approx(
        sines / np.sqrt(power), abs=1e-9
    )


@pytest.mark.parametrize("frequency", [55.0, 440.0, 1760.0])
def test_a_note_has_its_pitch_and_hardly_anything_between_its_harmonics(frequency):
    sound = note(Voice(0.8), frequency, 1.0, np.random.default_rng(0))[2000:22000]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    bins = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    assert abs(bins[spectrum.argmax()] - frequency) < 2
    harmonic = np.abs(bins / frequency - np.round(bins / frequency)) * frequency < 8
    assert spectrum[~harmonic].sum() < 1e-3 * spectrum.sum()


def test_overdrive_adds_harmonics_that_the_clean_sound_lacks():
    clean = np.sin(2 * np.pi * 220 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    spectra = [np.abs(np.fft.rfft(sound)) for sound in (clean, overdrive(clean, 10))]
    third_harmonics = [spectrum[660] / spectrum[220] for spectrum in spectra]
    assert third_harmonics[0] < 1e-3 and 0.2 < third_harmonics[1] < 1 / 3


def test_a_kick_is_low_a_hat_is_high_and_each_stroke_peaks_at_one():
    kit = drum_kit("acoustic", np.random.default_rng(0), 0.0)
    centroid = {}
    for name, stroke in kit.items():
        spectrum = np.abs(np.fft.rfft(stroke))
        centroid[name] = np.sum(spectrum * np.fft.rfftfreq(len(stroke), 1 / SAMPLE_RATE)) / spectrum.sum()
        assert np.abs(stroke).max() == pytest.approx(1)
    assert centroid["kick"] < centroid["snare"] < centroid["hat"]
    assert len(kit["open hat"]) > 3 * len(kit["hat"])


def test_a_song_is_made_in_gtzans_length():
    assert song(SEED, "classical", 0).shape == (SAMPLES,) == (661794,)
