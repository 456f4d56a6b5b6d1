"""The picture: smooth or raw, with nothing drawn over it or only what leaves the nodule free, and words on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fake_scan import FIRST, make_heatmap, make_volume
from napari.components import ViewerModel
from plugin_scan import NODULES, picture, screen_position
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage, QRegion
from qtpy.QtWidgets import QWidget
from scipy import ndimage

from napari_lesion.model.findings import Candidate
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import Volume
from napari_lesion.pipeline import analyse, with_all_candidates
from napari_lesion.plugin.findings.findings_view import findings_view
from napari_lesion.plugin.findings.outlines import outlines
from napari_lesion.plugin.session.open_scans import open_scans
from napari_lesion.plugin.session.session import Session, session_of
from napari_lesion.plugin.viewer.layers import heatmap_layer, scan_layer
from napari_lesion.plugin.viewer.outline_layer import lines_around
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.tools.corners import slab_text
from napari_lesion.plugin.viewer.tools.reading import reading_tools
from napari_lesion.plugin.viewer.tools.slab import Mode, Slab
from napari_lesion.plugin.viewer.views.mpr import views
from napari_lesion.review import edits

SMALL: tuple[tuple[float, float, float], float] = ((48.0, 10.0, -220.0), 8.0)
OTHER_UID = "1.2.826.0.1.3680043.8.498.2"


def press(viewer: Any, qtbot: Any, key: Qt.Key, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    qtbot.keyClick(viewer.window._qt_viewer.canvas.native, key, modifier)


def bare(viewer: Any) -> npt.NDArray[np.uint8]:
    """The picture without napari's own words and scale bar."""
    for overlay in viewer.canvas.overlays.values():
        overlay.visible = False
    return picture(viewer)


def around(viewer: Any, place: tuple[float, float, float], mm: float) -> npt.NDArray[np.uint8]:
    """The pixels within a square around a place."""
    image = bare(viewer)
    row, column = screen_position(viewer, image, place)
    reach = int(mm * viewer.scene.camera.zoom)
    return image[row - reach : row + reach, column - reach : column + reach]


def find(session: Session, scan: Volume) -> None:
    """Search: one finding a nodule, and a heatmap."""
    candidates = tuple(Candidate(place, diameter, 0.9) for place, diameter in NODULES)
    from fake_scan import FakeDetector

    result = analyse(scan, detector=FakeDetector(candidates), measure=False)
    heatmap = heatmap_layer(make_heatmap(scan, candidates), scan)
    findings_view(session).show_result(session.scan, with_all_candidates(result), heatmap=heatmap)


def test_the_picture_is_smooth_and_one_key_shows_the_voxels_as_they_are(viewer: Any, scan: Volume, qtbot: Any) -> None:
    session, tools = session_of(viewer), reading_tools(session_of(viewer))
    session.go_to(SMALL[0])
    viewer.scene.camera.zoom = 20
    low, high = session.scan.contrast_limits
    voxels = np.clip((np.unique(scan.voxels) - low) / (high - low), 0, 1) * 255

    def strange() -> float:
        """Share of the pixels whose grey no voxel has."""
        grey = around(viewer, SMALL[0], 7)[..., 0].astype(float)
        return float((np.abs(grey[..., None] - voxels).min(axis=-1) > 2).mean())

    def probed() -> float:
        viewer.mouse_over_canvas = True
        viewer.cursor.position = (SMALL[0][2], SMALL[0][1] + SMALL[1] / 2, SMALL[0][0])
        found = tools.view(viewer).found
        assert found is not None
        return found.value

    assert strange() > 0.03, "greys between those of the voxels"
    value = probed()
    assert value in scan.voxels
    press(viewer, qtbot, Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier)
    assert strange() == 0
    assert probed() == value
    assert "Raw pixels" in tools.view(viewer).corners.text("bottom_left")

    # Another scan is shown in the same way, and all of them smooth again.
    data, attributes, _ = scan_layer(make_volume(series_uid=OTHER_UID))
    other = viewer.add_image(data, **attributes)
    assert str(other.interpolation2d) == "nearest"
    press(viewer, qtbot, Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier)
    assert str(other.interpolation2d) == "linear"
    first = open_scans(viewer).scans[0]
    open_scans(viewer).show(first)
    assert str(first.layer.interpolation2d) == "linear"


