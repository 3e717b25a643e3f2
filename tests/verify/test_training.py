"""The settings that the name of a run's folder holds."""

from __future__ import annotations

import pytest

from tools.nets.network import Network
from tools.paths import LONGEST_NAME
from tools.settings import parse
from tools.verify.outcome import FailedError
from tools.verify.training import named_settings

LONG = {"genres": ",".join(f"genre number {number}" for number in range(12)), "clips_a_song": "4"}


@pytest.mark.parametrize(
    "typed", [{}, {"batch": "8"}, {"seed": "3", "dropout": "0.4 0.6@9"}, LONG, {**LONG, "seed": "3"}]
)
def test_a_name_tells_the_settings_that_differ_though_it_is_cut(typed):
    network, settings = Network("rcnn"), parse(typed)
    resolved = network.resolve(settings)
    name = network.run_name(resolved)
    assert (len(name) == LONGEST_NAME) == ("genres" in typed)
    assert named_settings(name, resolved).keys() == typed.keys()
    with pytest.raises(FailedError, match="the name of its folder"):
        named_settings(f"{name}0", resolved)
