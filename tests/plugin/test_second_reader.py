"""The panel "Second reader": a blind read in which nothing leaks, the reveal, decisions by key, and a file to trust."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_scan import make_volume
from plugin_scan import NODULES, BlobDetector, picture
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import search
from napari_lesion.plugin.reading_study.reading_keys import ACTIONS
from napari_lesion.plugin.reading_study.second_reader_panel import SecondReaderPanel
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.viewer import finding_layers, layers
from napari_lesion.reading_study.journal import load, path_of

PATIENCE_MS = 120_000
LEFT, RIGHT, SMALL = (center for center, _ in NODULES)
"""The detector's threshold is over the score of the last one."""


@pytest.fixture(autouse=True)
def _study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, detector: BlobDetector) -> None:
    monkeypatch.setattr("napari_lesion.plugin.reading_study.second_reader_panel.list_models", lambda: (detector.card,))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    store("reading/folder", str(tmp_path / "readings"))
    store("reading/model", detector.card.id)
    store("review/reader", "Dr. A")


def add(viewer, volume: Volume):
    data, attributes, _ = layers.scan_layer(volume)
    return viewer.add_image(data, **attributes)


def open_panel(viewer) -> SecondReaderPanel:
    return viewer.window.add_plugin_dock_widget("napari-lesion", "Second reader")[1]


def press(viewer, key: str) -> None:
    """Do what a key does."""
    next(action for action in ACTIONS if action.key == key).run(session_of(viewer))


def rows(panel: SecondReaderPanel) -> list[list[str]]:
    table = panel.table
    return [[table.item(row, column).text() for column in (0, 3, 4)] for row in range(table.rowCount())]


def searched(panel: SecondReaderPanel, qtbot) -> None:
    qtbot.waitUntil(lambda: panel._reading_session._task is None, timeout=PATIENCE_MS)


def test_a_scan_is_read_blind_then_with_the_detector(make_napari_viewer, scan, qtbot, tmp_path: Path) -> None:
    viewer = make_napari_viewer(show=True)
    session = session_of(viewer)
    add(viewer, scan)
    panel = open_panel(viewer)
    assert "Not read yet" in panel.state.text()
    assert not panel.ratings.isEnabled()
    press(viewer, "Control-3")
    assert "No reading is on" in panel.message.text()

    qtbot.mouseClick(panel.next_button, Qt.MouseButton.LeftButton)
    assert "BLIND READ" in panel.state.text()
    assert session.blind
    assert not panel.reader.isEnabled(), "who reads does not change in the middle"
    qtbot.wait(100)  # the picture is fitted into what the panel leaves of the window
    session.go_to(LEFT)
    before = picture(viewer)
    press(viewer, "Control-4")
    changed = np.abs(picture(viewer).astype(int) - before).max(axis=-1) > 60
    at = np.argwhere(changed).mean(axis=0) / changed.shape
    assert changed.any(), "the mark is seen on the scan"
    assert np.abs(at - 0.5).max() < 0.1, "and it lies where the crosshair is"
    session.go_to((LEFT[0] + 2, LEFT[1], LEFT[2]))
    press(viewer, "Control-5")
    assert rows(panel) == [["M1", "", "5 certain"]], "the same place again changes its confidence"
    session.go_to((0.0, 0.0, -250.0))
    press(viewer, "Control-1")
    searched(panel, qtbot)
    assert [row[0] for row in rows(panel)] == ["M1", "M2"], "nothing that the detector found is shown"
    assert [layer.name for layer in viewer.layers if "Detector" in layer.name or "Heatmap" in layer.name] == []

    qtbot.mouseClick(panel.next_button, Qt.MouseButton.LeftButton)
    assert "REVEALED" in panel.state.text()
    assert [row[0] for row in rows(panel)] == ["M1", "M2", "F2"], "F1 is on the reader's own mark"
    assert rows(panel)[0][1].startswith("✓ 0.9")
    assert rows(panel)[2][2] == "? to decide"
    assert not panel.next_button.isEnabled(), "there is a finding to decide"
    panel.table.setCurrentCell(2, 0)
    assert session.position_mm == pytest.approx(RIGHT, abs=2)
    press(viewer, "Control-2")
    assert rows(panel)[2][2] == "2 doubtful"
    press(viewer, "Control-0")
    assert rows(panel)[2][2] == "✗ rejected"
    press(viewer, "Control-3")
    panel.table.setCurrentCell(1, 0)
    press(viewer, "Control-0")
    assert [row[0] for row in rows(panel)] == ["M1", "F2"]

    qtbot.mouseClick(panel.next_button, Qt.MouseButton.LeftButton)
    assert "Finished" in panel.state.text()
    assert "Marked blind: 2. Findings taken over: 1, rejected: 0." in panel.hint.text()
    assert not session.blind
    reading = load(path_of(tmp_path / "readings", "Dr. A", scan.series.series_uid, scan.stack))
    assert [mark.confidence for mark in reading.blind_marks] == [5, 1]
    assert [mark.confidence for mark in reading.marks] == [5]
    assert [level for _, level in reading.taken_over] == [3]
    assert len(reading.report.findings) == 3, "all candidates, for a whole curve"
    assert reading.blind


