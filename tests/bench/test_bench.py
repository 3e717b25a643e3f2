"""The tables are counted from what was measured."""

from __future__ import annotations

import pytest

from tools.bench import __main__ as bench
from tools.bench.measurements import Measurements
from tools.cli import UserError


@pytest.fixture
def measured(tmp_path):
    train = Measurements(tmp_path, "train")
    rates = {("caffe train", 1): 50, ("caffe train", 2): 40, ("ours", 1): 49, ("ours", 2): 98}
    for number, noise in enumerate((1.0, 0.5, 2.0)):
        for (way, count), rate in rates.items():
            on = {"round": number, "net": "rcnn", "caffe": "stock", "way": way, "number": count}
            train.add(**on, images_per_s=rate * noise, gflops=rate * noise)
        for last, rate in ((False, 30), (True, 70)):
            twin = {"way": "PyTorch", "channels_last": last, "differs_from_caffe": 1e-7}
            train.add(round=number, net="rcnn", images_per_s=rate * noise, **twin)
    return tmp_path


def test_a_row_takes_the_best_of_each_and_ratios_round_by_round(measured):
    row = bench.training_row(Measurements(measured, "train"), "rcnn")
    assert row == ["rcnn", "70", "50", "49", "98", "–", "–", "1.40", "1.96", "2.00", "+2.0 %"]


def test_what_was_not_measured_is_a_dash_and_no_error(measured):
    Measurements(measured, "limit").add(round=0, caffe="stock", processes=1, gflops=98.0)
    assert "| rcnn | 50 % | – | – | – |" in bench.limit_table(measured)


def test_the_report_has_the_tables_of_the_parts_that_were_measured(measured):
    text = bench.report(measured)
    assert "images/s in training" in text
    assert "3 rounds" in text
    assert "songs/s" not in text


def test_nothing_measured_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError, match="make bench"):
        bench.report(tmp_path)
