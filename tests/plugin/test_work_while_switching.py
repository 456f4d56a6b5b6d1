"""A switch while something runs: the work goes on for its own scan, and its result appears there and nowhere else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_scan import make_volume
from napari.components import ViewerModel
from napari.layers import Image
from plugin_scan import NODULES, BlobDetector
from qtpy.QtWidgets import QMessageBox
from session_driver import Outliner
from session_scans import Coded, coded_scans

from napari_lesion.follow_up import FollowedUp, Prior
from napari_lesion.model.compared import Alignment, Comparison
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.findings.detect_panel import DetectPanel
from napari_lesion.plugin.findings.exports import Exports
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.measuring import measuring
from napari_lesion.plugin.follow_up.priors import priors
from napari_lesion.plugin.session.open_scans import BUDGET_SETTING, open_scans
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.viewer.layers import scan_layer
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.review import edits
from napari_lesion.review.review import Review, unsearched
from napari_lesion.support.errors import ConfigError, UntrustedCodeError

PATIENCE_MS = 30_000


class Gate:
    """Stands in the way of work on another thread, until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def wait(self, *_: object, **__: object) -> None:
        self.reached.set()
        assert self._open.wait(PATIENCE_MS / 1000)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def model(qapp: Any) -> ViewerModel:
    """A viewer without a window."""
    model = ViewerModel()
    scan_view(model)
    return model


@pytest.fixture
def two(model: ViewerModel, monkeypatch: pytest.MonkeyPatch) -> tuple[Session, Image, Image]:
    """Two scans of two patients, the first on the screen."""
    monkeypatch.setattr("napari_lesion.assessment.measure.measure.segment_all", Outliner())
    monkeypatch.setattr("napari_lesion.assessment.measure.measure.looks_of", lambda _, masks: [None] * len(masks))
    session = session_of(model)
    findings_view(session)
    one, _, other, *_ = coded_scans()
    first, second = (_add(model, scan) for scan in (one, other))
    session.set_active_scan(first)
    return session, first, second


def _add(viewer: ViewerModel, scan: Coded) -> Image:
    data, attributes, _ = scan_layer(scan.volume)
    return viewer.add_image(data, **attributes)


def _mark(session: Session, share: float = 0.5) -> str:
    """Add a finding to the scan on the screen, and get its id."""
    volume = session.volume
    place = tuple(volume.to_patient([share * (size - 1) for size in volume.shape]).tolist())
    session.change(lambda review, by: edits.add(review, place, 6.0, by, volume))
    return str(session.review.changes[-1].after[0].id)


def _ids(review: Review | None) -> set[str]:
    return {finding.id for finding in review.findings} if review is not None else set()


def test_what_a_search_finds_comes_to_its_own_scan(
    make_napari_viewer: Callable[..., Any], detector: BlobDetector, gate: Gate, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=False)
    scan_view(viewer)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    one, _, other, *_ = coded_scans()
    first, second = _add(viewer, one), _add(viewer, other)
    session = session_of(viewer)
    session.set_active_scan(first)
    detector.before = gate.wait
    panel.run()
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    gate.open()
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)
    assert session.scan is second
    assert session.review is None
    assert [layer for layer in viewer.layers if "ALFA" in layer.name] == []
    found = _ids(session.review_of(one.volume))
    assert len(found) == 2
    session.set_active_scan(first)
    assert _ids(session.review) == found


@pytest.mark.parametrize("closed", [False, True])
def test_a_search_that_asks_and_goes_on_searches_the_scan_that_it_was_begun_for(
    make_napari_viewer: Callable[..., Any],
    detector: BlobDetector,
    gate: Gate,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    closed: bool,
) -> None:
    """The question came while another scan was on the screen, and that one was searched."""

    def load(_name: str, *, trust_code: bool = False) -> BlobDetector:
        if not trust_code:
            gate.wait()
            raise UntrustedCodeError("network_def: scripts.net.Net is not part of MONAI.")
        return detector

    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", load)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    viewer = make_napari_viewer(show=False)
    scan_view(viewer)
    panel: DetectPanel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")[1]
    one, _, other, *_ = coded_scans()
    first, second = _add(viewer, one), _add(viewer, other)
    session = session_of(viewer)
    session.set_active_scan(first)
    panel.run()
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    if closed:
        session.open_scans.close(session.open_scans.of(first))
    gate.open()
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)
    assert session.review_of(other.volume) is None
    assert len(_ids(session.review_of(one.volume))) == (0 if closed else 2)


