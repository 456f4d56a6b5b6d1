"""The prior beside the scan: a further view that goes where the alignment says that the same place is.

Get it with `side_by_side`. It shows the session's `comparison`. The other way round, whoever scrolls, drags or
zooms in it takes the scan along.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Points
from qtpy.QtCore import QObject, QRectF, Signal  # type: ignore[attr-defined]
from qtpy.QtGui import QPainter

from napari_lesion.comparison.priors import is_same_patient
from napari_lesion.model.drawn import Drawing
from napari_lesion.model.findings import Finding
from napari_lesion.model.volume import FloatArray, readable_date
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.finding_layers import findings_layer, ring_attributes
from napari_lesion.plugin.viewer.hanging import hanging_of, remember
from napari_lesion.plugin.viewer.help import key_name
from napari_lesion.plugin.viewer.layers import frame_of, scan_layer
from napari_lesion.plugin.viewer.tools import grips, shapes
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import ScanView
from napari_lesion.plugin.viewer.views.bar import Switch
from napari_lesion.plugin.viewer.views.crosshair import drag_along, steps_on
from napari_lesion.plugin.viewer.views.mpr import Views, views
from napari_lesion.plugin.widgets.flag import Flag
from napari_lesion.plugin.widgets.messages import show_info

if TYPE_CHECKING:
    from napari_lesion.follow_up import Prior
    from napari_lesion.plugin.viewer.views.pane import Pane

#: What the prior's picture has from the scan's, and gives to it.
_LOOK = ("contrast_limits", "colormap", "gamma", "interpolation2d")


class SideBySide(QObject):
    """One viewer's view of a prior. Places are LPS mm of the scan that they are in."""

    toggled = Signal(bool)
    """Whether the prior is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._views: Views = views(session.viewer)
        self._tools = reading_tools(session)
        self._wanted = False
        self._prior: Prior | None = None
        """The one in the view."""
        self._hung: Prior | None = None
        """The one that was shown or not as the reader last chose for such scans."""
        self.pane: Pane | None = None
        self._scan: Image | None = None
        """Layer whose window the prior has."""
        self._image: Image | None = None
        self._rings: Points | None = None
        self._place = np.zeros(3)
        """In the prior."""
        self._chosen = ""
        self._leads = Flag()
        self._busy = Flag()
        self._views.bar.add(
            Switch(
                tr("Prior"),
                tr("Show the prior beside the scan, or hide it ({key})", key=key_name("views.prior")),
                self.toggle,
                lambda: self.shown,
            )
        )
        self._views.closed.connect(self._on_closed)
        session.comparison_changed.connect(self._show)
        session.blind_changed.connect(self._show)
        session.position_changed.connect(self._follow)
        session.finding_selected.connect(self._on_finding)
        self._tools.overlays.changed.connect(self._on_overlays)
        session.viewer.dims.events.order.connect(self._follow)
        session.viewer.canvas.events.size.connect(self._level)
        for pane in self._views.panes:
            self._attend(pane)

    # -- whether it is shown ------------------------------------------------------------------------------------------

    @property
    def shown(self) -> bool:
        """Whether the prior can be seen."""
        return self.pane is not None

    def toggle(self) -> None:
        """Show the prior beside the scan, or hide it."""
        self.show(not self.shown)
        remember(self._session.scan, prior=self.shown)

    def show(self, wanted: bool = True) -> None:
        """Show the prior beside the scan, as soon as there is one, or hide it."""
        self._wanted = wanted
        self._show()

    def _show(self, _changed: object = None) -> None:
        found, scan = self._session.comparison, self._session.scan
        if found is not None and found is not self._hung and scan is not None:
            chosen = hanging_of(scan).prior
            self._hung, self._wanted = found, self._wanted if chosen is None else chosen
        seen = self._wanted and not self._session.blind and self._session.volume is not None
        prior = found if seen else None
        if prior is not self._prior:
            same = prior is not None and self._prior is not None and prior.volume is self._prior.volume
            if not same:
                self._close()
            self._prior = prior
            if same:
                self._draw_rings()
            elif prior is not None:
                self._open(prior)
            self._name()
            self._follow()
            self.toggled.emit(self.shown)
        self._views.bar.refresh()

    def _open(self, prior: Prior) -> None:
        scan = self._session.scan
        if scan is None:
            return
        view = ViewerModel(title=self._session.viewer.title)
        view.canvas.background_color_override = "black"
        self._scan_view = ScanView(view, letters=False)
        pane = self.pane = self._views.make_pane(view)
        pane.reads_scan = lambda: True
        pane.marks.paint_more = partial(self._paint_drawings, pane, prior)
        data, attributes, _ = scan_layer(prior.volume)
        self._image = view.add_image(data, **attributes)
        self._scan = scan
        for name in _LOOK:
            getattr(scan.events, name).connect(self._on_look)
        self._on_look()
        marked = prior.report.model_copy(update={"findings": _rings(prior)})
        data, attributes, _ = findings_layer(marked, prior.volume, prior.report.model.threshold)
        self._rings = view.add_points(data, **attributes)
        self._rings.editable = False
        view.layers.selection.clear()
        self._tools.attach(view, self._image)
        view.mouse_drag_callbacks.append(self._drag)
        pane.scrolled.connect(self._scroll)
        pane.double_clicked.connect(lambda _pane: self.toggle())
        self._on_overlays()
        for emitter in (view.scene.camera.events.zoom, view.scene.camera.events.center):
            emitter.connect(self._on_own_camera)
        self._place = prior.volume.to_patient((np.array(prior.volume.shape) - 1) / 2)
        for other in self._views.panes:
            self._attend(other)
        self._views.put_at_side(pane)
        self._level()
        if prior.aligned is None:
            view.reset_view()
        self._on_finding(self._session.finding)

    def drawings(self, pane: Pane, prior: Prior) -> list[Drawing]:
        """List what readers drew on the prior on the slice that is shown; nothing while all overlays are hidden."""
        image, dims = self._image, pane.view.dims
        if image is None or dims.ndim != 3 or self._tools.overlays.hidden:
            return []
        frame, axis = frame_of(prior.volume), pane.through
        step = abs(float(image.scale[axis]))
        reach = step * self._tools.slab.slices(step) / 2
        at = float(dims.point[axis])
        return [one for one in prior.report.drawings if shapes.is_seen(one, frame, axis, at, reach)]

    def _paint_drawings(self, pane: Pane, prior: Prior, painter: QPainter) -> None:
        """Draw what readers measured on the prior: to look at, not to change."""
        frame, size, taken = frame_of(prior.volume), (pane.marks.width(), pane.marks.height()), list[QRectF]()
        for drawing in self.drawings(pane, prior):
            shape = shapes.shape_of(drawing, frame)
            line = grips.on_screen(pane, shape.outline())
            shapes.paint(painter, shape.tool, line, [], False)
            shapes.write(painter, shapes.words(drawing), line, size, False, taken)

    def _on_overlays(self, _changed: object = None) -> None:
        """Hide what is drawn over the prior with what is drawn over the scan."""
        if self.pane is not None and self._rings is not None:
            hidden = self._tools.overlays.hidden
            self._rings.visible = not hidden
            self.pane.marks.show_parts(lines=self._views.crosshair.shown and not hidden, letters=True)

    def _on_closed(self) -> None:
        """Go with the window, which is not drawn any more."""
        self._wanted = False
        self._close(redraw=False)

    def _close(self, *, redraw: bool = True) -> None:
        if self._scan is not None:
            for name in _LOOK:
                getattr(self._scan.events, name).disconnect(self._on_look)
        pane, self.pane = self.pane, None
        self._scan = self._image = self._rings = self._prior = None
        self._tools.set_caption("")
        self._views.panes[0].caption("")
        if pane is not None:
            self._tools.detach(pane.view)
            if redraw:
                self._views.put_at_side(None)
            pane.hide()
            pane.qt_viewer.close()
            pane.let_go()
            pane.deleteLater()

    def _attend(self, pane: Pane) -> None:
        """Follow the camera of a view of the scan (once)."""
        camera = pane.view.scene.camera
        for emitter in (camera.events.zoom, camera.events.center):
            emitter.connect(self._on_camera)

    def _level(self, _event: object = None) -> None:
        """Give both pictures one height: napari has sliders below the scan's."""
        main = self._views.panes[0]
        layout = self.pane.layout() if self.pane is not None else None
        if layout is not None and not self._views.is_mpr:
            layout.setContentsMargins(0, 0, 0, max(main.qt_viewer.height() - main.canvas.height(), 0))

    # -- words --------------------------------------------------------------------------------------------------------

    def _name(self) -> None:
        """Show in the corners and the headings which scan is which."""
        prior, volume, pane = self._prior, self._session.volume, self.pane
        if prior is None or volume is None or pane is None:
            return
        dates = self._tools.names
        self._tools.set_caption(tr("CURRENT"))
        self._tools.set_caption(tr("PRIOR"), pane.view)
        here, there = (readable_date(one.series.study_date) if dates else "" for one in (volume, prior.volume))
        self._views.panes[0].caption(" ".join(part for part in (tr("CURRENT"), here) if part))
        parts = [" ".join(part for part in (tr("PRIOR"), there) if part)]
        days = prior.comparison.days
        if days is not None:
            parts.append(tr("{days} days before", days=days) if days >= 0 else tr("{days} days after", days=-days))
        if not is_same_patient(volume.series, prior.volume.series):
            who = prior.volume.series.patient_id or tr("no number")
            other = tr("OTHER PATIENT: {who}", who=who) if dates else tr("OTHER PATIENT")
            parts.insert(0, f"⚠ {other}")
            self._tools.set_caption("⚠ " + " ".join((tr("PRIOR"), tr("OTHER PATIENT"))), pane.view)
        if prior.aligned is None:
            parts.append(tr("not aligned, so not linked"))
        elif self._is_beyond(prior):
            parts.append(tr("this place is not in the prior"))
        pane.caption(" · ".join(parts))

    def _is_beyond(self, prior: Prior) -> bool:
        index = prior.volume.to_index(self._place)
        return bool((index < -0.5).any() or (index > np.array(prior.volume.shape) - 0.5).any())

    # -- the place ----------------------------------------------------------------------------------------------------

    @property
    def place_mm(self) -> FloatArray | None:
        """Of the crosshair in the prior, LPS mm (x, y, z); None where no prior is shown."""
        return self._place if self.shown else None

    def _source(self) -> Pane:
        """Get the view of the scan that the prior goes with: the plane that the mouse was in last."""
        active = self._views.active
        return active if active in self._views.planes else self._views.panes[0]

    def _follow(self, _changed: object = None) -> None:
        """Go to where the scan's place is in the prior, in the same plane, at the same place of the screen."""
        prior, pane, place = self._prior, self.pane, self._session.position_mm
        if prior is None or pane is None or place is None:
            return
        source = self._source()
        dims = pane.view.dims
        if source.is_plane and source.view.dims.ndim == 3 and tuple(dims.order) != tuple(source.view.dims.order):
            dims.order = tuple(source.view.dims.order)
        if prior.aligned is not None and not self._leads:
            self._place = np.asarray(prior.aligned.to_prior(place), dtype=np.float64)
        world = frame_of(prior.volume).to_world(self._place)
        pane.marks.move_to(world)
        pane.show_slice(world)
        self._level()
        self._follow_camera(source)
        self._name()

    def _point_at(self, place_mm: FloatArray) -> None:
        """Move the crosshair of the prior, and take that of the scan along."""
        prior = self._prior
        if prior is None:
            return
        self._place = place_mm
        if prior.aligned is None:
            self._follow()
            return
        # What goes there and back again comes back rounded: who leads keeps its own place.
        with self._leads:
            self._session.point_at(prior.aligned.to_current(place_mm))
            self._follow()

    def _scroll(self, pane: Pane, slices: int) -> None:
        prior, image = self._prior, self._image
        if prior is None or image is None:
            return
        frame = frame_of(prior.volume)
        self._point_at(frame.to_patient(steps_on(image, frame.to_world(self._place), pane.through, slices)))

    def _drag(self, view: ViewerModel, event: Any) -> Iterator[None]:
        """Take the crosshair along with the left mouse button."""
        prior = self._prior
        if prior is None or event.button != 1 or event.modifiers or event.handled or view.dims.ndim != 3:
            return
        yield from drag_along(event, frame_of(prior.volume), self._point_at)

    # -- the cameras --------------------------------------------------------------------------------------------------

    def _shift(self, displayed: tuple[int, ...]) -> FloatArray | None:
        """How far the prior's place is from the scan's, along the displayed axes of both worlds, mm."""
        prior, volume, place = self._prior, self._session.volume, self._session.position_mm
        if prior is None or prior.aligned is None or volume is None or place is None:
            return None
        way = frame_of(prior.volume).to_world(self._place) - frame_of(volume).to_world(place)
        return np.asarray(way[list(displayed)])

    def _follow_camera(self, source: Pane) -> None:
        if self.pane is None or not source.is_plane:
            return
        shift = self._shift(source.view.dims.displayed)
        if shift is None:
            return
        theirs, own = source.view.scene.camera, self.pane.view.scene.camera
        with self._busy:
            own.center = (own.center[0], *(np.array(theirs.center[-2:]) + shift).tolist())
            own.zoom = theirs.zoom

    def _on_camera(self, event: Any) -> None:
        if self._busy or self.pane is None:
            return
        if (source := self._source()).view.scene.camera is event.source:
            self._follow_camera(source)

    def _on_own_camera(self, _event: Any) -> None:
        """Let the scan zoom and pan with the prior."""
        if self._busy or self.pane is None:
            return
        source = self._source()
        shift = self._shift(source.view.dims.displayed)
        if shift is None or not source.is_plane:
            return
        theirs, own = source.view.scene.camera, self.pane.view.scene.camera
        with self._busy:
            theirs.center = (theirs.center[0], *(np.array(own.center[-2:]) - shift).tolist())
            theirs.zoom = own.zoom

    # -- what is on it ------------------------------------------------------------------------------------------------

    def _on_look(self, _event: Any = None) -> None:
        if self._scan is None or self._image is None:
            return
        for name in _LOOK:
            value = getattr(self._scan, name)
            if name == "contrast_limits":
                low, high = self._image.contrast_limits_range
                self._image.contrast_limits_range = (min(low, value[0]), max(high, value[1]))
            setattr(self._image, name, value)

    def _on_finding(self, id_: str) -> None:
        prior = self._prior
        change = prior.comparison.of(id_) if prior is not None and id_ else None
        self.choose((change.prior_finding_id or "") if change is not None else "")

    def choose(self, prior_finding_id: str) -> None:
        """Give one finding of the prior the thick ring; "" for none."""
        self._chosen = prior_finding_id
        self._draw_rings()

    def _draw_rings(self) -> None:
        prior, rings = self._prior, self._rings
        if prior is None or rings is None:
            return
        made = ring_attributes(_rings(prior), prior.volume, rings.shown, self._chosen)
        for name in ("border_color", "border_width"):
            setattr(rings, name, made[name])


def _rings(prior: Prior) -> tuple[Finding, ...]:
    """Get the findings that are drawn, as rings alone: outlines are not shown here."""
    return tuple(finding.model_copy(update={"mask": None}) for finding in prior.report.findings)


def side_by_side(session: Session) -> SideBySide:
    """Get the view of the prior of a viewer with a window; it is made when it is first asked for."""
    found: SideBySide | None = session.findChild(SideBySide)
    return found if found is not None else SideBySide(session)


def _toggle(session: Session) -> None:
    if session.comparison is None:
        show_info(tr("There is no prior yet: choose one in the panel “Follow-up”."))
    elif session.blind:
        show_info(tr("Priors are hidden in a blind read."))
    else:
        side_by_side(session).toggle()


ACTIONS = (Action("views.prior", "Show the prior beside the scan, or hide it", "Y", _toggle),)
