"""Curves: Table 2 and Figures 5 and 6 over iterations, runs that differ in a setting, and votes over the threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

import numpy as np
from matplotlib.axes import Axes

from tools.nets.network import NETS
from tools.report import paper
from tools.report.canvas import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, RED, Figure, canvas
from tools.report.compare import train_clips_right
from tools.report.headlines import PROTOCOLS, net_name, votes_by_the_paper
from tools.report.records import Collection, Run, Vote
from tools.report.table import Interval, Values, percent
from tools.vote.count import hold_election

COLOURS = {"clip": ORANGE, "song": BLUE, "filtered": GREEN, "artist": GREEN}
OTHER_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, RED, GREY)
# The keys of metrics.jsonl for train and test
Losses = list[tuple[str, int, float]]  # part, iteration, loss
QUANTITIES = {"loss": ("loss", "test_loss"), "accuracy": ("train_accuracy", "test_accuracy")}
FEW = 40  # points; fewer are marked one by one

Points = Mapping[int, Union[Interval, float]]  # shares by iteration


def plot(
    axes: Axes,
    series: Values,
    points: Points,
    label: str,
    colour: str,
    line: str = "-",
    marker: str = "",
    y: str = "share",
    unit: int = 100,
) -> list[Values]:
    """A curve, with intervals as bars, in percent or another ``unit``; its numbers as rows of ``series``."""
    values = [unit * (point.value if isinstance(point, Interval) else point) for point in points.values()]
    size, shape = 10 if marker in ("*", "P") else 3.5, marker or ("o" if len(points) < FEW else "")
    axes.plot(list(points), values, color=colour, label=label, linestyle=line, marker=shape, markersize=size)
    for at, point in points.items():
        if isinstance(point, Interval):
            axes.plot([at] * 2, [unit * point.low, unit * point.high], color=colour, linewidth=0.8, alpha=0.6)
    return [{**series, "iteration": at, y: point} for at, point in points.items()]


def table_2_figures(collection: Collection) -> list[Figure]:
    """Table 2 as curves, of the networks that the paper votes with."""
    nets = {
        net: {split: votes_by_the_paper(collection, net, split) for split in PROTOCOLS}
        for net in ("complex_cnn", "rcnn")
    }
    return [table_2_figure(net, votes) for net, votes in nets.items() if any(votes.values())]


def table_2_figure(net: str, votes: dict[str, list[Vote]]) -> Figure:
    """Clips, and songs of which 5 are right, by split."""
    rows: list[Values] = []
    with canvas(4.6, 4.2) as drawing:
        axes = drawing.axes
        for split, of_split in votes.items():
            clips = {vote.iteration: vote.clips_right for vote in of_split}
            songs = {vote.iteration: vote.songs_right("true_label", 5) for vote in of_split}
            for measure, shares, line in (("clips", clips, "-"), ("songs", songs, "--")):
                series, known = f"{measure}, by {split}", {at: share for at, share in shares.items() if share}
                rows += plot(axes, {"series": series}, known, series, COLOURS[split], line, "o")
        for measure, marker in (("clip", "*"), ("song", "P")):
            series = f"the paper, {measure}s"
            quoted = {row.iterations: getattr(row, f"{measure}_percent") / 100 for row in paper.TABLE_2[:3]}
            rows += plot(axes, {"series": series}, quoted, series, INK, "", marker)
        axes.set(title=net_name(net), xlabel="iterations", ylabel="percent right", ylim=(0, 103), xscale="log")
        ticks = sorted({int(str(row["iteration"])) for row in rows})
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], fontsize=8)
        axes.minorticks_off()
        drawing.figure.legend(loc="outside lower center", ncols=2)
    caption = (
        f"{net_name(net)}: clips right, and songs of which at least 5 clips are, with 95% intervals. The paper's "
        f"figures are of its complex CNN and {paper.SONGS:,} songs."
    )
    alt = f"Clips and songs right over iterations, {net_name(net)}"
    return Figure(f"table2_{net}", alt, caption, drawing.svg, rows)


def net_figures(collection: Collection) -> list[Figure]:
    """Figures 5 and 6: a panel per net with the runs of each split."""
    figures = []
    for net in NETS:
        runs = {split: collection.find_run(net, split) for split in COLOURS}
        known = {split: run for split, run in runs.items() if run and run.metrics}
        if known:
            figures.append(curves(collection, known, f"figure5_{net}", net_name(net), COLOURS))
    return figures


def setting_figures(collection: Collection) -> list[Figure]:
    """Runs that differ in the LMDB's data type alone, and complex CNNs that differ in dropout."""
    figures = []
    for net in NETS:
        for split in PROTOCOLS:
            both = {"float": collection.find_run(net, split), "integer": collection.find_run(net, split, dtype="int")}
            runs = {label: run for label, run in both.items() if run}
            if len(runs) == 2:
                title = f"{net_name(net)}, split {split}: integer and float LMDB"
                figures.append(curves(collection, runs, f"integer_float_{net}_{split}", title))
    for split in PROTOCOLS:
        of_split = [run for run in collection.runs if (run.net, run.split) == ("complex_cnn", split)]
        runs = {run.differences.get("dropout", "0.4"): run for run in of_split if run.differences.keys() <= {"dropout"}}
        if len(runs) > 1:
            figures.append(curves(collection, runs, f"dropout_{split}", f"Complex CNN, split {split}: dropout"))
    return figures