def test_nothing_that_was_found_is_seen_in_a_blind_read(make_napari_viewer, scan, detector, qtbot) -> None:
    viewer = make_napari_viewer()
    session = session_of(viewer)
    layer = add(viewer, scan)
    panel = open_panel(viewer)
    panel.next_button.click()
    searched(panel, qtbot)
    report = search(scan, detector=detector.card.id).report
    made = [viewer.add_points(data, **kw) for data, kw, _ in [finding_layers.findings_layer(report, scan, 0.5)]]
    data, attributes, _ = layers.heatmap_layer(detector.detect(scan).heatmap, scan)
    made.append(viewer.add_image(data, **attributes))
    assert [one.visible for one in made] == [False, False], "layers that come meanwhile are hidden"
    made[0].visible = True
    assert not made[0].visible, "nor can they be switched on"
    other = add(viewer, make_volume(series_uid="1.2.3.4"))
    assert session.scan is other
    assert not session.blind, "the other scan is not read blind"
    assert not made[0].visible, "but this one still is"
    assert "Not read yet" in panel.state.text()
    session.set_active_scan(layer)
    assert session.blind
    assert "Paused" in panel.state.text()
    press(viewer, "Control-3")
    assert "No reading is on" in panel.message.text()
    panel.next_button.click()
    panel.next_button.click()  # done
    assert "REVEALED" in panel.state.text()
    panel.rest_button.click()
    panel.next_button.click()
    assert "Finished" in panel.state.text()
    assert [one.visible for one in made] == [True, True]
    assert not panel.next_button.isEnabled(), "a scan is read once"


def test_a_reading_that_was_broken_off_is_hidden_and_goes_on(make_napari_viewer, scan, qtbot, detector) -> None:
    first = make_napari_viewer()
    add(first, scan)
    panel = open_panel(first)
    panel.next_button.click()
    session_of(first).go_to(LEFT)
    press(first, "Control-4")
    searched(panel, qtbot)

    second = make_napari_viewer()  # the first one never said goodbye
    panel = open_panel(second)
    add(second, scan)
    assert session_of(second).blind
    assert "Paused" in panel.state.text()
    assert panel.next_button.text() == "Go on with the blind read"
    assert rows(panel) == [["M1", "", "4 probable"]]
    panel.next_button.click()
    assert "BLIND READ" in panel.state.text()
    searched(panel, qtbot)


def test_a_scan_whose_findings_were_seen_is_not_read_blind(make_napari_viewer, scan, detector, tmp_path) -> None:
    viewer = make_napari_viewer()
    session = session_of(viewer)
    layer = add(viewer, scan)
    session.begin(layer, search(scan, detector=detector.card.id).report)
    panel = open_panel(viewer)
    panel.next_button.click()
    assert "does not count as blind" in panel.hint.text()
    assert not load(path_of(tmp_path / "readings", "Dr. A", scan.series.series_uid, scan.stack)).blind


def test_done_before_the_detector_waits_for_it_with_the_time_stopped(make_napari_viewer, scan, detector, qtbot) -> None:
    import threading

    go = threading.Event()
    detector.before = lambda progress: go.wait(60) and None
    viewer = make_napari_viewer()
    add(viewer, scan)
    panel = open_panel(viewer)
    try:
        panel.next_button.click()
        panel.next_button.click()
        assert "still searching" in panel.state.text()
        assert not panel.next_button.isEnabled()
        assert not panel._reading_session.running
    finally:
        go.set()
    qtbot.waitUntil(lambda: "REVEALED" in panel.state.text(), timeout=PATIENCE_MS)
    assert panel._reading_session.reading.interruptions == 0


def test_two_stacks_of_a_series_are_read_each_by_itself(make_napari_viewer, scan, qtbot) -> None:
    viewer = make_napari_viewer()
    session = session_of(viewer)
    images = tuple(replace(one, sop_instance_uid=f"{one.sop_instance_uid}.9") for one in scan.instances)
    second = add(viewer, replace(scan, instances=images, voxels=scan.voxels.copy()))
    first = add(viewer, scan)
    panel = open_panel(viewer)
    reading = panel._reading_session
    reading.start()
    session.go_to(LEFT)
    reading.rate(4)
    assert session.blind
    session.set_active_scan(second)
    assert not session.blind, "a blind read of one stack hides nothing of the other"
    assert reading.reading is None, "and its marks are not those of the other"
    reading.start()
    assert reading.reading.marks == ()
    session.set_active_scan(first)
    assert [mark.confidence for mark in reading.reading.marks] == [4]
    assert not reading.running, "its time stopped when the other came on the screen"
    searched(panel, qtbot)
