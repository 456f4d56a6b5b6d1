"""One numbering of images, and a probe that says what lies under the pointer, on the screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_scan import FIRST, make_heatmap, make_volume
from napari._qt.widgets.qt_dims_slider import QtDimSliderWidget
from napari.components import ViewerModel
from napari.layers import Image
from plugin_scan import NODULES, picture
from qtpy.QtCore import QEvent, QPoint, QPointF
from qtpy.QtGui import QCursor, QEnterEvent
from qtpy.QtWidgets import QApplication, QFrame, QLabel

from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import Instance, Volume
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.reading import attach, reading_tools
from napari_lesion.plugin.viewer.tools.slab import Mode, Slab
from napari_lesion.plugin.viewer.tools.slider import LABEL
from napari_lesion.plugin.viewer.view import PLANES
from napari_lesion.plugin.viewer.views.mpr import views


def add(viewer: ViewerModel, volume: Volume) -> Image:
    data, attributes, _ = layers.scan_layer(volume)
    return viewer.add_image(data, **attributes)


def text_of(viewer: ViewerModel) -> str:
    return reading_tools(session_of(viewer)).view(viewer).corners.text("bottom_left").splitlines()[0]


@pytest.fixture
def model(qapp: Any) -> ViewerModel:
    model = ViewerModel()
    scan_view(model)
    return model


# -- the numbers ------------------------------------------------------------------------------------------------------


def test_a_slice_has_the_number_of_its_image_and_its_own_place(model: ViewerModel) -> None:
    volume = make_volume()
    numbers = np.random.default_rng(0).permutation(len(volume.instances)) + 500  # scanners number as they like
    instances = [replace(one, number=int(n)) for one, n in zip(volume.instances, numbers, strict=True)]
    add(model, replace(volume, instances=tuple(instances)))
    attach(model)
    for k in (0, 7, 39):
        model.dims.set_point(0, -300 + 2.5 * k)
        assert text_of(model) == f"Axial Se 4, Im {numbers[k]} · F {abs(-300 + 2.5 * k):.1f} mm"


def test_a_frame_is_told_by_its_number_in_the_object(model: ViewerModel) -> None:
    volume = make_volume()
    frames = [replace(one, number=1, frame=k + 1) for k, one in enumerate(volume.instances)]
    add(model, replace(volume, instances=tuple(frames)))
    attach(model)
    model.dims.set_point(0, -300 + 2.5 * 9)
    assert text_of(model) == "Axial Se 4, Im 1, frame 10 · F 277.5 mm"


def test_a_plane_that_is_no_acquired_image_has_a_place_and_no_number(model: ViewerModel) -> None:
    volume = make_volume()
    layer = add(model, volume)
    attach(model)
    model.dims.order = PLANES["coronal"]
    model.dims.set_point(1, float(layer.translate[1]))
    assert text_of(model) == "Coronal A 90.0 mm"
    model.dims.order = PLANES["sagittal"]
    assert text_of(model).startswith("Sagittal ")
    assert "Im" not in text_of(model)


def test_slices_that_were_made_by_the_reader_are_no_images(model: ViewerModel) -> None:
    """Between images that were missing, and of a gantry that was tilted."""
    volume = make_volume()
    sparse = tuple(one for k, one in enumerate(volume.instances) if k != 9)
    add(model, replace(volume, instances=sparse))
    attach(model)
    model.dims.set_point(0, -277.5)
    assert text_of(model) == "Axial F 277.5 mm"
    model.dims.set_point(0, -275.0)
    assert text_of(model) == f"Axial Se 4, Im {FIRST + 10} · F 275.0 mm"
    tilt = np.radians(15)
    tilted = tuple(replace(one, normal=(0.0, float(np.sin(tilt)), float(np.cos(tilt)))) for one in volume.instances)
    again = replace(volume, instances=tilted)
    assert again.acquired_at(again.to_patient((9, 0, 0)).tolist(), (0, 0, 1)) is None


def test_other_layers_with_finer_steps_do_not_move_the_place_of_a_slice(model: ViewerModel) -> None:
    add(model, make_volume())
    attach(model)
    model.add_points(np.array([[-250.3, 0, 0], [-249.9, 0, 0]]), scale=(0.1, 1, 1), translate=(-250, 0, 0))
    model.add_image(np.zeros((200, 4, 4)), scale=(0.5, 9, 9), translate=(-300, -10, -10), name="theirs", visible=False)
    model.mouse_over_canvas = True
    model.cursor.position = (0.0, 3.0, 4.0)
    model.dims.set_point(0, -276.5)  # the picture is that of the slice at −277.5
    assert text_of(model) == f"Axial Se 4, Im {FIRST + 9} · F 277.5 mm"
    found = reading_tools(session_of(model)).view(model).found
    assert found.place_mm == pytest.approx((4.0, 3.0, -277.5))
    assert found.index[0] == 9


def test_an_image_without_numbers_says_where_it_lies(model: ViewerModel) -> None:
    volume = make_volume()
    add(model, replace(volume, instances=()))
    attach(model)
    model.dims.set_point(0, -277.5)
    assert text_of(model) == "Axial F 277.5 mm"
    placed = Instance("1.2", (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    assert replace(volume, instances=(placed,)).acquired_at((5, 5, 0), (0, 0, -1)) is placed


# -- in a window ------------------------------------------------------------------------------------------------------


@pytest.fixture
def window(make_napari_viewer: Callable[..., Any], qtbot: Any) -> Any:
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    viewer.window._qt_window.resize(1250, 700)  # wide enough for all words of the corners
    return viewer


def beside_the_slider(viewer: Any) -> str:
    """All that can be read beside the slider."""
    [widget] = [one for one in viewer.window._qt_viewer.dims.slider_widgets if one.isVisible()]
    ours = widget.findChild(QLabel, LABEL)
    parts = (ours, widget.curslice_label, widget.totslice_label)
    assert widget.findChild(QFrame, "slice_label_sep").isVisible() == widget.curslice_label.isVisible()
    return " ".join(part.text() for part in parts if part is not None and part.isVisible())


def test_the_slider_says_the_image_and_napari_keeps_its_own_numbers_without_a_scan(window: Any) -> None:
    foreign = window.add_image(np.zeros((7, 8, 9)), name="theirs")
    assert beside_the_slider(window) == "3 6"
    scan = add(window, make_volume())
    window.dims.set_point(0, -277.5)
    assert beside_the_slider(window) == f"Se 4, Im {FIRST + 9} · F 277.5 mm"
    window.dims.order = PLANES["coronal"]
    assert beside_the_slider(window).endswith(" mm")
    assert "Im" not in beside_the_slider(window)
    window.dims.order = PLANES["axial"]
    window.add_image(np.zeros((2, 7, 8, 9)), name="with time")  # napari makes new sliders
    window.layers.remove("with time")
    window.dims.set_point(0, -275.0)
    assert beside_the_slider(window) == f"Se 4, Im {FIRST + 10} · F 275.0 mm"
    window.layers.remove(scan)
    assert foreign in window.layers
    assert "Im" not in beside_the_slider(window)
    assert beside_the_slider(window).split()[-1] == "6"


def test_nothing_of_replaced_sliders_is_painted_below_the_new_ones(window: Any) -> None:
    """napari makes new sliders when a scan goes; Qt deletes the old ones late, at the latest when a dialog closes."""
    scan = add(window, make_volume())
    bar = window.window._qt_viewer.dims
    window.dims.set_point(0, -275.0)
    QApplication.processEvents()  # deletes nothing: no event loop runs
    before = bar.slider_widgets[0]
    window.layers.remove(scan)
    add(window, make_volume())
    window.dims.set_point(0, -277.5)
    QApplication.processEvents()
    assert bar.slider_widgets[0] is not before
    assert before in bar.findChildren(QtDimSliderWidget), "napari deletes at once now: this test shows nothing any more"
    painted = bar.grab().toImage()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert before not in bar.findChildren(QtDimSliderWidget)
    assert painted == bar.grab().toImage()


def put_pointer(pane: Any, qtbot: Any, x: float, y: float) -> None:
    """Move the pointer itself to a place of a canvas, as shares of its size."""
    at = QPoint(round(x * pane.canvas.width()), round(y * pane.canvas.height()))
    QCursor.setPos(pane.canvas.mapToGlobal(at))
    qtbot.waitUntil(pane.canvas.underMouse, timeout=5000)


def under_the_pointer(pane: Any, volume: Volume) -> tuple[np.ndarray, float]:
    """Place (LPS mm) and value of what is drawn under the pointer: by the camera, of an upright scan."""
    at = pane.canvas.mapFromGlobal(QCursor.pos())
    camera, order = pane.view.scene.camera, pane.view.dims.order
    world = np.array(pane.view.dims.point)
    down = 1 if str(camera.orientation[1]) == "down" else -1
    world[order[1]] = camera.center[-2] + down * (at.y() - pane.canvas.height() / 2) / camera.zoom
    world[order[2]] = camera.center[-1] + (at.x() - pane.canvas.width() / 2) / camera.zoom
    k, j, i = np.rint(volume.to_index(world[::-1])).astype(int)
    return world[::-1], float(volume.voxels[k, j, i])


def test_a_view_that_comes_under_a_pointer_that_rests_says_what_lies_there(window: Any, qtbot: Any) -> None:
    """It hears that the pointer is there now, and of no move of it."""
    volume = make_volume(nodules=NODULES)
    add(window, volume)
    shown = views(window)
    put_pointer(shown.panes[0], qtbot, 0.27, 0.72)
    shown.show_all()
    coronal = shown.panes[1]

    def is_under() -> bool:
        return coronal.isVisible() and coronal.canvas.rect().contains(coronal.canvas.mapFromGlobal(QCursor.pos()))

    qtbot.waitUntil(is_under)
    picture(window)
    at = QPointF(coronal.canvas.mapFromGlobal(QCursor.pos()))
    tools = reading_tools(session_of(window)).view(coronal.view)
    QApplication.sendEvent(coronal.canvas, QEvent(QEvent.Type.Leave))
    coronal.view.mouse_over_canvas = False
    coronal.view.status = ""
    tools.found = None
    QApplication.sendEvent(coronal.canvas, QEnterEvent(at, at, QPointF(QCursor.pos())))

    def is_said() -> None:
        place, value = under_the_pointer(coronal, volume)
        assert tools.found is not None
        np.testing.assert_allclose(tools.found.place_mm, place, atol=0.02)
        assert tools.found.value == value

    qtbot.waitUntil(is_said)


def test_the_probe_follows_the_picture_under_a_pointer_that_rests(window: Any, qtbot: Any) -> None:
    """A jump, a key, cine, another plane, zoom, a heatmap, a switch, another size: the pointer does not move."""
    volume = make_volume(nodules=NODULES)
    add(window, volume)
    heat = layers.heatmap_layer(make_heatmap(volume, (Candidate(NODULES[0][0], 20.0, 0.9),)), volume)
    session, tools, shown = session_of(window), reading_tools(session_of(window)), views(window)
    pane = shown.panes[0]
    put_pointer(pane, qtbot, 0.47, 0.55)
    seen = set()

    def is_said(now: Volume) -> None:
        place, value = under_the_pointer(pane, now)
        found = tools.view(window).found
        assert found is not None
        np.testing.assert_allclose(found.place_mm, place, atol=0.02)
        assert found.value == value
        unit = now.certificate.unit
        said = tools.view(window).corners.text("bottom_right")
        assert f"{abs(value):.0f} {unit}".strip() in said
        assert window.status.startswith(said.splitlines()[0])

    def look(now: Volume) -> None:
        picture(window)
        qtbot.waitUntil(lambda: is_said(now))
        seen.add(tuple(np.round(tools.view(window).found.place_mm, 1)))

    session.go_to(NODULES[1][0])
    look(volume)
    session.go_to(NODULES[0][0])
    look(volume)
    shown.crosshair.scroll(pane, 3)
    look(volume)
    tools._next_slice()
    look(volume)
    shown.zoom_by(1.4)
    look(volume)
    window.dims.order = PLANES["coronal"]
    look(volume)
    window.dims.order = PLANES["axial"]
    glowing = window.add_image(heat[0], **heat[1])
    window.layers.selection.active = glowing
    session.go_to(NODULES[0][0])
    look(volume)
    assert len(seen) >= 6
    other = make_volume(nodules=NODULES, series_uid="1.2.9", modality="MR", unit="")
    first = session.scan
    add(window, other)
    look(other)
    session.set_active_scan(first)
    look(volume)
    window.window._qt_window.resize(1400, 660)
    qtbot.wait(50)
    if pane.canvas.underMouse():
        look(volume)


def test_beside_the_scan_the_status_bar_says_nothing_of_other_layers(window: Any, qtbot: Any) -> None:
    add(window, make_volume())
    window.add_image(np.full((40, 400, 400), 7.0), name="theirs", translate=(-300, -200, -200), scale=(2.5, 1, 1))
    pane = views(window).panes[0]
    put_pointer(pane, qtbot, 0.5, 0.5)
    window.cursor.position = (float(window.dims.point[0]), -150.0, -150.0)
    picture(window)
    qtbot.wait(100)
    assert reading_tools(session_of(window)).view(window).found is None or "theirs" not in window.status
    window.cursor.position = (float(window.dims.point[0]), -150.5, -150.5)
    assert "theirs" not in window.status
    assert "[" not in window.status


def test_a_slab_names_the_image_in_its_middle(model: ViewerModel) -> None:
    add(model, make_volume())
    tools = attach(model)
    model.dims.set_point(0, -277.5)
    tools.set_slab(Slab(Mode.MIP, 10.0))
    assert f"Se 4, Im {FIRST + 9}" in reading_tools(session_of(model)).view(model).corners.text("bottom_left")
