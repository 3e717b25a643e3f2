"""What was measured is kept line by line, and survives a bench that was killed."""

from __future__ import annotations

from tools.bench.measurements import Measurements


def test_lines_are_found_by_what_they_were_measured_on(tmp_path):
    kept = Measurements(tmp_path / "bench", "train")
    kept.add(round=0, net="rcnn", images_per_s=60.0)
    kept.add(round=0, net="lstm", images_per_s=500.0)
    assert [line["images_per_s"] for line in kept.lines(net="rcnn")] == [60.0]
    assert kept.lines(net="rcnn", round=1) == []


def test_the_median_is_over_the_rounds_and_none_where_there_is_nothing(tmp_path):
    kept = Measurements(tmp_path, "train")
    for number, rate in enumerate((60.0, 64.0, 90.0)):
        kept.add(round=number, net="rcnn", images_per_s=rate)
    assert kept.median("images_per_s", net="rcnn") == 64.0
    assert kept.median("images_per_s", net="lstm") is None


def test_half_a_line_of_a_killed_bench_is_passed_over(tmp_path):
    kept = Measurements(tmp_path, "train")
    kept.add(round=0, net="rcnn", images_per_s=60.0)
    with kept.file.open("a") as stream:
        stream.write('{"round": 1, "net": "rc')
    assert len(kept.lines()) == 1
