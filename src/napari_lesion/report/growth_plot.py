"""The timeline: volumes of lesions over the dates of the scans in which they were measured."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from napari_lesion.comparison.history import LesionHistory, lesion_histories
from napari_lesion.model.findings import Report

MOST = 10
"""Lesions in a plot, at most: those that changed the most."""
_LOG_FROM = 8.0
"""The volume axis is logarithmic where the largest volume is so many times the smallest."""
_STYLES = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.", "*:", "<-", ">--")
"""Marker and line, so that curves can be told apart without colour."""


def growth_histories(report: Report) -> tuple[LesionHistory, ...]:
    """Find the lesions whose volume is known at two dates or more; those that changed the most come first."""
    found = []
    for one in lesion_histories(report):
        points = tuple(point for point in one.points if point.volume_mm3 is not None)
        if len(points) > 1:
            found.append(replace(one, points=points))
    return tuple(sorted(found, key=_change, reverse=True))


def _change(history: LesionHistory) -> float:
    """How much a lesion changed from the first date to the last, as a factor of at least 1."""
    first, last = (history.points[n].volume_mm3 or 0.0 for n in (0, -1))
    return max(first, last) / max(min(first, last), 1e-9)


def growth_figure(shown: tuple[LesionHistory, ...]) -> Figure:
    """Draw histories, each with the number of its finding at its end; bars are 95 % intervals of measuring."""
    figure = Figure(figsize=(6.6, 3.2), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for history, style in zip(shown, _STYLES, strict=False):
        days = [_number(point.when) for point in history.points]
        volumes = [point.volume_mm3 or 0.0 for point in history.points]
        (line,) = axes.plot(days, volumes, style, markersize=5, linewidth=1.4, label=f"F{history.number}")
        for day, volume, point in zip(days, volumes, history.points, strict=True):
            if point.volume_sd_mm3 is not None:
                axes.errorbar(
                    day,
                    volume,
                    yerr=[[min(point.volume_error_mm3, 0.95 * volume)], [point.volume_error_mm3]],
                    color=line.get_color(),
                    capsize=3,
                    linewidth=1,
                )
        axes.annotate(
            f"F{history.number}",
            (days[-1], volumes[-1]),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            size=9,
        )
    every = [point.volume_mm3 or 0.0 for history in shown for point in history.points]
    if max(every) > _LOG_FROM * max(min(every), 1e-9):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(bottom=0)
    locator = AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.set_ylabel("Volume, mm³")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.08)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8)
    return figure


def growth_png(shown: tuple[LesionHistory, ...], dpi: int = 160) -> bytes:
    """Draw histories as PNG."""
    file = io.BytesIO()
    growth_figure(shown).savefig(file, format="png", dpi=dpi)
    return file.getvalue()


def in_words(shown: tuple[LesionHistory, ...]) -> str:
    """Describe what the plot shows, for those who cannot see it."""
    return "Volumes over time. " + " ".join(
        f"F{history.number}: "
        + ", ".join(f"{point.volume_mm3:.0f} mm³ on {point.when.isoformat()}" for point in history.points)
        + "."
        for history in shown
    )


def _number(day: date) -> int:
    """Count days from the first of 1970, as matplotlib does."""
    return (day - date(1970, 1, 1)).days
