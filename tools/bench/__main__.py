"""The tables of what `make bench` has measured.

    python -m tools.bench            build/bench/bench.md, from build/bench/*.jsonl
    python -m tools.bench --keep     also keeps the measurements in data/results/bench, and writes the README's tables

A ratio is taken in each round, between figures measured minutes apart, and its median over the rounds is shown.
"""

from __future__ import annotations

import platform
import re
import shutil
import statistics
from pathlib import Path

from tools import cli, files, paths, processes
from tools.bench.measurements import Measurements, Value
from tools.cli import UserError
from tools.nets.network import NETS

KEPT = paths.DATA / "results" / "bench"
README = paths.DATA / "results" / "bench" / "README.md"
MEASURED = ("train", "limit", "conversion", "growth", "votes")  # parts of the bench
CAFFES = ("stock", "native")
BEGIN, END = "<!-- speed: make bench KEEP=1 -->", "<!-- end of speed -->"
DASH = "–"
Way = dict[str, Value]


def best(measurements: Measurements, figure: str, ways: list[Way]) -> Way | None:
    """Which of several ways has the highest median; None where none was measured."""
    medians = [(measurements.median(figure, **way), way) for way in ways]
    measured = [(median, way) for median, way in medians if median is not None]
    return max(measured, key=lambda pair: pair[0])[1] if measured else None


def ways(net: str, caffe: str, way: str, *numbers: int) -> list[Way]:
    return [{"net": net, "caffe": caffe, "way": way, "number": number} for number in numbers]


def cell(value: float | None, form: str = ".0f", unit: str = "") -> str:
    return DASH if value is None else format(value, form) + unit


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in [columns, ["---"] * len(columns), *rows])


def training_row(measurements: Measurements, net: str) -> list[str]:
    """Images/s of every way, and the ratios that matter, of one net."""
    figure = "images_per_s"
    pytorch = best(measurements, figure, [{"net": net, "way": "PyTorch", "channels_last": c} for c in (False, True)])
    stock = best(measurements, figure, ways(net, "stock", "caffe train", 1, 2))
    ranks = [way for caffe in CAFFES for way in ways(net, caffe, "ours", 1, 2)]
    fastest = best(measurements, figure, ranks)
    one, two = ways(net, str((fastest or ranks[0])["caffe"]), "ours", 1, 2)

    def ratio(over: Way | None, under: Way | None) -> float | None:
        return measurements.ratio(figure, over, under) if over and under else None

    overhead = ratio(ways(net, "stock", "caffe train", 1)[0], ranks[0])
    return [
        net,
        *(cell(measurements.median(figure, **way)) if way else DASH for way in (pytorch, stock, *ranks)),
        cell(ratio(fastest, pytorch), ".2f"),
        cell(ratio(fastest, stock), ".2f"),
        cell(ratio(two, one), ".2f"),
        cell(None if overhead is None else 100 * (overhead - 1), "+.1f", " %"),
    ]


def training_table(bench: Path) -> str:
    measurements = Measurements(bench, "train")
    columns = [
        "images/s in training",
        "PyTorch",
        "`caffe train`",
        "ours, 1 rank",
        "2 ranks",
        "native, 1 rank",
        "2 ranks",
    ]
    columns += ["best / PyTorch", "best / `caffe train`", "2 ranks / 1", "wrapper"]
    rows = [training_row(measurements, net) for net in NETS if measurements.lines(net=net)]
    differences = [line["differs_from_caffe"] for line in measurements.lines(way="PyTorch")]
    words = "PyTorch: 2 threads, the faster of both memory layouts."
    if differences:
        words += f" Its outputs are Caffe's to {max(differences):.0e}."
    words += " `caffe train`: Debian's, the faster of 1 and 2 BLAS threads."
    words += " Wrapper: how much longer ours takes than it, both with Debian's Caffe on one core."
    return f"{markdown(columns, rows)}\n\n{words}"


def limit_table(bench: Path) -> str:
    """Caffe's GFLOP/s in training as a share of what a large product of matrices reaches."""
    training, limit = Measurements(bench, "train"), Measurements(bench, "limit")
    places = [(caffe, cores) for caffe in CAFFES for cores in (1, 2)]
    peaks = [limit.median("gflops", caffe=caffe, processes=cores) for caffe, cores in places]
    rows = [["sgemm, GFLOP/s", *map(cell, peaks)]]
    for net in NETS:
        rates = [training.median("gflops", **ways(net, caffe, "ours", cores)[0]) for caffe, cores in places]
        shares = [100 * rate / peak if rate and peak else None for rate, peak in zip(rates, peaks)]
        if any(shares):
            rows.append([net, *(cell(share, unit=" %") for share in shares)])
    titles = [f"{caffe}, {cores} core{'s' * (cores > 1)}" for caffe, cores in places]
    return markdown(["share of sgemm's GFLOP/s", *titles], rows)


