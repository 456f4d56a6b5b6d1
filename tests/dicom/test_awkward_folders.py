"""What hospitals send: everything in one folder, twice, in pieces, in a zip or behind a DICOMDIR."""

from __future__ import annotations

import copy
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import (
    CENTER_MM,
    MARKS,
    SYNTAXES,
    Phantom,
    Stored,
    asymmetric_phantom,
    ct_slices,
    encode,
    enhanced,
    hu_at,
    localizer,
    positions,
    rotation,
    shuffled,
    uid,
    write,
    write_dicomdir,
    write_zip,
)
from pydicom.dataset import Dataset

from napari_lesion.dicom.index.series import SeriesIndex, find_series, watch_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.model.volume import Volume
from napari_lesion.support.errors import GeometryError, SeriesError

SHAPE = (10, 24, 20)


def phantom(orientation: str = "axial", **options: object) -> Phantom:
    return asymmetric_phantom(orientation, SHAPE, (3.0, 2.5, 2.25), **options)  # type: ignore[arg-type]


def only_volume(index: SeriesIndex) -> Volume:
    (series,) = index
    return read_series(series)


def assert_shows(volume: Volume, expected: Phantom) -> None:
    assert volume.shape == expected.hu.shape
    assert np.abs(volume.affine - expected.affine).max() < 0.001
    assert np.array_equal(volume.voxels, expected.hu)


def renamed(datasets: list[Dataset], what: str) -> list[Dataset]:
    """The same slices as new instances."""
    result = copy.deepcopy(datasets)
    for number, ds in enumerate(result):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid(what, number)
    return result


# ------------------------------------------------------------------------------------------------ ways to the files


def test_a_tree_of_extensionless_files_with_strays_is_one_series(tmp_path: Path) -> None:
    slices = shuffled(ct_slices(phantom()))
    write(slices[:4], tmp_path / "a" / "b", "IMG{:05d}")
    write(slices[4:], tmp_path / "c", "{:08x}")
    (tmp_path / "c" / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 200)
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4")
    index = find_series(tmp_path)
    assert_shows(only_volume(index), phantom())
    assert sorted(path.name for path, _ in index.skipped) == ["Thumbs.db", "report.pdf"]


def test_one_file_opens_its_whole_series_and_no_other(tmp_path: Path) -> None:
    paths = write(ct_slices(phantom()), tmp_path)
    write(ct_slices(phantom("coronal"), "other"), tmp_path, "other{:d}")
    assert_shows(only_volume(find_series(paths[7])), phantom())


@pytest.mark.parametrize("opened", ["DICOMDIR", "."])
def test_a_dicomdir_leads_to_its_series(tmp_path: Path, opened: str) -> None:
    write_dicomdir(shuffled(ct_slices(phantom())), tmp_path)
    assert_shows(only_volume(find_series(tmp_path / opened)), phantom())


def test_files_that_a_dicomdir_names_but_lacks_are_reported(tmp_path: Path) -> None:
    dicomdir = write_dicomdir(ct_slices(phantom()), tmp_path)
    last = max(path for path in tmp_path.rglob("IM*") if path.is_file())
    last.unlink()
    index = find_series(dicomdir)
    assert [path.name for path, _ in index.skipped] == [last.name]
    assert index[0].n_slices == SHAPE[0] - 1


def test_a_zip_is_read_like_its_folder_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write(shuffled(ct_slices(phantom())), tmp_path / "in" / "deep")
    shutil.copy(tmp_path / "in" / "deep" / "IM0001.dcm", tmp_path / "in" / "again.dcm")
    archive = write_zip(tmp_path / "in", tmp_path / "scan.zip")
    shutil.rmtree(tmp_path / "in")
    index = find_series(archive)
    volume = only_volume(index)
    assert_shows(volume, phantom())
    assert len(volume.certificate.duplicates) == 1
    folder = index[0].frames[0].file.path.parent
    assert folder.exists()
    del index, volume
    assert not folder.exists()


