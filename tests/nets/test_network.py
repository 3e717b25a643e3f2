"""A network has values of its own where a setting is left out, and they are those of its prototxt."""

from __future__ import annotations

import pytest

from tools.cli import UserError
from tools.nets.network import NETS, Network
from tools.settings import Settings, fields, parse

OWN = [each.name for each in fields(Settings) if each.default is None and each.name not in ("ranks", "hosts", "jobs")]


@pytest.mark.parametrize("net", NETS)
def test_every_setting_without_a_default_has_the_network_s(net):
    network = Network(net)
    assert sorted(network.defaults) == sorted(OWN)
    resolved = network.resolve(Settings(net=net))
    assert {name: getattr(resolved, name) for name in OWN} == network.defaults


@pytest.mark.parametrize(
    ("net", "values"),
    [
        ("complex_cnn", {"batch": 32, "base_lr": 1e-4, "dropout": ((0, 0.4),), "pooling": None, "neurons": None}),
        ("rcnn", {"base_lr": 1e-4, "lr_steps": ((0, 1e-4), (100_000, 1e-5)), "iters": 200_000, "pooling": "ave"}),
        ("rcnn_plus", {"batch_norm": 1, "dropout": ((0, 0.25),)}),
        ("simple_cnn", {"dropout": None, "batch_norm": 0}),
        ("lstm", {"neurons": 80}),
        ("song_cnn", {"iters": 60_000}),
    ],
)
def test_the_values_are_those_that_the_prototxt_says(net, values):
    assert {name: Network(net).defaults[name] for name in values} == values


@pytest.mark.parametrize("net", NETS)
def test_the_network_s_own_values_name_nothing_however_they_are_asked_for(net):
    network = Network(net)
    own = network.resolve(Settings(net=net))
    assert network.run_name(own) == net
    assert network.run_name(network.resolve(own)) == net
    for name in OWN:
        if network.defaults[name] is not None:
            alone = Settings(net=net, **{name: network.defaults[name]})
            assert network.run_name(network.resolve(alone)) == net, name


def name_of(**texts: str) -> str:
    network = Network(texts["net"])
    return network.run_name(network.resolve(parse(texts)))


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        ({"net": "complex_cnn", "base_lr": "1e-3"}, "complex_cnn@base_lr=0.001"),
        ({"net": "complex_cnn", "lr_steps": "0.001"}, "complex_cnn@base_lr=0.001"),
        ({"net": "rcnn", "base_lr": "1e-3"}, "rcnn@base_lr=0.001"),
        ({"net": "rcnn", "lr_steps": "1e-3 1e-4@100000"}, "rcnn@base_lr=0.001"),
        ({"net": "rcnn", "lr_steps": "1e-4 1e-5@9"}, "rcnn@lr_steps=0.0001_1e-05@9"),
        ({"net": "rcnn", "base_lr": "1e-4", "lr_steps": "1e-4 1e-5@9"}, "rcnn@lr_steps=0.0001_1e-05@9"),
    ],
)
def test_a_learning_rate_is_named_once_and_alike_by_either_setting(texts, name):
    assert name_of(**texts) == name


def test_a_rate_alone_scales_the_network_s_own_schedule():
    assert Network("rcnn").resolve(Settings(base_lr=1e-3)).lr_steps == ((0, 1e-3), (100_000, 1e-4))


def test_a_rate_that_the_schedule_does_not_begin_with_is_refused():
    with pytest.raises(UserError, match="BASE_LR=0.001: LR_STEPS begins with 0.0001: leave BASE_LR out"):
        Network("rcnn").resolve(Settings(base_lr=1e-3, lr_steps=((0, 1e-4), (9, 1e-5))))


def test_a_network_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(UserError, match=f"NET is one of {', '.join(sorted(NETS))}"):
        Network("transformer").defaults  # noqa: B018
