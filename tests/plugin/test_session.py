"""The scan on the screen owns everything on the screen, whatever a reader does and in whatever order."""

from __future__ import annotations

import gc
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dicom_factory as factory
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.layers._source import layer_source
from plugin_scan import BlobDetector
from session_driver import PANELS, Driver, Outliner
from session_scans import Coded, coded_scans

from napari_lesion.dicom.index.series import Series, find_series
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.open_scans import BUDGET_SETTING, open_scans
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.texts import use_language
from napari_lesion.plugin.viewer.layers import about, scan_layer
from napari_lesion.plugin.viewer.reader import open_series
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.review import edits
from napari_lesion.review.review import Review, unsearched

SEEDS = (2, 3, 4, 6, 7, 8, 9)
STEPS = int(os.environ.get("NAPARI_LESION_SESSION_STEPS", "220"))
SEED = os.environ.get("NAPARI_LESION_SESSION_SEED", "")
REPLAY = os.environ.get("NAPARI_LESION_SESSION_REPLAY", "")


@pytest.fixture
def only_new_garbage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the collector of garbage look at what a test makes, not at a million objects of imported libraries."""
    gc.collect()
    gc.freeze()
    monkeypatch.setattr("napari_lesion.plugin.widgets.garbage.gc.unfreeze", lambda: None)
    yield
    monkeypatch.undo()
    gc.unfreeze()


@pytest.mark.parametrize("seed", [*map(int, SEED.split())] or SEEDS)
def test_whatever_one_does_only_the_current_scan_is_on_the_screen(
    make_napari_viewer: Callable[..., Any],
    detector: BlobDetector,
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    only_new_garbage: None,
    seed: int,
) -> None:
    """Seeds that are even open the workstation, the others plain napari with all panels."""
    # Networks would take most of the time; what they find goes the same ways.
    outliner = Outliner()
    monkeypatch.setattr("napari_lesion.assessment.measure.measure.segment_all", outliner)
    monkeypatch.setattr("napari_lesion.assessment.measure.measure.looks_of", lambda _, masks: [None] * len(masks))
    for name in ("annotation/folder", "reading/folder"):
        store(name, str(tmp_path / name))
    viewer = make_napari_viewer(show=seed % 2 == 1)
    began = time.process_time()
    driver = Driver(viewer, detector, outliner, qtbot, seed, workstation=seed % 2 == 0)
    viewer.window._qt_window.resize(1100, 640)
    for scan in driver.scans:
        driver.open(scan)
    driver.settle()
    opened = time.process_time()
    try:
        driver.run(STEPS, REPLAY)
    finally:
        use_language("en")
    if not REPLAY:
        assert driver.truth.looked_at > STEPS / 2
        assert driver.truth.probed > STEPS / 10
    done = time.process_time()
    sys.stdout.write(
        f"{STEPS} steps, {driver.truth.looked_at} pictures, {driver.truth.probed} probes; "
        f"{opened - began:.1f} s to open, {(done - opened) / STEPS:.3f} s a step\n{driver.costs()}\n"
    )


def add(viewer: ViewerModel, scan: Coded, source: object = None) -> Image:
    data, attributes, _ = scan_layer(scan.volume, source)
    return viewer.add_image(data, **attributes)


def add_finding(session: Session, place: Any) -> None:
    session.change(lambda review, by: edits.add(review, place, 5, by, session.volume))


@pytest.fixture
def model(qapp: Any) -> ViewerModel:
    """A viewer without a window."""
    model = ViewerModel()
    scan_view(model)
    return model


def test_a_scan_that_is_opened_again_is_raised_with_its_review(model: ViewerModel, qapp: Any) -> None:
    session = session_of(model)
    findings_view(session)
    one, two, *_ = coded_scans()
    first = add(model, one)
    place = one.volume.to_patient((8, 30, 36))
    add_finding(session, place)
    session.go_to(place)
    first.contrast_limits = (-100, 300)
    add(model, two)
    assert session.review is None
    assert first not in model.layers
    add(model, coded_scans()[0])  # read once more
    qapp.processEvents()
    assert session.scan is first
    assert [layer.name for layer in model.layers if "[" in layer.name] == []
    assert len(session.scans()) == 2
    assert len(session.review.findings) == 1
    assert session.position_mm == pytest.approx(place, abs=1.5)
    assert tuple(first.contrast_limits) == (-100, 300)


def test_a_layer_that_comes_for_another_scan_waits_with_it(model: ViewerModel, qapp: Any) -> None:
    scans = open_scans(model)
    one, two, *_ = coded_scans()
    first, second = add(model, one), add(model, two)
    late = model.add_points(np.zeros((1, 3)), metadata=about(one.volume))
    assert not late.visible
    qapp.processEvents()
    assert list(model.layers) == [second]
    scans.show(scans.of(first))
    assert list(model.layers) == [first, late]
    assert late.visible


def test_layers_of_others_are_left_alone_and_lie_where_they_lay(model: ViewerModel, qapp: Any) -> None:
    below = model.add_image(np.zeros((4, 5, 6)), name="below")
    scans = open_scans(model)
    one, two, *_ = coded_scans()
    first = add(model, one)
    above = model.add_points(np.zeros((1, 3)), name="above")
    second = add(model, two)
    assert list(model.layers) == [below, above, second]
    scans.show(scans.of(first))
    assert list(model.layers) == [below, first, above]
    with layer_source(parent=first):
        copy = Layer.create(*first.as_layer_data_tuple())
    model.add_layer(copy)
    scans.show(scans.of(second))
    assert copy not in model.layers, "a copy of a scan is a scan's"
    assert list(model.layers) == [below, above, second]
    model.layers.clear()
    qapp.processEvents()
    assert scans.current is scans.of(first), "whoever clears the list closes what is on the screen"
    model.layers.clear()
    qapp.processEvents()
    assert scans.scans == ()
    assert list(model.layers) == []


def test_two_viewers_have_a_scan_each_and_share_its_voxels(model: ViewerModel, qapp: Any, tmp_path: Path) -> None:
    factory.write_phantom(tmp_path)
    [series] = find_series(tmp_path)
    [(data, attributes, _)] = open_series([series])
    first = model.add_image(data, **attributes)
    other = ViewerModel()
    scan_view(other)
    [(data, attributes, _)] = open_series([series])
    second = other.add_image(data, **attributes)
    assert second.metadata["volume"] is first.metadata["volume"], "nobody reads twice what is open"
    open_scans(other).close(open_scans(other).of(second))
    assert list(other.layers) == []
    assert list(model.layers) == [first]


def test_scans_beyond_the_budget_are_closed_and_come_back_as_they_were(
    model: ViewerModel, qapp: Any, tmp_path: Path
) -> None:
    scans, session = open_scans(model), session_of(model)
    reading_tools(session)
    layers = []
    for name in ("first", "second", "third"):
        datasets = factory.ct_slices(factory.asymmetric_phantom(), name)
        factory.write(datasets, tmp_path / name)
        [series] = find_series(tmp_path / name)
        [(data, attributes, _)] = open_series([series])
        layers.append(model.add_image(data, **attributes))
        if name == "first":
            place = session.volume.to_patient((4, 9, 12))
            add_finding(session, place)
            session.go_to(place)
            layers[0].contrast_limits = (-50, 70)
            scans.begin_work(scans.current)
    each = scans.current.nbytes
    assert len(scans.scans) == 3
    store(BUDGET_SETTING, 2.5 * each / 2**30)
    held, idle, last = scans.scans
    scans.show(held)
    scans.show(last)
    assert scans.scans == (held, last), "what is being worked on stays, and what is on the screen"
    assert scans.nbytes == 2 * each
    scans.end_work(held)
    store(BUDGET_SETTING, 1.5 * each / 2**30)
    [(data, attributes, _)] = open_series([idle.source])
    model.add_image(data, **attributes)
    assert [scan.key for scan in scans.scans] == [idle.key]
    [(data, attributes, _)] = open_series([held.source])
    again = model.add_image(data, **attributes)
    assert again is not layers[0]
    assert session.position_mm == pytest.approx(place, abs=1.5)
    assert tuple(again.contrast_limits) == (-50, 70)
    assert len(session.review.findings) == 1


def test_layers_that_come_and_go_move_no_crosshair(model: ViewerModel, qapp: Any) -> None:
    """napari puts its point elsewhere when its sliders go farther, and the crosshair of the scan went along."""
    session, scans = session_of(model), coded_scans()
    for scan in (scans[4], scans[3]):
        add(model, scan)
    place = session.volume.to_patient((4.3, 11.2, 40.1))
    session.point_at(place)
    model.scene.camera.zoom *= 1.3
    theirs = model.add_points(np.full((1, 3), 300.3), name="theirs")
    assert session.position_mm == pytest.approx(place, abs=0.01)
    model.layers.remove(theirs)
    assert session.position_mm == pytest.approx(place, abs=0.01)
    add(model, coded_scans()[4])  # is open, and raised
    qapp.processEvents()
    assert session.volume.series.modality == "CR"
    add(model, coded_scans()[3])
    qapp.processEvents()
    assert session.position_mm == pytest.approx(place, abs=0.01)


def test_nothing_holds_a_scan_that_was_dropped(
    make_napari_viewer: Callable[..., Any], detector: BlobDetector, qtbot: Any, tmp_path: Path
) -> None:
    """With all panels, four views, findings, a heatmap and marks: what is not on the screen frees its memory."""
    viewer = make_napari_viewer(show=False)
    scan_view(viewer)
    panel = viewer.window.add_plugin_dock_widget("napari-lesion", PANELS[0])[1]
    for name in PANELS[1:]:
        viewer.window.add_plugin_dock_widget("napari-lesion", name)
    store("annotation/folder", str(tmp_path / "annotations"))
    store(BUDGET_SETTING, 0.0)
    scans, session = open_scans(viewer), session_of(viewer)
    held: list[weakref.ref[Any]] = []
    for name in ("first", "second", "third"):
        factory.write(factory.ct_slices(factory.asymmetric_phantom(), name), tmp_path / name)
        [series] = find_series(tmp_path / name)
        [(data, attributes, _)] = open_series([series])
        layer = viewer.add_image(data, **attributes)
        held += [weakref.ref(layer), weakref.ref(layer.metadata["volume"])]
        del data, attributes, layer
        if name == "first":
            views(viewer).show_all()
        add_finding(session, session.volume.to_patient((4, 9, 12)))
        annotator(session).add_point(session.position_mm, 6.0)
        panel.run()
        qtbot.waitUntil(lambda: panel._task is None and not any(one.at_work for one in scans.scans), timeout=60_000)
    assert len(scans.scans) == 1

    def gone() -> bool:
        gc.collect()
        return all(one() is None for one in held[:-2])

    qtbot.waitUntil(gone, timeout=60_000)
    assert held[-1]() is session.volume


def test_what_is_printed_of_a_scan_names_nobody(model: ViewerModel) -> None:
    scan = coded_scans()[0]
    layer = add(model, scan)
    series = Series(scan.volume.series, (), "volume", scan.volume.series.series_uid)
    review = Review(unsearched(scan.volume))
    printed = " ".join(
        map(repr, (scan.volume, series, layer, layer.metadata, open_scans(model).current, review, review.report))
    )
    for private in ("ID-ONE", "ONE^", "19500102"):
        assert private not in printed