def test_series_of_a_zip_appear_while_it_expands_and_go_if_it_is_damaged(tmp_path: Path, monkeypatch) -> None:
    write(ct_slices(phantom()), tmp_path / "in")
    zipped = write_zip(tmp_path / "in", tmp_path / "scan.zip")
    count = len(list((tmp_path / "in").iterdir()))
    seen = watch_series(zipped, every_s=0)
    first = next(seen)
    assert not first.complete
    folder = first[0].frames[0].file.path.parent
    assert 0 < len(list(folder.iterdir())) < count
    *_, last = seen
    assert last.complete
    assert last[0].n_slices == count

    opened = iter(range(3))

    whole = zipfile.ZipFile.open

    def full(self, *arguments, **options):
        if next(opened, None) is None:
            raise OSError("No space left on device")
        return whole(self, *arguments, **options)

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    seen = watch_series(zipped, every_s=0)
    folder = next(seen)[0].frames[0].file.path.parent
    with pytest.raises(SeriesError, match="cannot be unpacked"):
        list(seen)
    assert not folder.exists()


# ----------------------------------------------------------------------------------------------- twice and in parts


def test_the_same_files_twice_are_read_once_and_reported(tmp_path: Path) -> None:
    slices = ct_slices(phantom())
    write(slices, tmp_path / "first")
    write(slices[2:5], tmp_path / "second")
    volume = only_volume(find_series(tmp_path))
    assert_shows(volume, phantom())
    assert len(volume.certificate.duplicates) == 3


def test_slices_that_were_sent_again_under_new_uids_are_read_once_and_reported(tmp_path: Path) -> None:
    slices = ct_slices(phantom())
    write(slices, tmp_path / "first")
    write(renamed(slices[3:6], "again"), tmp_path / "second")
    volume = only_volume(find_series(tmp_path))
    assert_shows(volume, phantom())
    assert len(volume.certificate.duplicates) == 3


def test_two_different_images_at_one_place_are_not_chosen_from(tmp_path: Path) -> None:
    slices = ct_slices(phantom())
    other = renamed(slices[4:5], "other")
    other[0].PixelData = bytes(len(other[0].PixelData))
    other[0].InstanceNumber = 99
    write([*slices, *other], tmp_path)
    with pytest.raises(GeometryError, match=r"IM00(05|11)\.dcm.*IM00(05|11)\.dcm"):
        only_volume(find_series(tmp_path))


def test_two_phases_in_one_series_are_two_volumes(tmp_path: Path) -> None:
    inhaled, exhaled = phantom(), phantom(noise_hu=30)
    second = renamed(ct_slices(exhaled), "exhaled")
    for ds in second:
        ds.AcquisitionNumber = 2
        ds.InstanceNumber += SHAPE[0]
    write(shuffled(ct_slices(inhaled)[::-1]), tmp_path / "1")
    write(second, tmp_path / "2")
    index = find_series(tmp_path)
    volumes = [read_series(series) for series in index]
    assert len(volumes) == 2
    assert len({series.key for series in index}) == 2
    volumes.sort(key=lambda volume: int(np.abs(volume.voxels.astype(int) - inhaled.hu).sum()))
    assert_shows(volumes[0], inhaled)
    assert_shows(volumes[1], exhaled)


def test_reformats_in_one_series_are_a_volume_each(tmp_path: Path) -> None:
    views = {name: phantom(name) for name in ("axial", "coronal", "sagittal")}
    views["oblique"] = phantom(turn=rotation(30, 20, 10))
    everything = [ds for name, view in views.items() for ds in renamed(ct_slices(view), name)]
    write(shuffled(everything), tmp_path)
    found = {volume.certificate.orientation: volume for volume in map(read_series, find_series(tmp_path))}
    assert set(found) == set(views)
    for name, volume in found.items():
        # Which way k runs is the reader's choice; that everything is where it belongs is not.
        expected = np.rint(hu_at(positions(volume.affine, volume.shape)))
        assert np.abs(volume.voxels - expected).max() <= 1, name
        corner = np.abs(volume.to_patient(np.zeros(3)) - CENTER_MM)
        assert np.allclose(sorted(corner), sorted(np.abs(views[name].affine[:3, 3] - CENTER_MM)), atol=0.001)


