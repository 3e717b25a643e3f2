"""What a hostfile says; that training and conversion run on two hosts is shown by tests/two_hosts."""

from __future__ import annotations

import pytest

from tools import processes
from tools.cli import UserError
from tools.train.__main__ import choose_ranks


def write(tmp_path, text):
    file = tmp_path / "hosts"
    file.write_text(text)
    return file


def test_hosts_have_their_slots_or_one(tmp_path):
    file = write(tmp_path, "# ours\nfirst slots=4\nsecond slots = 2 max_slots=8\n\nthird  # slow\n")
    assert processes.read_hostfile(file) == {"first": 4, "second": 2, "third": 1}


@pytest.mark.parametrize("text", ["", "# none\n", "first slots=\n", "first slots=x\n", "first slots=0\n", "a b\n"])
def test_a_hostfile_that_open_mpi_would_not_understand_is_refused(tmp_path, text):
    with pytest.raises(UserError, match="HOSTS="):
        processes.read_hostfile(write(tmp_path, text))


def test_a_missing_hostfile_is_named(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        processes.read_hostfile(tmp_path / "none")


def test_ranks_are_one_a_slot_where_the_batch_divides_and_one_a_gpu_of_each_host():
    slots = {"first": 2, "second": 3}
    assert choose_ranks(None, 10, [], slots) == 5
    assert choose_ranks(None, 32, [], slots) == 4
    assert choose_ranks(None, 32, [0, 1], slots) == 4
    with pytest.raises(UserError, match="RANKS=3"):
        choose_ranks(3, 32, [0, 1], slots)


def test_batch_normalisation_leaves_each_rank_clips_enough():
    cores = {"a": 32}
    assert choose_ranks(None, 32, [], cores) == 32
    assert choose_ranks(None, 32, [], cores, least=8) == 4
    assert choose_ranks(None, 4, [], cores, least=8) == 1
    assert choose_ranks(32, 32, [], cores, least=8) == 32


def test_ranks_are_dealt_out_to_the_hosts_in_turn(tmp_path):
    assert processes.mpirun(2, None) == ["mpirun", "-n", "2", "--bind-to", "none"]
    assert processes.mpirun(2, tmp_path / "hosts")[-2:] == ["--map-by", "node"]
