"""Docks of panels: titles in the language of the user, and on a small screen one place for several, as tabs."""

from __future__ import annotations

from weakref import ref

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

_PLUGIN = "napari_lesion.plugin."
_ENTITLED = "napari-lesion title"


def entitle(panel: QWidget, title: str) -> None:
    """Name the dock of a panel that was just made in the language of the user; napari names it as the manifest does."""
    waiting = ref(panel)
    QTimer.singleShot(0, panel, lambda: _name(waiting(), title))  # once it is in its dock


def _name(panel: QWidget | None, title: str) -> None:
    dock = _dock_of(panel) if panel is not None else None
    if dock is None or dock.widget() is not panel:
        return
    dock.setWindowTitle(title)
    bar = getattr(dock, "title", None)  # napari's own, which it makes anew when the dock floats
    if bar is not None:
        bar.title.setText(title)
    if not dock.property(_ENTITLED):
        dock.setProperty(_ENTITLED, True)
        waiting = ref(dock)
        dock.topLevelChanged.connect(lambda _floats: entitle(one.widget(), title) if (one := waiting()) else None)


def share_place(panel: QWidget) -> None:
    """Put a panel that was just made as a tab over another panel of this plugin at the same side of the window."""
    waiting = ref(panel)  # Qt keeps what it calls once longer than the panel lives
    QTimer.singleShot(0, panel, lambda: _tab(waiting()))  # once it is in its dock


def _tab(panel: QWidget | None) -> None:
    dock = _dock_of(panel) if panel is not None else None
    main = dock.parent() if dock is not None else None
    # Within the workstation a panel is a page of a dock that is not its own.
    if dock is None or not isinstance(main, QMainWindow) or dock.widget() is not panel:
        return
    area = main.dockWidgetArea(dock)
    for other in reversed(main.findChildren(QDockWidget)):
        taken = other is not dock and other.isVisible() and not other.isFloating()
        if taken and main.dockWidgetArea(other) == area and _holds_a_panel(other):
            main.tabifyDockWidget(other, dock)
            dock.raise_()
            return


def _dock_of(widget: QWidget) -> QDockWidget | None:
    parent = widget.parent()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parent()
    return parent


def _holds_a_panel(dock: QDockWidget) -> bool:
    kinds = {type(widget) for widget in dock.findChildren(QWidget)}
    return any(kind.__module__.startswith(_PLUGIN) and kind.__name__.endswith("Panel") for kind in kinds)
