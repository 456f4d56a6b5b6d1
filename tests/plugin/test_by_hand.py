"""What somebody does to layers by hand, in napari's menus or from another window, mixes no two scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dicom_factory as factory
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.layers import _layer_actions as menu
from session_scans import Coded, coded_scans

from napari_lesion.dicom.index.series import find_series
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.viewer import reader
from napari_lesion.plugin.viewer.layers import SCAN, about, scan_layer
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.review import edits


def add(viewer: ViewerModel, scan: Coded) -> Image:
    data, attributes, _ = scan_layer(scan.volume)
    return viewer.add_image(data, **attributes)


def mark(session: Session) -> Layer:
    """Add a finding in the middle of the scan on the screen, and get the layer with its ring."""
    volume = session.volume
    place = tuple(volume.to_patient([(size - 1) / 2 for size in volume.shape]).tolist())
    session.change(lambda review, by: edits.add(review, place, 6.0, by, volume))
    layer = findings_view(session).layer("findings")
    assert layer is not None
    return layer


@pytest.fixture
def model(qapp: Any) -> ViewerModel:
    """A viewer without a window, with the tools of reading."""
    model = ViewerModel()
    scan_view(model)
    reading_tools(session_of(model))
    findings_view(session_of(model))
    return model


def merge_with_a_copy(layers: Any, rgb: bool = False) -> None:
    """Make one layer of the scan and of copies of it, which takes these away."""
    scan = layers.selection.active
    for _ in range(2 if rgb else 1):
        layers.selection.active = scan
        menu._duplicate_layer(layers)
    if rgb:
        for layer, colour in zip(layers, ("red", "green", "blue"), strict=True):
            layer.colormap = colour
    layers.selection = set(layers)
    menu._merge_stack(layers, rgb=rgb)


def names(model: ViewerModel) -> str:
    return " ".join(layer.name for layer in model.layers)


@pytest.mark.parametrize(
    "action",
    [
        lambda layers: menu._project(layers, axis=0, mode="max"),
        lambda layers: menu._convert(layers, "labels"),
        lambda layers: menu._split_stack(layers, 0),
        lambda layers: menu._duplicate_layer(layers),
        merge_with_a_copy,
        lambda layers: merge_with_a_copy(layers, rgb=True),
    ],
    ids=["projection", "labels", "single slices", "copy", "stack of copies", "copies as colours"],
)
def test_what_napari_makes_of_a_scan_is_never_seen_with_another(
    model: ViewerModel, qapp: Any, action: Callable[[Any], None]
) -> None:
    """Projections and single slices passed for the scan itself, and labels of a closed scan lay over the next one."""
    one, two, *_ = coded_scans()
    first = add(model, one)
    second = add(model, two)
    scans, session = open_scans(model), session_of(model)
    scans.show(scans.of(first))
    model.layers.selection.active = first
    action(model.layers)
    qapp.processEvents()
    reading_tools(session)._refresh()
    assert all(isinstance(scan.layer, Image) and scan.layer.ndim == 3 for scan in scans.scans)
    for scan in (two, one, two):
        layer = next((found.layer for found in scans.scans if found.volume is scan.volume), None)
        scans.show(scans.of(layer or add(model, scan)))
        qapp.processEvents()
        other = {one.code: two, two.code: one}[scan.code]
        assert other.code not in names(model)
        assert session.volume is scan.volume
    assert second in model.layers


def test_a_layer_without_its_metadata_still_belongs_to_its_scan(model: ViewerModel, qapp: Any) -> None:
    one, two, *_ = coded_scans()
    first = add(model, one)
    rings = mark(session_of(model))
    rings.metadata = {}
    add(model, two)
    assert rings not in model.layers
    open_scans(model).show(open_scans(model).of(first))
    assert rings in model.layers
    assert rings.visible


def test_a_scan_and_its_findings_are_not_moved_by_hand(model: ViewerModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """napari's "transform" tool dragged the scan away from under its findings, letters and millimetres."""
    told: list[str] = []
    monkeypatch.setattr("napari_lesion.plugin.session.placement.show_warning", told.append)
    [one, *_] = coded_scans()
    scan = add(model, one)
    for layer in (scan, mark(session_of(model))):
        place = layer.data_to_world((3, 4, 5))
        layer.translate = (7.0, 0.0, 9.0)
        layer.scale = (2.0, 2.0, 2.0)
        layer.rotate = (0, 0, 30)
        layer.affine = np.diag([1.0, -1.0, 1.0, 1.0])
        assert layer.data_to_world((3, 4, 5)) == pytest.approx(place)
    assert len(told) == 2
    theirs = model.add_image(np.zeros((3, 4, 5)))
    theirs.translate = (1, 2, 3)
    assert tuple(theirs.translate) == (1, 2, 3), "what is somebody else's may be moved"


