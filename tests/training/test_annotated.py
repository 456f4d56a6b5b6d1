"""Scans with known nodules: read from any format, placed where the table says, and divided by patient."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from training_scan import chest, write_project

from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.volume import Volume
from napari_lesion.report.nifti import ras_affine
from napari_lesion.support.errors import ConfigError
from napari_lesion.training.config.detector import AnnotatedConfig, AugmentationConfig, TrainingConfig, read_config
from napari_lesion.training.data.annotated import find_annotated, read_image
from napari_lesion.training.data.augment import intensity_transform
from napari_lesion.training.data.crops import Sampler
from napari_lesion.training.data.scans import load_backgrounds
from napari_lesion.training.data.split import make_split

BALL = (20.0, 55.0, 42.0)
UIDS = ("1.2.3.7", "mhd-scan", "nifti-scan")


def with_ball() -> Volume:
    """A chest with a nodule of 12 mm."""
    volume = chest(7)
    index = np.indices(volume.shape) - np.array(BALL)[:, None, None, None]
    voxels = volume.voxels.copy()
    mm = index * np.array(volume.spacing)[:, None, None, None]
    voxels[np.sqrt((mm**2).sum(0)) < 6] = 60
    return replace(volume, voxels=voxels)


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same scan as DICOM, MetaImage and NIfTI, the last by nibabel, with a table."""
    import nibabel as nib

    folder = tmp_path_factory.mktemp("annotated")
    volume = with_ball()
    write_ct_series(volume, folder / "dicom", series_uid=UIDS[0])
    image = sitk.GetImageFromArray(volume.voxels)
    image.SetSpacing(volume.spacing[::-1])
    image.SetOrigin(volume.affine[:3, 3].tolist())
    sitk.WriteImage(image, folder / "mhd-scan.mhd")
    nib.save(nib.Nifti1Image(volume.voxels.transpose(2, 1, 0), ras_affine(volume.affine)), folder / "nifti-scan.nii.gz")
    x, y, z = volume.to_patient(BALL)
    rows = [f"{uid},{x},{y},{z},12" for uid in (*UIDS, "of-another-subset")]
    (folder / "annotations.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,diameter_mm", *rows]) + "\n")
    rows = [f"mhd-scan,{x + 40},{y},{z},-1"]
    (folder / "excluded.csv").write_text("\n".join(["seriesuid,coordX,coordY,coordZ,diameter_mm", *rows]) + "\n")
    return folder


def options(folder: Path, **changes: object) -> AnnotatedConfig:
    fields = {"scans": (folder,), "annotations": folder / "annotations.csv", "excluded": folder / "excluded.csv"}
    return AnnotatedConfig.model_validate({**fields, **changes})


def test_every_format_gives_the_same_scan_with_its_nodule(scans: Path) -> None:
    found = find_annotated(options(scans))
    assert tuple(scan.uid for scan in found) == UIDS
    volumes = [scan.read() for scan in found]
    for scan, volume in zip(found, volumes, strict=True):
        assert np.allclose(volume.affine, with_ball().affine, atol=1e-4)
        assert np.array_equal(volume.voxels, with_ball().voxels)
        nodule = scan.lesions(volume)[0]
        assert np.allclose(nodule.index, BALL, atol=0.01)
        assert nodule.diameter_mm == 12
    other = found[1].lesions(volumes[1])[1]
    assert other.diameter_mm is None  # neither nodule nor healthy
    assert len(found[2].lesions(volumes[2])) == 1
    assert found[0].patient == "chest-7"
    assert found[1].patient == ""


def test_a_crop_shows_the_annotated_nodule_in_its_surroundings(scans: Path, tmp_path: Path) -> None:
    scan = find_annotated(options(scans))[2]
    config = read_config(write_project(tmp_path))
    (background,) = load_backgrounds(config, series=(), annotated=[scan])
    (real,) = background.real
    z, y, x = (round(c) for c in real.center)
    assert background.hu[z, y, x] > 0
    assert background.ignore[z, y, x]
    sampler = Sampler(
        [background],
        [],
        crop=32,
        real_share=0,
        hard_share=0,
        cube_share=0,
        lesion_share=1,
        insert_share=0,
        augmentation=AugmentationConfig(intensity=()),
        seed=2,
    )
    seen = 0
    for _ in range(20):
        image, targets, valid = sampler._background_crop()
        for target in targets:
            assert abs(target.diameter_mm - 12) < 3
            z, y, x = (round(c) for c in target.center)
            assert image[z, y, x] > 0.6
            assert valid[z, y, x]
            seen += 1
    assert seen >= 3


