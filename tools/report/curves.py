"""Figures 5 and 6, loss and accuracy against iterations, and the same of runs that differ in one setting."""

from __future__ import annotations

from tools.nets.network import NETS
from tools.report.canvas import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Figure, canvas, drawn
from tools.report.collect import Collection, Run
from tools.report.headlines import PROTOCOLS, net_name
from tools.report.layout import Row

CURVES = {
    "figure5": ("loss", (("loss", "train", BLUE), ("test_loss", "test", ORANGE))),
    "figure6": ("accuracy", (("train_accuracy", "train", BLUE), ("test_accuracy", "test", ORANGE))),
}


def curves(collection: Collection, name: str) -> list[Figure]:
    """Figures 5 and 6: a panel per net and split, loss or accuracy against iterations."""
    figures = []
    for net in NETS:
        for split in (*PROTOCOLS, "filtered"):
            run = collection.find_run(net, split)
            if run and run.metrics:
                figures.append(curve(collection, name, run))
    return figures


def points_of(run: Run, key: str) -> tuple[list[int], list[float]]:
    """Iterations and values; where a resumed run wrote an iteration twice the later one counts."""
    found = {line["iter"]: line[key] for line in run.metrics if line.get(key) is not None}
    return list(found), list(found.values())


def train_votes(collection: Collection, run: Run) -> tuple[list[int], list[float]]:
    """Accuracy on train clips where votes were taken of them, as split clip does."""
    found = {}
    for vote in collection.votes:
        if vote.run is run:
            trained = vote.clips.parts == "train"
            if trained.any():
                found[vote.iteration] = float(vote.clips.right[trained].mean())
    return sorted(found), [found[i] for i in sorted(found)]


def curve(collection: Collection, name: str, run: Run) -> Figure:
    quantity, series = CURVES[name]
    rows, missing = [], []
    with canvas() as (figure, axes):
        for key, part, colour in series:
            x, y = points_of(run, key)
            if not x and key == "train_accuracy":
                x, y = train_votes(collection, run)
            if not x:
                missing.append(part)
                continue
            axes.plot(x, y, color=colour, label=part, marker="o" if len(x) < 40 else "", markersize=3.5)
            rows += [
                Row({"net": run.net, "split": run.split, "part": part, "iteration": i, quantity: v})
                for i, v in zip(x, y)
            ]
        axes.set_title(f"{net_name(run.net)}, split {run.split}")
        axes.set_xlabel("iteration")
        axes.set_ylabel(quantity)
        highest = max([row.values[quantity] for row in rows], default=1)
        axes.set_ylim(0, 1 if quantity == "accuracy" else 1.05 * highest)
        if rows:
            axes.legend(loc="best")
        uri = drawn(figure)
    last = "; ".join(last_points(rows, quantity))
    without = " No accuracy on train clips was recorded." if missing else ""
    return Figure(
        f"{name}_{run.net}_{run.split}",
        f"{quantity.capitalize()} of the {net_name(run.net)} under split {run.split} against iterations",
        f"{net_name(run.net)}, split {run.split}: {quantity}. Last: {last or 'nothing yet'}.{without}",
        uri,
        rows,
    )


def last_points(rows: list[Row], quantity: str) -> list[str]:
    newest = {row.values["part"]: row.values for row in rows}
    return [f"{part} {v[quantity]:.3f} at {v['iteration']:,}" for part, v in newest.items()]


def compared_curves(runs: dict[str, Run], name: str, title: str) -> Figure:
    """Train loss and test accuracy of several runs over one another."""
    rows = []
    with canvas((4.6, 4.8), rows=2) as (figure, (above, below)):
        for (label, run), colour in zip(runs.items(), (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)):
            for axes, key in ((above, "loss"), (below, "test_accuracy")):
                x, y = points_of(run, key)
                axes.plot(x, y, color=colour, label=label, marker="o" if len(x) < 10 else "", markersize=3.5)
                rows += [Row({"run": label, "iteration": i, "quantity": key, "value": v}) for i, v in zip(x, y)]
        above.set_title(title)
        above.set_ylabel("train loss")
        above.set_ylim(bottom=0)
        below.set_ylabel("test accuracy")
        below.set_ylim(0, 1)
        below.set_xlabel("iteration")
        above.legend(loc="best")
        uri = drawn(figure)
    return Figure(name, f"{title}: train loss and test accuracy against iterations", title + ".", uri, rows)


def integer_float_figures(collection: Collection) -> list[Figure]:
    figures = []
    for net in NETS:
        for split in PROTOCOLS:
            runs = {"float": collection.find_run(net, split), "integer": collection.find_run(net, split, dtype="int")}
            if all(runs.values()):
                title = f"{net_name(net)}, split {split}: integer and float LMDB"
                figures.append(compared_curves(runs, f"integer_float_{net}_{split}", title))
    return figures


def dropout_figures(collection: Collection) -> list[Figure]:
    figures = []
    for split in PROTOCOLS:
        found = [r for r in collection.runs if r.net == "complex_cnn" and r.split == split]
        runs = {r.differences.get("dropout", "0.4 (prototxt)"): r for r in found if set(r.differences) <= {"dropout"}}
        if len(runs) > 1:
            title = f"Complex CNN, split {split}: dropout settings"
            figures.append(compared_curves(runs, f"dropout_{split}", title))
    return figures
