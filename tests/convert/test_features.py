"""The three views of a song, against the formulas computed anew in double precision by SciPy alone."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tools.cli import UserError
from tools.convert import features
from tools.convert.views import VIEWS, check_matrices, minimum_samples
from tools.settings import Settings
from tools.songs.audio import SAMPLE_RATE, read_song

SAMPLES = 661_794  # a song of GTZAN


def clips_of(samples, view):
    """The clips of a song by the paper's settings, without the channel that each has one of."""
    return features.views_of(samples, Settings(), [VIEWS[view]])[view][:, 0]


def signals():
    """Songs that are hard in different ways: the first is music-like, a tone is hard on single precision."""
    time = np.arange(SAMPLES) / SAMPLE_RATE
    random = np.random.default_rng(1)
    noise = random.standard_normal(SAMPLES)
    tone = np.sin(2 * np.pi * 440 * time)
    loud_end = 0.1 * noise * np.where(time > 29.5, 1, 0.05)  # its maximum comes after the last clip
    return {
        "noise under a beat": 0.1 * noise * (time * 2 % 1 < 0.2) + 0.05 * np.sin(2 * np.pi * 110 * time),
        "a pure tone": 0.9 * tone,
        "an offset": 0.5 + 0.1 * tone,
        "a fading tone": tone * np.exp(-time / 3),
        "silence, then noise": 0.1 * noise * (time > 20),
        "loudest at the end": loud_end,
    }


SIGNALS = {name: samples.astype(np.float32) for name, samples in signals().items()}


def spectrogram(samples, window, hop):
    """|X|^2, (frames, window // 2 + 1), straight from the definition."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = 1 + (len(samples) - window) // hop
    index = hop * np.arange(frames)[:, None] + np.arange(window)
    return np.abs(scipy.fft.rfft(samples.astype(np.float64)[index] * hann)) ** 2


def mel_filters(n_bands=33, window=1024):
    """Slaney's filterbank from his formulas: linear to 1000 Hz, then 27 steps of log(6.4) / 27, triangles of area 1."""

    def to_hertz(mel):
        return np.where(mel < 15, 200 / 3 * mel, 1000 * np.exp(np.log(6.4) / 27 * (mel - 15)))

    highest = 15 + 27 * np.log(SAMPLE_RATE / 2 / 1000) / np.log(6.4)
    edges = to_hertz(np.linspace(0, highest, n_bands + 2))
    bins = np.arange(window // 2 + 1) * SAMPLE_RATE / window
    filters = []
    for low, centre, high in zip(edges, edges[1:], edges[2:]):
        triangle = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
        filters.append(np.maximum(triangle, 0) * 2 / (high - low))
    return np.array(filters)


def scaled(power):
    decibel = 10 * np.log10(np.maximum(power, 1e-10))
    return 255 * np.maximum(decibel - (decibel.max() - 80), 0) / 80


def expected_image(samples):
    return scaled(spectrogram(samples, 1024, 256) @ mel_filters().T).T


def expected_lstm(samples):
    power = spectrogram(samples, 2048, 1024)[:600]
    columns = [power[:, point - 1] for point in range(1, 17)]
    for k in range(3, 10):
        points = np.arange(2**k + 1, 2 ** (k + 1) + 1)
        columns += [power[:, group - 1].mean(axis=1) for group in np.split(points, 8)]
    return scaled(np.stack(columns, axis=1))


@pytest.fixture(scope="module", params=SIGNALS)
def samples(request):
    return SIGNALS[request.param]


def test_cnn_clips_are_166_frames_each_of_the_songs_image(samples):
    clips, image = clips_of(samples, "cnn"), expected_image(samples)
    assert clips.shape == (15, 33, 166)
    assert clips.dtype == np.float32
    for number, clip in enumerate(clips):
        np.testing.assert_allclose(clip, image[:, 166 * number : 166 * (number + 1)], atol=2e-4)


def test_the_song_matrix_is_the_first_2500_frames_of_the_same_image(samples):
    matrix = clips_of(samples, "song")
    assert matrix.shape == (1, 33, 2500)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix[0], expected_image(samples)[:, :2500], atol=2e-4)