def points_of(collection: Collection, run: Run, key: str) -> dict[int, float]:
    """Of the metrics; where a resumed run wrote an iteration twice the later one counts.

    Accuracy on train clips is that of votes, where no metrics have it and votes were taken of them, as split clip does.
    """
    points = {line["iter"]: line[key] for line in run.metrics if line.get(key) is not None}
    if points or key != "train_accuracy":
        return points
    votes = sorted((vote for vote in collection.votes if vote.run is run), key=lambda vote: vote.iteration)
    shares = ((vote.iteration, train_clips_right(vote.clips)) for vote in votes)
    return {iteration: share.value for iteration, share in shares if share}


def curves(
    collection: Collection, runs: dict[str, Run], name: str, title: str, colours: Mapping[str, str] | None = None
) -> Figure:
    """Loss above and accuracy below against iterations, of several runs over one another; train dotted, test solid."""
    rows: list[Values] = []
    chosen = colours or dict(zip(runs, OTHER_COLOURS))
    last, losses = [], []
    with canvas(4.6, 4.6, rows=2) as drawing:
        for axes, (quantity, keys) in zip(drawing.axes, QUANTITIES.items()):
            for label, run in runs.items():
                for part, key, line in zip(("train", "test"), keys, (":", "-")):
                    points = points_of(collection, run, key)
                    series: Values = {"run": label, "part": part, "quantity": quantity}
                    shown = label if part == "test" else ""
                    rows += plot(axes, series, points, shown, chosen[label], line, y="value", unit=1)
                    if quantity == "loss":
                        losses += [(part, iteration, loss) for iteration, loss in points.items()]
                    if key == "test_accuracy" and points:
                        last.append(f"{label}: {points[max(points)]:.3f} at {max(points):,}")
            axes.set(ylabel=quantity)
            axes.set_ylim(0, 1 if quantity == "accuracy" else highest_loss(losses))
        drawing.axes[0].set(title=title)
        drawing.axes[1].set(xlabel="iterations")
        handles, labels = drawing.axes[0].get_legend_handles_labels()
        ncols = 1 if max(map(len, labels), default=0) > 12 else 4
        drawing.figure.legend(handles, labels, loc="outside lower center", ncols=ncols)
    caption = (
        f"{title}; dotted: train, solid: test. Test accuracy at last: {'; '.join(last) or 'none yet'}.{beyond(losses)}"
    )
    return Figure(name, f"{title}: loss and accuracy against iterations", caption, drawing.svg, rows)


def highest_loss(losses: Losses) -> float:
    """Where the axis of losses ends: with batch normalisation the first test may be far above all others."""
    later = [loss for part, iteration, loss in losses if part == "train" or iteration != 0]
    return 1.05 * max(later or [loss for *_, loss in losses], default=1)


def beyond(losses: Losses) -> str:
    """What a caption says of the losses that are above the axis."""
    top = highest_loss(losses)
    return "".join(f" The first test's loss, {loss:.0f}, is above it." for *_, loss in losses if loss > top)


def voting_figures(collection: Collection) -> list[Figure]:
    """Why voting lifts the score: a panel of the paper's own pairs, then one per net that votes on unseen songs."""
    figures = [voting_figure_of_paper()]
    for net in ("complex_cnn", "rcnn", "simple_cnn"):
        votes = collection.find_votes(net, "song")
        if votes and votes[-1].summary.get("song_accuracy"):
            figures.append(voting_figure(votes[-1]))
    return figures


