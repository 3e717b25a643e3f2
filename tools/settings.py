"""The settings: what LMDBs and runs are named after, and how far and where a run is trained. Each is defined here once.

A setting is a field of `Settings`. The field ``n_bands`` is the make variable N_BANDS and the option ``--n-bands`` of
every tool. Where the default is None, each network has a value of its own (`tools.nets.network`), or the machine has.
A folder is named after the settings that differ from their defaults, in the order below.
"""

from __future__ import annotations

import argparse
import operator
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from tools.cli import UserError, printable, run
from tools.paths import variant

LIMIT = 2**31  # of the whole numbers that Caffe takes
SMALLEST = 1.2e-38  # what is below is 0 to Caffe
LONGEST_WINDOW = 2**16  # samples: 3 s
SPLITS = ("song", "clip", "artist", "filtered", "given", "all", "inner", "artist-inner")
DTYPES = ("float", "int")
GTZAN_GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
# What a setting names
FOLDER, LMDB, RUN, NOTHING = "a folder", "LMDBs and runs", "runs", "nothing"

QUOTED = re.compile(r'(?<![^\s,])"((?:[^"]|"")+)"(?![^\s,])')  # a name among others
Schedule = tuple[tuple[int, float], ...]  # each value, and the iteration from which on it holds
Value = Any  # int, float, str, Path, Schedule, tuple[str, ...] or None


def setting(default: Value, meaning: str, kind: Callable[[str], Value], names: str, **allowed: Any) -> Any:
    """A field of `Settings`: ``kind`` reads its text; ``allowed`` has choices=, low=, above=, high=, below=, form=."""
    return field(default=default, metadata={"meaning": meaning, "kind": kind, "names": names, **allowed})


word = str.strip


def number(text: str) -> float:
    """A number, to the six digits that the name of a run has of it. ValueError for one that Caffe would take as 0."""
    value = float(format(float(text), "g"))
    if 0 < value < SMALLEST:
        raise ValueError(text)
    return value


def words(text: str) -> tuple[str, ...]:
    """``"pop metal"`` as ('metal', 'pop'): names in order, each once. Names that have spaces are parted by commas.

    A name that stands in double quotes, doubled within it as in CSV, is taken as it is, as one with a comma.
    """
    whole = [name.replace('""', '"') for name in QUOTED.findall(text)]
    rest = QUOTED.sub("", text)
    names = rest.split(",") if "," in rest else rest.split()
    return tuple(sorted({name for name in [*whole, *(name.strip() for name in names)] if name}))


def quoted(name: str) -> str:
    """A name as `words` reads it, whatever it is."""
    return '"{}"'.format(name.replace('"', '""')) if re.search(r'[\s,"]', name) else name


def schedule(text: str) -> Schedule:
    """``"0.4 0.6@3000"`` as ((0, 0.4), (3000, 0.6)). ValueError where the iterations do not ascend from 0."""
    steps = []
    for item in text.replace("_", " ").split():
        value, _, start = item.partition("@")
        steps.append((int(start) if start else 0, number(value)))
    starts = [start for start, _ in steps]
    if starts[:1] != [0] or starts != sorted(set(starts)) or starts[-1] >= LIMIT:
        raise ValueError(text)
    return tuple(steps)


# How the text of a setting is read, and what it has to be
FORMS = {
    int: "a whole number",
    number: "a number",
    schedule: "a number",
    words: "two names or more, with spaces or commas between them; one that has a comma in double quotes",
    word: "a word",
    Path: "a path",
}
# What of a setting can be limited: the words before the limit, and whether a value keeps to it
LIMITS: dict[str, tuple[str, Callable[[Value, Value], bool]]] = {
    "low": ("from", operator.ge),
    "above": ("above", operator.gt),
    "high": ("to", operator.le),
    "below": ("and below", operator.lt),
    "choices": ("", lambda value, choices: value in choices),
}