def test_two_sizes_and_two_spacings_in_one_series_are_four_volumes(tmp_path: Path) -> None:
    made = [
        asymmetric_phantom("axial", shape, spacing)
        for shape in ((8, 24, 20), (8, 20, 24))
        for spacing in ((3.0, 2.5, 2.25), (3.0, 2.0, 1.5))
    ]
    write(shuffled([ds for n, view in enumerate(made) for ds in renamed(ct_slices(view), str(n))]), tmp_path)
    volumes = [read_series(series) for series in find_series(tmp_path)]
    assert len(volumes) == 4
    for view in made:
        assert sum(v.shape == view.hu.shape and np.allclose(v.affine, view.affine, atol=0.001) for v in volumes) == 1


def test_a_localizer_stands_apart(tmp_path: Path) -> None:
    write([localizer(phantom()), *ct_slices(phantom())], tmp_path)
    volume, scout = find_series(tmp_path)
    assert scout.kind == "localizer"
    assert_shows(read_series(volume), phantom())
    assert read_series(scout).shape == (1, 64, 48)


def test_a_series_in_two_multiframe_parts_is_one_volume(tmp_path: Path) -> None:
    whole = phantom(noise_hu=40)
    parts = []
    for name, part in (("low", slice(0, 4)), ("high", slice(4, None))):
        affine = whole.affine.copy()
        affine[:3, 3] += affine[:3, 0] * (part.start or 0)
        ds = enhanced(replace(whole, hu=whole.hu[part], affine=affine), "enhanced")
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid(name)
        parts.append(ds)
    write(parts[::-1], tmp_path)
    assert_shows(only_volume(find_series(tmp_path)), whole)


def test_a_series_in_mixed_encodings_is_one_volume(tmp_path: Path) -> None:
    names = ("explicit", "implicit", "big-endian", "deflated", "rle", "jpeg-ls", "jpeg-2000-lossless", "htj2k-lossless")
    whole = asymmetric_phantom(noise_hu=40)
    write([encode(ds, SYNTAXES[names[k % len(names)]]) for k, ds in enumerate(ct_slices(whole))], tmp_path)
    assert_shows(only_volume(find_series(tmp_path)), whole)


# ----------------------------------------------------------------------------------------------------- missing parts


def without(*missing: int) -> list[Dataset]:
    return [ds for k, ds in enumerate(ct_slices(phantom())) if k not in missing]


def test_a_missing_slice_is_an_error_that_names_the_place_and_the_way_out(tmp_path: Path) -> None:
    write(without(4, 5), tmp_path)
    with pytest.raises(GeometryError, match=r"gap of 9 mm after IM0004\.dcm.*2 slices.*allow.gaps"):
        only_volume(find_series(tmp_path))


def test_a_missing_slice_is_interpolated_only_when_asked_and_said_so(tmp_path: Path) -> None:
    write(without(4), tmp_path)
    (series,) = find_series(tmp_path)
    volume = read_series(series, allow_gaps=True)
    assert volume.shape == SHAPE
    assert np.abs(volume.affine - phantom().affine).max() < 0.001
    assert volume.certificate.interpolated_slices == (4,)
    assert volume.certificate.verdict == "corrected"
    assert [(gap.after_file, gap.missing_slices) for gap in volume.certificate.gaps] == [("IM0004.dcm", 1)]
    assert len(volume.instances) == SHAPE[0] - 1
    kept = [k for k in range(SHAPE[0]) if k != 4]
    assert np.array_equal(volume.voxels[kept], phantom().hu[kept])
    halfway = (phantom().hu[3].astype(float) + phantom().hu[5]) / 2
    assert np.abs(volume.voxels[4] - halfway).max() <= 0.5


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_slice_without_a_place_or_a_size_is_named_and_left_out_only_when_asked(tmp_path: Path, keyword: str) -> None:
    slices = ct_slices(phantom())
    delattr(slices[3], keyword)
    write(slices, tmp_path)
    (series,) = find_series(tmp_path)
    with pytest.raises(GeometryError, match=rf"{keyword}.*IM0004\.dcm|IM0004\.dcm.*{keyword}"):
        read_series(series)
    certificate = read_series(series, allow_gaps=True).certificate
    assert certificate.interpolated_slices == (3,)
    assert certificate.verdict == "corrected"
    assert any("IM0004.dcm" in note for note in certificate.notes)


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"])
def test_a_series_without_places_or_sizes_is_not_guessed(tmp_path: Path, keyword: str) -> None:
    slices = ct_slices(phantom())
    for ds in slices:
        delattr(ds, keyword)
    write(slices, tmp_path)
    (series,) = find_series(tmp_path)
    with pytest.raises(GeometryError, match=keyword):
        read_series(series, allow_gaps=True)


