"""The programs of prototxt/README.md, run as they stand there, give what this project gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import caffe
import numpy as np
import pytest

from tools import paths
from tools.classify.model import SHIPPED
from tools.convert import features
from tools.convert.views import VIEWS
from tools.nets import forward, prototxt
from tools.nets.network import NETS, Network
from tools.settings import Settings
from tools.songs.audio import read_audio

MODEL = Path("data/model")  # where the programs look for the two files
DEPLOY, CAFFEMODEL = MODEL / "deploy.prototxt", MODEL / "rcnn_plus_iter_1000.caffemodel"
OPENCV = "OpenCV is not here: the program of prototxt/README.md for it was not run"


def program(heading: str) -> str:
    """The code that stands under a heading in bold of the README."""
    page = (paths.PROTOTXT / "README.md").read_text()
    return page.split(f"**{heading}**")[1].split("```python\n")[1].split("```")[0]


def run(heading: str) -> dict:
    """The names that a program of the README has at its end."""
    names: dict = {}
    exec(compile(program(heading), heading, "exec"), names)  # noqa: S102 (our own README)
    return names


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a place for the two files of a network."""
    (tmp_path / MODEL).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    caffe.set_mode_cpu()
    return tmp_path


@pytest.fixture
def song(here: Path, synthetic_songs: Path) -> np.ndarray:
    """song.wav and the model that comes with the project, as the README has them; the clips of the song."""
    shutil.copy(synthetic_songs / "jazz" / "jazz.00001.wav", "song.wav")
    shutil.copytree(SHIPPED, MODEL, dirs_exist_ok=True)
    return features.views_of(read_audio(Path("song.wav")), Settings(), [VIEWS["cnn"]])["cnn"]


def put_network(name: str) -> np.ndarray:
    """The files of a network with weights by chance, and our probabilities of some clips, which lie in clips.npy."""
    random, network = np.random.default_rng(7), Network(name)
    shape = prototxt.view_of(network.train_val).shape(Settings())
    shutil.copy(paths.PROTOTXT / name / "deploy.prototxt", DEPLOY)
    net = caffe.Net(str(DEPLOY), caffe.TEST)
    for layer, blobs in net.params.items():
        if net.layer_dict[layer].type == "BatchNorm":  # mean, variance, and what divides them
            blobs[0].data[...], blobs[1].data[...], blobs[2].data[...] = 0.5, 2, 1
            continue
        for blob in blobs:
            blob.data[...] = random.normal(0, (2 * blob.shape[0] / blob.count) ** 0.5, blob.data.shape)
    clips = random.uniform(0, 255, (3, *shape)).astype(np.float32)
    np.save("clips.npy", clips)
    forward.forward(net, clips)
    for blob in net.params["score"]:
        blob.data[...] *= 3 / np.abs(net.blobs["score"].data).max()  # else one genre gets all
    net.save(str(CAFFEMODEL))
    probabilities = forward.forward(forward.load_net(DEPLOY, CAFFEMODEL, shape), clips)
    assert 0.2 < probabilities.max() < 0.99
    assert np.ptp(probabilities, axis=0).max() > 1e-3, "all clips alike would prove nothing"
    return probabilities


def test_librosa_alone_makes_the_clips_of_a_song(song: np.ndarray) -> None:
    run("The clips of a song")
    clips = np.load("clips.npy")
    assert (clips.shape, clips.dtype) == ((15, 1, 33, 166), np.float32)
    np.testing.assert_allclose(clips, song, atol=2e-3)


@pytest.mark.parametrize("name", NETS)
def test_plain_pycaffe_answers_as_this_project_does(here: Path, name: str) -> None:
    expected = put_network(name)
    np.testing.assert_allclose(run("Plain pycaffe")["prob"].reshape(expected.shape), expected, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in NETS if name != "lstm"])
def test_opencv_answers_as_this_project_does(here: Path, name: str) -> None:
    pytest.importorskip("cv2", reason=OPENCV)
    expected = put_network(name)
    np.testing.assert_allclose(run("OpenCV")["prob"].reshape(expected.shape), expected, atol=1e-5)


def test_opencv_can_not_read_the_lstm(here: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason=OPENCV)
    put_network("lstm")
    with pytest.raises(cv2.error):
        run("OpenCV")


def test_a_song_gets_the_same_answer_on_every_way(song: np.ndarray, capsys: pytest.CaptureFixture) -> None:
    run("The clips of a song")
    expected = forward.forward(forward.load_net(DEPLOY, CAFFEMODEL, (1, 33, 166)), song)
    np.testing.assert_allclose(run("Plain pycaffe")["prob"], expected, atol=1e-4)
    names = run("This project")
    np.testing.assert_allclose(names["prob"], expected, atol=1e-6)
    assert capsys.readouterr().out.startswith("jazz {'blues': ")
