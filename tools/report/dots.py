"""A picture of figures with their intervals: a line of dots for each thing that is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from matplotlib.lines import Line2D

from tools.report.canvas import GREY, GRID, Canvas, canvas
from tools.report.table import Interval, Values

WIDTH, LINE = 4.8, 0.33  # inches
APART = 0.13  # of a line, between the dots of one


class Style(NamedTuple):
    """How the dots of a series look."""

    colour: str
    marker: str = "o"
    filled: bool = True


@dataclass(frozen=True)
class Line:
    """What stands above the dots, the dots by series, 0..1, and what is said at their right."""

    label: str
    dots: dict[str, Interval] = field(default_factory=dict)
    says: str = ""
    note: str = ""  # in place of dots
    heading: bool = False  # over the lines that follow


def draw_dots(
    lines: Sequence[Line],
    styles: dict[str, Style],
    xlabel: str,
    limits: tuple[float, float],
    band: tuple[float, float] | None = None,
    says_beside: bool = False,
    style: dict[str, Any] | None = None,
) -> bytes:
    """An SVG; ``limits`` and the shaded ``band`` are in percent."""
    shown = {name: style for name, style in styles.items() if any(name in line.dots for line in lines)}
    look: dict[str, Any] = {"axes.spines.left": False, **(style or {})}
    with canvas(WIDTH, 0.75 + LINE * len(lines), **look) as drawing:
        axes = drawing.axes
        axes.set(xlim=limits, ylim=(len(lines) - 0.4, -0.7), yticks=[], xlabel=xlabel)
        if band:
            axes.axvspan(*band, color=GRID, linewidth=0, zorder=0)
        if limits[0] < 0:
            axes.axvline(0, color=GREY, linewidth=1)
        for place, line in enumerate(lines):
            draw_line(drawing, line, place, shown, says_beside)
        handles = [
            Line2D([], [], color=style.colour, marker=style.marker, linestyle="", label=name, mfc=fill(style))
            for name, style in shown.items()
        ]
        if len(handles) > 1:
            drawing.figure.legend(handles=handles, loc="outside upper left", ncols=4, handletextpad=0, columnspacing=1)
        return drawing.svg()


def draw_line(drawing: Canvas, line: Line, place: int, styles: dict[str, Style], says_beside: bool) -> None:
    """The label above its dots; what it says beside the label, or beside the dots."""
    axes = drawing.axes
    across = axes.get_yaxis_transform()
    weight, below = ("bold", 0.0) if line.heading else ("normal", -0.4)
    axes.text(0, place + below, line.label, transform=across, va="center", fontsize=8.5, weight=weight)
    if line.says:
        place_said = place + (0.08 if says_beside else below)
        axes.text(1, place_said, line.says, transform=across, va="center", ha="right", fontsize=8, weight="bold")
    if line.note:
        axes.text(0.03, place + 0.08, line.note, transform=across, va="center", fontsize=8, color=GREY)
    present = [name for name in styles if name in line.dots]
    for number, name in enumerate(present):
        value, low, high = (100 * share for share in line.dots[name])
        style, y = styles[name], place + APART * (number - (len(present) - 1) / 2) + 0.08
        if low == low:
            axes.plot([low, high], [y, y], color=style.colour, linewidth=1.6, solid_capstyle="butt")
        size = 8 if style.marker == "*" else 5.5
        axes.plot(value, y, style.marker, color=style.colour, mfc=fill(style), markersize=size, zorder=4)


def fill(style: Style) -> str:
    return style.colour if style.filled else "none"


def numbers(lines: Sequence[Line]) -> list[Values]:
    """What the dots are, for a CSV file."""
    return [
        {"line": line.label, "series": name, "value": dot.value, "low": number(dot.low), "high": number(dot.high)}
        for line in lines
        for name, dot in line.dots.items()
    ]


def number(value: float) -> float | None:
    return value if value == value else None
