"""The panel "Detect lesions", as a person uses it: run, look, filter, cancel; and what goes wrong."""

from __future__ import annotations

import csv
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_scan import FIRST, make_volume
from plugin_scan import NODULES, BlobDetector, picture, screen_position
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QMessageBox

from napari_lesion.detection.registry import DEFAULT_MODEL
from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.model.volume import Volume
from napari_lesion.models import package_metadata, packages
from napari_lesion.plugin.findings.detect_panel import DetectPanel
from napari_lesion.plugin.findings.findings_table import DIAMETER, NUMBER, PLACE, SCORE, SIDE, SLICE
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import layers, view
from napari_lesion.plugin.viewer.finding_layers import CLEAR_MM
from napari_lesion.support.errors import LungsNotFoundError, UntrustedCodeError
from napari_lesion.support.progress import Progress

#: Ends a test that hangs; on a busy machine loading torch alone can take half a minute.
PATIENCE_MS = 120_000

PACK = package_metadata.Metadata(
    id="from-a-folder",
    version="7",
    task="test",
    licence="none",
    threshold=0.25,
    network=package_metadata.NoduleNetSpec(width=2),
    preprocessing=package_metadata.Preprocessing(spacing_mm=1, window_hu=(-1000, 400)),
    training_cases=(),
)


def add(viewer, volume: Volume):
    data, attributes, _ = layers.scan_layer(volume)
    return viewer.add_image(data, **attributes)


@pytest.fixture
def panel(viewer, detector: BlobDetector, qtbot) -> Iterator[DetectPanel]:
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    qtbot.waitUntil(lambda: not panel._devices_task.running, timeout=PATIENCE_MS)
    yield panel
    panel.cancel()
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)


def run(panel: DetectPanel, qtbot) -> None:
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)


def rows(panel: DetectPanel) -> list[list[str]]:
    shown = panel.findings.rows
    columns = (NUMBER, SCORE, DIAMETER, SIDE, SLICE, PLACE)
    return [[shown.index(row, column).data() for column in columns] for row in range(shown.rowCount())]


