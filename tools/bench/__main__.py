"""The tables and the plot of what `make bench` has measured, and their place in the README.

    python -m tools.bench            build/bench/bench.md and bench.png, from build/bench/*.jsonl
    python -m tools.bench --keep     also keeps the measurements in data/results/bench and writes the README's tables

A ratio is taken in each round, between figures measured minutes apart, and its median over the rounds is shown.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

from tools import cli, files, paths
from tools.bench.measurements import Measurements
from tools.cli import UserError
from tools.nets.network import NETS
from tools.report.readme import README, insert

KEPT = paths.DATA / "results" / "bench"
PARTS = ("train", "conversion", "growth", "votes", "limit", "machine")
CAFFES = ("stock", "native")
BEGIN, END = "<!-- speed: make bench KEEP=1 -->", "<!-- end of speed -->"
Select = dict[str, object]


def best(kept: Measurements, figure: str, choices: list[Select]) -> Select | None:
    """Which of several ways has the highest median; None where none was measured."""
    measured = [(kept.median(figure, **choice), choice) for choice in choices]
    measured = [(value, choice) for value, choice in measured if value is not None]
    return max(measured, key=lambda pair: pair[0])[1] if measured else None


def ratio(kept: Measurements, figure: str, over: Select | None, under: Select | None) -> float | None:
    """The median over the rounds of ``over`` / ``under``; None where no round has both."""
    if over is None or under is None:
        return None
    below = {line["round"]: line[figure] for line in kept.lines(**under)}
    shares = [line[figure] / below[line["round"]] for line in kept.lines(**over) if line["round"] in below]
    return statistics.median(shares) if shares else None


def ways(net: str, caffe: str, way: str, *numbers: int) -> list[Select]:
    return [{"net": net, "caffe": caffe, "way": way, "number": number} for number in numbers]


def cell(value: float | None, form: str = ".0f", unit: str = "") -> str:
    return "–" if value is None else format(value, form) + unit


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def training_row(kept: Measurements, net: str) -> list[str]:
    """Images/s of every way, and the ratios that matter, of one net."""
    rate = "images_per_s"
    pytorch = best(kept, rate, [{"net": net, "way": "PyTorch", "channels_last": last} for last in (False, True)])
    stock = best(kept, rate, ways(net, "stock", "caffe train", 1, 2))
    ours = {caffe: best(kept, rate, ways(net, caffe, "ours", 1, 2)) for caffe in CAFFES}
    fastest = best(kept, rate, [choice for choice in ours.values() if choice])
    one, two = ({caffe: ways(net, caffe, "ours", n)[0] for caffe in ours} for n in (1, 2))
    shown = [kept.median(rate, **choice) if choice else None for choice in (pytorch, stock)]
    shown += [kept.median(rate, **of[caffe]) for caffe in ours for of in (one, two)]
    faster = (fastest or {"caffe": "stock"})["caffe"]
    overhead = ratio(kept, rate, ways(net, "stock", "caffe train", 1)[0], one["stock"])
    return [
        net,
        *map(cell, shown),
        cell(ratio(kept, rate, fastest, pytorch), ".2f"),
        cell(ratio(kept, rate, fastest, stock), ".2f"),
        cell(ratio(kept, rate, two[faster], one[faster]), ".2f"),
        cell(None if overhead is None else 100 * (overhead - 1), "+.1f", " %"),
    ]


def training_table(bench: Path) -> str:
    kept = Measurements(bench, "train")
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
    rows = [training_row(kept, net) for net in NETS if kept.lines(net=net)]
    differences = [line["differs_from_caffe"] for line in kept.lines(way="PyTorch")]
    words = "PyTorch: 2 threads, the faster of both memory layouts."
    if differences:
        words += f" Its outputs are Caffe's to {max(differences):.0e}."
    words += " `caffe train`: Debian's, the faster of 1 and 2 BLAS threads."
    words += " Wrapper: how much longer ours takes than it, both with Debian's Caffe on one core."
    return f"{markdown(columns, rows)}\n\n{words}"


def limit_table(bench: Path) -> str:
    trained, limit = Measurements(bench, "train"), Measurements(bench, "limit")
    columns = ["share of sgemm's GFLOP/s", *(f"{caffe}, {n} core{'s' * (n > 1)}" for caffe in CAFFES for n in (1, 2))]
    peaks = {(c, n): limit.median("gflops", caffe=c, processes=n) for c in CAFFES for n in (1, 2)}
    rows = [["sgemm, GFLOP/s", *(cell(peak) for peak in peaks.values())]]
    for net in NETS:
        reached = {(c, n): trained.median("gflops", **ways(net, c, "ours", n)[0]) for c, n in peaks}
        shares = [100 * reached[key] / peak if reached[key] and peak else None for key, peak in peaks.items()]
        if any(shares):
            rows.append([net, *(cell(share, unit=" %") for share in shares)])
    return markdown(columns, rows)


def conversion_table(bench: Path) -> str:
    kept, growth = Measurements(bench, "conversion"), Measurements(bench, "growth")
    ours, plain = (kept.median(f"{who}songs_per_s") for who in ("", "plain_"))
    ratios = [line["songs_per_s"] / line["plain_songs_per_s"] for line in kept.lines()]
    factor = cell(statistics.median(ratios), ".1f") if ratios else "–"
    rows = [
        ["all six LMDBs, songs/s", cell(ours, ".1f")],
        ["a plain librosa + protobuf loop, songs/s", cell(plain, ".1f")],
    ]
    rows.append(["ours / plain loop", factor])
    for line in growth.lines():
        seen = f"{line['ms_a_song']:.0f} ms a song, {line['anonymous_mb']:.0f} MB"
        rows.append([f"{line['songs']:,} songs", seen])
    return markdown(["conversion", ""], rows)


def votes_table(bench: Path) -> str:
    kept = Measurements(bench, "votes")
    rows = []
    for net in NETS:
        lines = kept.lines(net=net)
        row = [net]
        for caffe in CAFFES:
            on = {"net": net, "caffe": caffe}
            shares = [line["vote_clips_per_s"] / line["caffe_test_clips_per_s"] for line in kept.lines(**on)]
            row += [cell(kept.median(f"{who}_clips_per_s", **on)) for who in ("caffe_test", "vote")]
            row.append(cell(statistics.median(shares), ".2f") if shares else "–")
        if lines:
            rows.append(row)
    columns = [f"{what}, {caffe}" for caffe in CAFFES for what in ("`caffe test`", "vote", "ratio")]
    return markdown(["clips/s of a test pass", *columns], rows)


def machine() -> dict[str, object]:
    name = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    vectors = [flag for flag in ("avx2", "avx512f") if re.search(rf"\b{flag}\b", Path("/proc/cpuinfo").read_text())]
    cores = len(os.sched_getaffinity(0))
    return {"processor": name.group(1) if name else platform.machine(), "vectors": vectors, "cores": cores}


def note_machine(bench: Path) -> None:
    kept = Measurements(bench, "machine")
    if not kept.lines(**machine()):
        kept.add(**machine())


def report(bench: Path) -> str:
    """Every table of which something was measured. UserError where nothing was."""
    tables: dict[str, Callable[[Path], str]] = {
        "train": training_table,
        "limit": limit_table,
        "conversion": conversion_table,
        "votes": votes_table,
    }
    made = [table(bench) for part, table in tables.items() if Measurements(bench, part).lines()]
    if not made:
        raise UserError(f"{bench}: nothing has been measured there: type 'make bench'")
    machines = Measurements(bench, "machine").lines()
    on = [f"{line['cores']} cores of {line['processor']} ({', '.join(line['vectors'])})" for line in machines]
    rounds = len({line["round"] for line in Measurements(bench, "train").lines()})
    made.insert(0, f"Measured on {' and '.join(on) or 'an unknown machine'}; medians of {rounds} rounds.")
    return "\n\n".join(made)


def draw(bench: Path) -> None:
    """bench.png: images/s of every net and way, as multiples of stock `caffe train`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    kept = Measurements(bench, "train")
    nets = [net for net in NETS if kept.lines(net=net)]
    figure, axes = plt.subplots(figsize=(9, 4), layout="constrained")
    series = {
        "PyTorch": [[{"net": n, "way": "PyTorch", "channels_last": last} for last in (False, True)] for n in nets]
    }
    series["caffe train"] = [ways(n, "stock", "caffe train", 1, 2) for n in nets]
    for caffe in CAFFES:
        for ranks in (1, 2):
            name = f"ours, {caffe}, {ranks} rank{'s' * (ranks > 1)}"
            series[name] = [ways(n, caffe, "ours", ranks) for n in nets]
    for number, (name, choices) in enumerate(series.items()):
        chosen = [best(kept, "images_per_s", choice) for choice in choices]
        bases = [best(kept, "images_per_s", ways(n, "stock", "caffe train", 1, 2)) for n in nets]
        heights = [ratio(kept, "images_per_s", over, under) or 0 for over, under in zip(chosen, bases)]
        axes.bar([i + 0.13 * (number - 2.5) for i in range(len(nets))], heights, 0.13, label=name)
    axes.set_xticks(range(len(nets)), nets)
    axes.set_ylabel("images/s, caffe train = 1")
    axes.axhline(1, color="black", linewidth=0.5)
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(bench / "bench.png", dpi=120)


def keep(bench: Path) -> None:
    """Keep the measurements beside the other results, and write the README's tables from them."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if (bench / f"{part}.jsonl").exists():
            shutil.copyfile(bench / f"{part}.jsonl", KEPT / f"{part}.jsonl")
    files.write_whole(README, insert(README.read_text(), report(KEPT), BEGIN, END))
    print(f"kept in {KEPT.relative_to(paths.CHECKOUT)}, written to {README.name}")


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    parser.add_argument("--keep", action="store_true", help="keep the measurements, and write the README's tables")
    args = parser.parse_args()
    bench = args.build / "bench"
    if any(Measurements(bench, part).lines() for part in PARTS[:-1]):
        note_machine(bench)
    tables = report(bench)
    (bench / "bench.md").write_text(tables + "\n")
    print(f"\n{tables}\n")
    draw(bench)
    print(f"written to {bench / 'bench.md'} and {bench / 'bench.png'}")
    if args.keep:
        keep(bench)


if __name__ == "__main__":
    cli.run("bench", main)