@pytest.mark.parametrize("far", [False, True], ids=["alone", "beside a layer of somebody else"])
def test_a_scan_that_is_dragged_leaves_the_reader_where_he_was(model: ViewerModel, qapp: Any, far: bool) -> None:
    """The scan went back, but napari's point had followed it, and stayed beyond the scan where it could."""
    [one, *_] = coded_scans()
    scan, session = add(model, one), session_of(model)
    if far:
        model.add_points(np.array([[900.0, -900.0, 900.0], [-900.0, 900.0, -900.0]]), name="theirs")
    place = one.volume.to_patient((1.0, 50.0, 9.0))  # near an edge
    session.go_to(place)
    point, sliders = model.dims.point, model.dims.range
    for moved in ((500.0, 0.0, 0.0), (-500.0, 70.0, 0.0), (0.0, -300.0, 300.0)):
        scan.translate = moved
        scan.affine = np.diag([3.0, 1.0, 1.0, 1.0])
        qapp.processEvents()
        assert model.dims.range == sliders
        assert model.dims.point == pytest.approx(point)
        assert session.position_mm == pytest.approx(place, abs=0.01)


def test_the_scan_is_changed_while_the_outline_that_is_painted_was_taken_away(model: ViewerModel, qapp: Any) -> None:
    """Changing the scan then raised, and the traceback named the patient."""
    one, two, *_ = coded_scans()
    first = add(model, one)
    session, scans = session_of(model), open_scans(model)
    mark(session)
    findings_view(session).look_at(session.review.findings[0].id)
    outlines(session).use("paint")
    painted = model.layers.selection.active
    assert str(painted.mode) == "paint"
    model.layers.remove(painted)
    second = add(model, two)
    for layer in (first, second, first):
        session.set_active_scan(layer)
        qapp.processEvents()
        assert scans.current is scans.of(layer)
    outlines(session).use("paint")
    assert model.layers.selection.active.metadata[SCAN] == scans.current.key


def test_letters_of_a_radiograph_do_not_stay_over_the_ct_that_is_opened_next(
    make_napari_viewer: Callable[..., Any],
) -> None:
    """Head and feet of the radiograph stood above and below the axial slice."""
    viewer = make_napari_viewer()
    scan_view(viewer)
    axial, *_, radiograph = coded_scans()
    add(viewer, radiograph)
    [main, *_] = views(viewer).panes
    assert main.marks.letters() == {"left": "R", "right": "L", "top": "H", "bottom": "F"}
    add(viewer, axial)
    assert main.marks.letters() == {"left": "R", "right": "L", "top": "A", "bottom": "P"}


def test_layers_of_a_scan_that_is_not_open_here_are_taken_off(
    model: ViewerModel, qapp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr("napari_lesion.plugin.session.open_scans.show_info", told.append)
    one, two, *_ = coded_scans()
    add(model, one)
    rings = mark(session_of(model))
    other = ViewerModel()
    scan_view(other)
    shown = add(other, two)
    other.add_layer(rings)
    assert not rings.visible
    qapp.processEvents()
    assert list(other.layers) == [shown]
    assert "not open here" in told[-1]


def test_what_comes_just_before_its_scan_is_shown_with_it(model: ViewerModel, qapp: Any) -> None:
    [one, *_] = coded_scans()
    early = model.add_points(np.zeros((1, 3)), metadata=about(one.volume))
    scan = add(model, one)
    qapp.processEvents()
    assert set(model.layers) == {scan, early}
    assert early.visible


def test_dropped_files_of_two_scans_open_each_once(
    make_napari_viewer: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file of a scan that was not on the screen was looked for and opened anew, and brought it back."""
    for number in (1, 2):
        factory.write(factory.ct_slices(factory.asymmetric_phantom(), f"scan {number}"), tmp_path / str(number))
    series = [next(iter(find_series(tmp_path / str(number)))) for number in (1, 2)]
    files = [[frame.file.path for frame in one.frames] for one in series]
    looked: list[Path] = []
    read_one = reader._read_one

    def count(path: Path) -> Any:
        looked.append(path)
        return read_one(path.parent)

    monkeypatch.setattr(reader, "_read_one", count)
    viewer = make_napari_viewer(show=False)
    for path in [path for pair in zip(*files, strict=True) for path in pair]:
        viewer.open(path, plugin="napari-lesion")
    assert len(looked) == 2
    assert len(open_scans(viewer).scans) == 2
