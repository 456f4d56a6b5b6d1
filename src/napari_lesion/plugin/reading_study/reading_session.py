"""The reading study of one viewer: its journal, the hidden search, and what is drawn. The panel and keys act on it."""

from __future__ import annotations

import math
from pathlib import Path
from weakref import WeakSet, ref

from filelock import FileLock
from napari.components.overlays import TextOverlay
from platformdirs import user_documents_dir
from qtpy.QtCore import QObject, Signal  # type: ignore[attr-defined]

from napari_lesion.detection.registry import DEFAULT_MODEL
from napari_lesion.model.findings import Finding, Point, Report
from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import search
from napari_lesion.plugin.reading_study.blinding import READING, Blinding
from napari_lesion.plugin.reading_study.reading_layers import ReadingLayers
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.per_viewer import one_each
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.settings import option, reader_name, setting, store
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import scan_key
from napari_lesion.plugin.widgets.task import Task, sentence
from napari_lesion.reading_study.journal import Journal, hold, load, load_whole, place_of, settle
from napari_lesion.reading_study.reading import MARK_MM, ReaderMark, Reading
from napari_lesion.review.review import is_searched
from napari_lesion.support.errors import ReadingError
from napari_lesion.support.journal_file import is_there

_BANNER, _BANNER_COLOR = "reading_state", "#ffd24d"
_HOLDING: WeakSet[ReadingSession] = WeakSet()
"""Where a reading goes on, of the windows of this program: the last one that was started pauses the others."""