def test_what_is_measured_comes_to_its_own_scan(
    two: tuple[Session, Image, Image], gate: Gate, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, first, second = two
    outliner = Outliner()
    outliner.go = gate._open
    monkeypatch.setattr("napari_lesion.assessment.measure.measure.segment_all", outliner)
    work = measuring(session)
    mine = _mark(session)
    qtbot.waitUntil(lambda: work._task is not None, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    theirs = _mark(session)
    session.select(theirs)  # the reader waits for another finding, of another scan
    gate.open()
    qtbot.waitUntil(lambda: work._task is None and work.waiting == 0, timeout=PATIENCE_MS)
    volumes = {scan: session.review_of(scan.metadata["volume"]) for scan in (first, second)}
    assert _ids(volumes[first]) == {mine}
    assert _ids(volumes[second]) == {theirs}
    assert volumes[first].finding(mine).measurement is not None
    assert volumes[second].finding(theirs).measurement is not None
    assert session.scan is second


def test_a_measurement_that_cannot_be_kept_is_said_of_its_own_findings(
    two: tuple[Session, Image, Image], gate: Gate, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The findings of the scan on the screen were said to be those that could not be measured."""
    session, first, second = two
    outliner = Outliner()
    outliner.go = gate._open
    monkeypatch.setattr("napari_lesion.assessment.measure.measure.segment_all", outliner)
    work = measuring(session)
    mine = _mark(session)
    qtbot.waitUntil(lambda: work._task is not None, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    session.set_blind(True)  # nothing of the other one is measured meanwhile
    theirs = _mark(session)
    change = session.change

    def refuse(function: Any, scan: Image | None = None) -> None:
        if scan is first:
            raise ConfigError("The disk is full.")
        change(function, scan)

    monkeypatch.setattr(session, "change", refuse)
    gate.open()
    qtbot.waitUntil(lambda: work._task is None, timeout=PATIENCE_MS)
    assert work.problem(session.review.finding(theirs)) == ""
    assert "disk is full" in work.problem(session.review_of(first.metadata["volume"]).finding(mine))


def test_a_comparison_comes_to_its_own_scan(
    two: tuple[Session, Image, Image], gate: Gate, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, first, second = two
    _, prior, *_ = coded_scans()
    uid = prior.volume.series.series_uid
    said = Alignment(accepted=False, says="not tried")
    comparison = Comparison(prior_series_uid=uid, prior_study_date="20200101", days=3, alignment=said)
    outcome = FollowedUp(Prior(prior.volume, Review(unsearched(prior.volume)).report, comparison, None), (), {})

    def compare(*_: object, **__: object) -> FollowedUp:
        gate.wait()
        return outcome

    monkeypatch.setattr("napari_lesion.plugin.follow_up.priors.follow_up", compare)
    known = priors(session)
    _mark(session)
    ended: list[str] = []
    known.ended.connect(ended.append)
    known.compare(prior.volume)
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    gate.open()
    qtbot.waitUntil(lambda: not known.running, timeout=PATIENCE_MS)
    assert session.scan is second
    assert session.comparison is None
    assert known.prior(uid) is None
    assert "ALFA" in ended[-1], "it is said of which scan"
    session.set_active_scan(first)
    assert known.prior(uid) is outcome.prior


def test_reports_are_of_the_scan_that_they_were_asked_for(
    two: tuple[Session, Image, Image], gate: Gate, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from napari_lesion.plugin.findings import exports
    from napari_lesion.report.write import write_reports

    def write(*args: Any, **more: Any) -> Any:
        gate.wait()
        return write_reports(*args, **more)

    monkeypatch.setattr(exports, "write_reports", write)
    session, first, second = two
    panel = Exports(session)
    mine = _mark(session)
    panel.write(tmp_path, ("json",))
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    assert "another scan" in panel.text.text()
    _mark(session)
    gate.open()
    qtbot.waitUntil(lambda: not panel.running, timeout=PATIENCE_MS)
    assert panel.text.text() == "", "what became of it is said of its own scan"
    [written] = tmp_path.glob("**/findings.json")
    content = json.loads(written.read_text())
    assert content["series_uid"] == first.metadata["volume"].series.series_uid
    assert [finding["id"] for finding in content["findings"]] == [mine]
    session.set_active_scan(first)
    assert "findings.json" in panel.text.text()


def test_what_is_outlined_by_a_click_comes_to_its_own_scan(
    two: tuple[Session, Image, Image], gate: Gate, qtbot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from napari_lesion.plugin.annotate import growing as module

    store("annotation/folder", str(tmp_path))
    session, first, second = two
    ball = Outliner()._ball

    def grow(volume: Any, center: Any) -> Any:
        gate.wait()
        return ball(volume, center, 8.0).mask

    monkeypatch.setattr(module, "grow", grow)
    one = annotator(session)
    place = tuple(np.array(session.volume.to_patient([(size - 1) / 2 for size in session.volume.shape])).tolist())
    one.grow_at(place)
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    session.set_active_scan(second)
    gate.open()
    qtbot.waitUntil(lambda: not one.growing, timeout=PATIENCE_MS)
    assert one.annotations is None or one.annotations.annotations == ()
    session.set_active_scan(first)
    [mark] = one.annotations.annotations
    assert np.allclose(mark.center_mm, place, atol=2)


def test_scans_that_are_being_worked_on_outlive_the_budget_and_are_let_go_of_after(
    model: ViewerModel, qtbot: Any, monkeypatch: pytest.MonkeyPatch, gate: Gate, tmp_path: Path
) -> None:
    """Whatever runs: it holds its scan open, and none is held open when it has ended, failed or been cancelled."""
    from napari_lesion.plugin.findings import exports

    def fail(*_: object, **__: object) -> None:
        gate.wait()
        raise ConfigError("The disk is full.")

    monkeypatch.setattr(exports, "write_reports", fail)
    data, attributes, _ = scan_layer(make_volume(nodules=NODULES))
    model.add_image(data, **attributes)
    session, scans = session_of(model), open_scans(model)
    panel = Exports(session)
    _mark(session)
    panel.write(tmp_path, ("json",))
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    assert [one.at_work for one in scans.scans] == [1]
    store(BUDGET_SETTING, 0.0)
    _add(model, coded_scans()[0])
    assert len(scans.scans) == 2
    gate.open()
    qtbot.waitUntil(lambda: not panel.running, timeout=PATIENCE_MS)
    assert [one.at_work for one in scans.scans if one.at_work] == []


@pytest.mark.parametrize("work", ["measuring", "exporting", "comparing", "outlining"])
def test_a_window_that_closes_while_something_runs_goes_quietly(
    make_napari_viewer: Callable[..., Any],
    gate: Gate,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    work: str,
) -> None:
    """Nothing is delivered to a window that is gone, and nothing is raised."""
    from napari_lesion.plugin.annotate import growing as annotating
    from napari_lesion.plugin.findings import exports

    done = threading.Event()

    def wait(*_: object, **__: object) -> None:
        try:
            gate.wait()
            raise ConfigError("Nobody is there any more.")
        finally:
            done.set()

    monkeypatch.setattr("napari_lesion.assessment.measure.measure.segment_all", wait)
    monkeypatch.setattr("napari_lesion.plugin.follow_up.priors.follow_up", wait)
    monkeypatch.setattr(exports, "write_reports", wait)
    monkeypatch.setattr(annotating, "grow", wait)
    store("annotation/folder", str(tmp_path))
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    session = session_of(viewer)
    one, prior, *_ = coded_scans()
    _add(viewer, one)
    findings_view(session)
    if work == "measuring":
        measuring(session)
    _mark(session)
    if work == "exporting":
        panel = Exports(session)
        viewer.window.add_dock_widget(panel)
        panel.write(tmp_path, ("json",))
    elif work == "comparing":
        priors(session).compare(prior.volume)
    elif work == "outlining":
        annotator(session).grow_at(session.position_mm)
    qtbot.waitUntil(gate.reached.is_set, timeout=PATIENCE_MS)
    viewer.close()
    qtbot.wait(20)
    gate.open()
    assert done.wait(PATIENCE_MS / 1000)
    qtbot.wait(100)
    other = ViewerModel()
    scan_view(other)
    del session
    _add(other, one)
    qtbot.wait(20)
    assert session_of(other).scan is not None