def test_lstm_clips_are_20_frames_each_a_row_per_frame(samples):
    clips, image = clips_of(samples, "lstm"), expected_lstm(samples)
    assert clips.shape == (30, 20, 72)
    assert clips.dtype == np.float32
    for number, clip in enumerate(clips):
        np.testing.assert_allclose(clip, image[20 * number : 20 * (number + 1)], atol=2e-4)


def test_the_filters_are_librosas_default_ones():
    import librosa

    theirs = librosa.filters.mel(sr=22050, n_fft=1024, n_mels=33)
    np.testing.assert_allclose(features.filter_bank("mel", 1024, 33).T, theirs, rtol=1e-5)
    np.testing.assert_allclose(features.filter_bank("mel", 1024, 33).T, mel_filters(), atol=1e-12)


def test_views_of_is_all_three_as_datums(samples):
    views = features.views_of(samples, Settings(), VIEWS.values())
    for view, matrices in views.items():
        np.testing.assert_array_equal(matrices[:, 0], clips_of(samples, view))
    assert {name: matrices.shape for name, matrices in views.items()} == {
        "cnn": (15, 1, 33, 166),
        "lstm": (30, 1, 20, 72),
        "song": (1, 1, 33, 2500),
    }


def test_cnn_takes_its_maximum_from_frames_after_the_last_clip():
    loud_end = SIGNALS["loudest at the end"]
    assert clips_of(loud_end, "cnn").max() < 255
    assert features.image_of(loud_end, VIEWS["cnn"], Settings()).max() == 255


def test_lstm_takes_its_maximum_from_its_600_frames_alone():
    assert clips_of(SIGNALS["loudest at the end"], "lstm").max() == 255


def test_lstm_bands_have_bins_9_to_16_twice_and_not_the_last():
    bands = features.lstm_band_average(np.arange(1.0, 1026)[None])[0]
    assert bands[:16].tolist() == list(range(1, 17))
    assert bands[16:24].tolist() == list(range(9, 17))
    assert bands[24:32].tolist() == [17.5, 19.5, 21.5, 23.5, 25.5, 27.5, 29.5, 31.5]
    assert bands[-1] == np.arange(961, 1025).mean()
    assert bands.shape == (72,)


def test_linear_bands_share_out_all_bins_but_the_first_in_equal_widths():
    bank = features.filter_bank("linear", 1024, 33)
    assert bank.shape == (513, 33)
    assert not bank[0].any()
    assert ((bank > 0).sum(axis=1)[1:] == 1).all()
    assert set((bank > 0).sum(axis=0)) == {15, 16}
    np.testing.assert_allclose(bank.sum(axis=0), 1)
    assert (np.diff(bank.argmax(axis=0)) > 0).all()


def test_linear_bands_are_averages_of_power():
    samples, linear = SIGNALS["noise under a beat"], Settings(bands="linear")
    power = spectrogram(samples, 1024, 256)
    edges = [1 + round(512 * band / 33) for band in range(34)]
    averages = np.stack([power[:, low:high].mean(axis=1) for low, high in zip(edges, edges[1:])], axis=1)
    np.testing.assert_allclose(features.image_of(samples, VIEWS["cnn"], linear), scaled(averages), atol=2e-4)


def test_quantize_rounds_halves_to_even():
    assert features.quantize(np.float32([0.5, 1.5, 2.5, 254.5, 254.51, 255])).tolist() == [0, 2, 2, 254, 255, 255]
    assert features.quantize(np.float32([0])).dtype == np.uint8


@pytest.mark.parametrize("gain", [1e-3, 0.5, 1e3])
def test_loudness_does_not_matter(gain):
    power = np.random.default_rng(2).exponential(size=(50, 33))
    np.testing.assert_allclose(features.decibel_image(power * gain), features.decibel_image(power), atol=1e-4)


def test_80_db_below_the_maximum_and_less_is_zero():
    image = features.decibel_image(np.array([1.0, 1e-4, 1e-8, 1e-9, 0.0]))
    np.testing.assert_allclose(image, [255, 127.5, 0, 0, 0], atol=1e-4)


