"""Measuring tools in the viewer: what is drawn with the mouse lies where its places in the patient are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dicom_factory as factory
import numpy as np
import numpy.typing as npt
import pytest
from fake_scan import CORONAL, make_volume
from qtpy.QtCore import QPoint, QRectF, QSizeF, Qt
from qtpy.QtGui import QImage
from qtpy.QtTest import QTest
from session_scans import coded_scans

from napari_lesion.model.display import Display
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.review_keys import delete
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools import measuring
from napari_lesion.plugin.viewer.tools.measuring import MeasuringTools, measuring_tools
from napari_lesion.plugin.viewer.tools.measuring_keys import put_down
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.tools.shapes import place_for, words
from napari_lesion.plugin.viewer.tools.slab import Mode
from napari_lesion.plugin.viewer.view import PLANES
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.plugin.viewer.views.pane import Pane
from napari_lesion.review import drawing as steps
from napari_lesion.review.review import redo, undo

OBLIQUE = factory.grid("axial", (40, 100, 150), (2.5, 1.5, 1.5), turn=factory.rotation(9, -14, 21))
GRIDS = {"axial": None, "coronal": CORONAL, "oblique": OBLIQUE}


def opened(make_napari_viewer: Callable[..., Any], *scans: Volume, four: bool = False) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1100, 800)
    scan_view(viewer)
    for scan in scans:
        data, attributes, _ = layers.scan_layer(scan)
        viewer.add_image(data, **attributes)
    if four:
        views(viewer).show_all()
    QTest.qWait(300)
    return viewer


def tools_of(viewer: Any) -> tuple[Session, MeasuringTools]:
    return session_of(viewer), measuring_tools(session_of(viewer))


def on_canvas(pane: Pane, lps: npt.ArrayLike, session: Session) -> QPoint:
    """Where a place of the patient is in a view, from the camera alone (see `plugin_scan.screen_position`)."""
    camera, canvas = pane.view.scene.camera, pane.canvas
    world = layers.frame_of(session.volume).to_world(lps)
    vertical, horizontal = pane.view.dims.order[-2:]
    down = 1 if str(camera.orientation[1]) == "down" else -1
    y = canvas.height() / 2 + down * (world[vertical] - camera.center[-2]) * camera.zoom
    x = canvas.width() / 2 + (world[horizontal] - camera.center[-1]) * camera.zoom
    return QPoint(round(x), round(y))


def drag(pane: Pane, start: QPoint, end: QPoint) -> None:
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(pane.canvas, left, pos=start)
    QTest.mouseMove(pane.canvas, (start + end) / 2)
    QTest.mouseMove(pane.canvas, end)
    QTest.mouseRelease(pane.canvas, left, pos=end)
    QTest.qWait(20)


def click(pane: Pane, at: QPoint) -> None:
    QTest.mouseClick(pane.canvas, Qt.MouseButton.LeftButton, pos=at)
    QTest.qWait(20)


def marks(pane: Pane) -> npt.NDArray[np.bool_]:
    """Pixels of what Qt draws above a canvas that have the colours of drawings, (row, column)."""
    widget = pane.marks
    image = QImage(widget.size(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    widget.render(image, QPoint(), widget.rect(), widget.RenderFlag.DrawChildren)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
    blue, green, red = (rows[:, : image.width(), n].astype(int) for n in range(3))
    pink = (red > 150) & (blue > 120) & (red - green > 60)
    white = (red > 230) & (green > 230) & (blue > 230)
    return pink | white


def is_drawn(pane: Pane, at: QPoint, radius: int = 1) -> bool:
    row, column = at.y(), at.x()
    around = marks(pane)[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
    return bool(around.any())


@pytest.mark.parametrize("grid", GRIDS)
def test_a_line_is_drawn_where_its_places_are_in_each_of_four_views_and_alone(make_napari_viewer, grid: str) -> None:
    scan = make_volume() if GRIDS[grid] is None else make_volume(GRIDS[grid])
    viewer = opened(make_napari_viewer, scan, four=True)
    session, tools = tools_of(viewer)
    frame, middle = layers.frame_of(scan), scan.to_patient((np.array(scan.shape) - 1) // 2)
    four = views(viewer)
    four.crosshair.shown = False
    four.crosshair.refresh()
    for pane in four.panes[:3]:
        session.go_to(middle)
        QTest.qWait(50)
        _, vertical, horizontal = pane.view.dims.order
        across, down = frame.axes[horizontal], frame.axes[vertical]
        start, end = middle - 20 * across - 15 * down, middle + 25 * across + 10 * down
        tools.use("ruler")
        drag(pane, on_canvas(pane, start, session), on_canvas(pane, end, session))
        drawn = tools.drawings[-1]
        pixel = 1.5 / pane.view.scene.camera.zoom
        np.testing.assert_allclose(drawn.points_mm, [start, end], atol=pixel + 1e-6)
        assert drawn.values.length == pytest.approx(np.hypot(45, 25), abs=2 * pixel)
        tools.choose("")
        seen = [other for other in four.panes if marks(other).any()]
        assert seen == [pane], "it is seen on its own plane, and nowhere else"
        for share in (0.0, 0.3, 0.7, 1.0):
            at = on_canvas(pane, np.add(drawn.points_mm[0], np.subtract(*drawn.points_mm[::-1]) * share), session)
            assert is_drawn(pane, at)
        beside = on_canvas(pane, (start + end) / 2 + 12 * across - 12 * down, session)
        assert not is_drawn(pane, beside)
        four.crosshair.scroll(pane, 1)
        QTest.qWait(30)
        assert not marks(pane).any(), "it is on its slice only"
        assert tools.change(lambda review, by, id_=drawn.id: steps.erase(review, [id_], by))
    four.show_alone(four.panes[0])
    for order in PLANES.values():
        viewer.dims.order = order
        session.go_to(middle)
        QTest.qWait(120)
        pane = four.panes[0]
        across, down = frame.axes[order[2]], frame.axes[order[1]]
        tools.use("rectangle")
        corners = middle - 9 * across - 8 * down, middle + 9 * across + 8 * down
        drag(pane, *(on_canvas(pane, corner, session) for corner in corners))
        tools.choose("")
        for side in (across * 9, -across * 9, down * 8, -down * 8):
            assert is_drawn(pane, on_canvas(pane, middle + side, session))
        assert not is_drawn(pane, on_canvas(pane, middle, session))


def test_each_tool_draws_what_it_measures_and_says_it(make_napari_viewer, monkeypatch) -> None:
    scan = make_volume(nodules=(((52.0, -20.0, -250.0), 30.0),))
    viewer = opened(make_napari_viewer, scan)
    session, tools = tools_of(viewer)
    pane = views(viewer).panes[0]
    session.go_to((52.0, -20.0, -250.0))
    views(viewer).zoom_by(2.0)
    QTest.qWait(50)
    at = lambda x, y: on_canvas(pane, (52 + x, -20 + y, -250), session)  # noqa: E731
    pixel = 1.5 / pane.view.scene.camera.zoom

    tools.use("ruler")
    click(pane, at(-15, 0))
    click(pane, at(15, 0))
    assert tools.drawings[-1].values.length == pytest.approx(30, abs=2 * pixel)
    tools.use("angle")
    for place in ((10, 0), (-8, 0), (-8, -12)):
        click(pane, at(*place))
    assert tools.drawings[-1].values.angle_deg == pytest.approx(90, abs=3)
    tools.use("ellipse")
    drag(pane, at(-6, -4), at(6, 4))
    ellipse = tools.drawings[-1]
    assert (ellipse.values.mean, ellipse.values.sd) == (40, 0)
    assert ellipse.values.area == pytest.approx(np.pi * 24, rel=0.1)
    text = " | ".join(words(ellipse))
    assert "mean 40.0 HU, SD 0.0" in text
    assert "min 40, max 40 HU" in text
    tools.use("rectangle")
    drag(pane, at(22, -8), at(10, 8))
    assert (tools.drawings[-1].values.lowest, tools.drawings[-1].values.highest) == (-850, 40)
    tools.use("pin")
    click(pane, at(3, 3))
    assert words(tools.drawings[-1]) == ["M5  40 HU"]
    monkeypatch.setattr(measuring.QInputDialog, "getText", lambda *a, **k: (" the nodule ", True))
    tools.use("arrow")
    drag(pane, at(0, 0), at(30, 20))
    assert tools.drawings[-1].text == "the nodule"
    np.testing.assert_allclose(tools.drawings[-1].points_mm[0], (52, -20, -250), atol=pixel)
    assert [one.name for one in tools.drawings] == [f"M{n}" for n in range(1, 7)]
    assert {one.sop_instance_uid for one in tools.drawings} == {scan.instances[20].sop_instance_uid}
    assert session.review.findings == ()


def test_a_point_is_dragged_deleted_and_all_is_undone_with_the_usual_keys(make_napari_viewer) -> None:
    scan = make_volume()
    viewer = opened(make_napari_viewer, scan)
    session, tools = tools_of(viewer)
    pane, here = views(viewer).panes[0], scan.to_patient([20, 50, 70])
    session.go_to(here)
    QTest.qWait(50)
    x, y = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    tools.use("rectangle")
    drag(pane, on_canvas(pane, here, session), on_canvas(pane, here + 20 * x + 12 * y, session))
    put_down(session)
    assert tools.tool is None
    (first,) = tools.drawings
    drag(pane, on_canvas(pane, here + 20 * x + 12 * y, session), on_canvas(pane, here + 30 * x + 22 * y, session))
    (bigger,) = tools.drawings
    assert (bigger.id, bigger.name) == (first.id, "M1")
    assert bigger.values.area == pytest.approx(30 * 22, rel=0.1)
    np.testing.assert_allclose(bigger.points_mm[0], first.points_mm[0], atol=1e-6)
    drag(pane, on_canvas(pane, here + 15 * x, session), on_canvas(pane, here + 15 * x - 9 * y, session))
    (moved,) = tools.drawings
    assert moved.values.area == pytest.approx(bigger.values.area)
    assert np.subtract(moved.points_mm, bigger.points_mm)[:, 1].mean() == pytest.approx(-9, abs=1)
    delete(session)
    assert tools.drawings == ()
    change = findings_view(session).change
    for expected in (moved, bigger, first, None):
        assert change(undo)
        assert tools.drawings == (() if expected is None else (expected,))
    assert change(redo)
    assert tools.drawings == (first,)


def test_only_the_drawings_of_the_scan_on_the_screen_are_there(make_napari_viewer) -> None:
    one, other = coded_scans()[:2]
    viewer = opened(make_napari_viewer, one.volume, other.volume)
    session, tools = tools_of(viewer)
    first, second = session.open_scans.scans
    pane = views(viewer).panes[0]
    for scan in (first, second):
        session.open_scans.show(scan)
        QTest.qWait(50)
        tools.use("pin")
        click(pane, QPoint(pane.canvas.width() // 2, pane.canvas.height() // 2))
        session.open_scans.show(first if scan is second else second)
        QTest.qWait(50)
        assert tools.tool is None, "a switch puts the tool down"
    for scan in (first, second):
        session.open_scans.show(scan)
        QTest.qWait(50)
        (drawn,) = tools.drawings
        assert drawn.sop_instance_uid in {image.sop_instance_uid for image in scan.volume.instances}
        assert marks(pane).any()
    session.open_scans.close(second)
    session.open_scans.close(first)
    assert not marks(pane).any()


def test_tools_are_put_down_by_escape_other_modes_and_a_blind_read(make_napari_viewer, monkeypatch) -> None:
    viewer = opened(make_napari_viewer, make_volume())
    session, tools = tools_of(viewer)
    pane = views(viewer).panes[0]
    centre = QPoint(pane.canvas.width() // 2, pane.canvas.height() // 2)
    for put in (
        lambda: put_down(session),
        lambda: session.open_scans.take_mouse("annotation"),
        lambda: session.open_scans.take_mouse("outline"),
        lambda: tools.toggle("angle"),
    ):
        tools.use("angle")
        click(pane, centre)
        assert tools._places
        put()
        assert tools.tool is None
        assert not tools._places
        assert not marks(pane).any()
    tools.use("pin")
    click(pane, centre)
    assert marks(pane).any()
    said: list[str] = []
    monkeypatch.setattr(measuring, "show_info", said.append)
    session.set_blind(True)
    assert not marks(pane).any(), "what others drew is hidden, too"
    tools.use("ruler")
    assert tools.tool is None
    assert len(said) == 1
    session.set_blind(False)
    assert marks(pane).any()


def test_nothing_is_drawn_in_3d_and_a_free_mouse_still_moves_the_crosshair(make_napari_viewer) -> None:
    scan = make_volume()
    viewer = opened(make_napari_viewer, scan, four=True)
    session, tools = tools_of(viewer)
    axial, _, _, three = views(viewer).panes
    tools.use("ruler")
    drag(three, QPoint(80, 80), QPoint(160, 140))
    assert tools.drawings == ()
    tools.use(None)
    before = session.position_mm
    click(axial, QPoint(axial.canvas.width() // 2 + 40, axial.canvas.height() // 2 + 25))
    assert session.position_mm != before
    assert session.review is None, "looking changes nothing"


def test_a_slab_and_an_unscaled_image_are_said(make_napari_viewer) -> None:
    scan = make_volume()
    unscaled = Volume(**{**vars(scan), "display": Display(scale="none")})
    viewer = opened(make_napari_viewer, unscaled)
    session, tools = tools_of(viewer)
    pane = views(viewer).panes[0]
    reading = reading_tools(session)
    reading.set_slab(reading.slab.with_mode(Mode.MIP))
    centre = QPoint(pane.canvas.width() // 2, pane.canvas.height() // 2)
    tools.use("ellipse")
    drag(pane, centre, centre + QPoint(50, 40))
    (drawn,) = tools.drawings
    assert (drawn.slab.projection, drawn.slab.slices) == ("max", reading.slab.slices(2.5))
    said = " | ".join(words(drawn))
    assert "px²" in said
    assert "mm" not in said
    assert f"slab of {drawn.slab.slices} slices" in said


def test_the_buttons_take_tools_up_and_show_which_one_is(make_napari_viewer) -> None:
    viewer = opened(make_napari_viewer, make_volume())
    _, tools = tools_of(viewer)
    buttons = {button.accessibleName(): button for button, _ in views(viewer).bar._buttons}
    buttons["Ruler"].click()
    assert tools.tool == "ruler"
    buttons["HU pin"].click()
    assert tools.tool == "pin"
    assert [name for name, button in buttons.items() if button.isChecked() and name in ("Ruler", "HU pin")] == [
        "HU pin"
    ]
    assert "Shift+P" in buttons["HU pin"].toolTip()
    buttons["HU pin"].click()
    assert tools.tool is None


@pytest.mark.parametrize("corner", [(300.0, 200.0), (2.0, 2.0), (590.0, 390.0), (590.0, 2.0)])
def test_words_of_drawings_that_lie_together_stand_on_no_others(corner: tuple[float, float]) -> None:
    """Within the canvas, wherever it is; only where there is no room left at all they overlap."""
    canvas, taken = QRectF(0, 0, 600, 400), []
    for number in range(8):
        shape = QRectF(corner[0] + number, corner[1] - number, 8, 8)
        room = place_for(QSizeF(140, 45), shape, (600, 400), taken)
        assert canvas.contains(room)
        assert not any(room.intersects(other) for other in taken)
        taken.append(room)
    assert place_for(QSizeF(590, 390), QRectF(5, 5, 5, 5), (600, 400), taken).width() == 590