def click(panel: DetectPanel, qtbot, row: int) -> None:
    table = panel.findings.table
    position = table.visualRect(panel.findings.rows.index(row, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=position)


def layer(viewer, prefix: str):
    return next((one for one in viewer.layers if one.name.startswith(prefix)), None)


def test_one_button_brings_a_heatmap_boxes_points_and_a_table(viewer, panel: DetectPanel, qtbot) -> None:
    run(panel, qtbot)
    assert [one.name for one in viewer.layers] == [
        "2024-02-29 Thorax lung",
        "Heatmap: 2024-02-29 Thorax lung",
        "Boxes: 2024-02-29 Thorax lung",
        "Findings: 2024-02-29 Thorax lung",
    ]
    assert [str(unit) for unit in viewer.layers.units] == ["millimeter"] * 3
    assert viewer.dims.range[0].step == 2.5, "the slider steps by the scan's slices"
    assert layer(viewer, "Heatmap").blending == "additive"
    table = rows(panel)
    assert [row[0] for row in table] == ["F1", "F2"]
    assert [row[3] for row in table] == ["left", "right"]
    assert [row[4] for row in table] == ["Im 125", "Im 113"]
    assert float(table[0][1]) > float(table[1][1]) > 0.5
    assert table[0][2].startswith("≈"), "not measured yet"
    assert float(table[0][2].strip("≈ ")) == pytest.approx(20, abs=1)
    assert [round(float(n)) for n in table[1][5].split(",")] == pytest.approx([-45, 5, -270], abs=1)
    assert "2 findings shown, 1 with a lower score hidden" in panel.controls.status.text()


def test_clicking_a_finding_shows_its_slice(viewer, panel, qtbot) -> None:
    """With the finding in the middle where one has zoomed in; a picture of the whole scan stays where it is."""
    run(panel, qtbot)
    viewer.reset_view()
    whole = viewer.scene.camera.center
    for row in range(2):
        click(panel, qtbot, row)
        assert rows(panel)[row][4] == f"Im {viewer.dims.current_step[0] + FIRST}"
        assert viewer.scene.camera.center[-2:] == whole[-2:]
    viewer.scene.camera.zoom *= 2
    for row, (center, _) in enumerate(NODULES[:2]):
        click(panel, qtbot, row)
        np.testing.assert_allclose(viewer.scene.camera.center[-2:], center[1::-1], atol=1)
        for name in ("Heatmap", "Boxes", "Findings"):
            layer(viewer, name).visible = False
        image = picture(viewer)
        middle = image[image.shape[0] // 2 - 3 : image.shape[0] // 2 + 3, image.shape[1] // 2 - 3 :][:, :6]
        assert middle.mean() > 200, "the nodule is not in the middle of the picture"


def test_the_arrow_keys_step_through_the_findings(viewer, panel, qtbot) -> None:
    run(panel, qtbot)
    click(panel, qtbot, 0)
    qtbot.keyClick(panel.findings.table, Qt.Key.Key_Down)
    np.testing.assert_allclose(session_of(viewer).position_mm, NODULES[1][0], atol=1.5)
    qtbot.keyClick(panel.findings.table, Qt.Key.Key_Up)
    np.testing.assert_allclose(session_of(viewer).position_mm, NODULES[0][0], atol=1.5)


def test_the_heatmap_the_ring_and_the_box_lie_on_the_nodule(viewer, panel, qtbot) -> None:
    run(panel, qtbot)
    center, diameter = NODULES[0]
    viewer.scene.camera.zoom = 4  # before the jump: where the whole scan is in view, the picture stays where it is
    panel.findings.jump(0)
    boxes, findings, heat = (layer(viewer, name) for name in ("Boxes", "Findings", "Heatmap"))

    def changed_by(one) -> np.ndarray:
        """Pixels that a layer changes, when it alone lies on the scan."""
        for other in (boxes, findings, heat):
            other.visible = False
        without = picture(viewer).astype(int)
        one.visible = True
        return np.abs(picture(viewer).astype(int) - without).max(axis=-1) > 20

    image = picture(viewer)
    row, column = screen_position(viewer, image, center)
    zoom = viewer.scene.camera.zoom
    for one, size in ((findings, diameter + 2 * CLEAR_MM), (boxes, diameter + 4 * CLEAR_MM)):
        at = np.argwhere(changed_by(one))
        middle = (at.min(axis=0) + at.max(axis=0)) / 2
        np.testing.assert_allclose(middle, (row, column), atol=8)
        np.testing.assert_allclose(np.ptp(at, axis=0) / zoom, size, atol=3)
    layer(viewer, "2024").contrast_limits = (-1000, 3000)  # adding to a white nodule would not be seen
    at = np.argwhere(changed_by(heat))
    np.testing.assert_allclose(at.mean(axis=0), (row, column), atol=8)


def test_the_threshold_filters_without_running_again(viewer, panel, detector, qtbot) -> None:
    run(panel, qtbot)
    for threshold, count in ((0.2, 3), (0.8, 1), (1.0, 0), (0.5, 2)):
        panel.findings.threshold.setValue(threshold)
        assert len(rows(panel)) == count
        assert layer(viewer, "Findings").shown.sum() == count
        qtbot.waitUntil(lambda: not panel.findings.view._boxes_timer.isActive())
        assert (len(layer(viewer, "Boxes").data) > 0) == (count > 0)
    assert len(detector.devices) == 1


def test_a_model_can_be_taken_from_a_folder(viewer, panel, detector, qtbot, tmp_path, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda name: asked.append(name) or detector)
    packages.save_package(tmp_path / "package", {}, PACK, "# Package\n")
    folder = panel.models.findText("Folder…")
    assert panel.models.itemText(folder) == "Folder…"

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: "")
    panel.models.setCurrentIndex(folder)
    panel.models.activated.emit(folder)
    assert panel.models.currentText() == "blobs 1", "nothing was chosen in the dialog"

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path / "package"))
    panel.models.setCurrentIndex(folder)
    panel.models.activated.emit(folder)
    assert panel.models.currentText() == "from-a-folder 7"
    assert panel.findings.threshold.value() == pytest.approx(0.25)
    run(panel, qtbot)
    assert asked == [str(tmp_path / "package")]
    assert [panel.models.itemText(panel.models.count() - n) for n in (2, 1)] == ["Folder…", "More models…"]


