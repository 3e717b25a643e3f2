"""The tables of what was measured, a function each: a folder of *.jsonl in, a table out.

A ratio is taken in each round, between figures measured minutes apart, and its median over the rounds is shown.
"""

from __future__ import annotations

from pathlib import Path

from tools.bench.measurements import Measurements, Way
from tools.nets.network import NETS
from tools.report.table import Column, Row, Table, Values

CAFFES = {"stock": "ours", "native": "native"}  # and what ours is called with it
# Titles of columns, and the Caffe and the ranks or cores that they are of
RANKS = {f"{name}, {n} rank{'s' * (n > 1)}": (caffe, n) for caffe, name in CAFFES.items() for n in (1, 2)}
CORES = {f"{caffe}, {n} core{'s' * (n > 1)}": (caffe, n) for caffe in CAFFES for n in (1, 2)}
IMAGES, COMPILED = "images_per_s", "PyTorch, compiled"


def text(value: float | None, form: str = "{:.0f}") -> str | None:
    return None if value is None else form.format(value)


def table_of(rows: list[Values], note: str = "") -> Table:
    """Rows of texts by the titles of their columns, which the first row has all of."""
    return Table("", "", [Column(title, title) for title in rows[0]], list(map(Row, rows)), note)


def training_row(measured: Measurements, net: str) -> Values:
    """Images/s of every way, and the ratios that matter, of one net."""
    ours: dict[str, Way] = {
        title: {"net": net, "caffe": caffe, "way": "ours", "number": n} for title, (caffe, n) in RANKS.items()
    }
    stock: list[Way] = [{"net": net, "caffe": "stock", "way": "caffe train", "number": threads} for threads in (1, 2)]
    twins: list[Way] = [
        {"net": net, "way": way, "channels_last": last} for way in ("PyTorch", COMPILED) for last in (False, True)
    ]
    pytorch, caffe_train, best = (measured.best(IMAGES, ways) for ways in (twins, stock, list(ours.values())))
    rates = {"PyTorch": pytorch, "`caffe train`": caffe_train, **ours}
    wrapper = measured.ratio(IMAGES, stock[0], ours["ours, 1 rank"])
    return {
        "images/s in training": net,
        **{title: text(measured.median(IMAGES, **way)) for title, way in rates.items()},
        "best / PyTorch": text(measured.ratio(IMAGES, best, pytorch), "{:.2f}"),
        "best / `caffe train`": text(measured.ratio(IMAGES, best, caffe_train), "{:.2f}"),
        "2 ranks / 1": text(measured.ratio(IMAGES, {**best, "number": 2}, {**best, "number": 1}), "{:.2f}"),
        "wrapper": text(wrapper and 100 * (wrapper - 1), "{:+.1f} %"),
    }


def training_table(bench: Path) -> Table:
    measured = Measurements(bench, "train")
    compiled = ", as they are and by torch.compile" if measured.lines(way=COMPILED) else ""
    note = f"PyTorch: 2 threads, the best of both memory layouts{compiled}."
    if differences := [line["differs_from_caffe"] for line in measured.lines() if "differs_from_caffe" in line]:
        note += f" Its outputs are Caffe's to {max(differences):.0e}."
    note += " `caffe train`: Debian's, the faster of 1 and 2 BLAS threads."
    note += " Wrapper: how much longer ours takes than it, both with Debian's Caffe on one core."
    return table_of([training_row(measured, net) for net in NETS if measured.lines(net=net)], note)


def limit_table(bench: Path) -> Table:
    """Caffe's GFLOP/s in training as a share of what a large product of matrices reaches."""
    training, limit = Measurements(bench, "train"), Measurements(bench, "limit")
    peaks = {title: limit.median("gflops", caffe=caffe, processes=cores) for title, (caffe, cores) in CORES.items()}
    name = "share of sgemm's GFLOP/s"
    rows: list[Values] = [{name: "sgemm, GFLOP/s", **{title: text(peak) for title, peak in peaks.items()}}]
    for net in NETS:
        shares = {}
        for title, (caffe, cores) in CORES.items():
            rate, peak = training.median("gflops", net=net, caffe=caffe, way="ours", number=cores), peaks[title]
            shares[title] = text(100 * rate / peak, "{:.0f} %") if rate and peak else None
        rows += [{name: net, **shares}] if any(shares.values()) else []
    return table_of(rows)


def conversion_table(bench: Path) -> Table:
    measured = Measurements(bench, "conversion")
    figures = {
        "all six LMDBs, songs/s": measured.median("songs_per_s"),
        "a plain librosa + protobuf loop, songs/s": measured.median("plain_songs_per_s"),
        "ours / plain loop": measured.quotient("songs_per_s", "plain_songs_per_s"),
    }
    cells = {title: text(figure, "{:.1f}") for title, figure in figures.items()}
    for line in Measurements(bench, "growth").lines():
        cells[f"{line['songs']:,} songs"] = f"{line['ms_a_song']:.0f} ms a song, {line['anonymous_mb']:.0f} MB"
    return table_of([{"conversion": title, "": cell} for title, cell in cells.items()])


def votes_row(measured: Measurements, net: str) -> Values:
    """Clips/s of a test pass and of a vote, with each Caffe."""
    row: Values = {"clips/s of a test pass": net}
    for caffe in CAFFES:
        on, test, vote = {"net": net, "caffe": caffe}, "caffe_test_clips_per_s", "vote_clips_per_s"
        row[f"`caffe test`, {caffe}"] = text(measured.median(test, **on))
        row[f"vote, {caffe}"] = text(measured.median(vote, **on))
        row[f"ratio, {caffe}"] = text(measured.quotient(vote, test, **on), "{:.2f}")
    return row


def votes_table(bench: Path) -> Table:
    measured = Measurements(bench, "votes")
    return table_of([votes_row(measured, net) for net in NETS if measured.lines(net=net)])


TABLES = {"train": training_table, "limit": limit_table, "conversion": conversion_table, "votes": votes_table}
