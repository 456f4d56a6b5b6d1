"""Slices in space, from positions alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lesion.dicom.read.geometry import (
    affine,
    axes_of,
    axis_letters,
    name_orientation,
    shear,
    spread,
    upright_grid,
)

AXIAL = (1.0, 0, 0, 0, 1, 0)
CORONAL = (1.0, 0, 0, 0, 0, -1)
SAGITTAL = (0.0, 1, 0, 0, 0, -1)
HEAD = np.array([0.0, 0, 1])


def along_z(*depths: float) -> np.ndarray:
    return np.array([(0.0, 0.0, z) for z in depths])


def test_slices_are_ordered_by_position_from_foot_to_head() -> None:
    found = spread(along_z(5, 0, 2.5, 7.5), HEAD)
    assert found.order.tolist() == [1, 2, 0, 3]
    assert found.step_mm == pytest.approx(2.5)
    assert found.even
    assert not found.same
    assert not found.missing.any()


def test_a_gap_is_counted_in_missing_slices() -> None:
    found = spread(along_z(0, 2.5, 5, 12.5, 15, 17.5), HEAD)
    assert found.missing.tolist() == [0, 0, 2, 0, 0]
    assert found.even


def test_a_gap_in_the_only_three_slices_is_still_a_gap() -> None:
    assert spread(along_z(0, 1, 3), HEAD).missing.tolist() == [0, 1]


def test_rounded_positions_are_even_and_do_not_drift() -> None:
    exact = 0.625 * np.arange(400)
    found = spread(along_z(*np.round(exact, 2)), HEAD)
    assert found.even
    assert not found.same
    assert not found.missing.any()
    assert found.step_mm == pytest.approx(0.625, abs=1e-4)


def test_alternating_steps_are_uneven() -> None:
    found = spread(along_z(0, 1, 2.4, 3.4, 4.8, 5.8), HEAD)
    assert not found.even


def test_planes_at_one_position_are_found() -> None:
    found = spread(along_z(0, 1, 1, 2), HEAD)
    assert found.same == ((1, 2),)
    assert found.step_mm == pytest.approx(1)


def test_planes_all_at_one_position_have_no_step() -> None:
    assert spread(along_z(3, 3, 3), HEAD).step_mm == 0


@pytest.mark.parametrize(
    ("cosines", "letters", "name"),
    [
        (AXIAL, "HPL", "axial"),
        (CORONAL, "PFL", "coronal"),
        (SAGITTAL, "RFP", "sagittal"),
        ((-1.0, 0, 0, 0, -1, 0), "HAR", "axial"),  # prone
        ((1.0, 0, 0, 0, np.cos(0.4), np.sin(0.4)), "HPL", "oblique"),
    ],
)
def test_axes_are_named_by_where_they_lead_in_the_patient(cosines: tuple[float, ...], letters: str, name: str) -> None:
    axes = axes_of(cosines)
    assert axes is not None
    matrix = affine(np.zeros(3), 2 * axes.normal, axes, (0.7, 0.5))
    assert axis_letters(matrix) == letters
    assert name_orientation(matrix) == name
    assert np.linalg.det(matrix[:3, [2, 1, 0]]) > 0  # (i, j, k) is right-handed


@pytest.mark.parametrize("cosines", [(1.0, 0, 0, 1, 0, 0), (1.0, 0, 0, 0, 0, 0), (2.0, 0, 0, 0, 1, 0), (np.nan,) * 6])
def test_cosines_that_are_no_plane_are_refused(cosines: tuple[float, ...]) -> None:
    assert axes_of(cosines) is None


def test_row_spacing_belongs_to_rows_and_column_spacing_to_columns() -> None:
    axes = axes_of(AXIAL)
    assert axes is not None
    matrix = affine(np.array([1.0, 2, 3]), 4 * HEAD, axes, (0.7, 0.5))
    assert matrix @ (1, 1, 1, 1) == pytest.approx([1.5, 2.7, 7, 1])


def test_a_tilt_is_measured_and_the_upright_grid_holds_every_slice() -> None:
    tilt = np.radians(18.5)
    axes = axes_of((1.0, 0, 0, 0, np.cos(tilt), -np.sin(tilt)))
    assert axes is not None
    positions = along_z(*np.arange(0, 100, 2.5))
    depth = positions @ axes.normal
    drift, residual = shear(positions, depth, axes)
    assert np.degrees(np.arctan(np.linalg.norm(drift))) == pytest.approx(18.5)
    assert residual.max() < 1e-9
    shape = (len(positions), 60, 50)
    sheared = affine(positions[0], np.array([0, 0, 2.5]), axes, (1.0, 0.8))
    size, grid = upright_grid(shape, sheared)
    assert name_orientation(grid) == "axial"
    assert np.linalg.norm(grid[:3, :3], axis=0) == pytest.approx([2.5, 1.0, 0.8])
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    inside = np.linalg.inv(grid) @ np.vstack((sheared[:3, :3] @ corners + sheared[:3, 3:4], np.ones(8)))
    assert inside[:3].min() > -1e-6
    assert (inside[:3].max(axis=1) <= np.array(size) - 1 + 2e-3).all()


def test_a_sideways_slice_is_the_one_off_the_line() -> None:
    axes = axes_of(AXIAL)
    assert axes is not None
    positions = along_z(0, 1, 2, 3)
    positions[2, 0] = 4
    _, residual = shear(positions, positions @ HEAD, axes)
    assert residual.argmax() == 2
    assert residual.max() == pytest.approx(4)
