"""A snapshot counts once it is whole, and a run is found by its settings or its folder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from caffe.proto import caffe_pb2

from tools import cli, files
from tools.cli import UserError
from tools.nets import prototxt
from tools.nets.network import Network
from tools.settings import Settings, add_settings
from tools.train import record, runs, snapshots


def snapshot(folder: Path, iteration: int, whole: bool = True) -> None:
    for kind in ("caffemodel", "solverstate"):
        (folder / f"rcnn_iter_{iteration}.{kind}").write_bytes(b"%d" % iteration * 100)
    if whole:
        snapshots.mark_whole(folder, "rcnn", iteration)


def test_only_whole_snapshots_are_found_in_order_of_iteration(tmp_path):
    snapshot(tmp_path, 1000)
    snapshot(tmp_path, 500)
    snapshot(tmp_path, 1500, whole=False)
    assert list(snapshots.whole_snapshots(tmp_path)) == [500, 1000]


def test_a_snapshot_cut_short_after_it_was_marked_no_longer_counts(tmp_path):
    snapshot(tmp_path, 500)
    snapshot(tmp_path, 1000)
    (tmp_path / "rcnn_iter_1000.caffemodel").write_bytes(b"short")
    assert list(snapshots.whole_snapshots(tmp_path)) == [500]


@pytest.mark.parametrize(
    "mark",
    [
        "2",
        "[]",
        pytest.param("[" * 100_000, id="nested"),
        "{}",
        '{"rcnn_iter_500.caffemodel": 3}',
        '{"rcnn_iter_500.caffemodel": {"bytes": 300}}',
        '{"rcnn_iter_500.caffemodel": {"bytes": 300, "sha256": 3}}',
        '{"rcnn_iter_500.cafe',
        '{"..": {}}',
        # whose bytes never end
        '{"rcnn_iter_500.caffemodel": {"bytes": 300, "sha256": "0"}, "/dev/zero": {"bytes": 0, "sha256": "0"}}',
    ],
)
def test_a_mark_that_says_nothing_makes_no_snapshot_whole(tmp_path, mark):
    snapshot(tmp_path, 500)
    (tmp_path / "rcnn_iter_500.whole").write_text(mark)
    assert snapshots.whole_snapshots(tmp_path) == {}
    assert snapshots.newest_resumable(tmp_path) == 0


def test_training_goes_on_from_the_newest_snapshot_that_is_what_it_was(tmp_path):
    snapshot(tmp_path, 500)
    snapshot(tmp_path, 1000)
    state = tmp_path / "rcnn_iter_1000.solverstate"
    state.write_bytes(state.read_bytes()[::-1])
    assert snapshots.newest_resumable(tmp_path) == 500


def test_old_snapshots_go_but_the_paper_s_iterations_stay(tmp_path):
    for iteration in range(500, 7500, 500):
        snapshot(tmp_path, iteration)
    snapshots.mark_begun(tmp_path, "rcnn_iter_7500")
    snapshot(tmp_path, 7500, whole=False)
    snapshot(tmp_path, 8000, whole=False)
    snapshots.prune_snapshots(tmp_path)
    assert list(snapshots.whole_snapshots(tmp_path)) == [500, 1000, 4000, 5000, 5500, 6000, 6500, 7000]
    assert not list(tmp_path.glob("*_7500*")), "half of a snapshot that was begun here"
    assert snapshots.unmarked(tmp_path) == ["rcnn_iter_8000.caffemodel"], "another program's"


def test_a_run_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="make train NET=rcnn"):
        runs.read_run(tmp_path / "rcnn@seed=3")


def find(*arguments: object) -> tuple[Path, dict, Settings]:
    parser = cli.Parser()
    runs.add_run_option(parser)
    add_settings(parser)
    return runs.find_run(parser.parse_args(list(map(str, arguments))))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of SEED=3 DROPOUT="0.4 0.6@9" in tmp_path, by its record."""
    named = Settings(net="complex_cnn", seed=3, dropout=((0, 0.4), (9, 0.6)), genres=("jazz", "rock"), build=tmp_path)
    settings = Network("complex_cnn").resolve(named)
    folder = runs.run_folder(settings)
    folder.mkdir(parents=True)
    record = {key: kind() for key, kind in runs.KEYS.items()} | {"prototxt": dict.fromkeys(runs.PROTOTXT, "")}
    (folder / "run.json").write_text(json.dumps({**record, "net": "complex_cnn", "settings": settings.as_json()}))
    return folder


def test_a_run_is_the_same_by_its_settings_and_by_its_folder(folder, tmp_path):
    named = ("--net", "complex_cnn", "--seed", "3", "--dropout", "0.4 0.6@9", "--genres", "rock,jazz")
    by_settings, by_folder = find(*named, "--build", tmp_path), find("--run", folder)
    assert by_settings[:2] == by_folder[:2]
    assert by_folder[0].name == "complex_cnn@seed=3,dropout=0.4_0.6@9,genres=jazz_rock"
    for _, _, settings in (by_settings, by_folder):
        assert (settings.seed, settings.dropout, settings.genres) == (3, ((0, 0.4), (9, 0.6)), ("jazz", "rock"))
    assert runs.build_of(folder, Path("build")) == tmp_path