def test_a_ct_without_rescale_says_that_its_values_may_not_be_hu(tmp_path: Path) -> None:
    slices = ct_slices(phantom())
    for ds in slices:
        del ds.RescaleSlope, ds.RescaleIntercept
    write(slices, tmp_path)
    volume = only_volume(find_series(tmp_path))
    assert set(volume.certificate.missing_tags) >= {"RescaleSlope", "RescaleIntercept"}
    assert any("HU" in note for note in volume.certificate.notes)


def test_a_slice_that_is_out_of_line_is_named(tmp_path: Path) -> None:
    slices = ct_slices(phantom())
    slices[6].ImagePositionPatient[0] += 25
    write(slices, tmp_path)
    with pytest.raises(GeometryError, match=r"IM0007\.dcm"):
        only_volume(find_series(tmp_path))


def test_a_slice_at_an_odd_distance_is_an_error_or_interpolated_when_asked(tmp_path: Path) -> None:
    slices = ct_slices(phantom())
    slices[6].ImagePositionPatient[2] += 1.2
    write(slices, tmp_path)
    (series,) = find_series(tmp_path)
    with pytest.raises(GeometryError, match="uneven"):
        read_series(series)
    volume = read_series(series, allow_gaps=True)
    assert volume.certificate.interpolated_slices
    assert any("uneven" in note.lower() for note in volume.certificate.notes)


# ------------------------------------------------------------------------------------------------------ odd pixels


def test_rubbish_in_unused_bits_is_dropped(tmp_path: Path) -> None:
    """High bit 11 in 16 bits: the upper four once held overlays (PS3.5 8.1.2), and some files still do."""
    rubbish = np.random.default_rng(2).integers(0, 16, SHAPE).astype(np.uint16) << 12
    for signed in (False, True):
        stored = Stored(signed=signed, intercept=0.0 if signed else -1024.0)
        slices = ct_slices(phantom(), f"rubbish {signed}", stored)
        for ds, plane in zip(slices, rubbish, strict=True):
            values = np.frombuffer(ds.PixelData, "<u2") & 0xFFF
            ds.PixelData = (values | plane.ravel()).astype("<u2").tobytes()
        write(slices, tmp_path / str(signed))
        assert_shows(only_volume(find_series(tmp_path / str(signed))), phantom())


def test_padding_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    """-2000 around the field of view, as GE writes it; no HU is invented there."""
    view = phantom()
    view.hu[:, :3] = -3024
    slices = ct_slices(view, "padded", Stored(bits_stored=16, signed=True))
    for ds in slices:
        ds.add_new(0x00280120, "SS", -2000)
    write(slices, tmp_path)
    volume = only_volume(find_series(tmp_path))
    assert_shows(volume, view)
    assert any("padding" in note.lower() and "-3024" in note for note in volume.certificate.notes)


def test_a_single_slice_opens_as_an_image_at_its_place(tmp_path: Path) -> None:
    write(ct_slices(phantom())[5:6], tmp_path)
    (series,) = find_series(tmp_path)
    assert series.kind == "image"
    volume = read_series(series)
    assert volume.shape == (1, *SHAPE[1:])
    assert np.array_equal(volume.voxels[0], phantom().hu[5])
    assert np.allclose(volume.to_patient((0, 3, 4)), phantom().affine @ (5, 3, 4, 1) @ np.eye(4)[:, :3], atol=0.001)


@pytest.mark.parametrize("name", ["left", "front", "head", "right-back-feet"])
def test_every_mark_is_inside_the_small_phantom_too(name: str) -> None:
    mark = next(mark for mark in MARKS if mark.name == name)
    assert (phantom().hu == mark.hu).any()
