"""A reader who does anything with the viewer, in any order, and what must be true of the screen after each step."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import _layer_actions as menu
from plugin_scan import BlobDetector
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QAbstractButton, QApplication, QLabel, QLineEdit, QTableView, QWidget
from session_scans import Coded, coded_scans

from napari_lesion.assessment.measure.segment import Segmentation
from napari_lesion.follow_up import Prior
from napari_lesion.model.compared import Alignment, Comparison
from napari_lesion.model.drawn import TOOLS
from napari_lesion.model.findings import Point
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.findings import review_keys
from napari_lesion.plugin.findings.detect_panel import DetectPanel
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.measuring import measuring
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.follow_up.priors import priors
from napari_lesion.plugin.reading_study.reading_session import reading_room
from napari_lesion.plugin.session.workstation import workstation
from napari_lesion.plugin.texts import LANGUAGES, tr, use_language
from napari_lesion.plugin.viewer.layers import SCAN, frame_of, scan_key, scan_layer
from napari_lesion.plugin.viewer.tools.measuring import measuring_tools
from napari_lesion.plugin.viewer.tools.presets import PRESETS
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.tools.slab import Mode
from napari_lesion.plugin.viewer.view import PLANES
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.viewer.views.pane import Pane
from napari_lesion.plugin.viewer.views.projection import shrink
from napari_lesion.plugin.viewer.views.side_by_side import beside
from napari_lesion.review import drawing, edits
from napari_lesion.review.review import Review, unsearched
from napari_lesion.support.progress import Progress, silent

PANELS = ("Detect lesions", "Finding", "Follow-up", "Annotate", "Second reader", "Reading")
ENDS = {0: ("F", "H"), 1: ("A", "P"), 2: ("R", "L")}
"""Letters at the low and the high end of the world's axes z, y, x."""
ACROSS = dict(zip("RLAPHF", "LRPAFH", strict=True))
PATIENCE_MS = 60_000
OFTEN = (
    *("add", "look", "jump", "click_row", "judge", "undo", "redo", "type_a_comment", "annotate", "annotation_undo"),
    *("scroll", "zoom", "window", "slab", "names"),
)
SELDOM = (
    *("open", "close", "delete_by_hand", "search", "switch_while_searching", "switch_while_measuring", "read_blind"),
    *("prior", "four_up", "3d", "menu"),
)
"""Steps that cost much, beside those that are neither."""


def in_language(language: str, text: str) -> str:
    """Say a text of the program in one of its languages."""
    use_language(language)
    said = tr(text)
    use_language("en")
    return said


