"""The review of findings, as a reader does it: by keys, in the table, and with the mouse on the rings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from fake_scan import make_volume
from napari.utils.notifications import notification_manager
from plugin_scan import NODULES, BlobDetector, picture, screen_position
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_lesion.batch import save_analysis
from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import analyse, findings_of, with_all_candidates
from napari_lesion.plugin.findings import review_keys
from napari_lesion.plugin.findings.detect_panel import DetectPanel
from napari_lesion.plugin.findings.findings_table import COMMENT, DIAMETER, STATUS
from napari_lesion.plugin.reading_study.reading_session import reading_session
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.finding_layers import CLEAR_MM
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.review.kept_heatmap import keep_heatmap
from napari_lesion.review.review import undo

PATIENCE_MS = 120_000


@pytest.fixture
def session(viewer) -> Session:
    return session_of(viewer)


@pytest.fixture
def panel(viewer, session, detector: BlobDetector, scan: Volume, qtbot) -> DetectPanel:
    """With the blobs of the scan found, three of them, the third under the threshold."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    qtbot.waitUntil(lambda: not panel._devices_task.running, timeout=PATIENCE_MS)
    result = analyse(scan, detector=detector)
    panel.findings.view.show_result(
        session.scan,
        with_all_candidates(result),
        heatmap=layers.heatmap_layer(result.heatmap, scan),
        card=detector.card,
        model="blobs",
    )
    return panel


def press(viewer, qtbot, *keys: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """On the canvas, as a reader does who looks at the scan."""
    for key in keys:
        qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)


def cells(panel: DetectPanel, column: int) -> list[str]:
    rows = panel.findings.rows
    return [rows.index(row, column).data() for row in range(rows.rowCount())]


def layer(viewer, prefix: str):
    return next(one for one in viewer.layers if one.name.startswith(prefix))


def drag(viewer, qtbot, start_mm, end_mm) -> None:
    """Drag with the left button from one place (LPS mm) to another."""
    canvas, image = viewer.window._qt_viewer.canvas.native, picture(viewer)
    ratio = image.shape[1] / canvas.width()
    points = []
    for place in (start_mm, np.add(start_mm, end_mm) / 2, end_mm):
        row, column = screen_position(viewer, image, place)
        points.append(QPoint(round(column / ratio), round(row / ratio)))
    qtbot.mouseMove(canvas, points[0])
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(canvas, point)
        QApplication.processEvents()
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])
    QApplication.processEvents()


