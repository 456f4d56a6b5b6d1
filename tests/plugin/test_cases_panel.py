"""The panel "Cases", as a person uses it: go through a folder, stop, and go on where one was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_scan import AXIAL, make_volume
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_lesion.annotation.store import Store
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.plugin.annotate import case_list
from napari_lesion.plugin.annotate.annotator import annotator
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import setting, store

PATIENCE_MS = 60_000
PLACE = (30.0, -15.0, -280.0)


@pytest.fixture
def studies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAPARI_LESION_SETTINGS", str(tmp_path / "settings.ini"))
    monkeypatch.setattr(case_list, "REST_MS", 1)
    store("annotation/folder", str(tmp_path / "annotations"))
    store("review/reader", "ann")
    for n in range(3):
        affine = AXIAL * (2, 2, 2, 1)  # columns j, i and k are twice as wide
        affine[:3, 3] = AXIAL[:3, 3]
        volume = make_volume(affine, (16, 50, 75), series_uid=f"1.2.{n}")
        write_ct_series(volume, tmp_path / "studies" / f"patient-{n}", series_uid=f"1.2.{n}", study_uid=f"1.1.{n}")
    return tmp_path / "studies"


def states(panel) -> list[str]:
    return [panel.table.item(row, 0).text() for row in range(panel.table.rowCount())]


def key(viewer, qtbot, key_: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key_, modifier)
    QApplication.processEvents()


def test_a_reader_goes_through_the_cases_and_comes_back_to_the_place(make_napari_viewer, qtbot, studies) -> None:
    viewer = make_napari_viewer(show=True)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Cases")
    assert "Choose the folder" in panel.status.text()
    panel._cases.look_through(studies)
    qtbot.waitUntil(lambda: panel.table.rowCount() == 3, timeout=PATIENCE_MS)
    assert states(panel) == ["○ open"] * 3
    assert [panel.table.item(0, column).text() for column in (1, 2, 3)] == ["P-17", "2024-02-29", "Thorax lung"]

    session = session_of(viewer)
    key(viewer, qtbot, Qt.Key.Key_L)
    assert session.volume.series.series_uid == "1.2.0"
    one = annotator(session)
    one.add_point((50, -10, -250), 9)
    assert states(panel) == ["◐ in work (1)", "○ open", "○ open"]
    key(viewer, qtbot, Qt.Key.Key_L, Qt.KeyboardModifier.ShiftModifier)
    assert states(panel) == ["● done (1)", "○ open", "○ open"]
    assert panel.done_bar.text() == "1 of 3 done"
    assert session.volume.series.series_uid == "1.2.1"
    scans = [layer for layer in viewer.layers if "volume" in layer.metadata]
    assert len(scans) == 1, "the case before is closed"
    assert "Annotated findings" not in [layer.name for layer in viewer.layers]
    assert one.annotations.annotations == ()

    key(viewer, qtbot, Qt.Key.Key_L)
    assert session.volume.series.series_uid == "1.2.2"
    one.add_point((50, -10, -250), 9)
    session.go_to(PLACE)
    qtbot.waitUntil(lambda: np.allclose(setting("cases/place", []), PLACE, atol=6), timeout=PATIENCE_MS)
    key(viewer, qtbot, Qt.Key.Key_L)
    assert session.volume.series.series_uid == "1.2.1", "from the start again, past what is done"
    key(viewer, qtbot, Qt.Key.Key_L)
    assert session.volume.series.series_uid == "1.2.2"
    session.go_to(PLACE)
    qtbot.waitUntil(lambda: np.allclose(setting("cases/place", []), PLACE, atol=6), timeout=PATIENCE_MS)

    # The next session.
    viewer.close()
    later = make_napari_viewer(show=True)
    _, panel = later.window.add_plugin_dock_widget("napari-lesion", "Cases")
    qtbot.waitUntil(lambda: panel.table.rowCount() == 3, timeout=PATIENCE_MS)
    assert states(panel) == ["● done (1)", "○ open", "◐ in work (1)"]
    assert panel.go_on_button.isVisibleTo(panel)
    qtbot.mouseClick(panel.go_on_button, Qt.MouseButton.LeftButton)
    session = session_of(later)
    assert session.volume.series.series_uid == "1.2.2"
    assert session.position_mm == pytest.approx(PLACE, abs=6)
    assert len(annotator(session).annotations.annotations) == 1
    panel._cases.done_and_next()
    panel._cases.done_and_next()
    assert states(panel) == ["● done (1)", "● done (0)", "● done (1)"]
    assert "All other cases are done" in panel.status.text()
    saved = Store(Path(setting("annotation/folder", ""))).load_all()
    assert [one.done for one in saved] == [True] * 3


def test_a_folder_without_scans_is_told(make_napari_viewer, qtbot, studies, tmp_path) -> None:
    viewer = make_napari_viewer(show=False)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Cases")
    (tmp_path / "empty").mkdir()
    panel._cases.look_through(tmp_path / "empty")
    qtbot.waitUntil(lambda: not panel._cases.busy, timeout=PATIENCE_MS)
    assert "there is no CT volume in it" in panel.status.text()
    panel._cases.next()
    assert "Choose a folder" in panel.status.text()
