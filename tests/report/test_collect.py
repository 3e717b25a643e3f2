"""What votes have in common."""

from __future__ import annotations

from pathlib import Path

from tools.report.collect import Collection, Run, Vote


def run(name: str, fingerprint: str, train: str) -> Run:
    record = {
        "data_fingerprint": fingerprint,
        "lmdb": {"train": {"sha256": train}, "test": {"sha256": f"{train}-test"}},
    }
    return Run(Path(name), "song", name, record, [])


def vote(of: Run) -> Vote:
    return Vote(of.folder, "song", of.name, {}, of)


def test_songs_are_the_same_by_their_fingerprint_or_where_two_copies_made_one_lmdb():
    here, copied, others = run("rcnn", "here", "a"), run("lstm", "a copy", "b"), run("simple_cnn", "others", "c")
    found = Collection(Path("build"), runs=[here, copied, others])
    assert found.same_songs(vote(here), vote(here))
    assert not found.same_songs(vote(here), vote(copied))
    found.runs.append(run("complex_cnn", "a copy", "a"))  # as `rcnn` had it, from the other copy
    assert found.same_songs(vote(here), vote(copied))
    assert not found.same_songs(vote(here), vote(others))
