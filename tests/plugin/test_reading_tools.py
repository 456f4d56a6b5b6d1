"""Reading: windows, slabs, cine, corners, and what lies under the cursor, on the screen and in numbers."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from fake_scan import CORONAL, make_heatmap, make_volume
from napari.components import ViewerModel
from napari.layers import Image
from plugin_scan import NODULES, picture, screen_position
from qtpy.QtCore import QPoint, QRect, QSize, Qt
from qtpy.QtTest import QTest

from napari_lesion.model.display import Display, Window
from napari_lesion.model.findings import Candidate
from napari_lesion.model.volume import SeriesIdentity, Volume
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.settings import setting
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.actions import bind
from napari_lesion.plugin.viewer.reading_panel import ReadingPanel
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools import corners, cursor, presets, windows
from napari_lesion.plugin.viewer.tools.cine import Cine
from napari_lesion.plugin.viewer.tools.dragging import dragged
from napari_lesion.plugin.viewer.tools.reading import ReadingTools, attach, reading_tools
from napari_lesion.plugin.viewer.tools.slab import Mode, Slab, show_slab
from napari_lesion.plugin.viewer.view import PLANES, letters_of

BIG = NODULES[0][0]
"""Centre of a nodule of 20 mm."""


def add(viewer: ViewerModel, volume: Volume) -> Image:
    data, attributes, _ = layers.scan_layer(volume)
    return viewer.add_image(data, **attributes)


def over(viewer: ViewerModel, place_mm: tuple[float, float, float]) -> None:
    """Put the cursor over a place in the slice that goes through it."""
    viewer.mouse_over_canvas = True
    viewer.dims.set_point(range(3), place_mm[::-1])
    viewer.cursor.position = place_mm[::-1]


# -- without a screen -------------------------------------------------------------------------------------------------


@pytest.fixture
def model(qapp) -> ViewerModel:
    model = ViewerModel()
    scan_view(model)
    return model


def test_presets_are_what_radiologists_set(model: ViewerModel) -> None:
    layer = add(model, make_volume())
    windows.set_window(layer, presets.PRESETS[0].window)
    assert tuple(layer.contrast_limits) == (-1350, 150)
    assert windows.preset_of(layer) is presets.PRESETS[0]
    windows.set_window(layer, Window(50, 350))
    assert windows.preset_of(layer).id == "mediastinum"
    windows.set_window(layer, Window(50, 351))
    assert windows.preset_of(layer) is None


@pytest.mark.parametrize(
    ("volume", "wanted"),
    [
        (make_volume(), Window(-600, 1500)),
        (make_volume(modality="MR", unit=""), None),
    ],
)
def test_a_chest_opens_in_the_lung_window_and_mr_by_its_values(volume: Volume, wanted: Window | None) -> None:
    window = presets.opening_window(volume)
    if wanted is not None:
        assert window == wanted
    else:
        low, high = window.limits
        inside = volume.voxels[volume.voxels > volume.voxels.min()]
        assert low <= np.percentile(inside, 1)
        assert high >= np.percentile(inside, 99)
        assert low > volume.voxels.min(), "the air around the patient has no part in the window"


def test_a_head_opens_as_its_headers_ask_and_without_them_in_soft_tissue() -> None:
    block = make_volume()
    head = Volume(np.full_like(block.voxels, 35), block.affine, block.series, block.certificate)
    assert presets.opening_window(head) == Window(50, 400)
    asked = Volume(
        head.voxels,
        head.affine,
        head.series,
        head.certificate,
        display=Display(windows=(Window(40, 80),), inverted=True),
    )
    assert presets.opening_window(asked) == Window(40, 80)
    assert presets.opening_colors(asked) == "gray_r"


def test_presets_in_hu_are_refused_where_values_are_no_hu(model: ViewerModel) -> None:
    layer = add(model, make_volume(modality="MR", unit=""))
    tools = attach(model)
    before = tuple(layer.contrast_limits)
    tools.set_preset(presets.PRESETS[2])
    assert tuple(layer.contrast_limits) == before
    assert "not in HU" in model.status
    assert "HU" not in cursor.value_text(cursor.Probe((0, 0, 0), (0, 0, 0), 12.0), tools.session.volume, Slab())


def test_inverting_twice_changes_nothing_also_along_a_curve(model: ViewerModel) -> None:
    base = make_volume()
    curved = Display(windows=(Window(0, 200),), curve=(0.0, 0.1, 0.5, 1.0))
    volume = Volume(base.voxels, base.affine, base.series, base.certificate, display=curved)
    layer = add(model, volume)
    values = np.linspace(0, 1, 7)
    before = layer.colormap.map(values)
    np.testing.assert_allclose(layer.colormap.map([1 / 3])[0, :3], 0.1, atol=0.01)
    windows.invert(layer)
    assert windows.is_inverted(layer)
    np.testing.assert_allclose(layer.colormap.map(values)[:, 0], before[::-1, 0], atol=0.01)
    windows.invert(layer)
    np.testing.assert_allclose(layer.colormap.map(values), before, atol=0.01)


def test_dragging_to_the_right_widens_and_down_darkens() -> None:
    window = Window(-600, 1500)
    assert dragged(window, 0, 0, 1.0) == window
    wider = dragged(window, 60, 0, 1.0)
    assert wider.width > 1700
    assert wider.level == -600
    assert dragged(window, 0, 60, 1.0) == Window(-300, 1500)
    assert dragged(window, -5000, 0, 1.0).width == 1, "a window never closes"


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("offset", [0.0, 0.3, -0.3, 0.49, 0.5, 1.5])
def test_a_slab_is_the_odd_number_of_slices_around_the_point(model: ViewerModel, plane: str, offset: float) -> None:
    volume = make_volume()
    rng = np.random.default_rng(0)
    volume.voxels[:] = rng.integers(-1000, 1000, volume.shape)
    layer = add(model, volume)
    model.dims.order = PLANES[plane]
    axis = PLANES[plane][0]
    step = layer.scale[axis]
    middle = layer.data.shape[axis] // 2
    model.dims.set_point(axis, layer.translate[axis] + step * (middle + offset))
    middle = int(np.rint(layer.world_to_data(model.dims.point)[axis]))
    slab = Slab(Mode.MIP, 10.0)
    count = slab.slices(step)
    assert count % 2 == 1
    assert abs(count * step - 10) <= step
    for mode, function in ((Mode.MIP, np.max), (Mode.MINIP, np.min), (Mode.MEAN, np.mean)):
        show_slab(model, layer, Slab(mode, 10.0))
        part = np.take(layer.data, range(middle - count // 2, middle + count // 2 + 1), axis)
        wanted = function(part, axis)
        if PLANES[plane][1] > PLANES[plane][2]:
            wanted = wanted.T
        np.testing.assert_allclose(layer._slice.image.raw, wanted, err_msg=f"{plane} {mode}")
    show_slab(model, layer, Slab())
    single = np.take(layer.data, middle, axis)
    np.testing.assert_array_equal(layer._slice.image.raw, single.T if PLANES[plane][1] > PLANES[plane][2] else single)


def test_a_slab_keeps_its_slices_where_layers_of_somebody_else_have_finer_steps(model: ViewerModel) -> None:
    """Halfway between two slices it was drawn of one slice less than was written beside it."""
    volume = make_volume()
    volume.voxels[:] = np.random.default_rng(0).integers(-1000, 1000, volume.shape)
    layer = add(model, volume)
    model.add_points(np.zeros((1, 3)), name="theirs")
    attach(model)
    tools = reading_tools(session_of(model))
    tools.set_slab(Slab(Mode.MIP, 10.0))
    count = tools.slab.slices(layer.scale[0])
    for index in (9.0, 9.25, 9.5, 9.75, 10.25, 10.5, 11.0):
        model.dims.set_point(0, layer.translate[0] + layer.scale[0] * index)
        middle = int(np.rint(layer.world_to_data(model.dims.point)[0]))
        wanted = layer.data[middle - count // 2 : middle + count // 2 + 1].max(0)
        np.testing.assert_array_equal(layer._slice.image.raw, wanted, err_msg=f"{index}")


def test_a_slab_leaves_the_heatmap_alone(model: ViewerModel) -> None:
    volume = make_volume()
    layer = add(model, volume)
    heat = layers.heatmap_layer(make_heatmap(volume, (Candidate(BIG, 20.0, 0.9),)), volume)
    heatmap = model.add_image(heat[0], **heat[1])
    attach(model)
    model.dims.set_point(0, BIG[2] + 12.5)
    before = heatmap._slice.image.raw.copy()
    show_slab(model, layer, Slab(Mode.MIP, 30.0))
    np.testing.assert_array_equal(heatmap._slice.image.raw, before)
    np.testing.assert_array_equal(before, heatmap.data[round(float(heatmap.world_to_data(model.dims.point)[0]))])


def test_the_ring_of_a_finding_is_seen_on_all_slices_that_the_finding_is_on(model: ViewerModel) -> None:
    volume = make_volume()
    add(model, volume)
    attach(model)
    x, y, z = BIG
    rings = model.add_points(
        np.array([[z, y, x]]) / 2.5,
        size=20 / 2.5,
        scale=(2.5,) * 3,
        units=layers.UNITS,
        projection_mode="rescale_spherical",
    )
    widths = []
    for off in (0.0, 5.0, -7.5, 10.0, 15.0):
        model.dims.set_point(0, z + off)
        widths.append(float(rings._view_size.max(initial=0)) * 2.5)
    np.testing.assert_allclose(widths, [20, 2 * np.sqrt(75), 2 * np.sqrt(100 - 56.25), 0, 0], atol=0.01)


def test_keys_go_through_slabs_and_thicknesses() -> None:
    slab = Slab()
    modes = []
    for _ in range(4):
        slab = slab.next_mode()
        modes.append(slab.mode)
    assert modes == [Mode.MIP, Mode.MINIP, Mode.MEAN, Mode.OFF]
    slab = Slab(thickness_mm=5).with_mode(Mode.MINIP)
    assert slab.thicker().thickness_mm == 8
    assert slab.thinner().thinner().mode is Mode.OFF
    assert slab.thinner().thinner().thicker().mode is Mode.MINIP, "the last projection comes back"


@pytest.mark.parametrize("affine", [None, CORONAL])
def test_the_value_under_the_cursor_is_the_voxel_at_that_place(model: ViewerModel, affine) -> None:
    volume = make_volume() if affine is None else make_volume(affine, (20, 30, 40))
    volume.voxels[:] = np.random.default_rng(1).integers(-1000, 1000, volume.shape)
    add(model, volume)
    tools = attach(model)
    for index in ((3, 7, 11), (15, 20, 33), (0, 0, 0)):
        place = tuple(volume.to_patient(np.add(index, (0.0, 0.2, -0.3))))
        over(model, place)
        found = tools.view(model).found
        assert found.index == index
        assert found.value == volume.voxels[index]
        assert found.place_mm == pytest.approx(place)
        x, y, z = place
        assert f"{cursor.number(volume.voxels[index])} HU" in model.status
        assert f"{'L' if x >= 0 else 'R'} {abs(x):.1f}  {'P' if y >= 0 else 'A'} {abs(y):.1f}" in model.status
        assert f"{'H' if z >= 0 else 'F'} {abs(z):.1f} mm" in model.status
    over(model, tuple(volume.to_patient((-5.0, 0.0, 0.0))))
    # The dims keep the slice within the scan; beside it there is nothing.
    model.cursor.position = (0.0, 1e4, 1e4)
    assert tools.view(model).found is None


def test_the_value_is_that_of_the_plane_that_is_seen(model: ViewerModel) -> None:
    """Where another plane was turned to, the value of the former one stayed."""
    volume = make_volume()
    volume.voxels[:] = np.random.default_rng(1).integers(-1000, 1000, volume.shape)
    add(model, volume)
    tools = attach(model)
    over(model, tuple(volume.to_patient((3, 7, 11))))
    middle = session_of(model).position_mm
    model.dims.order = (1, 0, 2)
    found = tools.view(model).found
    assert found.place_mm[1] == pytest.approx(middle[1], abs=max(volume.spacing) / 2)
    assert found.value == volume.voxels[found.index]


def test_with_a_slab_the_cursor_tells_what_is_shown_and_what_was_acquired(model: ViewerModel) -> None:
    volume = make_volume(nodules=NODULES)
    add(model, volume)
    heat = layers.heatmap_layer(make_heatmap(volume, (Candidate(BIG, 20.0, 0.9),)), volume)
    heatmap = model.add_image(heat[0], **heat[1])
    tools = attach(model)
    tools.set_slab(Slab(Mode.MIP, 15.0))
    x, y, z = BIG
    beside = (x, y, z + 15.0)
    over(model, beside)
    found = tools.view(model).found
    assert found.value == -850
    assert found.slab == 40
    assert found.probability is not None
    assert "MIP 40 HU (slice −850)" in model.status
    heatmap.visible = False
    over(model, BIG)
    assert tools.view(model).found.probability is None, "a map that is hidden, or must not be seen yet, tells nothing"


def test_the_mouse_leaves_and_the_value_goes(model: ViewerModel) -> None:
    add(model, make_volume())
    tools = attach(model)
    model.status = "Ready"
    over(model, (0.0, 0.0, -250.0))
    assert tools.view(model).found is not None
    model.status = ""
    assert tools.view(model).found is None
    assert tools.view(model).corners.text("bottom_right") == ""


def test_corners_say_who_what_and_how(model: ViewerModel) -> None:
    volume = make_volume()
    series = volume.series.model_copy(
        update={"patient_name": "Doe^Jane", "patient_sex": "F", "patient_birth_date": "19600301", "kernel": "B70f"}
    )
    volume = Volume(volume.voxels, volume.affine, series, volume.certificate, volume.instances)
    layer = add(model, volume)
    tools = attach(model)
    texts = tools.view(model).corners
    assert texts.text("top_left").splitlines() == ["Doe, Jane", "P-17", "female, 63 years"]
    assert "2024-02-29" in texts.text("top_right")
    assert "B70f" in texts.text("top_right")
    model.dims.set_point(0, float(layer.translate[0] + 9 * layer.scale[0]))
    assert "Axial Se 4, Im 110 · F 277.5 mm" in texts.text("bottom_left")
    assert "W 1500  L −600 · Lung" in texts.text("bottom_left")
    model.dims.order = PLANES["coronal"]
    model.dims.set_point(1, float(layer.translate[1]))
    assert "Coronal A 90.0 mm" in texts.text("bottom_left")
    tools.set_slab(Slab(Mode.MIP, 10.0))
    assert "MIP 10.5 mm, max −1000 HU at Im 101" in texts.text("bottom_left")


def test_hidden_names_are_gone_from_the_screen_and_stay_hidden_next_time(model: ViewerModel) -> None:
    volume = make_volume()
    series = volume.series.model_copy(update={"patient_name": "Doe^Jane"})
    add(model, Volume(volume.voxels, volume.affine, series, volume.certificate))
    tools = attach(model)
    tools.set_names(False)
    shown = " ".join(overlay.text for name, overlay in model.canvas.overlays.items() if name.startswith("reading_"))
    for secret in ("Doe", "P-17", "2024"):
        assert secret not in shown
    assert setting("tools/names_shown", True) is False
    other = ViewerModel()
    scan_view(other)
    assert attach(other).names is False


@pytest.mark.parametrize(
    ("name", "said"),
    [("Doe^Jane^A", "Doe, Jane A"), ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田, 太郎"), ("^^", "")],
)
def test_names_are_written_for_people(name: str, said: str) -> None:
    assert corners.person_name(name) == said


@pytest.mark.parametrize(
    ("age", "born", "said"),
    [("045Y", "", "45 years"), ("006M", "", "6 months"), ("", "19600301", "63 years"), ("", "", "")],
)
def test_the_age_is_that_at_the_study(age: str, born: str, said: str) -> None:
    series = SeriesIdentity(series_uid="1", patient_age=age, patient_birth_date=born, study_date="20240229")
    assert corners.age_text(series) == said


def test_a_projection_says_that_its_distances_hold_at_the_detector(model: ViewerModel) -> None:
    base = make_volume(shape=(1, 60, 80), modality="DX", unit="")
    certificate = base.certificate.model_copy(update={"orientation": "unknown"})
    for scale, said in (("detector", "at the detector"), ("none", "count pixels")):
        add(model, Volume(base.voxels, base.affine, base.series, certificate, display=Display(scale=scale)))
        assert said in attach(model).view(model).corners.text("bottom_left")
        model.layers.clear()
    assert "row 3, column 5" in cursor.place_text(
        tuple(base.to_patient((0, 3, 5))), Volume(base.voxels, base.affine, base.series, certificate)
    )


def test_cine_goes_round_leaves_out_nothing_and_stops_when_the_reader_scrolls(model: ViewerModel, qtbot) -> None:
    layer = add(model, make_volume(shape=(5, 40, 60)))
    tools = attach(model)
    tools.set_rate(30)
    model.dims.set_current_step(0, 3)
    seen: list[int] = []
    model.dims.events.current_step.connect(lambda: seen.append(model.dims.current_step[0]))
    tools.cine.play()
    qtbot.waitUntil(lambda: len(set(seen)) == 5, timeout=20000)
    assert [b - a for a, b in pairwise(seen) if b != a][:3] in ([-4, 1, 1], [1, -4, 1])
    assert tools.cine.playing
    model.dims.set_current_step(0, (model.dims.current_step[0] + 2) % 5)
    assert not tools.cine.playing
    assert tools.session.scan is layer


def test_cine_of_one_slice_does_not_play(qapp) -> None:
    heard: list[bool] = []
    cine = Cine(lambda: False)
    cine.playing_changed.connect(heard.append)
    cine.play()
    assert not cine.playing
    assert heard == [True, False]


def test_an_image_without_a_place_has_the_sides_of_its_header_or_none(model: ViewerModel) -> None:
    base = make_volume(shape=(1, 60, 80), modality="DX", unit="")
    certificate = base.certificate.model_copy(update={"orientation": "unknown"})
    add(model, Volume(base.voxels, base.affine, base.series, certificate))
    assert letters_of(model) == {}
    model.layers.clear()
    add(model, Volume(base.voxels, base.affine, base.series, certificate, display=Display(sides=("L", "FR"))))
    assert letters_of(model) == {"left": "R", "right": "L", "top": "HL", "bottom": "FR"}


# -- on the screen ----------------------------------------------------------------------------------------------------


@pytest.fixture
def viewer(make_napari_viewer, scan):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(900, 700)
    scan_view(viewer)
    attach(viewer)
    bind(viewer)
    add(viewer, scan)
    viewer.reset_view()
    return viewer


def tools_of(viewer) -> ReadingTools:
    return attach(viewer)


def grey(viewer, place_mm: tuple[float, float, float]) -> float:
    image = picture(viewer)
    row, column = screen_position(viewer, image, place_mm)
    return float(image[row - 1 : row + 2, column - 1 : column + 2].mean())


def writing_in_the_corner(viewer) -> int:
    """Count the light pixels in the upper left corner of the view, with what Qt draws above it."""
    canvas, window = viewer.window._qt_viewer.canvas.native, viewer.window._qt_window
    part = QRect(canvas.mapTo(window, QPoint(0, 0)), QSize(canvas.width() // 4, canvas.height() // 6))
    image = window.grab(part).toImage()
    return sum(image.pixelColor(x, y).value() > 120 for x in range(image.width()) for y in range(image.height()))


def test_keys_and_mouse_change_what_is_on_the_screen(viewer, scan, qtbot) -> None:
    layer, canvas = viewer.layers[0], viewer.window._qt_viewer.canvas.native
    x, y, z = BIG
    viewer.dims.set_point(0, z)
    lung = (x - 14.0, y, z)

    def shown_as(hu: float) -> float:
        low, high = layer.contrast_limits
        return 255 * float(np.clip((hu - low) / (high - low), 0, 1))

    # Presets by key, as grey as they should be; the layer is selected, whose own keys in napari are the same.
    for key, preset in zip("16354", (presets.PRESETS[i] for i in (0, 5, 2, 4, 3)), strict=True):
        QTest.keyClick(canvas, key)
        assert windows.preset_of(layer) is preset
        assert str(layer.mode) == "pan_zoom"
        assert grey(viewer, BIG) == pytest.approx(shown_as(40), abs=3)
        assert grey(viewer, lung) == pytest.approx(shown_as(-850), abs=3)
    QTest.keyClick(canvas, "I")
    assert grey(viewer, BIG) == pytest.approx(255 - shown_as(40), abs=3)
    QTest.keyClick(canvas, "I")
    QTest.keyClick(canvas, "7")
    assert grey(viewer, BIG) > 200 > 50 > grey(viewer, lung), "the automatic window tells tissue from lung"

    # Dragging with the right button.
    QTest.keyClick(canvas, "1")
    zoom = viewer.scene.camera.zoom
    QTest.mousePress(canvas, Qt.MouseButton.RightButton, pos=QPoint(200, 200))
    QTest.mouseMove(canvas, QPoint(260, 230))
    picture(viewer)
    level, width = windows.window_of(layer)
    assert width == pytest.approx(1500 * np.exp(0.2), abs=2)
    assert level == pytest.approx(-450, abs=2)
    assert f"W {width:.0f}" in viewer.status, "width and level are told while one drags"
    QTest.mouseRelease(canvas, Qt.MouseButton.RightButton, pos=QPoint(260, 230))
    assert viewer.scene.camera.zoom == zoom, "napari's own right drag is off"
    QTest.mouseMove(canvas, QPoint(300, 300))
    assert windows.window_of(layer) == Window(level, width), "a released button drags no more"

    # A slab: the nodule three slices off is seen in the MIP, and not before.
    QTest.keyClick(canvas, "1")
    above = z + 10.0 + 2.5 * 2  # its upper edge is at z + 10
    viewer.dims.set_point(0, above + 2.5)
    assert grey(viewer, (x, y, above)) == pytest.approx(shown_as(-850), abs=3)
    QTest.keyClick(canvas, "T")
    for _ in range(2):
        QTest.keyClick(canvas, "]")
    assert tools_of(viewer).slab == Slab(Mode.MIP, 20.0)
    assert grey(viewer, (x, y, above)) == pytest.approx(shown_as(40), abs=3)
    QTest.keyClick(canvas, "T")
    assert grey(viewer, (x, y, above)) == pytest.approx(shown_as(-850), abs=3), "MinIP shows the lung"

    # Names, reset.
    assert "P-17" in tools_of(viewer).view(viewer).corners.text("top_left")
    QTest.keyClick(canvas, "X")
    assert "P-17" not in tools_of(viewer).view(viewer).corners.text("top_left")
    viewer.scene.camera.zoom *= 3
    QTest.keyClick(canvas, "R")
    assert tuple(layer.contrast_limits) == (-1350, 150)
    assert layer.projection_mode == "none"
    assert viewer.scene.camera.zoom < 1.5 * zoom

    # The corners are seen, and what is under the mouse is told.
    viewer.dims.set_point(0, z)
    image = picture(viewer)
    assert writing_in_the_corner(viewer) > 50
    row, column = screen_position(viewer, image, BIG)
    ratio = canvas.devicePixelRatio()
    viewer.window._qt_viewer._enter_canvas()
    QTest.mouseMove(canvas, QPoint(round(column / ratio), round(row / ratio)))
    picture(viewer)
    found = tools_of(viewer).view(viewer).found
    assert found.value == 40
    np.testing.assert_allclose(found.place_mm, BIG, atol=1.0)
    assert "40 HU" in viewer.status
    assert "L 5" in viewer.status
    bar = viewer.window._qt_window.statusBar()
    assert "40 HU" in bar._status.text()


def test_the_panel_shows_what_the_keys_do_and_does_it_by_mouse(model: ViewerModel, qtbot) -> None:
    layer = add(model, make_volume())
    panel = ReadingPanel(model)
    qtbot.addWidget(panel)
    tools = attach(model)
    assert panel.window_box.currentData() == "lung"
    panel.window_box.setCurrentIndex(2)
    panel.window_box.activated.emit(2)
    assert windows.preset_of(layer).id == "bone"
    assert (panel.level_box.value(), panel.width_box.value()) == (400, 1800)
    panel.width_box.setValue(1000)
    assert windows.window_of(layer) == Window(400, 1000)
    assert panel.window_box.currentIndex() == -1
    assert not panel.thickness_box.isEnabled()
    panel.mode_box.setCurrentIndex(1)
    panel.mode_box.activated.emit(1)
    panel.thickness_box.setValue(30)
    assert tools.slab == Slab(Mode.MIP, 30.0)
    panel.invert.click()
    assert windows.is_inverted(layer)
    tools.invert()
    assert not panel.invert.isChecked()
    panel.names.click()
    assert not tools.names
    panel.play.click()
    assert tools.cine.playing
    panel.play.click()
    assert not tools.cine.playing
    tools.reset()
    assert panel.window_box.currentData() == "lung"
    assert panel.mode_box.currentIndex() == 0
    model.layers.clear()
    assert not panel.window_box.isEnabled()
