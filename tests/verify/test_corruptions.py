"""A build as make leaves it, and what was changed in it afterwards: every change is found, and nothing else is."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools import files
from tools.verify import page
from tools.verify.build import Build
from tools.verify.lmdbs import check_folder
from tools.verify.outcome import FailedError, SkippedError
from tools.verify.record import CHECK, check_own_hash
from tools.vote.count import hold_election, score
from tools.vote.files import read_clips, write_votes

LMDBS, RUN, VOTE = "lmdb/song", "runs/song/complex_cnn", "votes/song/complex_cnn@iter=2"


# --- every value of every record --------------------------------------------------------------------------------------


def leaves(tree: Any, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value of a JSON document; an empty list is one."""
    if isinstance(tree, (dict, list)) and tree:
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, (*path, key))
    else:
        yield path


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1 if isinstance(value, int) else value * 1.01 + 1e-3
    if isinstance(value, str):
        return value[:-1] + ("1" if value[-1:] != "1" else "2")
    return 7 if value is None else ["x"]


def parent_of(tree: Any, path: tuple) -> Any:
    for key in path[:-1]:
        tree = tree[key]
    return tree


def with_other(tree: Any, path: tuple) -> None:
    parent_of(tree, path)[path[-1]] = other(parent_of(tree, path)[path[-1]])


def without(tree: Any, path: tuple) -> None:
    del parent_of(tree, path)[path[-1]]


def unnoticed(
    look: Callable[[], str], file: Path, change: Callable[[Any, tuple], None], beside: tuple[str, ...]
) -> list[str]:
    """The values of a record whose change ``look`` does not find; without those that begin with one of ``beside``.

    The record's own hash is made anew, so that what it was made from has to tell.
    """
    before = file.read_text()
    record, paths = json.loads(before), []
    for path in leaves(record):
        if ".".join(map(str, path)).startswith(beside):
            continue
        changed = copy.deepcopy(record)
        change(changed, path)
        files.write_record(file, changed)
        if not look():
            paths.append(".".join(map(str, path)))
    file.write_text(before)
    return paths


# What a record's own hash alone tells: with what and when it was made, where, and settings that change no weight
UNKNOWN = {
    LMDBS: (files.OWN_HASH, "versions.", "command", "samples_sha256."),
    RUN: (files.OWN_HASH, "versions.", "command", "begun", "data_fingerprint", "stretches.0.openblas_coretype")
    + ("settings.hosts", "settings.jobs", "settings.caffe", "settings.build"),
    VOTE: (files.OWN_HASH, "command"),
}
RECORDS = [(LMDBS, "manifest.json"), (RUN, "run.json"), (VOTE, "summary.json")]


@pytest.mark.parametrize(("folder", "name"), RECORDS)
def test_any_value_of_a_record_that_is_changed_is_found(build, first_failure, folder, name):
    assert first_failure(build, folder) == ""
    look = partial(first_failure, build, folder)
    assert unnoticed(look, build / folder / name, with_other, UNKNOWN[folder]) == []


@pytest.mark.parametrize(("folder", "name"), RECORDS)
def test_any_value_of_a_record_that_is_gone_is_found(build, first_failure, folder, name):
    look = partial(first_failure, build, folder)
    # a setting that is not in a record has its default
    assert unnoticed(look, build / folder / name, without, ("settings.", *UNKNOWN[folder])) == []


@pytest.mark.parametrize(("folder", "name"), RECORDS)
def test_a_record_holds_its_own_hash(build, folder, name):
    """Whatever value is changed or gone, those that nothing else tells as well; in any order of keys it is the same."""
    file = build / folder / name
    record = json.loads(file.read_text())
    file.write_text(json.dumps(record, sort_keys=True))
    assert check_own_hash(file)
    for change in (with_other, without):
        for path in leaves(record):
            changed = copy.deepcopy(record)
            change(changed, path)
            file.write_text(json.dumps(changed))
            with pytest.raises(SkippedError if path == (files.OWN_HASH,) and change is without else FailedError):
                check_own_hash(file)


@pytest.mark.parametrize("folder", [LMDBS, RUN, VOTE])
def test_a_record_without_a_hash_of_its_own_is_said_to_be_of_before(build, outcomes, folder):
    (file,) = (build / folder / name for of, name in RECORDS if of == folder)
    record = json.loads(file.read_text())
    file.write_text(json.dumps({key: value for key, value in record.items() if key != files.OWN_HASH}))
    states = {outcome.check: outcome.state for outcome in outcomes(build, folder)}
    assert states.pop(CHECK) == "SKIP"
    assert "FAIL" not in states.values()