@pytest.mark.parametrize("answer", [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
def test_code_of_a_bundle_runs_only_after_a_yes(panel, detector, qtbot, monkeypatch, answer) -> None:
    asked, loaded = [], []

    def load(name, *, trust_code=False):
        loaded.append(trust_code)
        if not trust_code:
            raise UntrustedCodeError("inference.json: network_def: scripts.net.Net is not part of MONAI.")
        return detector

    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", load)
    monkeypatch.setattr(QMessageBox, "question", lambda *args: asked.append(args[2]) or answer)
    run(panel, qtbot)
    assert "scripts.net.Net" in asked[0]
    assert "all that you can do" in asked[0]
    if answer == QMessageBox.StandardButton.No:
        assert loaded == [False]
        assert "scripts.net.Net" in panel.controls.status.text()
    else:
        qtbot.waitUntil(lambda: len(rows(panel)) == 2, timeout=PATIENCE_MS)
        run(panel, qtbot)
        assert loaded == [False, True, True]
        assert len(asked) == 1


def test_a_folder_without_a_model_is_said(panel, tmp_path) -> None:
    panel.models.use_folder(tmp_path)
    assert "is no model: it holds neither" in panel.controls.status.text()
    assert panel.models.currentText() == "blobs 1"


def test_the_scans_are_those_that_the_model_reads(viewer, panel, detector) -> None:
    add(viewer, make_volume(modality="MR", unit="", series_uid="1.2.9"))
    assert panel.scans.count() == 1
    panel.models.setItemData(0, detector.card.model_copy(update={"modalities": ("MR",)}))
    panel.models.model_changed.emit()
    assert panel.scans.count() == 1
    assert panel.scan.metadata["series"]["modality"] == "MR"


def test_the_slider_speaks_of_false_findings_a_scan(viewer, panel, detector, qtbot) -> None:
    points = ((0.125, 0.95), (1.0, 0.6), (8.0, 0.3))
    detector.card = detector.card.model_copy(update={"operating_points": points, "threshold": 0.6})
    panel.models.setItemData(0, detector.card)
    panel.models.model_changed.emit()
    assert panel.findings.threshold.label.text() == "Expects about 1 false finding a scan (score ≥ 0.60)"
    run(panel, qtbot)
    assert len(rows(panel)) == 2
    panel.findings.threshold.slider.setValue(3.0)  # to the right: 2³ false findings a scan
    assert panel.findings.threshold.value() == pytest.approx(0.3)
    assert "about 8 false findings a scan" in panel.findings.threshold.label.text()
    assert len(rows(panel)) == 3
    panel.findings.threshold.slider.setValue(-3.0)
    assert "about 1 false finding in 8 scans" in panel.findings.threshold.label.text()
    assert len(rows(panel)) == 0
    metadata = layer(viewer, "Findings").metadata
    assert metadata["threshold"] == pytest.approx(0.95)
    assert metadata["false_positives_per_scan"] == pytest.approx(0.125)
    panel.findings.threshold.setValue(0.99)
    assert "not measured" in panel.findings.threshold.label.text()
    assert metadata["false_positives_per_scan"] is None


def test_without_operating_points_the_slider_is_a_score_and_says_so(panel) -> None:
    said = panel.findings.threshold.label.text()
    assert said == "Shows score ≥ 0.50; for blobs the rate of false findings is not known"
    panel.findings.threshold.slider.setValue(-0.25)
    assert panel.findings.threshold.value() == 0.25


def test_a_second_run_replaces_the_layers_of_the_first(viewer, panel, qtbot) -> None:
    run(panel, qtbot)
    layer(viewer, "Heatmap").visible = False
    viewer.layers.remove(layer(viewer, "Boxes"))
    run(panel, qtbot)
    assert len(viewer.layers) == 4


def test_the_window_lives_while_the_search_runs(panel, detector, qtbot) -> None:
    alive = threading.Event()
    detector.before = lambda _: None if alive.wait(60) else pytest.fail("no event was handled during the search")
    # Only the event loop of the window can set this off, and the search waits for it.
    QTimer.singleShot(200, alive.set)
    run(panel, qtbot)
    assert alive.is_set()
    assert len(rows(panel)) == 2


def endless(started: threading.Event) -> Callable[[Progress], None]:
    def work(progress: Progress) -> None:
        started.set()
        for step in range(3000):
            progress(step, 3000, "searching")
            time.sleep(0.01)

    return work


def test_cancel_stops_the_search_and_changes_nothing(viewer, panel, detector, qtbot) -> None:
    started = threading.Event()
    detector.before = endless(started)
    qtbot.mouseClick(panel.run_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: started.is_set() and panel.controls.bar.value() > 0, timeout=PATIENCE_MS)
    assert panel.controls.status.text() == "Searching…"
    assert not panel.run_button.isEnabled()
    qtbot.mouseClick(panel.controls.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)
    assert panel.controls.status.text() == "Cancelled; nothing was changed."
    assert len(viewer.layers) == 1
    assert panel.run_button.isEnabled()


def test_closing_the_scan_stops_its_search(viewer, panel, detector, qtbot) -> None:
    started = threading.Event()
    detector.before = endless(started)
    panel.run()
    qtbot.waitUntil(started.is_set, timeout=PATIENCE_MS)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)
    assert len(viewer.layers) == 0
    assert not panel.run_button.isEnabled()


def test_closing_the_panel_stops_the_search(viewer, panel, detector, qtbot) -> None:
    started, ended = threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        try:
            endless(started)(progress)
        finally:
            ended.set()

    detector.before = work
    panel.run()
    qtbot.waitUntil(started.is_set, timeout=PATIENCE_MS)
    viewer.window.remove_dock_widget(panel)
    qtbot.waitUntil(ended.is_set, timeout=PATIENCE_MS)


def test_an_error_is_a_sentence_in_the_panel(viewer, panel, detector, qtbot) -> None:
    detector.error = LungsNotFoundError("Series 1.2.3: no lung is in view, so nothing was searched.")
    run(panel, qtbot)
    assert panel.controls.status.text() == "⚠ Series 1.2.3: no lung is in view, so nothing was searched."
    assert panel.controls.status.isVisible()
    detector.error = ZeroDivisionError("a bug")
    run(panel, qtbot)
    assert re.fullmatch(
        r"⚠ Unexpected error, please report it: ZeroDivisionError at napari_lesion/[a-z_/]+\.py:\d+",
        panel.controls.status.text(),
    )
    assert len(viewer.layers) == 1
    detector.error = None
    run(panel, qtbot)
    assert len(rows(panel)) == 2


def test_boxes_follow_the_plane(viewer, panel, qtbot) -> None:
    run(panel, qtbot)
    qtbot.mouseClick(panel.planes.buttons()[1], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.findings.view._boxes_timer.isActive())
    assert tuple(viewer.dims.order) == view.PLANES["coronal"]
    starts, ways = layer(viewer, "Boxes").data[:, 0], layer(viewer, "Boxes").data[:, 1]
    assert np.all(ways[:, 1] == 0), "each line lies in a coronal plane"
    assert np.ptp(starts[:, 1]) > 5
    assert np.abs(ways[:, 0]).max() > 5


def test_the_list_of_scans_follows_the_layers_and_each_keeps_its_result(viewer, panel, qtbot) -> None:
    run(panel, qtbot)
    first = panel.scan
    viewer.add_image(np.zeros((4, 5, 6)), name="not a scan")
    second = add(viewer, make_volume(nodules=NODULES[1:2], series_uid="1.2.9"))
    second.name = "follow-up"
    assert [panel.scans.itemText(n) for n in range(panel.scans.count())] == ["2024-02-29 Thorax lung", "follow-up"]
    assert panel.scan is second, "a scan that was just opened is the chosen one"
    assert rows(panel) == []
    run(panel, qtbot)
    assert len(rows(panel)) == 1
    panel.scans.setCurrentIndex(panel.scans.findData(first))
    assert len(rows(panel)) == 2
    scans = panel._session.open_scans
    scans.close(scans.of(second))
    assert panel.scans.count() == 1
    assert len(rows(panel)) == 2


def test_the_shipped_model_finds_a_nodule_of_the_sample_scan_first(make_napari_viewer, qtbot) -> None:
    viewer = make_napari_viewer(show=True)
    [scan] = viewer.open_sample("napari-lesion", "baseline")
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    panel.run()
    qtbot.waitUntil(lambda: panel._task is None, timeout=10 * PATIENCE_MS)
    with (Path(__file__).parents[2] / "sample_dicoms" / "truth.csv").open(newline="") as file:
        nodules = [row for row in csv.DictReader(file) if row["seriesuid"] == scan.metadata["series"]["series_uid"]]
    assert panel.report.model.id == DEFAULT_MODEL  # the first of the list is another
    first = panel.report.findings[0]
    assert any(
        np.linalg.norm([float(nodule[f"coord{axis}"]) - at for axis, at in zip("XYZ", first.center_mm, strict=True)])
        < float(nodule["diameter_mm"]) / 2
        for nodule in nodules
    )
    panel.findings.jump(0)
    layer(viewer, "Heatmap").visible = False
    image = picture(viewer)
    assert image[image.shape[0] // 2, image.shape[1] // 2].mean() > 150, "no nodule in the middle of the picture"


def test_the_panel_says_what_it_is_and_what_to_do(make_napari_viewer, detector, qtbot) -> None:
    viewer = make_napari_viewer()
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    assert "Open a CT scan first" in panel.controls.status.text()
    assert not panel.run_button.isEnabled()
    assert any(label.text() == RESEARCH_USE for label in panel.findChildren(type(panel.controls.status)))
    add(viewer, make_volume(modality="MR", unit=""))
    assert panel.scans.count() == 0, "only CT can be searched"
    add(viewer, make_volume(series_uid="1.2.9"))
    assert panel.certificate.text() == "✓ 40 axial slices every 2.5 mm, as acquired"
    assert panel.run_button.isEnabled()
    assert "" not in [
        w.toolTip() for w in (panel.scans, panel.models, panel.devices, panel.run_button, panel.findings.threshold)
    ]
    assert [panel.devices.itemData(n) for n in range(2)] == ["auto", "cpu"]
    assert panel.findings.threshold.value() == 0.5
    qtbot.waitUntil(lambda: not panel._devices_task.running, timeout=PATIENCE_MS)
