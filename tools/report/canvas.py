"""How the report draws: one style, panels of a phone's width, every figure an SVG in a data URI with its numbers."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib

from tools.report.table import Values

# Colours that people with any colour vision tell apart (Okabe and Ito 2008)
BLUE, ORANGE, GREEN, PURPLE, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#666666"
INK, GRID, PAPER = "#1d2733", "#e4e7ea", "#fffffe"
# What a reader who asks for dark pages sees in their place
DARK = {
    BLUE: "#5ab4e6",
    ORANGE: "#f0b429",
    GREEN: "#35c79b",
    PURPLE: "#dd9cc2",
    RED: "#ff8a4c",
    GREY: "#a3adb8",
    INK: "#e3e8ee",
    GRID: "#333f4c",
    PAPER: "#131a22",
}
FONTS = "system-ui, 'DejaVu Sans', Verdana, sans-serif"  # the reader's own, which may know more letters than ours
STYLE = {
    "svg.hashsalt": "report",  # the same runs draw the same bytes
    "svg.fonttype": "none",
    "text.parse_math": False,  # a genre may be called $x$
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), "none"),
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Figure:
    """``rows`` are the numbers that the picture shows, for ``<name>.csv``; ``wide`` takes the whole page."""

    name: str
    alt: str
    caption: str
    svg: bytes
    rows: list[Values]
    wide: bool = False

    @property
    def uri(self) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, by which a browser keeps its place before it is drawn."""
        corner_and_size = re.findall(rb'viewBox="([^"]*)"', self.svg)[0].split()
        width, height = map(float, corner_and_size[2:])
        return round(width), round(height)


class Canvas:
    """A figure of matplotlib and its axes: one, or an array of several above one another."""

    def __init__(self, width: float, height: float, rows: int) -> None:
        with warnings.catch_warnings():
            # of another matplotlib's 3D toolkit beside ours
            warnings.filterwarnings("ignore", message="Unable to import Axes3D")
            from matplotlib.figure import Figure as Drawing
        self.figure = Drawing(figsize=(width, height), layout="constrained")
        self.axes: Any = self.figure.subplots(rows, 1, sharex=True)

    def svg(self) -> bytes:
        """The drawing, whose text is text and whose colours are a dark page's where the reader asks for one."""
        stream = io.BytesIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the reader's fonts draw it
            self.figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
        return themed(stream.getvalue().decode()).encode()


def themed(svg: str) -> str:
    """An SVG with its colours as variables, and the reader's own fonts."""
    for number, colour in enumerate(DARK):
        svg = svg.replace(colour, f"var(--c{number})")
    svg = re.sub(r"(font: [\d.]+px) [^;\"]*", rf"\1 {FONTS}", svg)
    light, dark = (
        "".join(f"--c{number}:{colour};" for number, colour in enumerate(colours)) for colours in (DARK, DARK.values())
    )
    style = f"svg{{{light}}}@media (prefers-color-scheme:dark){{svg{{{dark}}}}}"
    return svg.replace('<style type="text/css">', f'<style type="text/css">{style}', 1)


@contextmanager
def canvas(width: float = 4.6, height: float = 3.3, rows: int = 1, **style: Any) -> Iterator[Canvas]:
    """A canvas of so many inches, by default a phone's width at about its own scale, in the report's style."""
    with matplotlib.rc_context({**STYLE, **style}):
        yield Canvas(width, height, rows)
