"""Table 1 as heat maps, why voting lifts the score, and the networks themselves."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from tools import paths
from tools.cli import UserError, printable
from tools.nets.drawing import by, draw
from tools.nets.network import NETS
from tools.report import paper
from tools.report.canvas import BLUE, GREEN, GREY, INK, RED, Figure, canvas
from tools.report.headlines import SPLITS, furthest, net_name
from tools.report.records import Collection, Vote
from tools.report.table import Values, percent
from tools.vote.count import hold_election


def confusion_figures(collection: Collection) -> list[Figure]:
    """Table 1 as a heat map: the LSTM's first, then each net's, newest votes of every split."""
    order = sorted(NETS, key=lambda net: net != "lstm")
    votes = [furthest(collection, net, splits) for net in order for splits in SPLITS.values()]
    return [paper_confusion(vote) for vote in votes if vote]


def paper_confusion(vote: Vote) -> Figure:
    beside = f" The paper's averages {paper.TABLE_1_DIAGONAL:.3f}." if vote.net == "lstm" else ""
    title = f"{net_name(vote.net)}, split {vote.split}"
    return confusion_figure(vote, f"table1_{vote.net}_{vote.split}", title, beside)


def confusion_figure(vote: Vote, name: str, title: str, beside: str = "") -> Figure:
    """A vote's confusion.csv: rows the outcome, columns the true genre, in percent of the genre's test clips."""
    genres = [short_name(genre) for genre in vote.genres]
    few = len(genres) <= 12
    side = 4.6 if few else 1.6 + 0.3 * len(genres)
    with canvas(side, side) as drawing:
        axes = drawing.axes
        blue = np.full((*vote.confusion.shape, 4), to_rgba(BLUE))
        blue[..., 3] = vote.confusion
        axes.imshow(blue, interpolation="nearest")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xticks(range(len(genres)), genres, rotation=55, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(genres)), genres)
        axes.tick_params(length=0)
        axes.set(xlabel="true genre", ylabel="outcome")
        for (row, column), value in np.ndenumerate(100 * vote.confusion):
            if value >= 0.5:
                colour = "white" if value > 55 else INK
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9, color=colour)
        svg = drawing.svg()
    mean = vote.confusion.diagonal()[vote.confusion.sum(axis=0) > 0].mean()
    return Figure(
        name,
        f"Confusion of the {title} after {vote.iteration} iterations as a heat map",
        f"{title}, {vote.iteration:,} iterations, {vote.summary['clips']:,} test clips. Percent of each true genre's "
        f"clips; the diagonal averages {mean:.3f}.{beside}",
        svg,
        [{"outcome": name, **dict(zip(vote.genres, row))} for name, row in zip(vote.genres, vote.confusion.tolist())],
        wide=not few,
    )


def short_name(genre: str, longest: int = 18) -> str:
    """A genre's name as a picture has room for it."""
    name = printable(genre)
    return name if len(name) <= longest else f"{name[: longest - 6]}…{name[-5:]}"


def network_figures(collection: Collection) -> list[Figure]:
    """Figures 2 and 3: each network from its deploy.prototxt; one that can't be drawn is left out by name."""
    figures = []
    folders = {file.parent.name: file for file in sorted(paths.PROTOTXT.glob("*/deploy.prototxt"))}
    for net in sorted(folders, key=lambda net: (NETS.index(net) if net in NETS else len(NETS), net)):
        try:
            svg, boxes = draw(folders[net])
        except UserError as error:
            collection.left_out.append(str(error))
            continue
        layers = sum(len(box.layers) * box.copies for box in boxes)
        heavy = sum(box.copies for box in boxes if box.kind in ("Convolution", "InnerProduct", "LSTM"))
        rows: list[Values] = [
            {
                "net": net,
                "box": box.name,
                "layers": " ".join(box.layers),
                "copies": box.copies,
                "says": "; ".join(box.lines),
                "shape": by(box.shape or []),
            }
            for box in boxes
        ]
        caption = f"{net_name(net)}: prototxt/{net}/deploy.prototxt, {layers} layers, {heavy} of them with weights."
        alt = f"Layers of the {net_name(net)} from input to output"
        figures.append(Figure(f"network_{net}", alt, caption, svg, rows))
    return figures


def voting_figures(collection: Collection) -> list[Figure]:
    """Why voting lifts the score: a panel of the paper's own pairs, then one per net that votes on unseen songs."""
    figures = [voting_figure_of_paper()]
    for net in ("complex_cnn", "rcnn", "simple_cnn"):
        votes = collection.find_votes(net, "song")
        if votes and votes[-1].summary.get("song_accuracy"):
            figures.append(voting_figure(votes[-1]))
    return figures


