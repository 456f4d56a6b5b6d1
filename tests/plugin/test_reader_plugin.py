"""Opening folders, files and zips in napari: the right scan, a choice among several, sentences for errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dicom_factory as factory
import npe2
import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_lesion.pipeline import analyse
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import reader
from napari_lesion.plugin.viewer.browser_panel import BrowserPanel
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.view import volume_of
from napari_lesion.plugin.widgets.dialogs import SeriesDialog
from napari_lesion.plugin.widgets.task import sentence
from napari_lesion.support.errors import Cancelled, GeometryError, SeriesError, UnitError

EXTENSIONLESS = "IM{:04d}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    factory.write_phantom(tmp_path / "ct")
    return tmp_path / "ct"


def small(name: str, slices: int) -> list:
    return factory.ct_slices(factory.asymmetric_phantom(shape=(slices, 40, 32)), name)


@pytest.fixture
def two_series(tmp_path: Path) -> Path:
    """A long and a short scan in one folder."""
    factory.write(small("long", 18), tmp_path / "both" / "a")
    factory.write(small("short", 8), tmp_path / "both" / "b")
    return tmp_path / "both"


def kinds_of_path(folder: Path) -> dict[str, Path]:
    bare = folder.parent / "bare"
    factory.write(small("bare", 18), bare, EXTENSIONLESS)
    return {
        "folder": folder,
        "file": folder / "IM0003.dcm",
        "zip": factory.write_zip(folder, folder.parent / "ct.zip"),
        "extensionless folder": bare,
        "DICOMDIR": factory.write_dicomdir(small("set", 18), folder.parent / "set"),
    }


def test_a_scan_opens_from_a_folder_a_file_a_zip_and_a_dicomdir(folder: Path) -> None:
    npe2.PluginManager.instance().discover()
    for kind, path in kinds_of_path(folder).items():
        [(data, attributes, layer_type)] = npe2.read([str(path)], stack=False, plugin_name="napari-lesion")
        assert layer_type == "image", kind
        assert data.shape == factory.SHAPE, kind
        assert attributes["metadata"]["series"]["patient_id"] == "ASYM-1", kind


def test_viewer_open_shows_the_scan_in_mm(make_napari_viewer: Callable, folder: Path) -> None:
    viewer = make_napari_viewer()
    [layer] = viewer.open(folder, plugin="napari-lesion")
    assert [str(unit) for unit in viewer.layers.units] == ["millimeter"] * 3
    for mark in factory.MARKS:
        index = np.rint(layer.world_to_data(mark.center_mm[::-1])).astype(int)
        assert layer.data[tuple(index)] == mark.hu
    low, high = layer.contrast_limits_range
    assert low <= layer.data.min()
    assert high >= layer.data.max()
    assert tuple(layer.contrast_limits) == (-150, 250), "there is no lung in it"
    assert layer.source.reader_plugin == "napari-lesion"


def test_a_script_gets_the_largest_scan_and_is_told_what_was_left_out(
    make_napari_viewer: Callable, two_series: Path
) -> None:
    viewer = make_napari_viewer()
    [layer] = viewer.open(two_series, plugin="napari-lesion")
    assert layer.data.shape[0] == 18
    QApplication.processEvents()
    told = notification_manager.records[-1]
    assert "largest of 2 series" in told.message
    assert "short" in told.message
    [(label, choose)] = told.actions
    assert label == "Choose others…"
    answer(lambda dialog: dialog.accept())
    choose()
    assert [scan.layer.data.shape[0] for scan in open_scans(viewer).scans] == [18, 8]
    assert [one.data.shape[0] for one in viewer.layers] == [8], "the other one is not on the screen any more"


def test_of_several_patients_each_is_named_with_what_was_not_opened(
    make_napari_viewer: Callable, two_series: Path, qtbot: Any
) -> None:
    for name in ("third", "fourth"):
        datasets = small(name, 6)
        for dataset in datasets:
            dataset.PatientID, dataset.PatientName = "B-2", "Muster^Ute"
        factory.write(datasets, two_series / name)
    viewer = make_napari_viewer()
    scan_view(viewer)

    def told() -> str:
        viewer.layers.clear()
        viewer.open(two_series, plugin="napari-lesion")
        QApplication.processEvents()
        return notification_manager.records[-1].message

    said = told()
    assert "largest of 4 series of 2 patients" in said
    first, _, others = said.partition("Not opened: ")
    assert "ASYM-1" in first
    assert "ASYM-1 (1 series); Muster, Ute · B-2 (2 series)" in others
    reading_tools(session_of(viewer)).set_names(False)
    said = told()
    assert "largest of 4 series of 2 patients." in said
    assert "ASYM-1" not in said
    assert "Muster" not in said
    browser = BrowserPanel(viewer)
    qtbot.addWidget(browser)
    browser.look_through([two_series])
    qtbot.waitUntil(lambda: not browser.searching, timeout=60_000)
    assert browser.status.text() == "4 series in 2 studies of 2 patients"


def answer(act: Callable[[SeriesDialog], None]) -> None:
    """Act on the series dialog as soon as it is there."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, SeriesDialog):
            act(dialog)
        else:
            QTimer.singleShot(20, look)

    QTimer.singleShot(20, look)