def test_the_hash_of_any_songs_samples_is_compared(build, whole):
    file = build / LMDBS / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["samples_sha256"]["jazz.00003"] = manifest["samples_sha256"]["rock.00001"]
    files.write_record(file, manifest)
    about = Build(build, data=whole / "synthetic" / "genres", songs=1)
    failures = [outcome.check for outcome in check_folder(about, build / LMDBS) if outcome.state == "FAIL"]
    assert failures == ["samples"]


@pytest.mark.parametrize(
    ("folder", "name", "old", "new"),
    [
        (LMDBS, "manifest.json", "tools.convert", "tools.report"),
        (LMDBS, "manifest.json", "--split song", "--split clip"),
        (LMDBS, "manifest.json", "--split song", "--split song --window 512"),
        (RUN, "run.json", "--net complex_cnn", "--net rcnn"),
        (RUN, "run.json", "--net complex_cnn", "--net complex_cnn --seed 3"),
        (RUN, "run.json", "--iters 2", "--iters 20"),
        (RUN, "run.json", "--ranks 1", "--ranks 2"),
        (VOTE, "summary.json", "--net complex_cnn", "--net simple_cnn"),
        (VOTE, "summary.json", "--iteration 2", "--iteration 1"),
        (VOTE, "summary.json", "--iteration 2", "--iteration 2 --threshold 6"),
        (VOTE, "summary.json", "--split song", "--split clip"),
        (VOTE, "summary.json", "--split song", "--split song --dtype int"),
    ],
)
def test_a_command_that_does_not_make_what_the_record_says_is_found(build, first_failure, folder, name, old, new):
    file = build / folder / name
    record = json.loads(file.read_text())
    assert old in record["command"]
    files.write_record(file, {**record, "command": record["command"].replace(old, new)})
    assert first_failure(build, folder)


def test_what_is_typed_for_the_training_beside_the_lmdbs_is_no_fault_of_theirs(build, first_failure):
    """As in `make lmdb train vote BATCH=8 ITERS=2000 DROPOUT=0.6`."""
    file = build / LMDBS / "manifest.json"
    record = json.loads(file.read_text())
    command = f"{record['command']} --batch 8 --iters 2000 --dropout 0.6 --seed 3 --ranks 2"
    files.write_record(file, {**record, "command": command})
    assert not first_failure(build, LMDBS)


# --- every line of the run's files ------------------------------------------------------------------------------------


def changed_lines(text: str) -> Iterator[tuple[str, str]]:
    """Every line with a digit, and the whole text with that digit changed."""
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        place = next((i for i, letter in reversed(list(enumerate(line))) if letter.isdigit()), None)
        if place is not None:
            digit = str((int(line[place]) + 1) % 10)
            yield (
                line.strip(),
                "".join([*lines[:number], line[:place] + digit + line[place + 1 :], *lines[number + 1 :]]),
            )


@pytest.mark.parametrize("name", ["train_val.prototxt", "deploy.prototxt", "solver.prototxt"])
def test_any_number_of_the_prototxt_that_is_changed_is_found(build, first_failure, name):
    file = build / RUN / name
    before, lines = file.read_text(), []
    for line, text in changed_lines(before):
        file.write_text(text)
        if not first_failure(build, RUN):
            lines.append(line.partition(":")[0])
    # how often to look and to save, which changes no weight, may be another at every call
    assert sorted(lines) == (["display", "snapshot", "test_interval"] if name == "solver.prototxt" else [])


def test_any_value_of_the_metrics_that_is_changed_is_found(build, first_failure):
    file = build / RUN / "metrics.jsonl"
    before = file.read_text().splitlines()
    values = []
    for number, text in enumerate(before):
        line = json.loads(text)
        for key in line:
            changed = json.dumps({**line, key: other(line[key])})
            file.write_text("\n".join([*before[:number], changed, *before[number + 1 :]]) + "\n")
            values += [] if first_failure(build, RUN) else [f"{number} {key}"]
    assert values == []


# --- the rest, one by one ---------------------------------------------------------------------------------------------


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def edit_cell(file: Path, column: str, value: str, row: int = 3) -> None:
    lines = file.read_text().splitlines()
    cells, place = lines[row].split(","), lines[0].split(",").index(column)
    assert cells[place] != value
    cells[place] = value
    lines[row] = ",".join(cells)
    file.write_text("\n".join(lines) + "\n")


