"""Which votes stand beside the paper's figures, in the table and in the picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import paths
from tools.report import headlines, paper
from tools.report.collect import collect_kept
from tools.report.headlines import summary, vote_beside, votes_by_the_paper
from tools.report.records import Collection, Vote
from tools.report.table import Interval

BY_HAND = {"dropout": "0.4 0.6@3000 0.7@6000"}
CLIP, SONG, ARTIST = headlines.PLACES
TABLE_2 = paper.of_table_2(paper.TABLE_2[2])[0]  # clips after 10,000 iterations
RCNN = next(headline for headline in paper.HEADLINES if headline.what == "RCNN, clips")
LSTM = next(headline for headline in paper.HEADLINES if headline.what == "LSTM, clips")


def beside_the_paper(net: str, votes: list[Vote]) -> list[tuple[dict[str, str], int]]:
    chosen = votes_by_the_paper(Collection(Path("build"), votes=votes), net, "clip")
    return [(vote.differences, vote.iteration) for vote in chosen]


def test_the_complex_cnn_stands_there_with_its_dropout_raised_by_hand_where_that_was_run(vote):
    votes = [vote("clip", "complex_cnn", iteration=iteration) for iteration in (500, 1000)]
    votes += [vote("clip", "complex_cnn", iteration=iteration, **BY_HAND) for iteration in (500, 10_000)]
    votes += [vote("clip", "complex_cnn", iteration=4000, **other) for other in ({"dropout": "0.6"}, {"dtype": "int"})]
    votes += [vote("clip", "rcnn", iteration=4000)]
    assert beside_the_paper("complex_cnn", votes) == [(BY_HAND, 500), ({}, 1000), (BY_HAND, 10_000)]


def test_a_shorter_schedule_stands_there_where_the_paper_s_was_not_run(vote):
    ratios = ({}, {"dropout": "0.4 0.6@150"}, {"dropout": "0.6"})
    votes = [vote("clip", "complex_cnn", iteration=500, **ratio) for ratio in ratios]
    assert beside_the_paper("complex_cnn", votes) == [({"dropout": "0.4 0.6@150"}, 500)]


def test_any_other_net_stands_there_as_it_is(vote):
    votes = [vote("clip", "rcnn", iteration=4000), vote("clip", "rcnn", iteration=500, **BY_HAND)]
    assert beside_the_paper("rcnn", votes) == [({}, 4000)]


@pytest.mark.parametrize(
    ("headline", "iterations", "expected"),
    [
        (RCNN, (500, 4000), 4000),  # the last before
        (RCNN, (300_000,), 300_000),  # else the first after
        (LSTM, (500, 4000), 4000),  # the paper gives no iteration: the newest
        (TABLE_2, (500, 4000), None),  # no other iteration stands in for a row of Table 2
        (TABLE_2, (500, 10_000, 20_000), 10_000),
        (RCNN, (), None),
    ],
)
def test_ours_beside_an_iteration_of_the_paper(vote, headline, iterations, expected):
    votes = [vote("song", headline.net, iteration=iteration) for iteration in iterations]
    beside = vote_beside(Collection(Path("build"), votes=votes), headline, SONG)
    assert (beside and beside.iteration) == expected


def test_all_folds_stand_there_before_fold_0_where_both_are_as_far(vote):
    votes = [vote(split, "lstm", iteration=500) for split in ("song", paths.ALL_FOLDS)]
    assert vote_beside(Collection(Path("build"), votes=votes), LSTM, SONG).split == paths.ALL_FOLDS
    votes.append(vote("song", "lstm", iteration=2000))
    assert vote_beside(Collection(Path("build"), votes=votes), LSTM, SONG).split == "song"


def test_before_anything_is_run_every_row_says_how():
    table = summary(Collection(Path("build")))
    assert len(table.rows) == len(paper.HEADLINES)
    for row, headline in zip(table.rows, paper.HEADLINES):
        assert row.missing
        assert f"NET={headline.net} SPLIT=" in row.command


def test_the_picture_has_every_figure_of_the_kept_results_and_of_the_paper():
    table = summary(collect_kept())
    (figure,) = headlines.answer(collect_kept(), table)
    drawn = {(row["line"], row["series"]): row["value"] for row in figure.rows}
    for headline, row in zip(paper.HEADLINES, table.rows):
        if headline.drawn_with == "none" or headline.measure == "train clips":
            continue
        assert drawn.get((headline.title, headlines.THE_PAPER), 0) * 100 == pytest.approx(headline.percent or 0)
        for place in headlines.PLACES:
            share = row.values.get(place)
            assert drawn.get((headline.title, place)) == (share.value if isinstance(share, Interval) else None)
    assert b"by song" in figure.svg


def test_the_best_of_each_column_is_its_highest_figure():
    table = summary(collect_kept())
    best = {row.values["place"]: row.values for row in headlines.best(table).rows}
    assert best[headlines.THE_PAPER] == {"place": headlines.THE_PAPER, "clips": "82.45%", "songs": "98%"}
    clips = [
        row.values[SONG].value
        for headline, row in zip(paper.HEADLINES, table.rows)
        if (headline.drawn_with or headline.measure) == "clips" and isinstance(row.values.get(SONG), Interval)
    ]
    assert best[SONG]["clips"] == f"{100 * max(clips):.1f}%"


def test_by_artist_stand_votes_of_the_genres_that_have_artists_enough_where_there_are_none_of_all_ten(vote):
    kept = collect_kept()
    (of_seven,) = (v for v in kept.other_votes if (v.net, v.split, v.differences) == ("rcnn", "artist-folds", {}))
    assert vote_beside(kept, RCNN, ARTIST) == of_seven
    assert vote_beside(kept, RCNN, SONG) in kept.votes
    assert vote_beside(kept, TABLE_2, ARTIST) is None
    of_ten = vote("artist", "rcnn", iteration=500)
    kept.votes.append(of_ten)
    assert vote_beside(kept, RCNN, ARTIST) == of_ten
    assert vote_beside(Collection(Path("build"), votes=kept.votes[:-1]), RCNN, ARTIST) is None
