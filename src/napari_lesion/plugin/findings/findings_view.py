"""The findings of a viewer's scans on the canvas: rings, boxes and maps that follow the review.

The review is the truth; layers only show it. What is done to them with napari's own tools becomes a change of the
review, and comes back from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Layer, Points, Vectors
from qtpy.QtCore import QObject, QTimer, Signal  # type: ignore[attr-defined]

from napari_lesion.detection.operating_points import false_positives_at
from napari_lesion.model.findings import Finding, Heatmap, Point, Report
from napari_lesion.model.volume import Volume
from napari_lesion.models.card import Card
from napari_lesion.plugin.findings.map_layers import MapLayers
from napari_lesion.plugin.findings.ring_drag import grab_rings
from napari_lesion.plugin.findings.rings import Rings, as_drawn
from napari_lesion.plugin.findings.shown_scan import ShownScan, card_of
from napari_lesion.plugin.findings.sides import Sides
from napari_lesion.plugin.session.open_scan import OpenScan
from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.finding_layers import (
    box_lines,
    boxes_layer,
    findings_layer,
    is_shown,
)
from napari_lesion.plugin.viewer.layers import LayerData, frame_of, heatmap_layer, put_data
from napari_lesion.plugin.viewer.maps import set_map_look
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.messages import show_warning
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.review import edits
from napari_lesion.review.review import Review, reported
from napari_lesion.support.errors import ConfigError, LesionError

if TYPE_CHECKING:
    from napari.components import ViewerModel

BOXES_REST_MS = 60
"""Boxes are made anew when the slider rests that long, not at every step that it makes."""


class FindingsView(QObject):
    """Rings, boxes and maps of one viewer. Get it with `findings_view`."""

    changed = Signal()
    """The findings of the scan that is read, or which of them are shown."""
    comment_asked = Signal()
    """The reader wants to write a comment."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._scans: dict[Image, ShownScan] = {}
        self._rings = Rings()
        self.order: Sequence[str] = ()
        """Ids of the findings in the order in which one steps through them; a table sets it."""
        self._rows: Sequence[str] = ()
        self._reported: tuple[Review, float, Report] | None = None
        """The report that was made last, of which review, and from which score on."""
        # Boxes are rebuilt once when the slider rests, not at every pixel that it moves.
        self._boxes_timer = QTimer(self, singleShot=True, interval=BOXES_REST_MS)
        self._boxes_timer.timeout.connect(self._draw_boxes)
        self.maps = MapLayers(session, lambda: self.layer("heatmap"), self)
        self._thresholds: dict[str, float] = {}
        """Of scans that were closed, by key: they come back as they were."""
        self._sides = Sides(self)
        self._sides.found.connect(self.changed)
        session.review_changed.connect(self._follow)
        session.finding_selected.connect(self._on_selected)
        session.blind_changed.connect(self._follow)
        self._viewer.dims.events.order.connect(self._on_order)
        session.open_scans.closed.connect(self._on_closed)
        session.open_scans.leaving.connect(self._on_leaving)
        grab_rings(self._viewer, self)
        self._follow()

    @property
    def _viewer(self) -> ViewerModel:
        return self._session.viewer

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def review(self) -> Review | None:
        """The review of the scan that is read."""
        return self._session.review

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its findings, also those under the threshold; in a blind read only those that the reader added."""
        review = self.review
        found = review.findings if review is not None else ()
        return tuple(f for f in found if edits.is_added(f)) if self._session.blind else found

    @property
    def shown(self) -> tuple[Finding, ...]:
        """Findings that have a ring."""
        return tuple(finding for finding in self.findings if is_shown(finding, self.threshold))

    @property
    def scan(self) -> Image | None:
        """Layer of the scan that is read."""
        return self._session.scan

    @property
    def volume(self) -> Volume | None:
        """The scan that is read."""
        return self._session.volume

    @property
    def chosen(self) -> Finding | None:
        """The finding that is looked at."""
        return next((finding for finding in self.findings if finding.id == self._session.finding), None)

    @property
    def selected(self) -> Sequence[str]:
        """Ids of the findings that the next key is for: the rows chosen in a table, or the one that is looked at."""
        known = {finding.id for finding in self.findings}
        rows = [id_ for id_ in self._rows if id_ in known]
        if self._session.finding in known and self._session.finding not in rows:
            return [self._session.finding]
        return rows

    @property
    def _state(self) -> ShownScan | None:
        return self._scans.get(self._session.scan) if self._session.scan is not None else None

    @property
    def threshold(self) -> float:
        """Score from which on candidates are shown in the scan that is read."""
        return self._state.threshold if self._state is not None else 0.0

    @property
    def card(self) -> Card | None:
        """Card of the model that searched the scan that is read, if it is installed."""
        return self._state.card if self._state is not None else None

    @property
    def model(self) -> str:
        """Id or folder of that model; "" if it is not installed."""
        return self._state.model if self._state is not None else ""

    @property
    def false_positives(self) -> float | None:
        """A scan, to expect at the threshold."""
        return false_positives_at(self.card, self.threshold) if self.card is not None else None

    def report(self) -> Report | None:
        """Make the report that is saved; None where there is no review."""
        review = self.review
        if review is None:
            return None
        made = self._reported
        if made is None or made[0] is not review or made[1] != self.threshold:
            made = self._reported = review, self.threshold, reported(review, self.threshold, self.false_positives)
        return made[2]

    def layer(self, name: str) -> Layer | None:
        """Get a layer of the scan that is read: ``findings``, ``boxes`` or ``heatmap``, if nobody removed it."""
        layer = self._state.layers.get(name) if self._state is not None else None
        return layer if self._session.open_scans.holds(layer) else None

    def side(self, finding: Finding) -> str:
        """Side of the patient that a finding is on; "" as long as that is not known."""
        state, volume = self._state, self._session.volume
        if state is None or volume is None:
            return ""
        return self._sides.side(finding, volume, state.sides)

    # -- what changes -------------------------------------------------------------------------------------------------

    def show_result(
        self,
        scan: Image,
        report: Report,
        *,
        heatmap: LayerData | None = None,
        card: Card | None = None,
        model: str = "",
        sides: dict[Point, str] | None = None,
    ) -> None:
        """Begin the review of a report and show it; layers of an earlier one are replaced.

        Parameters
        ----------
        scan : Image
            Layer of the scan.
        report : Report
            All candidates are its findings.
        heatmap : LayerData, optional
            See `layers.heatmap_layer`.
        card : Card, optional
            Of the model; by default that of the installed model with the report's sha256.
        model : str
            Its id or folder.
        sides : dict
            Sides of the patient, by centre (LPS mm), as far as they are known.

        Raises
        ------
        ConfigError
            If the report is not of this scan, or the review can't be written down.
        """
        threshold = report.model.threshold
        if card is None:
            card, model = card_of(report)
        before = self._scans.get(scan)
        replaced = (*before.replaced, *before.layers.values()) if before is not None else ()
        self._scans[scan] = ShownScan(report, card, model, threshold, heatmap, replaced, sides=dict(sides or {}))
        self._thresholds.pop(self._key(scan), None)
        try:
            self._session.begin(scan, report)
        except ConfigError:
            if before is None:
                del self._scans[scan]
            else:
                self._scans[scan] = before
            raise

    def show_heatmap(self, scan: Image, heatmap: Heatmap) -> None:
        """Show the heatmap of a scan whose findings are shown already."""
        state, volume = self._scans.get(scan), volume_of(scan)
        if state is None or volume is None:
            return
        self._session.open_scans.remove([state.layers.pop("heatmap", None)])
        self._insert(scan, state, "heatmap", heatmap_layer(heatmap, volume))
        self.maps.changed.emit()

    def set_threshold(self, threshold: float) -> None:
        """Show candidates from another score on; nothing is searched again."""
        state = self._state
        if state is not None and threshold != state.threshold:
            state.threshold = threshold
            self._draw_rings(moved=False)
            self._boxes_timer.start()
            self.changed.emit()

    def choose(self, id_: str, rows: Sequence[str] = ()) -> None:
        """Choose a finding, with other rows of a table; the views stay where they are."""
        self._rows = rows
        self._session.select(id_)

    def look_at(self, id_: str) -> None:
        """Turn all views to a finding."""
        review = self.review
        if review is None:
            return
        finding = review.finding(id_)
        self._session.select(id_)
        self._session.turn_to(finding.center_mm)

    def step(self, way: int) -> None:
        """Look at the next (1) or the previous (-1) finding."""
        order = list(self.order) or [finding.id for finding in self.shown]
        if not order:
            return
        if self._session.finding in order:
            row = (order.index(self._session.finding) + way) % len(order)
        else:
            row = 0 if way > 0 else len(order) - 1
        self.look_at(order[row])

    def preview(self, id_: str, center_mm: Sequence[float], diameter_mm: float) -> None:
        """Draw one ring elsewhere while it is dragged; the review changes only when it is let go."""
        points, volume = self.layer("findings"), self._session.volume
        if not isinstance(points, Points) or volume is None:
            return
        ids = list(points.features["id"])
        if id_ not in ids:
            return
        same = self.review is not None and diameter_mm == self.review.finding(id_).size_mm
        world = frame_of(volume).to_world(center_mm)
        self._rings.preview(points, ids.index(id_), world, None if same else diameter_mm)

    def redraw(self) -> None:
        """Draw what the review says."""
        self._draw_rings(moved=True)
        self._boxes_timer.start()

    # -- following the review -----------------------------------------------------------------------------------------

    def _follow(self, _review: object = None) -> None:
        scan, review = self._session.scan, self.review
        if self._session.finding and self.chosen is None:
            self._session.select("")  # it was merged, deleted or undone, or must not be seen
        if scan is not None and review is not None:
            state = self._scans.get(scan)
            if state is None:
                card, model = card_of(review.start)
                threshold = self._thresholds.pop(self._key(scan), review.start.model.threshold)
                state = self._scans[scan] = ShownScan(review.start, card, model, threshold)
            # Rings that somebody deleted with napari's own list come back: what the table says is to be seen.
            if not self._session.open_scans.holds(state.layers.get("findings")):
                first = not state.layers
                self._make_layers(scan, state)
                if first and "heatmap" not in state.layers and self.volume is not None:
                    self.maps.bring_back(self.volume, state.start, partial(self._on_heatmap, scan, state))
            else:
                self.redraw()
            if self.volume is not None:
                self._sides.find(self.findings, self.volume, state.sides)
        self.changed.emit()

    def _on_heatmap(self, scan: Image, state: ShownScan, heatmap: Heatmap) -> None:
        if self._scans.get(scan) is state and "heatmap" not in state.layers:
            self.show_heatmap(scan, heatmap)

    def _on_selected(self, _id: str) -> None:
        self._draw_rings(moved=False)

    def _make_layers(self, scan: Image, state: ShownScan) -> None:
        volume = volume_of(scan)
        if volume is None or self.review is None:
            return
        self._session.open_scans.remove((*state.replaced, state.layers.get("boxes")))
        state.replaced = ()
        if state.heatmap is not None:
            self._insert(scan, state, "heatmap", state.heatmap)
            state.heatmap = None
        self._insert(scan, state, "boxes", boxes_layer(self._unjudged(), volume, self._through))
        report = self.review.report.model_copy(update={"findings": self.findings})
        rings = findings_layer(report, volume, state.threshold, self.false_positives, self._session.finding)
        self._insert(scan, state, "findings", rings)
        state.layers["findings"].events.data.connect(self._on_data)
        self.maps.changed.emit()

    def _insert(self, scan: Image, state: ShownScan, name: str, data: LayerData) -> None:
        owner = self._session.open_scans.of(scan)
        if owner is None:  # it was closed meanwhile
            return
        layer = Layer.create(*data)
        below = (scan, *state.layers.values())
        if name == "heatmap":
            set_map_look(layer, self.maps.opacity, self.maps.threshold)
            layer.visible = False  # until it is asked for: what glows draws the eye before it has looked
            below = (scan,)
        state.layers[name] = layer
        self._session.open_scans.add(owner, layer, above=below)

    def _draw_rings(self, *, moved: bool) -> None:
        """Draw the rings as the review has them; where none has ``moved``, what is cheap to draw is enough."""
        state, points, volume, review = self._state, self.layer("findings"), self._session.volume, self.review
        if state is None or not isinstance(points, Points) or volume is None or review is None:
            return
        findings = self.findings
        chosen = self._session.finding
        shown = [is_shown(f, state.threshold) or f.id == chosen for f in findings]
        report = review.report.model_copy(update={"findings": findings})
        points.metadata.update(report=report, threshold=state.threshold, false_positives_per_scan=self.false_positives)
        self._rings.draw(points, findings, volume, shown, chosen, moved=moved)

    def _draw_boxes(self) -> None:
        boxes, volume = self.layer("boxes"), self._session.volume
        if isinstance(boxes, Vectors) and volume is not None:
            put_data(boxes, box_lines(self._unjudged(), volume, self._through))
            boxes.metadata["through"] = self._through

    def _unjudged(self) -> tuple[Finding, ...]:
        """Get the findings that have a box: what the model marked, and nobody has judged yet."""
        return tuple(finding for finding in self.shown if finding.status == "candidate")

    @property
    def _through(self) -> int:
        """World axis that one scrolls along."""
        return int(self._viewer.dims.order[0]) if self._viewer.dims.ndim == 3 else 0

    def _on_order(self) -> None:
        self._boxes_timer.start()

    # -- napari's own tools -------------------------------------------------------------------------------------------

    def _on_data(self, event: Any) -> None:
        """Put into the review what was done to the points with napari's own tools."""
        points, volume = self.layer("findings"), self._session.volume
        if isinstance(points, Points) and volume is not None and self._rings.is_edit(points, event):
            self.change(as_drawn(points, self.findings, volume))
            self.redraw()

    def change(self, function: Any) -> bool:
        """Change the review, as `Session.change`; a change that is refused is said, and False returned."""
        try:
            self._session.change(function)
        except LesionError as error:
            show_warning(sentence(error))
            return False
        return True

    # -- scans that come and go ---------------------------------------------------------------------------------------

    def _key(self, scan: Image) -> str:
        owner = self._session.open_scans.of(scan)
        return owner.key if owner is not None else ""

    def _on_leaving(self, _scan: OpenScan) -> None:
        self._rows, self.order = (), ()

    def _on_closed(self, scan: OpenScan) -> None:
        state = self._scans.pop(scan.layer, None)
        if state is not None:
            self._thresholds[scan.key] = state.threshold


def findings_view(session: Session) -> FindingsView:
    """Get what shows the findings of a viewer; it is made when it is first asked for."""
    found: FindingsView | None = session.findChild(FindingsView)
    return found if found is not None else FindingsView(session)
