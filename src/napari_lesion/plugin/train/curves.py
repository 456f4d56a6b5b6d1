"""Live curves of training runs: loss, learning rate and validations by step, of one run or of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.plot import Plot, style_axes
from napari_lesion.training.run_status import WatchedRun

_STYLES = ("-", "--", ":", "-.")
"""Lines, so that runs can be told apart without colour."""
_MEAN_OF = 25


def draw(figure: Any, runs: Sequence[WatchedRun], *, text: str, background: str) -> None:
    """Draw runs into a figure of matplotlib: loss and rate as running means, validations as points.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    runs : sequence of WatchedRun
    text, background : str
        Colours.
    """
    figure.clear()
    figure.set_facecolor(background)
    loss, rate, validation = figure.subplots(3, 1, sharex=True, height_ratios=(3, 1, 2))
    measure = next((run.measure for run in runs if run.measure), "")
    for axes, label in ((loss, tr("loss")), (rate, tr("rate")), (validation, measure or tr("validation"))):
        style_axes(axes, label, text=text, background=background)
    validation.set_xlabel(tr("step"), color=text, size=8)
    for number, run in enumerate(runs):
        style = _STYLES[number % len(_STYLES)]
        at = np.array([row["step"] for row in run.steps])
        for axes, name in ((loss, "loss"), (rate, "learning_rate")):
            values = np.array([float(row.get(name, np.nan)) for row in run.steps])
            if len(values):
                axes.plot(at, _smooth(values) if name == "loss" else values, style, label=run.folder.name)
        rows = [row for row in run.validations if measure in row]
        if rows:
            validation.plot([row["step"] for row in rows], [row[measure] for row in rows], f"o{style}", markersize=4)
    if len(runs) > 1:
        loss.legend(fontsize=8, labelcolor=text, facecolor=background, framealpha=0.7)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Mean of the last values up to each."""
    total = np.cumsum(np.insert(values, 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - _MEAN_OF, 0)
    mean: np.ndarray = (total[ends] - total[starts]) / (ends - starts)
    return mean


class Curves(Plot):
    """Shows curves of runs."""

    def __init__(self) -> None:
        self._runs: tuple[WatchedRun, ...] = ()
        super().__init__(tr("Loss, learning rate and validations by step"), least_height=180)

    def show_runs(self, runs: Sequence[WatchedRun]) -> None:
        """Show these runs, with what they have written so far."""
        if tuple(runs) != self._runs:
            self._runs = tuple(runs)
            self.redraw()

    def has_something(self) -> bool:
        """Whether a run has taken a step."""
        return any(run.steps for run in self._runs)

    def draw_into(self, figure: Any, *, text: str, background: str) -> None:
        """Draw the runs."""
        draw(figure, self._runs, text=text, background=background)
