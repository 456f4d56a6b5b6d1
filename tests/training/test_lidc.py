"""The store of real nodules: read as they are, nobody on two sides, the clumsy ones left out."""

from __future__ import annotations

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_scan import write_lidc_packs, write_project

from napari_lesion.support.errors import ConfigError
from napari_lesion.training.data.lidc import (
    Crop,
    cube_patient,
    parts_by_patient,
    read_axial_patches,
    read_crops,
    read_store,
    split_store,
    why_left_out,
)
from napari_lesion.training.data.nodules import split_cubes

REAL = Path(os.environ.get("NAPARI_LESION_REAL_DATA", "../shared/data")) / "nodules"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("project")
    write_project(project)
    write_lidc_packs(project / "nodules")
    return project / "nodules"


def test_a_crop_is_read_where_it_lies_in_its_pack(folder: Path) -> None:
    crop = read_crops(folder)[1]
    assert crop.name == "LIDC-IDRI-0301/1"
    assert crop.hu.shape == crop.mask.shape == (6, 30, 32)
    assert crop.spacing_mm == (1.25, 0.7, 0.7)
    assert (crop.hu[crop.mask] > -300).all()
    assert crop.mask_diameter_mm == pytest.approx(crop.diameter_mm, rel=0.1)
    assert crop.type == "part-solid"
    assert crop.ratings["spiculation"] == 1


def test_a_patch_is_read_with_its_readers_outline(folder: Path) -> None:
    patch = read_axial_patches(folder)[1]
    assert patch.hu.shape == (71, 71)
    assert patch.mask[35, 35]
    assert (patch.hu[patch.mask] > -300).all()
    assert (patch.patient, patch.type) == ("LIDC-IDRI-0301", "part-solid")
    assert "internalStructure" not in patch.ratings  # the reader left it empty


def test_nobody_is_on_two_sides_and_all_are_on_one(folder: Path) -> None:
    store = read_store(folder)
    parts = split_store(store)
    patients = [part.patients for part in parts.values()]
    assert all(patients)
    assert sum(map(len, patients)) == len(store.patients)
    assert {len(part.cubes) for part in parts.values()} == {7, 1, 2}


def test_patients_of_the_cubes_stay_where_they_were(folder: Path) -> None:
    cubes = read_store(folder).cubes
    patients = [f"LIDC-IDRI-{n:04d}" for n in range(1, 30)]
    parts = parts_by_patient(patients, cubes)
    for part, members in split_cubes(list(cubes)).items():
        assert {parts[cube_patient(cube.name)] for cube in members} == {part}
    # The others do not depend on who else is there.
    assert parts_by_patient(["LIDC-IDRI-0029"], cubes)["LIDC-IDRI-0029"] == parts["LIDC-IDRI-0029"]


def test_of_the_cubes_whose_patient_is_not_known_all_who_may_be_it_are_in_training() -> None:
    unsure = [f"LIDC-IDRI-{n:04d}" for n in (77, 78, 79, 83, 84, 85, 86)]
    assert set(parts_by_patient(unsure).values()) == {"train"}


@pytest.mark.parametrize(
    ("cube", "patient"), [("3_nod1_ann0", 4), ("75_nod1_ann0", 76), ("82_nod1_ann0", 87), ("245_nod1_ann0", 269)]
)
def test_the_number_of_a_cube_is_not_its_patients(cube: str, patient: int) -> None:
    assert cube_patient(cube) == f"LIDC-IDRI-{patient:04d}"


@pytest.fixture
def crop(folder: Path) -> Crop:
    return read_crops(folder)[0]


def _with_mask(crop: Crop, change: str) -> Crop:
    mask = crop.mask.copy()
    if change == "pieces":
        mask[2, 2:4, 2:4] = True
    elif change == "gap":
        mask[2] = False
    elif change == "two slices":
        mask[2:] = False
    else:
        mask[2, 15, :16] = True
    return replace(crop, mask=mask)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("pieces", "several pieces"),
        ("gap", "a slice without"),
        ("two slices", "2 slices"),
        ("side", "side of its crop"),
    ],
)
def test_a_clumsy_mask_is_left_out_with_its_reason(crop: Crop, change: str, said: str) -> None:
    assert why_left_out(crop) is None
    assert said in str(why_left_out(_with_mask(crop, change)))


def test_noise_a_faint_solid_and_a_wrong_size_are_left_out(crop: Crop) -> None:
    assert "noise of 90 HU" in str(why_left_out(replace(crop, noise_hu=90.0)))
    assert "140 HU over the lung" in str(why_left_out(replace(crop, contrast_hu=140.0)))
    assert why_left_out(replace(crop, contrast_hu=140.0, ratings={**crop.ratings, "texture": 1})) is None
    assert "for a diameter of 20.0 mm" in str(why_left_out(replace(crop, diameter_mm=20.0)))


def test_what_does_not_fit_together_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There are no nodules in"):
        read_store(tmp_path)
    for name in ("lidc_voi.npz", "lidc_voi.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    text = (tmp_path / "lidc_voi.csv").read_text()
    offset = next(csv.DictReader(text.splitlines()[:3]))["offset"]
    (tmp_path / "lidc_voi.csv").write_text(text.replace(f",{offset},", ",99999999,", 1))
    with pytest.raises(ConfigError, match=r"LIDC-IDRI-0300 lies outside of lidc_voi\.npz"):
        read_crops(tmp_path)


@pytest.mark.real_data
@pytest.mark.skipif(not (REAL / "lidc_voi.npz").exists(), reason="needs the real nodules")
def test_a_cube_shows_the_nodule_of_the_patient_that_it_is_said_to_be_of() -> None:
    """In the middle plane, within a voxel or two, with nothing mirrored: for some from each stretch of numbers."""
    from scipy import ndimage

    store = read_store(REAL, patches=False)
    cubes = {int(cube.name.split("_")[0]): cube for cube in store.cubes}
    rows, columns = np.mgrid[-10:11, -10:11].astype(float)
    for number in (4, 40, 77, 83, 103, 107, 120, 164, 219, 246):
        cube = cubes[number]
        middle = np.round(ndimage.center_of_mass(cube.mask)).astype(int)
        offsets = [np.array([z, y, x]) for z in range(-4, 5) for y in range(-2, 3) for x in range(-2, 3)]
        best = -1.0
        for crop in (one for one in store.crops if one.patient == cube_patient(cube.name)):
            z, y, x = ndimage.center_of_mass(crop.mask)
            at = [y + rows / crop.spacing_mm[1], x + columns / crop.spacing_mm[2]]
            plane = ndimage.map_coordinates(np.clip(crop.hu[round(z)], -1000, 400).astype(float), at, order=1)
            for offset in offsets:
                k, j, i = middle + offset
                window = np.clip(cube.hu[k, j - 10 : j + 11, i - 10 : i + 11], -1000, 400)
                best = max(best, float(np.corrcoef(window.ravel(), plane.ravel())[0, 1]))
        assert best > 0.93, (number, best)
