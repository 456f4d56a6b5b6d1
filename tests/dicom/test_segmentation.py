"""Segmentations: heatmaps on the scan's grid, and those of other programs on other grids."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dicom_factory as factory
import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_findings import Case, ball, case_of, report_on, without_place
from dicom_programs import problems, run

from napari_lesion.dicom_objects.key_images import save_key_images
from napari_lesion.dicom_objects.segmentation import save_heatmap_seg, save_seg
from napari_lesion.dicom_objects.segmentation_reader import heatmap_from_seg, load_seg, masks_from_seg
from napari_lesion.model.findings import Heatmap
from napari_lesion.model.mask import dice
from napari_lesion.support.errors import AnnotationError, SeriesError

MARK = factory.MARKS[0]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_of("oblique", tmp_path_factory.mktemp("ct"))


def images_of(case: Case) -> list[pydicom.Dataset]:
    files = {frame.file.path for frame in case.source.frames}
    return [pydicom.dcmread(file, stop_before_pixels=True) for file in sorted(files)]


def foreign(case: Case, grid: hd.Volume, path: Path, kind: str = "BINARY", segments: int = 1) -> Path:
    """A segmentation as another program writes it, on a grid of its own."""
    algorithm = hd.AlgorithmIdentificationSequence("other", hd.sr.CodedConcept("123110", "DCM", "AI"), "1")
    descriptions = [
        hd.seg.SegmentDescription(
            number,
            f"Thing {number}",
            hd.sr.CodedConcept("49755003", "SCT", "Morphologically Abnormal Structure"),
            hd.sr.CodedConcept("4147007", "SCT", "Mass"),
            "AUTOMATIC",
            algorithm,
        )
        for number in range(1, segments + 1)
    ]
    hd.seg.Segmentation(
        images_of(case), grid, kind, descriptions, "1.2.3.8", 1, "1.2.3.9", 1, "Other", "Other", "1", "1"
    ).save_as(path)
    return path


def grid_of(case: Case, spacing: tuple[float, float, float], turned: np.ndarray, voxels_at) -> hd.Volume:
    """Voxels on a grid around the mark: its directions are the columns of ``turned``."""
    shape = np.ceil(np.array([30.0, 30.0, 30.0]) / spacing).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = turned * spacing
    affine[:3, 3] = np.array(MARK.center_mm) - affine[:3, :3] @ ((shape - 1) / 2)
    places = np.stack(np.indices(shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    uid = case.volume.series.frame_of_reference_uid
    return hd.Volume(voxels_at(places), affine, "PATIENT", frame_of_reference_uid=uid)


def ball_at(places: np.ndarray) -> np.ndarray:
    return ((places - np.array(MARK.center_mm)) ** 2).sum(-1) <= factory.MARK_RADIUS_MM**2


@pytest.mark.parametrize("spacing", [(1.0, 0.8, 0.8), (4.0, 1.0, 1.0)])
def test_a_segmentation_on_another_grid_lands_on_the_mark(
    case: Case, spacing: tuple[float, float, float], tmp_path: Path
) -> None:
    """Finer or coarser than the scan, and turned against it: coronal slices of an oblique scan."""
    coronal = np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]], float)  # slices to the back, rows down, columns to the left
    path = foreign(case, grid_of(case, spacing, coronal, ball_at), tmp_path / "seg.dcm")
    [found], notes = masks_from_seg(path, case.volume)
    assert [note for note in notes if "took the nearest one" in note]
    assert np.abs(found.mask.center_mm(case.volume.affine) - MARK.center_mm).max() < 0.75
    assert dice(found.mask, ball(case.volume, MARK.center_mm, factory.MARK_RADIUS_MM)) > 0.8
    assert (found.segment.label, found.segment.kind, found.segment.made_by) == ("Thing 1", "Mass", "other")


def test_each_voxel_is_the_nearest_of_the_segmentation(case: Case, tmp_path: Path) -> None:
    """ITK resamples what dcmqi reads of it to the same mask."""
    turned = factory.rotation(35, 10, -25)
    path = foreign(case, grid_of(case, (2.0, 1.5, 1.5), turned, ball_at), tmp_path / "seg.dcm")
    [found], _ = masks_from_seg(path, case.volume)
    run("segimage2itkimage", "--inputDICOM", path, "--outputDirectory", tmp_path, "--outputType", "nrrd")
    scan = sitk.Image([int(n) for n in case.volume.shape[::-1]], sitk.sitkUInt8)
    matrix = case.volume.affine[:3, [2, 1, 0]]
    scan.SetSpacing(np.linalg.norm(matrix, axis=0).tolist())
    scan.SetDirection((matrix / np.linalg.norm(matrix, axis=0)).ravel().tolist())
    scan.SetOrigin(case.volume.affine[:3, 3].tolist())
    image = sitk.ReadImage(str(tmp_path / "1.nrrd"))
    resampled = sitk.GetArrayFromImage(sitk.Resample(image, scan, sitk.Transform(), sitk.sitkNearestNeighbor)) > 0
    mine = np.zeros(case.volume.shape, bool)
    found.mask.put(mine)
    assert (mine != resampled).sum() <= 0.01 * mine.sum(), "rounding may decide where a voxel is halfway"


def test_label_maps_and_overlapping_segments_are_read(case: Case, tmp_path: Path) -> None:
    def two(places: np.ndarray) -> np.ndarray:
        inside = ball_at(places)
        return (inside * (1 + (places[..., 0] > MARK.center_mm[0]))).astype(np.uint8)

    axial = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], float)
    path = foreign(case, grid_of(case, (1.0, 1.0, 1.0), axial, two), tmp_path / "map.dcm", "LABELMAP", 2)
    masks, _ = masks_from_seg(path, case.volume)
    right, left = (one.mask.center_mm(case.volume.affine)[0] for one in masks)
    assert right < MARK.center_mm[0] < left

    report = case.report
    twin = report.findings[1].model_copy(update={"id": "00000000-0000-0000-0000-000000000001", "tracking_uid": ""})
    both = report.model_copy(update={"findings": (report.findings[1], twin)})
    save_seg(both, case.volume, tmp_path / "twins.dcm", source=case.source)
    assert problems(tmp_path / "twins.dcm") == []
    masks, notes = masks_from_seg(tmp_path / "twins.dcm", case.volume)
    assert [one.mask for one in masks] == [twin.mask, twin.mask]
    assert notes == ()


def heatmap_around(case: Case, center_mm) -> Heatmap:
    """Suspicion that falls off around a place, on a coarse grid parallel to the scan's, as networks give it."""
    affine = case.volume.affine.copy()
    affine[:3, :3] *= np.array([1.5, 1.9, 2.1])
    shape = np.ceil(np.array(case.volume.shape) / (1.5, 1.9, 2.1)).astype(int)
    places = np.stack(np.indices(shape), axis=-1) @ affine[:3, :3].T + affine[:3, 3]
    distance = np.linalg.norm(places - np.array(center_mm), axis=-1)
    return Heatmap(np.clip(1 - distance / 15, 0, 1).astype(np.float32), affine)