@dataclass(frozen=True)
class Settings:
    """The value of every setting. UserError for a value that is not allowed."""

    net: str = setting("rcnn", "the network", word, FOLDER, form="the name of a folder of prototxt/")
    split: str = setting("song", "how songs are divided into a train and a test part", word, FOLDER, choices=SPLITS)
    fold: int = setting(0, "which fold of the split is tested", int, FOLDER, low=0)
    dtype: str = setting("float", "the values of an LMDB: real, or rounded", word, RUN, choices=DTYPES)
    seed: int = setting(None, "where chance begins (the solver's random_seed)", int, RUN, low=0, high=LIMIT - 1)
    bands: str = setting("mel", "bands of a spectrum: mel, or all of one width", word, LMDB, choices=("mel", "linear"))
    n_bands: int = setting(33, "number of bands", int, LMDB, low=1, high=LONGEST_WINDOW)
    window: int = setting(1024, "samples of an STFT window", int, LMDB, low=1, high=LONGEST_WINDOW)
    hop: int = setting(256, "samples from one STFT window to the next", int, LMDB, low=1)
    frames_a_clip: int = setting(166, "frames of a clip", int, LMDB, low=1)
    clips_a_song: int = setting(15, "clips that a song is cut into", int, LMDB, low=1)
    song_frames: int = setting(2500, "frames that the whole-song network reads", int, LMDB, low=1)
    lstm_window: int = setting(2048, "LSTM: samples of an STFT window", int, LMDB, low=1, high=LONGEST_WINDOW)
    lstm_hop: int = setting(1024, "LSTM: samples from one STFT window to the next", int, LMDB, low=1)
    lstm_frames_a_clip: int = setting(20, "LSTM: frames of a clip", int, LMDB, low=1)
    lstm_clips_a_song: int = setting(30, "LSTM: clips that a song is cut into", int, LMDB, low=1)
    overlap: int = setting(1, "train clips in the time of one: 2 overlap by half", int, LMDB, low=1)
    masked_copies: int = setting(0, "masked copies of each train clip", int, LMDB, low=0)
    level_copies: int = setting(0, "louder or softer copies of each train clip", int, LMDB, low=0)
    balanced: int = setting(0, "1: clips repeated until each genre trains on as many", int, LMDB, choices=(0, 1))
    batch: int = setting(None, "clips an iteration, of all ranks together", int, RUN, low=1, high=LIMIT - 1)
    base_lr: float = setting(None, "the learning rate at the beginning", number, RUN, above=0, below=1000)
    lr_steps: Schedule = setting(None, "learning rates, as 1e-4 1e-5@100000", schedule, RUN, above=0, below=1000)
    dropout: Schedule = setting(None, "dropout ratios, as 0.4 0.6@3000", schedule, RUN, low=0, below=1)
    input_scale: float = setting(None, "what the input is multiplied by", number, RUN, above=0, below=1000)
    pooling: str = setting(None, "how the network pools over a whole clip", word, RUN, choices=("max", "ave"))
    batch_norm: int = setting(None, "1: batch normalisation in the place of LRN", int, RUN, choices=(0, 1))
    neurons: int = setting(None, "outputs of each LSTM layer", int, RUN, low=1, high=4096)
    weights: str = setting("", "the trained network to start from", word, RUN, form="a run folder or a .caffemodel")
    genres: tuple[str, ...] = setting((), "the genres to use; left out: all", words, LMDB)
    iters: int = setting(None, "the iteration to train to (max_iter)", int, NOTHING, low=1, high=LIMIT - 1)
    ranks: int = setting(None, "MPI ranks: processes that share a batch", int, NOTHING, low=1)
    gpu: str = setting("", "GPUs to train on; none: the CPU", word, NOTHING, form="numbers, as 0 or 0,1")
    hosts: Path = setting(None, "the hosts to train on: a hostfile of Open MPI", Path, NOTHING)
    caffe: str = setting("stock", "Debian's Caffe, or a faster one", word, NOTHING, choices=("stock", "native"))
    jobs: int = setting(None, "songs that are read at the same time", int, NOTHING, low=1)
    build: Path = setting(Path("build"), "the folder of everything that is made", Path, NOTHING)

    def __post_init__(self) -> None:
        for each in fields(self):
            check(each, getattr(self, each.name))
        if self.net != Path(self.net).name or not self.net:
            raise UserError(f"NET={printable(self.net)}: give the name of a folder of prototxt/, without a path")

    def items(self, *names: str) -> Iterator[tuple[str, Value]]:
        """Name and value of the settings that name one of ``names``, in order."""
        for each in fields(self):
            if each.metadata["names"] in names:
                yield each.name, getattr(self, each.name)

    def differences(self, *names: str, defaults: Mapping[str, Value] | None = None) -> dict[str, str]:
        """The settings that name one of ``names`` and are not the default, nor that of the network (``defaults``).

        All ten genres of GTZAN name nothing: there they are as none.
        """
        usual = {**{each.name: each.default for each in fields(self)}, **(defaults or {})}
        texts = {name: text_of(value) for name, value in self.items(*names) if value not in (None, (), GTZAN_GENRES)}
        return {name: text for name, text in texts.items() if text != text_of(usual[name])}

    @property
    def split_folder(self) -> str:
        """The name of the split's folder: ``song`` for fold 0, ``song-1`` or ``inner-1`` for others, ``clip``, ..."""
        return self.split if self.fold == 0 else f"{self.split}-{self.fold}"

    @property
    def lmdb_folder(self) -> str:
        """The name of the folder under build/lmdb, where other matrices and fewer genres name themselves."""
        return variant(self.split_folder, self.differences(LMDB))

    def run_name(self, defaults: Mapping[str, Value]) -> str:
        """The name of a run: its network, and what differs from the defaults, which may be the network's own."""
        return variant(self.net, self.differences(LMDB, RUN, defaults=defaults))

    def as_json(self) -> dict[str, Any]:
        """Every setting as run.json has it: a constant schedule is a number, a longer one is text."""
        return {each.name: json_of(getattr(self, each.name)) for each in fields(self)}


