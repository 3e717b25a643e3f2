"""Curves over iterations: Table 2's clips and songs, Figures 5 and 6, and the same of runs that differ in a setting."""

from __future__ import annotations

from matplotlib.axes import Axes

from tools.nets.network import NETS
from tools.report import compare, paper
from tools.report.canvas import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, Figure, canvas
from tools.report.headlines import PROTOCOLS, net_name, votes_by_the_paper
from tools.report.records import Collection, Run
from tools.report.table import Interval, Values

COLOURS = {"clip": ORANGE, "song": BLUE, "filtered": GREEN, "artist": GREEN}
OTHER_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
# The keys of metrics.jsonl for train and test
QUANTITIES = {"loss": ("loss", "test_loss"), "accuracy": ("train_accuracy", "test_accuracy")}
FEW = 40  # points; fewer are marked one by one

Points = dict[int, float]  # by iteration


def table_2_figures(collection: Collection) -> list[Figure]:
    """Table 2 as curves: clips, and songs of which 5 are right, of the networks that the paper votes with."""
    figures = (table_2_figure(collection, net) for net in ("complex_cnn", "rcnn"))
    return [figure for figure in figures if figure]


def table_2_figure(collection: Collection, net: str) -> Figure | None:
    rows: list[Values] = []
    votes = {split: votes_by_the_paper(collection, net, split) for split in PROTOCOLS}
    if not any(votes.values()):
        return None
    with canvas(4.6, 4.2) as drawing:
        for split, of_split in votes.items():
            clips = {vote.iteration: vote.clips_right for vote in of_split}
            songs = {vote.iteration: vote.songs_right("true_label", 5) for vote in of_split}
            for measure, shares, line in (("clips", clips, "-"), ("songs", songs, "--")):
                known = {iteration: share for iteration, share in shares.items() if share}
                plot_shares(drawing.axes, known, f"{measure}, by {split}", COLOURS[split], line)
                rows += [
                    {"series": f"{measure}, by {split}", "iteration": iteration, "share": share}
                    for iteration, share in known.items()
                ]
        for measure, marker in (("clip", "*"), ("song", "P")):
            quoted = {row.iterations: getattr(row, f"{measure}_percent") for row in paper.TABLE_2[:3]}
            plot(drawing.axes, quoted, f"the paper, {measure}s", INK, marker, linestyle="")
            rows += [{"series": f"the paper, {measure}s", "iteration": i, "share": s / 100} for i, s in quoted.items()]
        drawing.axes.set(title=net_name(net), xlabel="iterations", ylabel="percent right", ylim=(0, 103), xscale="log")
        ticks = sorted({int(row["iteration"]) for row in rows if isinstance(row["iteration"], int)})
        drawing.axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=8)
        drawing.axes.minorticks_off()
        drawing.figure.legend(loc="outside lower center", ncols=2)
        svg = drawing.svg()
    caption = (
        f"{net_name(net)}: clips right, and songs of which at least 5 clips are, with 95% intervals. The paper's "
        f"figures are of its complex CNN and {paper.SONGS:,} songs."
    )
    return Figure(f"table2_{net}", f"Clips and songs right over iterations, {net_name(net)}", caption, svg, rows)


def plot_shares(axes: Axes, shares: dict[int, Interval], label: str, colour: str, line: str) -> None:
    """With intervals as bars."""
    points = {iteration: 100 * share.value for iteration, share in shares.items()}
    plot(axes, points, label, colour, "o", linestyle=line)
    for iteration, share in shares.items():
        axes.plot([iteration] * 2, [100 * share.low, 100 * share.high], color=colour, linewidth=0.8, alpha=0.6)


def plot(axes: Axes, points: Points, label: str, colour: str, marker: str = "", linestyle: str = "-") -> None:
    size = 10 if marker in ("*", "P") else 3.5
    axes.plot(
        list(points),
        list(points.values()),
        color=colour,
        label=label,
        marker=marker or ("o" if len(points) < FEW else ""),
        markersize=size,
        linestyle=linestyle,
    )