def test_what_is_wrong_with_annotated_scans_is_said(scans: Path, tmp_path: Path) -> None:
    header = "seriesuid,coordX,coordY,coordZ,diameter_mm\n"
    table = tmp_path / "a.csv"
    table.write_text(header + "unknown,0,0,0,5\n")
    with pytest.raises(ConfigError, match="none of its series is among the 3 scans"):
        find_annotated(options(scans, annotations=table))
    table.write_text(header + "mhd-scan,900,0,0,5\n")
    outside = next(s for s in find_annotated(options(scans, annotations=table)) if s.truth)
    with pytest.raises(ConfigError, match="lies outside the scan"):
        outside.lesions(outside.read())
    table.write_text(header + "mhd-scan,0,0,0,-1\n")
    with pytest.raises(ConfigError, match="a nodule without a diameter"):
        find_annotated(options(scans, annotations=table))
    with pytest.raises(ConfigError, match="found twice"):
        find_annotated(options(scans, scans=(scans, scans / "mhd-scan.mhd")))
    sitk.WriteImage(sitk.GetImageFromArray(np.full((4, 4, 4), 100, np.uint8)), tmp_path / "mask.nii.gz")
    with pytest.raises(ConfigError, match="holds no HU"):
        read_image(tmp_path / "mask.nii.gz", "mask")
    (tmp_path / "text.nii").write_text("no image")
    with pytest.raises(ConfigError, match=r"text\.nii cannot be read"):
        read_image(tmp_path / "text.nii", "text")


def project(folder: Path, scans: Path, **annotated: object) -> TrainingConfig:
    """A configuration of cubes, four series (all the same folder) of four patients, and the annotated scans."""
    path = write_project(folder)
    config = read_config(path)
    series = tuple(config.data.backgrounds[0].model_copy(update={"patient": f"p{n}"}) for n in range(4))
    data = config.data.model_copy(
        update={"backgrounds": series[:3], "validation": series[3:], "annotated": options(scans, **annotated)}
    )
    return config.model_copy(update={"data": data})


def test_folds_are_divided_by_patient_and_cover_everything_once(scans: Path, tmp_path: Path) -> None:
    table = tmp_path / "patients.csv"
    table.write_text("seriesuid,patient\n" + "".join(f"{uid},who-{uid[0]}\n" for uid in UIDS))
    config = project(tmp_path / "project", scans, patients=table)
    folds = [make_split(config, fold, 3) for fold in range(3)]
    plain = make_split(config)
    judged = [name for fold in folds for name in fold.validation.record()["nodules"]]
    assert len(judged) == len(set(judged)) == len(plain.train.cubes) + len(plain.validation.cubes)
    assert sorted(scan.uid for fold in folds for scan in fold.validation.annotated) == sorted(UIDS)
    assert sorted(part.patient for fold in folds for part in fold.validation.series) == ["p0", "p1", "p2", "p3"]
    for fold in folds:
        train, validation = fold.train, fold.validation
        assert not {scan.patient for scan in train.annotated} & {scan.patient for scan in validation.annotated}
        assert not {cube.name.split("_")[0] for cube in train.cubes} & {c.name.split("_")[0] for c in validation.cubes}
        assert not {part.patient for part in train.series} & {part.patient for part in validation.series}
        assert not set(plain.test.record()["nodules"]) & {cube.name for cube in (*train.cubes, *validation.cubes)}
    assert [fold.record() for fold in folds] == [make_split(config, fold, 3).record() for fold in range(3)]


def test_folds_are_refused_where_patients_are_not_known_or_too_few(scans: Path, tmp_path: Path) -> None:
    config = project(tmp_path, scans)
    with pytest.raises(ConfigError, match="Of 2 annotated scans it is not known whose they are"):
        make_split(config, 0, 2)
    config = project(tmp_path / "b", scans, patients="scan")
    with pytest.raises(ConfigError, match="annotated scans are of 3 patients"):
        make_split(config, 0, 4)
    with pytest.raises(ConfigError, match="no fold 3"):
        make_split(config, 3, 3)


def test_chosen_augmentations_are_used_and_wrong_ones_named() -> None:
    chosen = {"intensity": [{"name": "RandShiftIntensity", "prob": 1.0, "offsets": [70, 70.001]}]}
    transform = intensity_transform(AugmentationConfig.model_validate(chosen))
    assert transform is not None
    assert float(transform(np.full((1, 2, 2, 2), -300.0, np.float32)).mean()) == pytest.approx((770) / 1400, abs=1e-4)
    for wrong, message in (
        ({"name": "RandFlip"}, "no random intensity transform 'RandFlip'"),
        ({"name": "Compose"}, "'Compose'"),
        ({"name": "RandGaussianNoise", "loudness": 3}, "RandGaussianNoise: .*loudness"),
    ):
        with pytest.raises(ConfigError, match=message):
            intensity_transform(AugmentationConfig.model_validate({"intensity": [wrong]}))
