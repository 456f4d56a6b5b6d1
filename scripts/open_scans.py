"""Fetch three chest CTs that open packages carry among their test data, and write them as DICOM series.

They widen the training of nodule-3d: run ``python scripts/open_scans.py FOLDER``, then set
NAPARI_LESION_OPEN_SCANS to FOLDER.

==================  =============================================================  ============
series              from                                                           licence
==================  =============================================================  ============
pyradiomics-lung1   pyradiomics 3.0.1, data/lung1_image.nrrd (48 × 5 mm)           BSD-3-Clause
pyradiomics-lung2   pyradiomics 3.0.1, data/lung2_image.nrrd (61 × 5 mm)           BSD-3-Clause
totalsegmentator    TotalSegmentator 2.18.0, aorta_report/example_ct.nii.gz        Apache-2.0
                    (191 × 1.5 mm, resampled by its authors)
==================  =============================================================  ============
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import SimpleITK

from napari_lesion.dicom.writer import named_uid, write_ct_series
from napari_lesion.volume import GeometryCertificate, SeriesIdentity, Volume

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


def main(out: Path) -> None:
    """Write every series into a folder of its own."""
    for requirement, (sha256, members) in SOURCES.items():
        with tempfile.TemporaryDirectory() as temporary:
            archive = download(requirement, sha256, Path(temporary))
            for name, member in members.items():
                with tarfile.open(archive) as tar:
                    tar.extract(member, temporary, filter="data")
                volume = as_volume(Path(temporary) / member, name)
                uid = named_uid("open scans", name)
                write_ct_series(
                    volume, out / name, transfer_syntax="jpeg-ls", series_uid=uid, study_uid=named_uid(uid, "study")
                )
                print(f"{name}: {volume.shape}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python scripts/open_scans.py FOLDER")
    main(Path(sys.argv[1]))