class Undrawn(logging.Handler):
    """Hears of what could not be drawn: vispy logs that, and leaves it out."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        logging.getLogger("vispy").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.said.append(record.getMessage())


class Outliner:
    """Outlines each finding as a ball, in the place of the network that does."""

    def __init__(self) -> None:
        self.go = threading.Event()
        """It waits for this."""
        self.go.set()

    def __call__(self, volume: Volume, places: Any, *, progress: Progress = silent, **_: object) -> list[Segmentation]:
        assert self.go.wait(30)
        return [self._ball(volume, *place) for place in places]

    def _ball(self, volume: Volume, center: Point, diameter: float) -> Segmentation:
        index = np.stack(np.indices(volume.shape), axis=-1)
        apart = np.linalg.norm(volume.to_patient(index) - center, axis=-1)
        inside = apart <= max(diameter / 2, apart.min())
        return Segmentation(Mask.of(inside), "a ball", 1.0)


class Driver:
    """One viewer with all panels, and the scans of `session_scans`."""

    def __init__(self, viewer: Any, detector: BlobDetector, outliner: Outliner, qtbot: Any, seed: int) -> None:
        self.outliner = outliner
        self.viewer, self.detector, self.qtbot, self.random = viewer, detector, qtbot, random.Random(seed)
        self.scans = coded_scans()
        self.by_key = {scan_key(one.volume): one for one in self.scans}
        self.station = workstation(viewer)
        self.session = self.station.session
        docks = {name: viewer.window.add_plugin_dock_widget("napari-lesion", name)[1] for name in PANELS}
        self.panels: dict[str, QWidget] = docks
        self.detect: DetectPanel = docks["Detect lesions"]
        self.found: dict[str, set[str]] = {one.code: set() for one in self.scans}
        """Ids of findings and annotations, by the code of their scan."""
        self.steps: dict[str, Callable[[], None]] = {
            name.removeprefix("do_"): getattr(self, name) for name in dir(self) if name.startswith("do_")
        }
        self.log: list[str] = []
        self.undrawn = Undrawn()
        self.prior_words = {in_language(language, "PRIOR") for language in LANGUAGES}
        """A heading keeps the language in which it was written."""
        self.places: dict[str, tuple[float, float, float]] = {}
        """Where the crosshair was when a scan was last on the screen."""
        self.spent: dict[str, list[float]] = {}
        """Seconds of the processor, by step."""
        self.probed = self.looked_at = 0
        """Probes and pictures that were compared."""

    # -- steps --------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """Do something, and look at everything."""
        weights = [8 if name in OFTEN else 1 if name in SELDOM else 3 for name in self.steps]
        [name] = self.random.choices(list(self.steps), weights)
        self.log.append(name)
        before, open_ = self.code, {self.by_key[one.key].code for one in self.session.scans}
        began = time.process_time()
        self.steps[name]()
        self.settle()
        self.log[-1] += f" {before} → {self.code}"
        done = time.process_time()
        self.check()
        self.spent.setdefault(name, []).append(done - began)
        self.spent.setdefault("(looking)", []).append(time.process_time() - done)
        place = self.station.position_mm
        if place is not None:
            if self.code != before and self.code in open_ and self.code in self.places:
                apart = np.abs(np.subtract(place, self.places[self.code])).max()
                assert apart < 2.1, f"{self.code} comes back {apart:.1f} mm from where it was left"
            self.places[self.code] = place

    def costs(self) -> str:
        """Say what the steps cost, seconds of the processor in all and at the median, the dearest first."""
        rows = sorted(self.spent.items(), key=lambda one: -sum(one[1]))
        return "\n".join(f"{sum(s):7.2f} s {np.median(s):7.3f} s {len(s):6d} × {name}" for name, s in rows)

    def settle(self) -> None:
        """Let happen what happens by itself."""
        for _ in range(2):
            QApplication.processEvents()

    @property
    def code(self) -> str:
        current = self.session.current
        return self.by_key[current.key].code if current is not None else "none"

    @property
    def current(self) -> Coded | None:
        return self.by_key[self.session.current.key] if self.session.current is not None else None

    def do_open(self) -> None:
        data, attributes, _ = scan_layer(self.random.choice(self.scans).volume)
        self.viewer.add_image(data, **attributes)

    def do_switch(self) -> None:
        if self.session.scans:
            self.session.show(self.random.choice(self.session.scans))

    def do_choose_scan_in_panel(self) -> None:
        if self.detect.scans.count():
            self.detect.scans.setCurrentIndex(self.random.randrange(self.detect.scans.count()))

    def do_close(self) -> None:
        if len(self.session.scans) > 2:
            self.session.close(self.random.choice(self.session.scans))

    def do_delete_by_hand(self) -> None:
        ours = [layer for layer in self.viewer.layers if SCAN in layer.metadata]
        if ours and len(self.session.scans) > 1:
            self.viewer.layers.remove(self.random.choice(ours))

    def do_rename_by_hand(self) -> None:
        if self.viewer.layers:
            layer = self.random.choice(self.viewer.layers)
            layer.name = f"{layer.name} again"[-60:]

    def do_move_by_hand(self) -> None:
        ours = [layer for layer in self.viewer.layers if SCAN in layer.metadata]
        if ours:
            layer = self.random.choice(ours)
            layer.translate = (5.0, -7.0, 11.0)[-layer.ndim :]  # a projection has two axes

    def do_menu(self) -> None:
        """What napari's menus make of the layer that is chosen; hidden, for a copy covers its own scan."""
        layers, current = self.viewer.layers, self.session.current
        if current is None or len(layers) > 8 or current.layer not in layers or current.layer.data.shape[0] == 1:
            return
        before = set(layers)
        layers.selection.active = current.layer
        self.random.choice((menu._duplicate_layer, menu._project))(layers)
        for layer in set(layers) - before:
            layer.visible = False

    def do_foreign_layer(self) -> None:
        theirs = [layer for layer in self.viewer.layers if SCAN not in layer.metadata]
        if theirs:
            self.viewer.layers.remove(theirs[0])
        elif self.session.current is not None:
            self.viewer.add_points(np.zeros((1, 3)), name="theirs", visible=False)

    def _searchable(self) -> bool:
        return self.detect.run_button.isEnabled() and not self.station.blind

    def do_search(self) -> None:
        if self._searchable():
            self.detect.run()
            self.qtbot.waitUntil(lambda: self.detect._task is None, timeout=PATIENCE_MS)

    def do_switch_while_searching(self) -> None:
        if not self._searchable() or len(self.session.scans) < 2:
            return
        searched, go = self.session.current, threading.Event()
        review = self.station.review
        self.detector.before = lambda _progress: go.wait(30) and None
        try:
            self.detect.run()
            self.session.show(next(one for one in self.session.scans if one is not searched))
            self.settle()
            self.check()
        finally:
            go.set()
            self.detector.before = lambda _progress: None
        other = self.session.current
        self.qtbot.waitUntil(lambda: self.detect._task is None, timeout=PATIENCE_MS)
        assert self.session.current is other, "a result that comes later turns to no scan"
        assert self.station.review_of(searched.volume) is not review, "it is with its own scan"

    def do_switch_while_measuring(self) -> None:
        scan, others = self.session.current, [one for one in self.session.scans if one is not self.session.current]
        if scan is None or not others or self.station.blind or scan.volume.series.modality != "CT":
            return
        work = measuring(self.station)
        self.qtbot.waitUntil(lambda: work._task is None, timeout=PATIENCE_MS)
        go = self.outliner.go = threading.Event()
        try:
            self.do_add()
            self.settle()
            added = self.station.finding
            self.session.show(self.random.choice(others))
            self.settle()
            self.check()
        finally:
            go.set()
        self.qtbot.waitUntil(lambda: work._task is None, timeout=PATIENCE_MS)
        review = self.station.review_of(scan.volume)
        if added and review is not None and added in {finding.id for finding in review.findings}:
            finding = review.finding(added)
            assert finding.measurement is not None or finding.unmeasured, "what was measured is with its own scan"

    def do_add(self) -> None:
        scan = self.current
        if scan is not None and not self.station.blind:
            place = self._place(scan.volume)
            view = findings_view(self.station)
            if view.change(lambda review, by: edits.add(review, place, 6.0, by, scan.volume)):
                new = self.station.review.changes[-1].after[0].id
                view.change(lambda review, by: edits.comment(review, new, f"note {scan.code}", by))

    def do_look(self) -> None:
        view = findings_view(self.station)
        if view.shown:
            view.look_at(self.random.choice(view.shown).id)

    def do_jump(self) -> None:
        if self.current is not None:
            self.station.go_to(self._place(self.current.volume))

    def do_click_row(self) -> None:
        findings = self.detect.findings
        if findings.rows.rowCount():
            findings.table.selectRow(self.random.randrange(findings.rows.rowCount()))

    def do_judge(self) -> None:
        view = findings_view(self.station)
        if view.selected:
            self._action(self.random.choice(("findings.accept", "findings.reject", "findings.reopen")))

    def do_undo(self) -> None:
        self._action("findings.undo")

    def do_redo(self) -> None:
        self._action("findings.redo")

    def _action(self, id_: str) -> None:
        next(one for one in review_keys.ACTIONS if one.id == id_).run(self.station)

    def do_type_a_comment(self) -> None:
        """Begin to write, and leave it there."""
        line, scan = self.detect.findings.comment, self.current
        if line.isEnabled() and scan is not None and findings_view(self.station).chosen is not None:
            line.setText(f"typed {scan.code}")

    def do_annotate(self) -> None:
        scan, one = self.current, annotator(self.station)
        if scan is not None and one.annotations is not None:
            one.add_point(self._place(scan.volume), 8.0)
            one.comment(f"mark {scan.code}")

    def do_annotation_tool(self) -> None:
        annotator(self.station).use(self.random.choice(("", "select", "point", "brush")))

    def do_annotation_undo(self) -> None:
        annotator(self.station).undo()

    def do_measure(self) -> None:
        scan = self.current
        if scan is not None and not self.station.blind:
            place, normal = self._place(scan.volume), frame_of(scan.volume).axes[0]
            assert measuring_tools(self.station).change(
                lambda review, by: drawing.draw(
                    review, "pin", [place], normal, by, scan.volume, text=f"pin {scan.code}"
                )
            )

    def do_measuring_tool(self) -> None:
        measuring_tools(self.station).use(self.random.choice((None, *TOOLS)))

    def do_outline_tool(self) -> None:
        if findings_view(self.station).chosen is not None:
            outlines(self.station).use(self.random.choice(("", "paint", "erase")))

    def do_read_blind(self) -> None:
        room = reading_room(self.station)
        if room.running:
            room.pause()
        elif self.current is not None and self.current.volume.series.modality == "CT" and room.reading is None:
            room.start()

    def do_prior(self) -> None:
        """See the scan beside another one, of the same patient or, by the reader's word, of another."""
        scan = self.current
        if scan is None or self.station.blind:
            return
        other = self.random.choice([one for one in self.scans if one is not scan and one.volume.shape[0] > 1])
        review = Review(unsearched(other.volume))
        said = Alignment(accepted=False, says="not tried")
        uid = other.volume.series.series_uid
        comparison = Comparison(prior_series_uid=uid, prior_study_date="20200101", days=3, alignment=said)
        known = priors(self.station)
        known._loaded.setdefault(scan_key(scan.volume), {})[uid] = Prior(other.volume, review.report, comparison, None)
        known.choose(uid)
        beside(self.station).show()

    def do_hide_prior(self) -> None:
        beside(self.station).show(False)

    def do_four_up(self) -> None:
        views(self.viewer).toggle()

    def do_3d(self) -> None:
        self.viewer.dims.ndisplay = 5 - self.viewer.dims.ndisplay

    def do_plane(self) -> None:
        if self.viewer.dims.ndim == 3:
            self.viewer.dims.order = self.random.choice(list(PLANES.values()))

    def do_scroll(self) -> None:
        shown = views(self.viewer)
        shown.scroll(shown.panes[0], self.random.randint(-4, 4))

    def do_zoom(self) -> None:
        views(self.viewer).panes[0].zoom_by(self.random.choice((0.8, 1.25)))

    def do_reset(self) -> None:
        views(self.viewer).reset()

    def do_window(self) -> None:
        tools = reading_tools(self.station)
        self.random.choice(
            (lambda: tools.set_preset(self.random.choice(PRESETS[:4])), tools.auto_window, tools.invert)
        )()

    def do_slab(self) -> None:
        tools = reading_tools(self.station)
        tools.set_slab(tools.slab.next_mode())

    def do_cine(self) -> None:
        reading_tools(self.station).cine.toggle()

    def do_language(self) -> None:
        use_language(self.random.choice(list(LANGUAGES)))
        reading_tools(self.station)._refresh()

    def do_names(self) -> None:
        tools = reading_tools(self.station)
        tools.set_names(not tools.names)

    def _place(self, volume: Volume) -> tuple[float, float, float]:
        index = [self.random.uniform(0.2, 0.8) * (size - 1) for size in volume.shape]
        x, y, z = volume.to_patient(index).tolist()
        return x, y, z

    # -- what must be true --------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Look at layers, panels, texts, letters, the probe and the pictures."""
        reading_tools(self.station).cine.stop()
        assert self.undrawn.said == []
        self._check_layers()
        self._check_ids()
        self._check_texts()
        scan = self.current
        if scan is None:
            return
        assert self.station.volume is scan.volume
        for pane in self._panes():
            self._check_letters(pane, scan)
            self._check_picture(pane, scan.volume, self.session.current.layer)
        prior = beside(self.station)
        if prior.pane is not None:
            seen = self.station.comparison.volume
            assert self.station.comparison is priors(self.station).prior(seen.series.series_uid)
            assert any(word in prior.pane.heading.text() for word in self.prior_words)
            another = seen.series.patient_id != scan.volume.series.patient_id
            assert ("⚠" in prior.pane.heading.text()) == another
            self._check_picture(prior.pane, seen, prior._image)
        self._check_probe(scan.volume)
        self._check_3d()

    def _panes(self) -> list[Pane]:
        shown = views(self.viewer)
        return [pane for pane in shown.planes if pane.view.dims.ndim == 3]

    def _check_layers(self) -> None:
        current = self.session.current
        key = current.key if current is not None else None
        for pane in views(self.viewer).panes:
            for layer in pane.view.layers:
                assert layer.metadata.get(SCAN, key) == key, f"{layer.name!r} is of another scan"
        active = self.viewer.layers.selection.active
        assert active is None or active.metadata.get(SCAN, key) == key
        for other in self.session.scans:
            assert other is current or not any(layer in self.viewer.layers for layer in other.away)
        mode = str(active.mode) if active is not None and hasattr(active, "mode") else "pan_zoom"
        if mode != "pan_zoom":
            assert annotator(self.station).tool or outlines(self.station).tool, "an armed layer of no tool"
        armed = annotator(self.station).tool, outlines(self.station).tool, measuring_tools(self.station).tool
        assert sum(map(bool, armed)) <= 1, f"several tools are armed: {armed}"

    def _check_ids(self) -> None:
        """No finding and no annotation is shown with a scan that it is not of."""
        scan = self.current
        findings, one = findings_view(self.station).findings, annotator(self.station)
        marks = one.annotations.annotations if one.annotations is not None else ()
        shown = {finding.id for finding in findings} | {mark.id for mark in marks}
        for code, ids in self.found.items():
            if scan is None or code != scan.code:
                assert not shown & ids, f"findings of {code}"
        if scan is not None:
            self.found[scan.code] |= shown
        drawings = measuring_tools(self.station).drawings
        for pane in views(self.viewer).panes:
            assert set(measuring_tools(self.station).shown(pane)) <= set(drawings)
        assert scan is not None or not drawings
        assert all(one.text == f"pin {scan.code}" for one in drawings), "measured in another scan"
        rows = self.detect.findings.rows
        assert {rows.finding(row).id for row in range(rows.rowCount())} <= {finding.id for finding in findings}
        assert self.station.finding in ("", *(finding.id for finding in findings))

    def _check_texts(self) -> None:
        """Nothing that can be read names another scan than the current one, but in lists of scans and of the prior."""
        scan, prior = self.current, beside(self.station).pane
        tools = reading_tools(self.station)
        texts = [self.viewer.status if isinstance(self.viewer.status, str) else "", self.viewer.title]
        for pane in views(self.viewer).panes:
            view = tools._views.get(pane.view)
            if view is not None:
                texts += [view.corners.text(corner) for corner in view.corners._texts]
                who = view.corners.text("top_left")
                if scan is not None and tools.names and pane.view.dims.ndim == 3 and pane in self._panes():
                    assert scan.code in who, f"{who!r} in the corner over {scan.code}"
        for panel in self.panels.values():
            for widget in panel.findChildren(QWidget):
                if isinstance(widget, QLabel | QLineEdit | QAbstractButton):
                    texts += [widget.text(), widget.toolTip()]
                if isinstance(widget, QTableView) and widget.model() is not None:
                    model = widget.model()
                    for row in range(model.rowCount()):
                        texts += [str(model.index(row, column).data()) for column in range(model.columnCount())]
        texts += [layer.name for layer in self.viewer.layers]
        for other in self.scans:
            if other is not scan:
                for text in texts:
                    assert other.code not in text, f"{text!r} on the screen of {self.code}"
        if prior is not None and tools.names:
            seen = self.by_key[scan_key(self.station.comparison.volume)]
            assert seen.code in tools.view(prior.view).corners.text("top_left")

    def _check_letters(self, pane: Pane, scan: Coded) -> None:
        _, vertical, horizontal = pane.view.dims.order
        if scan.volume.certificate.orientation == "unknown":
            right, below = scan.volume.display.sides
            flat = {"left": ACROSS[right], "right": right, "top": ACROSS[below], "bottom": below}
            wanted = flat if pane.through == 0 else {}
        else:
            wanted = dict(zip(("left", "right"), ENDS[horizontal], strict=True))
            wanted |= dict(zip(("top", "bottom"), ENDS[vertical][:: -1 if vertical == 0 else 1], strict=True))
        assert pane.marks.letters() == wanted

    def _check_probe(self, volume: Volume) -> None:
        """The probe says value and place of what lies under the pointer, wherever it is put."""
        viewer = self.viewer
        if viewer.dims.ndisplay != 2 or viewer.dims.ndim != 3:
            return
        x, y, z = self._place(volume)
        world = np.array([z, y, x])
        through = viewer.dims.order[0]
        world[through] = viewer.dims.point[through]
        viewer.mouse_over_canvas = True
        viewer.cursor.position = tuple(world + 1e-3)
        viewer.cursor.position = tuple(world)
        found = reading_tools(self.station).view(viewer).found
        exact = volume.to_index(world[::-1])
        index = np.rint(exact).astype(int)
        axis = int(np.abs(np.linalg.inv(volume.affine)[:3, 2 - through]).argmax())  # along which one looks
        exact[axis] = index[axis]
        assert found is not None
        np.testing.assert_allclose(found.place_mm, volume.to_patient(exact), atol=0.01)  # the slice's own
        assert found.value == volume.voxels[tuple(index)], "the value under the pointer is another scan's"
        self.probed += 1

    def _check_3d(self) -> None:
        mip = views(self.viewer)._mip
        if mip is not None and mip.visible:
            wanted, _ = shrink(self.session.current.layer.data, 128)
            assert np.array_equal(mip.data, wanted), "the 3D view looks through another scan"

    def _check_picture(self, pane: Pane, volume: Volume, layer: Any) -> None:
        """What is on the canvas is this scan, where the camera looks: by grey values at points of the picture."""
        if not pane.isVisible() or pane.canvas.width() < 60 or not layer.visible:
            return
        image = _grey(pane)
        wanted, seen = [], []
        for _ in range(60):
            px = self.random.uniform(0.12, 0.88) * pane.canvas.width()
            py = self.random.uniform(0.12, 0.8) * pane.canvas.height()
            value = self._value_at(pane, volume, px, py)
            if value is None:
                continue
            low, high = layer.contrast_limits
            grey = float(np.clip((value - low) / (high - low), 0, 1)) * 255
            wanted.append(255 - grey if layer.colormap.name.endswith("_r") else grey)
            row, column = (
                int(v * n / m)
                for v, n, m in ((py, image.shape[0], pane.canvas.height()), (px, image.shape[1], pane.canvas.width()))
            )
            seen.append(float(image[row, column]))
        if len(wanted) >= 8:
            same = np.abs(np.subtract(wanted, seen)) < 12
            assert same.mean() > 0.7, f"{same.mean():.0%} of {len(wanted)} points show {self.code}"
            self.looked_at += 1

    def _value_at(self, pane: Pane, volume: Volume, px: float, py: float) -> float | None:
        """Value that a point of the canvas should show; None beside the scan, and near edges of its pattern."""
        view, camera = pane.view, pane.view.scene.camera
        through, vertical, horizontal = view.dims.order
        world = np.zeros(3)
        world[through] = view.dims.point[through]
        down = 1 if str(camera.orientation[1]) == "down" else -1
        world[vertical] = camera.center[-2] + down * (py - pane.canvas.height() / 2) / camera.zoom
        world[horizontal] = camera.center[-1] + (px - pane.canvas.width() / 2) / camera.zoom
        inverse = np.linalg.inv(volume.affine)
        exact = (inverse @ (*world[::-1], 1))[:3]
        index = np.rint(exact).astype(int)
        axis = int(np.abs(inverse[:3, 2 - through]).argmax())  # of the volume, along which one looks
        low, high = index - 1, index + 2
        low[axis], high[axis] = index[axis], index[axis] + 1
        if (low < 0).any() or (high > volume.shape).any():
            return None
        slab = reading_tools(self.station).slab
        half = slab.slices(volume.spacing[axis]) // 2
        low[axis], high[axis] = max(low[axis] - half, 0), min(high[axis] + half, volume.shape[axis])
        near = volume.voxels[tuple(map(slice, low, high))].astype(float)
        how = {Mode.MIP: np.max, Mode.MINIP: np.min, Mode.MEAN: np.mean}.get(slab.mode, np.mean)
        flat = how(near, axis=axis)
        return float(flat.flat[0]) if np.ptp(flat) == 0 else None


def _grey(pane: Pane) -> npt.NDArray[np.uint8]:
    image = pane.canvas.grabFramebuffer().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].copy()