def test_a_heatmap_lies_on_the_scan_in_steps_of_a_255th(case: Case, tmp_path: Path) -> None:
    heatmap = heatmap_around(case, MARK.center_mm)
    save_heatmap_seg(heatmap, case.report, case.volume, tmp_path / "heat.dcm", source=case.source)
    assert problems(tmp_path / "heat.dcm") == []
    back, notes = heatmap_from_seg(tmp_path / "heat.dcm", case.volume)
    assert notes == ()
    places = np.stack(np.indices(back.values.shape), axis=-1) @ back.affine[:3, :3].T + back.affine[:3, 3]
    distance = np.linalg.norm(places - np.array(MARK.center_mm), axis=-1)
    expected = np.clip(1 - distance / 15, 0, 1)
    far = distance > 4  # nearer, the peak is cut off by the coarse grid
    assert np.abs(back.values - expected)[far].max() < 0.08
    hottest = places[np.unravel_index(back.values.argmax(), back.values.shape)]
    assert np.linalg.norm(hottest - np.array(MARK.center_mm)) < 4
    seg = load_seg(tmp_path / "heat.dcm")
    assert (seg.kind, seg.fractional, seg.segments[0].made_by) == ("FRACTIONAL", "PROBABILITY", "blobs")
    assert len(seg.frames) < case.volume.shape[0], "slices that are 0 are left out"
    [mask], notes = masks_from_seg(tmp_path / "heat.dcm", case.volume)
    assert [note for note in notes if "one half" in note]
    assert np.linalg.norm(mask.mask.center_mm(case.volume.affine) - np.array(MARK.center_mm)) < 2