def check(each: Field, value: Value) -> None:
    """UserError for a value out of its range."""
    parts = [step for _, step in value or ()] if each.metadata["kind"] is schedule else [value]
    for limit, (_, keeps_to) in LIMITS.items():
        for part in parts if limit in each.metadata else ():
            if part is not None and not keeps_to(part, each.metadata[limit]):
                raise refusal(each, text_of(value))


def refusal(each: Field, text: str) -> UserError:
    shown = printable(text if len(text) < 80 else f"{text[:76]} ...")
    quoted = f'"{shown}"' if " " in shown.strip() else shown
    return UserError(f"{each.name.upper()}={quoted}: give {allowed_text(each)}")


def allowed_text(each: Field) -> str:
    """What a setting may be, in words."""
    allowed = each.metadata
    if "choices" in allowed:
        *others, last = map(str, allowed["choices"])
        return f"{', '.join(others)} or {last}"
    phrases = {limit: phrase for limit, (phrase, _) in LIMITS.items() if allowed.get(limit, LIMIT) < LIMIT - 1}
    limits = [f"{phrase} {allowed[limit]:g}" for limit, phrase in phrases.items()]
    text = " ".join([allowed.get("form", FORMS[allowed["kind"]]), *limits])
    return f"{text}, then VALUE@ITERATION for each change, in order" if allowed["kind"] is schedule else text


def default_text(each: Field) -> str:
    """The default of a setting, in words."""
    if each.default is None:
        return {"ranks": "one a core, or a GPU", "jobs": "one a core", "hosts": "none"}.get(each.name, "the network's")
    return typed(each.default) or "none"


def text_of(value: Value) -> str:
    """A value as a folder's name has it: numbers by format(x, 'g'), lists joined by ``_``."""
    if isinstance(value, tuple):
        return "_".join(texts_of(value))
    return format(value, "g") if isinstance(value, float) else str(value)


def typed(value: Value) -> str:
    """A value as it can be typed: lists with spaces between their items."""
    return " ".join(map(quoted, texts_of(value))) if isinstance(value, tuple) else text_of(value)


def texts_of(items: Schedule | tuple[str, ...]) -> list[str]:
    return [item if isinstance(item, str) else f"{item[1]:g}" + (f"@{item[0]}" if item[0] else "") for item in items]


def json_of(value: Value) -> Any:
    if isinstance(value, tuple) and value and not isinstance(value[0], str):
        return value[0][1] if len(value) == 1 else typed(value)
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def add_settings(parser: argparse.ArgumentParser) -> None:
    """An option for each setting, as ``--lstm-window``."""
    group = parser.add_argument_group("settings", "what names LMDBs and runs, and how far and where a run is trained")
    for each in fields(Settings):
        text = f"{each.metadata['meaning']}: {allowed_text(each)} (default: {default_text(each)})"
        group.add_argument(f"--{each.name.replace('_', '-')}", metavar="X", help=text.replace("%", "%%"))


def given_settings(args: argparse.Namespace) -> dict[str, str]:
    """The text of the settings that the options name; one that is empty counts as left out."""
    options = ((each.name, getattr(args, each.name, None)) for each in fields(Settings))
    return {name: text for name, text in options if text}


def read_settings(args: argparse.Namespace) -> Settings:
    """What the options say. UserError for a value that is not allowed."""
    return parse({"caffe": os.environ.get("CAFFE") or "stock", **given_settings(args)})


def parse(texts: Mapping[str, str]) -> Settings:
    """The settings out of their texts, by name. UserError for a text that is none."""
    values = {}
    for each in fields(Settings):
        if each.name in texts:
            try:
                if "\0" in texts[each.name]:  # no path nor name has it
                    raise ValueError
                values[each.name] = each.metadata["kind"](texts[each.name])
            except ValueError:
                raise refusal(each, texts[each.name]) from None
    return Settings(**values)


def from_json(values: Mapping[str, Any]) -> Settings:
    """The settings of a run.json; one that is not in it has its default. UserError for a value that is not allowed."""
    texts = {
        name: " ".join(quoted(str(item)) for item in value) if isinstance(value, list) else str(value)
        for name, value in values.items()
        if value not in (None, [], "")
    }
    return parse(texts)


def table() -> str:
    """Every setting as a row of a Markdown table."""
    lines = ["| setting | what it is | what it may be | default | what is named after it |", "|---|---|---|---|---|"]
    for each in fields(Settings):
        meaning, names = each.metadata["meaning"], each.metadata["names"]
        cells = [f"`{each.name.upper()}`", meaning, allowed_text(each), default_text(each), names]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    run("settings", lambda: print(table()))