def paper_pairs(axes: Axes) -> list[Values]:
    """Table 2's last rows as stars."""
    for quoted in paper.TABLE_2[2:]:
        label = f"paper: {quoted.clip_percent}% of clips, {quoted.song_percent:g}% of songs at {quoted.threshold}"
        axes.plot(quoted.threshold, quoted.song_percent, "*", color=RED, markersize=13, zorder=5, label=label)
    return [
        {"series": "paper", "threshold": quoted.threshold, "songs": quoted.song_percent / 100}
        for quoted in paper.TABLE_2[2:]
    ]


def voting_axes(axes: Axes, title: str, clips: int) -> None:
    axes.set(title=title, xlabel=f"threshold: clips of {clips} that must be right", ylabel="songs right, percent")
    axes.set(ylim=(0, 103), xlim=(0.5, clips + 0.5))


def voting_figure_of_paper() -> Figure:
    share = paper.TABLE_2[2].clip_percent / 100
    expected = independent([share], paper.CLIPS_A_SONG)
    with canvas(4.6, 4.2) as drawing:
        label = f"{paper.TABLE_2[2].clip_percent}% of clips, independent, songs alike"
        thresholds = range(1, paper.CLIPS_A_SONG + 1)
        drawing.axes.plot(thresholds, 100 * expected, color=GREY, marker="o", markersize=3.5, label=label)
        rows = paper_pairs(drawing.axes)
        voting_axes(drawing.axes, "The paper's own pairs", paper.CLIPS_A_SONG)
        drawing.figure.legend(loc="outside lower center")
        svg = drawing.svg()
    rows += [
        {"series": "binomial", "threshold": t, "songs": songs, "clip_accuracy": share}
        for t, songs in zip(thresholds, expected.tolist())
    ]
    said = ", ".join(
        f"{percent(expected[quoted.threshold - 1])} at {quoted.threshold} (paper: {quoted.song_percent:g}%)"
        for quoted in paper.TABLE_2[2:]
    )
    caption = f"The paper's own pairs beside what independent clips would give: {said}."
    return Figure("voting_paper", "The paper's song figures beside a binomial curve", caption, svg, rows)


def independent(shares: list[float], clips: int) -> np.ndarray:
    """Share of songs (clips,) with at least 1, 2, ... clips right, were each song's clips independent."""
    thresholds = range(1, clips + 1)
    return np.array([np.mean([paper.independent_songs(s, t, clips) for s in shares]) for t in thresholds])


def voting_figure(vote: Vote) -> Figure:
    """Songs right at each threshold: measured; as if each song's clips were independent; and all songs alike too."""
    election = hold_election(vote.clips, None)
    right, clips = election.votes[np.arange(len(election.labels)), election.labels], election.clips_a_song
    series = {
        "measured": (np.array([(right >= t).mean() for t in range(1, clips + 1)]), BLUE, "-"),
        "each song's own accuracy": (independent([k / clips for k in right], clips), GREEN, "--"),
        "all songs alike": (independent([right.mean() / clips], clips), GREY, ":"),
    }
    rows: list[Values] = []
    with canvas(4.6, 4.2) as drawing:
        for name, (shares, colour, line) in series.items():
            label = name if name == "measured" else f"independent clips, {name}"
            drawing.axes.plot(range(1, clips + 1), 100 * shares, color=colour, linestyle=line, label=label)
            rows += [{"series": name, "threshold": t + 1, "songs": v} for t, v in enumerate(shares.tolist())]
        if clips == paper.CLIPS_A_SONG:
            rows += paper_pairs(drawing.axes)
        title = f"{net_name(vote.net)}, split {vote.split}"
        voting_axes(drawing.axes, f"{title}: {percent(vote.summary['clip_accuracy'])} of clips", clips)
        drawing.figure.legend(loc="outside lower center")
        svg = drawing.svg()
    said = "; ".join(
        "threshold {}: {} measured, {} by each song's own, {} if all were alike".format(
            threshold, *(percent(shares[threshold - 1]) for shares, _, _ in series.values())
        )
        for threshold in (5, 7)
        if threshold <= clips
    )
    caption = f"{title}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs. {said}."
    return Figure(f"voting_{vote.net}", f"Songs right against the threshold, {net_name(vote.net)}", caption, svg, rows)
