"""Table 2 beside trainings of as many passes over fewer songs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.report.passes import passes
from tools.report.records import Collection, Vote
from tools.report.table import Interval

RAISED = "0.4 0.6@300 0.7@600"  # at 3 and 6 tenths of 1000, as the paper's 3000 and 6000 of 10,000


@pytest.fixture
def table(vote):
    """Its rows of clips by song, by iteration of the paper, with such votes of runs on 100 songs."""

    def rows(*votes: tuple[int, str], **given: str) -> dict[str, str]:
        voted: list[Vote] = []
        for iteration, dropout in votes:
            given |= {"dropout": dropout} if dropout else {}
            voted.append(vote("song", "complex_cnn", iteration=iteration, **given))
            voted[-1].summary.update(clip_accuracy=iteration / 1000, clip_interval=[0, 1])
        made = passes(Collection(Path("build"), runs=[each.run for each in voted], votes=voted))
        cells = {row.values["what"]: row.values["song"] for row in made.rows if "clips" in str(row.values["what"])}
        return {title.split(", ")[-1].split()[0]: cell for title, cell in cells.items()}

    return rows


def test_a_tenth_of_the_songs_goes_with_a_tenth_of_the_iterations(table):
    found = table((50, RAISED), (400, RAISED), (500, RAISED), (1000, RAISED))
    assert found == {"500": Interval(0.05, 0, 1), "4,000": Interval(0.4, 0, 1), "10,000": Interval(1.0, 0, 1)}


def test_before_dropout_is_raised_a_training_that_never_raises_it_is_the_same(table):
    assert table((50, "")) == {"500": Interval(0.05, 0, 1), "4,000": None, "10,000": None}


@pytest.mark.parametrize("dropout", ["", "0.4 0.6@3000 0.7@6000", "0.4 0.6@200 0.7@600"])
def test_dropout_raised_at_other_shares_of_the_way_is_another_training(dropout, table):
    assert table((400, dropout), (1000, dropout)) == {"500": None, "4,000": None, "10,000": None}


def test_another_seed_is_another_training(table):
    assert table((1000, RAISED), seed="2") == {"500": None, "4,000": None, "10,000": None}
