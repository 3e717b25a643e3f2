"""The tables are counted from what was measured, and kept by the kind of processor."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.bench import __main__ as bench
from tools.bench import machine, tables
from tools.bench.measurements import Measurements
from tools.cli import UserError

MACHINES = {
    "avx2": {"processor": "AMD EPYC", "vectors": ["avx2"], "cores": 2},
    "avx512f": {"processor": "Xeon", "vectors": ["avx2", "avx512f"], "cores": 4},
}


def measure(folder: Path, kind: str = "avx2", rate: float = 1.0) -> Path:
    """Three rounds of the RCNN on Debian's Caffe, ``rate`` times as fast as in the tables below."""
    Measurements(folder, "machine").add(**MACHINES[kind])
    train = Measurements(folder, "train")
    rates = {("caffe train", 1): 50, ("caffe train", 2): 40, ("ours", 1): 49, ("ours", 2): 98}
    for number, noise in enumerate((1.0, 0.5, 2.0)):
        for (way, count), images in rates.items():
            on = {"round": number, "net": "rcnn", "caffe": "stock", "way": way, "number": count}
            train.add(**on, images_per_s=rate * images * noise, gflops=images * noise)
        for last, images in ((False, 30), (True, 70)):
            twin = {"way": "PyTorch", "channels_last": last, "differs_from_caffe": 1e-7}
            train.add(round=number, net="rcnn", images_per_s=rate * images * noise, **twin)
    return folder


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    return measure(tmp_path / "bench")


def test_a_row_takes_the_best_of_each_and_ratios_round_by_round(measured: Path):
    assert tables.training_row(Measurements(measured, "train"), "rcnn") == {
        "images/s in training": "rcnn",
        "PyTorch": "70",
        "`caffe train`": "50",
        "ours, 1 rank": "49",
        "ours, 2 ranks": "98",
        "native, 1 rank": None,
        "native, 2 ranks": None,
        "best / PyTorch": "1.40",
        "best / `caffe train`": "1.96",
        "2 ranks / 1": "2.00",
        "wrapper": "+2.0 %",
    }


def test_pytorch_compiled_counts_where_it_was_measured(measured: Path):
    assert "torch.compile" not in bench.report(measured)
    compiled = {"net": "rcnn", "way": "PyTorch, compiled", "channels_last": True, "differs_from_caffe": 1e-7}
    Measurements(measured, "train").add(round=0, images_per_s=80.0, **compiled)
    assert tables.training_row(Measurements(measured, "train"), "rcnn")["PyTorch"] == "80"
    assert "torch.compile" in bench.report(measured)


def test_what_was_not_measured_is_a_dash_and_no_error(measured: Path):
    Measurements(measured, "limit").add(round=0, caffe="stock", processes=1, gflops=98.0)
    assert "| rcnn | 50 % | – | – | – |" in tables.limit_table(measured).markdown(commands=False)


def test_the_conversion_and_the_votes_have_their_ratios(measured: Path):
    Measurements(measured, "conversion").add(round=0, songs_per_s=30.0, plain_songs_per_s=10.0, differs=0.0)
    Measurements(measured, "growth").add(songs=1000, ms_a_song=45.2, anonymous_mb=233.0)
    votes = Measurements(measured, "votes")
    votes.add(round=0, net="rcnn", caffe="native", caffe_test_clips_per_s=200.0, vote_clips_per_s=190.0)
    text = bench.report(measured)
    assert "| ours / plain loop | 3.0 |" in text
    assert "| 1,000 songs | 45 ms a song, 233 MB |" in text
    assert "| rcnn | – | – | – | 200 | 190 | 0.95 |" in text


def test_the_report_has_the_processor_and_the_tables_of_the_parts_that_were_measured(measured: Path):
    text = bench.report(measured)
    assert text.startswith("## AVX2: 2 cores of AMD EPYC\n\nMedians of 3 rounds.\n\n| images/s in training |")
    assert "songs/s" not in text


def test_nothing_measured_is_said_in_one_line(tmp_path: Path):
    with pytest.raises(UserError, match="make bench"):
        bench.report(tmp_path)


def test_another_machine_is_not_measured_into_the_same_tables(tmp_path: Path):
    machine.record_machine(tmp_path / "here")
    machine.record_machine(tmp_path / "here")
    assert len(Measurements(tmp_path / "here", "machine").lines()) == 1
    Measurements(tmp_path / "there", "machine").add(processor="Z80", vectors=[], cores=1)
    with pytest.raises(UserError, match=r"there was measured on .*: 1 cores of Z80: remove it"):
        machine.record_machine(tmp_path / "there")


def test_each_kind_of_processor_is_kept_and_a_new_record_takes_the_place_of_its_own_kind(tmp_path: Path):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "README.md").write_text(f"before\n{bench.BEGIN}\nold\n{bench.END}\nafter\n")
    for name, kind, rate in (("first", "avx2", 1), ("second", "avx512f", 2), ("third", "avx2", 3)):
        bench.keep(measure(tmp_path / name, kind, rate), kept)
    for kind, rate in (("avx2", 3), ("avx512f", 2)):
        rates = [json.loads(line)["images_per_s"] for line in (kept / kind / "train.jsonl").read_text().splitlines()]
        assert rates[0] == 50 * rate
    text = (kept / "README.md").read_text()
    assert text.startswith(f"before\n{bench.BEGIN}\n## AVX2: 2 cores of AMD EPYC\n")
    assert text.endswith(f"{bench.END}\nafter\n")
    assert [line for line in text.splitlines() if line.startswith("| rcnn |")] == [
        "| rcnn | 210 | 150 | 147 | 294 | – | – | 1.40 | 1.96 | 2.00 | +2.0 % |",
        "| rcnn | 140 | 100 | 98 | 196 | – | – | 1.40 | 1.96 | 2.00 | +2.0 % |",
    ]
    assert "\n## AVX-512: 4 cores of Xeon\n" in text


def test_what_was_kept_stays_where_the_readme_has_no_marks(tmp_path: Path):
    (tmp_path / "README.md").write_text("no marks")
    with pytest.raises(UserError, match="put them back"):
        bench.keep(measure(tmp_path / "bench"), tmp_path)
    assert not (tmp_path / "avx2").exists()
