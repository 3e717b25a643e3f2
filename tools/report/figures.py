"""Table 1 as heat maps, and the nets under each split."""

from __future__ import annotations

import numpy as np

from tools.nets.network import NETS
from tools.report import paper
from tools.report.canvas import BLUE, GREEN, GREY, ORANGE, Figure, canvas, drawn
from tools.report.collect import Collection, Vote
from tools.report.headlines import PROTOCOLS, net_name
from tools.report.layout import Row
from tools.songs.gtzan import GENRES

SPLIT_COLOURS = {"clip": ORANGE, "song": BLUE, "filtered": GREEN}


def confusion_figures(collection: Collection) -> list[Figure]:
    """Table 1 as a heat map: the LSTM's first, then each net's, newest votes of every split."""
    order = ("lstm", *(net for net in NETS if net != "lstm"))
    newest = {(vote.net, vote.split): vote for net in order for vote in newest_votes(collection, net)}
    return [confusion_figure(vote) for vote in newest.values()]


def newest_votes(collection: Collection, net: str) -> list[Vote]:
    found = (collection.find_votes(net, split) for split in (*PROTOCOLS, "filtered"))
    return [votes[-1] for votes in found if votes and not (net == "song_cnn" and votes[-1].split == "clip")]


def confusion_figure(vote: Vote) -> Figure:
    """A vote's confusion.csv: rows the outcome, columns the true genre, in percent of the genre's test clips."""
    percent = 100 * vote.confusion
    with canvas((4.6, 4.5)) as (figure, axes):
        axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xticks(range(len(GENRES)), GENRES, rotation=55, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(GENRES)), GENRES)
        axes.tick_params(length=0)
        axes.set_xlabel("true genre")
        axes.set_ylabel("outcome")
        for (row, column), value in np.ndenumerate(percent):
            if value >= 0.5:
                colour = "white" if value > 55 else "#1d2733"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9, color=colour)
        figure_uri = drawn(figure)
    present = vote.confusion.sum(axis=0) > 0
    mean = vote.confusion.diagonal()[present].mean()
    title = f"{net_name(vote.net)}, split {vote.split}"
    beside = f" The paper's averages {paper.TABLE_1_DIAGONAL:.3f}." if vote.net == "lstm" else ""
    rows = [
        Row({"outcome": outcome, **{genre: float(share) for genre, share in zip(GENRES, shares)}})
        for outcome, shares in zip(GENRES, vote.confusion)
    ]
    return Figure(
        f"table1_{vote.net}_{vote.split}",
        f"Confusion of the {title} after {vote.iteration} iterations as a heat map",
        f"{title}, {vote.iteration:,} iterations, {vote.summary['clips']:,} test clips. Percent of each true genre's "
        f"clips; the diagonal averages {mean:.3f}.{beside}",
        figure_uri,
        rows,
    )


def splits_figure(collection: Collection) -> list[Figure]:
    """Clip accuracy of every net under every split, with its interval: the leak at a glance."""
    votes = [vote for net in NETS for vote in newest_votes(collection, net)]
    if not votes:
        return []
    nets = [net for net in NETS if any(vote.net == net for vote in votes)]
    rows, named = [], set()
    with canvas((4.6, 0.9 + 0.62 * len(nets))) as (figure, axes):
        for vote in votes:
            low, high = vote.summary["clip_interval"]
            share = vote.summary["clip_accuracy"]
            place = nets.index(vote.net) + {"clip": -0.16, "song": 0.0, "filtered": 0.16}[vote.split]
            label = None if vote.split in named else f"split {vote.split}"
            named.add(vote.split)
            errors = [[100 * max(share - low, 0)], [100 * max(high - share, 0)]]
            colour = SPLIT_COLOURS[vote.split]
            axes.errorbar(100 * share, place, xerr=errors, fmt="o", color=colour, capsize=3, label=label)
            rows.append(
                Row({"net": vote.net, "split": vote.split, "accuracy": share, "low": low, "high": high}
                    | {"iteration": vote.iteration})
            )  # fmt: skip
        axes.set_yticks(range(len(nets)), [net_name(net) for net in nets])
        axes.set_ylim(len(nets) - 0.5, -0.5)
        axes.set_xlim(0, 100)
        axes.axvline(10, color=GREY, linewidth=1, linestyle=":")
        axes.set_xlabel("test clips right, percent (dotted: chance)")
        figure.legend(loc="outside upper center", ncols=3)
        uri = drawn(figure)
    caption = "Test clips right under each split, newest votes, with 95% intervals (bootstrap over songs)."
    return [Figure("splits_figure", "Clip accuracy of every net under each split", caption, uri, rows)]
