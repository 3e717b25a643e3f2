"""Figures 5 and 6, loss and accuracy against iterations, and the same of runs that differ in one setting."""

from __future__ import annotations

from matplotlib.axes import Axes

from tools.nets.network import NETS
from tools.report import compare
from tools.report.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Figure, canvas
from tools.report.collect import Collection, Run
from tools.report.headlines import PROTOCOLS, net_name
from tools.report.table import Values

# The keys of metrics.jsonl for train and test
CURVES = {"loss": ("loss", "test_loss"), "accuracy": ("train_accuracy", "test_accuracy")}

Points = dict[int, float]  # by iteration


def curves(collection: Collection, name: str, quantity: str) -> list[Figure]:
    """Figures 5 and 6: a panel per net and split, loss or accuracy against iterations."""
    runs = [collection.find_run(net, split) for net in NETS for split in (*PROTOCOLS, "filtered")]
    return [curve(collection, name, quantity, run) for run in runs if run and run.metrics]


def points_of(run: Run, key: str) -> Points:
    """Where a resumed run wrote an iteration twice the later one counts."""
    return {line["iter"]: line[key] for line in run.metrics if line.get(key) is not None}


def train_votes(collection: Collection, run: Run) -> Points:
    """Accuracy on train clips where votes were taken of them, as split clip does."""
    votes = sorted((vote for vote in collection.votes if vote.run is run), key=lambda vote: vote.iteration)
    shares = ((vote.iteration, compare.train_clips_right(vote.clips)) for vote in votes)
    return {iteration: share.value for iteration, share in shares if share}


def curve(collection: Collection, name: str, quantity: str, run: Run) -> Figure:
    train, test = (points_of(run, key) for key in CURVES[quantity])
    if quantity == "accuracy":
        train = train or train_votes(collection, run)
    parts = {part: points for part, points in (("train", train), ("test", test)) if points}
    rows: list[Values] = [
        {"net": run.net, "split": run.split, "part": part, "iteration": iteration, quantity: value}
        for part, points in parts.items()
        for iteration, value in points.items()
    ]
    title = f"{net_name(run.net)}, split {run.split}"
    with canvas() as drawing:
        for part, points in parts.items():
            colour = BLUE if part == "train" else ORANGE
            plot(drawing.axes, points, part, colour, 40)
        highest = 1.05 * max([value for points in parts.values() for value in points.values()], default=1)
        limits = (0, 1 if quantity == "accuracy" else highest)
        drawing.axes.set(title=title, xlabel="iteration", ylabel=quantity, ylim=limits)
        if parts:
            drawing.axes.legend(loc="best")
        uri = drawing.uri()
    last = [f"{part} {points[max(points)]:.3f} at {max(points):,}" for part, points in parts.items()]
    without = "" if len(parts) == 2 else " No accuracy on train clips was recorded."
    return Figure(
        f"{name}_{run.net}_{run.split}",
        f"{quantity.capitalize()} of the {net_name(run.net)} under split {run.split} against iterations",
        f"{title}: {quantity}. Last: {'; '.join(last) or 'nothing yet'}.{without}",
        uri,
        rows,
    )


def plot(axes: Axes, points: Points, label: str, colour: str, few: int) -> None:
    """A line; where it is of few points they are marked."""
    marker = "o" if len(points) < few else ""
    axes.plot(list(points), list(points.values()), color=colour, label=label, marker=marker, markersize=3.5)


def compared_curves(runs: dict[str, Run], name: str, title: str) -> Figure:
    """Train loss and test accuracy of several runs over one another."""
    rows: list[Values] = []
    with canvas(4.6, 4.8, rows=2) as drawing:
        above, below = drawing.axes
        for (label, run), colour in zip(runs.items(), (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)):
            for axes, key in ((above, "loss"), (below, "test_accuracy")):
                points = points_of(run, key)
                plot(axes, points, label, colour, 10)
                rows += [{"run": label, "iteration": i, "quantity": key, "value": v} for i, v in points.items()]
        above.set(title=title, ylabel="train loss")
        above.set_ylim(bottom=0)
        above.legend(loc="best")
        below.set(ylabel="test accuracy", ylim=(0, 1), xlabel="iteration")
        uri = drawing.uri()
    return Figure(name, f"{title}: train loss and test accuracy against iterations", title + ".", uri, rows)


def integer_float_figures(collection: Collection) -> list[Figure]:
    figures = []
    for net in NETS:
        for split in PROTOCOLS:
            both = {"float": collection.find_run(net, split), "integer": collection.find_run(net, split, dtype="int")}
            runs = {label: run for label, run in both.items() if run}
            if len(runs) == 2:
                title = f"{net_name(net)}, split {split}: integer and float LMDB"
                figures.append(compared_curves(runs, f"integer_float_{net}_{split}", title))
    return figures


def dropout_figures(collection: Collection) -> list[Figure]:
    figures = []
    for split in PROTOCOLS:
        runs = {
            run.differences.get("dropout", "0.4 (prototxt)"): run
            for run in collection.runs
            if (run.net, run.split) == ("complex_cnn", split) and set(run.differences) <= {"dropout"}
        }
        if len(runs) > 1:
            title = f"Complex CNN, split {split}: dropout settings"
            figures.append(compared_curves(runs, f"dropout_{split}", title))
    return figures
