"""The plugin in a napari that somebody else arranged: what is dropped, opened or moved by hand stays with its scan."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dicom_factory as factory
import numpy as np
import pytest
from napari._qt.qt_main_window import _QtMainWindow
from napari.qt import QtViewer
from napari.settings import get_settings
from plugin_scan import BlobDetector
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog
from session_scans import coded_scans

from napari_lesion.dicom.index.series import Series
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.viewer.layers import SCAN, scan_layer
from napari_lesion.plugin.viewer.scan_view import _views as scan_views
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.review import edits
from napari_lesion.support.errors import ConfigError

PATIENCE_MS = 60_000


@pytest.fixture
def patients(tmp_path: Path) -> list[Path]:
    """Folders of two patients."""
    for name in ("one", "two"):
        slices = factory.ct_slices(factory.asymmetric_phantom(shape=(12, 40, 32)), name)
        for dataset in slices:
            dataset.PatientID, dataset.PatientName = f"ID-{name}", f"Patient^{name}"
        factory.write(slices, tmp_path / "patients" / name)
    return [tmp_path / "patients" / name for name in ("one", "two")]


@pytest.fixture
def opens_dicom() -> Iterator[None]:
    """The user has chosen this plugin for DICOM, as napari asks with the first drop."""
    settings = get_settings().plugins
    before = dict(settings.extension2reader)
    settings.extension2reader = {**before, "*.dcm": "napari-lesion", "*": "napari-lesion", "*/": "napari-lesion"}
    yield
    settings.extension2reader = before


def drop(viewer: Any, *paths: Path) -> None:
    """Let go of files and folders over the picture, as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    canvas = viewer.window._qt_viewer
    at, buttons, keys = canvas.rect().center(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(canvas, QDragEnterEvent(at, Qt.DropAction.CopyAction, data, buttons, keys))
    QApplication.sendEvent(canvas, QDropEvent(QPointF(at), Qt.DropAction.CopyAction, data, buttons, keys))
    QApplication.processEvents()


def who(viewer: Any) -> list[str]:
    """Patients of the scans that are open in a viewer."""
    return [scan.volume.series.patient_id for scan in open_scans(viewer).scans]


def on_screen(viewer: Any) -> str:
    """The patient on the screen; checks that all of the plugin's layers there are this one's."""
    current = open_scans(viewer).current
    assert all(layer.metadata.get(SCAN, current.key) == current.key for layer in viewer.layers)
    return current.volume.series.patient_id


def add(viewer: Any, volume: Any) -> Any:
    files = Series(volume.series, (), "volume", volume.series.series_uid)
    data, attributes, _ = scan_layer(volume, files)
    return viewer.add_image(data, **attributes)


def mark(session: Session) -> str:
    """Add a finding where the crosshair is."""
    session.change(lambda review, by: edits.add(review, session.position_mm, 6.0, by, session.volume))
    return session.review.findings[-1].id


def test_what_is_dropped_opens_and_each_patient_is_alone_on_the_screen(
    make_napari_viewer: Callable[..., Any], patients: list[Path], opens_dicom: None
) -> None:
    viewer = make_napari_viewer()
    drop(viewer, patients[0])
    assert on_screen(viewer) == "ID-one"
    drop(viewer, *sorted(patients[1].iterdir())[:3])  # some files: the whole series comes, once
    assert on_screen(viewer) == "ID-two"
    assert who(viewer) == ["ID-one", "ID-two"]
    assert open_scans(viewer).current.layer.data.shape[0] == 12
    drop(viewer, patients[0])  # is open: raised
    assert on_screen(viewer) == "ID-one"
    assert who(viewer) == ["ID-one", "ID-two"]
    assert len([layer for layer in viewer.layers if layer.metadata.get("volume") is not None]) == 1


def test_a_folder_of_two_patients_opens_one_and_offers_the_other(
    make_napari_viewer: Callable[..., Any], patients: list[Path]
) -> None:
    viewer = make_napari_viewer()
    viewer.open(patients[0].parent, plugin="napari-lesion")
    assert len(who(viewer)) == 1
    viewer.open(patients, plugin="napari-lesion")
    QApplication.processEvents()
    assert sorted(who(viewer)) == ["ID-one", "ID-two"]
    assert len(viewer.layers) == 1, "never both on the screen"


def test_napari_s_own_menu_opens_a_folder(
    make_napari_viewer: Callable[..., Any],
    patients: list[Path],
    opens_dicom: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = make_napari_viewer()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(patients[1]))
    viewer.window._qt_viewer._open_folder_dialog()
    QApplication.processEvents()
    assert on_screen(viewer) == "ID-two"
    files = [str(file) for file in sorted(patients[0].iterdir())]
    monkeypatch.setattr(QtViewer, "_open_file_dialog_uni", lambda _viewer, _caption: files)
    viewer.window._qt_viewer._open_files_dialog()
    QApplication.processEvents()
    assert on_screen(viewer) == "ID-one"
    assert who(viewer) == ["ID-two", "ID-one"]


@pytest.mark.parametrize("how", ["dropped", "opened by a script"])
def test_what_is_opened_in_one_window_is_owned_there_whichever_was_used_last(
    make_napari_viewer: Callable[..., Any], patients: list[Path], opens_dicom: None, how: str
) -> None:
    """A drop makes no window the one in use: the scan came without views, letters, findings and owner."""
    first, other = make_napari_viewer(), make_napari_viewer()
    assert _QtMainWindow.current_viewer() is other
    if how == "dropped":
        drop(first, patients[0])
    else:
        first.open(patients[0], plugin="napari-lesion")
    assert who(first) == ["ID-one"]
    assert first in scan_views, "it has views, letters and keys"
    assert len(other.layers) == 0
    drop(other, patients[0])
    drop(first, *sorted(patients[0].iterdir())[:2])
    drop(other, patients[1])
    drop(first, *sorted(patients[1].iterdir())[:2])  # it is open in the other window, not in this one
    assert who(first) == ["ID-one", "ID-two"]
    assert who(other) == ["ID-one", "ID-two"]


def test_what_one_does_in_one_window_changes_nothing_in_the_other(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    """Two windows with a patient each, with all that keys and panels do."""
    one, _, two, *_ = coded_scans()
    viewers = [make_napari_viewer(show=True), make_napari_viewer(show=True)]
    for viewer, scan in zip(viewers, (one, two), strict=True):
        scan_view(viewer)
        add(viewer, scan.volume)
        findings_view(session_of(viewer))
    here, there = map(session_of, viewers)
    number = mark(here)
    mark(there)
    there_before, place = there.review, there.position_mm
    point, layers = viewers[1].dims.point, list(viewers[1].layers)
    limits = tuple(there.scan.contrast_limits)
    findings_view(here).look_at(number)
    for key in (Qt.Key.Key_A, Qt.Key.Key_2, Qt.Key.Key_Down, Qt.Key.Key_R, Qt.Key.Key_H):
        QTest.keyClick(viewers[0].window._qt_viewer.canvas.native, key)
    here.go_to(one.volume.to_patient((3, 10, 10)))
    open_scans(viewers[0]).close(open_scans(viewers[0]).current)
    QApplication.processEvents()
    assert there.review is there_before
    assert there.position_mm == place
    assert viewers[1].dims.point == point
    assert list(viewers[1].layers) == layers
    assert tuple(there.scan.contrast_limits) == limits
    assert open_scans(viewers[0]).scans == ()
    assert all(layer.visible for layer in layers)


def test_a_scan_in_two_windows_that_one_of_closes_is_read_on_in_the_other(
    make_napari_viewer: Callable[..., Any], patients: list[Path], opens_dicom: None, qtbot: Any
) -> None:
    first, other = make_napari_viewer(), make_napari_viewer()
    drop(first, patients[0])
    drop(other, patients[0])
    sessions = session_of(first), session_of(other)
    assert sessions[0].volume is sessions[1].volume
    number = mark(sessions[1])
    first.close()
    QApplication.processEvents()
    assert on_screen(other) == "ID-one"
    findings_view(sessions[1]).look_at(number)
    mark(sessions[1])
    assert len(sessions[1].review.findings) == 2


@pytest.mark.parametrize("closed", ["the scan", "the window"])
def test_a_scan_in_two_windows_is_reviewed_in_one_and_then_in_the_other(
    make_napari_viewer: Callable[..., Any], patients: list[Path], closed: str
) -> None:
    first, other = make_napari_viewer(), make_napari_viewer()
    for viewer in (first, other):
        viewer.open(patients[0], plugin="napari-lesion")
    one = mark(session_of(first))
    with pytest.raises(ConfigError, match="window"):
        mark(session_of(other))
    assert session_of(other).review is None
    if closed == "the scan":
        open_scans(first).close(open_scans(first).current)
    else:
        first.close()
    QApplication.processEvents()
    two = mark(session_of(other))
    assert [finding.id for finding in session_of(other).review.findings] == [one, two]


@pytest.mark.parametrize("act", ["rename", "duplicate", "reorder", "link", "remove"])
def test_what_is_done_by_hand_in_the_list_of_layers_keeps_its_scan(
    make_napari_viewer: Callable[..., Any], act: str
) -> None:
    """Beside layers of somebody else, which are as they were when the scan comes back."""
    from napari.layers import _layer_actions as menu

    one, _, two, *_ = coded_scans()
    viewer = make_napari_viewer()
    below = viewer.add_image(np.zeros((4, 5, 6)), name="below", visible=False)
    scan_view(viewer)
    scans, session = open_scans(viewer), session_of(viewer)
    first = add(viewer, one.volume)
    findings_view(session)
    number = mark(session)
    theirs = viewer.add_labels(np.zeros((4, 5, 6), int), name="theirs", visible=False)
    shapes = viewer.add_points(np.zeros((1, 3)), name="points of somebody else", visible=False)
    layers = viewer.layers
    layers.selection.active = first
    if act == "rename":
        first.name = "patient two"
    elif act == "duplicate":
        menu._duplicate_layer(layers)
    elif act == "reorder":
        layers.move(layers.index(first), len(layers))
    elif act == "link":
        layers.selection = {below, first}
        layers.link_layers(layers.selection)
    else:
        layers.remove(findings_view(session).layer("findings"))
    QApplication.processEvents()
    foreign = [(layer, layer.visible, layer.name) for layer in layers if SCAN not in layer.metadata]
    second = add(viewer, two.volume)
    QApplication.processEvents()
    assert on_screen(viewer) == two.volume.series.patient_id
    assert [layer for layer in layers if SCAN in layer.metadata] == [second]
    assert [(layer, layer.visible, layer.name) for layer in layers if SCAN not in layer.metadata] == foreign
    assert {below, theirs, shapes} <= set(layers)
    layers.selection = {theirs}
    scans.show(scans.of(first))
    QApplication.processEvents()
    assert on_screen(viewer) == one.volume.series.patient_id
    assert [(layer, layer.visible, layer.name) for layer in layers if SCAN not in layer.metadata] == foreign
    assert session.review.findings[-1].id == number


@pytest.mark.parametrize("work", ["search", "reading"])
def test_a_window_that_is_closed_during_work_goes_quietly(
    make_napari_viewer: Callable[..., Any],
    detector: BlobDetector,
    qtbot: Any,
    patients: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    work: str,
) -> None:
    """The other window goes on; nothing is delivered where nobody is."""
    reached, go, done = threading.Event(), threading.Event(), threading.Event()

    def wait(*_: object) -> None:
        reached.set()
        go.wait(PATIENCE_MS / 1000)
        done.set()

    viewer, other = make_napari_viewer(show=True), make_napari_viewer(show=True)
    one, _, two, *_ = coded_scans()
    for window, scan in ((viewer, one), (other, two)):
        scan_view(window)
        add(window, scan.volume)
    if work == "search":
        detector.before = wait
        panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")[1]
        panel.run()
    else:
        from napari_lesion.dicom.index.series import find_series
        from napari_lesion.dicom.read.progressive import ProgressiveLoading
        from napari_lesion.plugin.viewer.opening import Opening, follow

        [series] = find_series(patients[0])
        reading = ProgressiveLoading(series)
        taken = reading._take
        monkeypatch.setattr(reading, "_take", lambda k, stored: (wait(), taken(k, stored)))
        follow(viewer)
        Opening(reading, lambda _viewers: None).start()
        data, attributes, _ = scan_layer(reading.volume, series)
        viewer.add_image(data, **attributes)
    qtbot.waitUntil(reached.is_set, timeout=PATIENCE_MS)
    viewer.close()
    go.set()
    qtbot.waitUntil(done.is_set, timeout=PATIENCE_MS)
    for _ in range(5):
        QApplication.processEvents()
    assert on_screen(other) == two.volume.series.patient_id
    assert session_of(other).review is None
    mark(session_of(other))
    assert len(session_of(other).review.findings) == 1