def edit_lines(file: Path, change: Callable[[list[str]], list[str]]) -> None:
    lines = file.read_text().splitlines(keepends=True)
    assert change(lines) != lines
    file.write_text("".join(change(lines)))


def flip(file: Path, share: float) -> None:
    """Change one byte, ``share`` of the way through a file."""
    content = bytearray(file.read_bytes())
    content[int(share * len(content))] ^= 1
    file.write_bytes(content)


def forge(vote: Path, change: Callable[[np.ndarray, np.ndarray], None]) -> None:
    """Hold the vote anew with other probabilities: every figure of it is what its clips.csv says."""
    clips, summary = read_clips(vote / "clips.csv"), json.loads((vote / "summary.json").read_text())
    change(clips.probabilities, clips.labels)
    texts = clips.probabilities.astype(np.float32).astype(str)
    clips = replace(clips, texts=texts, probabilities=texts.astype(np.float64))
    election = hold_election(clips, None)
    write_votes(vote, clips, election, {**summary, **score(clips, election)})


def certain(probabilities: np.ndarray, labels: np.ndarray) -> None:
    probabilities[:] = 0.01
    probabilities[np.arange(len(labels)), labels] = 0.91


def nudged(probabilities: np.ndarray, _: np.ndarray) -> None:
    probabilities[7, 2] += 0.004
    probabilities[7, 5] -= 0.004


def swap_names(lines: list[str]) -> list[str]:
    return [lines[0].replace("jazz,metal", "metal,jazz"), *lines[1:]]


def without_tests(lines: list[str]) -> list[str]:
    return [line for line in lines if "Test" not in line]


