"""Table 1 as heat maps; Figures 2 and 3, the networks themselves; and Figure 4, a classical song beside a disco song.

How alike two clips of Figure 4 look is measured, not chosen by eye: each clip is summed up by the mean and the standard
deviation over time of each of its bands, and the distance of two clips is Euclid's between those 66 numbers. The three
nearest pairs of a classical and a disco clip, each clip used once, are marked A, B and C.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from tools import paths
from tools.cli import UserError, printable
from tools.convert import lmdbs
from tools.nets.drawing import by, draw
from tools.nets.network import NETS
from tools.report import paper
from tools.report.canvas import BLUE, INK, Figure, canvas
from tools.report.headlines import SPLITS, furthest, net_name
from tools.report.records import Collection, Vote
from tools.report.table import Values
from tools.songs.audio import SAMPLE_RATE

GENRES_SHOWN = ("classical", "disco")
MARKS = {"A": "#56b4e9", "B": "#e69f00", "C": "#ffffff"}  # and their colours


def confusion_figures(collection: Collection) -> list[Figure]:
    """Table 1 as a heat map: the LSTM's first, then each net's, newest votes of every split."""
    order = sorted(NETS, key=lambda net: net != "lstm")
    votes = [furthest(collection.find_votes, net, splits) for net in order for splits in SPLITS.values()]
    return [
        confusion_figure(
            vote,
            f"table1_{vote.net}_{vote.split}",
            f"{net_name(vote.net)}, split {vote.split}",
            f" The paper's averages {paper.TABLE_1_DIAGONAL:.3f}." if vote.net == "lstm" else "",
        )
        for vote in votes
        if vote
    ]


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
    return Figure(
        name,
        f"Confusion of the {title} after {vote.iteration} iterations as a heat map",
        f"{title}, {vote.iteration:,} iterations, {vote.summary['clips']:,} test clips. Percent of each true genre's "
        f"clips; the diagonal averages {vote.mean_over_genres:.3f}.{beside}",
        drawing.svg,
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
        rows: list[Values] = []
        for box in boxes:
            values: Values = {"net": net, "box": box.name, "layers": " ".join(box.layers), "copies": box.copies}
            rows.append({**values, "says": "; ".join(box.lines), "shape": by(box.shape or [])})
        caption = f"{net_name(net)}: prototxt/{net}/deploy.prototxt, {layers} layers, {heavy} of them with weights."
        alt = f"Layers of the {net_name(net)} from input to output"
        figures.append(Figure(f"network_{net}", alt, caption, svg, rows))
    return figures


class Pair(NamedTuple):
    """Clip numbers within the first and the second song, and how far apart they are."""

    first: int
    second: int
    distance: float


def find_songs(collection: Collection) -> tuple[Path, dict[str, np.ndarray]] | None:
    """The first classical and the first disco song of a test part, by name: (clips, bands, frames) each.

    Returns the LMDB too; None where no split by song has been converted, since clip spreads a song over both parts.
    """
    splits = [split for split, manifest in collection.manifests.items() if manifest["split"] != "clip"]
    for split, dtype in product(sorted(splits, key=lambda split: (split != "song", split)), ("float", "int")):
        lmdb = paths.lmdb(collection.build, split, "cnn", dtype, "test")
        try:
            songs = first_songs(lmdb) if lmdb.is_dir() else {}
        except UserError as error:
            collection.left_out.append(str(error))
            continue
        if len(songs) == len(GENRES_SHOWN):
            return lmdb, songs
    return None


def first_songs(lmdb: Path) -> dict[str, np.ndarray]:
    """The first song of each genre shown, as far as there is one."""
    tracks = sorted({record.track for record in lmdbs.read_lmdb(lmdb)})
    firsts = (next((track for track in tracks if track.startswith(f"{genre}.")), None) for genre in GENRES_SHOWN)
    songs: dict[str, dict[int, np.ndarray]] = {track: {} for track in firsts if track}
    for record in lmdbs.read_lmdb(lmdb):
        if record.track in songs:
            songs[record.track][record.clip] = np.asarray(record.array[0], np.float32)
    return {track: np.stack([clips[number] for number in sorted(clips)]) for track, clips in songs.items()}


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Between each clip of the first song and each of the second (clips, clips)."""
    a, b = (np.concatenate([clips.mean(axis=2), clips.std(axis=2)], axis=1) for clips in (first, second))
    return np.linalg.norm(a[:, None] - b[None], axis=2)