@pytest.mark.parametrize("folder", ["/m", "/a/m", "/a/b/c/m", "m", ".", "data/model", "/runs/m"])
def test_a_run_in_no_build_folder_is_of_the_one_that_is_named(folder):
    assert runs.build_of(Path(folder), Path("mine")) == Path("mine")


@pytest.mark.quick
@pytest.mark.torture("bad input")
def test_a_record_with_another_hash_than_its_own_is_what_nobody_goes_by(folder, tmp_path):
    """As one whose genres were put in another order by hand: every song would get another's name."""
    file = folder / "run.json"
    whole = {**json.loads(file.read_text()), "label_names": ["jazz", "rock"]}
    files.write_record(file, whole)
    named = ("--net", "complex_cnn", "--seed", "3", "--dropout", "0.4 0.6@9", "--genres", "rock,jazz")
    assert find("--run", folder)[1]["label_names"] == ["jazz", "rock"]
    file.write_text(file.read_text().replace('"jazz"', '"x"').replace('"rock"', '"jazz"').replace('"x"', '"rock"'))
    for options in (("--run", folder), (*named, "--build", tmp_path)):
        with pytest.raises(UserError, match=r"run\.json has changed since it was written: put back what it was, or"):
            find(*options)
    with pytest.raises(UserError, match=r"run\.json has changed since it was written"):
        record.check_same_run(folder, whole)


@pytest.mark.parametrize("option", ["--net", "--split", "--seed", "--fold", "--batch", "--window"])
def test_a_setting_beside_a_run_is_refused_by_name(option, folder):
    with pytest.raises(
        UserError, match=f"^{option[2:].upper()}= beside RUN={re.escape(str(folder))}: a run has its own settings"
    ):
        find("--run", folder, option, "1")


def test_an_empty_setting_beside_a_run_is_none(folder):
    assert find("--run", folder, "--net", "")[0] == folder


@pytest.mark.quick
@pytest.mark.torture("bad input")
@pytest.mark.parametrize(
    "changed",
    [
        {"lmdb": {"train": 3}},
        {"lmdb": {"train": {"path": 1, "sha256": "0"}}},
        {"lmdb": {"train": {"path": "a"}}},
        {"lmdb": {"train": {"path": "a", "sha256": "0"}}},
        {"label_names": [1]},
        {"prototxt": []},
        {"prototxt": {"deploy": 3}},
        {"stretches": {}},
        {"stretches": [{"start": 0}]},
        {"stretches": [0]},
        {"leaky": 3},
        {"leaky": "false"},
    ],
)
def test_a_record_changed_by_hand_is_refused_whoever_reads_it(changed, folder):
    file = folder / "run.json"
    record = json.loads(file.read_text())
    file.write_text(json.dumps({**record, "leaky": None}))
    assert runs.read_run(folder)["leaky"] is None
    file.write_text(json.dumps({**record, **changed}))
    with pytest.raises(UserError, match=r"run\.json is not whole: remove .* and train again"):
        runs.read_run(folder)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param("[" * 100_000, id="nested"),
        "",
        "[]",
        "{}",
        '{"net": "rcnn", "settings": {}}',
        '{"net": 3, "settings": 3}',
    ],
)
def test_a_record_that_is_not_whole_is_refused(record, folder):
    (folder / "run.json").write_text(record)
    with pytest.raises(UserError, match=r"run\.json is not whole: remove .* and train again"):
        runs.read_run(folder)


def test_a_run_of_an_earlier_form_is_refused_with_the_way_out(folder):
    (folder / "run.json").write_text('{"net": "rcnn", "split": "song"}')
    with pytest.raises(UserError, match="is a run of an earlier form: type 'make clean', or name another BUILD"):
        runs.read_run(folder)


@pytest.mark.parametrize("name", ["another place", 'a "quoted" one', "it's \\here\\", "ü\n%s {1}", '"'])
def test_the_prototxt_of_a_run_is_the_same_wherever_its_files_lie(name):
    def resolved(place: str) -> dict[str, str]:
        net = caffe_pb2.NetParameter(name="net")
        layer = net.layer.add(type="Data")
        layer.data_param.source, layer.data_param.batch_size = f"{place}/lmdb", 3
        solver = caffe_pb2.SolverParameter(net=f"{place}/net", snapshot_prefix=f"{place}/net", base_lr=1)
        return {"train_val": prototxt.text(net), "solver": prototxt.text(solver)}

    left = record.lasting("prototxt", resolved(name))
    assert left == record.lasting("prototxt", resolved("a place"))
    assert "batch_size: 3" in left["train_val"]
    assert "base_lr: 1" in left["solver"]


@pytest.mark.parametrize(("iteration", "ranks"), [(1, 2), (4000, 2), (4001, 1), (20_000, 1)])
def test_weights_are_of_the_ranks_that_trained_them_whatever_the_run_went_on_with(iteration, ranks):
    stretches = [{"start": 0, "ranks": 2, "gpu": []}, {"start": 4000, "ranks": 1, "gpu": []}]
    assert runs.ranks_to({"ranks": 1, "stretches": stretches}, iteration) == ranks