MODEL = "complex_cnn_iter_2"
CORRUPTIONS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "mean: a byte": (LMDBS, lambda f: copied(f / "cnn_float_mean.binaryproto", lambda file: flip(file, 0.5))),
    "mean: longer": (
        LMDBS,
        lambda f: copied(f / "cnn_float_mean.binaryproto", lambda file: file.open("ab").write(b"x")),
    ),
    "mean: gone": (LMDBS, lambda f: (f / "lstm_int_mean.binaryproto").unlink()),
    "manifest: cut short": (LMDBS, lambda f: edit_lines(f / "manifest.json", lambda lines: lines[:-3])),
    "LMDB: gone": (LMDBS, lambda f: (f / "cnn_int_test_lmdb").unlink()),
    "LMDB: another's in its place": (LMDBS, lambda f: exchange(f / "cnn_int_test_lmdb", f / "cnn_int_train_lmdb")),
    "mark: gone": (RUN, lambda f: (f / f"{MODEL}.whole").unlink()),
    "mark: gone, and the snapshot": (RUN, lambda f: [file.unlink() for file in f.glob(f"{MODEL}.*")]),
    "mark: another hash": (RUN, lambda f: edit(f / f"{MODEL}.whole", '"sha256": "', '"sha256": "0')),
    "mark: of another iteration": (RUN, lambda f: (f / f"{MODEL}.whole").rename(f / "complex_cnn_iter_1.whole")),
    "weights: a byte": (RUN, lambda f: flip(f / f"{MODEL}.caffemodel", 0.7)),
    "weights: cut short": (RUN, lambda f: (f / f"{MODEL}.caffemodel").write_bytes(b"short")),
    "weights: gone": (RUN, lambda f: (f / f"{MODEL}.caffemodel").unlink()),
    "solver state: a byte": (RUN, lambda f: flip(f / f"{MODEL}.solverstate", 0.3)),
    "batches: changed": (RUN, lambda f: edit(f / f"{MODEL}.batches", "[", "[1.5, ")),
    "songs trained on: gone": (RUN, lambda f: (f / "trained_songs.json").unlink()),
    "songs trained on: another hash": (RUN, lambda f: edit(f / "trained_songs.json", '": "', '": "0')),
    "songs trained on: one less": (RUN, lambda f: edit_lines(f / "trained_songs.json", lambda ls: [ls[0], *ls[2:]])),
    "first weights of nowhere": (RUN, lambda f: (f / "weights.caffemodel").write_bytes(b"")),
    "log: emptied": (RUN, lambda f: (f / "caffe.log").write_text("")),
    "log: gone": (RUN, lambda f: (f / "caffe.log").unlink()),
    "log: cut short": (RUN, lambda f: edit_lines(f / "caffe.log", lambda lines: lines[: len(lines) // 2])),
    "log: another loss": (RUN, lambda f: edit(f / "caffe.log", "iters), loss = ", "iters), loss = 1")),
    "log: another rate": (RUN, lambda f: edit(f / "caffe.log", ", lr = ", ", lr = 1")),
    "log: another accuracy": (RUN, lambda f: edit(f / "caffe.log", "Test net output #0: accuracy = ", "\\g 0.9")),
    "log: without its tests": (
        RUN,
        lambda f: edit_lines(f / "caffe.log", without_tests),
    ),
    "metrics: emptied": (RUN, lambda f: (f / "metrics.jsonl").write_text("")),
    "metrics: gone": (RUN, lambda f: (f / "metrics.jsonl").unlink()),
    "metrics: a line gone": (RUN, lambda f: edit_lines(f / "metrics.jsonl", lambda lines: lines[1:])),
    "metrics: the last line gone": (RUN, lambda f: edit_lines(f / "metrics.jsonl", lambda lines: lines[:-1])),
    "metrics: twice": (RUN, lambda f: edit_lines(f / "metrics.jsonl", lambda lines: lines + lines)),
    "metrics: in another order": (RUN, lambda f: edit_lines(f / "metrics.jsonl", lambda lines: lines[::-1])),
    "metrics: an iteration more": (RUN, lambda f: edit_lines(f / "metrics.jsonl", lambda ls: [*ls, later(ls[-1])])),
    "metrics: cut short": (RUN, lambda f: edit_lines(f / "metrics.jsonl", lambda lines: [*lines[:-1], lines[-1][:9]])),
    "metrics: not a number": (RUN, lambda f: edit(f / "metrics.jsonl", '"test_loss": ', '"test_loss": NaN, "x": ')),
    "prototxt: gone": (RUN, lambda f: (f / "solver.prototxt").unlink()),
    "prototxt: the mean": (RUN, lambda f: edit(f / "train_val.prototxt", "mean_value: 137", "mean_value: 0")),
    "prototxt: deploy's shift": (RUN, lambda f: edit(f / "deploy.prototxt", "shift: -137", "shift: 0")),
    "prototxt: no relu": (RUN, lambda f: edit(f / "deploy.prototxt", '"ReLU"', '"TanH"')),
    "prototxt: a comment": (RUN, lambda f: edit(f / "deploy.prototxt", "layer {", "# mine\nlayer {")),
    "clips: an invented vote": (VOTE, lambda f: forge(f, certain)),
    "clips: a probability moved by 0.004": (VOTE, lambda f: forge(f, nudged)),
    "clips: a probability": (VOTE, lambda f: edit_cell(f / "clips.csv", "p4", "0.25")),
    "clips: a label": (VOTE, lambda f: edit_cell(f / "clips.csv", "label", "9")),
    "clips: a number": (VOTE, lambda f: edit_cell(f / "clips.csv", "clip", "77")),
    "clips: a part": (VOTE, lambda f: edit_cell(f / "clips.csv", "part", "train")),
    "clips: a song": (VOTE, lambda f: edit_cell(f / "clips.csv", "track", "rock.00099")),
    "clips: a row gone": (VOTE, lambda f: edit_lines(f / "clips.csv", lambda lines: lines[:5] + lines[6:])),
    "clips: a row twice": (VOTE, lambda f: edit_lines(f / "clips.csv", lambda lines: lines[:5] + lines[4:])),
    "clips: a song gone": (VOTE, lambda f: edit_lines(f / "clips.csv", lambda lines: lines[:1] + lines[16:])),
    "clips: in another order": (VOTE, lambda f: edit_lines(f / "clips.csv", lambda lines: lines[:1] + lines[:0:-1])),
    "clips: columns exchanged": (VOTE, lambda f: edit(f / "clips.csv", "p1,p2", "p2,p1")),
    "clips: emptied": (VOTE, lambda f: (f / "clips.csv").write_text("")),
    "clips: gone": (VOTE, lambda f: (f / "clips.csv").unlink()),
    "songs: votes": (VOTE, lambda f: edit_cell(f / "songs.csv", "v0", "16")),
    "songs: plurality": (VOTE, lambda f: edit_cell(f / "songs.csv", "plurality", "none")),
    "songs: mean_probability": (VOTE, lambda f: edit_cell(f / "songs.csv", "mean_probability", "11")),
    "songs: a label": (VOTE, lambda f: edit_cell(f / "songs.csv", "label", "9")),
    "songs: a row gone": (VOTE, lambda f: edit_lines(f / "songs.csv", lambda lines: lines[:-1])),
    "songs: columns exchanged": (VOTE, lambda f: edit(f / "songs.csv", "v1,v2", "v2,v1")),
    "songs: gone": (VOTE, lambda f: (f / "songs.csv").unlink()),
    "confusion: a share": (VOTE, lambda f: edit_cell(f / "confusion.csv", "jazz", "0.987")),
    "confusion: names swapped above": (VOTE, lambda f: edit_lines(f / "confusion.csv", swap_names)),
    "confusion: names swapped beside": (VOTE, lambda f: edit(f / "confusion.csv", "\njazz,", "\nmetal,")),
    "confusion: rows swapped": (VOTE, lambda f: edit_lines(f / "confusion.csv", lambda ls: [ls[0], *ls[:0:-1]])),
    "confusion: a row gone": (VOTE, lambda f: edit_lines(f / "confusion.csv", lambda lines: lines[:-1])),
    "confusion: gone": (VOTE, lambda f: (f / "confusion.csv").unlink()),
    "summary: cut short": (VOTE, lambda f: edit_lines(f / "summary.json", lambda lines: lines[:-3])),
    "summary: gone": (VOTE, lambda f: (f / "summary.json").write_text("{}")),
}


def later(line: str) -> str:
    record = json.loads(line)
    return json.dumps({**record, "iter": record["iter"] + 1}) + "\n"


def copied(link: Path, change: Callable[[Path], object]) -> None:
    """Put a copy in the place of a link, and change that."""
    source = link.resolve()
    link.unlink()
    shutil.copy(source, link)
    change(link)


def exchange(one: Path, other: Path) -> None:
    targets = one.resolve(), other.resolve()
    for link, target in zip((other, one), targets):
        link.unlink()
        link.symlink_to(target)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_it_is_found(build, first_failure, name):
    folder, corrupt = CORRUPTIONS[name]
    corrupt(build / folder)
    assert first_failure(build, folder)


# --- the report -------------------------------------------------------------------------------------------------------


REPORT_CORRUPTIONS: dict[str, Callable[[Path], object]] = {
    "a number of the page": lambda f: edit(f / "index.html", "%", "1%"),
    "a word of the page": lambda f: edit(f / "index.html", "</title>", "!</title>"),
    "the page emptied": lambda f: (f / "index.html").write_text(""),
    "the page gone": lambda f: (f / "index.html").unlink(),
    "report.json": lambda f: edit(f / "report.json", '"missing": true', '"missing": false'),
    "a table": lambda f: edit(f / "summary.csv", "run", "ran"),
    "a table emptied": lambda f: (f / "leak.csv").write_text(""),
    "a table gone": lambda f: (f / "data.csv").unlink(),
    "claims": lambda f: edit(f / "claims.csv", "not ", ""),
    "a figure's numbers": lambda f: edit_lines(f / "splits_figure.csv", lambda lines: lines[:-1]),
    "a table more": lambda f: (f / "more.csv").write_text("a\n1\n"),
}


@pytest.fixture(scope="module")
def again(whole: Path) -> Iterator[Path]:
    with page.made_again(whole) as folder:
        yield folder


def test_a_report_as_it_was_made_is_the_one_that_is_made_again(whole, build, again, monkeypatch):
    monkeypatch.setattr(page, "made_again", lambda _: nullcontext(again))
    assert page.check_page(whole)
    with pytest.raises(SkippedError, match="made in another build folder"):
        page.check_page(build)


@pytest.mark.parametrize("name", REPORT_CORRUPTIONS)
def test_a_file_of_the_report_that_is_changed_is_found(build, again, name):
    REPORT_CORRUPTIONS[name](build / "report")
    with pytest.raises(FailedError):
        page.compare(build, again)


def test_a_report_that_is_older_than_a_vote_is_said_to_be(build, again):
    shutil.rmtree(build / VOTE)
    os.utime(build / "votes/song/lstm@iter=2/summary.json")
    (build / "report" / "splits.csv").write_text("as it was before")
    os.utime(build / "report" / "splits.csv", (0, 0))
    with pytest.raises(SkippedError, match="older"):
        page.compare(build, again)


def test_so_is_one_that_lacks_a_table_of_what_was_made_since(build, again):
    (build / "report" / "splits.csv").unlink()
    (build / "report" / "report.json").write_text("as it was before")
    os.utime(build / "report" / "report.json", (0, 0))
    with pytest.raises(SkippedError, match="older"):
        page.compare(build, again)
