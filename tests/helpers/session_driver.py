"""A reader who does anything with the viewer, in any order; after each step `session_truth` looks at the screen."""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import _layer_actions as menu
from plugin_scan import BlobDetector
from qtpy.QtWidgets import QApplication, QWidget
from session_scans import Coded, coded_scans
from session_truth import Truth, place_in

from napari_lesion.assessment.measure.segment import Segmentation
from napari_lesion.dicom.index.series import Series
from napari_lesion.follow_up import Prior
from napari_lesion.model.compared import Alignment, Comparison
from napari_lesion.model.drawn import POINTS, TOOLS
from napari_lesion.model.findings import Point
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.findings import review_keys
from napari_lesion.plugin.findings.exports import Exports
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.measuring import measuring
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.follow_up.priors import priors
from napari_lesion.plugin.layout.steps import STEPS
from napari_lesion.plugin.reading_study.reading_session import reading_session
from napari_lesion.plugin.session.open_scans import BUDGET_SETTING
from napari_lesion.plugin.session.session import MODES, READING
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.texts import LANGUAGES, use_language
from napari_lesion.plugin.viewer.layers import SCAN, frame_of, scan_key, scan_layer
from napari_lesion.plugin.viewer.layout import arrange
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.measuring import measuring_tools
from napari_lesion.plugin.viewer.tools.presets import PRESETS
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import PLANES
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.viewer.views.side_by_side import side_by_side
from napari_lesion.review import drawing, edits
from napari_lesion.review.review import Review, unsearched
from napari_lesion.support.errors import ReviewError
from napari_lesion.support.progress import Progress, silent

