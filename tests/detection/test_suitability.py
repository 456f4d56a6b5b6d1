"""A scan that is out of a model's range gets a sentence, and one within it gets none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_scan import FakeDetector, make_volume
from synthetic_chest import HALF_MM, Chest

from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.imaging import suitability
from napari_lesion.imaging.lungs import find_lungs
from napari_lesion.imaging.preprocess import canonical, coarse_grid
from napari_lesion.model.volume import Volume, spacing_of
from napari_lesion.pipeline import analyse
from napari_lesion.support.errors import LungsNotFoundError


def scan(
    voxels=None, *, spacing: tuple[float, float, float] = (2.5, 1.5, 1.5), thickness: float | None = None
) -> Volume:
    volume = make_volume(
        np.array([[0, 0, spacing[2], -120], [0, spacing[1], 0, -90], [spacing[0], 0, 0, -300], [0, 0, 0, 1.0]])
    )
    certificate = volume.certificate.model_copy(update={"slice_thickness_mm": thickness})
    return replace(volume, voxels=volume.voxels if voxels is None else voxels, certificate=certificate)


def noisy(level: float) -> Volume:
    voxels = scan().voxels + np.random.default_rng(3).normal(0, level, scan().shape)
    return scan(np.rint(voxels).astype(np.int16))


def lungs_of(chest: Chest) -> tuple[str, ...]:
    affine = np.eye(4)
    affine[:3, :3] = np.diag(chest.spacing)[::-1]
    hu = chest.scan()
    return suitability.of_lungs(find_lungs(hu, chest.spacing), hu, affine)


@pytest.mark.parametrize("volume", [scan(), scan(spacing=(5.0, 1.5, 1.5), thickness=5.0), noisy(60)])
def test_a_usual_scan_gets_no_warning(volume):
    assert suitability.of_scan(volume) == ()


def test_thick_slices_are_said():
    [apart] = suitability.of_scan(scan(spacing=(6.0, 1.5, 1.5)))
    assert apart.startswith("Slices are 6 mm apart;")
    [thick] = suitability.of_scan(scan(spacing=(3.5, 1.5, 1.5), thickness=7.0))
    assert thick.startswith("Slices are 7 mm thick;")


def test_coarse_pixels_are_said():
    [said] = suitability.of_scan(scan(spacing=(2.5, 2.5, 2.5)))
    assert said.startswith("Pixels are 2.5 mm wide")


@pytest.mark.parametrize("level", [10.0, 40.0, 90.0])
def test_noise_is_measured(level):
    assert suitability.noise_hu(noisy(level)) == pytest.approx(level, rel=0.1)


def test_extreme_noise_is_said():
    [said] = suitability.of_scan(noisy(150))
    assert "very noisy (15" in said or "very noisy (14" in said


@pytest.mark.parametrize(
    ("slope", "intercept", "common"), [(1.0, 300.0, "325"), (1.0, -200.0, "−175"), (8.0, 0.0, "235")]
)
def test_values_that_are_no_hu_are_said(slope, intercept, common):
    said = suitability.of_scan(scan((scan().voxels * slope + intercept).astype(np.int16)))
    assert any(f"do not look like HU: the commonest in the body is {common}" in text for text in said), said


def test_another_modality_is_not_judged_by_hu():
    assert suitability.of_scan(replace(make_volume(modality="MR"), voxels=noisy(200).voxels)) == ()


def test_whole_lungs_get_no_warning():
    assert lungs_of(Chest()) == ()


@pytest.mark.parametrize(
    ("z_range", "words"),
    [
        ((-60.0, HALF_MM[0]), "The lungs go on below the lowest slice"),
        ((-HALF_MM[0], 40.0), "The lungs go on above the highest slice"),
        ((-60.0, 40.0), "Only a slab of the lungs is in view, 100 mm high"),
    ],
)
def test_lungs_that_are_cut_off_are_said_with_the_side(z_range, words):
    [said] = lungs_of(Chest(z_range=z_range))
    assert said.startswith(words)


def test_a_narrow_field_of_view_is_said_with_the_side():
    [said] = lungs_of(Chest(x_range=(-100.0, HALF_MM[2])))
    assert said == "The field of view cuts the lungs off on the right: nothing was searched beyond it."


def test_dense_lungs_are_said():
    [said] = lungs_of(Chest(lung_hu=-560.0))
    assert "unusually dense" in said
    assert "median −5" in said


def test_small_lungs_are_said():
    lungs = np.zeros((40, 60, 60), bool)
    lungs[10:30, 20:40, 5:55] = True
    affine = np.eye(4)
    affine[:3, :3] = np.diag((2.0, 2.0, 2.0))[::-1]
    [said] = suitability.of_lungs(lungs, np.where(lungs, -850.0, 40.0), affine)
    assert said.startswith("The lungs hold only 160 ml")


def test_warnings_reach_the_report():
    report = analyse(scan(spacing=(6.0, 1.5, 1.5)), detector=FakeDetector()).report
    assert any(text.startswith("Slices are 6 mm apart") for text in report.warnings)


def real_scan(folder: Path) -> Volume:
    return read_series(max(find_series(folder), key=lambda series: series.n_slices))


def warnings_of(volume: Volume) -> tuple[str, ...]:
    coarse, affine = coarse_grid(canonical(volume))
    return (*suitability.of_scan(volume), *suitability.of_lungs(find_lungs(coarse, spacing_of(affine)), coarse, affine))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rider-pilot-0117", ("Only a slab of the lungs", "The field of view cuts the lungs off on the right")),
        ("acrin-flt-breast-001", ("The lungs go on below the lowest slice, which cuts 20",)),
        ("cptac-C3N-00247", ()),
    ],
)
def test_real_scans_are_judged_by_what_they_show(real_data, name, expected):
    said = warnings_of(real_scan(real_data / "ct" / name))
    assert len(said) == len(expected), said
    for words, text in zip(expected, said, strict=True):
        assert text.startswith(words)


@pytest.mark.real_data
def test_a_head_is_refused_with_a_sentence(real_data):
    coarse, affine = coarse_grid(canonical(real_scan(real_data / "edge-cases" / "Philips-tilt-neg")))
    with pytest.raises(LungsNotFoundError, match="no lung is in view"):
        find_lungs(coarse, spacing_of(affine))
