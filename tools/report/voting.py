"""Why voting lifts the score: songs right at a threshold, beside what independent clips would give."""

from __future__ import annotations

import numpy as np

from tools.report import compare, paper
from tools.report.canvas import BLUE, GREEN, GREY, RED, Figure, canvas, drawn
from tools.report.collect import Collection, Vote
from tools.report.headlines import net_name
from tools.report.layout import Row


def voting_figures(collection: Collection) -> list[Figure]:
    """Why voting lifts the score: a panel of the paper's own pairs, then one per net that votes on unseen songs."""
    figures = [voting_figure_of_paper()]
    for net in ("complex_cnn", "rcnn", "simple_cnn"):
        votes = collection.find_votes(net, "song")
        if votes and votes[-1].summary.get("song_accuracy"):
            figures.append(voting_figure(votes[-1]))
    return figures


def voting_axes(axes: object, clips: int) -> None:
    axes.set_xlabel(f"threshold: clips of {clips} that must be right")
    axes.set_ylabel("songs right, percent")
    axes.set_ylim(0, 103)
    axes.set_xlim(0.5, clips + 0.5)


def paper_pairs(axes: object) -> list[Row]:
    rows = []
    for quoted in paper.TABLE_2[2:]:
        label = f"paper: {quoted.clip_percent}% of clips, {quoted.song_percent:g}% of songs at {quoted.threshold}"
        axes.plot(quoted.threshold, quoted.song_percent, "*", color=RED, markersize=13, zorder=5, label=label)
        rows.append(Row({"series": "paper", "threshold": quoted.threshold, "songs": quoted.song_percent / 100}))
    return rows


def voting_figure_of_paper() -> Figure:
    thresholds = np.arange(1, paper.CLIPS_A_SONG + 1)
    share = paper.TABLE_2[2].clip_percent / 100
    expected = [paper.independent_songs(share, int(t)) for t in thresholds]
    with canvas((4.6, 4.2)) as (figure, axes):
        label = f"{paper.TABLE_2[2].clip_percent}% of clips, independent, songs alike"
        axes.plot(thresholds, 100 * np.array(expected), color=GREY, marker="o", markersize=3.5, label=label)
        rows = paper_pairs(axes)
        rows += [
            Row({"series": "binomial", "threshold": int(t), "songs": v, "clip_accuracy": share})
            for t, v in zip(thresholds, expected)
        ]
        voting_axes(axes, paper.CLIPS_A_SONG)
        axes.set_title("The paper's own pairs")
        figure.legend(loc="outside lower center")
        uri = drawn(figure)
    at = {quoted.threshold: 100 * expected[quoted.threshold - 1] for quoted in paper.TABLE_2[2:]}
    said = ", ".join(
        f"{value:.1f}% at {threshold} (paper: {quoted.song_percent:g}%)"
        for (threshold, value), quoted in zip(at.items(), paper.TABLE_2[2:])
    )
    caption = f"The paper's own pairs beside what independent clips would give: {said}."
    return Figure("voting_paper", "The paper's song figures beside a binomial curve", caption, uri, rows)


def voting_expectations(vote: Vote) -> dict[str, np.ndarray]:
    """Share of songs with at least T clips right, T = 1..clips: measured; as if each song's clips were independent with
    the song's own share right; and as if all songs were alike too."""
    tracks, labels, votes, _ = compare.songs_and_votes(vote.clips)
    right = votes[np.arange(len(tracks)), labels]
    clips = int(votes[0].sum())
    thresholds = np.arange(1, clips + 1)
    return {
        "measured": np.array([(right >= t).mean() for t in thresholds]),
        "each song's own accuracy": np.array(
            [np.mean([paper.independent_songs(k / clips, int(t), clips) for k in right]) for t in thresholds]
        ),
        "all songs alike": np.array(
            [paper.independent_songs(right.mean() / clips, int(t), clips) for t in thresholds]
        ),
    }  # fmt: skip


def voting_figure(vote: Vote) -> Figure:
    series = voting_expectations(vote)
    clips = len(series["measured"])
    rows = []
    with canvas((4.6, 4.2)) as (figure, axes):
        labels = {
            "measured": "measured",
            "each song's own accuracy": "independent clips, each song's own accuracy",
            "all songs alike": "independent clips, all songs alike",
        }
        styles = {"measured": (BLUE, "-"), "each song's own accuracy": (GREEN, "--"), "all songs alike": (GREY, ":")}
        for name, shares in series.items():
            colour, line = styles[name]
            axes.plot(range(1, clips + 1), 100 * shares, color=colour, linestyle=line, label=labels[name])
            rows += [Row({"series": name, "threshold": t + 1, "songs": float(v)}) for t, v in enumerate(shares)]
        if clips == paper.CLIPS_A_SONG:
            rows += paper_pairs(axes)
        voting_axes(axes, clips)
        accuracy = 100 * vote.summary["clip_accuracy"]
        axes.set_title(f"{net_name(vote.net)}, split {vote.split}: {accuracy:.1f}% of clips")
        figure.legend(loc="outside lower center")
        uri = drawn(figure)
    at = {t: [100 * float(shares[t - 1]) for shares in series.values()] for t in (5, 7) if t <= clips}
    said = "; ".join(
        f"threshold {t}: {a:.1f}% measured, {b:.1f}% by each song's own, {c:.1f}% if all were alike"
        for t, (a, b, c) in at.items()
    )
    basis = f"{vote.iteration:,} iterations, {vote.summary['songs']:,} songs"
    caption = f"{net_name(vote.net)}, split {vote.split}, {basis}. {said}."
    return Figure(f"voting_{vote.net}", f"Songs right against the threshold, {net_name(vote.net)}", caption, uri, rows)