@pytest.mark.parametrize("damage", ["missing", "text"])
def test_a_heatmap_whose_size_cannot_be_read_is_refused(damage: str, case: Case, tmp_path: Path) -> None:
    save_heatmap_seg(heatmap_around(case, MARK.center_mm), case.report, case.volume, tmp_path / "heat.dcm")
    data = (tmp_path / "heat.dcm").read_bytes()
    rows = data.index(b"\x28\x00\x10\x00US")
    other = b"LO\x02\x00ab" if damage == "text" else b""
    start = b"\x28\x00\x10\x00" if other else b""
    (tmp_path / "heat.dcm").write_bytes(data[:rows] + start + other + data[rows + 10 :])
    with pytest.raises(SeriesError, match="size of its frames"):
        heatmap_from_seg(tmp_path / "heat.dcm", case.volume)


def test_a_heatmap_without_frames_is_refused(case: Case, tmp_path: Path) -> None:
    save_heatmap_seg(heatmap_around(case, MARK.center_mm), case.report, case.volume, tmp_path / "heat.dcm")
    ds = pydicom.dcmread(tmp_path / "heat.dcm")
    ds.PerFrameFunctionalGroupsSequence = []
    ds.save_as(tmp_path / "heat.dcm")
    with pytest.raises(SeriesError, match="no frame"):
        heatmap_from_seg(tmp_path / "heat.dcm", case.volume)


def test_what_cannot_be_saved_or_opened_is_refused(case: Case, tmp_path: Path) -> None:
    bare = case.report.model_copy(update={"findings": case.report.findings[:1]})
    with pytest.raises(AnnotationError, match="no finding has an outline"):
        save_seg(bare, case.volume, tmp_path / "a.dcm")
    with pytest.raises(SeriesError, match="image positions"):
        save_seg(case.report, without_place(case.volume), tmp_path / "a.dcm")
    cold = replace(heatmap_around(case, MARK.center_mm), values=np.zeros((4, 4, 4), np.float32))
    with pytest.raises(AnnotationError, match="0 everywhere"):
        save_heatmap_seg(cold, case.report, case.volume, tmp_path / "a.dcm")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SeriesError, match="no DICOM segmentation but of CT"):
        load_seg(case.source.frames[0].file.path)
    with pytest.raises(SeriesError, match="cannot be read as DICOM"):
        load_seg(__file__)


@pytest.mark.parametrize("name", ["axial", "multiframe, shuffled"])
def test_key_images_are_those_of_the_standing_findings(name: str, tmp_path: Path) -> None:
    case = case_of(name, tmp_path / "ct")
    save_key_images(case.report, case.volume, tmp_path / "ko.dcm", source=case.source)
    assert problems(tmp_path / "ko.dcm") == []
    document = pydicom.dcmread(tmp_path / "ko.dcm")
    listed = [
        (str(ref.ReferencedSOPInstanceUID), ref.get("ReferencedFrameNumber"))
        for item in document.ContentSequence
        if item.ValueType == "IMAGE"
        for ref in item.ReferencedSOPSequence
    ]
    active = report_on(case.volume).active
    assert listed == list(dict.fromkeys((f.sop_instance_uid, f.frame) for f in active))


@pytest.mark.real_data
def test_segmentations_by_dcmqi_lie_on_their_scans(real_data: Path) -> None:
    """The liver is in the patient's right half; dcmqi's own label map of the small one says which voxels."""
    from napari_lesion.dicom.index.series import find_series
    from napari_lesion.dicom.read.reader import read_series

    folder = real_data / "edge-cases" / "dcmqi"
    scan = read_series(find_series(folder / "ct-3slice")[0])
    [liver], notes = masks_from_seg(folder / "liver.dcm", scan)
    assert notes == ()
    middle = scan.to_patient((np.array(scan.shape) - 1) / 2)
    assert liver.mask.center_mm(scan.affine)[0] < middle[0]
    masks, notes = masks_from_seg(folder / "partial_overlaps.dcm", scan)
    assert [one.segment.label for one in masks] == ["GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE"]
    assert notes == ()

    truth = sitk.ReadImage(str(folder / "24x38x3" / "nrrd" / "label.nrrd"))
    for name, noted in (("image", False), ("multiframe", True)):
        small = read_series(find_series(folder / "24x38x3" / name)[0])
        [label], notes = masks_from_seg(folder / "24x38x3" / "seg" / "label.seg", small)
        assert bool(notes) == noted, "the multiframe object is another series in the same frame of reference"
        voxels = np.zeros(small.shape, bool)
        label.mask.put(voxels)
        for k, j, i in np.ndindex(small.shape):
            index = truth.TransformPhysicalPointToIndex(small.to_patient((k, j, i)).tolist())
            assert voxels[k, j, i] == bool(truth[index])
