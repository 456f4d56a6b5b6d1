"""The panel "Annotate", as a person uses it: draw, correct, label, undo, and find it all again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import lidc_archive
import numpy as np
import pytest
from fake_scan import CORONAL, make_volume
from plugin_scan import NODULES, picture, screen_position
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from napari_lesion.annotation.annotations import AnnotationSet, new_annotation
from napari_lesion.annotation.store import Store
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.annotate.annotate_panel import AnnotatePanel
from napari_lesion.plugin.settings import store
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.views.mpr import views

PATIENCE_MS = 60_000


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAPARI_LESION_SETTINGS", str(tmp_path / "settings.ini"))
    store("annotation/folder", str(tmp_path / "annotations"))
    store("review/reader", "ann")
    return tmp_path / "annotations"


@pytest.fixture
def viewer(make_napari_viewer, scan: Volume, folder: Path):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1100, 800)
    add(viewer, scan)
    return viewer


@pytest.fixture
def panel(viewer, qtbot) -> Iterator[AnnotatePanel]:
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Annotate")
    qtbot.waitUntil(lambda: not panel._preload.running, timeout=PATIENCE_MS)
    yield panel
    qtbot.waitUntil(lambda: not panel._annotator.growing, timeout=PATIENCE_MS)


def add(viewer, volume: Volume):
    data, attributes, _ = layers.scan_layer(volume)
    return viewer.add_image(data, **attributes)


def saved(folder: Path, uid: str, reader: str = "ann"):
    return Store(folder).load(uid, make_volume(series_uid=uid).stack, reader)


class Mouse:
    """The mouse over the viewer's canvas, at places in the patient."""

    def __init__(self, viewer, qtbot) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.canvas = viewer.window._qt_viewer.canvas.native

    def at(self, lps) -> QPoint:
        image = picture(self.viewer)
        row, column = screen_position(self.viewer, image, lps)
        scale = self.canvas.height() / image.shape[0]
        return QPoint(round(column * scale), round(row * scale))

    def click(self, lps) -> None:
        self.drag(lps)

    def drag(self, *places) -> None:
        points = [self.at(place) for place in places]
        self.qtbot.mouseMove(self.canvas, points[0])
        self.qtbot.mousePress(self.canvas, Qt.MouseButton.LeftButton, pos=points[0])
        for a, b in pairwise(points):
            for share in (0.3, 0.6, 1.0):
                self.move(a + (b - a) * share)
        self.qtbot.mouseRelease(self.canvas, Qt.MouseButton.LeftButton, pos=points[-1])
        QApplication.processEvents()

    def move(self, point: QPoint) -> None:
        from qtpy.QtCore import QEvent, QPointF
        from qtpy.QtGui import QMouseEvent

        # qtbot.mouseMove leaves the buttons out.
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(point),
            QPointF(self.canvas.mapToGlobal(point)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.canvas, event)
        QApplication.processEvents()


@pytest.fixture
def mouse(viewer, qtbot) -> Mouse:
    return Mouse(viewer, qtbot)


def key(viewer, qtbot, key_: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key_, modifier)
    QApplication.processEvents()


def show(viewer, panel: AnnotatePanel, lps) -> None:
    panel._annotator.session.go_to(lps)
    viewer.scene.camera.zoom = 4
    picture(viewer)