def draw_voting(title: str, curves: dict[str, tuple[np.ndarray, dict[str, Any]]], clips: int) -> bytes:
    """Songs right (clips,) by label against the threshold, with Table 2's last rows as stars where these are of 15."""
    with canvas(4.6, 4.2) as drawing:
        axes = drawing.axes
        for label, (shares, look) in curves.items():
            axes.plot(range(1, clips + 1), 100 * shares, label=label, **look)
        for quoted in paper.TABLE_2[2:] if clips == paper.CLIPS_A_SONG else ():
            label = f"paper: {quoted.clip_percent}% of clips, {quoted.song_percent:g}% of songs at {quoted.threshold}"
            axes.plot(quoted.threshold, quoted.song_percent, "*", color=RED, markersize=13, zorder=5, label=label)
        axes.set(title=title, xlabel=f"threshold: clips of {clips} that must be right", ylabel="songs right, percent")
        axes.set(ylim=(0, 103), xlim=(0.5, clips + 0.5))
        drawing.figure.legend(loc="outside lower center")
    return drawing.svg


PAPER_PAIRS: list[Values] = [
    {"series": "paper", "threshold": quoted.threshold, "songs": quoted.song_percent / 100}
    for quoted in paper.TABLE_2[2:]
]


def by_threshold(series: str, shares: np.ndarray) -> list[Values]:
    return [{"series": series, "threshold": t, "songs": songs} for t, songs in enumerate(shares.tolist(), 1)]


def voting_figure_of_paper() -> Figure:
    third = paper.TABLE_2[2]
    share, clips = third.clip_percent / 100, paper.CLIPS_A_SONG
    expected = paper.independent(np.array([share]), clips)
    look = {"color": GREY, "marker": "o", "markersize": 3.5}
    label = f"{third.clip_percent}% of clips, independent, songs alike"
    svg = draw_voting("The paper's own pairs", {label: (expected, look)}, clips)
    rows = PAPER_PAIRS + [{**row, "clip_accuracy": share} for row in by_threshold("binomial", expected)]
    said = ", ".join(
        f"{percent(expected[quoted.threshold - 1])} at {quoted.threshold} (paper: {quoted.song_percent:g}%)"
        for quoted in paper.TABLE_2[2:]
    )
    caption = f"The paper's own pairs beside what independent clips would give: {said}."
    return Figure("voting_paper", "The paper's song figures beside a binomial curve", caption, svg, rows)


def voting_figure(vote: Vote) -> Figure:
    """Songs right at each threshold: measured; as if each song's clips were independent; and all songs alike too."""
    election = hold_election(vote.clips, None)
    right, clips = election.votes[np.arange(len(election.labels)), election.labels], election.clips_a_song
    measured = np.array([(right >= t).mean() for t in range(1, clips + 1)])
    each, alike = (paper.independent(shares, clips) for shares in (right / clips, np.array([right.mean() / clips])))
    curves = {
        "measured": (measured, {"color": BLUE, "linestyle": "-"}),
        "independent clips, each song's own accuracy": (each, {"color": GREEN, "linestyle": "--"}),
        "independent clips, all songs alike": (alike, {"color": GREY, "linestyle": ":"}),
    }
    title = f"{net_name(vote.net)}, split {vote.split}"
    svg = draw_voting(f"{title}: {percent(vote.summary['clip_accuracy'])} of clips", curves, clips)
    rows = [row for series, (shares, _) in curves.items() for row in by_threshold(series.split(", ")[-1], shares)]
    at = [t for t in (5, 7) if t <= clips]
    shares = [" / ".join(f"{100 * curve[t - 1]:.1f}" for t in at) for curve in (measured, each, alike)]
    caption = (
        f"{title}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs. At threshold "
        f"{' / '.join(map(str, at))}: {shares[0]}% measured, {shares[1]}% with each song's own accuracy, "
        f"{shares[2]}% if all songs were alike."
    )
    rows += PAPER_PAIRS if clips == paper.CLIPS_A_SONG else []
    return Figure(f"voting_{vote.net}", f"Songs right against the threshold, {net_name(vote.net)}", caption, svg, rows)