def conversion_table(bench: Path) -> str:
    measurements = Measurements(bench, "conversion")
    ratios = [line["songs_per_s"] / line["plain_songs_per_s"] for line in measurements.lines()]
    rows = [
        ["all six LMDBs, songs/s", cell(measurements.median("songs_per_s"), ".1f")],
        ["a plain librosa + protobuf loop, songs/s", cell(measurements.median("plain_songs_per_s"), ".1f")],
        ["ours / plain loop", cell(statistics.median(ratios) if ratios else None, ".1f")],
    ]
    for line in Measurements(bench, "growth").lines():
        size = f"{line['ms_a_song']:.0f} ms a song, {line['anonymous_mb']:.0f} MB"
        rows.append([f"{line['songs']:,} songs", size])
    return markdown(["conversion", ""], rows)


def votes_table(bench: Path) -> str:
    measurements = Measurements(bench, "votes")
    rows = []
    for net in NETS:
        row = [net]
        for caffe in CAFFES:
            lines = measurements.lines(net=net, caffe=caffe)
            ratios = [line["vote_clips_per_s"] / line["caffe_test_clips_per_s"] for line in lines]
            for figure in ("caffe_test_clips_per_s", "vote_clips_per_s"):
                row.append(cell(measurements.median(figure, net=net, caffe=caffe)))
            row.append(cell(statistics.median(ratios) if ratios else None, ".2f"))
        if measurements.lines(net=net):
            rows.append(row)
    columns = [f"{what}, {caffe}" for caffe in CAFFES for what in ("`caffe test`", "vote", "ratio")]
    return markdown(["clips/s of a test pass", *columns], rows)


TABLES = {"train": training_table, "limit": limit_table, "conversion": conversion_table, "votes": votes_table}


def note_machine(bench: Path) -> None:
    """Keep which machine was measured."""
    about = Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*: (.*)$", about, re.MULTILINE)
    vectors = [flag for flag in ("avx2", "avx512f") if re.search(rf"\b{flag}\b", about)]
    machine = {"processor": name[1] if name else platform.machine(), "vectors": vectors, "cores": processes.cores()}
    measurements = Measurements(bench, "machine")
    if not measurements.lines(**machine):
        measurements.add(**machine)


def report(bench: Path) -> str:
    """Every table of which something was measured. UserError where nothing was."""
    tables = [table(bench) for part, table in TABLES.items() if Measurements(bench, part).lines()]
    if not tables:
        raise UserError(f"{bench}: nothing has been measured there: type 'make bench'")
    machines = Measurements(bench, "machine").lines()
    on = [f"{line['cores']} cores of {line['processor']} ({', '.join(line['vectors'])})" for line in machines]
    rounds = len({line["round"] for line in Measurements(bench, "train").lines()})
    heading = f"Measured on {' and '.join(on) or 'an unknown machine'}; medians of {rounds} rounds."
    return "\n\n".join([heading, *tables])


def keep(bench: Path) -> None:
    """Keep the measurements beside the other results, and write the README's tables from them."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for part in (*MEASURED, "machine"):
        if (bench / f"{part}.jsonl").exists():
            shutil.copyfile(bench / f"{part}.jsonl", KEPT / f"{part}.jsonl")
    before, begin, rest = README.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise UserError(f"{README}: the marks '{BEGIN}' and '{END}' are not both in it: put them back")
    files.write_whole(README, f"{before}{begin}\n{report(KEPT)}\n{end}{after}")
    print(f"kept in {KEPT.relative_to(paths.CHECKOUT)}, written to {README.name}")


def main() -> None:
    parser = cli.Parser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    parser.add_argument("--keep", action="store_true", help="keep the measurements, and write the README's tables")
    args = parser.parse_args()
    bench = args.build / "bench"
    if any(Measurements(bench, part).lines() for part in MEASURED):
        note_machine(bench)
    tables = report(bench)
    files.write_whole(bench / "bench.md", tables + "\n")
    print(f"\n{tables}\n\nwritten to {bench / 'bench.md'}")
    if args.keep:
        keep(bench)


if __name__ == "__main__":
    cli.run("bench", main)