def alike(first: np.ndarray, second: np.ndarray) -> list[Pair]:
    """The nearest pairs of clips, nearest first, each clip in one pair at most, as many as there are marks."""
    apart = distances(first, second)
    nearest = []
    for _ in range(min(len(MARKS), *apart.shape)):
        i, j = np.unravel_index(apart.argmin(), apart.shape)
        nearest.append(Pair(int(i), int(j), float(apart[i, j])))
        apart[i] = apart[:, j] = np.inf
    return nearest


def spectrogram_figures(collection: Collection) -> list[Figure]:
    """Figure 4, where there are songs to draw."""
    shown = find_songs(collection)
    if shown is None:
        return []
    lmdb, songs = shown
    (first, a), (second, b) = songs.items()
    hop = next(iter(collection.manifests.values()))["features"].get("hop", 256)
    seconds = a.shape[2] * hop / SAMPLE_RATE
    pairs = dict(zip(MARKS, alike(a, b)))
    said = "; ".join(
        f"{mark}: clip {pair.first} of {first}, clip {pair.second} of {second}, {pair.distance:.1f} apart"
        for mark, pair in pairs.items()
    )
    caption = (
        f"{first} above, {second} below: {a.shape[1]} bands, {len(a)} clips of {seconds:.2f} s, from {lmdb}. "
        f"Marked: the pairs that look most alike by the mean and spread of their bands. {said}. Two clips of these "
        f"songs are {distances(a, b).mean():.1f} apart on average."
    )
    alt = "Spectrograms of a classical and a disco song with clips alike marked"
    keys = ("mark", first, second, "distance")
    rows: list[Values] = [dict(zip(keys, (mark, *pair))) for mark, pair in pairs.items()]
    return [Figure("figure4", alt, caption, draw_songs(songs, pairs, seconds), rows, wide=True)]


def draw_songs(songs: dict[str, np.ndarray], pairs: dict[str, Pair], seconds: float) -> bytes:
    """Both songs above one another, clips of so many ``seconds``, with the pairs boxed and marked."""
    with canvas(9, 5.6, rows=2, **{"font.size": 13, "axes.titlesize": 14, "axes.grid": False}) as drawing:
        for number, (axes, (name, clips)) in enumerate(zip(drawing.axes, songs.items())):
            bands = clips.shape[1]
            style = {"origin": "lower", "aspect": "auto", "cmap": "magma", "interpolation": "nearest"}
            extent = (0, len(clips) * seconds, 0, bands)
            axes.imshow(np.concatenate(list(clips), axis=1), vmin=0, vmax=255, extent=extent, **style)
            axes.set(title=name, ylabel="band")
            for mark, pair in pairs.items():
                colour, start = MARKS[mark], pair[number] * seconds
                corner, height = (start, 0.4), bands - 0.8
                axes.add_patch(Rectangle(corner, seconds, height, fill=False, edgecolor=colour, linewidth=2.5))
                box = {"facecolor": "black", "edgecolor": colour, "boxstyle": "round,pad=0.2"}
                style = {"color": "white", "ha": "center", "va": "top", "weight": "bold"}
                axes.text(start + seconds / 2, bands - 2, mark, fontsize=16, bbox=box, **style)
        drawing.axes[1].set_xlabel("seconds")
    return drawing.svg
