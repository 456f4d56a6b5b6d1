"""Errors and warnings that nobody caught, as napari shows and keeps them: without variables, values and quoted headers.

napari shows an error with all local variables of each call, where IPython is installed; a screenshot or a copy of that
goes into a report of a fault. Of errors that came through our code, or through libraries that read headers for us, it
gets the way through the code instead (`nameless.trace`).
"""

from __future__ import annotations

import logging
from html import escape

from napari.utils.notifications import (
    ErrorNotification,
    Notification,
    NotificationManager,
    WarningNotification,
)

from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support import nameless
from napari_lesion.support.bug_report import remember
from napari_lesion.support.errors import LesionError

#: Through which an error of ours goes.
_OURS = ("napari_lesion", "pydicom", "highdicom", "pynetdicom", "dicomweb_client")


class Fault(Exception):  # noqa: N818 - as napari has it: the thing that it shows
    """In place of an error: says which way that came."""


class FaultNotification(ErrorNotification):  # type: ignore[misc]
    """An error that names nobody."""

    def __init__(self, error: BaseException) -> None:
        trace = nameless.trace(error)
        super().__init__(Fault(trace))
        self.message = sentence(error)
        self._trace = trace

    def as_html(self) -> str:
        """Show its way through the code, for napari's dialog."""
        return f"<pre>{escape(self._trace)}</pre>"

    def as_text(self) -> str:
        """Show its way through the code."""
        return self._trace

    def __str__(self) -> str:
        return self._trace


def without_names(notification: Notification) -> Notification:
    """Give a notification that quotes nothing, in place of one of an error or a warning that may."""
    if nameless.are_traces_full() or isinstance(notification, FaultNotification):
        return notification
    if isinstance(notification, ErrorNotification) and nameless.passed_through(notification.exception, *_OURS):
        fault = FaultNotification(notification.exception)
        if not isinstance(notification.exception, LesionError):
            remember(fault.as_text())
        return fault
    if isinstance(notification, WarningNotification) and not nameless.only_sees_numbers(str(notification.filename)):
        kind = type(notification.warning)
        if not kind.__module__.startswith("napari.") and _is_of_ours(str(notification.filename)):
            notification.message = f"{kind.__name__}: {nameless.LEFT_OUT}"
            notification.warning = Warning(notification.message)
    return notification


def _is_of_ours(filename: str) -> bool:
    return any(f"/{name}/" in f"/{filename}".replace("\\", "/") for name in _OURS)


def watch(manager: NotificationManager) -> None:
    """Let a manager of napari's dispatch, and keep in its records, only what `without_names` gives."""
    if getattr(manager.dispatch, "_names_nobody", False):
        return
    dispatch = manager.dispatch

    def nameless_dispatch(notification: Notification) -> None:
        dispatch(without_names(notification))

    nameless_dispatch._names_nobody = True  # type: ignore[attr-defined]
    manager.dispatch = nameless_dispatch
    nameless.quieten_libraries()
    logging.getLogger("napari").setLevel(logging.INFO)  # at DEBUG it names layers, which are called after series
