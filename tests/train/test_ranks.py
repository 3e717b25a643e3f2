"""How many ranks a training has, and on what."""

from __future__ import annotations

import pytest

from tools.cli import UserError
from tools.train.ranks import choose_ranks, parse_gpus


def test_ranks_are_one_a_slot_where_the_batch_divides_and_one_a_gpu_of_each_host():
    slots = {"first": 2, "second": 3}
    assert choose_ranks(None, 10, [], slots) == 5
    assert choose_ranks(None, 32, [], slots) == 4
    assert choose_ranks(None, 32, [0, 1], slots) == 4
    with pytest.raises(UserError, match="RANKS=3"):
        choose_ranks(3, 32, [0, 1], slots)


def test_batch_normalisation_leaves_each_rank_clips_enough():
    slots = {"a": 32}
    assert choose_ranks(None, 32, [], slots) == 32
    assert choose_ranks(None, 32, [], slots, least=8) == 4
    assert choose_ranks(None, 4, [], slots, least=8) == 1
    assert choose_ranks(32, 32, [], slots, least=8) == 32


@pytest.mark.parametrize("ranks", [0, -1, 3])
def test_a_batch_that_does_not_divide_is_refused(ranks):
    with pytest.raises(UserError, match=f"RANKS={ranks}: the batch of 8 clips does not divide"):
        choose_ranks(ranks, 8, [])


@pytest.mark.parametrize("text", ["x", "-1", "0,", "0 1", "1.5"])
def test_gpus_are_numbers(text):
    with pytest.raises(UserError, match=f"GPU={text}: give the numbers of the GPUs"):
        parse_gpus(text)


def test_without_a_gpu_asked_for_there_is_none():
    assert parse_gpus("") == parse_gpus(" ") == []
