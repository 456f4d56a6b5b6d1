"""Four views of one scan: each from its side, all at one place, on one array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dicom_factory as factory
import numpy as np
import numpy.typing as npt
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QImage, QWheelEvent
from qtpy.QtWidgets import QApplication
from session_scans import coded_scans
from session_truth import Undrawn

from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import layers, view
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.corners import CornerTexts
from napari_lesion.plugin.viewer.view import PLANES
from napari_lesion.plugin.viewer.views.marks import MARGIN, SCALE_BAR
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.viewer.views.pane import Pane
from napari_lesion.plugin.viewer.views.projection import shrink

SHAPE = (24, 40, 44)
MARKS = {mark.name: mark.center_mm for mark in factory.MARKS}


def marked(affine: npt.NDArray[np.float64] | None = None) -> Volume:
    """A dark block with marks to the left, in front, towards the head, and right-behind-below."""
    affine = factory.grid("axial", SHAPE, (2.0, 1.5, 1.5)) if affine is None else affine
    points = factory.positions(affine, SHAPE)
    voxels = np.full(SHAPE, -1000, np.int16)
    for center in MARKS.values():
        voxels[((points - center) ** 2).sum(-1) <= 5.0**2] = 1000
    return Volume(
        voxels,
        affine,
        SeriesIdentity(series_uid="1.2.3", modality="CT"),
        GeometryCertificate(shape=SHAPE, spacing_mm=(2.0, 1.5, 1.5), orientation="axial", axes="HPL"),
    )


def wait(seconds: float = 0.2) -> None:
    from qtpy.QtTest import QTest

    QTest.qWait(int(1000 * seconds))


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any]) -> Any:
    """With four views. They are not what is returned: pytest would hold them, and with them the window."""
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    data, attributes, _ = layers.scan_layer(marked())
    viewer.add_image(data, **attributes)
    views(viewer).show_all()
    wait(0.5)
    return viewer


def pixels(pane: Pane) -> npt.NDArray[np.float64]:
    """Grey values of the picture in a canvas, without what Qt draws above it."""
    image = pane.canvas.grabFramebuffer().convertToFormat(QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width()].astype(np.float64)


def plain(pane: Pane) -> npt.NDArray[np.float64]:
    """The same without any text in it."""
    for overlay in pane.view.canvas.overlays.values():
        overlay.visible = False
    wait(0.1)
    return pixels(pane)


def spots(image: npt.NDArray[np.float64]) -> list[tuple[float, float]]:
    """Centres of the bright spots, as shares of width and height from the upper left corner, left to right."""
    from scipy import ndimage

    found, count = ndimage.label(image > 200)
    sizes = ndimage.sum_labels(image > 200, found, range(1, count + 1))
    centers = ndimage.center_of_mass(image > 200, found, [n + 1 for n in range(count) if sizes[n] > 30])
    return sorted((x / image.shape[1], y / image.shape[0]) for y, x in centers)


def test_every_view_shows_the_patient_from_its_side_and_a_click_says_where(viewer: Any) -> None:
    four = views(viewer)
    axial, coronal, sagittal, three = four.panes
    session = session_of(axial.view)
    session.go_to(factory.CENTER_MM)
    wait()

    # By what is on the screen alone: two marks lie in each plane through the centre.
    [front, left] = spots(plain(axial))
    assert front[0] == pytest.approx(0.5, abs=0.03)
    assert front[1] < 0.45, "the front is not on top"
    assert left[0] > 0.55, "the patient's left is not on the right"
    assert left[1] == pytest.approx(0.5, abs=0.03)
    [head, left] = spots(plain(coronal))
    assert head[1] < 0.45, "the head is not on top"
    assert left[0] > 0.55
    [front, head] = spots(plain(sagittal))
    assert front[0] < 0.45, "the front is not on the left"
    assert head[1] < 0.45
    assert [pane.marks.letters() for pane in four.panes] == [
        {"left": "R", "right": "L", "top": "A", "bottom": "P"},
        {"left": "R", "right": "L", "top": "H", "bottom": "F"},
        {"left": "A", "right": "P", "top": "H", "bottom": "F"},
        {"left": "R", "right": "L", "top": "H", "bottom": "F"},
    ]

    # A click on a bright spot says where it is, and brings the other views there.
    from qtpy.QtTest import QTest

    for pane, name in ((axial, "left"), (coronal, "head"), (sagittal, "front")):
        session.go_to(factory.CENTER_MM)
        wait()
        x, y = min(
            spots(plain(pane)),
            key=lambda spot: {"left": -spot[0], "head": spot[1], "front": spot[0]}[name],
        )
        at = QPoint(round(x * pane.canvas.width()), round(y * pane.canvas.height()))
        QTest.mouseClick(pane.canvas, Qt.MouseButton.LeftButton, pos=at)
        wait()
        np.testing.assert_allclose(session.position_mm, MARKS[name], atol=2.0, err_msg=name)
        for other in (axial, coronal, sagittal):
            image, (column, row) = pixels(other), other.marks.at
            row, column = (round(v * image.shape[0] / other.canvas.height()) for v in (row, column))
            assert image[row, column] > 200, f"{other.heading.text()} does not show the {name} mark at its crosshair"

    # The same in 3D, where the marks are seen through everything.
    four.solid.image.contrast_limits = (0, 1000)
    session.go_to(MARKS["right-back-feet"])
    wait(0.4)
    image = plain(three)
    column, row = three.marks.at
    low_right = min(spots(image), key=lambda spot: spot[0] - spot[1])
    assert low_right[0] < 0.5, "the patient's right is not on the left"
    assert low_right[1] > 0.5
    assert (column / three.canvas.width(), row / three.canvas.height()) == pytest.approx(low_right, abs=0.02)


def test_another_scan_comes_into_four_views_in_three_planes(viewer: Any, qtbot: Any) -> None:
    """A scan that was opened beside another one was shown three times in one plane."""
    four = views(viewer)
    one, other, _, coronal, _ = coded_scans()
    for scan in (one, other, coronal):
        data, attributes, _ = layers.scan_layer(scan.volume)
        viewer.add_image(data, **attributes)
        QApplication.processEvents()
        assert sorted(pane.through for pane in four.panes[:3]) == [0, 1, 2]
        assert all(pane.is_plane for pane in four.panes[:3])


def test_no_view_names_sides_of_a_radiograph_that_its_header_does_not(viewer: Any, qtbot: Any) -> None:
    """The 3D view named head and feet of an image that lies nowhere in the patient."""
    *_, radiograph = coded_scans()
    data, attributes, _ = layers.scan_layer(radiograph.volume)
    viewer.add_image(data, **attributes)
    four = views(viewer)
    four.show_all()
    assert four.panes[0].marks.letters() == {"left": "R", "right": "L", "top": "H", "bottom": "F"}
    qtbot.waitUntil(lambda: [pane.marks.letters() for pane in four.panes[1:]] == [{}, {}, {}], timeout=60_000)


def test_a_radiograph_has_its_sides_in_2d_and_none_in_3d(viewer: Any) -> None:
    """A view that was in 3D when the scan came back to the screen had no letters in 2D."""
    data, attributes, _ = layers.scan_layer(coded_scans()[-1].volume)
    viewer.add_image(data, **attributes)
    marks, sides = views(viewer).panes[0].marks, {"left": "R", "right": "L", "top": "H", "bottom": "F"}
    assert marks.letters() == sides
    viewer.dims.ndisplay = 3
    assert marks.letters() == {}, "in 3D nobody knows which way the patient lies"
    views(viewer).crosshair.refresh()
    viewer.dims.ndisplay = 2
    assert marks.letters() == sides


def test_a_view_is_drawn_only_when_its_own_picture_changes(viewer: Any, qtbot: Any) -> None:
    four = views(viewer)
    axial, coronal, sagittal, three = four.panes
    session = session_of(axial.view)
    session.go_to(factory.CENTER_MM)
    drawn = dict.fromkeys(four.panes, 0)
    for pane in four.panes:
        pane.qt_viewer.canvas.events.draw.connect(lambda _event, pane=pane: drawn.update({pane: drawn[pane] + 1}))
    before_all = {}
    while before_all != drawn:  # until all that is still to be drawn has been, however busy the machine is
        before_all = dict(drawn)
        wait(1.0)
    drawn.update(dict.fromkeys(four.panes, 0))
    before = session.position_mm

    def wheel(pane: Pane, notches: int, modifiers: Any = Qt.KeyboardModifier.NoModifier) -> None:
        middle = QPointF(pane.canvas.width() / 2, pane.canvas.height() / 2)
        turned = QPoint(0, -120 * notches)
        none = Qt.MouseButton.NoButton
        phase = Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(middle, middle, QPoint(), turned, none, modifiers, phase, False)
        QApplication.sendEvent(pane.canvas, event)

    for _ in range(3):  # taken together: nothing was drawn in between
        wheel(axial, 1)
    qtbot.waitUntil(lambda: drawn[axial] > 0, timeout=20000)
    wait()
    # From a place between two slices one goes on from the nearer one.
    np.testing.assert_allclose(session.position_mm, np.subtract(before, (0, 0, 3 * 2.0)), atol=1.01)
    assert [drawn[pane] for pane in (coronal, sagittal, three)] == [0, 0, 0]
    down = (factory.CENTER_MM[2] - session.position_mm[2]) * coronal.view.scene.camera.zoom
    assert coronal.marks.at[1] == pytest.approx(coronal.canvas.height() / 2 + down, abs=1.0)

    wheel(coronal, -2)
    qtbot.waitUntil(lambda: drawn[coronal] > 0, timeout=20000)
    wait()
    assert session.position_mm[1] == pytest.approx(before[1] - 2 * 1.5, abs=0.76)
    assert (drawn[sagittal], drawn[three]) == (0, 0)

    # Ctrl and wheel zooms; the others zoom with it, and pan with it, as long as they are linked.
    zoom = axial.view.scene.camera.zoom
    wheel(axial, -1, Qt.KeyboardModifier.ControlModifier)
    assert axial.view.scene.camera.zoom > 1.1 * zoom
    assert coronal.view.scene.camera.zoom == pytest.approx(axial.view.scene.camera.zoom)
    axial.view.scene.camera.center = (0, 3.0, -4.0)  # y, x
    assert coronal.view.scene.camera.center[-1] == pytest.approx(-4.0)
    assert sagittal.view.scene.camera.center[-1] == pytest.approx(3.0)
    four.toggle_link()
    axial.view.scene.camera.zoom *= 2
    assert sagittal.view.scene.camera.zoom == pytest.approx(axial.view.scene.camera.zoom / 2)
    four.reset()
    four.toggle_link()


def test_nobody_zooms_in_until_a_few_voxels_fill_a_view(viewer: Any) -> None:
    four = views(viewer)
    pane, camera = four.panes[0], viewer.scene.camera
    camera.center = (0.0, 12.0, -7.0)
    at = QPointF(0.25 * pane.canvas.width(), 0.75 * pane.canvas.height())
    under = pane.world_at(at)
    for _ in range(40):
        pane.zoom_by(1.2, at)
    voxel = min(abs(viewer.layers[0].scale[axis]) for axis in viewer.dims.displayed)
    assert min(pane.canvas.width(), pane.canvas.height()) / camera.zoom / voxel == pytest.approx(8.0)
    np.testing.assert_allclose(pane.world_at(at), under, atol=1e-6)
    camera.zoom *= 2  # a finding may be looked at from nearer: that stays
    nearer = camera.zoom
    pane.zoom_by(1.2)
    assert camera.zoom == nearer
    pane.zoom_by(1 / 1.2)
    assert camera.zoom < nearer


def test_layers_are_the_same_in_all_views_on_the_same_arrays(viewer: Any) -> None:
    four = views(viewer)
    scan = viewer.layers[0]
    labels = viewer.add_labels(np.zeros(SHAPE, np.uint8), scale=scan.scale, translate=scan.translate, units=scan.units)
    points = viewer.add_points([[0.0, 0.0, 0.0], [4.0, 4.0, 4.0]], size=3, units=scan.units)
    slices, solid = four.mirrors[:2], four.mirrors[2]

    def mirrors(layer: Any) -> list[Any]:
        return [mirror.mirrored_layer_of(layer) for mirror in slices]

    for layer in (scan, labels):
        assert all(np.shares_memory(layer.data, mirrored.data) for mirrored in mirrors(layer))
        assert solid.mirrored_layer_of(layer) is None
    assert [one.name for one in slices[0]._view.layers] == [one.name for one in viewer.layers]

    scan.contrast_limits, scan.colormap, scan.opacity, labels.visible = (-500, 700), "gray_r", 0.5, False
    labels.selected_label, labels.mode = 3, "pan_zoom"
    for mirrored in mirrors(scan):
        assert (tuple(mirrored.contrast_limits), mirrored.colormap.name, mirrored.opacity) == (
            (-500, 700),
            "gray_r",
            0.5,
        )
    assert [mirrored.visible for mirrored in mirrors(labels)] == [False, False]
    labels.visible = True

    def cut(layer: Any) -> npt.NDArray[Any]:
        return np.asarray(layer._slice.image.raw)

    # Painted in one view, seen in all; also what a program writes into the array.
    there, elsewhere = mirrors(labels)
    index = [round(i) for i in labels.world_to_data(viewer.dims.point)]
    labels.data[tuple(index)] = 0
    there.selected_label = 5
    assert labels.selected_label == 5
    there.paint(there.world_to_data(four.panes[1].view.dims.point), 5)
    wait(0.2)
    assert 5 in labels.data
    assert 5 in cut(elsewhere) or 5 in cut(labels)
    labels.data[:] = 7
    labels.refresh()
    wait(0.2)
    assert all((cut(mirrored) == 7).all() for mirrored in mirrors(labels))

    # Points: moved here and there, added there, shown or not.
    points.data = [[2.0, 0.0, 0.0], [4.0, 4.0, 4.0]]
    points.shown = [True, False]
    points.size = [5.0, 6.0]
    wait(0.2)
    for mirrored in (*mirrors(points), solid.mirrored_layer_of(points)):
        np.testing.assert_array_equal(mirrored.data, points.data)
        assert (list(mirrored.shown), list(mirrored.size)) == ([True, False], [5.0, 6.0])
    there, elsewhere = mirrors(points)
    there.add([1.0, 2.0, 3.0])
    wait(0.2)
    assert len(points.data) == 3
    np.testing.assert_array_equal(elsewhere.data, points.data)
    there.remove([0, 1])
    wait(0.2)
    np.testing.assert_array_equal(points.data, [[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(elsewhere.data, points.data)

    viewer.layers.move(0, 3)
    assert [one.name for one in slices[1]._view.layers] == [one.name for one in viewer.layers]
    viewer.layers.remove(labels)
    assert [one.name for one in slices[1]._view.layers] == [one.name for one in viewer.layers]


def test_in_a_narrow_view_slice_and_letter_stand_above_the_scale_bar(viewer: Any) -> None:
    marks = views(viewer).panes[0].marks
    marks.set_corner("bottom_left", "331/512 · L 67.1 mm\nW 1500 L −600", 8.0)
    marks.resize(900, 600)
    assert marks.floors() == {"bottom": MARGIN, "bottom_left": MARGIN, "bottom_right": SCALE_BAR}
    marks.resize(228, 320)
    floors = marks.floors()
    assert floors["bottom_left"] == SCALE_BAR
    assert floors["bottom"] > SCALE_BAR + 15, "the letter would lie on the text of two lines"


def test_one_key_shows_four_views_or_the_one_under_the_mouse(viewer: Any) -> None:
    four = views(viewer)
    from qtpy.QtTest import QTest

    axial, coronal, _, three = four.panes
    session = session_of(axial.view)
    axial.entered.emit(axial)
    QTest.keyClick(axial.canvas, Qt.Key.Key_V)
    assert not four.is_mpr
    assert [pane.isVisible() for pane in four.panes] == [True, False, False, False]
    session.go_to(MARKS["left"])
    assert coronal.view.dims.point[1] != pytest.approx(MARKS["left"][1]), "what cannot be seen is not cut"
    axial.view.layers[0].gamma = 0.7
    QTest.keyClick(axial.canvas, Qt.Key.Key_V)
    assert all(pane.isVisible() for pane in four.panes)
    assert coronal.view.dims.point[1] == pytest.approx(MARKS["left"][1], abs=1.0)
    assert coronal.view.layers[0].gamma == 0.7

    # Keys work wherever the mouse is; a plane alone is on the viewer's own canvas, and the crosshair stays.
    coronal.entered.emit(coronal)
    place = session.position_mm
    QTest.keyClick(coronal.canvas, Qt.Key.Key_Down)
    assert session.position_mm[1] == pytest.approx(place[1] + 1.5, abs=0.8)
    place = session.position_mm
    QTest.keyClick(coronal.canvas, Qt.Key.Key_V)
    assert tuple(axial.view.dims.order) == view.PLANES["coronal"]
    assert axial.isVisible()
    assert not coronal.isVisible()
    assert session.position_mm == pytest.approx(place)
    QTest.keyClick(axial.canvas, Qt.Key.Key_V)
    assert tuple(axial.view.dims.order) == view.PLANES["axial"]
    assert tuple(coronal.view.dims.order) == view.PLANES["coronal"]
    assert session.position_mm == pytest.approx(place)
    three.entered.emit(three)
    QTest.keyClick(three.canvas, Qt.Key.Key_V)
    assert [pane.isVisible() for pane in four.panes] == [False, False, False, True]
    QTest.keyClick(three.canvas, Qt.Key.Key_V)
    assert all(pane.isVisible() for pane in four.panes)

    # F centres all views on the place, 40 mm wide.
    wait()
    QTest.keyClick(axial.canvas, Qt.Key.Key_F)
    for pane in four.planes:
        assert pane.marks.at == pytest.approx((pane.canvas.width() / 2, pane.canvas.height() / 2), abs=3)
        size = min(pane.canvas.width(), pane.canvas.height())
        assert size / pane.view.scene.camera.zoom == pytest.approx(40.0)

    axial.view.layers.clear()
    assert [pane.isVisible() for pane in four.panes] == [True, False, False, False]


def test_an_oblique_scan_has_its_places_in_all_views(make_napari_viewer: Callable[..., Any]) -> None:
    affine = factory.grid("axial", SHAPE, (2.0, 1.5, 1.5))
    turn = np.eye(4)
    turn[:3, :3] = factory.rotation(12, 8, 5)
    centre = np.append(factory.CENTER_MM, 1.0)
    turn[:3, 3] = (centre - turn @ centre)[:3]
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    data, attributes, _ = layers.scan_layer(marked(turn @ affine))
    viewer.add_image(data, **attributes)
    shown = views(viewer)
    shown.show_all()
    wait(0.5)
    session = session_of(viewer)
    for name, center in MARKS.items():
        session.go_to(center)
        wait()
        assert session.position_mm == pytest.approx(center)
        for pane in shown.planes:
            image = plain(pane)
            row, column = image.shape[0] // 2, image.shape[1] // 2
            assert image[row, column] > 200, f"{name} is not in the middle of {pane.heading.text()}"


def test_a_coarse_volume_keeps_every_bright_voxel() -> None:
    voxels = np.random.default_rng(0).integers(-1000, 1000, (7, 50, 33)).astype(np.int16)
    coarse, factors = shrink(voxels, 16)
    assert factors == (1, 4, 3)
    assert coarse.shape == (7, 13, 11)
    for at in np.ndindex(coarse.shape):
        block = tuple(slice(i * f, (i + 1) * f) for i, f in zip(at, factors, strict=True))
        assert coarse[at] == voxels[block].max()


def test_scans_that_come_and_go_are_drawn_in_every_view(viewer: Any) -> None:
    """Whichever canvas was drawn last: what napari sends to OpenGL when layers go went to that one, or to none."""
    undrawn = Undrawn()
    first = session_of(viewer).scan
    other = marked()
    data, attributes, _ = layers.scan_layer(
        Volume(other.voxels, other.affine, other.series.model_copy(update={"series_uid": "1.2.4"}), other.certificate)
    )
    second = viewer.add_image(data, **attributes)
    for turn, scan in enumerate((first, second, first, second)):
        views(viewer).panes[turn % 3].canvas.doneCurrent()
        session_of(viewer).set_active_scan(scan)
        wait(0.1)
        for pane in views(viewer).panes[:3]:
            pixels(pane)  # drawn now
    assert undrawn.said == []


def test_a_scan_that_opens_while_one_view_is_shown_has_three_planes_of_its_own(viewer: Any, qtbot: Any) -> None:
    four = views(viewer)
    sagittal = four.panes[2]
    four.show_alone(sagittal)  # as a double click does; the other views rest
    other = replace(marked(), series=SeriesIdentity(series_uid="1.2.4", modality="CT", patient_id="B"))
    data, attributes, _ = layers.scan_layer(other)
    viewer.add_image(data, **attributes)
    four.toggle()
    planes = {PLANES["axial"], PLANES["coronal"], PLANES["sagittal"]}
    qtbot.waitUntil(lambda: {tuple(pane.view.dims.order) for pane in four.panes[:3]} == planes, timeout=60_000)


def test_the_3d_view_says_whose_scan_it_is_and_a_new_scan_begins_with_its_slices(viewer: Any, qtbot: Any) -> None:
    def who(pane: Pane) -> str:
        return pane.marks._corners.get("top_left", ("", 0))[0]

    four = views(viewer)
    first = replace(marked(), series=SeriesIdentity(series_uid="1.2.5", modality="CT", patient_id="A-1"))
    data, attributes, _ = layers.scan_layer(first)
    viewer.add_image(data, **attributes)
    three = four.panes[3]
    assert "A-1" in who(three)
    four.show_alone(three)
    other = replace(marked(), series=SeriesIdentity(series_uid="1.2.6", modality="CT", patient_id="B-2"))
    data, attributes, _ = layers.scan_layer(other)
    viewer.add_image(data, **attributes)
    assert "B-2" in who(three)
    assert "A-1" not in who(three)
    qtbot.waitUntil(lambda: four.panes[0].isVisible() and not three.isVisible(), timeout=60_000)


def test_a_narrow_view_has_the_day_below_the_name_not_over_it(viewer: Any) -> None:
    corners = CornerTexts(viewer)
    for width, beside in ((200, ""), (600, "2024-03-12\nchest")):
        corners._width = width
        corners.show_identity("Doe, Jane", "2024-03-12\nchest")
        assert corners.text("top_right") == beside
        assert corners.text("top_left").startswith("Doe, Jane")
        assert ("2024-03-12" in corners.text("top_left")) is not bool(beside)
