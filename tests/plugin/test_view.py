"""On the screen: the radiologist's side is the right side, the head is up, and nothing is mirrored."""

from __future__ import annotations

from itertools import permutations

import dicom_factory as factory
import numpy as np
import pytest
from fake_scan import AXIAL, make_volume
from plugin_scan import picture, screen_position

from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.plugin.viewer import layers, view
from napari_lesion.plugin.viewer.layers import frame_of
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.plugin.viewer.views.mpr import views

LPS = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])  # directions of the world axes z, y, x


@pytest.fixture
def marked() -> Volume:
    """A dark block with marks to the left, in front, towards the head, and right-behind-below."""
    shape = (24, 40, 44)
    affine = factory.grid("axial", shape, (2.0, 1.5, 1.5))
    points = factory.positions(affine, shape)
    voxels = np.full(shape, -1000, np.int16)
    for mark in factory.MARKS:
        voxels[((points - mark.center_mm) ** 2).sum(-1) <= 5.0**2] = 1000
    return Volume(
        voxels,
        affine,
        SeriesIdentity(series_uid="1.2.3", modality="CT"),
        GeometryCertificate(shape=shape, spacing_mm=(2.0, 1.5, 1.5), orientation="axial", axes="HPL"),
    )


def mark(name: str) -> tuple[float, float, float]:
    return next(m.center_mm for m in factory.MARKS if m.name == name)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_camera_never_mirrors_the_patient_and_keeps_the_head_up(order: tuple[int, int, int]) -> None:
    depth, vertical, horizontal = view.camera_orientation(order)
    up = LPS[order[1]] * (1 if vertical == "up" else -1)
    right = LPS[order[2]] * (1 if horizontal == "right" else -1)
    towards = LPS[order[0]] * (1 if depth == "towards" else -1)
    np.testing.assert_array_equal(np.cross(right, up), towards)
    if order[1] == 0:
        assert vertical == "up"


def bright(image: np.ndarray, row: int, column: int) -> float:
    return float(image[row - 2 : row + 3, column - 2 : column + 3].mean())


@pytest.fixture
def viewer(make_napari_viewer, marked):
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    data, attributes, _ = layers.scan_layer(marked)
    viewer.add_image(data, **attributes)
    return viewer


def letters(viewer) -> dict[str, str]:
    return views(viewer).panes[0].marks.letters()


def show(viewer, plane: str, center_mm: tuple[float, float, float]) -> np.ndarray:
    viewer.dims.order = view.PLANES[plane]
    viewer.reset_view()
    viewer.dims.set_point(range(3), center_mm[::-1])
    return picture(viewer)


def test_axial_pictures_show_the_left_on_the_right_and_the_front_on_top(viewer) -> None:
    image = show(viewer, "axial", factory.CENTER_MM)
    rows, columns = np.array(image.shape[:2])
    left, front = (screen_position(viewer, image, mark(name)) for name in ("left", "front"))
    assert left[1] > columns * 0.55
    assert front[0] < rows * 0.45
    assert bright(image, *left) > 250
    assert bright(image, *front) > 250
    assert bright(image, left[0], columns - left[1]) < 90, "the mark is on both sides"
    assert bright(image, rows - front[0], front[1]) < 90
    assert letters(viewer) == {"left": "R", "right": "L", "top": "A", "bottom": "P"}


def test_coronal_pictures_show_the_head_on_top(viewer) -> None:
    image = show(viewer, "coronal", factory.CENTER_MM)
    rows, columns = image.shape[:2]
    head, left = (screen_position(viewer, image, mark(name)) for name in ("head", "left"))
    assert head[0] < rows * 0.45
    assert left[1] > columns * 0.55
    assert bright(image, *head) > 250
    assert bright(image, *left) > 250
    assert bright(image, rows - head[0], head[1]) < 90
    assert letters(viewer)["top"] == "H"


def test_sagittal_pictures_show_the_head_on_top_and_the_front_on_the_left(viewer) -> None:
    image = show(viewer, "sagittal", factory.CENTER_MM)
    rows, columns = image.shape[:2]
    head, front = (screen_position(viewer, image, mark(name)) for name in ("head", "front"))
    assert head[0] < rows * 0.45
    assert front[1] < columns * 0.45
    assert bright(image, *head) > 250
    assert bright(image, *front) > 250
    assert letters(viewer)["left"] == "A"


