"""How the report draws: one style, panels of a phone's width, every figure an SVG in a data URI with its numbers."""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tools.report.table import Interval, Value, Values

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


@dataclass
class Drawing:
    """A figure of matplotlib, its axes (an array where several stand above one another), and its SVG in the end."""

    figure: Any
    axes: Any
    svg: bytes = b""


@contextmanager
def canvas(width: float = 4.6, height: float = 3.3, rows: int = 1, **style: Any) -> Iterator[Drawing]:
    """A drawing of so many inches, by default a phone's width at about its own scale, in the report's style."""
    stream = io.BytesIO()
    with matplotlib.rc_context({**STYLE, **style}), warnings.catch_warnings():
        # of another matplotlib's 3D toolkit beside ours, and of letters that the reader's fonts draw
        for message in ("Unable to import Axes3D", "Glyph .* missing from"):
            warnings.filterwarnings("ignore", message=message)
        from matplotlib.figure import Figure as Sheet

        figure = Sheet(figsize=(width, height), layout="constrained")
        drawing = Drawing(figure, figure.subplots(rows, 1, sharex=True))
        yield drawing
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    drawing.svg = themed(stream.getvalue().decode()).encode()


def themed(svg: str) -> str:
    """An SVG in the reader's own fonts, and in the colours of a dark page where the reader asks for one."""
    for number, colour in enumerate(DARK):
        svg = svg.replace(colour, f"var(--c{number})")
    svg = re.sub(r"(font: [\d.]+px) [^;\"]*", rf"\1 {FONTS}", svg)
    light, dark = (
        "".join(f"--c{number}:{colour};" for number, colour in enumerate(colours)) for colours in (DARK, DARK.values())
    )
    style = f"svg{{{light}}}@media (prefers-color-scheme:dark){{svg{{{dark}}}}}"
    return svg.replace('<style type="text/css">', f'<style type="text/css">{style}', 1)


class Style(NamedTuple):
    """How the dots of a series look."""

    colour: str
    marker: str = "o"
    filled: bool = True

    @property
    def fill(self) -> str:
        return self.colour if self.filled else "none"


BY_SPLIT = (Style(ORANGE, "s"), Style(BLUE), Style(GREEN, "D"), Style(PURPLE, "^"))  # by clip, by song, by artist ...


@dataclass(frozen=True)
class Line:
    """What stands above the dots, the dots by series, 0..1, and what is said at their right."""

    label: str
    dots: dict[str, Interval] = field(default_factory=dict)
    says: str = ""
    note: str = ""  # in place of dots
    heading: bool = False  # over the lines that follow


def line_of(label: Value, values: Values, keys: Mapping[str, str], says: str = "") -> Line:
    """The shares that a row has, by the series that ``keys`` names each of."""
    shares = {series: values.get(key) for series, key in keys.items()}
    shares = {series: Interval(share) if isinstance(share, float) else share for series, share in shares.items()}
    return Line(str(label), {series: share for series, share in shares.items() if isinstance(share, Interval)}, says)


def dots_figure(
    name: str,
    alt: str,
    caption: str,
    lines: Sequence[Line],
    styles: Mapping[str, Style],
    xlabel: str = "percent right, with 95% intervals",
    limits: tuple[float, float] = (0, 101),
    band: tuple[float, float] | None = None,
    style: Mapping[str, Any] | None = None,
) -> list[Figure]:
    """A line of dots for each thing that is measured; ``limits`` and the shaded ``band`` are in percent."""
    if not lines:
        return []
    rows: list[Values] = [
        {"line": line.label, "series": series, **dict(zip(("value", "low", "high"), dot.numbers))}
        for line in lines
        for series, dot in line.dots.items()
    ]
    shown = {series: look for series, look in styles.items() if any(series in line.dots for line in lines)}
    with canvas(4.8, 0.75 + 0.33 * len(lines), **{"axes.spines.left": False, **(style or {})}) as drawing:
        axes = drawing.axes
        axes.set(xlim=limits, ylim=(len(lines) - 0.4, -0.7), yticks=[], xlabel=xlabel)
        if band:
            axes.axvspan(*band, color=GRID, linewidth=0, zorder=0)
        if limits[0] < 0:
            axes.axvline(0, color=GREY, linewidth=1)
        for place, line in enumerate(lines):
            draw_line(axes, line, place, shown, bool(band))
        handles = [
            Line2D([], [], color=look.colour, marker=look.marker, linestyle="", label=series, mfc=look.fill)
            for series, look in shown.items()
        ]
        if handles and len(styles) > 1:
            drawing.figure.legend(handles=handles, loc="outside upper left", ncols=4, handletextpad=0, columnspacing=1)
    return [Figure(name, alt, caption, drawing.svg, rows)]


def draw_line(axes: Axes, line: Line, place: int, styles: Mapping[str, Style], beside: bool) -> None:
    """The label above its dots; what it says ``beside`` them, or beside the label."""
    across = axes.get_yaxis_transform()
    weight, below = ("bold", 0.0) if line.heading else ("normal", -0.4)
    axes.text(0, place + below, line.label, transform=across, va="center", fontsize=8.5, weight=weight)
    if line.says:
        place_said = place + (0.08 if beside else below)
        axes.text(1, place_said, line.says, transform=across, va="center", ha="right", fontsize=8, weight="bold")
    if line.note:
        axes.text(0.03, place + 0.08, line.note, transform=across, va="center", fontsize=8, color=GREY)
    present = [name for name in styles if name in line.dots]
    for number, name in enumerate(present):
        value, low, high = (100 * share for share in line.dots[name])
        style, y = styles[name], place + 0.13 * (number - (len(present) - 1) / 2) + 0.08
        if low == low:
            axes.plot([low, high], [y, y], color=style.colour, linewidth=1.6, solid_capstyle="butt")
        size = 8 if style.marker == "*" else 5.5
        axes.plot(value, y, style.marker, color=style.colour, mfc=style.fill, markersize=size, zorder=4)
