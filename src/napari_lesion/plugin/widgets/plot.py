"""A plot of matplotlib in a panel, in the colours of the panel."""

from __future__ import annotations

from typing import Any

from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lesion.plugin.widgets.task import Task
from napari_lesion.support.progress import Progress


class Plot(QWidget):
    """Is drawn when it is seen and has something to draw; matplotlib is loaded on a thread, when that is so first.

    Parameters
    ----------
    name : str
        What it shows, for screen readers.
    least_height : int
        Pixels.
    """

    def __init__(self, name: str, least_height: int) -> None:
        super().__init__()
        self._canvas: Any = None
        self._loading: Task[None] | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setMinimumHeight(least_height)
        self.setAccessibleName(name)

    def has_something(self) -> bool:
        """Whether there is anything to draw."""
        raise NotImplementedError

    def draw_into(self, figure: Any, *, text: str, background: str) -> None:
        """Draw all of it into a figure of matplotlib, in these colours."""
        raise NotImplementedError

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Draw what came while nobody saw it."""
        super().showEvent(event)
        self.redraw()

    def redraw(self) -> None:
        """Draw what there is now, if anybody sees it."""
        if not self.isVisible() or not self.has_something():
            return
        if self._canvas is None:
            if self._loading is None:
                self._loading = Task(_load_matplotlib, self)
                self._loading.succeeded.connect(self._make_canvas)
                self._loading.start()
            return
        palette = self.palette()
        self.draw_into(
            self._canvas.figure,
            text=palette.color(QPalette.ColorRole.WindowText).name(),
            background=palette.color(QPalette.ColorRole.Window).name(),
        )
        self._canvas.draw_idle()

    def _make_canvas(self, _loaded: None) -> None:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
        from matplotlib.figure import Figure

        self._canvas = FigureCanvasQTAgg(Figure(layout="constrained"))  # type: ignore[no-untyped-call]
        self.layout().addWidget(self._canvas)  # type: ignore[union-attr]
        self.redraw()


def style_axes(axes: Any, label: str, *, text: str, background: str) -> None:
    """Give axes of matplotlib the colours of a panel, a label, a grid, and no box."""
    axes.set_facecolor(background)
    axes.set_ylabel(label, color=text, size=8)
    axes.tick_params(colors=text, labelsize=8)
    axes.grid(alpha=0.25)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(text)


def _load_matplotlib(progress: Progress) -> None:
    progress(0, 1, "")
    import matplotlib.backends.backend_qtagg
    import matplotlib.dates  # noqa: F401