def test_in_3d_one_faces_the_patient_head_up_with_the_left_on_the_right(viewer) -> None:
    viewer.dims.ndisplay = 3
    viewer.layers[0].rendering = "mip"
    viewer.layers[0].contrast_limits = (0, 1000)
    assert letters(viewer) == {"left": "R", "right": "L", "top": "H", "bottom": "F"}
    viewer.scene.camera.set_view_direction((0, 2, -1), (1, 0, 0))
    assert letters(viewer)["right"] == "LP", "one looks from half left"
    viewer.scene.camera.set_view_direction((0, 1, 0), (1, 0, 0))
    for name, overlay in viewer.canvas.overlays.items():
        if name == "scale_bar" or name.startswith("reading_"):
            overlay.visible = False
    image = picture(viewer).astype(float).mean(axis=-1) > 200
    rows, columns = np.nonzero(image)
    middle = np.array(image.shape) / 2
    # Of the four marks one is highest (head), one is furthest on the patient's left, one right and low.
    assert rows.min() < middle[0] - 40, "no head mark at the top"
    top = columns[rows < rows.min() + 20].mean()
    assert abs(top - middle[1]) < 30
    right_most = rows[columns > columns.max() - 20].mean()
    assert abs(right_most - middle[0]) < 30, "the left mark is not at the right edge, half way up"
    assert rows[columns < columns.min() + 20].mean() > middle[0] + 40, "the right-low mark is not at the left, low"


def test_the_camera_is_centred_on_a_place_in_every_plane(viewer, marked) -> None:
    for plane in view.PLANES:
        viewer.dims.order = view.PLANES[plane]
        viewer.dims.set_point(range(3), frame_of(marked).to_world(mark("right-back-feet")).tolist())
        view.centre_on(viewer, marked, mark("right-back-feet"))
        image = picture(viewer)
        assert bright(image, image.shape[0] // 2, image.shape[1] // 2) > 250, plane


def test_a_picture_with_all_of_the_scan_in_it_stays_where_it_is(viewer, marked) -> None:
    for plane in view.PLANES:
        viewer.dims.order = view.PLANES[plane]
        viewer.reset_view()
        before = viewer.scene.camera.center
        assert view.is_whole_in_sight(viewer, marked)
        view.bring_into_view(viewer, marked, mark("right-back-feet"))
        assert viewer.scene.camera.center == before
        viewer.scene.camera.zoom *= 2
        assert not view.is_whole_in_sight(viewer, marked)
        view.bring_into_view(viewer, marked, mark("right-back-feet"))
        wanted = frame_of(marked).to_world(mark("right-back-feet"))[list(viewer.dims.displayed)]
        np.testing.assert_allclose(viewer.scene.camera.center[-2:], wanted, err_msg=plane)


def test_a_coronal_acquisition_opens_in_its_own_planes(make_napari_viewer) -> None:
    from fake_scan import CORONAL

    viewer = make_napari_viewer()
    scan_view(viewer)
    data, attributes, _ = layers.scan_layer(make_volume(CORONAL, (20, 30, 40)))
    viewer.add_image(data, **attributes)
    assert tuple(viewer.dims.order) == view.PLANES["coronal"]


def test_other_images_keep_naparis_orientation(make_napari_viewer) -> None:
    viewer = make_napari_viewer()
    before = viewer.scene.camera.orientation
    scan_view(viewer)
    viewer.add_image(np.zeros((4, 5, 6)))
    viewer.dims.order = (1, 0, 2)
    assert viewer.scene.camera.orientation == before
    assert letters(viewer) == {}


def notes_of(volume: Volume, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    monkeypatch.setattr(view, "show_info", lambda text: told.append(("info", text)))
    monkeypatch.setattr(view, "show_warning", lambda text: told.append(("warning", text)))
    view.show_doubts(volume)
    return told


def test_what_is_as_acquired_is_not_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert notes_of(make_volume(), monkeypatch) == []
    assert notes_of(make_volume(notes=("Padding.",)), monkeypatch) == [("info", "Thorax lung: Padding.")]


def test_an_oblique_scan_warns_that_it_lies_in_its_own_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    affine = AXIAL.copy()
    affine[:3, :3] = factory.rotation(10, 0, 0) @ AXIAL[:3, :3]
    [(kind, text)] = notes_of(make_volume(affine), monkeypatch)
    assert kind == "warning"
    assert "10.0°" in text
    assert "their own planes" in text


def test_what_was_corrected_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = make_volume(notes=("Two slices were interpolated.",))
    certificate = volume.certificate.model_copy(update={"verdict": "corrected"})
    changed = Volume(volume.voxels, volume.affine, volume.series, certificate)
    assert notes_of(changed, monkeypatch) == [("warning", "Thorax lung: Two slices were interpolated.")]
