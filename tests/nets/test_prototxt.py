"""Hand-written prototxt in, resolved prototxt out."""

from __future__ import annotations

import caffe
import pytest
from caffe.proto import caffe_pb2
from hypothesis import given
from hypothesis import strategies as st

from tools import paths
from tools.cli import UserError
from tools.convert.views import VIEWS
from tools.nets import prototxt
from tools.nets.network import NETS, Network, set_learning_rate


def test_every_folder_of_prototxt_is_a_network():
    assert sorted(folder.name for folder in paths.PROTOTXT.iterdir() if folder.is_dir()) == sorted(NETS)


@given(records=st.integers(1, 20_000))
def test_whole_test_batches_cover_every_record_once(records):
    batch = prototxt.covering_batch(records)
    assert records % batch == 0
    assert batch <= 128
    assert not any(records % larger == 0 for larger in range(batch + 1, min(records, 128) + 1))


def test_every_loss_is_shared_out_among_the_ranks():
    net = caffe_pb2.NetParameter()
    net.layer.add(name="loss", type="SoftmaxWithLoss")
    net.layer.add(name="beside", type="EuclideanLoss").loss_weight.append(0.5)
    net.layer.add(name="accuracy", type="Accuracy")
    prototxt.share_loss(net, 4)
    assert [list(layer.loss_weight) for layer in net.layer] == [[0.25], [0.125], []]


def small_net() -> caffe_pb2.NetParameter:
    net = caffe_pb2.NetParameter(name="small")
    net.layer.add(name="data", type="Data")
    net.layer.add(name="x0", type="LRN", bottom=["conv"], top=["x0"])
    net.layer.add(name="local", type="Pooling")
    net.layer.add(name="pool", type="Pooling").pooling_param.global_pooling = True
    return net


def test_global_pooling_alone_changes_its_method():
    net = small_net()
    for method, number in (("ave", caffe_pb2.PoolingParameter.AVE), ("max", caffe_pb2.PoolingParameter.MAX)):
        prototxt.set_in_layers(net, "pooling", method)
        assert net.layer[3].pooling_param.pool == number
        assert not net.layer[2].pooling_param.HasField("pool")
    with pytest.raises(UserError, match="POOLING=max"):
        prototxt.set_in_layers(caffe_pb2.NetParameter(), "pooling", "max")


@pytest.mark.parametrize("file", ["train_val.prototxt", "deploy.prototxt"])
def test_the_rcnn_of_ours_is_the_paper_s_with_batch_norm_and_less_dropout(file):
    paper, ours = (prototxt.read_net(paths.PROTOTXT / net / file) for net in ("rcnn", "rcnn_plus"))
    prototxt.normalise_batches(paper)
    prototxt.set_in_layers(paper, "dropout", Network("rcnn_plus").defaults["dropout"][0][1])
    assert list(paper.layer) == list(ours.layer)


def test_batch_norm_and_scale_stand_where_lrn_stood():
    net = small_net()
    prototxt.normalise_batches(net)
    assert [layer.type for layer in net.layer] == ["Data", "BatchNorm", "Scale", "Pooling", "Pooling"]
    normal, scale = net.layer[1:3]
    assert (normal.bottom, normal.top, scale.bottom, scale.top) == (["conv"], ["x0"], ["x0"], ["x0"])
    with pytest.raises(UserError, match="no LRN"):
        prototxt.normalise_batches(net)


def rate_at(solver: caffe_pb2.SolverParameter, iteration: int) -> float:
    """SGDSolver::GetLearningRate (sgd_solver.cpp) for `fixed` and `multistep`."""
    steps = sum(iteration >= step for step in solver.stepvalue) if solver.lr_policy == "multistep" else 0
    return solver.base_lr * solver.gamma**steps


def test_the_paper_s_learning_rates_are_caffe_s_multistep():
    solver = caffe_pb2.SolverParameter()
    assert set_learning_rate(solver, [(0, 1e-4), (100_000, 1e-5)])
    assert (solver.lr_policy, list(solver.stepvalue)) == ("multistep", [100_000])
    assert rate_at(solver, 99_999) == pytest.approx(1e-4)
    assert rate_at(solver, 100_000) == pytest.approx(1e-5)


def test_a_warm_up_is_more_than_caffe_s_policies_express():
    solver = caffe_pb2.SolverParameter()
    assert not set_learning_rate(solver, [(0, 1e-5), (500, 1e-4), (100_000, 1e-5)])
    assert (solver.lr_policy, rate_at(solver, 10**6)) == ("fixed", pytest.approx(1e-5))


@pytest.mark.parametrize("net", NETS)
def test_every_net_names_its_view_and_has_ten_outcomes(net):
    assert prototxt.view_of(Network(net).train_val) in VIEWS.values()
    deploy = caffe.Net(str(paths.PROTOTXT / net / "deploy.prototxt"), caffe.TEST)
    assert deploy.blobs["prob"].data.shape[1] == 10


@pytest.mark.parametrize("net", NETS)
def test_every_solver_is_read_and_seeded(net):
    solver = Network(net).solver
    assert solver.net == f"prototxt/{net}/train_val.prototxt"
    assert solver.random_seed >= 0


def test_a_typo_is_named_with_its_line(tmp_path):
    file = tmp_path / "train_val.prototxt"
    file.write_text('name: "net"\nlayer { nome: "data" }\n')
    with pytest.raises(UserError, match=r"train_val\.prototxt: 2:9"):
        prototxt.read_net(file)


def test_an_unknown_layer_type_is_named(tmp_path):
    file = tmp_path / "train_val.prototxt"
    file.write_text('layer { name: "data" type: "Dato" }\n')
    with pytest.raises(UserError, match="unknown type 'Dato'"):
        prototxt.read_net(file)
