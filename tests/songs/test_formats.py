"""What libsndfile reads in part, or not at all, is read to its end; what is read well gives the same samples."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from tools.songs import audio

pytestmark = [pytest.mark.quick, pytest.mark.torture("bad input")]

RATE, SECONDS = 44_100, 6


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """A chord that fades, float32 (samples,) at 44.1 kHz."""
    time = np.arange(SECONDS * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220, 277.2, 329.6))
    return (0.2 * chord * (1 - time / (2 * SECONDS))).astype(np.float32)


def encode(file: Path, samples: np.ndarray, codec: str, **options: str) -> Path:
    """A file by FFmpeg's encoder of that name."""
    with av.open(str(file), "w", options=options) as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        stream.bit_rate = 128_000
        resampler = av.AudioResampler(stream.format.name, "mono", RATE, frame_size=stream.frame_size or 1024)
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate = RATE
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file


def seconds(file: Path) -> float:
    return len(audio.read_audio(file)) / audio.SAMPLE_RATE


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("m4a", "aac"), ("aac", "aac"), ("mp4", "aac"), ("wma", "wmav2"), ("wv", "wavpack")],
)
def test_what_libsndfile_cannot_read_is_read_by_ffmpeg(tmp_path, tone, suffix, codec):
    file = encode(tmp_path / f"song.{suffix}", tone, codec)
    assert seconds(file) == pytest.approx(SECONDS, abs=0.1)
    heard = audio.read_audio(file)
    assert np.std(heard) == pytest.approx(np.std(tone), rel=0.05)


def test_what_is_brought_to_mono_is_told_of_every_format(tmp_path, tone):
    assert audio.other_format(encode(tmp_path / "song.m4a", tone, "aac")) == "1 channel, 44100 Hz"
    soundfile.write(tmp_path / "song.flac", np.stack([tone, tone], axis=1), RATE)
    assert audio.other_format(tmp_path / "song.flac") == "2 channels, 44100 Hz"
    soundfile.write(tmp_path / "song.wav", tone, audio.SAMPLE_RATE)
    assert audio.other_format(tmp_path / "song.wav") is None


def test_two_mp3s_joined_are_read_to_the_end_of_the_second(tmp_path, tone):
    one = encode(tmp_path / "one.mp3", tone, "mp3", write_xing="0").read_bytes()
    (tmp_path / "both.mp3").write_bytes(one + one)
    assert seconds(tmp_path / "both.mp3") == pytest.approx(2 * SECONDS, abs=0.2)


def test_an_mp3_with_rubbish_in_its_midst_is_read_around_it(tmp_path, tone):
    one = encode(tmp_path / "one.mp3", tone, "mp3", write_xing="0").read_bytes()
    (tmp_path / "both.mp3").write_bytes(one + bytes(3000) + one)
    assert seconds(tmp_path / "both.mp3") == pytest.approx(2 * SECONDS, abs=0.2)


def test_a_chained_ogg_is_read_to_the_end_of_its_last_chain(tmp_path, tone):
    soundfile.write(tmp_path / "one.ogg", tone, RATE, format="OGG", subtype="VORBIS")
    one = (tmp_path / "one.ogg").read_bytes()
    (tmp_path / "both.ogg").write_bytes(one + one)
    assert seconds(tmp_path / "both.ogg") == pytest.approx(2 * SECONDS, abs=0.1)


def test_a_flac_without_its_length_is_read(tmp_path, tone):
    soundfile.write(tmp_path / "song.flac", tone, RATE)
    flac = bytearray((tmp_path / "song.flac").read_bytes())
    flac[21] &= 0xF0  # the 36 bits of STREAMINFO that count the samples: 0 in a stream
    flac[22:26] = bytes(4)
    (tmp_path / "piped.flac").write_bytes(flac)
    np.testing.assert_array_equal(audio.read_audio(tmp_path / "piped.flac"), audio.read_audio(tmp_path / "song.flac"))


def test_a_wav_whose_recorder_was_killed_is_read(tmp_path, tone):
    soundfile.write(tmp_path / "song.wav", tone, RATE, subtype="PCM_16")
    wav = bytearray((tmp_path / "song.wav").read_bytes())
    place = wav.index(b"data")
    wav[4:8], wav[place + 4 : place + 8] = bytes(4), bytes(4)
    (tmp_path / "killed.wav").write_bytes(wav)
    assert seconds(tmp_path / "killed.wav") == pytest.approx(SECONDS, abs=0.01)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_file_that_libsndfile_reads_well_gives_its_samples(tmp_path, tone, suffix):
    file = tmp_path / f"song.{suffix}"
    soundfile.write(file, tone[: 2 * audio.SAMPLE_RATE], audio.SAMPLE_RATE, subtype="PCM_16")
    np.testing.assert_array_equal(audio.read_audio(file), soundfile.read(file, dtype="float32")[0])


def test_a_flac_that_is_cut_short_is_not_read_in_part(tmp_path, tone):
    soundfile.write(tmp_path / "song.flac", tone, RATE)
    whole = (tmp_path / "song.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(audio.SongError, match="unreadable as audio"):
        audio.read_audio(tmp_path / "cut.flac")


@pytest.mark.parametrize("suffix", ["wav", "mp3", "m4a", "flac", "au"])
def test_noise_is_not_taken_for_music(tmp_path, suffix):
    file = tmp_path / f"noise.{suffix}"
    file.write_bytes(np.random.default_rng(1).bytes(50_000))
    with pytest.raises(audio.SongError, match="unreadable as audio"):
        audio.read_audio(file)


@pytest.mark.parametrize("suffix", ["wav", "wma"])
def test_a_codec_that_nobody_knows_is_said_to_be_unreadable(tmp_path, tone, suffix):
    soundfile.write(tmp_path / "song.wav", tone, RATE)
    wav = bytearray((tmp_path / "song.wav").read_bytes())
    wav[20:22] = b"\x34\x12"
    file = tmp_path / f"other.{suffix}"
    file.write_bytes(wav)
    with pytest.raises(audio.SongError, match="unreadable as audio"):
        audio.read_audio(file)
    assert audio.read_header(file) is None


def test_of_a_long_song_the_middle_is_taken_and_of_a_song_as_long_as_gtzans_all():
    samples = np.arange(audio.LONGEST_SAMPLES + 1)
    taken = audio.middle(samples, 640_768)
    start = (len(samples) - 640_768) // 2
    np.testing.assert_array_equal(taken, samples[start : start + 640_768])
    assert len(audio.middle(samples[:-1], 640_768)) == audio.LONGEST_SAMPLES
