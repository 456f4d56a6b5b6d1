"""Exports, checked by other readers: the right side stays the right side, whatever the orientation of the scan."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import dicom_factory as factory
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import yaml
from annotated_scan import annotate, mark_mask, nodule, phantom_volume
from dicom_factory import MARKS

from napari_lesion.annotation.export import save_coco, save_luna16, save_nifti, save_training
from napari_lesion.annotation.labels import LUNG_NODULES
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.evaluation.froc import load_marks
from napari_lesion.support.errors import ConfigError

VOLUME = phantom_volume()


@pytest.mark.parametrize("name", ["orientation-axial", "orientation-coronal", "orientation-oblique"])
def test_masks_and_tables_lie_on_the_marks_for_other_readers(name: str, tmp_path: Path) -> None:
    """The marks have their own HU: GDCM (by SimpleITK) reads the files, nibabel and ITK the export."""
    factory.SERIES[name](tmp_path / "dicom")
    (series,) = find_series(tmp_path / "dicom")
    volume = read_series(series)
    found = annotate(volume, "ann", *(nodule(volume, mark, mask=mark_mask(volume, mark)) for mark in MARKS))
    path = save_nifti(found, tmp_path)

    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(tmp_path / "dicom"))
    scan = sitk.ReadImage(files)
    itk = sitk.Resample(sitk.ReadImage(str(path)), scan, sitk.Transform(), sitk.sitkNearestNeighbor)
    numbers, hu = sitk.GetArrayFromImage(itk), sitk.GetArrayFromImage(scan)
    image = nib.load(path)
    array = np.asarray(image.dataobj)
    save_luna16([found], LUNG_NODULES, tmp_path)
    rows = load_marks(tmp_path / "annotations.csv")
    for number, mark in enumerate(MARKS, start=1):
        there = hu[numbers == number]
        assert there.size > 30
        assert np.mean(np.abs(there - mark.hu) < 20) > 0.97, mark.name
        ras = nib.affines.apply_affine(image.affine, np.argwhere(array == number).mean(axis=0))
        assert ras * (-1, -1, 1) == pytest.approx(mark.center_mm, abs=1), mark.name
        assert rows[number - 1].center_mm == pytest.approx(mark.center_mm, abs=1)
        assert rows[number - 1].diameter_mm == pytest.approx(2 * factory.MARK_RADIUS_MM, abs=0.7)
        # The table's position, looked up in the files by ITK, is in the mark.
        x, y, z = rows[number - 1].center_mm
        assert abs(scan[scan.TransformPhysicalPointToIndex((x, y, z))] - mark.hu) < 20
    table = list(csv.DictReader(path.with_name(path.name.replace(".nii.gz", ".csv")).open()))
    assert [int(row["number"]) for row in table] == [1, 2, 3, 4]
    assert [int(row["voxels"]) for row in table] == [int((array == n).sum()) for n in (1, 2, 3, 4)]


def test_the_role_of_a_label_decides_the_table(tmp_path: Path) -> None:
    left, front, head, back = MARKS
    found = annotate(
        VOLUME,
        "ann",
        nodule(VOLUME, left),
        nodule(VOLUME, front, label="lymph node"),
        nodule(VOLUME, head, label="artefact"),
        nodule(VOLUME, back, label="mass"),
    )
    assert save_luna16([found], LUNG_NODULES, tmp_path) == (2, 1)
    assert [mark.center_mm for mark in load_marks(tmp_path / "annotations.csv")] == [left.center_mm, back.center_mm]
    assert [mark.center_mm for mark in load_marks(tmp_path / "annotations_excluded.csv")] == [front.center_mm]
    strange = annotate(VOLUME, "ann", nodule(VOLUME, left, label="cyst"))
    with pytest.raises(ConfigError, match="no label 'cyst'"):
        save_luna16([strange], LUNG_NODULES, tmp_path)


def decode(lengths: dict) -> np.ndarray:
    """COCO's run lengths, as its documentation has them."""
    flat = np.concatenate([np.full(n, i % 2) for i, n in enumerate(lengths["counts"])])
    return flat.reshape(lengths["size"], order="F").astype(bool)


