"""What all panels and views of one viewer share: the scan, the place, and the finding that the reader is at.

Panels do not call each other. They change something here, and follow the signals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.model.findings import Point, Report
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.reviews import Reviews
from napari_lesion.plugin.settings import reader_name
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.view import bring_into_view, centre_on, unwrapped, volume_of
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.plugin.widgets.task import Task
from napari_lesion.review.review import Provenance, Review, provenance
from napari_lesion.support.errors import ReviewError

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_lesion.dicom.index.series import Series
    from napari_lesion.follow_up import Prior

READING, ANNOTATION, SECOND_READER = MODES = ("reading", "annotation", "second reader")
"""What a reader does in the workstation. Each has tools of its own, and one at a time has the mouse."""
#: Places nearer than this are one, mm.
_SAME_MM = 1e-6


class Session(QObject):
    """The reader's place in one viewer. Get it with `session_of`."""

    scan_changed = Signal(object)
    """The image layer of the scan that is read now, or None."""
    position_changed = Signal(object)
    """LPS mm (x, y, z) of the crosshair."""
    centred = Signal(object)
    """LPS mm (x, y, z) of a place that all views are to be centred on."""
    turned_to = Signal(object)
    """LPS mm (x, y, z) of a place that all views are to show: those that show all of the scan stay as they are."""
    finding_selected = Signal(str)
    """Id of the finding that is looked at, or ""."""
    review_changed = Signal(object)
    """The review of the scan that is read now, or None: it changed, or another scan is read."""
    blind_changed = Signal(bool)
    """Whether the reader must not see what a detector found."""
    series_changed = Signal()
    """The series browser found something else."""
    mode_changed = Signal(str)
    """What the reader does in the workstation: one of `MODES`."""
    step_asked = Signal(str)
    """A step of the workstation that is to be shown, one of `layout.steps.STEPS`."""
    reported = Signal(object, str)
    """Of an `OpenScan`, the kind of a report that was written; or ``sent``, where an archive confirmed all results."""
    comparison_changed = Signal(object)
    """The `follow_up.Prior` that the scan is seen beside, or None."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._end = ref(viewer, partial(_rest, ref(self)))
        self.open_scans = open_scans(viewer)
        self._finding = ""
        self._blind = False
        self._mode = ""
        self._comparison: Prior | None = None
        self._series: tuple[Series, ...] = ()
        self._reviews = Reviews()
        self._seen = np.asarray(viewer.dims.point, dtype=np.float64)
        """The point of `dims` when it was last looked at."""
        self._place = self._seen.copy()
        """Of the crosshair, in napari's world."""
        self._range = viewer.dims.range
        """How far napari's sliders went when the point was last looked at."""
        self._quiet = Flag()
        viewer.dims.events.point.connect(self._on_point)
        # napari tells a change of the range as one of the step only.
        viewer.dims.events.current_step.connect(self._on_point)
        viewer.dims.events.range.connect(self._on_point)
        viewer.dims.events.order.connect(self._on_order)
        viewer.dims.events.ndisplay.connect(self._on_order)
        self.open_scans.current_changed.connect(self._on_scan)
        self.open_scans.closed.connect(self._on_closed)
        self.open_scans.keep("place", self._save_place, self._restore_place)
        if self.volume is not None:
            self._reviews.recover(self.volume)

    @property
    def viewer(self) -> ViewerModel:
        """The viewer.

        Raises
        ------
        RuntimeError
            If it is gone.
        """
        return self.open_scans.viewer

    # -- the scan -----------------------------------------------------------------------------------------------------

    @property
    def scan(self) -> Image | None:
        """Layer of the scan that is read now: the one on the screen."""
        current = self.open_scans.current
        return current.layer if current is not None else None

    @property
    def volume(self) -> Volume | None:
        """The scan that is read now."""
        current = self.open_scans.current
        return current.volume if current is not None else None

    def set_active_scan(self, scan: Image | None) -> None:
        """Turn to another open scan."""
        self.open_scans.show(self.open_scans.of(scan))

    def scans(self) -> list[Image]:
        """Layers of all scans that are open, also of those that are not on the screen."""
        return [one.layer for one in self.open_scans.scans]

    def _on_scan(self, scan: OpenScan | None) -> None:
        self._finding = scan.kept.get("place", {}).get("finding", "") if scan is not None else ""
        if scan is not None:
            self._reviews.recover(scan.volume)
        if self.review is None or all(one.id != self._finding for one in self.review.findings):
            self._finding = ""
        self.scan_changed.emit(self.scan)
        self.review_changed.emit(self.review)
        self.finding_selected.emit(self._finding)
        self._emit_position()

    @property
    def series(self) -> tuple[Series, ...]:
        """What the series browser has found on disks."""
        return self._series

    def list_series(self, series: Iterable[Series]) -> None:
        """Note which series the browser has found."""
        self._series = tuple(series)
        self.series_changed.emit()

    # -- the place ----------------------------------------------------------------------------------------------------

    @property
    def position_mm(self) -> Point | None:
        """Where the crosshair is: LPS mm (x, y, z); None without a scan."""
        volume = self.volume
        if volume is None or self._place.shape != (3,):
            return None
        x, y, z = frame_of(volume).to_patient(self._place)
        return float(x), float(y), float(z)

    def point_at(self, place_mm: npt.ArrayLike) -> None:
        """Move the crosshair to a place in the scan (LPS mm), and show its slices; nothing is centred on it."""
        volume, dims = self.volume, self.viewer.dims
        if volume is None or dims.ndim != 3:
            return
        low, high, _ = np.array(dims.range).T
        place = np.clip(frame_of(volume).to_world(place_mm), low, high)
        # What went to millimetres in the patient and back is the same place: for rounding no slice is cut anew.
        place = np.where(np.abs(place - self._place) < _SAME_MM, self._place, place)
        # The slice's own axes stay as they are in `dims`: napari would cut the same slice once more for them.
        hidden = list(dims.not_displayed)
        with self._quiet:
            dims.set_point(hidden, place[hidden].tolist())
        self._place = place
        self._emit_position()

    def _save_place(self, _scan: OpenScan) -> dict[str, Any]:
        return {"world": self._place.copy(), "finding": self._finding}

    def _restore_place(self, _scan: OpenScan, kept: dict[str, Any] | None) -> None:
        self._seen = np.asarray(self.viewer.dims.point, dtype=np.float64)
        self._range = self.viewer.dims.range
        self._place = kept["world"].copy() if kept is not None else self._seen.copy()

    def go_to(self, center_mm: Sequence[float]) -> None:
        """Move the crosshair to a place in the scan (LPS mm), and centre all views on it."""
        if self.volume is not None:
            self.point_at(center_mm)
            self.centred.emit(tuple(float(value) for value in center_mm))
            centre_on(self.viewer, self.volume, center_mm)

    def turn_to(self, center_mm: Sequence[float]) -> None:
        """Move the crosshair to a place in the scan (LPS mm), and centre the views on it that do not show all of it."""
        if self.volume is not None:
            self.point_at(center_mm)
            self.turned_to.emit(tuple(float(value) for value in center_mm))
            bring_into_view(self.viewer, self.volume, center_mm)

    def _on_point(self) -> None:
        """Take over what was moved in `dims`: the crosshair keeps its place along the other axes."""
        if self.open_scans.moving:
            return
        dims = self.viewer.dims
        point = np.asarray(dims.point, dtype=np.float64)
        layers_changed, self._range = dims.range != self._range, dims.range
        if point.shape != self._place.shape:
            self._place = point.copy()
        elif layers_changed and self.volume is not None and self._is_within(self._place):
            # napari has put its point where the sliders can stop now, also along axes that nobody scrolls.
            self._seen = point
            self._on_order()
            return
        elif np.array_equal(point, self._seen):
            return
        else:
            moved = point != self._seen
            self._place[moved] = point[moved]
        self._seen = point
        self._emit_position()

    def _is_within(self, place: npt.NDArray[np.float64]) -> bool:
        """Whether napari's sliders reach a place of its world."""
        low, high, _ = np.array(self.viewer.dims.range).T
        return bool(((low <= place) & (place <= high)).all())

    def _on_order(self) -> None:
        """Show the crosshair's slice of another plane."""
        dims = self.viewer.dims
        if not self.open_scans.moving and self._place.shape == (3,) and dims.ndim == 3:
            hidden = list(dims.not_displayed)
            with self._quiet:
                dims.set_point(hidden, self._place[hidden].tolist())

    def _emit_position(self) -> None:
        position = None if self._quiet else self.position_mm
        if position is not None:
            self.position_changed.emit(position)

    # -- the finding --------------------------------------------------------------------------------------------------

    @property
    def finding(self) -> str:
        """Id of the finding that is looked at, or ""."""
        return self._finding

    def select(self, finding: str) -> None:
        """Turn to a finding, by its id."""
        if finding != self._finding:
            self._finding = finding
            self.finding_selected.emit(finding)

    # -- the review ---------------------------------------------------------------------------------------------------

    @property
    def review(self) -> Review | None:
        """The findings of the scan that is read now, as the reader left them; None where nobody has searched yet."""
        volume = self.volume
        return self._reviews.of(volume) if volume is not None else None

    def review_of(self, volume: Volume) -> Review | None:
        """Get the review of a scan that is open; None where nobody has searched it."""
        return self._reviews.of(volume)

    def provenance(self) -> Provenance:
        """Put the reader's name to this moment."""
        return provenance(reader_name())

    def change(self, function: Callable[[Review, Provenance], Review], scan: Image | None = None) -> None:
        """Change the review of a scan. When this returns, the change is in the journal on disk.

        Where there is no review yet, one without findings is begun.

        Parameters
        ----------
        function : callable
            One of `review.edits` or `review.review.undo` and ``redo``, e.g.
            ``lambda review, by: accept(review, ids, by)``.
        scan : Image, optional
            Layer of the scan; that of the one that is read now by default.

        Raises
        ------
        ConfigError
            If the change makes no sense, or can't be written down; nothing is changed then.
        """
        volume = self.volume if scan is None else volume_of(scan) if self.open_scans.is_open(scan) else None
        if volume is None:  # it was closed meanwhile
            return
        new = self._reviews.change(volume, function, self.provenance())
        if new is not None and new is self.review:
            self.review_changed.emit(new)

    def begin(self, scan: Image, report: Report) -> None:
        """Begin the review of a report; what the reader did to an earlier one of the scan is carried over.

        Parameters
        ----------
        scan : Image
            Layer of the scan that the report is of.
        report : Report
            All candidates are its findings, also those with a low score.

        Raises
        ------
        ConfigError
            If the report is of another series, or the journal can't be written; nothing is changed then.
        """
        volume = volume_of(scan)
        if volume is None:
            raise ReviewError(f"The layer {scan.name!r} is no scan, so it has no findings.")
        new = self._reviews.begin(volume, report, self.provenance())
        if scan is self.scan:
            self.review_changed.emit(new)

    def _on_closed(self, scan: OpenScan) -> None:
        self._reviews.let_go(scan.volume)

    # -- the prior ----------------------------------------------------------------------------------------------------

    @property
    def comparison(self) -> Prior | None:
        """The prior that the scan is seen beside: its scan, its findings, and how both compare; `priors` sets it."""
        return self._comparison

    def set_comparison(self, prior: Prior | None) -> None:
        """Turn to another prior, or to none."""
        if prior is not self._comparison:
            self._comparison = prior
            self.comparison_changed.emit(prior)

    # -- the blind read -----------------------------------------------------------------------------------------------

    @property
    def blind(self) -> bool:
        """Whether a blind read is on: panels and keys show nothing of what a detector found."""
        return self._blind

    @property
    def mode(self) -> str:
        """What the reader does in the workstation, one of `MODES`; "" where panels stand beside each other."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Turn to something else: every tool is put down."""
        if mode != self._mode:
            self.open_scans.take_mouse("")
            self._mode = mode
            self.mode_changed.emit(mode)

    def set_blind(self, blind: bool) -> None:
        """Begin or end a blind read."""
        if blind != self._blind:
            self._blind = blind
            self.blind_changed.emit(blind)


def _rest(closed: ref[Session], viewer: ref[ViewerModel]) -> None:  # noqa: ARG001
    """Let nothing act any more on a viewer that is gone: a session may live on for as long as work that it began."""
    session = closed()
    if session is None:
        return
    with suppress(RuntimeError):  # at the end of the program Qt may have deleted it already
        for child in session.findChildren(QObject):
            if isinstance(child, QTimer):
                child.stop()
            elif isinstance(child, Task):
                child.cancel()
                child.blockSignals(True)


_sessions: WeakKeyDictionary[ViewerModel, Session] = WeakKeyDictionary()


def session_of(viewer: ViewerModel) -> Session:
    """Get what the panels of a viewer share; it is made when it is first asked for."""
    viewer = unwrapped(viewer)
    if viewer not in _sessions:
        _sessions[viewer] = Session(viewer)
    return _sessions[viewer]
