"""What the program says in passing: on the line below the views where a window has one, else as napari's messages.

Use `show_info`, `show_warning` and `show_error` of this module, not napari's: a message of napari's own is one of its
tools, which the workstation hides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from napari.utils.notifications import ErrorNotification, Notification, NotificationSeverity, notification_manager
from qtpy.QtCore import QObject, QPoint, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QMouseEvent, QResizeEvent
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.widgets import faults

if TYPE_CHECKING:
    from napari.components import ViewerModel

SECONDS = {NotificationSeverity.INFO: 8, NotificationSeverity.WARNING: 20, NotificationSeverity.ERROR: 60}
"""How long a message stays."""
_WEIGHTS = {severity: weight for weight, severity in enumerate(SECONDS)}
_SECONDS_WITH_ACTIONS = 60
_SIGNS = {NotificationSeverity.WARNING: "⚠ ", NotificationSeverity.ERROR: "⚠ "}
_POPUP_WIDTH = 520


class Message(Notification):  # type: ignore[misc]
    """A message of this program."""


def show_info(text: str) -> None:
    """Show something that is good to know."""
    notification_manager.dispatch(Message(text, NotificationSeverity.INFO))


def show_warning(text: str) -> None:
    """Show something that the reader should mind."""
    notification_manager.dispatch(Message(text, NotificationSeverity.WARNING))


def show_error(text: str) -> None:
    """Show that something failed."""
    notification_manager.dispatch(Message(text, NotificationSeverity.ERROR))


def offer(text: str, *actions: tuple[str, Callable[..., object]]) -> None:
    """Show something, with buttons."""
    notification_manager.dispatch(Message(text, NotificationSeverity.INFO, list(actions)))


class MessageLine(QFrame):
    """One line below the views: the message that matters most, for its time; a click shows all of it, and the others.

    It has the same height with and without a message, so the picture never moves.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.advanced = False
        """Whether napari's own messages are shown, too, as napari does."""
        self._messages: list[tuple[Notification, QTimer]] = []
        self._state = ""
        self.text = QLabel()
        self.text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setAccessibleName(tr("Messages"))
        self.offers = QHBoxLayout()
        self.offers.setSpacing(4)
        self.more = _flat("", tr("Show all messages"))
        self.more.clicked.connect(self.show_all)
        self.shut = _flat("✕", tr("Close the message"))
        self.shut.clicked.connect(self._close_shown)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(6, 0, 2, 0)
        self.row.setSpacing(4)
        self.row.addWidget(self.text, 1)
        self.row.addLayout(self.offers)
        self.row.addWidget(self.more)
        self.row.addWidget(self.shut)
        self.setFixedHeight(self.fontMetrics().height() + 12)
        self._show()

    # -- what there is to say -----------------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[str, ...]:
        """All that is said now, what matters most first."""
        return tuple(one.message for one in self._by_weight())

    def _by_weight(self) -> list[Notification]:
        latest_first = [one for one, _ in self._messages[::-1]]
        return sorted(latest_first, key=lambda one: _WEIGHTS.get(one.severity, 0), reverse=True)

    def take(self, notification: Notification) -> None:
        """Show a message for its time."""
        self.forget(lambda text: text == notification.message)
        seconds = _SECONDS_WITH_ACTIONS if notification.actions else SECONDS.get(notification.severity, 8)
        timer = QTimer(self, singleShot=True, interval=1000 * seconds)
        timer.timeout.connect(lambda: self._drop(notification))
        self._messages.append((notification, timer))
        timer.start()
        self._show()

    def state(self, text: str) -> None:
        """Show what goes on, until something else is said here; a message hides it for its time."""
        if text != self._state:
            self._state = text
            self._show()

    def forget(self, about: Callable[[str], bool]) -> None:
        """Take away messages, by their text."""
        for one, _ in list(self._messages):
            if about(one.message):
                self._drop(one)

    def _drop(self, notification: Notification) -> None:
        for entry in list(self._messages):
            if entry[0] is notification:
                entry[1].stop()
                entry[1].deleteLater()
                self._messages.remove(entry)
        self._show()

    def _close_shown(self) -> None:
        held = self._by_weight()
        if held:
            self._drop(held[0])

    # -- what is shown ------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        held = self._by_weight()
        shown = held[0] if held else None
        while (item := self.offers.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        if shown is not None:
            for word, run in _actions_of(shown, self.window()):
                button = QPushButton(word)
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                button.clicked.connect(lambda _checked=False, act=run, one=shown: self._press(one, act))
                self.offers.addWidget(button)
        self.more.setText(f"+{len(held) - 1}")
        self.more.setVisible(len(held) > 1)
        self.shut.setVisible(shown is not None)
        self._elide()

    def _press(self, message: Notification, run: Callable[..., object]) -> None:
        self._drop(message)
        run(self)

    def _elide(self) -> None:
        held = self._by_weight()
        whole = _in_words(held[0]) if held else self._state
        line = " ".join(whole.split())
        room = max(self.text.width() - 2, 0)
        self.text.setText(self.text.fontMetrics().elidedText(line, Qt.TextElideMode.ElideRight, room))
        self.text.setToolTip(whole)
        self.setToolTip(whole)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Show as much of the message as there is room for."""
        super().resizeEvent(event)
        QTimer.singleShot(0, self, self._elide)  # the text has its new width then

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Show all of the messages."""
        super().mousePressEvent(event)
        self.show_all()

    def show_all(self) -> QWidget | None:
        """Show all messages at full length, until somebody clicks elsewhere."""
        held = self._by_weight()
        if not held:
            return None
        popup = QFrame(self, Qt.WindowType.Popup)
        popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        popup.setFrameShape(QFrame.Shape.StyledPanel)
        column = QVBoxLayout(popup)
        for one in held:
            label = QLabel(_in_words(one))
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setFixedWidth(_POPUP_WIDTH)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        popup.adjustSize()
        popup.move(self.mapToGlobal(QPoint(0, -popup.height())))
        popup.show()
        return popup


def _flat(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setAutoRaise(True)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def _in_words(notification: Notification) -> str:
    return _SIGNS.get(notification.severity, "") + str(notification.message).strip()


def _actions_of(notification: Notification, window: QWidget) -> list[tuple[str, Callable[..., object]]]:
    actions = list(notification.actions)
    if isinstance(notification, ErrorNotification):  # a bug: whoever reports it needs the traceback
        from napari._qt.dialogs.qt_notification import TracebackDialog

        actions.append((tr("Details…"), lambda *_: TracebackDialog(notification, window).show()))
    return actions


# -- from napari's messages to the line -------------------------------------------------------------------------------

faults.watch(notification_manager)
_lines: WeakKeyDictionary[ViewerModel, ref[MessageLine]] = WeakKeyDictionary()


def line_of(viewer: ViewerModel) -> MessageLine | None:
    """Get the line of a viewer's window, or None where there is none."""
    known = _lines.get(viewer)
    return known() if known is not None else None


def use_line(viewer: ViewerModel, line: MessageLine) -> None:
    """Show on a line what is said in the window of a viewer, from now on."""
    _lines[viewer] = ref(line)
    global _router
    if _router is None:
        _router = _Router()


def forget_messages(viewer: ViewerModel, about: Callable[[str], bool]) -> None:
    """Take messages off the screen, by their text."""
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    if (line := line_of(viewer)) is not None:
        line.forget(about)
    for message in list(NapariQtNotification._instances):
        if about(message.message.text()):
            message.close()


class _Router(QObject):
    """Shows messages where they belong; they may come from any thread."""

    _arrived = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        from napari._qt.dialogs.qt_notification import NapariQtNotification  # there is no public way to it

        self._arrived.connect(self._show)
        notification_manager.notification_ready.disconnect(NapariQtNotification.show_notification)
        notification_manager.notification_ready.connect(self._take)

    def _take(self, notification: Notification) -> None:
        self._arrived.emit(notification)

    def _show(self, notification: Notification) -> None:
        from napari._qt.dialogs.qt_notification import NapariQtNotification
        from napari._qt.qt_main_window import _QtMainWindow

        window: Any = _QtMainWindow.current()
        line = line_of(window._qt_viewer.viewer) if window is not None else None
        if line is None:
            NapariQtNotification.show_notification(notification)
        elif isinstance(notification, Message) or notification.severity >= NotificationSeverity.ERROR:
            line.take(notification)
        elif line.advanced:
            NapariQtNotification.show_notification(notification)


_router: _Router | None = None