def test_coco_has_the_pixels_of_every_slice(tmp_path: Path) -> None:
    left, front, head, _ = MARKS
    mask = mark_mask(VOLUME, left)
    found = annotate(
        VOLUME,
        "ann",
        nodule(VOLUME, left, mask=mask),
        nodule(VOLUME, front, label="mass"),
        nodule(VOLUME, head, center_mm=head.center_mm, box_size_mm=(9, 10, 12)),
    )
    save_coco([found], LUNG_NODULES, tmp_path / "coco.json")
    coco = json.loads((tmp_path / "coco.json").read_text())
    names = {one["id"]: one["name"] for one in coco["categories"]}
    images = {one["id"]: one for one in coco["images"]}
    whole = np.zeros(VOLUME.shape, bool)
    mask.put(whole)
    by_finding: dict[str, list[dict]] = {}
    for one in coco["annotations"]:
        by_finding.setdefault(one["finding"], []).append(one)
    masked, point, box = (by_finding[mark.id] for mark in found.annotations)

    assert len({one["id"] for one in coco["annotations"]}) == len(coco["annotations"])
    assert {images[one["image_id"]]["slice"] for one in masked} == set(mask.slices())
    for one in masked:
        image = images[one["image_id"]]
        plane = whole[image["slice"]]
        assert (image["height"], image["width"]) == plane.shape
        assert image["origin_mm"] == pytest.approx(VOLUME.to_patient((image["slice"], 0, 0)).tolist())
        assert np.array_equal(decode(one["segmentation"]), plane)
        column, row, width, height = one["bbox"]
        inside = np.zeros_like(plane)
        inside[int(row) : int(row + height), int(column) : int(column + width)] = True
        assert (plane <= inside).all()
        assert plane.any(axis=0).sum() <= width
        assert one["area"] == plane.sum()
    assert {names[one["category_id"]] for one in point} == {"mass"}
    assert "segmentation" not in point[0]
    middle = max(point, key=lambda one: one["area"])
    column, row, width, height = middle["bbox"]
    assert (width * VOLUME.spacing[2], height * VOLUME.spacing[1]) == pytest.approx((10, 10), abs=0.4)
    centre = VOLUME.to_patient((images[middle["image_id"]]["slice"], row + height / 2 - 0.5, column + width / 2 - 0.5))
    assert centre == pytest.approx(front.center_mm, abs=1.6)
    assert len(box) == 3
    assert box[0]["bbox"][2] * VOLUME.spacing[2] == pytest.approx(12)


def test_training_gets_only_scans_that_were_read(tmp_path: Path) -> None:
    """A scan without marks counts as one without nodules: one that nobody has read must not be among them."""
    uids = {"alone": "1.2.1", "read": "1.2.2", "unread": "1.2.3"}
    folders = {"alone": tmp_path / "alone" / "images", "read": tmp_path / "together", "unread": tmp_path / "together"}
    for name, uid in uids.items():
        for file in write_ct_series(phantom_volume(), tmp_path / "written", series_uid=uid):
            folders[name].mkdir(parents=True, exist_ok=True)
            file.rename(folders[name] / f"{name}-{file.name}")
        (tmp_path / "written").rmdir()
    there = {series.identity.series_uid: read_series(series) for series in find_series(tmp_path)}
    alone, read = there[uids["alone"]], there[uids["read"]]
    sets = [annotate(alone, "ann", nodule(alone, MARKS[0])), annotate(read, "ann")]
    out = tmp_path / "training"
    config = save_training(sets, LUNG_NODULES, [tmp_path / "alone", tmp_path / "together"], out)
    places = yaml.safe_load(config.read_text())["data"]["annotated"]["scans"]
    assert places[0] == str(folders["alone"]), "the folder holds nothing else"
    assert places[1] == f"scans/{read.series.series_uid}.nii.gz", "beside it lies a scan that nobody read"
    copied = nib.load(out / places[1])
    assert np.array_equal(np.asarray(copied.dataobj).transpose(2, 1, 0), read.voxels)
    patients = list(csv.DictReader((out / "patients.csv").open()))
    assert [row["seriesuid"] for row in patients] == [uids["alone"], uids["read"]]
    with pytest.raises(ConfigError, match="1 annotated series are not among the scans"):
        save_training(sets, LUNG_NODULES, [tmp_path / "alone"], out)
    with pytest.raises(ConfigError, match="Nothing is marked as a nodule"):
        save_training(sets[1:], LUNG_NODULES, [tmp_path / "together"], out)