def test_a_person_is_asked_which_series_to_open(make_napari_viewer: Callable, qtbot, two_series: Path) -> None:
    viewer = make_napari_viewer()
    rows: list[list[str]] = []

    def choose_short(dialog: SeriesDialog) -> None:
        table = dialog._table
        rows.extend([[table.item(r, c).text() for c in range(table.columnCount())] for r in range(table.rowCount())])
        assert dialog.chosen == [next(r for r, row in enumerate(rows) if "long" in row)], "the largest comes first"
        table.selectRow(next(r for r, row in enumerate(rows) if "short" in row))
        dialog.accept()

    answer(choose_short)
    QTimer.singleShot(0, lambda: viewer.open(two_series, plugin="napari-lesion"))  # from the event loop, as a drop is
    qtbot.waitUntil(lambda: len(viewer.layers) == 1, timeout=10_000)
    assert viewer.layers[0].name == "2024-02-29 short"
    assert sorted(row[4] for row in rows) == ["18", "8"]
    assert {row[5] for row in rows} == {"3 mm"}


def test_nothing_opens_when_the_person_cancels(
    make_napari_viewer: Callable, monkeypatch: pytest.MonkeyPatch, two_series: Path
) -> None:
    viewer = make_napari_viewer()
    monkeypatch.setattr(reader, "_somebody_is_there", lambda: True)
    answer(lambda dialog: dialog.reject())
    assert viewer.open(two_series, plugin="napari-lesion") == []
    assert len(viewer.layers) == 0


def test_reading_that_is_cancelled_opens_nothing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def stop(*_: object, **__: object) -> None:
        raise Cancelled

    monkeypatch.setattr("napari_lesion.plugin.viewer.reader.read_series", stop)
    assert reader.read(folder) == reader.NOTHING


def test_a_folder_without_dicom_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SeriesError, match=r"no DICOM image in it \(notes\.txt: .*\)\. Choose the folder"):
        reader.read(tmp_path)


def test_a_path_that_is_not_there_is_left_to_others(tmp_path: Path) -> None:
    assert reader.get_reader(str(tmp_path / "nothing")) is None
    assert reader.get_reader([]) is None