def test_points_are_dragged_labelled_moved_and_undone(viewer, panel, mouse, qtbot, folder, scan) -> None:
    center, diameter = NODULES[0]
    show(viewer, panel, center)
    qtbot.mouseClick(panel.tools["point"], Qt.MouseButton.LeftButton)
    rim = np.add(center, (diameter / 2, 0, 0))
    mouse.drag(center, rim)
    (mark,) = saved(folder, scan.series.series_uid).annotations
    assert mark.center_mm == pytest.approx(center, abs=1)
    assert mark.diameter_mm == pytest.approx(diameter, abs=1)
    assert (mark.label, mark.reader) == ("nodule", "ann")

    key(viewer, qtbot, Qt.Key.Key_5, Qt.KeyboardModifier.AltModifier)
    assert panel.label.currentData() == "non-nodule"
    other = np.add(center, (-30, 10, 0))
    mouse.click(other)
    qtbot.waitUntil(lambda: panel.table.rowCount() == 2)
    second = saved(folder, scan.series.series_uid).annotations[1]
    assert second.center_mm == pytest.approx(other, abs=1)
    assert second.diameter_mm == mark.diameter_mm, "a click repeats the last diameter"
    assert second.label == "non-nodule"
    assert panel.table.item(1, 1).text() == "non-nodule"

    qtbot.mouseClick(panel.tools["select"], Qt.MouseButton.LeftButton)
    target = np.add(other, (0, -20, 0))
    mouse.drag(other, target)
    moved = lambda: saved(folder, scan.series.series_uid).annotations[1].center_mm  # noqa: E731
    qtbot.waitUntil(lambda: np.allclose(moved(), target, atol=1.5))
    key(viewer, qtbot, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert moved() == pytest.approx(second.center_mm)
    qtbot.mouseClick(panel.undo_button, Qt.MouseButton.LeftButton)
    assert len(saved(folder, scan.series.series_uid).annotations) == 1
    qtbot.mouseClick(panel.redo_button, Qt.MouseButton.LeftButton)
    assert saved(folder, scan.series.series_uid).annotations[1].id == second.id

    panel.table.setCurrentCell(1, 0)
    panel.relabel.setCurrentIndex(panel.relabel.findData("lymph node"))
    panel.relabel.activated.emit(panel.relabel.currentIndex())
    panel.comment.setFocus()
    qtbot.keyClicks(panel.comment, "hilar")
    qtbot.keyClick(panel.comment, Qt.Key.Key_Return)
    second = saved(folder, scan.series.series_uid).annotations[1]
    assert (second.label, second.comment) == ("lymph node", "hilar")
    qtbot.mouseClick(panel.done, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.done.height() // 2))
    assert saved(folder, scan.series.series_uid).done
    qtbot.mouseClick(panel.remove_button, Qt.MouseButton.LeftButton)
    after = saved(folder, scan.series.series_uid)
    assert len(after.annotations) == 1
    assert not after.done


def test_a_click_outlines_the_nodule_and_the_brush_corrects_it(viewer, panel, mouse, qtbot, folder, scan) -> None:
    uid = scan.series.series_uid
    center, diameter = NODULES[0]
    show(viewer, panel, center)
    assert panel._annotator.layers.masks.layer is None, "no array before there is a mask"
    key(viewer, qtbot, Qt.Key.Key_G)
    assert panel.tools["grow"].isChecked()
    mouse.click(np.add(center, (3, 2, 0)))
    qtbot.waitUntil(lambda: panel.table.rowCount() == 1, timeout=PATIENCE_MS)
    mark = saved(folder, uid).annotations[0]
    truth = np.zeros(scan.shape, bool)
    index = np.stack(np.indices(scan.shape), axis=-1)
    truth[np.linalg.norm(scan.to_patient(index) - center, axis=-1) < diameter / 2] = True
    grown = np.zeros(scan.shape, bool)
    mark.mask.put(grown)
    assert 2 * (grown & truth).sum() / (grown.sum() + truth.sum()) > 0.9
    masks = panel._annotator.layers.masks.layer
    assert masks.data.dtype == np.uint8
    assert np.shares_memory(masks.data, panel._annotator.layers.masks.voxels.array)

    # Painting goes on with the selected finding; B once more begins another one.
    key(viewer, qtbot, Qt.Key.Key_B)
    rim = np.add(center, (diameter / 2 + 2, 0, 0))
    mouse.click(rim)
    more = saved(folder, uid).annotations[0].mask
    assert more.count > mark.mask.count
    assert len(more.slices()) == len(mark.mask.slices())
    key(viewer, qtbot, Qt.Key.Key_B)
    place = np.add(center, (-30, 0, 0))
    mouse.click(place)
    second = saved(folder, uid).annotations[1]
    assert second.center_mm == pytest.approx(place, abs=2)
    assert len(second.mask.slices()) == 1
    assert len(set(np.unique(masks.data)) - {0}) == 2

    # So does a stroke far away, although this one is selected: it neither grows nor moves.
    mouse.click(np.add(center, (-60, 20, 0)))
    assert [mark.mask == second.mask for mark in saved(folder, uid).annotations] == [False, True, False]
    assert saved(folder, uid).annotations[1].center_mm == second.center_mm
    assert len(set(np.unique(masks.data)) - {0}) == 3
    qtbot.mouseClick(panel.undo_button, Qt.MouseButton.LeftButton)
    panel._annotator.select(second.id)

    # In no other mode it stays armed.
    key(viewer, qtbot, Qt.Key.Key_B)
    assert str(masks.mode) == "paint"
    panel._annotator.session.finding_selected.emit("a finding of the review")
    assert str(masks.mode) == "pan_zoom"
    assert viewer.layers.selection.active is not masks
    key(viewer, qtbot, Qt.Key.Key_B)
    panel._annotator.session.open_scans.take_mouse("reading")
    assert str(masks.mode) == "pan_zoom"
    panel._annotator.select(second.id)

    qtbot.mouseClick(panel.tools["erase"], Qt.MouseButton.LeftButton)
    mouse.click(center)
    assert saved(folder, uid).annotations[0].mask == more, "the eraser keeps to the selected finding"
    mouse.click(place)
    qtbot.waitUntil(lambda: panel.table.rowCount() == 1)
    qtbot.mouseClick(panel.undo_button, Qt.MouseButton.LeftButton)
    assert saved(folder, uid).annotations[1].mask == second.mask
    back = np.zeros(scan.shape, bool)
    second.mask.put(back)
    voxels = panel._annotator.layers.masks.voxels
    assert np.array_equal(voxels.array == voxels.number(second.id), back)


def test_slices_are_filled_boxes_drawn_and_the_3d_brush_is_a_ball(viewer, panel, mouse, qtbot, folder, scan) -> None:
    uid = scan.series.series_uid
    center = np.array(scan.to_patient((20, 50, 50)))
    show(viewer, panel, center)
    key(viewer, qtbot, Qt.Key.Key_B)
    mouse.click(center)
    up = np.add(center, (4, 0, 10))
    panel._annotator.session.point_at(up)
    mouse.click(up)
    assert saved(folder, uid).annotations[0].mask.slices() == [20, 24]
    qtbot.mouseClick(panel.fill_button, Qt.MouseButton.LeftButton)
    mark = saved(folder, uid).annotations[0]
    assert mark.mask.slices() == [20, 21, 22, 23, 24]
    assert mark.center_mm == pytest.approx((center + up) / 2, abs=1)

    qtbot.mouseClick(panel.volumetric, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.volumetric.height() // 2))
    key(viewer, qtbot, Qt.Key.Key_B)
    place = np.add(up, (-30, 0, 0))
    mouse.click(place)
    ball = saved(folder, uid).annotations[1]
    assert len(ball.mask.slices()) == 3
    assert ball.center_mm == pytest.approx(place, abs=1.5)

    qtbot.mouseClick(panel.tools["box"], Qt.MouseButton.LeftButton)
    a, b = np.add(up, (10, 5, 0)), np.add(up, (30, 25, 0))
    mouse.drag(a, b)
    qtbot.waitUntil(lambda: panel.table.rowCount() == 3)
    box = saved(folder, uid).annotations[2]
    assert box.center_mm == pytest.approx((a + b) / 2, abs=1)
    assert box.box_size_mm == pytest.approx((20, 20, 20), abs=1.5)

    # A stroke in another view of four-up is the same finding.
    views(viewer).show_all()
    key(viewer, qtbot, Qt.Key.Key_B)
    coronal = next(pane.view for pane in views(viewer).panes if pane.view.dims.order[0] == 1)
    mirrored = coronal.layers["Annotated masks"]
    for z in (10, 12):
        with mirrored.block_history():
            mirrored.paint((z, 30, 110), mirrored.selected_label)
    painted = saved(folder, uid).annotations[-1]
    assert painted.mask.count == (panel._annotator.layers.masks.voxels.array == mirrored.selected_label).sum()
    assert painted.center_mm == pytest.approx(scan.to_patient((11, 30, 110)), abs=2)


def test_readers_scans_and_failures(viewer, panel, qtbot, folder, scan) -> None:
    """One window for all of it: windows take long to open."""
    _each_reader_sees_the_own_work_and_others_only_if_asked(viewer, panel, folder, scan)
    _work_that_cannot_be_saved_is_kept_and_said(panel, qtbot, folder, scan)
    _masks_lie_where_they_were_painted_in_coronal_scans(viewer, panel, qtbot, folder)
    _without_a_scan_or_with_other_voxels_the_panel_says_so(viewer, panel, folder)


def _each_reader_sees_the_own_work_and_others_only_if_asked(viewer, panel, folder, scan) -> None:
    one = panel._annotator
    voxels = np.zeros(scan.shape, bool)
    voxels[10:14, 40:50, 40:50] = True
    one.add_mask(Mask.of(voxels))
    one.add_point(NODULES[0][0], 20)
    panel.reader_name.setText("ben")
    panel.reader_name.editingFinished.emit()
    assert panel.table.rowCount() == 0
    assert one.layers.masks.layer is None or not one.layers.masks.layer.data.any()
    one.add_point(NODULES[1][0], 14)
    names = lambda: [layer.name for layer in viewer.layers]  # noqa: E731
    assert "Findings of other readers" not in names()
    panel.others.setChecked(True)
    assert {"Findings of other readers", "Masks of other readers"} <= set(names())
    outlines = viewer.layers["Masks of other readers"]
    assert not outlines.editable
    assert outlines.data.sum() == voxels.sum()
    panel.others.setChecked(False)
    assert "Findings of other readers" not in names()
    panel.reader_name.setText("ann")
    panel.reader_name.editingFinished.emit()
    assert [panel.table.item(row, 3).text() for row in range(2)] == ["mask", "point"]
    assert {panel.reader.itemText(n) for n in range(panel.reader.count())} == {"ann", "ben"}
    assert len(saved(folder, scan.series.series_uid, "ben").annotations) == 1


def _masks_lie_where_they_were_painted_in_coronal_scans(viewer, panel, qtbot, folder) -> None:
    viewer.layers.clear()
    center = (52.0, -20.0, -240.0)
    coronal = make_volume(CORONAL, (36, 100, 150), nodules=((center, 20.0),), series_uid="1.2.9")
    add(viewer, coronal)
    one = panel._annotator
    show(viewer, panel, center)
    one.grow_at(center)
    qtbot.waitUntil(lambda: panel.table.rowCount() == 1, timeout=PATIENCE_MS)
    mark = saved(folder, "1.2.9").annotations[0]
    assert mark.center_mm == pytest.approx(center, abs=1.5)
    shown = one.layers.masks.layer
    place = shown.data_to_world(np.argwhere(shown.data).mean(axis=0))
    assert place[::-1] == pytest.approx(center, abs=1.5)
    assert one.layers.axis_across == 0
    viewer.dims.order = (0, 1, 2)
    assert one.layers.axis_across == 1, "an axial cut through it runs along its rows"


def _work_that_cannot_be_saved_is_kept_and_said(panel, qtbot, folder, scan) -> None:
    one, uid = panel._annotator, scan.series.series_uid
    elsewhere = saved(folder, uid)
    mark = new_annotation(scan, label="mass", reader="ann", center_mm=NODULES[1][0], diameter_mm=5)
    Store(folder).save(elsewhere.put(mark))
    one.add_point(NODULES[2][0], 8)
    assert panel.table.rowCount() == 3
    assert "changed elsewhere" in panel.status.text()
    assert panel.save_button.isVisibleTo(panel)
    path = Store(folder).path(uid, make_volume(series_uid=uid).stack, "ann")
    path.write_text(elsewhere.model_dump_json())  # the other window takes its change back
    qtbot.mouseClick(panel.save_button, Qt.MouseButton.LeftButton)
    assert one.unsaved == ""
    assert len(saved(folder, uid).annotations) == 3


def _without_a_scan_or_with_other_voxels_the_panel_says_so(viewer, panel, folder) -> None:
    viewer.layers.clear()
    assert "Open a scan" in panel.status.text()
    assert not panel.tools["point"].isEnabled()
    Store(folder).save(AnnotationSet.empty(make_volume(shape=(10, 100, 150), series_uid="1.2.10"), "ann", "x"))
    add(viewer, make_volume(shape=(20, 100, 150), series_uid="1.2.10"))
    assert "drawn on" in panel.status.text()
    assert not panel.tools["point"].isEnabled()


def test_what_the_readers_of_lidc_outlined_is_taken_over_and_compared(viewer, qtbot, folder: Path, tmp_path) -> None:
    made = lidc_archive.scan(1)
    write_ct_series(made, tmp_path / "dicom", series_uid=lidc_archive.uid_of(1))
    (series,) = find_series(tmp_path / "dicom")
    volume = read_series(series)
    xml = lidc_archive.write_xml(tmp_path / "068.xml", volume)
    data, attributes, _ = layers.scan_layer(volume)
    layer = viewer.add_image(data, **attributes)
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Annotate")
    qtbot.waitUntil(lambda: not panel._preload.running, timeout=PATIENCE_MS)
    panel.import_readings(xml)
    assert "Open the scan from its DICOM files first" in panel.status.text()

    layer.metadata["source"] = series
    panel.import_readings(xml)
    qtbot.waitUntil(lambda: panel.import_button.isEnabled(), timeout=PATIENCE_MS)
    assert "4 sets of marks are shown: LIDC reader 1, LIDC reader 2" in panel.status.text()
    assert "Mean Dice of two outlines: 0.87." in panel.status.text()
    assert [one.reader for one in panel._annotator.of_others] == [f"LIDC reader {n}" for n in (1, 2, 3, 4)]
    panel.import_readings(tmp_path / "absent.sqlite")
    qtbot.waitUntil(lambda: panel.import_button.isEnabled(), timeout=PATIENCE_MS)
    assert panel.status.text().startswith("⚠ There is no file")