class ReadingSession(QObject):
    """Reads one scan after the other. Get it with `reading_session`."""

    changed = Signal()
    """The reading, or the scan, is another."""
    status_changed = Signal(str)
    """Something that the reader should know."""
    progressed = Signal(int, int)
    """The hidden search: steps done, of so many (0: not known); -1 when it ended."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session_ref = ref(session)
        self._blinding = Blinding(session.viewer)
        self._journal: Journal | None = None
        self._hold: FileLock | None = None
        """Keeps other windows from going on with this reader's readings, while one goes on here."""
        self._reading: Reading | None = None
        self._of = ""
        """Key of the scan that the journal is of (`layers.scan_key`)."""
        self._reports: dict[str, Report] = {}
        """What the hidden search found, by `layers.scan_key`."""
        self._task: Task[Report] | None = None
        self._awaited = False
        """The reader is done with the blind read, and the search is not."""
        self._layers = ReadingLayers()
        session.viewer.canvas.overlays[_BANNER] = TextOverlay(
            position="top_center", font_size=12, color=_BANNER_COLOR, box=False, visible=False
        )
        session.scan_changed.connect(self._on_scan)
        session.open_scans.leaving.connect(self._on_leaving)
        self._on_scan()

    @property
    def _session(self) -> Session:
        session = self._session_ref()
        if session is None:
            raise RuntimeError("the viewer was closed")
        return session

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def reading(self) -> Reading | None:
        """The reading of the scan that is read now by the reader that is set; None where it has not begun."""
        return self._journal.reading if self._journal is not None else self._reading

    @property
    def running(self) -> bool:
        """Whether marks are taken and the time counts."""
        return self._journal is not None and self._journal.reading.running

    @property
    def searching(self) -> bool:
        """Whether the reader waits for the detector."""
        return self._awaited

    @property
    def folder(self) -> Path:
        """Where readings are kept."""
        return Path(option("reading/folder") or Path(user_documents_dir()) / "napari-lesion readings")

    @property
    def model(self) -> str:
        """Id of the model that is the second reader."""
        return setting("reading/model", DEFAULT_MODEL)

    def set_up(self, *, reader: str | None = None, folder: Path | None = None, model: str | None = None) -> None:
        """Change who reads, where readings are kept, or which model is the second reader; a running reading pauses."""
        self.pause()
        for name, value in (("review/reader", reader), ("reading/folder", folder), ("reading/model", model)):
            if value is not None:
                store(name, str(value))
        if model is not None:
            self._reports.clear()
        self._on_scan()

    # -- the steps ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin the blind read of the scan, or go on with it.

        Raises
        ------
        ReadingError
            If there is no scan, or its file cannot be used.
        """
        volume = self._session.volume
        if volume is None:
            raise ReadingError(tr("Open a scan first."))
        key, reader = scan_key(volume), reader_name()
        seen = not self._blinding.hides(key) and self._searched() is not None
        self._session.open_scans.take_mouse(READING)
        path = place_of(self.folder, reader, volume)
        self._let_others()
        for other in [one for one in _HOLDING if one is not self]:
            other.pause()  # of this program; windows of others have to be asked
        self._hold = hold(path)
        _HOLDING.add(self)
        try:
            if self._load(volume) is None:
                uid = volume.series.series_uid
                self._journal = Journal.start(path, reader, uid, volume.stack, seen_before=seen)
            else:
                path = settle(path, self.folder, reader, volume)
                self._journal = Journal.resume(path, seen_before=seen)
            self._of = key
        except BaseException:
            self._let_others()
            raise
        if self._journal.warning:
            self.status_changed.emit(f"⚠ {self._journal.warning}")
        self._reading = None
        self._hide(key)
        if self._journal.reading.phase == "blind":
            self._search(volume)
        self._refresh()

    def pause(self) -> None:
        """Stop the time of a running reading; its findings stay hidden."""
        if self._journal is not None:
            if self._journal.reading.running:
                self._journal.pause()
            self._reading, self._journal = self._journal.reading, None
        self._let_others()
        self._awaited = False
        self._refresh()

    def reveal(self) -> None:
        """End the blind read; where the detector is still searching, as soon as it is done, and the time stops."""
        journal, volume = self._running_journal(), self._session.volume
        report = self._searched() or (self._reports.get(scan_key(volume)) if volume is not None else None)
        if report is not None:
            journal.reveal(report)
        elif volume is not None:
            journal.pause()
            self._awaited = True
            self._search(volume)
        self._refresh()

    def finish(self) -> None:
        """End the reading, and show again what the other panels show."""
        journal = self._running_journal()
        journal.finish()
        self._reading, self._journal = journal.reading, None
        self._let_others()
        self._unhide(self._of)
        self._refresh()

    def reject_the_rest(self) -> None:
        """Reject all findings that are not decided yet."""
        journal = self._running_journal()
        for finding in journal.reading.undecided:
            journal.decide(finding.id, None)
        self._refresh()

    # -- marks and decisions ------------------------------------------------------------------------------------------

    def rate(self, confidence: int) -> None:
        """Give the place of the crosshair a confidence: to what is there already, else to a new mark."""
        journal, place = self._running_journal(), self._place()
        mark, finding = self.at(place)
        if mark is not None:
            journal.mark(mark.center_mm, confidence, mark.id)
        elif finding is not None:
            journal.decide(finding.id, confidence)
        else:
            journal.mark(place, confidence)
        self._refresh()

    def take_away(self) -> None:
        """Take away the mark at the crosshair, or reject the finding there."""
        journal = self._running_journal()
        mark, finding = self.at(self._place())
        if mark is not None:
            journal.unmark(mark.id)
        elif finding is not None:
            journal.decide(finding.id, None)
        else:
            raise ReadingError(tr("There is no mark and no finding at the crosshair."))
        self._refresh()

    def at(self, place: Point) -> tuple[ReaderMark | None, Finding | None]:
        """Get the reader's mark, or else the revealed finding, that a place (LPS mm) lies in."""
        reading = self.reading
        if reading is None:
            return None, None
        marks = [mark for mark in reading.marks if math.dist(mark.center_mm, place) <= MARK_MM / 2]
        if marks:
            return min(marks, key=lambda mark: math.dist(mark.center_mm, place)), None
        findings = [f for f in reading.shown if math.dist(f.center_mm, place) <= max(f.diameter_mm, MARK_MM) / 2]
        return None, min(findings, key=lambda f: math.dist(f.center_mm, place), default=None)

    def _running_journal(self) -> Journal:
        if self._journal is None or not self.running:
            raise ReadingError(tr("No reading is on; start it in the panel Second reader."))
        return self._journal

    def _place(self) -> Point:
        place = self._session.position_mm
        if place is None:
            raise ReadingError(tr("Open a scan first."))
        return place

    # -- the scan -----------------------------------------------------------------------------------------------------

    def _on_leaving(self, _scan: OpenScan) -> None:
        """Let marks and findings go with the scan that leaves the screen; those of the next one are drawn anew."""
        self._layers.remove(self._session)

    def _on_scan(self) -> None:
        """Turn to the scan that is read now: pause the reading of another, and find the one of this."""
        volume = self._session.volume
        key = scan_key(volume) if volume is not None else ""
        if self._journal is not None and self._of != key:
            self.pause()
        if self._journal is None:
            self._reading = self._load(volume) if volume is not None else None
            if self._reading is not None and self._reading.phase != "finished":
                self._hide(key)  # before anybody looks
        self._session.set_blind(self._blinding.hides(key))
        self._refresh()

    def _load(self, volume: Volume) -> Reading | None:
        path = place_of(self.folder, reader_name(), volume)
        if not is_there(path):
            return None
        try:
            return load(path)
        except ReadingError as error:  # `start` goes on from what is whole of it
            self.status_changed.emit(f"⚠ {sentence(error)}")
        try:
            return load_whole(path)
        except ReadingError:
            return None

    def _let_others(self) -> None:
        """Let other windows go on with the reader's readings."""
        if self._hold is not None:
            self._hold.release()
        self._hold = None
        _HOLDING.discard(self)

    def _hide(self, key: str) -> None:
        self._blinding.hide(key)
        self._session.set_blind(True)

    def _unhide(self, key: str) -> None:
        self._blinding.show(key)
        self._session.set_blind(False)

    # -- the hidden search --------------------------------------------------------------------------------------------

    def _searched(self) -> Report | None:
        """Get what a detector found in the scan, if it was searched in the other panels."""
        review = self._session.review
        return review.start if review is not None and is_searched(review.start) else None

    def _search(self, volume: Volume) -> None:
        key, model = scan_key(volume), self.model
        if self._task is not None or self._searched() is not None or key in self._reports:
            return
        self._task = Task(lambda progress: search(volume, detector=model, progress=progress).report, self)
        self._task.progressed.connect(lambda done, total, _: self.progressed.emit(done, total))
        self._task.succeeded.connect(lambda report: self._reports.update({key: report}))
        self._task.failed.connect(lambda error: self.status_changed.emit(f"⚠ {sentence(error)}"))
        self._task.ended.connect(lambda: self._on_searched(key))
        self._task.start()
        self.progressed.emit(0, 0)

    def _on_searched(self, key: str) -> None:
        if self._task is not None:
            self._task.deleteLater()
        self._task = None
        self.progressed.emit(-1, 0)
        volume = self._session.volume
        if volume is not None and self._journal is not None and scan_key(volume) != key:
            self._search(volume)  # the reader went on to another scan meanwhile
        elif self._awaited and self._journal is not None:
            self._awaited = False
            self._journal = Journal.resume(self._journal.path)
            if key in self._reports:
                self._journal.reveal(self._reports[key])
        self._refresh()

    def close(self) -> None:
        """Pause, and stop the search: the window closes."""
        self.pause()
        if self._task is not None:
            self._task.cancel()

    # -- what is drawn ------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        self._layers.draw(self._session, self.reading)
        self._show_state()
        self.changed.emit()

    def _show_state(self) -> None:
        """Show over the picture which read this is: the panel may be behind another one."""
        banner = self._session.viewer.canvas.overlays[_BANNER]
        reading = self.reading
        banner.visible = self.running
        if reading is not None and self.running:
            said = tr("BLIND READ") if reading.phase == "blind" else tr("READ WITH THE DETECTOR")
            banner.text = "\u00a0\n" * 2 + said  # below the letter: in the middle it hid the lungs


reading_session = one_each(ReadingSession)
"""Get the reading study of a viewer."""
