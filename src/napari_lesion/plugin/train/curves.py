"""Live curves of training runs: loss, learning rate and validations by step, of one run or of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.support.progress import Progress
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
        axes.set_facecolor(background)
        axes.set_ylabel(label, color=text, size=8)
        axes.tick_params(colors=text, labelsize=8)
        axes.grid(alpha=0.25)
        for name, spine in axes.spines.items():
            spine.set_visible(name in ("left", "bottom"))
            spine.set_color(text)
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


class Curves(QWidget):
    """Shows curves of runs. Matplotlib is loaded on a thread, when there is something to draw."""

    def __init__(self) -> None:
        super().__init__()
        self._runs: tuple[WatchedRun, ...] = ()
        self._canvas: Any = None
        self._loading: Task[None] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setMinimumHeight(180)
        self.setAccessibleName(tr("Loss, learning rate and validations by step"))

    def show_runs(self, runs: Sequence[WatchedRun]) -> None:
        """Show these runs, with what they have written so far."""
        if tuple(runs) != self._runs:
            self._runs = tuple(runs)
            self._redraw()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw what came while nobody saw it."""
        super().showEvent(event)
        self._redraw()

    def _redraw(self) -> None:
        if not self.isVisible() or not any(run.steps for run in self._runs):
            return
        if self._canvas is None:
            if self._loading is None:
                self._loading = Task(_load_matplotlib, self)
                self._loading.succeeded.connect(self._make_canvas)
                self._loading.start()
            return
        palette = self.palette()
        draw(
            self._canvas.figure,
            self._runs,
            text=palette.color(QPalette.ColorRole.WindowText).name(),
            background=palette.color(QPalette.ColorRole.Window).name(),
        )
        self._canvas.draw_idle()

    def _make_canvas(self, _loaded: None) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        self._canvas = FigureCanvasQTAgg(Figure(layout="constrained"))  # type: ignore[no-untyped-call]
        self.layout().addWidget(self._canvas)  # type: ignore[union-attr]
        self._redraw()


def _load_matplotlib(progress: Progress) -> None:
    progress(0, 1, "")
    import matplotlib.backends.backend_qtagg  # noqa: F401
