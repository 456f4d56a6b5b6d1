"""One volume holds one acquisition: a split or a merge explains every slice, or it is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import (
    SYNTAXES,
    Phantom,
    asymmetric_phantom,
    ct_slices,
    encode,
    enhanced,
    localizer,
    rotation,
    uid,
    write,
)
from pydicom.dataset import Dataset

from napari_lesion.batch import analyse_folder
from napari_lesion.dicom.index.series import SeriesIndex, find_series, sorted_out, watch_series
from napari_lesion.dicom.read.precheck import precheck
from napari_lesion.dicom.read.progressive import ProgressiveLoading, obstacle
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import GeometryError

SHAPE = (10, 24, 20)
SPACING = (3.0, 2.5, 2.25)


def scan(seed: int, shift_mm: float = 0.0, shape: tuple[int, int, int] = SHAPE) -> Phantom:
    """A phantom with noise of its own, moved along z."""
    made = asymmetric_phantom(shape=shape, spacing_mm=SPACING)
    noise = np.random.default_rng(seed).integers(-200, 200, shape)
    affine = made.affine.copy()
    affine[2, 3] += shift_mm
    return Phantom((made.hu + noise).astype(made.hu.dtype), affine, made.position)


def slices(phantom: Phantom, name: str, **tags: object) -> list[Dataset]:
    """Its slices in the series that all share; a tag that is None is left out."""
    made = ct_slices(phantom, "shared")
    for k, ds in enumerate(made):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid(name, k)
        for keyword, value in tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)
    return made


def mixed(*series: list[Dataset], seed: int = 0) -> list[Dataset]:
    everything = [ds for one in series for ds in one]
    return [everything[n] for n in np.random.default_rng(seed).permutation(len(everything))]


def volumes(folder: Path) -> list[Volume]:
    return [read_series(series) for series in find_series(folder)]


def assert_are(found: list[Volume], *expected: Phantom) -> None:
    """Each volume is one of the scans, slice by slice, at its place."""
    assert len(found) == len(expected)
    for phantom in expected:
        same = [v for v in found if v.shape == phantom.hu.shape and np.array_equal(v.voxels, phantom.hu)]
        assert len(same) == 1
        assert np.abs(same[0].affine - phantom.affine).max() < 0.001
        assert same[0].certificate.verdict == "as acquired"


def refusal(folder: Path) -> str:
    (series,) = find_series(folder)
    with pytest.raises(GeometryError) as told:
        read_series(series)
    with pytest.raises(GeometryError):
        read_series(series, allow_gaps=True)
    assert precheck(series).outlook == "refused"
    assert obstacle(series)
    return str(told.value)


# ------------------------------------------------------------------------------------------ several volumes in a series

TELLING = {
    "KVP": ("80", "140"),
    "FilterType": ("BODY", "SHARP"),
    "ConvolutionKernel": ("B30f", "B70f"),
    "ContrastBolusAgent": ("Iohexol 300", "none"),
    "ImageType": (["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY", "AXIAL", "VMI"]),
    "SeriesDescription": ("Thorax", "Lung"),
    "AcquisitionNumber": (1, 2),
    "AcquisitionTime": ("101020", "101040"),
    "ContentTime": ("101020", "101040"),
    "TemporalPositionIdentifier": (1, 2),
    "EnergyWindowName": ("low", "high"),
}


@pytest.mark.parametrize("shift_mm", [0.0, SPACING[0] / 2], ids=["same places", "half a step apart"])
@pytest.mark.parametrize("numbers", ["equal", "one after the other"])
@pytest.mark.parametrize("keyword", TELLING)
def test_two_acquisitions_in_one_series_are_two_volumes_and_the_tag_is_named(
    tmp_path: Path, keyword: str, numbers: str, shift_mm: float
) -> None:
    a, b = scan(1), scan(2, shift_mm)
    first, second = (
        slices(phantom, name, **{keyword: value})
        for phantom, name, value in zip((a, b), "ab", TELLING[keyword], strict=True)
    )
    for ds in second:
        ds.InstanceNumber += 0 if numbers == "equal" else len(first)
    write(mixed(first, second), tmp_path)
    found = volumes(tmp_path)
    assert_are(found, a, b)
    for volume in found:
        assert any("told apart" in note and keyword in note for note in volume.certificate.notes)
    descriptions = {volume.series.series_description for volume in found}
    assert keyword != "SeriesDescription" or descriptions == {"Thorax", "Lung"}


@pytest.mark.parametrize("shift_mm", [0.0, SPACING[0] / 2, 0.4], ids=["same places", "half a step apart", "uneven"])
def test_two_acquisitions_that_nothing_tells_apart_are_refused(tmp_path: Path, shift_mm: float) -> None:
    write(mixed(slices(scan(1), "a"), slices(scan(2, shift_mm), "b")), tmp_path)
    assert "Export" in refusal(tmp_path)


def test_a_tag_on_one_of_two_acquisitions_tells_them_apart(tmp_path: Path) -> None:
    a, b = scan(1), scan(2)
    write(mixed(slices(a, "a"), slices(b, "b", ContrastBolusAgent="Iohexol")), tmp_path)
    found = volumes(tmp_path)
    assert_are(found, a, b)
    assert all("ContrastBolusAgent" in " ".join(volume.certificate.notes) for volume in found)


def test_three_energies_of_unequal_numbers_of_slices_are_three_volumes(tmp_path: Path) -> None:
    scans = [scan(1), scan(2, shape=(7, 24, 20)), scan(3, 1.0, shape=(5, 24, 20))]
    write(mixed(*(slices(s, str(n), KVP=str(80 + 20 * n)) for n, s in enumerate(scans))), tmp_path)
    assert_are(volumes(tmp_path), *scans)


def test_tags_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    first, second = slices(scan(1), "a", KVP="80"), slices(scan(2), "b", KVP="140", AcquisitionNumber=2)
    first[4].KVP, second[4].KVP = "140", "80"
    write(mixed(first, second), tmp_path)
    said = refusal(tmp_path)
    assert "KVP" in said
    assert "AcquisitionNumber" in said


def test_the_order_of_the_files_and_their_names_decide_nothing(tmp_path: Path) -> None:
    made = [*slices(scan(1), "a", KVP="80"), *slices(scan(2), "b", KVP="140")]
    keys = []
    for seed in range(3):
        write(mixed(made, seed=seed), tmp_path / str(seed))
        keys.append({s.key: {f.file.sop_instance_uid for f in s.frames} for s in find_series(tmp_path / str(seed))})
    assert keys[0] == keys[1] == keys[2]
    low, high = find_series(tmp_path / "0")
    assert ["80" in low.notes[0], "140" in high.notes[0]] == [True, True]


def test_a_multiframe_of_two_phases_is_two_volumes(tmp_path: Path) -> None:
    a, b = scan(1), scan(2)
    both = Phantom(np.concatenate([a.hu, b.hu]), a.affine, a.position)
    ds = enhanced(both, "phases")
    for k, item in enumerate(ds.PerFrameFunctionalGroupsSequence):
        item.FrameContentSequence[0].TemporalPositionIndex = 1 + k // SHAPE[0]
        item.PlanePositionSequence = ds.PerFrameFunctionalGroupsSequence[k % SHAPE[0]].PlanePositionSequence
    write([ds], tmp_path)
    assert_are(volumes(tmp_path), a, b)


def test_ct_that_was_acquired_in_one_pass_is_not_split_by_its_times(tmp_path: Path) -> None:
    made = slices(scan(1), "a")
    for k, ds in enumerate(made):
        ds.AcquisitionTime, ds.ContentTime, ds.AcquisitionNumber = f"1010{k // 3:02d}", f"1011{k // 2:02d}", 1 + k // 5
    write(mixed(made), tmp_path)
    assert_are(volumes(tmp_path), scan(1))


def test_mr_that_was_acquired_in_two_interleaved_passes_is_one_volume(tmp_path: Path) -> None:
    made = slices(scan(1), "a", Modality="MR")
    for k, ds in enumerate(made):
        ds.AcquisitionTime, ds.AcquisitionNumber = ("101010", 1) if k % 2 else ("101110", 2)
    write(made, tmp_path)
    assert_are(volumes(tmp_path), scan(1))


# ----------------------------------------------------------------------------------------------------------- sent twice


@pytest.mark.parametrize("syntax", ["explicit", "jpeg-ls", "rle"])
def test_a_repeat_is_left_out_only_where_its_pixels_are_the_same(tmp_path: Path, syntax: str) -> None:
    made = slices(scan(1), "a")
    again = slices(scan(1), "again")[3:6]
    write([*made, *(encode(ds, SYNTAXES[syntax]) for ds in again)], tmp_path / "same")
    (volume,) = volumes(tmp_path / "same")
    assert_are([volume], scan(1))
    assert len(volume.certificate.duplicates) == 3
    one = np.frombuffer(again[1].PixelData, "<u2").copy()
    one[7] += 1
    again[1].PixelData = one.tobytes()
    write([*made, *(encode(ds, SYNTAXES[syntax]) for ds in again)], tmp_path / "other")
    assert "show different images" in refusal(tmp_path / "other")


def test_one_instance_twice_with_different_pixels_is_refused(tmp_path: Path) -> None:
    made = slices(scan(1), "a")
    other = slices(scan(2), "a")[4]
    write(made, tmp_path / "a")
    write([other], tmp_path / "b")
    assert "show different images" in refusal(tmp_path)


def test_a_copy_in_a_subfolder_is_left_out_and_named_by_its_folder(tmp_path: Path) -> None:
    paths = write(slices(scan(1), "a"), tmp_path)
    (tmp_path / "backup").mkdir()
    shutil.copy(paths[2], tmp_path / "backup")
    (volume,) = volumes(tmp_path)
    assert_are([volume], scan(1))
    (said,) = volume.certificate.duplicates
    assert "backup/IM0003.dcm" in said


def test_a_repeat_that_cannot_be_read_is_not_taken_for_one(tmp_path: Path) -> None:
    paths = write([*slices(scan(1), "a"), *slices(scan(1), "again")[4:5]], tmp_path)
    paths[-1].write_bytes(paths[-1].read_bytes()[:-100])
    assert "cannot be read" in refusal(tmp_path)


# ------------------------------------------------------------------------------------------------ whose slices they are


def of(ds: Dataset, patient: str, study: str) -> Dataset:
    ds.PatientID, ds.PatientName, ds.StudyInstanceUID = patient, f"{patient}^X", uid(study)
    return ds


@pytest.mark.parametrize("shift_mm", [0.0, SPACING[0] / 2])
@pytest.mark.parametrize("whose", [("ANN", "BOB", "1", "1"), ("ANN", "ANN", "1", "2"), ("ANN", "BOB", "1", "2")])
def test_two_patients_or_studies_with_one_series_uid_are_never_one_volume(
    tmp_path: Path, whose: tuple[str, str, str, str], shift_mm: float
) -> None:
    first = [of(ds, whose[0], whose[2]) for ds in slices(scan(1), "a")]
    second = [of(ds, whose[1], whose[3]) for ds in slices(scan(2, shift_mm), "b")]
    write(first, tmp_path / "x")
    write(second, tmp_path / "y")
    found = volumes(tmp_path)
    assert_are(found, scan(1), scan(2, shift_mm))
    assert {(v.series.patient_id, v.series.study_uid) for v in found} == {
        (whose[0], uid(whose[2])),
        (whose[1], uid(whose[3])),
    }
    for volume in found:
        said = " ".join(volume.certificate.notes)
        assert "share this SeriesInstanceUID" in said
        assert "ANN" not in said
    assert len({series.key for series in find_series(tmp_path)}) == 2


def test_one_volume_with_two_names_is_refused(tmp_path: Path) -> None:
    made = [of(ds, "ANN" if k < 5 else "BOB", "1") for k, ds in enumerate(slices(scan(1), "a"))]
    write(mixed(made), tmp_path)
    said = refusal(tmp_path)
    assert "2 patients" in said
    assert "ANN" not in said


def test_a_name_that_is_missing_or_written_otherwise_is_the_same_patient(tmp_path: Path) -> None:
    made = slices(scan(1), "a", PatientName="Doe^Jane")
    for k, ds in enumerate(made):
        if k % 3 == 1:
            ds.PatientName = "DOE^JANE^^"
        if k % 3 == 2:
            del ds.PatientName
            del ds.PatientBirthDate
    write(mixed(made), tmp_path)
    assert_are(volumes(tmp_path), scan(1))


def with_private(made: list[Dataset], value: str) -> list[Dataset]:
    for ds in made:
        block = ds.private_block(0x0019, "SOMEBODY CT", create=True)
        block.add_new(0x05, "LO", value)
        block.add_new(0x06, "DS", str(ds.ImagePositionPatient[2]))
    return made


@pytest.mark.parametrize("numbers", ["equal", "by position"])
@pytest.mark.parametrize("shift_mm", [0.0, SPACING[0] / 2], ids=["same places", "half a step apart"])
def test_what_only_a_private_tag_tells_apart_is_refused_and_the_tag_named(
    tmp_path: Path, shift_mm: float, numbers: str
) -> None:
    a = with_private(slices(scan(1), "a"), "LOW")
    b = with_private(slices(scan(2, shift_mm), "b"), "HIGH")
    if numbers == "by position":
        for n, ds in enumerate(sorted([*a, *b], key=lambda ds: ds.ImagePositionPatient[2]), 1):
            ds.InstanceNumber = n
    write(mixed(a, b), tmp_path)
    said = refusal(tmp_path)
    assert "the private tag (0019,1005)" in said or (numbers == "equal" and shift_mm and "InstanceNumber" in said)


def test_private_tags_that_differ_from_slice_to_slice_are_no_obstacle(tmp_path: Path) -> None:
    made = slices(scan(1), "a")
    for n, ds in enumerate(made):
        block = ds.private_block(0x0019, "SOMEBODY CT", create=True)
        block.add_new(0x05, "LO", f"{n}")
        block.add_new(0x06, "LO", "AB"[n % 2] if n != 4 else "B")
    write(made, tmp_path)
    assert_are(volumes(tmp_path), scan(1))


@pytest.mark.parametrize(
    "text", ["anonymized", "00/00/0000", "1960", "1960-02-29", "1960.02.29", "00000000", "19600230", "", "0060-02-29x"]
)
def test_a_birth_date_that_is_none_or_is_written_otherwise_is_no_other_patient(tmp_path: Path, text: str) -> None:
    made = slices(scan(1), "a", PatientBirthDate="19600229")
    made[0].add_new(0x00100030, "LO", text)
    write(made, tmp_path)
    assert_are(volumes(tmp_path), scan(1))


def test_another_birth_date_is_another_patient(tmp_path: Path) -> None:
    made = slices(scan(1), "a", PatientBirthDate="19600229")
    made[0].PatientBirthDate = "19610228"
    write(made, tmp_path)
    assert "2 patients" in refusal(tmp_path)


# --------------------------------------------------------------------------------------------------- one slice is other


def test_a_slice_of_another_size_is_there_and_differs(tmp_path: Path) -> None:
    made = slices(scan(1), "a")
    made[4] = slices(scan(3, shape=(10, 20, 20)), "b")[4]
    write(made, tmp_path)
    volume, _ = find_series(tmp_path)
    with pytest.raises(GeometryError, match=r"IM0005\.dcm lies there, but has 20 × 20 pixels") as told:
        read_series(volume)
    assert "missing" not in str(told.value)
    assert read_series(volume, allow_gaps=True).certificate.interpolated_slices == (4,)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"PixelSpacing": [2.5, 2.0]}, "PixelSpacing"), ({"KVP": "80"}, "KVP"), ({"ConvolutionKernel": "B70f"}, "Kernel")],
)
def test_a_slice_of_another_kind_is_there_and_differs(tmp_path: Path, change: dict[str, object], said: str) -> None:
    made = slices(scan(1), "a")
    for keyword, value in change.items():
        setattr(made[4], keyword, value)
    write(made, tmp_path)
    volume, _ = find_series(tmp_path)
    with pytest.raises(GeometryError, match=rf"IM0005\.dcm lies there, but .*{said}"):
        read_series(volume)


def test_a_slice_of_another_size_at_the_end_is_told(tmp_path: Path) -> None:
    made = slices(scan(1), "a")
    made[-1] = slices(scan(3, shape=(10, 20, 20)), "b")[-1]
    write(made, tmp_path)
    volume = read_series(find_series(tmp_path)[0])
    assert volume.shape == (9, 24, 20)
    assert any("IM0010.dcm" in note and "20 × 20" in note for note in volume.certificate.notes)


def test_a_slice_of_another_energy_beside_a_whole_volume_stays_apart(tmp_path: Path) -> None:
    write([*slices(scan(1), "a"), *slices(scan(2), "b", KVP="80")[4:5]], tmp_path)
    volume, image = find_series(tmp_path)
    assert_are([read_series(volume)], scan(1))
    assert image.kind == "image"


def test_a_scout_without_a_name_for_it_stays_apart(tmp_path: Path) -> None:
    scout = localizer(scan(1), "shared")
    scout.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    write([scout, *slices(scan(1), "a")], tmp_path)
    volume, image = find_series(tmp_path)
    assert_are([read_series(volume)], scan(1))
    assert image.kind == "image"


def test_slices_of_two_sizes_in_turns_are_no_two_half_volumes(tmp_path: Path) -> None:
    made, other = slices(scan(1), "a"), slices(scan(3, shape=(10, 20, 20)), "b")
    write([other[k] if k % 2 else ds for k, ds in enumerate(made)], tmp_path)
    assert "20 × 20" in refusal(tmp_path)


# --------------------------------------------------------------------------- frames of reference, and what was rounded


@pytest.mark.parametrize("change", ["missing on all", "missing in turns", "new in turns", "new on each", "new on one"])
def test_a_frame_of_reference_does_not_tear_a_volume_apart(tmp_path: Path, change: str) -> None:
    made = slices(scan(1), "a")
    for k, ds in enumerate(made):
        if change == "missing on all" or (change == "missing in turns" and k % 2):
            del ds.FrameOfReferenceUID
        elif change == "new on each" or (change == "new on one" and k == 3):
            ds.FrameOfReferenceUID = uid("reference", k)
        elif change == "new in turns" and k % 2:
            ds.FrameOfReferenceUID = uid("reference")
    write(mixed(made), tmp_path)
    (volume,) = volumes(tmp_path)
    assert_are([volume], scan(1))
    told = any("FrameOfReferenceUID" in note for note in volume.certificate.notes)
    assert told == (change != "missing on all")


@pytest.mark.parametrize("modulo", [2, 3])
@pytest.mark.parametrize("what", ["spacing", "in the plane", "out of the plane"])
def test_rounded_spacings_and_orientations_are_one_volume_with_a_note(tmp_path: Path, what: str, modulo: int) -> None:
    made = slices(scan(1), "a")
    turned = rotation(0, 0, 0.1146) if what == "in the plane" else rotation(0.1146, 0, 0)  # 0.002
    for ds in made[1::modulo]:
        if what == "spacing":
            ds.PixelSpacing = [2.5 * 1.001, 2.25]
        else:
            ds.ImageOrientationPatient = [round(float(x), 6) for x in (*turned[:, 0], *turned[:, 1])]
    write(mixed(made), tmp_path)
    (volume,) = volumes(tmp_path)
    assert volume.certificate.verdict == "as acquired"
    assert np.array_equal(volume.voxels, scan(1).hu)
    # The volume is placed within what the headers themselves differ in.
    assert np.abs(volume.to_patient((9, 23, 19)) - scan(1).affine[:3] @ (9, 23, 19, 1)).max() < 0.15
    assert any("moves no pixel by more than" in note for note in volume.certificate.notes)


def test_more_than_rounding_is_not_one_volume(tmp_path: Path) -> None:
    made = slices(scan(1), "a")
    for ds in made[1::2]:
        ds.PixelSpacing = [2.7, 2.25]
    write(mixed(made), tmp_path)
    assert "PixelSpacing" in refusal(tmp_path)


# ------------------------------------------------------------------------------------------------ no volume, but a rule


def broken(folder: Path, how: str) -> None:
    made = slices(scan(1), "a")
    if how == "one place":
        for ds in made:
            ds.ImagePositionPatient = made[0].ImagePositionPatient
    elif how == "a UID each":
        for k, ds in enumerate(made):
            ds.SeriesInstanceUID = uid("series", k)
    elif how == "all UIDs new":
        for k, ds in enumerate(made):
            ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID = (uid(what, k) for what in "abc")
    elif how == "no position":
        for ds in made:
            del ds.ImagePositionPatient, ds.ImageOrientationPatient
    elif how == "multiframe":
        ds = made[0]
        ds.PixelData = b"".join(one.PixelData for one in made)
        ds.NumberOfFrames = len(made)
        made = [ds]
    elif how == "multiframe, no position":
        ds = made[0]
        ds.PixelData = b"".join(one.PixelData for one in made)
        ds.NumberOfFrames = len(made)
        del ds.ImagePositionPatient, ds.ImageOrientationPatient
        made = [ds]
    write(mixed(made), folder)


KINDS = ["one place", "a UID each", "all UIDs new", "no position", "multiframe", "multiframe, no position"]


@pytest.mark.parametrize("how", KINDS)
def test_slices_that_make_no_volume_are_one_refusal_that_says_so(tmp_path: Path, how: str) -> None:
    broken(tmp_path / "in", how)
    said = refusal(tmp_path / "in")
    assert "10" in said or "7 more" in said
    rows = analyse_folder([tmp_path / "in"], tmp_path / "out").outcomes
    assert [row.status for row in rows] == ["failed"]


def test_one_image_of_a_torn_volume_can_still_be_looked_at(tmp_path: Path) -> None:
    broken(tmp_path, "a UID each")
    (series,) = find_series(tmp_path / "IM0001.dcm")
    assert series.kind == "image"
    assert read_series(series).shape == (1, *SHAPE[1:])


def test_single_images_of_several_series_stay_what_they_are(tmp_path: Path) -> None:
    made = slices(scan(1), "a")[:6]
    for k, ds in enumerate(made):
        ds.SeriesInstanceUID, ds.SeriesNumber = uid("series", k), k + 1
    write(made, tmp_path)
    assert [series.kind for series in find_series(tmp_path)] == ["image"] * 6


def test_images_of_one_place_at_several_times_are_a_time_series(tmp_path: Path) -> None:
    """Bolus tracking: nothing is wrong with it, so nothing fails."""
    made = slices(scan(1), "a")
    for k, ds in enumerate(made):
        ds.ImagePositionPatient, ds.SliceLocation = made[0].ImagePositionPatient, made[0].SliceLocation
        ds.AcquisitionTime = f"1010{k:02d}"
    write(mixed(made), tmp_path / "in")
    (series,) = find_series(tmp_path / "in")
    assert series.kind == "time series"
    (row,) = analyse_folder([tmp_path / "in"], tmp_path / "out").outcomes
    assert row.status == "skipped"
    assert "time series" in row.reason


# ------------------------------------------------------------------------------------------------- all readers agree


def test_a_search_that_was_stopped_sorts_alike(tmp_path: Path) -> None:
    first = [of(ds, "ANN", "1") for ds in slices(scan(1), "a", KVP="80")]
    second = [of(ds, "BOB", "1") for ds in slices(scan(2), "b", KVP="140")]
    third = [of(ds, "BOB", "1") for ds in slices(scan(3), "c", KVP="100")]
    whose = {ds.SOPInstanceUID: name for name, one in zip("abc", (first, second, third), strict=True) for ds in one}
    write(mixed(first, second, third), tmp_path)
    steps: list[SeriesIndex] = list(watch_series(tmp_path, every_s=0))
    assert not steps[-2].complete
    for index in steps:
        assert len({series.key for series in index}) == len(index)
    for index in (sorted_out(steps[-2]), steps[-1]):
        found = [{whose[frame.file.sop_instance_uid] for frame in series.frames} for series in index]
        seen = {whose[frame.file.sop_instance_uid] for series in index for frame in series.frames}
        assert sorted(found, key=sorted) == [{one} for one in sorted(seen)]
    assert seen == {"a", "b", "c"}


def test_a_volume_that_is_shown_while_it_is_read_is_the_same(tmp_path: Path) -> None:
    made = slices(scan(1), "a", KVP="80")
    for ds in made[::2]:
        ds.PixelSpacing = [2.5 * 1.001, 2.25]
    write(mixed(made, slices(scan(2), "b", KVP="140")), tmp_path)
    for series in find_series(tmp_path):
        assert not obstacle(series)
        at_once, loaded = read_series(series), ProgressiveLoading(series).finish()
        assert np.array_equal(at_once.voxels, loaded.voxels)
        assert np.array_equal(at_once.affine, loaded.affine)
        assert at_once.certificate == loaded.certificate
