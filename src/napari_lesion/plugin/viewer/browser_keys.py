"""The keys of opening, and of turning from one open scan to another."""

from __future__ import annotations

from collections.abc import Callable

from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.browser_panel import show_browser


def _close(session: Session) -> None:
    """Close the scan on the screen; the one before comes back."""
    if session.open_scans.current is not None:
        session.open_scans.close(session.open_scans.current)


def _turn(way: int) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        scans, current = session.open_scans.scans, session.open_scans.current
        if current is not None:
            session.open_scans.show(scans[(scans.index(current) + way) % len(scans)])

    return run


ACTIONS = (
    Action("open.browser", "Show the series browser", "Ctrl-Alt-Shift-O", show_browser),
    Action("open.next", "Next open scan", "Control-PageDown", _turn(1)),
    Action("open.previous", "Previous open scan", "Control-PageUp", _turn(-1)),
    Action("open.close", "Close the scan on the screen", "Control-Shift-W", _close),
)
