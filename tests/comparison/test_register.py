"""Alignment of real CT: deformed by a known field, and with other patients'."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lesion.comparison.register import align
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging.preprocess import find_search_region
from napari_lesion.model.volume import Volume, apply_affine
from napari_lesion.phantom.breath import breathe


def scan(real_data: Path, name: str) -> Volume:
    return read_series(find_series(real_data / "ct" / name)[0])


@pytest.mark.real_data
def test_a_ct_deformed_by_a_known_field_is_found_back(real_data: Path) -> None:
    prior = scan(real_data, "cptac-C3N-00247")
    current, truth = breathe(prior, 0, spacing=(2.5, 1.0, 1.0))
    alignment, found = align(current, prior)
    assert alignment.accepted, alignment.says
    assert found is not None
    region = find_search_region(current)
    places = apply_affine(region.affine, np.argwhere(region.lungs)[::53])
    there = found.to_prior(places)
    away = np.linalg.norm(there - truth.to_prior(places), axis=-1)
    assert away.mean() < 1.2
    assert np.percentile(away, 95) < 3.0
    back = np.linalg.norm(found.to_current(there) - places, axis=-1)
    assert back.max() < 0.5
    again, same = align(current, prior)
    assert again == alignment
    assert same is not None
    assert np.array_equal(same.displacement, found.displacement)


@pytest.mark.real_data
def test_another_patient_is_refused(real_data: Path) -> None:
    alignment, found = align(scan(real_data, "lungfcp-01-0001"), scan(real_data, "cptac-C3N-00247"))
    assert not alignment.accepted
    assert found is None
    assert "could not be brought together" in alignment.says


@pytest.mark.real_data
def test_a_head_is_refused(real_data: Path) -> None:
    head = read_series(find_series(real_data / "edge-cases" / "Philips-tilt-neg")[0])
    alignment, found = align(scan(real_data, "lungfcp-01-0001"), head)
    assert not alignment.accepted
    assert found is None
    assert "no lung is in view" in alignment.says