PANELS = ("Detect lesions", "Finding", "Follow-up", "Annotate", "Second reader", "Reading")
PATIENCE_MS = 60_000
DRAWN = 25
"""In one step of so many the window is drawn; in the others only the pictures that are looked at."""
SIZES = ((1100, 640), (1000, 600), (1240, 600))
OFTEN = (
    *("look", "jump", "click_row", "judge", "undo", "redo", "type_a_comment", "scroll", "zoom", "pan", "window"),
    *("slab", "names"),
)
SELDOM = (
    *("open", "close", "delete_by_hand", "search", "switch_while_searching", "switch_while_measuring", "read_blind"),
    *("switch_while_exporting", "close_while_searching", "prior", "prior_refused", "four_up", "3d", "menu"),
    *("foreign_layer", "resize", "short_of_memory", "mode"),
)
"""Steps that cost much, beside those that are neither: twelve times, and four times, as likely as these."""


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
    """One viewer with all panels, and the scans of `session_scans`.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window.
    detector, outliner
        In the places of the networks.
    qtbot
    seed : int
    workstation : bool
        Lay the window out as the workstation; else plain napari, with each panel in a dock of its own.
    """

    def __init__(
        self, viewer: Any, detector: BlobDetector, outliner: Outliner, qtbot: Any, seed: int, *, workstation: bool
    ) -> None:
        self.viewer, self.detector, self.outliner, self.qtbot, self.seed = viewer, detector, outliner, qtbot, seed
        self.scans = coded_scans()
        self.random = random.Random(f"{seed}")
        self.panels: dict[str, Any] = {}
        self.layout: Any = None
        scan_view(viewer)
        if workstation:
            self._open_workstation()
        else:
            for name in PANELS:
                self.panels[name] = viewer.window.add_plugin_dock_widget("napari-lesion", name, tabify=True)[1]
            self.detect = self.panels["Detect lesions"]
            self.findings = self.detect.findings
        own = viewer.window._qt_viewer
        own.dockLayerList.hide()  # napari paints each row anew at each change
        self.truth = Truth(viewer, self.scans, self._lists())
        self.truth.tables = lambda: [self.findings.rows]
        self.session, self.open_scans = self.truth.session, self.truth.open_scans
        self.exports = Exports(self.session)
        self._put_in_window(self.exports)
        self.steps: dict[str, Callable[[], None]] = {
            name.removeprefix("do_"): getattr(self, name) for name in dir(self) if name.startswith("do_")
        }
        if self.layout is None:
            del self.steps["step"], self.steps["mode"]
        self.log: list[str] = []
        self.done: list[str] = []
        """What was done, as `replay` takes it."""
        self.places: dict[str, tuple[float, float, float]] = {}
        """Where the crosshair was when a scan was last on the screen."""
        self.spent: dict[str, list[float]] = {}
        """Seconds of the processor, by step."""

    def _open_workstation(self) -> None:
        self.layout = arrange(self.viewer)
        self.layout.show()
        side = self.layout.side
        for step in STEPS:
            side.steps.go_to(step)
        for mode in MODES[1:]:
            side.enter(mode)
        side.leave()
        side.steps.go_to("find")
        self.panels = {**side.steps.parts, **side.parts}
        self.detect, self.findings = self.panels["search"], self.panels["findings"]

    def _lists(self) -> tuple[QWidget, ...]:
        """What may name another scan: lists of scans, and the line that says which scan is being searched."""
        if self.layout is None:
            return (self.detect.controls.status,)
        return self.detect.controls.status, self.layout.rail, self.layout.browser_dialog

    def _put_in_window(self, widget: QWidget) -> None:
        """Where it is looked at like everything else."""
        widget.setParent(self.viewer.window._qt_window)
        widget.hide()

    # -- steps --------------------------------------------------------------------------------------------------------

    def step(self, number: int, name: str = "") -> None:
        """Do something, and look at everything.

        Parameters
        ----------
        number : int
            Of the step: chance has its own seed in each, so a step does the same whichever others are left out.
        name : str
            What to do; drawn by chance where none is given.
        """
        chance = random.Random(f"{self.seed} {number}")
        if not name:
            [name] = chance.choices(list(self.steps), self._weights())
        self.random, self.truth.random = random.Random(f"{self.seed} {number} {name}"), chance
        self.done.append(f"{number}:{name}")
        before, open_ = self.code, {self.truth.by_key[one.key].code for one in self.open_scans.scans}
        began = time.process_time()
        # Drawing the window takes most of the time, and a canvas draws itself when its picture is asked for.
        window = self.viewer.window._qt_window
        window.setUpdatesEnabled(number % DRAWN == 0)
        self.steps[name]()
        self.settle()
        self.log.append(f"{number}: {name} {before} → {self.code}")
        done = time.process_time()
        self.check()
        self.spent.setdefault(name, []).append(done - began)
        self.spent.setdefault("(looking)", []).append(time.process_time() - done)
        place = self.session.position_mm
        if place is not None:
            if self.code != before and self.code in open_ and self.code in self.places:
                apart = np.abs(np.subtract(place, self.places[self.code])).max()
                assert apart < 2.1, f"{self.code} comes back {apart:.1f} mm from where it was left"
            self.places[self.code] = place

    def _weights(self) -> list[int]:
        """How likely each step is: where much rests, what ends that is."""
        weights = {one: 12 if one in OFTEN else 1 if one in SELDOM else 4 for one in self.steps}
        if self.viewer.dims.ndisplay == 3:
            weights["3d"] = 40
        if self.session.blind:
            weights["read_blind"] = 40
        if len(self.open_scans.scans) < 3:
            weights["open"] = 80
        return list(weights.values())

    def run(self, steps: int, replay: str = "") -> None:
        """Do so many steps, or those of a list like ``0:open 3:switch``, which is what a failure prints."""
        listed = [(int(one.partition(":")[0]), one.partition(":")[2]) for one in replay.split()]
        try:
            for number, name in listed or ((number, "") for number in range(steps)):
                self.step(number, name)
        except BaseException as error:
            error.add_note("\n  ".join((f"Seed {self.seed}, the last steps:", *self.log[-12:], self.done[-1])))
            error.add_note(
                f"Again: NAPARI_LESION_SESSION_SEED={self.seed} NAPARI_LESION_SESSION_REPLAY={' '.join(self.done)!r}"
            )
            raise

    def costs(self) -> str:
        """Say what the steps cost, seconds of the processor in all and at the median, the dearest first."""
        rows = sorted(self.spent.items(), key=lambda one: -sum(one[1]))
        return "\n".join(f"{sum(s):7.2f} s {np.median(s):7.3f} s {len(s):6d} × {name}" for name, s in rows)

    def settle(self) -> None:
        """Let happen what happens by itself."""
        for _ in range(2):
            QApplication.processEvents()

    def check(self) -> None:
        """Look at everything."""
        self.truth.check()

    @property
    def code(self) -> str:
        """Of the scan on the screen."""
        return self.truth.code

    @property
    def current(self) -> Coded | None:
        """The scan on the screen."""
        return self.truth.current

    @contextmanager
    def _nothing_elsewhere(self) -> Iterator[None]:
        """Whatever is done meanwhile, nothing of another scan changes, neither here nor on the disk."""
        before = self._elsewhere()
        yield
        assert self._elsewhere() == before, "something of another scan was changed"

    def _elsewhere(self) -> list[Any]:
        marks = annotator(self.session)
        own = self.open_scans.current.key if self.open_scans.current is not None else ""
        seen: list[Any] = [(one.key, id(self.session.review_of(one.volume))) for one in self.truth.others()]
        return [*seen, *((key, id(one.found)) for key, one in marks._scans.items() if key != own)]

    def do_open(self) -> None:
        self.open(self.random.choice(self.scans))

    def open(self, scan: Coded) -> None:
        """Open a scan, or raise it where it is open."""
        volume = scan.volume
        files = Series(volume.series, (), "volume", volume.series.series_uid)  # it could be read again
        data, attributes, _ = scan_layer(volume, files)
        self.viewer.add_image(data, **attributes)

    def do_switch(self) -> None:
        if self.open_scans.scans:
            self.open_scans.show(self.random.choice(self.open_scans.scans))

    def do_choose_scan_in_panel(self) -> None:
        if self.detect.scans.count():
            self.detect.scans.setCurrentIndex(self.random.randrange(self.detect.scans.count()))

    def do_close(self) -> None:
        if len(self.open_scans.scans) > 2:
            self.open_scans.close(self.random.choice(self.open_scans.scans))

    def do_short_of_memory(self) -> None:
        """Turn to another scan while there is room for one: all others are dropped, and come back when opened."""
        others = self.truth.others()
        if not others:
            return
        store(BUDGET_SETTING, 0.0)
        try:
            self.open_scans.show(self.random.choice(others))
        finally:
            store(BUDGET_SETTING, 4.0)
        kept = [one for one in self.truth.others() if not one.at_work]
        assert kept == [], "what is not on the screen and not worked on was not dropped"

    def do_delete_by_hand(self) -> None:
        ours = [layer for layer in self.viewer.layers if SCAN in layer.metadata]
        if ours and len(self.open_scans.scans) > 1:
            self.viewer.layers.remove(self.random.choice(ours))

    def do_rename_by_hand(self) -> None:
        if self.viewer.layers:
            layer = self.random.choice(self.viewer.layers)
            layer.name = f"{layer.name} again"[-60:]

    def do_move_by_hand(self) -> None:
        """It goes back at once."""
        ours = [layer for layer in self.viewer.layers if SCAN in layer.metadata]
        if ours:
            layer = self.random.choice(ours)
            layer.translate = (5.0, -7.0, 11.0)[-layer.ndim :]  # a projection has two axes

    def do_menu(self) -> None:
        """What napari's menus make of the layer that is chosen; hidden, for a copy covers its own scan."""
        layers, current = self.viewer.layers, self.open_scans.current
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
        elif self.open_scans.current is not None:
            self.viewer.add_points(np.zeros((1, 3)), name="theirs", visible=False)

    def _searchable(self) -> bool:
        return self.detect.run_button.isEnabled() and not self.session.blind

    def do_search(self) -> None:
        if self._searchable():
            self.detect.run()
            self.qtbot.waitUntil(lambda: self.detect._task is None, timeout=PATIENCE_MS)

    def do_switch_while_searching(self) -> None:
        if not self._searchable() or len(self.open_scans.scans) < 2:
            return
        searched, go = self.open_scans.current, threading.Event()
        review = self.session.review
        self.detector.before = lambda _progress: go.wait(30) and None
        try:
            self.detect.run()
            self.open_scans.show(self.random.choice(self.truth.others()))
            self.settle()
            self.check()
        finally:
            go.set()
            self.detector.before = lambda _progress: None
        other = self.open_scans.current
        self.qtbot.waitUntil(lambda: self.detect._task is None, timeout=PATIENCE_MS)
        assert self.open_scans.current is other, "a result that comes later turns to no scan"
        assert self.session.review_of(searched.volume) is not review, "it is with its own scan"

    def do_close_while_searching(self) -> None:
        """Its result is of a scan that is not there any more."""
        if not self._searchable() or len(self.open_scans.scans) < 3:
            return
        searched, go = self.open_scans.current, threading.Event()
        self.detector.before = lambda _progress: go.wait(30) and None
        try:
            self.detect.run()
            self.open_scans.close(searched)
            self.settle()
            self.check()
        finally:
            go.set()
            self.detector.before = lambda _progress: None
        self.qtbot.waitUntil(lambda: self.detect._task is None, timeout=PATIENCE_MS)
        assert self.session.review_of(searched.volume) is None

    def do_switch_while_exporting(self) -> None:
        scan, others = self.current, self.truth.others()
        if scan is None or not others or self.session.blind or self.session.review is None:
            return
        ids = {finding.id for finding in findings_view(self.session).report().findings}
        with tempfile.TemporaryDirectory() as folder:
            self.exports.write(Path(folder), ("json", "csv"))
            self.open_scans.show(self.random.choice(others))
            self.qtbot.waitUntil(lambda: not self.exports.running, timeout=PATIENCE_MS)
            [written] = Path(folder).glob("**/findings.json")
            content = json.loads(written.read_text())
            texts = "".join(file.read_text() for file in Path(folder).glob("**/*.csv"))
        assert content["series_uid"] == scan.volume.series.series_uid
        assert {finding["id"] for finding in content["findings"]} == ids
        for other in self.scans:
            assert other is scan or other.code not in json.dumps(content) + texts

    def do_switch_while_measuring(self) -> None:
        scan, others = self.open_scans.current, self.truth.others()
        if scan is None or not others or self.session.blind or scan.volume.series.modality != "CT":
            return
        work = measuring(self.session)
        self.qtbot.waitUntil(lambda: work._task is None, timeout=PATIENCE_MS)
        go = self.outliner.go = threading.Event()
        try:
            self.do_add()
            self.settle()
            added = self.session.finding
            self.open_scans.show(self.random.choice(others))
            self.settle()
            self.check()
        finally:
            go.set()
        self.qtbot.waitUntil(lambda: work._task is None, timeout=PATIENCE_MS)
        review = self.session.review_of(scan.volume)
        if added and review is not None and added in {finding.id for finding in review.findings}:
            finding = review.finding(added)
            assert finding.measurement is not None or finding.unmeasured, "what was measured is with its own scan"

    def do_add(self) -> None:
        scan = self.current
        if scan is not None and not self.session.blind:
            place = place_in(scan.volume, self.random)
            view = findings_view(self.session)
            if view.change(lambda review, by: edits.add(review, place, 6.0, by, scan.volume)):
                new = self.session.review.changes[-1].after[0].id
                view.change(lambda review, by: edits.comment(review, new, f"note {scan.code}", by))

    def do_look(self) -> None:
        view = findings_view(self.session)
        if view.shown:
            view.look_at(self.random.choice(view.shown).id)

    def do_jump(self) -> None:
        if self.current is not None:
            self.session.go_to(place_in(self.current.volume, self.random))

    def do_click_row(self) -> None:
        if self.findings.rows.rowCount():
            self.findings.table.selectRow(self.random.randrange(self.findings.rows.rowCount()))

    def do_judge(self) -> None:
        view = findings_view(self.session)
        if view.selected:
            with self._nothing_elsewhere():
                self._action(self.random.choice(("findings.accept", "findings.reject", "findings.reopen")))

    def do_edit(self) -> None:
        """Move, resize, merge or delete findings."""
        scan, view = self.current, findings_view(self.session)
        if scan is None or self.session.blind or not view.findings:
            return
        one, place = self.random.choice(view.findings).id, place_in(scan.volume, self.random)
        every = [finding.id for finding in view.findings][:2]
        size = self.random.uniform(4, 12)
        edit = self.random.choice(
            (
                lambda review, by: edits.move(review, one, place, by, scan.volume),
                lambda review, by: edits.resize(review, one, size, by),
                lambda review, by: edits.merge(review, every, by, scan.volume, insist=len(every) > 1),
                lambda review, by: edits.remove(review, [one], by),
            )
        )
        with self._nothing_elsewhere():
            view.change(edit)

    def do_undo(self) -> None:
        with self._nothing_elsewhere():
            self._action("findings.undo")

    def do_redo(self) -> None:
        with self._nothing_elsewhere():
            self._action("findings.redo")

    def _action(self, id_: str) -> None:
        next(one for one in review_keys.ACTIONS if one.id == id_).run(self.session)

    def do_type_a_comment(self) -> None:
        """Begin to write, and leave it there."""
        line, scan = self.findings.comment, self.current
        if line.isEnabled() and scan is not None and findings_view(self.session).chosen is not None:
            line.setText(f"typed {scan.code}")

    def do_annotate(self) -> None:
        scan, one = self.current, annotator(self.session)
        if scan is not None and one.annotations is not None:
            one.add_point(place_in(scan.volume, self.random), 8.0)
            one.comment(f"mark {scan.code}")

    def do_annotation_tool(self) -> None:
        annotator(self.session).use(self.random.choice(("", "select", "point", "brush")))

    def do_annotation_undo(self) -> None:
        with self._nothing_elsewhere():
            annotator(self.session).undo()
            annotator(self.session).undo()

    def do_measure(self) -> None:
        """Draw with one of the measuring tools, on a plane through the scan."""
        scan = self.current
        if scan is None or self.session.blind:
            return
        tool, axes = self.random.choice(TOOLS), frame_of(scan.volume).axes
        place = np.array(place_in(scan.volume, self.random))
        normal, across, along = axes[self.random.sample(range(3), 3)]
        ways = {
            "ellipse": ((-4, 0), (4, 0), (0, -3), (0, 3)),
            "rectangle": ((-4, -3), (4, -3), (4, 3), (-4, 3)),
        }.get(tool, ((-4, 0), (4, 0), (4, 5))[: POINTS[tool]])
        points = [place + right * across + down * along for right, down in ways]
        words = f"drawn {scan.code}" if tool in ("arrow", "pin") else ""
        with self._nothing_elsewhere():
            measuring_tools(self.session).change(
                lambda review, by: drawing.draw(review, tool, points, normal, by, scan.volume, text=words)
            )

    def do_measuring_tool(self) -> None:
        measuring_tools(self.session).use(self.random.choice((None, *TOOLS)))

    def do_outline_tool(self) -> None:
        if findings_view(self.session).chosen is not None:
            outlines(self.session).use(self.random.choice(("", "paint", "erase")))

    def do_read_blind(self) -> None:
        reading = reading_session(self.session)
        if reading.running:
            reading.pause()
        elif self.current is not None and self.current.volume.series.modality == "CT" and reading.reading is None:
            reading.start()

    def do_prior(self) -> None:
        """See the scan beside another one, of the same patient or, by the reader's word, of another."""
        scan = self.current
        if scan is None or self.session.blind:
            return
        other = self.random.choice([one for one in self.scans if one is not scan and one.volume.shape[0] > 1])
        review = Review(unsearched(other.volume))
        said = Alignment(accepted=False, says="not tried")
        uid = other.volume.series.series_uid
        comparison = Comparison(prior_series_uid=uid, prior_study_date="20200101", days=3, alignment=said)
        known = priors(self.session)
        known._loaded.setdefault(scan_key(scan.volume), {})[uid] = Prior(other.volume, review.report, comparison, None)
        known.choose(uid)
        side_by_side(self.session).show()

    def do_prior_refused(self) -> None:
        """A scan of another patient is no prior, unless the reader insists."""
        scan, known = self.current, priors(self.session)
        if scan is None or known.obstacle() or known.running or scan.volume.series.modality != "CT":
            return
        other = self.random.choice([one for one in self.scans if one.patient != scan.patient])
        assert other.volume.series.series_uid not in {one.identity.series_uid for one in known.choices()}
        before = self.session.comparison
        with pytest.raises(ReviewError, match=r".+"):
            known.compare(other.volume)
        assert self.session.comparison is before
        assert not known.running

    def do_hide_prior(self) -> None:
        side_by_side(self.session).show(False)

    def do_four_up(self) -> None:
        views(self.viewer).toggle()

    def do_3d(self) -> None:
        self.viewer.dims.ndisplay = 5 - self.viewer.dims.ndisplay

    def do_plane(self) -> None:
        if self.viewer.dims.ndim == 3:
            self.viewer.dims.order = self.random.choice(list(PLANES.values()))

    def do_scroll(self) -> None:
        shown = views(self.viewer)
        shown.crosshair.scroll(shown.panes[0], self.random.randint(-4, 4))

    def do_zoom(self) -> None:
        views(self.viewer).panes[0].zoom_by(self.random.choice((0.8, 1.25)))

    def do_pan(self) -> None:
        camera = self.random.choice(views(self.viewer).planes or views(self.viewer).panes).view.scene.camera
        camera.center = (camera.center[0], *(value + self.random.uniform(-15, 15) for value in camera.center[-2:]))

    def do_resize(self) -> None:
        self.viewer.window._qt_window.resize(*self.random.choice(SIZES))

    def do_step(self) -> None:
        self.layout.side.steps.go_to(self.random.choice(STEPS))

    def do_mode(self) -> None:
        """Enter annotation or the second reader, or leave it."""
        if self.session.mode == READING:
            self.layout.side.enter(self.random.choice(MODES[1:]))
        else:
            self.layout.side.leave()

    def do_heatmap(self) -> None:
        if not self.session.blind:
            for name in ("findings.heatmap", "findings.heatmap", "findings.outlines"):
                self._action(name)

    def do_reset(self) -> None:
        views(self.viewer).reset()

    def do_window(self) -> None:
        tools = reading_tools(self.session)
        self.random.choice(
            (lambda: tools.set_preset(self.random.choice(PRESETS[:4])), tools.auto_window, tools.invert)
        )()

    def do_slab(self) -> None:
        tools = reading_tools(self.session)
        tools.set_slab(tools.slab.next_mode())

    def do_cine(self) -> None:
        reading_tools(self.session).cine.toggle()

    def do_language(self) -> None:
        use_language(self.random.choice(list(LANGUAGES)))
        reading_tools(self.session)._refresh()

    def do_names(self) -> None:
        tools = reading_tools(self.session)
        tools.set_names(not tools.names)