def test_one_key_hides_all_that_is_drawn_over_the_picture_and_shows_it_as_it_was(
    viewer: Any, scan: Volume, qtbot: Any
) -> None:
    session = session_of(viewer)
    corners, marks = reading_tools(session).view(viewer).corners, views(viewer).panes[0].marks
    session.go_to(NODULES[0][0])
    plain = bare(viewer)
    find(session, scan)
    press(viewer, qtbot, Qt.Key.Key_H)
    drawn = bare(viewer)
    assert (drawn != plain).any()
    who = corners.text("top_left")

    press(viewer, qtbot, Qt.Key.Key_Q)
    np.testing.assert_array_equal(bare(viewer), plain)
    assert "Overlays hidden" in corners.text("bottom_left")
    assert (marks.lines_shown, marks.letters_shown, corners.text("top_left")) == (False, True, who)

    # What comes meanwhile is hidden, too; the other scan's overlays are not; and it is still so when one comes back.
    finding = findings_view(session).findings[0]
    mask = Mask.of(np.ones((1, 3, 3), bool), tuple(np.rint(scan.to_index(finding.center_mm)).astype(int)))
    outlines(session)
    session.change(lambda review, by: edits.outline(review, finding.id, mask, by, scan))
    np.testing.assert_array_equal(bare(viewer), plain)
    data, attributes, _ = scan_layer(make_volume(series_uid=OTHER_UID))
    viewer.add_image(data, **attributes)
    assert "Overlays hidden" not in corners.text("bottom_left")
    assert marks.lines_shown
    open_scans(viewer).show(open_scans(viewer).scans[0])
    np.testing.assert_array_equal(bare(viewer), plain)
    assert "Overlays hidden" in corners.text("bottom_left")

    session.change(lambda review, by: edits.outline(review, finding.id, None, by, scan))
    press(viewer, qtbot, Qt.Key.Key_Q)
    np.testing.assert_array_equal(bare(viewer), drawn)
    assert "Overlays hidden" not in corners.text("bottom_left")
    assert marks.lines_shown

    # Who asks for one of them asks to see.
    press(viewer, qtbot, Qt.Key.Key_H)
    press(viewer, qtbot, Qt.Key.Key_Q)
    press(viewer, qtbot, Qt.Key.Key_H)
    np.testing.assert_array_equal(bare(viewer), drawn)


def test_the_heatmap_waits_until_it_is_asked_for(viewer: Any, scan: Volume, qtbot: Any) -> None:
    session = session_of(viewer)
    find(session, scan)
    heatmap = findings_view(session).layer("heatmap")
    assert heatmap is not None
    assert not heatmap.visible
    press(viewer, qtbot, Qt.Key.Key_H)
    assert heatmap.visible


@pytest.mark.parametrize("outlined", [False, True], ids=["ring and box", "outline"])
def test_nothing_that_is_drawn_covers_a_small_nodule(viewer: Any, scan: Volume, outlined: bool) -> None:
    session = session_of(viewer)
    place, diameter = SMALL
    session.go_to(place)
    viewer.scene.camera.zoom = 12
    plain = around(viewer, place, diameter)
    find(session, scan)
    finding = next(one for one in findings_view(session).findings if one.diameter_mm == diameter)
    index = np.indices(scan.shape).reshape(3, -1).T
    ball = np.linalg.norm(index @ scan.affine[:3, :3].T + scan.affine[:3, 3] - place, axis=1) <= diameter / 2
    if outlined:
        mask = Mask.of(ball.reshape(scan.shape), (0, 0, 0))
        outlines(session)
        session.change(lambda review, by: edits.outline(review, finding.id, mask, by, scan))
    for chosen in ("", finding.id):
        session.select(chosen)
        drawn = around(viewer, place, diameter)
        covered = (drawn != plain).any(axis=-1)
        assert covered.any(), "there is something to be seen"
        rows, columns = (np.indices(covered.shape) - np.array(covered.shape)[:, None, None] / 2 + 0.5) / 12
        nodule = np.hypot(rows, columns) < diameter / 2 - 0.1
        if outlined:  # it is as the voxels have it; the very line between two is either's
            at = np.stack([np.full(rows.shape, place[2]), rows + place[1], columns + place[0]], axis=-1)
            k, j, i = np.rint(scan.to_index(at[..., ::-1])).astype(int).reshape(-1, 3).T
            nodule = ndimage.binary_erosion(ball.reshape(scan.shape)[k, j, i].reshape(rows.shape), iterations=2)
        assert nodule.sum() > 500
        assert not covered[nodule].any()


def test_outlines_lie_around_what_is_labelled_and_never_on_a_neighbour() -> None:
    labels = np.zeros((7, 9), np.uint8)
    labels[3, 3], labels[3, 5] = 1, 2
    around_it = lines_around(labels)
    assert not around_it[labels > 0].any()
    assert set(map(tuple, np.argwhere(around_it == 1))) >= {(2, 3), (4, 3), (3, 2)}
    assert around_it[3, 4] in (1, 2)


