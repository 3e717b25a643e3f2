"""How the report draws: one style, panels of a phone's width, every figure an SVG in a data URI with its numbers."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import matplotlib

from tools.report.layout import Row

# Colours that people with any colour vision tell apart (Okabe and Ito 2008)
BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#666666"
STYLE = {
    "svg.hashsalt": "report",  # the same runs draw the same bytes
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e4e7ea",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}
PANEL = (4.6, 3.3)  # inches: a phone's width at about its own scale


@dataclass(frozen=True)
class Figure:
    """``uri`` is the picture; ``rows`` are the numbers it shows, for ``<name>.csv``; ``wide`` takes the whole page."""

    name: str
    alt: str
    caption: str
    uri: str
    rows: list[Row] = field(default_factory=list)
    wide: bool = False


def svg_uri(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


@contextmanager
def canvas(size: tuple[float, float] = PANEL, rows: int = 1, **style: object) -> Iterator[tuple]:
    """A figure of ``size`` inches and its axes in the report's style: one, or an array of ``rows`` above another."""
    with warnings.catch_warnings():
        # of another matplotlib's 3D toolkit beside ours
        warnings.filterwarnings("ignore", message="Unable to import Axes3D")
        from matplotlib.figure import Figure as Canvas
    with matplotlib.rc_context({**STYLE, **style}):
        figure = Canvas(figsize=size, layout="constrained")
        yield figure, figure.subplots(rows, 1, sharex=True)


def drawn(figure: object) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return svg_uri(stream.getvalue())