def test_a_reader_goes_through_the_findings_by_keys_alone(viewer, session, panel: DetectPanel, qtbot) -> None:
    assert cells(panel, STATUS) == ["○ open", "○ open"]
    assert len(layer(viewer, "Boxes").data) > 0
    press(viewer, qtbot, Qt.Key.Key_N)
    assert session.position_mm == pytest.approx(NODULES[0][0], abs=1.5)
    press(viewer, qtbot, Qt.Key.Key_A, Qt.Key.Key_N)
    assert session.position_mm == pytest.approx(NODULES[1][0], abs=1.5)
    press(viewer, qtbot, Qt.Key.Key_D)
    assert cells(panel, STATUS) == ["✓ accepted", "✗ rejected"]
    assert [f.status for f in session.review.findings] == ["accepted", "rejected", "candidate"]
    qtbot.waitUntil(lambda: len(layer(viewer, "Boxes").data) == 0)  # a box marks what nobody has judged
    press(viewer, qtbot, Qt.Key.Key_P)
    assert list(layer(viewer, "Findings").shown) == [True, False, False], "a rejected finding has no ring"

    press(viewer, qtbot, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
    assert cells(panel, STATUS) == ["✓ accepted", "○ open"]
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    press(viewer, qtbot, Qt.Key.Key_Z, modifier=both)
    assert cells(panel, STATUS) == ["✓ accepted", "✗ rejected"]
    press(viewer, qtbot, Qt.Key.Key_U)
    assert cells(panel, STATUS)[0] == "○ open"

    # The keys work in the table, too, and a comment is written in its line.
    panel.findings.table.setFocus()
    qtbot.keyClick(panel.findings.table, Qt.Key.Key_A)
    assert cells(panel, STATUS)[0] == "✓ accepted"
    qtbot.keyClick(panel.findings.table, Qt.Key.Key_K)
    qtbot.keyClicks(panel.findings.comment, "spiculated")
    qtbot.keyClick(panel.findings.comment, Qt.Key.Key_Return)
    assert cells(panel, COMMENT)[0] == "spiculated"
    assert [e.what for e in session.review.findings[0].history] == ["accepted", "reopened", "accepted", "commented"]

    assert not layer(viewer, "Heatmap").visible, "it waits until it is asked for"
    press(viewer, qtbot, Qt.Key.Key_H)
    assert layer(viewer, "Heatmap").visible
    assert panel.findings.map_rows.heatmap.isChecked()
    press(viewer, qtbot, Qt.Key.Key_H)
    assert not layer(viewer, "Heatmap").visible
    assert not panel.findings.map_rows.heatmap.isChecked()


def test_the_table_sorts_filters_searches_and_edits(viewer, session, panel: DetectPanel, qtbot, monkeypatch) -> None:
    findings = panel.findings
    findings.table.sortByColumn(DIAMETER, Qt.SortOrder.AscendingOrder)
    assert cells(panel, 0) == ["F2", "F1"]
    press(viewer, qtbot, Qt.Key.Key_N)
    assert session.finding == session.review.findings[1].id, "one steps in the order of the table"
    press(viewer, qtbot, Qt.Key.Key_D)
    for name, expected in (("all", ["F2", "F1"]), ("open", ["F1"]), ("rejected", ["F2"]), ("standing", [])):
        findings.filter.setCurrentIndex(findings.filter.findData(name))
        assert cells(panel, 0) == expected
    findings.filter.setCurrentIndex(0)
    findings.words.setText("right rejected")
    assert cells(panel, 0) == ["F2"]
    findings.words.clear()
    findings.threshold.setValue(0.2)
    assert len(cells(panel, 0)) == 3
    assert all(not findings.model.index(row, 0).data(Qt.ItemDataRole.DecorationRole).isNull() for row in range(3))
    icon = findings.model.index(0, 0).data(Qt.ItemDataRole.DecorationRole)
    picture_of = icon.pixmap(icon.availableSizes()[0]).toImage()
    middle = picture_of.pixelColor(picture_of.width() // 2, picture_of.height() // 2)
    assert middle.lightness() > 200, "the nodule is in the middle of its picture"

    row = next(row for row in range(3) if findings.rows.finding(row).diameter_mm > 15)
    findings.rows.setData(findings.rows.index(row, DIAMETER), "12,5")
    assert session.review.findings[0].diameter_mm == 12.5
    assert "from" in findings.model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    findings.rows.setData(findings.rows.index(row, DIAMETER), "-3")
    assert session.review.findings[0].diameter_mm == 12.5, "refused in a sentence"

    findings.table.selectAll()
    before = len(session.review.findings)
    answers, asked = ["No", "Yes"], []

    def explain_selected(_parent, _title, text, *_buttons):
        asked.append(text)
        return getattr(QMessageBox.StandardButton, answers.pop(0))

    monkeypatch.setattr(QMessageBox, "question", explain_selected)
    qtbot.keyClick(findings.table, Qt.Key.Key_M)
    assert "mm apart from edge to edge" in asked[0]
    assert len(session.review.findings) == before, "they are apart, and the reader does not insist"
    qtbot.keyClick(findings.table, Qt.Key.Key_M)
    assert len(session.review.findings) == before - 2
    session.change(undo)
    assert len(session.review.findings) == before
    findings.table.selectAll()
    qtbot.keyClick(findings.table, Qt.Key.Key_D)
    assert cells(panel, STATUS) == ["✗ rejected"] * 3, "a key is for all rows that are chosen"


def test_rings_are_moved_and_resized_with_the_mouse_and_findings_added_with_one_key(
    viewer, session, panel: DetectPanel, qtbot
) -> None:
    (x, y, z), diameter = NODULES[0]
    session.go_to((x, y, z))
    viewer.scene.camera.zoom = 5
    camera = viewer.scene.camera.center
    drag(viewer, qtbot, (x + 2, y, z), (x + 2, y, z))
    assert session.finding == session.review.findings[0].id, "a click on a ring chooses its finding"
    assert not session.review.changes
    drag(viewer, qtbot, (x + 2, y, z), (x + 8, y + 4, z))
    moved = session.review.findings[0]
    np.testing.assert_allclose(moved.center_mm, (x + 6, y + 4, z), atol=1.3)
    assert moved.status == "edited"
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], camera[-2:], err_msg="the picture was dragged along")
    cx, cy, cz = moved.center_mm
    drag(viewer, qtbot, (cx + moved.diameter_mm / 2 + CLEAR_MM, cy, z), (cx + 6 + CLEAR_MM, cy, z))
    resized = session.review.findings[0]
    assert resized.diameter_mm == pytest.approx(2 * np.hypot(6, z - cz), abs=0.8)
    assert resized.center_mm == moved.center_mm
    ring = layer(viewer, "Findings")
    free = resized.diameter_mm + 2 * CLEAR_MM
    assert ring.size[0] * ring.scale[0] == pytest.approx(free), "the ring follows the review, and leaves it free"
    assert [e.what for e in resized.history] == ["moved", "resized"]

    # Add: under the mouse, with its size estimated.
    session.change(undo)
    session.change(undo)
    (x, y, z), diameter = NODULES[2]
    session.go_to((x, y, z))
    canvas, image = viewer.window._qt_viewer.canvas.native, picture(viewer)
    row, column = screen_position(viewer, image, (x + 1, y, z))
    ratio = image.shape[1] / canvas.width()
    place = QPoint(round(column / ratio), round(row / ratio))

    # Sent to the canvas: the pointer of the screen may be held by another window.
    no = Qt.MouseButton.NoButton
    at, on_screen = QPointF(place), QPointF(canvas.mapToGlobal(place))
    move = QMouseEvent(QEvent.Type.MouseMove, at, on_screen, no, no, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, move)
    qtbot.waitUntil(lambda: abs(viewer.cursor.position[2] - x) < 2.5)
    viewer.mouse_over_canvas = True
    press(viewer, qtbot, Qt.Key.Key_E)
    added = session.review.finding(session.finding)
    assert added.status == "added"
    np.testing.assert_allclose(added.center_mm, (x, y, z), atol=1.5)
    assert added.diameter_mm == pytest.approx(diameter, abs=2.5)
    assert any("estimate" in record.message for record in list(notification_manager.records)[-3:])
    viewer.mouse_over_canvas = False
    session.point_at((x, y + 4, z))
    press(viewer, qtbot, Qt.Key.Key_E, Qt.Key.Key_Delete)
    assert [f.status for f in session.review.findings if f.score == 1.0] == ["added"], "what was added can be deleted"

    # What is done with napari's own tools is a change of the review, too.
    points = layer(viewer, "Findings")
    data = points.data.copy()
    data[0] += 2 / points.scale
    points.data = data
    assert session.review.changes[-1].what == "move"
    count = len(session.review.findings)
    points.add(data[0] - 8 / points.scale)
    assert len(session.review.findings) == count + 1
    assert len(points.data) == count + 1


