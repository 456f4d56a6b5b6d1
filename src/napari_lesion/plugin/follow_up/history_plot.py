"""The timeline: diameter and volume of lesions over the dates of the scan and its priors."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from napari_lesion.comparison.history import HistoryPoint, LesionHistory
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.finding_layers import SELECTED_COLOR
from napari_lesion.plugin.widgets.plot import Plot, style_axes

_STYLES = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
"""Markers, so that curves can be told apart without colour."""


def draw(figure: Any, shown: Sequence[LesionHistory], chosen: str, *, text: str, background: str) -> None:
    """Draw histories into a figure of matplotlib: diameters above, volumes below; the chosen lesion stands out.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    shown : sequence of LesionHistory
    chosen : str
        Id of a finding, or "".
    text, background : str
        Colours.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    figure.clear()
    figure.set_facecolor(background)
    above, below = figure.subplots(2, 1, sharex=True)
    for axes, label in ((above, tr("Ø mm")), (below, tr("Volume, mm³"))):
        style_axes(axes, label, text=text, background=background)
    for place, history in enumerate(sorted(shown, key=lambda one: one.finding_id == chosen)):
        is_chosen = history.finding_id == chosen
        marker = _STYLES[(history.number - 1) % len(_STYLES)]
        color = SELECTED_COLOR if is_chosen else text
        look = {
            "color": color,
            "linewidth": 2.0 if is_chosen else 1.0,
            "alpha": 1.0 if is_chosen or not chosen else 0.5,
        }
        for axes, value, error in (
            (above, attrgetter("diameter_mm"), attrgetter("diameter_error_mm")),
            (below, attrgetter("volume_mm3"), attrgetter("volume_error_mm3")),
        ):
            points = [point for point in history.points if value(point) is not None]
            if not points:
                continue
            days, values = [point.when for point in points], [value(point) for point in points]
            errors = [min(error(point), value(point)) for point in points], [error(point) for point in points]
            axes.errorbar(days, values, yerr=errors, marker=marker, capsize=3, markersize=5, zorder=place + 2, **look)
            axes.annotate(
                f"F{history.number}", (days[-1], values[-1]), xytext=(7, 0), textcoords="offset points", va="center",
                size=8, color=color, weight="bold" if is_chosen else "normal",
            )  # fmt: skip
    for axes in (above, below):
        axes.set_ylim(bottom=0)
        axes.margins(x=0.12)
    locator = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    below.xaxis.get_offset_text().set(color=text, size=8)


class HistoryPlot(Plot):
    """Shows histories of lesions."""

    def __init__(self) -> None:
        self._shown: tuple[LesionHistory, ...] = ()
        self._chosen = ""
        super().__init__(tr("Diameters and volumes over time"), least_height=150)

    def show_histories(self, shown: tuple[LesionHistory, ...], chosen: str) -> None:
        """Show lesions over time; one of them may stand out."""
        if (shown, chosen) != (self._shown, self._chosen):
            self._shown, self._chosen = shown, chosen
            self.setAccessibleDescription(in_words(shown))
            self.redraw()

    def has_something(self) -> bool:
        """Whether there is a history."""
        return bool(self._shown)

    def draw_into(self, figure: Any, *, text: str, background: str) -> None:
        """Draw the histories."""
        draw(figure, self._shown, self._chosen, text=text, background=background)


def in_words(shown: Sequence[LesionHistory]) -> str:
    """Describe what the plot shows, for those who cannot see it."""

    def text_of(point: HistoryPoint) -> str:
        size = _number(point.diameter_mm, "mm"), _number(point.volume_mm3, "mm³")
        return f"{point.when.isoformat()}: {', '.join(part for part in size if part)}"

    return "\n".join(
        f"F{history.number}: " + "; ".join(text_of(point) for point in history.points) for history in shown
    )


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.1f} {unit}"
