"""The rail: small pictures of the open patient's series and priors, and of whatever else is open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtGui import QFont, QFontInfo, QFontMetrics, QIcon, QImage, QPixmap
from qtpy.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.dicom.index.series import Series
from napari_lesion.model.volume import SeriesIdentity, Volume, readable_date
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.browser_panel import BrowserPanel
from napari_lesion.plugin.viewer.tools.corners import person_name
from napari_lesion.plugin.viewer.tools.reading import reading_tools

WIDTH = 112
_PICTURE = 72
_REFRESH_MS = 60
_MARGIN = 4
_SMALLEST = 8
"""Font of a heading, px."""
_BREAK = "\u200b"
"""Where a line may break, unseen."""


@dataclass(frozen=True)
class Entry:
    """A series on the rail: it is listed, or open, or both."""

    identity: SeriesIdentity
    slices: int
    series: Series | None
    scan: OpenScan | None

    @property
    def is_open(self) -> bool:
        """Whether it is open."""
        return self.scan is not None


@dataclass(frozen=True)
class Group:
    """Series below one heading."""

    title: str
    entries: tuple[Entry, ...]


def entries_of(series: Iterable[Series], scans: Sequence[OpenScan]) -> tuple[Entry, ...]:
    """List what is on a disk and what is open, each once."""
    left = list(scans)
    entries = []
    for one in series:
        scan = next((scan for scan in left if _is_of(scan, one)), None)
        if scan is not None:
            left.remove(scan)
        entries.append(Entry(one.identity, one.n_slices, one, scan))
    for scan in left:
        entries.append(Entry(scan.volume.series, scan.volume.shape[0], scan.source, scan))
    return tuple(entries)


def groups(entries: Sequence[Entry], current: OpenScan | None, names: bool) -> tuple[Group, ...]:
    """Put series below headings: the current study, the patient's others by date, and what of others is open.

    Without a current scan all series are listed, by patient and study.

    Parameters
    ----------
    entries : sequence of Entry
    current : OpenScan, optional
        The scan on the screen.
    names : bool
        Whether names, numbers and dates of patients are shown.
    """
    found: dict[str, list[Entry]] = {}
    now = current.volume.series if current is not None else None

    def rank(entry: Entry) -> tuple[bool, bool, str]:
        own, study = _is_of_patient(entry, now, current), _is_of_study(entry.identity, now)
        return not own, not study, _falling(entry.identity.study_date)

    for entry in sorted(entries, key=lambda one: (*rank(one), _number(one.identity))):
        own = _is_of_patient(entry, now, current)
        if now is not None and not own and not entry.is_open:
            continue  # of another patient, and nobody has opened it: the browser has it
        found.setdefault(_heading(entry.identity, now, own, names), []).append(entry)
    return tuple(Group(title, tuple(some)) for title, some in found.items())


def _heading(identity: SeriesIdentity, now: SeriesIdentity | None, own: bool, names: bool) -> str:
    date = readable_date(identity.study_date) if names else ""
    if now is None or not own:
        who = (person_name(identity.patient_name) or identity.patient_id or tr("no name")) if names else tr("Other")
        return "\n".join(part for part in (who, date) if part)
    if _is_of_study(identity, now):
        return date or tr("This study")
    if not identity.study_date or not now.study_date or identity.study_date == now.study_date:
        word = tr("Other study")
    else:
        word = tr("PRIOR") if identity.study_date < now.study_date else tr("LATER")
    return "\n".join(part for part in (word, date) if part)


def breakable(title: str) -> str:
    """Let the lines of a heading break inside of numbers of patients as well, so that no such number is cut off."""
    title = re.sub(r"(?<=[-._/^])(?=\S)", _BREAK, title)
    return re.sub(r"(?=[^\W\d]*\d)\w{11,}", lambda run: _BREAK.join(run[0]), title)


def _size_for(title: str, font: QFont) -> int:
    """Find the size, px, in which the longest word of a heading fits: a long one is written smaller, not cut off."""
    bold = QFont(font)
    bold.setBold(True)
    words = re.split(rf"{_BREAK}|\s", breakable(title))
    for size in range(QFontInfo(font).pixelSize(), _SMALLEST, -1):
        bold.setPixelSize(size)
        if max(map(QFontMetrics(bold).horizontalAdvance, words), default=0) <= WIDTH - 5 * _MARGIN:
            return size
    return _SMALLEST


def _is_of(scan: OpenScan, series: Series) -> bool:
    return scan.source is series or (
        scan.source is not None and scan.source.key == series.key and scan.source.identity == series.identity
    )


def _is_of_patient(entry: Entry, now: SeriesIdentity | None, current: OpenScan | None) -> bool:
    return now is not None and (entry.scan is current or is_same_patient(entry.identity, now))


def _is_of_study(identity: SeriesIdentity, now: SeriesIdentity | None) -> bool:
    return now is not None and identity.study_uid == now.study_uid


def _falling(date: str) -> str:
    """Turn digits round, so that later dates come first."""
    return "".join(chr(ord("9") - int(digit) + ord("0")) if digit.isdigit() else digit for digit in date)


def _number(identity: SeriesIdentity) -> int:
    return int(identity.series_number) if identity.series_number.isdecimal() else 1 << 31


class Rail(QWidget):
    """Shows what can be turned to by one click. It keeps nothing itself: the browser and the open scans have it."""

    def __init__(self, session: Session, browser: BrowserPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._browser = session, browser
        self._tools = reading_tools(session)
        self._groups: tuple[Group, ...] = ()
        self._own: dict[str, QIcon] = {}
        """Pictures of scans that the browser does not list, by key."""
        self.buttons: list[tuple[QToolButton, Entry]] = []
        self._shown: list[QWidget] = []
        """Headings and buttons."""
        self.browse = QPushButton(tr("Browse…"))
        self.browse.setToolTip(tr("All studies and series of a folder, a disc or a zip, in a table"))
        self.worklist = QPushButton(tr("Worklist"))
        self.worklist.setToolTip(tr("Studies that wait for a reader, the most urgent first"))
        self.pacs = QPushButton(tr("PACS"))
        self.pacs.setToolTip(tr("Ask an archive for studies and earlier scans, and send results to it"))
        self.deidentify = QPushButton(tr("Privacy"))
        self.deidentify.setToolTip(tr("Make copies of scans and results that may leave"))
        pages = (self.worklist, self.pacs, self.deidentify)
        for button in pages:
            button.setCheckable(True)
        for button in (self.browse, *pages):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setStyleSheet("padding: 3px 2px;")
        self.empty = QLabel(tr("Open a folder: drop it on the window, or press Browse."))
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addStretch(1)
        self._scroll = QScrollArea()
        self._scroll.setWidget(inside)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, _MARGIN, 0, _MARGIN)
        layout.setSpacing(4)
        layout.addWidget(self.empty)
        layout.addWidget(self._scroll, 1)
        for button in (self.browse, *pages):
            layout.addWidget(button)
        self.setFixedWidth(WIDTH)
        # At once when another scan comes on the screen; while files are looked at, now and then.
        self._later = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._later.timeout.connect(self.refresh)
        browser.listed.connect(self._ask)
        session.open_scans.scans_changed.connect(self.refresh)
        session.open_scans.current_changed.connect(self.refresh)
        self._tools.names_changed.connect(self.refresh)
        self.refresh()

    def _ask(self) -> None:
        if not self._later.isActive():
            self._later.start()

    def refresh(self, _changed: object = None) -> None:
        """Show what there is now."""
        scans = self._session.open_scans
        entries = entries_of(self._browser.series, scans.scans)
        found = groups(entries, scans.current, self._tools.names)
        if found != self._groups:
            self._groups = found
            self._build()
        for button, entry in self.buttons:
            self._dress(button, entry)
        self.empty.setVisible(not self.buttons)
        self._scroll.setVisible(bool(self.buttons))

    def _build(self) -> None:
        for widget in self._shown:
            self._column.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self.buttons, self._shown = [], []
        for group in self._groups:
            heading = QLabel(breakable(group.title))
            heading.setWordWrap(True)
            heading.setToolTip(group.title)
            heading.setStyleSheet(f"font-weight: bold; font-size: {_size_for(group.title, heading.font())}px;")
            heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self._column.insertWidget(self._column.count() - 1, heading)
            self._shown.append(heading)
            for entry in group.entries:
                button = QToolButton()
                button.setCheckable(True)
                button.setIconSize(QSize(_PICTURE, _PICTURE))
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
                button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                button.clicked.connect(partial(self._turn_to, entry))
                self.buttons.append((button, entry))
                self._shown.append(button)
                self._column.insertWidget(self._column.count() - 1, button)

    def _dress(self, button: QToolButton, entry: Entry) -> None:
        """Show which series it is, whether it is open, and whether it is the one on the screen."""
        current = entry.scan is not None and entry.scan is self._session.open_scans.current
        button.setChecked(current)
        button.setIcon(self._icon(entry))
        button.setText(self._label(entry))
        state = tr("on the screen") if current else tr("open") if entry.is_open else tr("a click opens it")
        identity = entry.identity
        said = (
            identity.series_description or tr("no description"),
            " · ".join((identity.modality or tr("unknown"), tr("{count} slices", count=entry.slices))),
            state,
        )
        button.setToolTip("\n".join(said))
        button.setAccessibleName(" ".join(said))

    def _label(self, entry: Entry) -> str:
        number = entry.identity.series_number
        first = tr("Se {number}", number=number) if number else (entry.identity.modality or "?")
        # A sign and a word, since colour alone tells nobody who does not see it.
        first = f"● {first}" if entry.is_open else first
        second = entry.identity.series_description or tr("{count} slices", count=entry.slices)
        room = WIDTH - 4 * _MARGIN - 8
        return f"{first}\n{self.fontMetrics().elidedText(second, Qt.TextElideMode.ElideRight, room)}"

    def _icon(self, entry: Entry) -> QIcon:
        listed = self._browser.picture(entry.series) if entry.series is not None else None
        if listed is not None:
            return listed
        if entry.scan is None:
            return QIcon()
        key = entry.scan.key
        if key not in self._own or not entry.scan.volume.complete:
            self._own[key] = QIcon(_picture_of(entry.scan.volume, entry.scan.layer.data))
        return self._own[key]

    def _turn_to(self, entry: Entry, _checked: bool = False) -> None:
        if entry.scan is not None and entry.scan in self._session.open_scans.scans:
            self._session.open_scans.show(entry.scan)
        elif entry.series is not None:
            self._browser.open_series(entry.series)
        self.refresh()  # a click on the one that is shown must not unmark it


def _picture_of(volume: Volume, voxels: npt.NDArray[Any]) -> QPixmap:
    """Draw the middle slice of a scan, as it was acquired, into a square."""
    plane = np.asarray(voxels[len(voxels) // 2])
    if plane.ndim != 2:  # colours
        plane = plane[..., :3].mean(axis=-1)
    low, high = (-1350.0, 150.0) if volume.certificate.unit == "HU" else (float(plane.min()), float(plane.max()))
    grey = np.clip((plane.astype(np.float32) - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    rows, columns = grey.shape
    image = QImage(grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    _, row_mm, column_mm = volume.spacing
    size = QSize(max(1, round(columns * column_mm)), max(1, round(rows * row_mm)))
    size = size.scaled(_PICTURE, _PICTURE, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
    scaled = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    return QPixmap.fromImage(scaled)