def test_findings_are_saved_and_open_again_with_their_heatmap(
    viewer, session, panel: DetectPanel, detector, scan: Volume, qtbot, tmp_path: Path
) -> None:
    press(viewer, qtbot, Qt.Key.Key_N, Qt.Key.Key_A, Qt.Key.Key_N, Qt.Key.Key_D)
    panel.findings.files.save(tmp_path / "findings.json")
    saved = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))
    assert [f["status"] for f in saved["findings"]] == ["accepted", "rejected"]
    assert "rejected" in notification_manager.records[-1].message
    viewer.open(tmp_path / "findings.json", plugin="napari-lesion")
    assert len([one for one in viewer.layers if one.name.startswith("Findings")]) == 1
    assert [f.status for f in session.review.findings][:2] == ["accepted", "rejected"]

    # A folder that `analyse` wrote, of a scan that is open.
    out = tmp_path / "out"
    save_analysis(analyse(scan, detector=detector), out / scan.series.series_uid)
    panel.findings.files.open_path(out)
    heat = layer(viewer, "Heatmap")
    hottest = heat.data_to_world(np.unravel_index(heat.data.argmax(), heat.data.shape))
    np.testing.assert_allclose(hottest[::-1], NODULES[0][0], atol=4)
    assert [f.status for f in session.review.findings][:2] == ["accepted", "rejected"], "the reader's work was kept"
    assert "kept" in notification_manager.records[-1].message

    save_analysis(analyse(make_volume(series_uid="1.2.9"), detector=detector), tmp_path / "other")
    panel.findings.files.open_path(tmp_path / "other")
    assert "which is not open" in notification_manager.records[-1].message

    # A map is transparent below its threshold.
    panel.findings.map_rows.cut.setValue(50)
    panel.findings.map_rows.opacity.setValue(100)
    assert heat.contrast_limits == pytest.approx([0.5 * heat.metadata["top"], heat.metadata["top"]])
    np.testing.assert_allclose(heat.colormap.map(np.array([0.0]))[0, :3], 0, atol=1e-6)
    assert heat.colormap.map(np.array([0.01]))[0, :3].max() > 0.3, "its edge is seen"

    # A blind read shows nothing of what a detector found.
    session.set_blind(True)
    assert cells(panel, 0) == []
    assert len(layer(viewer, "Findings").data) == 0
    session.set_blind(False)
    assert len(cells(panel, 0)) == 2


