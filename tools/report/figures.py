"""Table 1 as heat maps, the nets under each split, why voting lifts the score, and the networks themselves."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from tools import paths
from tools.cli import UserError
from tools.nets.drawing import by, draw
from tools.nets.network import NETS
from tools.report import paper
from tools.report.canvas import BLUE, GREEN, GREY, ORANGE, RED, Figure, canvas, svg_uri
from tools.report.collect import Collection, Vote
from tools.report.headlines import net_name
from tools.report.table import Values, percent
from tools.songs.gtzan import GENRES
from tools.vote.count import hold_election

# Colour and place beside a net's line of each split
SPLITS = {"clip": (ORANGE, -0.16), "song": (BLUE, 0.0), "filtered": (GREEN, 0.16)}


def newest_votes(collection: Collection, net: str) -> list[Vote]:
    votes = (collection.find_votes(net, split) for split in SPLITS if (net, split) != ("song_cnn", "clip"))
    return [of_split[-1] for of_split in votes if of_split]


def confusion_figures(collection: Collection) -> list[Figure]:
    """Table 1 as a heat map: the LSTM's first, then each net's, newest votes of every split."""
    order = sorted(NETS, key=lambda net: net != "lstm")
    return [confusion_figure(vote) for net in order for vote in newest_votes(collection, net)]


def confusion_figure(vote: Vote) -> Figure:
    """A vote's confusion.csv: rows the outcome, columns the true genre, in percent of the genre's test clips."""
    with canvas(4.6, 4.5) as drawing:
        axes = drawing.axes
        axes.imshow(100 * vote.confusion, cmap="Blues", vmin=0, vmax=100)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xticks(range(len(GENRES)), GENRES, rotation=55, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(GENRES)), GENRES)
        axes.tick_params(length=0)
        axes.set(xlabel="true genre", ylabel="outcome")
        for (row, column), value in np.ndenumerate(100 * vote.confusion):
            if value >= 0.5:
                colour = "white" if value > 55 else "#1d2733"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9, color=colour)
        uri = drawing.uri()
    mean = vote.confusion.diagonal()[vote.confusion.sum(axis=0) > 0].mean()
    title = f"{net_name(vote.net)}, split {vote.split}"
    beside = f" The paper's averages {paper.TABLE_1_DIAGONAL:.3f}." if vote.net == "lstm" else ""
    return Figure(
        f"table1_{vote.net}_{vote.split}",
        f"Confusion of the {title} after {vote.iteration} iterations as a heat map",
        f"{title}, {vote.iteration:,} iterations, {vote.summary['clips']:,} test clips. Percent of each true genre's "
        f"clips; the diagonal averages {mean:.3f}.{beside}",
        uri,
        [{"outcome": outcome, **dict(zip(GENRES, row))} for outcome, row in zip(GENRES, vote.confusion.tolist())],
    )


def splits_figure(collection: Collection) -> list[Figure]:
    """Clip accuracy of every net under every split, with its interval: the leak at a glance."""
    votes = [vote for net in NETS for vote in newest_votes(collection, net)]
    if not votes:
        return []
    nets = list(dict.fromkeys(vote.net for vote in votes))
    rows: list[Values] = []
    with canvas(4.6, 0.9 + 0.62 * len(nets)) as drawing:
        axes = drawing.axes
        for vote in votes:
            share, low, high = vote.clips_right
            colour, beside = SPLITS[vote.split]
            label = None if any(row["split"] == vote.split for row in rows) else f"split {vote.split}"
            errors = [[100 * max(share - low, 0)], [100 * max(high - share, 0)]]
            place = nets.index(vote.net) + beside
            axes.errorbar(100 * share, place, xerr=errors, fmt="o", color=colour, capsize=3, label=label)
            figures = {"accuracy": share, "low": low, "high": high, "iteration": vote.iteration}
            rows.append({"net": vote.net, "split": vote.split, **figures})
        axes.set_yticks(range(len(nets)), [net_name(net) for net in nets])
        axes.axvline(10, color=GREY, linewidth=1, linestyle=":")
        limits = {"ylim": (len(nets) - 0.5, -0.5), "xlim": (0, 100)}
        axes.set(xlabel="test clips right, percent (dotted: chance)", **limits)
        drawing.figure.legend(loc="outside upper center", ncols=3)
        uri = drawing.uri()
    caption = "Test clips right under each split, newest votes, with 95% intervals (bootstrap over songs)."
    return [Figure("splits_figure", "Clip accuracy of every net under each split", caption, uri, rows)]


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
        figures.append(Figure(f"network_{net}", alt, caption, svg_uri(svg), rows))
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
        uri = drawing.uri()
    rows += [
        {"series": "binomial", "threshold": t, "songs": songs, "clip_accuracy": share}
        for t, songs in zip(thresholds, expected.tolist())
    ]
    said = ", ".join(
        f"{percent(expected[quoted.threshold - 1])} at {quoted.threshold} (paper: {quoted.song_percent:g}%)"
        for quoted in paper.TABLE_2[2:]
    )
    caption = f"The paper's own pairs beside what independent clips would give: {said}."
    return Figure("voting_paper", "The paper's song figures beside a binomial curve", caption, uri, rows)


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
        uri = drawing.uri()
    said = "; ".join(
        "threshold {}: {} measured, {} by each song's own, {} if all were alike".format(
            threshold, *(percent(shares[threshold - 1]) for shares, _, _ in series.values())
        )
        for threshold in (5, 7)
        if threshold <= clips
    )
    caption = f"{title}, {vote.iteration:,} iterations, {vote.summary['songs']:,} songs. {said}."
    return Figure(f"voting_{vote.net}", f"Songs right against the threshold, {net_name(vote.net)}", caption, uri, rows)
