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
from tools.songs.audio import SAMPLE_RATE
from tools.songs.gtzan import GENRES
from tools.songs.recipes import MINOR, RECIPES, TONES, Tone
from tools.songs.roots import survey
from tools.songs.synthesizer import DRUMS, SAMPLES, bar_onsets, drum, note, pitches, play, song

SONGS = 6
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
        "facts": np.array([len(samples), samples.dtype == np.float32, np.abs(samples).max(), samples.std()]),
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
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
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
    tracks = survey(tmp_path / "genres").tracks
    assert [track.track for track in tracks] == [f"{genre}.00000" for genre in GENRES]
    for track in tracks:
        info = soundfile.info(str(track.path))
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (22050, 1, "PCM_16", 661794)
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == ["genres", "synth.json"]
    recipe = json.loads((tmp_path / "synth.json").read_text())
    assert (recipe["seed"], recipe["songs"]) == (SEED, 1) and recipe["version"]


def test_the_file_holds_the_song_to_within_half_a_step(tmp_path):
    (tmp_path / "reggae").mkdir()
    synth.render(tmp_path / "reggae/reggae.00003.wav", SEED)
    read, _ = soundfile.read(str(tmp_path / "reggae/reggae.00003.wav"))
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
    (out / "rock/.rock.00000.wav.4711").write_bytes(b"half")
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


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--songs=0", "not a number from 1 to 100"),
        ("--songs=101", "not a number from 1 to 100"),
        ("--songs=many", "SONGS=many: give a whole number"),
        ("--seed=-1", "--seed -1: not a whole number from 0"),
        ("--jobs=0", "--jobs 0: not a whole number from 1"),
    ],
)
def test_a_number_out_of_its_limits_is_refused_in_one_line(option, message, tool, tmp_path):
    run = tool("tools.songs.synthetic", "--out", tmp_path / "genres", option)
    assert run.returncode == 2 and message in run.stderr and run.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


# --- the songs ------------------------------------------------------------------------------------------------------


def test_every_song_is_long_enough_finite_audible_and_not_clipped(described):
    length, single_precision, peak, deviation = described["facts"].T
    assert (length == SAMPLES).all() and SAMPLES == 661794 and single_precision.all()
    # NaN would fail the comparison
    assert (peak <= 1).all() and (deviation > 0.01).all()
    # A hard-clipped song sits at its peak for a good part of the time.
    assert described["full-scale share"].max() < 1e-4


def test_no_two_songs_are_alike(described):
    excerpts = described["excerpt"] / np.linalg.norm(described["excerpt"], axis=1, keepdims=True)
    likeness = np.abs(excerpts @ excerpts.T) - np.eye(len(excerpts))
    assert likeness.max() < 0.3


def test_the_tempo_that_a_beat_tracker_hears_in_disco_is_the_genres():
    slowest, fastest = RECIPES["disco"][0].tempo
    tempos = []
    for number in range(4):
        onsets = librosa.onset.onset_strength(y=song(SEED, "disco", number), sr=SAMPLE_RATE, hop_length=256)
        tempos.append(librosa.feature.tempo(onset_envelope=onsets, sr=SAMPLE_RATE, hop_length=256)[0])
    assert sum(0.96 * slowest < tempo < 1.04 * fastest for tempo in tempos) >= 3
    assert len(set(tempos)) > 1


def test_genres_are_learned_from_timbre_and_less_well_from_a_mean_spectrum(described):
    learned = accuracy(SVC(kernel="linear"), described["timbre"])
    trivial = max(accuracy(NearestCentroid(), described[name]) for name in ("mean spectrum", "mean log spectrum"))
    assert learned > 0.7 and trivial < learned - 0.1


# --- how they are written and played ----------------------------------------------------------------------------------


def test_there_is_a_recipe_for_each_genre_in_the_order_of_the_labels():
    assert tuple(RECIPES) == GENRES


