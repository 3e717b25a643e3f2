"""What is whole passes every check, and whatever is broken fails the one that looks at it."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import run_module
from report_build import filled_build

from tools.convert import datum, features, lmdbs
from tools.convert import manifest as manifests
from tools.songs.gtzan import GENRES
from tools.verify.lmdbs import check_folder
from tools.verify.page import check_report
from tools.verify.training import check_run
from tools.verify.votes import check_vote

SMALL = ("--n-bands", 4, "--frames-a-clip", 20, "--clips-a-song", 3, "--song-frames", 60)
SMALL += ("--lstm-frames-a-clip", 5, "--lstm-clips-a-song", 2)
Clips = list[tuple[str, int, np.ndarray, int]]  # track, clip, matrix, label


def states(outcomes: object) -> dict[str, str]:
    """PASS, FAIL or SKIP by check; FAIL where any subject of a check failed."""
    found: dict[str, str] = {}
    for outcome in outcomes:
        if found.get(outcome.check) != "FAIL":
            found[outcome.check] = outcome.state
    return found


# --- LMDBs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def converted(synthetic_songs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("verified") / "build"
    made = run_module("tools.convert", synthetic_songs, "--build", build, *SMALL)
    assert made.returncode == 0, made.stderr
    (folder,) = (build / "lmdb").glob("song@*")
    return folder


@pytest.fixture
def folder(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / converted.name))


def look(folder: Path, data: Path | None = None, songs: int = 1) -> dict[str, str]:
    return states(check_folder(folder, data, songs, np.random.default_rng(1)))


def rewrite(lmdb: Path, change: Callable[[Clips], Clips]) -> None:
    """Write an LMDB anew with its clips changed."""
    clips = change([(r.track, r.clip, r.array, r.label) for r in lmdbs.read_lmdb(lmdb)])
    lmdbs.write_lmdb(lmdb, ((lmdbs.record_key(n, t, c), datum.serialize(a, k)) for n, (t, c, a, k) in enumerate(clips)))


def forge(folder: Path) -> None:
    """Make the manifest say what the LMDBs hold now, so that hashes and counts give nothing away."""
    contents = json.loads((folder / "manifest.json").read_text())
    for name, entry in contents["lmdbs"].items():
        records = list(lmdbs.read_lmdb(folder / name))
        labels = Counter(record.label for record in records)
        entry.update(records=len(records), songs=len({r.track for r in records}))
        entry.update(labels={g: labels[k] for k, g in enumerate(GENRES)}, sha256=lmdbs.content_hash(folder / name))
    contents["files"] = manifests.sizes(folder)
    (folder / "manifest.json").write_text(json.dumps(contents))


def move(folder: Path, view: str, wanted: Callable[[str, int], bool], source: str = "train") -> None:
    """Move clips of a view from one part to the other."""
    target = {"train": "test", "test": "train"}[source]
    for dtype in ("int", "float"):
        taken: Clips = []
        rewrite(
            folder / f"{view}_{dtype}_{source}_lmdb",
            lambda clips, taken=taken: [c for c in clips if not (wanted(*c[:2]) and not taken.append(c))],
        )
        assert taken
        rewrite(folder / f"{view}_{dtype}_{target}_lmdb", lambda clips, taken=taken: clips + taken)
        clips = [record.array.astype(float) for record in lmdbs.read_lmdb(folder / f"{view}_{dtype}_train_lmdb")]
        datum.write_mean(folder / f"{view}_{dtype}_mean.binaryproto", np.mean(clips, axis=0))
    forge(folder)


def of_part(folder: Path, part: str) -> str:
    """A song of a part."""
    return next(lmdbs.read_lmdb(folder / f"cnn_int_{part}_lmdb")).track


def test_lmdbs_as_they_were_made_pass(converted):
    assert set(look(converted).values()) == {"PASS"}


@pytest.mark.parametrize("settings", [("--split", "inner", "--fold", 3), ("--overlap", 2, "--level-copies", 1)])
def test_lmdbs_of_inner_folds_and_with_more_train_clips_pass(settings, synthetic_songs, tmp_path):
    made = run_module("tools.convert", synthetic_songs, "--build", tmp_path, *SMALL, *settings)
    assert made.returncode == 0, made.stderr
    (folder,) = (tmp_path / "lmdb").glob("[!.]*")
    assert "FAIL" not in look(folder).values()


def test_a_manifest_cut_short_fails(folder):
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text()[:-9])
    assert look(folder) == {"manifest": "FAIL"}


def test_a_file_of_another_size_or_gone_fails(folder):
    mean = folder / "cnn_int_mean.binaryproto"
    mean.write_bytes(mean.read_bytes() + b"x")
    assert look(folder) == {"manifest": "FAIL"}
    mean.unlink()
    assert look(folder) == {"manifest": "FAIL"}


def test_an_lmdb_with_a_byte_changed_fails(folder):
    file = folder / "lstm_float_test_lmdb" / "data.mdb"
    content = bytearray(file.read_bytes())
    place = content.rindex(b"\x35", 0, 2 * len(content) // 3)  # the tag of a float: its value comes after
    content[place + 1] ^= 1
    file.write_bytes(content)
    assert look(folder)["records"] == "FAIL"


def test_a_record_that_is_gone_fails(folder):
    rewrite(folder / "cnn_int_test_lmdb", lambda clips: clips[:-1])
    contents = json.loads((folder / "manifest.json").read_text())
    contents["files"] = manifests.sizes(folder)
    (folder / "manifest.json").write_text(json.dumps(contents))
    assert look(folder)["records"] == "FAIL"


def test_a_record_of_another_genre_than_its_song_fails(folder):
    for dtype in ("int", "float"):
        rewrite(folder / f"cnn_{dtype}_train_lmdb", lambda clips: [(*clips[0][:3], (clips[0][3] + 1) % 10), *clips[1:]])
    forge(folder)
    assert look(folder)["genres"] == "FAIL"


def test_a_clip_that_is_there_twice_fails(folder):
    for dtype in ("int", "float"):
        rewrite(folder / f"cnn_{dtype}_test_lmdb", lambda clips: [*clips, clips[0]])
    forge(folder)
    found = look(folder)
    assert (found["records"], found["clips"]) == ("PASS", "FAIL")


def test_a_genre_that_is_not_tested_fails(folder):
    for view in ("cnn", "lstm", "song"):
        move(folder, view, lambda track, _: track.startswith("blues"), source="test")
    found = look(folder)
    assert (found["clips"], found["balance"], found["no song on both sides"]) == ("PASS", "FAIL", "PASS")


def test_a_song_on_both_sides_fails(folder):
    song = of_part(folder, "train")
    move(folder, "cnn", lambda track, clip: (track, clip) == (song, 0))
    found = look(folder)
    assert (found["clips"], found["no song on both sides"]) == ("PASS", "FAIL")


def test_a_mean_of_something_else_fails(folder):
    file = folder / "lstm_float_mean.binaryproto"
    datum.write_mean(file, datum.read_mean(file) + 0.01)
    forge(folder)
    assert look(folder)["means"] == "FAIL"


def test_an_integer_that_is_not_the_float_rounded_fails(folder):
    def brighter(clips: Clips) -> Clips:
        track, clip, matrix, label = clips[3]
        return [*clips[:3], (track, clip, matrix ^ 1, label), *clips[4:]]

    rewrite(folder / "cnn_int_test_lmdb", brighter)
    forge(folder)
    assert look(folder)["integers are the floats rounded"] == "FAIL"


def test_a_song_in_another_part_than_the_split_puts_it_fails(folder):
    genre = of_part(folder, "train").split(".")[0]
    songs = {
        part: next(r.track for r in lmdbs.read_lmdb(folder / f"cnn_int_{part}_lmdb") if r.track.startswith(genre))
        for part in ("train", "test")
    }
    for view in ("cnn", "lstm", "song"):
        for part, song in songs.items():
            move(folder, view, lambda track, _, song=song: track == song, source=part)
    found = look(folder)
    assert (found["balance"], found["no song on both sides"]) == ("PASS", "PASS")
    assert (found["split drawn again"], found["derived again from the audio"]) == ("FAIL", "PASS")


def test_records_that_the_audio_does_not_give_fail(folder):
    def other(clips: Clips) -> Clips:
        track, clip, matrix, label = clips[0]
        changed = np.where(matrix > 100, matrix - 2, matrix + 2)
        return [(track, clip, features.quantize(changed) if matrix.dtype == np.uint8 else changed, label), *clips[1:]]

    for dtype in ("int", "float"):
        rewrite(folder / f"lstm_{dtype}_test_lmdb", other)
    forge(folder)
    found = look(folder, songs=50)
    assert (found["records"], found["derived again from the audio"]) == ("PASS", "FAIL")


def test_songs_that_changed_fail_and_songs_that_are_gone_are_said_to_be(folder, synthetic_songs, tmp_path):
    contents = json.loads((folder / "manifest.json").read_text())
    contents["data"]["root"] = str(tmp_path / "gone")
    (folder / "manifest.json").write_text(json.dumps(contents))
    assert look(folder)["derived again from the audio"] == look(folder)["split drawn again"] == "SKIP"
    assert look(folder, synthetic_songs)["derived again from the audio"] == "PASS"
    other = tmp_path / "other" / "blues"
    other.mkdir(parents=True)
    (other / "blues.00000.wav").write_bytes(b"")
    assert look(folder, other.parent)["derived again from the audio"] == "FAIL"


# --- runs, votes, the report ----------------------------------------------------------------------------------------


@pytest.fixture
def build(tmp_path: Path) -> Path:
    filled, build = filled_build(), tmp_path / "build"
    build.mkdir()
    (build / "lmdb").symlink_to(filled / "lmdb")
    for part in ("runs", "votes", "report"):
        shutil.copytree(filled / part, build / part)
    return build


RUN, VOTE = Path("runs/song/complex_cnn"), Path("votes/song/complex_cnn@iter=2")


def look_at_run(build: Path) -> dict[str, str]:
    return states(check_run(build / RUN))


def look_at_vote(build: Path) -> dict[str, str]:
    # The summary names the run by its full path: that of the copy is meant here
    file = build / VOTE / "summary.json"
    file.write_text(file.read_text().replace(str(filled_build()), str(build)))
    return states(check_vote(build / VOTE, build / "runs"))


def edit_json(file: Path, change: Callable[[dict], object]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def edit_table(file: Path, change: Callable[[list[list[str]]], object]) -> None:
    with file.open(newline="") as lines:
        rows = list(csv.reader(lines))
    change(rows)
    with file.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def test_a_run_its_votes_and_the_report_pass_as_they_were_made(build):
    assert set(look_at_run(build).values()) == {"PASS"}
    assert set(look_at_vote(build).values()) == {"PASS"}
    assert (
        states(check_vote(build / "votes/clip/complex_cnn@iter=2", build / "runs")).keys() == look_at_vote(build).keys()
    )
    assert set(states(check_report(filled_build())).values()) == {"PASS"}


RUN_CHECKS = {
    "record": lambda run: edit_json(run / "run.json", lambda record: record.pop("versions")),
    "LMDBs are those it began with": lambda run: edit_json(
        run / "run.json", lambda record: record["lmdb"]["test"].update(sha256="0" * 64)
    ),
    "snapshots": lambda run: (run / "complex_cnn_iter_2.solverstate").write_bytes(b"rotten"),
    "metrics": lambda run: (run / "metrics.jsonl").write_text('{"iter": 0, "loss": NaN}\n'),
}


@pytest.mark.parametrize("check", RUN_CHECKS)
def test_a_run_that_is_broken_fails_the_check_that_looks_there(build, check):
    RUN_CHECKS[check](build / RUN)
    failed = [name for name, state in look_at_run(build).items() if state == "FAIL"]
    assert failed == [check]


def test_iterations_that_stand_twice_in_the_metrics_fail(build):
    file = build / RUN / "metrics.jsonl"
    file.write_text(2 * file.read_text())
    assert look_at_run(build)["metrics"] == "FAIL"


VOTE_CHECKS = {
    "summary recounted from clips.csv": lambda vote: edit_json(
        vote / "summary.json", lambda s: s["song_accuracy"]["plurality"].update({"5": 0.987})
    ),
    "songs.csv recounted from clips.csv": lambda vote: edit_table(
        vote / "songs.csv", lambda rows: rows[1].__setitem__(2, str(int(rows[1][2]) + 1))
    ),
    "confusion.csv recounted from clips.csv": lambda vote: edit_table(
        vote / "confusion.csv", lambda rows: rows[1].__setitem__(1, str(float(rows[1][1]) + 0.125))
    ),
    "weights": lambda vote: edit_json(vote / "summary.json", lambda s: s.update(caffemodel_sha256="0" * 64)),
    "clips are those of the LMDB": lambda vote: edit_json(
        vote / "summary.json", lambda s: s["lmdb_sha256"].update(test="0" * 64)
    ),
}


@pytest.mark.parametrize("check", VOTE_CHECKS)
def test_a_vote_that_is_broken_fails_the_check_that_looks_there(build, check):
    VOTE_CHECKS[check](build / VOTE)
    failed = [name for name, state in look_at_vote(build).items() if state == "FAIL"]
    assert failed == [check]


def test_other_intervals_or_counts_in_the_summary_fail(build):
    for change in ({"clip_interval": [0.0, 1.0]}, {"songs": 11}, {"clip_accuracy": 0.5001}, {"leaky": True}):
        file = build / VOTE / "summary.json"
        before = file.read_text()
        edit_json(file, lambda summary, change=change: summary.update(change))
        assert look_at_vote(build)["summary recounted from clips.csv"] == "FAIL"
        file.write_text(before)


def test_clips_that_the_lmdb_does_not_have_fail(build):
    edit_table(build / VOTE / "clips.csv", lambda rows: rows[1].__setitem__(1, "77"))
    assert look_at_vote(build)["clips are those of the LMDB"] == "FAIL"


def test_a_clips_csv_cut_short_fails(build):
    (build / VOTE / "clips.csv").write_text("track,clip\nx")
    assert look_at_vote(build)["summary recounted from clips.csv"] == "FAIL"


def test_a_report_that_says_something_else_than_the_votes_fails(build):
    def other(rows: list[list[str]]) -> None:
        ours, state = rows[0].index("ours"), rows[0].index("state")
        next(row for row in rows[1:] if row[state] == "run")[ours] = "0.999"

    edit_table(build / "report/summary.csv", other)
    assert states(check_report(build))["figures are those of the votes"] == "FAIL"


def test_a_report_older_than_a_vote_fails(build):
    shutil.rmtree(build / VOTE)
    assert states(check_report(build))["up to date"] == "FAIL"


# --- the command ----------------------------------------------------------------------------------------------------


def test_the_command_ends_well_on_what_is_whole_and_with_1_on_what_is_not(build):
    result = run_module("tools.verify", "--build", filled_build(), "--songs", 1)
    assert result.returncode == 0, result.stdout
    lines = result.stdout.splitlines()
    assert all(line.startswith(("PASS", "SKIP")) for line in lines[:-1])
    assert lines[-1].endswith(f"0 failed, {sum(line.startswith('SKIP') for line in lines)} skipped")
    RUN_CHECKS["snapshots"](build / RUN)
    shutil.rmtree(build / "votes")
    (build / "lmdb").unlink()
    result = run_module("tools.verify", "--build", build)
    assert result.returncode == 1
    assert [line.split(": ")[1] for line in result.stdout.splitlines() if line.startswith("FAIL")] == [
        "snapshots",
        "figures are those of the votes",
        "up to date",
    ]


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_where_there_is_nothing_to_verify_it_says_so(tmp_path, make):
    make(tmp_path / "build")
    result = run_module("tools.verify", "--build", tmp_path / "build")
    assert result.returncode == 2
    assert "make lmdb" in result.stderr
