"""A run in small: LMDBs of 6 x 10 clips that overlap by genre, and a net that Caffe really trains on them."""

from __future__ import annotations

import json
from pathlib import Path

import caffe
import lmdb
import numpy as np
from caffe.proto import caffe_pb2

from tools import paths
from tools.convert.lmdbs import content_hash, count
from tools.settings import Settings
from tools.songs.gtzan import GENRES
from tools.train import snapshots

SHAPE = (1, 6, 10)
RUN = "small"

LAYERS = """
layer { name: "conv1" type: "Convolution" bottom: "BOTTOM" top: "conv1"
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "drop1" type: "Dropout" bottom: "conv1" top: "conv1" }
layer { name: "score" type: "InnerProduct" bottom: "conv1" top: "score"
        inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
"""


def write_lmdb(path: Path, records: list[tuple[str, int, int, np.ndarray]]) -> None:
    """Write (track, clip, label, values) by Caffe's own Datum message."""
    path.mkdir(parents=True)
    with lmdb.open(str(path), map_size=1 << 26) as environment, environment.begin(write=True) as transaction:
        for number, (track, clip, label, values) in enumerate(records):
            message = caffe_pb2.Datum(channels=SHAPE[0], height=SHAPE[1], width=SHAPE[2], label=label)
            if values.dtype == np.uint8:
                message.data = values.tobytes()
            else:
                message.float_data.extend(values.ravel().tolist())
            transaction.put(f"{number:08d}_{track}_{clip:02d}".encode(), message.SerializeToString())


def draw_clips(
    songs: int, clips_a_song: int, dtype: str, genres: tuple[str, ...] = GENRES
) -> list[tuple[str, int, int, np.ndarray]]:
    """Clips of ``songs`` songs a genre: a pattern of the genre, under noise of the song and of the clip."""
    random = np.random.default_rng(1)
    patterns = random.uniform(0, 255, (len(GENRES), *SHAPE))
    clips = []
    for genre in genres:
        label = GENRES.index(genre)
        for number in range(songs):
            song = patterns[label] + random.normal(0, 160, SHAPE)
            for clip in range(clips_a_song):
                values = np.clip(song + random.normal(0, 160, SHAPE), 0, 255)
                values = np.rint(values).astype(np.uint8) if dtype == "int" else values.astype(np.float32)
                clips.append((f"{genre}.{number:05d}", clip, label, values))
    return clips


def write_lmdbs(
    build: Path,
    split: str = "song",
    view: str = "cnn",
    dtype: str = "float",
    clips_a_song: int = 15,
    genres: tuple[str, ...] = GENRES,
) -> dict[str, Path]:
    """The train and test LMDBs of 5 songs a genre, each shuffled: one of 5 songs tested, or one of 5 clips."""
    clips = draw_clips(5, clips_a_song, dtype, genres)
    random = np.random.default_rng(2)
    if split == "clip":
        tested = random.permutation(len(clips)) < len(clips) // 5
    else:
        tested = np.array([int(track[-5:]) == 0 for track, *_ in clips])
    lmdbs = {part: paths.lmdb(build, split, view, dtype, part) for part in ("train", "test")}
    for part, lmdb_path in lmdbs.items():
        chosen = np.flatnonzero(tested == (part == "test"))
        write_lmdb(lmdb_path, [clips[i] for i in random.permutation(chosen)])
    return lmdbs


def data_layer(phase: str, source: Path, batch: int, mean: float, scale: float) -> str:
    mean_value = f"mean_value: {mean}" if mean else ""
    return f"""
layer {{ name: "data" type: "Data" top: "data" top: "label" include {{ phase: {phase} }}
        transform_param {{ {mean_value} scale: {scale} }}
        data_param {{ source: "{source}" batch_size: {batch} backend: LMDB }} }}"""


def input_layers(mean: float, scale: float) -> str:
    """What the Data layer does to its values, as a deploy net does it to its own."""
    return f"""
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: 1 dim: 1 dim: 6 dim: 10 }} }} }}
layer {{ name: "shift" type: "Power" bottom: "data" top: "shift" power_param {{ shift: {-mean} }} }}
layer {{ name: "scale" type: "Power" bottom: "shift" top: "scale" power_param {{ scale: {scale} }} }}"""


def write_files(folder: Path, parts: dict[str, Path], mean: float, scale: float, test_batch: int) -> None:
    (folder / "train_val.prototxt").write_text(
        'name: "small"'
        + data_layer("TRAIN", parts["train"], 50, mean, scale)
        + data_layer("TEST", parts["test"], test_batch, mean, scale)
        + LAYERS.replace("BOTTOM", "data")
        + 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss" }\n'
        + 'layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy"\n'
        + "        include { phase: TEST } }\n"
    )
    (folder / "deploy.prototxt").write_text(
        'name: "small"'
        + input_layers(mean, scale)
        + LAYERS.replace("BOTTOM", "scale")
        + 'layer { name: "prob" type: "Softmax" bottom: "score" top: "prob" }\n'
    )
    (folder / "solver.prototxt").write_text(
        f'net: "{folder}/train_val.prototxt"\ntest_iter: 1 test_interval: 1000000 test_initialization: false\n'
        f'base_lr: 0.01 lr_policy: "fixed" momentum: 0.9 random_seed: 1 snapshot_prefix: "{folder}/{RUN}"\n'
    )


def train(
    build: Path,
    parts: dict[str, Path],
    split: str = "song",
    view: str = "cnn",
    dtype: str = "float",
    mean: float = 128,
    scale: float = 0.01,
    iterations: tuple[int, ...] = (60,),
    test_batch: int = 10,
) -> Path:
    """Train to each of ``iterations`` with Caffe's own solver; returns the run folder, whole snapshots within."""
    folder = paths.run_folder(build, split, RUN)
    folder.mkdir(parents=True)
    write_files(folder, parts, mean, scale, test_batch)
    caffe.set_mode_cpu()
    solver = caffe.get_solver(str(folder / "solver.prototxt"))
    for iteration in iterations:
        solver.step(iteration - solver.iter)
        solver.snapshot()
        snapshots.mark_whole(folder, RUN, iteration)
    record = {"net": RUN, "split": split, "fold": 0, "view": view, "dtype": dtype, "seed": 1, "ranks": 1}
    record["lmdb"] = {
        part: {"path": str(path), "sha256": content_hash(path), "records": count(path)} for part, path in parts.items()
    }
    record |= {
        "data_fingerprint": "",
        "genres": list(GENRES),
        "label_names": list(GENRES),
        "dropout": [],
        "lr_steps": [],
        "stretches": [],
        "leaky": split == "clip" and view != "song",
        "gpu": [],
        "versions": {},
        "iteration": iterations[-1],
    }
    names = ("train_val", "deploy", "solver")
    record["prototxt"] = {name: (folder / f"{name}.prototxt").read_text() for name in names}
    record["settings"] = Settings(net=RUN, split=split, dtype=dtype, seed=1, build=build).as_json()
    (folder / "run.json").write_text(json.dumps(record))
    return folder