def net_figures(collection: Collection) -> list[Figure]:
    """Figures 5 and 6: a panel per net with the runs of each split."""
    figures = []
    for net in NETS:
        runs = {split: collection.find_run(net, split) for split in COLOURS}
        known = {split: run for split, run in runs.items() if run and run.metrics}
        if known:
            figures.append(curves(collection, known, f"figure5_{net}", net_name(net), COLOURS))
    return figures


def points_of(run: Run, key: str) -> Points:
    """Where a resumed run wrote an iteration twice the later one counts."""
    return {line["iter"]: line[key] for line in run.metrics if line.get(key) is not None}


def train_votes(collection: Collection, run: Run) -> Points:
    """Accuracy on train clips where votes were taken of them, as split clip does."""
    votes = sorted((vote for vote in collection.votes if vote.run is run), key=lambda vote: vote.iteration)
    shares = ((vote.iteration, compare.train_clips_right(vote.clips)) for vote in votes)
    return {iteration: share.value for iteration, share in shares if share}


def curves(
    collection: Collection, runs: dict[str, Run], name: str, title: str, colours: dict[str, str] | None = None
) -> Figure:
    """Loss above and accuracy below against iterations, of several runs over one another; train dashed, test solid."""
    rows: list[Values] = []
    chosen = colours or dict(zip(runs, OTHER_COLOURS))
    last = []
    with canvas(4.6, 4.6, rows=2) as drawing:
        for axes, (quantity, keys) in zip(drawing.axes, QUANTITIES.items()):
            for label, run in runs.items():
                for part, key, line in zip(("train", "test"), keys, (":", "-")):
                    points = points_of(run, key)
                    if key == "train_accuracy":
                        points = points or train_votes(collection, run)
                    plot(axes, points, label if part == "test" else "", chosen[label], linestyle=line)
                    rows += [
                        {"run": label, "part": part, "quantity": quantity, "iteration": i, "value": v}
                        for i, v in points.items()
                    ]
                    if key == "test_accuracy" and points:
                        last.append(f"{label} {points[max(points)]:.3f} at {max(points):,}")
            axes.set(ylabel=quantity)
            axes.set_ylim(bottom=0, top=1 if quantity == "accuracy" else None)
        drawing.axes[0].set(title=title)
        drawing.axes[1].set(xlabel="iterations")
        handles, labels = drawing.axes[0].get_legend_handles_labels()
        ncols = 1 if max(map(len, labels), default=0) > 12 else 4
        drawing.figure.legend(handles, labels, loc="outside lower center", ncols=ncols)
        svg = drawing.svg()
    caption = f"{title}; dotted: train, solid: test. Test accuracy at last: {'; '.join(last) or 'none yet'}."
    return Figure(name, f"{title}: loss and accuracy against iterations", caption, svg, rows)


def integer_float_figures(collection: Collection) -> list[Figure]:
    figures = []
    for net in NETS:
        for split in PROTOCOLS:
            both = {"float": collection.find_run(net, split), "integer": collection.find_run(net, split, dtype="int")}
            runs = {label: run for label, run in both.items() if run}
            if len(runs) == 2:
                title = f"{net_name(net)}, split {split}: integer and float LMDB"
                figures.append(curves(collection, runs, f"integer_float_{net}_{split}", title))
    return figures


def dropout_figures(collection: Collection) -> list[Figure]:
    figures = []
    for split in PROTOCOLS:
        runs = {
            run.differences.get("dropout", "0.4"): run
            for run in collection.runs
            if (run.net, run.split) == ("complex_cnn", split) and set(run.differences) <= {"dropout"}
        }
        if len(runs) > 1:
            title = f"Complex CNN, split {split}: dropout"
            figures.append(curves(collection, runs, f"dropout_{split}", title))
    return figures
