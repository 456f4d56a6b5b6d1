"""What is found in a folder, and what is called what."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from dicom_factory import asymmetric_phantom, ct_slices, uid, write, write_dicomdir, write_zip
from pydicom.dataset import Dataset
from pydicom.uid import ComputedRadiographyImageStorage

from napari_lesion.dicom.index import archive
from napari_lesion.dicom.index.series import find_series
from napari_lesion.dicom.read.reader import read_series
from napari_lesion.support.errors import Cancelled, SeriesError

SHAPE = (6, 16, 12)


def slices(name: str = "ct") -> list[Dataset]:
    return ct_slices(asymmetric_phantom(shape=SHAPE), name)


def phase(number: int, **tags: object) -> list[Dataset]:
    """One more pass over the same positions, in the same series."""
    result = slices()
    for k, ds in enumerate(result):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid("phase", number, k)
        ds.InstanceNumber = number * len(result) + k + 1
        for keyword, value in tags.items():
            setattr(ds, keyword, value)
    return result


def test_a_series_says_what_it_is(tmp_path: Path) -> None:
    write(slices(), tmp_path)
    (series,) = find_series(tmp_path)
    assert series.kind == "volume"
    assert series.key == series.identity.series_uid
    assert series.n_slices == SHAPE[0]
    assert series.spacing is not None
    assert series.spacing == pytest.approx(read_series(series).spacing)
    assert f"{SHAPE[0]} × {SHAPE[1]}×{SHAPE[2]}" in series.label
    assert "CT" in series.label


@pytest.mark.parametrize(
    "tags",
    [
        [{"TemporalPositionIdentifier": n} for n in range(3)],
        [{"NominalPercentageOfCardiacPhase": 10.0 * n} for n in range(3)],
        [{"AcquisitionTime": f"10{n}000"} for n in range(3)],
        [{} for _ in range(3)],  # only InstanceNumber tells
    ],
)
def test_three_phases_are_three_volumes_with_folder_names_of_their_own(
    tmp_path: Path, tags: list[dict[str, object]]
) -> None:
    write([ds for n in range(3) for ds in phase(n, **tags[n])], tmp_path)
    index = find_series(tmp_path)
    base = index[0].identity.series_uid
    assert [series.key for series in index] == [base, f"{base}_2", f"{base}_3"]
    assert [series.n_slices for series in index] == [SHAPE[0]] * 3
    for series in index:
        assert any("told apart" in note for note in read_series(series).certificate.notes)
        numbers = sorted(frame.instance_number or 0 for frame in series.frames)
        assert numbers == list(range(numbers[0], numbers[0] + SHAPE[0]))


def test_two_echoes_of_two_phases_are_four_volumes(tmp_path: Path) -> None:
    passes = [phase(2 * a + b, TemporalPositionIdentifier=a + 1, EchoNumbers=b + 1) for a in range(2) for b in range(2)]
    write([ds for one in passes for ds in one], tmp_path)
    assert [series.n_slices for series in find_series(tmp_path)] == [SHAPE[0]] * 4


def test_a_missing_slice_is_no_reason_to_split_a_series(tmp_path: Path) -> None:
    kept = slices()
    for k, ds in enumerate(kept):
        ds.AcquisitionTime = f"1000{k:02d}"
    del kept[2]
    write(kept, tmp_path)
    assert len(find_series(tmp_path)) == 1


def test_progress_is_told_and_can_stop_the_work(tmp_path: Path) -> None:
    paths = write(slices(), tmp_path / "a")
    told: list[tuple[int, int]] = []
    find_series(tmp_path, progress=lambda done, total, _: told.append((done, total)))
    assert told[-1] == (len(paths), len(paths))

    def stop(done: int, total: int, what: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        find_series(tmp_path, progress=stop)
    (series,) = find_series(tmp_path)
    with pytest.raises(Cancelled):
        read_series(series, progress=stop)


def test_stopping_while_a_zip_expands_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(slices(), tmp_path / "in")
    packed = write_zip(tmp_path / "in", tmp_path / "a.zip")
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(archive.tempfile, "tempdir", str(tmp_path / "temp"))

    def stop(done: int, total: int, what: str) -> None:
        if done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        find_series(packed, progress=stop)
    assert not list((tmp_path / "temp").iterdir())


def test_a_zip_of_too_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(slices(), tmp_path / "in")
    packed = write_zip(tmp_path / "in", tmp_path / "a.zip")
    monkeypatch.setattr(archive, "MAX_ZIP_FILES", 3)
    with pytest.raises(SeriesError, match=r"a\.zip.*6 entries"):
        find_series(packed)


def test_a_zip_in_a_folder_is_named_and_not_opened(tmp_path: Path) -> None:
    write(slices(), tmp_path / "in")
    packed = write_zip(tmp_path / "in", tmp_path / "in" / "copy.zip")
    index = find_series(tmp_path)
    assert index[0].n_slices == SHAPE[0]
    assert index.skipped == ((packed, "a zip archive that holds DICOM files; open it by itself"),)


def test_a_dicomdir_in_a_folder_says_how_many_of_its_images_are_not_there(tmp_path: Path) -> None:
    dicomdir = write_dicomdir(slices(), tmp_path)
    images = sorted(path for path in tmp_path.rglob("IM*") if path.is_file())
    images[0].unlink()
    shutil.move(images[1], tmp_path / "moved")  # moved is not missing
    index = find_series(tmp_path)
    assert index[0].n_slices == SHAPE[0] - 1
    assert index.skipped == ((dicomdir, "a DICOMDIR, not a scan; 1 images that it names are not there"),)


def radiograph(**tags: object) -> Dataset:
    ds = slices("cr")[0]
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope"):
        del ds[keyword]
    del ds.RescaleIntercept
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    ds.Modality = "CR"
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    return ds


def test_a_radiograph_opens_as_an_image_and_says_where_its_scale_is_from(tmp_path: Path) -> None:
    write([radiograph(ImagerPixelSpacing=[0.2, 0.1])], tmp_path)
    (series,) = find_series(tmp_path)
    assert series.kind == "image"
    volume = read_series(series)
    assert volume.shape == (1, *SHAPE[1:])
    assert volume.spacing[1:] == pytest.approx((0.2, 0.1))
    assert volume.certificate.orientation == "unknown"
    assert any("ImagerPixelSpacing" in note for note in volume.certificate.notes)


def test_a_radiograph_without_a_scale_says_so(tmp_path: Path) -> None:
    write([radiograph()], tmp_path)
    volume = read_series(find_series(tmp_path)[0])
    assert any("in pixels, not mm" in note for note in volume.certificate.notes)
    assert "PixelSpacing" in volume.certificate.missing_tags


def test_two_radiographs_in_a_series_are_two_images(tmp_path: Path) -> None:
    second = radiograph(SOPInstanceUID=uid("second"), InstanceNumber=2)
    second.file_meta.MediaStorageSOPInstanceUID = second.SOPInstanceUID
    write([radiograph(), second], tmp_path)
    assert [series.kind for series in find_series(tmp_path)] == ["image", "image"]


def test_an_inverted_radiograph_is_turned_bright_side_up_and_a_ct_is_not(tmp_path: Path) -> None:
    plain = write([radiograph()], tmp_path / "plain")
    turned = write([radiograph(PhotometricInterpretation="MONOCHROME1")], tmp_path / "turned")
    bits = radiograph().BitsStored
    a, b = (read_series(find_series(path[0])[0]) for path in (plain, turned))
    assert np.array_equal(a.voxels.astype(int) + b.voxels, np.full(a.shape, 2**bits - 1))
    assert any("inverted" in note for note in b.certificate.notes)
    ct = slices()
    for ds in ct:
        ds.PhotometricInterpretation = "MONOCHROME1"
    write(ct, tmp_path / "ct")
    volume = read_series(find_series(tmp_path / "ct")[0])
    assert np.array_equal(volume.voxels, asymmetric_phantom(shape=SHAPE).hu)


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    from dicom_factory import SYNTAXES, encode

    write([encode(ds, SYNTAXES["jpeg-ls"]) for ds in slices()], tmp_path / "scan")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom napari_lesion.dicom.index.series import find_series\n"
        "from napari_lesion.dicom.read.reader import read_series\n"
        "print('started', read_series(find_series(sys.argv[1])[0]).shape)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "scan")], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.count("started") == 1
    assert str(SHAPE) in done.stdout
    assert not done.stderr
