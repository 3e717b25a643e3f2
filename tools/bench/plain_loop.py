"""Songs to LMDBs as one would first write it: librosa for the spectrogram, protobuf for the Datum, song after song.

It makes the same six kinds of record as `tools.convert`, which is measured against it.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import librosa
import lmdb
import numpy as np
from caffe.proto import caffe_pb2

from tools.songs.tracks import Track

VIEWS, DTYPES = ("cnn", "song", "lstm"), ("int", "float")


def decibel_image(power: np.ndarray) -> np.ndarray:
    decibel = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None)
    return 255 * np.maximum(decibel - (decibel.max() - 80), 0) / 80


def views_of(samples: np.ndarray) -> dict[str, np.ndarray]:
    """cnn (15, 1, 33, 166), song (1, 1, 33, 2500) and lstm (30, 1, 20, 72)."""
    power = np.abs(librosa.stft(samples, n_fft=1024, hop_length=256, center=False)) ** 2
    image = decibel_image(librosa.feature.melspectrogram(S=power, sr=22050, n_fft=1024, n_mels=33))
    cnn = [image[:, 166 * i : 166 * (i + 1)] for i in range(15)]
    bins = np.abs(librosa.stft(samples, n_fft=2048, hop_length=1024, center=False)[:, :600]) ** 2
    bands = [bins[:16]]
    for k in range(3, 10):
        bands.append(bins[2**k : 2 ** (k + 1)].reshape(8, -1, bins.shape[1]).mean(axis=1))
    rows = decibel_image(np.concatenate(bands)).T.reshape(30, 20, 72)
    return {"cnn": np.array(cnn)[:, None], "song": image[None, None, :, :2500], "lstm": rows[:, None]}


def datum_of(matrix: np.ndarray, label: int, dtype: str) -> bytes:
    datum = caffe_pb2.Datum(label=label)
    datum.channels, datum.height, datum.width = matrix.shape
    if dtype == "int":
        datum.data = np.rint(matrix).astype(np.uint8).tobytes()
    else:
        datum.float_data.extend(matrix.ravel().tolist())
    return datum.SerializeToString()


def convert(tracks: list[Track], folder: Path) -> float:
    """Songs per second, into LMDBs of float and integer values for each view, in ``folder``."""
    librosa.stft(np.zeros(4096, np.float32))  # compiles what librosa compiles at its first call
    began = time.perf_counter()
    folder.mkdir(parents=True)
    kinds = [f"{view}_{dtype}" for view in VIEWS for dtype in DTYPES]
    environments = {kind: lmdb.open(str(folder / f"{kind}_lmdb"), map_size=1 << 32) for kind in kinds}
    numbers: Counter[str] = Counter()
    for track in tracks:
        samples, _ = librosa.load(track.path, sr=22050)
        for view, clips in views_of(samples).items():
            for dtype in DTYPES:
                kind = f"{view}_{dtype}"
                with environments[kind].begin(write=True) as transaction:
                    for clip, matrix in enumerate(clips):
                        key = f"{numbers[kind]:08d}_{track.track}_{clip:02d}"
                        transaction.put(key.encode(), datum_of(matrix, track.label, dtype))
                        numbers[kind] += 1
    for environment in environments.values():
        environment.close()
    return len(tracks) / (time.perf_counter() - began)