def test_the_paper_needs_640768_samples():
    assert minimum_samples(Settings()) == 640_768
    assert clips_of(SIGNALS["a pure tone"][:640_768], "song").shape == (1, 33, 2500)
    assert minimum_samples(Settings(song_frames=10)) == (166 * 15 - 1) * 256 + 1024
    assert minimum_samples(Settings(song_frames=10, clips_a_song=1)) == 599 * 1024 + 2048


def test_other_settings_give_other_shapes_of_what_they_say():
    settings = Settings(n_bands=20, window=512, hop=512, frames_a_clip=50, clips_a_song=4, lstm_window=1024)
    views = features.views_of(SIGNALS["a fading tone"][:SAMPLES], Settings(song_frames=100), [VIEWS["song"]])
    assert views["song"].shape == (1, 1, 33, 100)
    views = features.views_of(np.tile(SIGNALS["a fading tone"], 2), settings, [VIEWS["cnn"], VIEWS["lstm"]])
    assert views["cnn"].shape == (4, 1, 20, 50)
    assert views["lstm"].shape == (30, 1, 20, 64)


@pytest.mark.parametrize("wrong", [{"n_bands": 600}, {"lstm_window": 2000}, {"lstm_window": 16}])
def test_settings_that_make_no_matrix_are_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(UserError, match=f"{name.upper()}="):
        check_matrices(Settings(**wrong))


def test_more_mel_bands_than_bins_at_the_low_end_are_refused():
    with pytest.raises(UserError, match="N_BANDS=200"):
        features.filter_bank("mel", 512, 200)


def test_real_songs_match_the_formulas(gtzan):
    for genre in ("classical", "metal"):
        path = next((gtzan / genre).glob("*.00000.*"))
        samples = read_song(path)
        matrix, clips = clips_of(samples, "song")[0], clips_of(samples, "lstm")
        np.testing.assert_allclose(matrix, expected_image(samples)[:, :2500], atol=2e-4)
        np.testing.assert_allclose(clips.reshape(600, 72), expected_lstm(samples), atol=2e-4)
        expected = np.rint(expected_image(samples)[:, :2500])
        assert (features.quantize(matrix) == expected).mean() > 0.99999


SMALL = Settings(n_bands=8, window=64, hop=16, frames_a_clip=5, clips_a_song=3, song_frames=17)


@st.composite
def waveforms(draw):
    """Noise, silence or spikes of any level, from the shortest song that the small settings take."""
    samples = minimum_samples(SMALL) + draw(st.integers(0, 500))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    spikes = draw(st.lists(st.integers(0, samples - 1), max_size=3))
    waveform = draw(st.sampled_from([0.0, 1e-4, 0.1, 1.0, 30.0])) * random.standard_normal(samples)
    waveform[spikes] = 1
    return waveform.astype(np.float32)


@settings(max_examples=40)
@given(waveforms())
def test_whatever_the_waveform_every_value_lies_in_its_range_and_clips_are_cut_from_the_song(waveform):
    views = features.views_of(waveform, SMALL, VIEWS.values())
    for name, matrices in views.items():
        assert matrices.shape == (VIEWS[name].clips(SMALL), *VIEWS[name].shape(SMALL))
        assert np.isfinite(matrices).all()
        assert 0 <= matrices.min() <= matrices.max() <= 255
    joined = np.concatenate(list(views["cnn"][:, 0]), axis=1)
    np.testing.assert_array_equal(joined[:, :15], views["song"][0, 0, :, :15])
    ints = features.quantize(views["lstm"])
    assert ints.dtype == np.uint8
    assert np.abs(ints - views["lstm"]).max() <= 0.5


@settings(max_examples=40)
@given(hnp.arrays(np.float64, (4, 6), elements=st.floats(0, 1e12)), st.floats(1e-3, 1e3))
def test_a_louder_band_is_never_darker_and_the_level_of_all_cancels(power, gain):
    image = features.decibel_image(power)
    order = np.argsort(power, axis=None, kind="stable")
    assert (np.diff(image.ravel()[order]) >= 0).all()
    # 80 dB below the loudest must not lie below the floor of 1e-10, before and after
    if power.max() * min(gain, 1) >= 1e-2:
        np.testing.assert_allclose(features.decibel_image(power * gain), image, atol=2e-3)