def test_missing_slices_are_an_error_unless_a_person_allows_them(
    make_napari_viewer: Callable, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    (folder / "IM0007.dcm").unlink()
    with pytest.raises(GeometryError, match="allow-gaps"):
        reader.read(folder)

    make_napari_viewer()
    asked: list[str] = []
    monkeypatch.setattr(reader, "_somebody_is_there", lambda: True)
    monkeypatch.setattr(reader, "_confirm_gaps", lambda problem: asked.append(problem) is None)
    [(data, attributes, _)] = reader.read(folder)
    assert len(asked) == 1
    assert data.shape == factory.SHAPE
    assert len(attributes["metadata"]["certificate"]["interpolated_slices"]) == 1


def test_one_bad_series_does_not_keep_the_others_from_opening(
    monkeypatch: pytest.MonkeyPatch, two_series: Path
) -> None:
    (two_series / "a" / "IM0007.dcm").unlink()
    errors: list[str] = []
    monkeypatch.setattr(reader, "show_error", errors.append)
    from napari_lesion.dicom.index.series import find_series

    layers = reader.open_series(list(find_series(two_series)))
    assert [attributes["name"] for _, attributes, _ in layers] == ["2024-02-29 short"]
    assert len(errors) == 1
    assert "allow-gaps" in errors[0]


@pytest.mark.parametrize("kind", ["MGML", "US"])
@pytest.mark.parametrize("knows", [True, False])
def test_values_are_taken_as_hu_only_when_a_person_says_that_they_are(
    make_napari_viewer: Callable, monkeypatch: pytest.MonkeyPatch, qtbot, tmp_path: Path, kind: str, knows: bool
) -> None:
    """MGML is known from the headers, and the scan shown while it is read; whether US is HU only pixels tell."""
    datasets = factory.ct_slices(factory.asymmetric_phantom(shape=(8, 40, 32)), "odd")
    for ds in datasets:
        ds.RescaleType = kind
    factory.write(datasets, tmp_path)
    viewer = make_napari_viewer()
    asked: list[str] = []
    monkeypatch.setattr(reader, "_somebody_is_there", lambda: True)
    monkeypatch.setattr(reader, "_confirm_hu", lambda name, why: asked.append(why) is not None or knows)
    viewer.open(tmp_path, plugin="napari-lesion")
    (layer,) = viewer.layers
    qtbot.waitUntil(lambda: volume_of(layer).complete, timeout=10_000)
    assert len(asked) == 1
    assert kind in asked[0]
    certificate = volume_of(layer).certificate
    assert (certificate.unit == "HU") == knows
    assert any("taken as HU because that was asked for" in note for note in certificate.notes) == knows
    if not knows:
        with pytest.raises(UnitError) as refused:
            analyse(volume_of(layer))
        assert "open it again; you are asked whether its values are HU" in sentence(refused.value)


def test_nobody_is_asked_about_hu_where_headers_say_it(
    make_napari_viewer: Callable, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    make_napari_viewer()
    monkeypatch.setattr(reader, "_somebody_is_there", lambda: True)
    monkeypatch.setattr(reader, "_confirm_hu", lambda *_: pytest.fail("asked"))
    [(_, attributes, _)] = reader.read(folder)
    assert attributes["metadata"]["certificate"]["unit"] == "HU"


def test_what_could_not_be_looked_into_is_said_when_a_scan_opens(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "older").symlink_to(folder / "gone", target_is_directory=True)
    told: list[str] = []
    monkeypatch.setattr(reader, "show_warning", told.append)
    assert len(reader.read(folder)) == 1
    assert len(told) == 1
    assert "older: a link that leads nowhere" in told[0]


def test_where_nothing_opens_what_may_hold_scans_is_named_first(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "z").symlink_to(tmp_path / "gone")
    with pytest.raises(SeriesError, match=r"no DICOM image in it \(Not looked into.*z: a link.*a\.txt: "):
        reader.read(tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name", ["cptac-C3N-00247", "lungfcp-01-0001", "cmb-crc-01068", "rider-pilot-0117", "acrin-flt-breast-001"]
)
def test_every_real_scan_opens_as_its_volume_lies(real_data: Path, name: str) -> None:
    from napari.layers import Layer

    [layer_data] = reader.read(real_data / "ct" / name)
    layer = Layer.create(*layer_data)
    volume = layer.metadata["volume"]
    for index in [(0, 0, 0), tuple(n - 1 for n in volume.shape), (10, 200, 300)]:
        shown = np.rint(layer.world_to_data(volume.to_patient(index)[::-1])).astype(int)
        assert layer.data[tuple(shown)] == volume.voxels[index]


@pytest.mark.parametrize("stack", [False, True])
def test_files_that_are_dropped_together_are_one_volume(folder: Path, make_napari_viewer, stack: bool) -> None:
    viewer = make_napari_viewer()
    files = sorted(map(str, folder.iterdir()))[:8]
    viewer.open(files, plugin="napari-lesion", stack=stack)
    assert [layer.data.shape for layer in viewer.layers] == [factory.SHAPE]


def test_a_file_that_is_no_scan_keeps_no_other_from_opening(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")
    layers = reader.read([folder / "notes.txt", *sorted(folder.glob("*.dcm"))])
    assert [data.shape for data, _, _ in layers] == [factory.SHAPE]
