"""Scans, heatmaps and findings lie in napari where they lie in the patient, and come back from there."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import dicom_factory as factory
import numpy as np
import pytest
from fake_scan import AXIAL, make_heatmap, make_volume
from napari.layers import Layer
from plugin_scan import BlobDetector

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.findings import Candidate, Heatmap, Report
from napari_lesion.model.volume import Volume, spacing_of
from napari_lesion.pipeline import analyse
from napari_lesion.plugin.viewer import finding_layers, layers
from napari_lesion.support.errors import ConfigError, GeometryError

TURN = factory.rotation(12, -7, 4)


def layer_of(data: layers.LayerData) -> Any:
    return Layer.create(*data)


def value_at(layer: Any, lps: tuple[float, float, float]) -> float:
    """The voxel of an upright layer at a place in the patient."""
    index = np.rint(layer.world_to_data(lps[::-1])).astype(int)
    return float(layer.data[tuple(index)])


def turned(volume: Volume, order: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """The same scan stored with its axes swapped and reversed."""
    voxels, affine = volume.voxels.transpose(order), volume.affine[:, [*order, 3]].copy()
    for axis in np.flatnonzero(flips):
        affine[:, 3] += affine[:, axis] * (voxels.shape[axis] - 1)
        affine[:, axis] *= -1
        voxels = np.flip(voxels, axis)
    return Volume(voxels, affine, volume.series, volume.certificate)


@pytest.mark.parametrize("orientation", factory.ORIENTATIONS)
def test_every_mark_of_the_patient_lies_where_its_lps_position_says(orientation: str, tmp_path: Path) -> None:
    factory.write_phantom(tmp_path / "ct", orientation)
    volume = read_series(find_series(tmp_path / "ct")[0])
    layer = layer_of(layers.scan_layer(volume))
    for mark in factory.MARKS:
        assert value_at(layer, mark.center_mm) == mark.hu, mark.name


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_a_scan_lies_the_same_however_its_axes_are_stored(order: tuple[int, ...], flips: tuple[bool, ...]) -> None:
    volume = make_volume(shape=(6, 10, 15))
    expected = layer_of(layers.scan_layer(volume))
    layer = layer_of(layers.scan_layer(turned(volume, order, flips)))
    np.testing.assert_array_equal(layer.data, expected.data)
    np.testing.assert_allclose(layer.scale, expected.scale)
    np.testing.assert_allclose(layer.translate, expected.translate)


def test_a_scan_opens_in_mm_with_a_lung_window_and_knows_what_it_is(scan: Volume) -> None:
    layer = layer_of(layers.scan_layer(scan))
    assert {str(unit) for unit in layer.units} == {"millimeter"}
    assert layer.axis_labels == ("z", "y", "x")
    assert tuple(layer.scale) == (2.5, 1.5, 1.5)
    assert tuple(layer.translate) == (-300, -90, -120)
    assert tuple(layer.contrast_limits) == (-1350, 150)
    assert layer.name == "2024-02-29 Thorax lung"
    assert layer.metadata["series"]["series_uid"] == scan.series.series_uid
    assert layer.metadata["certificate"]["verdict"] == "as acquired"
    assert np.shares_memory(layer.data, scan.voxels)


def test_the_window_of_a_scan_that_is_not_ct_follows_its_values() -> None:
    layer = layer_of(layers.scan_layer(make_volume(unit="", modality="MR")))
    low, high = layer.contrast_limits
    assert -1000 <= low < high <= 40


def test_an_oblique_scan_lies_in_its_own_planes_and_leads_back_to_the_patient() -> None:
    affine = np.eye(4)
    affine[:3, :3] = TURN @ AXIAL[:3, :3]
    affine[:3, 3] = (-100, 20, -700)
    volume = make_volume(affine)
    frame = layers.frame_of(volume)
    layer = layer_of(layers.scan_layer(volume))
    index = np.array([[3, 50, 70], [39, 0, 149]])
    lps = volume.to_patient(index)
    np.testing.assert_allclose(layer.world_to_data(frame.to_world(lps[0])), index[0], atol=1e-9)
    np.testing.assert_allclose(frame.to_patient(frame.to_world(lps)), lps, atol=1e-9)
    assert np.linalg.det(frame.axes) * np.linalg.det(frame.axes[::-1]) < 0
    assert frame.oblique_deg == pytest.approx(np.degrees(np.arccos((np.trace(TURN) - 1) / 2)))


def test_an_upright_scan_is_not_called_oblique(scan: Volume) -> None:
    assert layers.frame_of(scan).oblique_deg == 0


def test_no_frame_mirrors_the_patient() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        turn = factory.rotation(*rng.uniform(-180, 180, 3))
        affine = np.eye(4)
        affine[:3, :3] = turn * (2.0, 1.0, 1.5)
        axes = layers.frame_of(make_volume(affine, (4, 5, 6))).axes
        # z, y, x of the world are head, back, left: a left-handed triple in LPS.
        assert np.linalg.det(axes) == pytest.approx(-1)


def test_a_sheared_scan_is_refused_in_a_sentence() -> None:
    affine = AXIAL.copy()
    affine[1, 0] = 1.0
    with pytest.raises(GeometryError, match="not perpendicular"):
        layers.scan_layer(make_volume(affine))


@pytest.mark.parametrize("affine", [AXIAL, AXIAL @ np.diag([-1, 1, -1, 1])])
def test_the_heatmap_glows_where_the_finding_is_and_keeps_the_scans_slices(affine: np.ndarray) -> None:
    volume = make_volume(affine, nodules=())
    place = tuple(volume.to_patient((17, 40, 66)))
    scan = layer_of(layers.scan_layer(volume))
    candidate = Candidate(place, 10.0, 0.9)
    heatmap = make_heatmap(volume, (candidate,))
    heat = layer_of(layers.heatmap_layer(heatmap, volume))
    hottest = heat.data_to_world(np.unravel_index(heat.data.argmax(), heat.data.shape))
    half_a_voxel = np.array(spacing_of(heatmap.affine)) / 2
    assert (np.abs(hottest - np.array(place)[::-1]) <= half_a_voxel + 1e-6).all()
    assert heat.scale[0] == scan.scale[0]
    offset = (heat.translate[0] - scan.translate[0]) / scan.scale[0]
    assert offset == pytest.approx(round(offset), abs=1e-6)
    assert heat.units == scan.units


def test_heat_between_two_slices_of_the_heatmap_is_interpolated(scan: Volume) -> None:
    affine = AXIAL.copy()
    affine[2, 0] = 5.0  # every other slice of the scan
    values = np.zeros((20, 4, 4), np.float32)
    values[10], values[11] = 0.2, 0.6
    heat = layer_of(layers.heatmap_layer(Heatmap(values, affine), scan))
    np.testing.assert_allclose(heat.data[20:23, 0, 0], (0.2, 0.4, 0.6), atol=1e-6)


def test_a_heatmap_beside_the_scan_is_an_error(scan: Volume) -> None:
    affine = AXIAL.copy()
    affine[2, 3] = 5000
    with pytest.raises(GeometryError, match="outside of the scan"):
        layers.heatmap_layer(Heatmap(np.zeros((4, 4, 4), np.float32), affine), scan)


@pytest.fixture
def report(scan: Volume) -> Report:
    return analyse(scan, detector=BlobDetector(), threshold=0.0).report


def test_findings_lie_at_their_centres_and_come_back_unchanged(scan: Volume, report: Report) -> None:
    points = layer_of(finding_layers.findings_layer(report, scan, 0.5))
    for finding, place in zip(report.findings, points.data, strict=True):
        np.testing.assert_allclose(points.data_to_world(place), finding.center_mm[::-1])
    lying = [max(f.size_mm, f.measurement.long_axis.length_mm if f.measurement else 0) for f in report.findings]
    np.testing.assert_allclose(points.size * points.scale[-1], np.array(lying) + 2 * finding_layers.CLEAR_MM)
    assert list(points.shown) == [True, True, False]
    data, attributes, _ = points.as_layer_data_tuple()
    assert finding_layers.report_of(data, attributes).findings == report.findings[:2]


def test_a_moved_finding_comes_back_edited_and_an_added_one_added(scan: Volume, report: Report) -> None:
    points = layer_of(finding_layers.findings_layer(report, scan, 0.0))
    moved = points.data.copy()
    moved[1] += np.array([2.5, 0, -4]) / points.scale
    points.data = moved
    points.add(np.array([-240.0, -20.0, 10.0]) / points.scale)
    data, attributes, _ = points.as_layer_data_tuple()
    back = {f.status: f for f in finding_layers.report_of(data, attributes).findings}
    assert back["edited"].id == report.findings[1].id
    np.testing.assert_allclose(back["edited"].center_mm, np.add(report.findings[1].center_mm, (-4, 0, 2.5)))
    np.testing.assert_allclose(back["added"].center_mm, (10, -20, -240))
    assert back["added"].score == 1
    assert back["added"].sop_instance_uid == scan.nearest_instance((10, -20, -240)).sop_instance_uid


def test_points_of_another_kind_are_refused_in_a_sentence() -> None:
    points = Layer.create(np.zeros((1, 3)), {"name": "cells"}, "points")
    data, attributes, _ = points.as_layer_data_tuple()
    with pytest.raises(ConfigError, match="'cells' holds no findings"):
        finding_layers.report_of(data, attributes)


@pytest.mark.parametrize("through", [0, 1, 2])
def test_a_box_is_drawn_on_every_plane_that_it_meets(scan: Volume, report: Report, through: int) -> None:
    finding = report.findings[0]
    rectangles, owners = finding_layers.box_rectangles((finding,), scan, through)
    layer = layer_of(layers.scan_layer(scan))
    assert owners == [0] * len(rectangles)
    corners = np.array([[layer.data_to_world(c)[::-1] for c in r] for r in rectangles])
    lower, upper = np.array(finding.box_mm)
    axis = 2 - through  # in LPS
    assert len(rectangles) == pytest.approx(finding.diameter_mm / layer.scale[through], abs=1)
    assert corners[..., axis].min() >= lower[axis] - 1e-6
    assert corners[..., axis].max() <= upper[axis] + 1e-6
    for other in {0, 1, 2} - {axis}:
        assert corners[..., other].min() == pytest.approx(lower[other])
        assert corners[..., other].max() == pytest.approx(upper[other])


def test_a_box_thinner_than_a_slice_is_drawn_on_the_nearest_one(scan: Volume, report: Report) -> None:
    x, y, z = scan.to_patient((10.3, 50, 40))
    thin = report.findings[0].model_copy(update={"box_mm": ((x - 1, y - 1, z - 0.2), (x + 1, y + 1, z + 0.2))})
    rectangles, _ = finding_layers.box_rectangles((thin,), scan, 0)
    assert [r[0, 0] for r in rectangles] == [10]