def test_the_session_comes_back_as_it_was(viewer, session, panel: DetectPanel, detector, scan: Volume, qtbot) -> None:
    press(viewer, qtbot, Qt.Key.Key_N, Qt.Key.Key_A)
    left = session.review
    keep_heatmap(scan, left.start, analyse(scan, detector=detector).heatmap)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: cells(panel, 0) == [])
    data, attributes, _ = layers.scan_layer(scan)
    viewer.add_image(data, **attributes)
    assert session.review == left
    assert cells(panel, STATUS) == ["✓ accepted", "○ open"]
    assert list(layer(viewer, "Findings").shown) == [True, True, False]
    qtbot.waitUntil(lambda: any(one.name.startswith("Heatmap") for one in viewer.layers), timeout=PATIENCE_MS)


def test_five_hundred_findings_are_no_burden(viewer, session, detector, scan: Volume, qtbot) -> None:
    rng = np.random.default_rng(1)
    places = rng.uniform((-100, -80, -295), (100, 50, -205), (500, 3))
    report = analyse(scan, detector=detector).report
    many = [
        Candidate(tuple(map(float, place)), 6.0, float(s)) for place, s in zip(places, rng.random(500), strict=True)
    ]
    view_of = review_keys.findings_view(session)
    view_of.show_result(
        session.scan, report.model_copy(update={"findings": findings_of(scan, many, "x", 0.0)}), card=detector.card
    )
    view_of.set_threshold(0.0)
    qtbot.waitUntil(lambda: not view_of._boxes_timer.isActive())
    boxes = layer(viewer, "Boxes")
    assert type(boxes).__name__ == "Vectors", "shapes take seconds"
    assert len(boxes.data) >= 4 * 500
    assert layer(viewer, "Findings").shown.all()


def test_after_undoing_a_merge_table_and_views_show_one_finding(
    viewer, session, panel: DetectPanel, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)  # they are apart
    ids = [finding.id for finding in session.review.findings[:2]]
    places = {finding.id: finding.center_mm for finding in session.review.findings}
    panel.findings.view.choose(ids[0], ids)
    press(viewer, qtbot, Qt.Key.Key_M)
    assert len(session.review.findings) == 2
    assert session.position_mm == pytest.approx(session.review.finding(session.finding).center_mm)
    press(viewer, qtbot, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
    row = panel.findings.table.currentIndex().row()
    assert panel.findings.rows.finding(row).id == session.finding
    assert session.position_mm == pytest.approx(places[session.finding])


def test_a_blind_read_can_begin_while_a_finding_is_chosen(
    viewer, session, panel: DetectPanel, qtbot, tmp_path: Path
) -> None:
    reading = reading_session(session)
    reading.set_up(folder=tmp_path)
    views(viewer).show_all()  # whose 3D view has the findings, too
    press(viewer, qtbot, Qt.Key.Key_N)
    assert session.finding
    reading.start()
    assert session.blind
    assert session.finding == ""
    assert cells(panel, STATUS) == []
    qtbot.wait(200)  # an error in a view that follows is the test's
    reading.close()
