"""The measuring tools of one workstation: ruler, angle, regions, arrow and pin. Get them with `measuring_tools`.

What they draw are steps of the scan's review, so it is undone, kept and shown with that scan alone. Nothing of it is a
layer: Qt draws it above each view that shows slices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QMouseEvent, QPainter
from qtpy.QtWidgets import QInputDialog

from napari_lesion.model.drawn import POINTS, READS_VALUES, Drawing, Slab, Tool
from napari_lesion.model.volume import FloatArray
from napari_lesion.plugin.session.per_viewer import one_each
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.tools import grips, shapes
from napari_lesion.plugin.viewer.tools.grips import Grip
from napari_lesion.plugin.viewer.tools.overlays import overlays
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.widgets.messages import show_info, show_warning
from napari_lesion.review import drawing as steps
from napari_lesion.review.review import Provenance, Review
from napari_lesion.support.errors import LesionError

if TYPE_CHECKING:
    from napari_lesion.plugin.viewer.views.pane import Pane

MEASURING = "measuring"
"""Who has the mouse, for `OpenScans.take_mouse`."""
CLICKS: dict[Tool, int] = {**POINTS, "ellipse": 2, "rectangle": 2}
"""Places that are clicked for each."""
_STILL_PX = 4.0
"""A mouse that moved less was clicked, not dragged."""


@dataclass
class _Hold:
    """A drawing that is being dragged."""

    pane: Pane
    grip: Grip
    start: FloatArray
    pressed: QPointF
    shape: shapes.DrawnShape | None = None
    """As it is now; None until the mouse has moved."""


class MeasuringTools(QObject):
    """Draws, shows and drags drawings in the views of a workstation."""

    tool_changed = Signal(str)
    """The `Tool` that is taken up, or ""."""
    chosen_changed = Signal(str)
    """Id of the drawing that is chosen, or ""."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = ref(session)
        self.tool: Tool | None = None
        self._chosen = ""
        self._places: list[FloatArray] = []
        """Clicked so far, in the world."""
        self._rubber: FloatArray | None = None
        """Where the mouse is, while something is drawn."""
        self._drawn_in: Pane | None = None
        self._pressed: QPointF | None = None
        self._hold: _Hold | None = None
        self._panes: list[Pane] = []
        session.open_scans.leaving.connect(self._put_down)
        session.open_scans.mouse_taken.connect(self._on_mouse_taken)
        session.blind_changed.connect(self._put_down)
        session.review_changed.connect(self._on_review)
        overlays(session).changed.connect(self._put_down)
        session.finding_selected.connect(lambda id_: self.choose("") if id_ else None)
        shown = views(session.viewer)
        shown.pane_made.connect(self._take)
        shown.closed.connect(self._on_closed)
        for pane in shown.panes:
            self._take(pane)

    @property
    def session(self) -> Session:
        """Whose scan is measured."""
        session = self._session()
        if session is None:
            raise RuntimeError("the session is gone")
        return session

    def _take(self, pane: Pane) -> None:
        """Draw above a view, and get its mouse before others do."""
        self._panes.append(pane)
        pane.marks.paint_more = lambda painter: self._paint(pane, painter)
        pane.mouse_first = lambda event: self._on_mouse(pane, event)
        pane.view.dims.events.current_step.connect(self._on_slice)

    def _on_closed(self) -> None:
        """Let go of the further views, which are closed; the viewer's own stays."""
        self._put_down()
        self._panes = self._panes[:1]

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Those of the scan on the screen; none while one reads blind, or hides all that is drawn over the picture."""
        session, review = self.session, self.session.review
        hidden = session.blind or overlays(session).hidden
        return review.drawings if review is not None and not hidden else ()

    @property
    def chosen(self) -> Drawing | None:
        """The drawing that was clicked last, where it can be seen."""
        return next((one for pane in self._planes() for one in self.shown(pane) if one.id == self._chosen), None)

    def shown(self, pane: Pane) -> list[Drawing]:
        """Drawings that are on the slice of a view."""
        volume, dims = self.session.volume, pane.view.dims
        if volume is None or not pane.is_plane or dims.ndim != 3:
            return []
        frame, axis = frame_of(volume), pane.through
        reach = self._thickness(axis) / 2
        return [one for one in self.drawings if shapes.is_seen(one, frame, axis, float(dims.point[axis]), reach)]

    def _planes(self) -> Iterator[Pane]:
        return (pane for pane in self._panes if pane.isVisible())

    def _thickness(self, axis: int) -> float:
        """Of the slice, or slab, that is shown across a world axis, mm."""
        scan = self.session.scan
        step = abs(float(scan.scale[axis])) if scan is not None else 0.0
        return step * reading_tools(self.session).slab.slices(step) if step else 0.0

    # -- choosing -----------------------------------------------------------------------------------------------------

    def use(self, tool: Tool | None) -> None:
        """Take up a tool, or put it down."""
        session, volume = self.session, self.session.volume
        why = ""
        if tool is not None and volume is None:
            why = tr("Open a scan first.")
        elif tool is not None and session.blind:
            why = tr("While you read blind, the measuring tools are put away.")
        elif tool in READS_VALUES and volume is not None and not volume.complete:
            why = tr("The scan is still being read. Wait until all slices are there.")
        if why:
            show_info(why)
            tool = None
        if tool is not None:
            overlays(session).hide(False)  # what is drawn must be seen
            session.open_scans.take_mouse(MEASURING)
        self._let_go()
        if tool != self.tool:
            self.tool = tool
            for pane in self._panes:
                if tool is None:
                    pane.canvas.unsetCursor()
                else:
                    pane.canvas.setCursor(Qt.CursorShape.CrossCursor)
            self.tool_changed.emit(tool or "")

    def toggle(self, tool: Tool) -> None:
        """Take up a tool, or put it down where it is taken up."""
        self.use(None if tool == self.tool else tool)

    def choose(self, id_: str) -> None:
        """Turn to a drawing, by its id, or to none."""
        if id_ != self._chosen:
            self._chosen = id_
            self._redraw()
            self.chosen_changed.emit(id_)

    def delete(self) -> bool:
        """Delete the drawing that is chosen; False where there is none."""
        chosen = self.chosen
        if chosen is None:
            return False
        return self.change(lambda review, by: steps.erase(review, [chosen.id], by))

    def turn_to_change(self, before: tuple[Drawing, ...], now: tuple[Drawing, ...]) -> None:
        """Show the slice of the drawing that differs between two states of the review, where it cannot be seen."""
        changed = [one for one in (*now, *before) if (one in now) != (one in before)]
        if changed and not any(changed[0] in self.shown(pane) for pane in self._planes()):
            self.session.point_at(changed[0].middle_mm)

    def change(self, function: Callable[[Review, Provenance], Review]) -> bool:
        """Change the review of the scan; a change that is refused is said, and False returned."""
        try:
            self.session.change(function)
        except LesionError as error:
            show_warning(str(error))
            return False
        return True

    def _put_down(self, _scan: object = None) -> None:
        self.use(None)
        self.choose("")
        self._redraw()

    def _on_mouse_taken(self, who: str) -> None:
        if who != MEASURING:
            self._put_down()

    def _let_go(self) -> None:
        """Forget what is half drawn or half dragged."""
        self._places, self._rubber, self._drawn_in, self._pressed, self._hold = [], None, None, None, None
        self._redraw()

    def _on_review(self, _review: object) -> None:
        # What is dragged may be another one now, or gone.
        if self._hold is not None and self._hold.grip.drawing not in self.drawings:
            self._hold = None
        if self._chosen and all(one.id != self._chosen for one in self.drawings):
            self.choose("")
        self._redraw()

    def _on_slice(self) -> None:
        if self._drawn_in is not None or self._hold is not None:
            self._let_go()  # it lies in one plane
        elif self.drawings:
            self._redraw()

    def _redraw(self) -> None:
        for pane in self._panes:
            pane.marks.update()

    # -- the mouse ----------------------------------------------------------------------------------------------------

    def _on_mouse(self, pane: Pane, event: QMouseEvent) -> bool:
        """Draw with the left button, or drag what is under it; True where nobody else gets the event."""
        kind, at = event.type(), event.position()
        if kind == QEvent.Type.MouseMove:
            return self._on_move(pane, at)
        if event.button() != Qt.MouseButton.LeftButton or not pane.is_plane or pane.view.dims.ndim != 3:
            return False
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            if event.modifiers() != Qt.KeyboardModifier.NoModifier:
                return False
            return self._on_press(pane, at, kind == QEvent.Type.MouseButtonDblClick)
        return kind == QEvent.Type.MouseButtonRelease and self._on_release(pane, at)

    def _on_press(self, pane: Pane, at: QPointF, twice: bool) -> bool:
        if not self._places:
            grip = self.grip_at(pane, at)
            if grip is not None:
                self.choose(grip.drawing.id)
                if twice:
                    self._hold = None
                    # Not within the event: the window of the question has a loop of its own.
                    QTimer.singleShot(0, self, lambda: self._edit_text(grip.drawing))
                else:
                    self._hold = _Hold(pane, grip, self._place(pane, at), at)
                return True
        if self.tool is None:
            self.choose("")
            return False
        if self._places and pane is not self._drawn_in:
            self._let_go()
        self._pressed = at
        if not self._places:
            self._drawn_in = pane
            self._places = [self._place(pane, at)]
        self._rubber = self._place(pane, at)
        self._redraw()
        return True

    def _on_move(self, pane: Pane, at: QPointF) -> bool:
        hold = self._hold
        if hold is not None:
            if hold.shape is not None or grips.apart(at, hold.pressed) > _STILL_PX:
                volume = self.session.volume
                if volume is not None:
                    whole = shapes.shape_of(hold.grip.drawing, frame_of(volume))
                    way = self._place(hold.pane, at) - hold.start
                    way[hold.pane.through] = 0
                    hold.shape = whole.moved(hold.grip.point, way)
                    self._redraw()
            return True
        if self._places and pane is self._drawn_in:
            self._rubber = self._place(pane, at)
            self._redraw()
            return True
        return False

    def _on_release(self, pane: Pane, at: QPointF) -> bool:
        hold, self._hold = self._hold, None
        if hold is not None:
            if hold.shape is not None:
                self._take_shape(hold)
            return True
        if self.tool is None or not self._places or self._pressed is None:
            return False
        self._pressed = None
        # Let go where it was pressed, the first place was clicked, and the next one is waited for.
        waits = len(self._places) == 1 and self._is_first(pane, at)
        if CLICKS[self.tool] > 1 and not waits:
            self._places.append(self._place(pane, at))
        if len(self._places) >= CLICKS[self.tool]:
            self._finish(pane)
        return True

    def _is_first(self, pane: Pane, at: QPointF) -> bool:
        """Whether a point of a canvas is the first place."""
        away = np.linalg.norm(self._place(pane, at) - self._places[0]) * pane.view.scene.camera.zoom
        return bool(away < _STILL_PX)

    def _place(self, pane: Pane, at: QPointF) -> FloatArray:
        """Give the place under a point of a canvas: on the middle of its slice, within the scan; in the world."""
        scan, volume = self.session.scan, self.session.volume
        world = pane.world_at(at)
        if scan is None or volume is None:
            return world
        index = np.array(scan.world_to_data(world), dtype=np.float64)
        axis = pane.through
        index[axis] = np.rint(scan.world_to_data(pane.view.dims.point)[axis])
        limits = np.array(scan.data.shape) - 0.5
        index = np.clip(index, -0.5, limits)
        index[axis] = np.clip(index[axis], 0, scan.data.shape[axis] - 1)
        return np.asarray(scan.data_to_world(index), dtype=np.float64)

    def _finish(self, pane: Pane) -> None:
        tool, volume, axis = self.tool, self.session.volume, pane.through
        if tool is None or volume is None:
            return
        shape = self._shape(pane, self._places)
        self._let_go()
        text = ""
        if tool == "arrow":
            text = self._entered_text(tr("Arrow"), "")
            if not text:
                return
        frame, slab = frame_of(volume), self._slab(axis)
        points, normal = frame.to_patient(shape.points), frame.axes[axis]
        if self.change(
            lambda review, by: steps.draw(review, tool, points, normal, by, volume, text=text, slab=slab)
        ) and (drawn := self.drawings):
            self.choose(drawn[-1].id)

    def _slab(self, axis: int) -> Slab | None:
        slab, scan = reading_tools(self.session).slab, self.session.scan
        count = slab.slices(abs(float(scan.scale[axis]))) if scan is not None else 1
        return Slab.model_validate({"projection": slab.mode.value, "slices": count}) if count > 1 else None

    def _shape(self, pane: Pane, places: list[FloatArray]) -> shapes.DrawnShape:
        assert self.tool is not None
        vertical, horizontal = (int(axis) for axis in pane.view.dims.displayed)
        return shapes.clicked(self.tool, places, vertical, horizontal)

    def _take_shape(self, hold: _Hold) -> None:
        volume = self.session.volume
        if hold.grip.drawing.tool in READS_VALUES and volume is not None and not volume.complete:
            show_info(tr("The scan is still being read. Wait until all slices are there."))
        elif volume is not None and hold.shape is not None:
            points = frame_of(volume).to_patient(hold.shape.points)
            id_ = hold.grip.drawing.id
            self.change(lambda review, by: steps.reshape(review, id_, points, by, volume))
        self._redraw()

    def _edit_text(self, drawing: Drawing) -> None:
        """Ask for other words at a drawing."""
        if drawing not in self.drawings:
            return
        text = self._entered_text(drawing.name, drawing.text)
        if text or (drawing.text and drawing.tool != "arrow"):
            self.change(lambda review, by: steps.label(review, drawing.id, text, by))

    def _entered_text(self, title: str, text: str) -> str:
        window = self.session.viewer.window._qt_window
        words, accepted = QInputDialog.getText(window, title, tr("What it points at, or is:"), text=text)
        return words.strip() if accepted else text

    # -- the screen ---------------------------------------------------------------------------------------------------

    def grip_at(self, pane: Pane, at: QPointF) -> Grip | None:
        """Find what of a drawing is under a point of a canvas; the chosen one goes before the others.

        With a tool in the hand only points are taken hold of: a line may begin on another one.
        """
        volume = self.session.volume
        if volume is None:
            return None
        found = sorted(self.shown(pane), key=lambda one: one.id != self._chosen)
        return grips.grip_at(pane, found, frame_of(volume), at, lines=self.tool is None)

    def _paint(self, pane: Pane, painter: QPainter) -> None:
        """Draw what is on the slice of a view, and what is being drawn there."""
        volume = self.session.volume
        if volume is None:
            return
        frame, size = frame_of(volume), (pane.marks.width(), pane.marks.height())
        taken: list[QRectF] = []
        for drawing in self.shown(pane):
            held = self._hold is not None and self._hold.grip.drawing.id == drawing.id
            dragged = self._hold.shape if held and self._hold is not None else None
            shape = dragged or shapes.shape_of(drawing, frame)
            chosen = drawing.id == self._chosen
            line = grips.on_screen(pane, shape.outline())
            shapes.paint(painter, shape.tool, line, grips.on_screen(pane, shape.points), chosen)
            # While it is dragged its numbers are not those of what is seen.
            lines = [drawing.name] if dragged is not None else shapes.words(drawing)
            shapes.write(painter, lines, line, size, chosen, taken)
        if self._places and self._rubber is not None and pane is self._drawn_in and self.tool is not None:
            places = [*self._places, self._rubber][: CLICKS[self.tool]]
            shape = self._shape(pane, places)
            if len(shape.points) == POINTS[self.tool] or self.tool not in ("ellipse", "rectangle"):
                shapes.paint(painter, self.tool, grips.on_screen(pane, shape.outline()), [], True)


measuring_tools = one_each(MeasuringTools)
"""Get the measuring tools of a workstation whose viewer has a window."""