@pytest.mark.parametrize("genre", GENRES)
def test_a_recipe_uses_only_what_exists(genre):
    style, groove, *parts = RECIPES[genre]
    assert set(groove) <= set(DRUMS) and bool(groove) == (genre != "classical")
    assert all(len(pattern) == 16 and set(pattern) <= set("xo.") for pattern in groove.values())
    for part in parts:
        assert set(part.tones) <= set(TONES)
        assert all(len(pattern) == 16 and set(pattern) <= set("x1358m-.") for pattern in part.patterns)
        # The first bar sounds, so that no track is silent.
        assert all(set(pattern) - set("-.") and pattern[0] != "-" for pattern in part.patterns)
    assert len(style.chord) == 4 and style.tempo[0] < style.tempo[1]


def test_swing_moves_the_second_eighth_of_each_beat_and_leaves_the_beats():
    onsets = bar_onsets(bar=40000.0, swing=0.66)
    assert onsets[:, ::4] == pytest.approx(40000 * np.arange(len(onsets))[:, None] + 10000 * np.arange(4))
    assert (onsets[:, 2::4] - onsets[:, ::4] == 6600).all()
    assert onsets[-1, 0] < SAMPLES <= onsets[-1, 0] + 40000


def test_a_chord_has_all_its_notes_a_bass_one_and_a_melody_those_of_its_scale():
    rng = np.random.default_rng(0)
    assert pitches("x", 45, 40, MINOR, rng) == [45, 48, 52, 57]
    assert [pitches(symbol, 45, 40, MINOR, rng) for symbol in "1358"] == [[45], [48], [52], [57]]
    melody = {pitches("m", 45, 40, MINOR, rng)[0] for _ in range(200)}
    assert {pitch % 12 for pitch in melody} == {(40 + interval) % 12 for interval in (0, 3, 5, 7, 10)}


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("frequency", [55.0, 440.0, 1760.0])
def test_a_note_is_the_sum_of_its_harmonics(frequency, odd):
    sound = note(Tone(0.6, odd=odd), frequency, 1.0, np.random.default_rng(0))[2000:22000]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    bins = np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE)
    harmonic = spectrum[[np.abs(bins - k * frequency).argmin() for k in (1, 2, 3)]] / spectrum.max()
    assert harmonic == pytest.approx([1, 0 if odd else 0.6, 0.36], abs=0.1)
    near = np.abs(bins / frequency - np.round(bins / frequency)) * frequency < 8
    assert np.sum(spectrum[~near] ** 2) < 1e-3 * np.sum(spectrum**2)


def test_drive_adds_harmonics_that_the_clean_part_lacks():
    style, _, _, guitars, _ = RECIPES["metal"]
    onsets = bar_onsets(40000.0, 0.5)
    shares = []
    for drive in (0, 15):
        part = guitars._replace(tones=("deep bass",), drive=drive)
        power = np.abs(librosa.stft(play(part, style, 0, onsets, np.random.default_rng(0)))) ** 2
        bins = librosa.fft_frequencies(sr=SAMPLE_RATE)
        shares.append(power[bins > 1000].sum() / power.sum())
    assert shares[0] < 1e-3 < 1e-2 < shares[1]


def test_a_kick_is_low_a_hat_is_high_and_each_stroke_peaks_at_its_gain():
    centroid, length = {}, {}
    for name, (gain, *_) in DRUMS.items():
        stroke = drum(name, np.random.default_rng(0))
        spectrum = np.abs(np.fft.rfft(stroke))
        centroid[name] = np.sum(spectrum * np.fft.rfftfreq(len(stroke), 1 / SAMPLE_RATE)) / spectrum.sum()
        length[name] = len(stroke)
        assert np.abs(stroke).max() == pytest.approx(gain)
    assert centroid["kick"] < centroid["snare"] < centroid["hat"]
    assert length["open hat"] > 3 * length["hat"]