@pytest.mark.parametrize("place", ["corner", "letter"])
def test_words_and_letters_are_readable_on_white(viewer: Any, place: str) -> None:
    marks = views(viewer).panes[0].marks
    marks.show_parts(lines=False, letters=True)
    marks.resize(700, 500)
    image = QImage(marks.size(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    marks.render(image, QPoint(), QRegion(), QWidget.RenderFlag(0))
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3].astype(int)
    red, blue = rows[..., 2], rows[..., 0]
    # Letters are yellow, corners light blue; both are much lighter than what must be around them.
    written = (red > 200) & (blue < 150) if place == "letter" else (blue - red > 8) & (blue > 190)
    assert written.sum() > 60
    dark = rows.max(axis=-1) < 90
    assert ndimage.binary_dilation(dark, iterations=3)[written].all()


# -- slabs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("mode", [Mode.MIP, Mode.MINIP])
def test_the_corner_tells_the_highest_value_of_the_slab_and_on_which_image_it_is(qapp, axis: int, mode: Mode) -> None:
    model = ViewerModel()
    scan_view(model)
    volume = make_volume(nodules=NODULES)
    rng = np.random.default_rng(3)
    volume.voxels[:] += rng.integers(-40, 40, volume.shape).astype(np.int16)
    data, attributes, _ = scan_layer(volume)
    layer = model.add_image(data, **attributes)
    model.dims.order = ((0, 1, 2), (1, 0, 2), (2, 0, 1))[axis]
    slab = Slab(mode, 12.0)
    step = np.array([2.5, 1.5, 1.5])[axis]
    half = slab.slices(step) // 2
    for middle in (half, data.shape[axis] // 2, 1):
        model.dims.set_current_step(axis, middle)
        region = [slice(None)] * 3
        region[axis] = slice(max(middle - half, 0), middle + half + 1)
        part = np.asarray(data[tuple(region)])
        value = int(part.max() if mode is Mode.MIP else part.min())
        said = slab_text(model, layer, volume, slab)
        word = "max" if mode is Mode.MIP else "min"
        covered = f"{(2 * half + 1) * step:.3g} mm"
        assert said.startswith(
            f"{'MIP' if mode is Mode.MIP else 'MinIP'} {covered}, {word} {value} HU at Im ".replace("-", "−")
        )
        image = int(said.rsplit(" ", 1)[1]) - FIRST
        planes = [slice(None), slice(None), slice(None)]
        planes[axis] = region[axis]
        if axis == 0:
            assert region[0].start <= image < region[0].stop
            planes[0] = slice(image, image + 1)
        else:
            planes[0] = slice(image, image + 1)
        assert value in volume.voxels[tuple(planes)]


def test_the_highest_value_is_that_of_what_can_be_seen(viewer: Any, scan: Volume) -> None:
    session = session_of(viewer)
    scan.voxels[20, 5, 5] = 3000
    tools = reading_tools(session)
    session.go_to(NODULES[0][0])
    viewer.dims.set_current_step(0, 20)
    tools.set_slab(Slab(Mode.MIP, 10.0))
    viewer.reset_view()
    assert "max 3000 HU at Im 121" in tools.view(viewer).corners.text("bottom_left")
    viewer.scene.camera.zoom = 20
    session.go_to(NODULES[0][0])
    assert "max 40 HU" in tools.view(viewer).corners.text("bottom_left")


def test_the_circle_of_the_brush_is_there_only_while_one_paints(viewer: Any, scan: Volume, qtbot: Any) -> None:
    session = session_of(viewer)
    find(session, scan)
    session.go_to(NODULES[0][0])
    outlines(session)
    shown = views(viewer)
    shown.show_all()
    qtbot.wait(300)
    findings_view(session).step(1)
    shown.cameras.zoom_to_finding()  # napari shows a small brush as a cross

    def circles() -> list[bool]:
        return [pane.view.canvas.overlays["_brush_circle"].visible for pane in shown.panes if pane.is_plane]

    def others() -> Any:
        data, attributes, _ = scan_layer(make_volume(series_uid=OTHER_UID))
        return viewer.add_image(data, **attributes)

    for pane in shown.panes:
        pane.view.mouse_over_canvas = True
    assert circles() == [False] * 3
    press(viewer, qtbot, Qt.Key.Key_O)
    qtbot.wait(100)
    assert any(circles())
    press(viewer, qtbot, Qt.Key.Key_O)
    qtbot.wait(100)
    assert circles() == [False] * 3, "put down by its key"
    press(viewer, qtbot, Qt.Key.Key_O)
    press(viewer, qtbot, Qt.Key.Key_Q)
    qtbot.wait(100)
    assert circles() == [False] * 3, "hidden with all that is drawn"
    press(viewer, qtbot, Qt.Key.Key_O)
    others()
    qtbot.wait(100)
    assert circles() == [False] * 3, "gone with its scan"
