"""The README's figures are those of the committed votes, and those can be counted again."""

from __future__ import annotations

import json

import pytest

from tools import results
from tools.cli import UserError
from tools.voting.count import hold_election, score
from tools.voting.files import read_clips

KEPT = sorted(results.RESULTS.glob("*/*/summary.json"))


def test_the_readme_has_the_table_of_the_kept_results():
    text = results.README.read_text()
    assert results.insert(text, results.table()) == text


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.parent.name}/{file.parent.name}")
def test_every_kept_summary_is_what_its_clips_say(file):
    summary = json.loads(file.read_text())
    clips = read_clips(file.parent / "clips.csv")
    for key, value in score(clips, hold_election(clips, None)).items():
        assert summary[key] == value, key


def test_a_readme_without_marks_is_refused():
    with pytest.raises(UserError, match="marks"):
        results.insert("no marks here", "table")
