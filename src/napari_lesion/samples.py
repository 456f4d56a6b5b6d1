"""One public, real chest CT to try things on, downloaded from the NCI Imaging Data Commons (IDC).

The synthetic series in ``sample_dicoms`` need no network; this is for those who want to see a patient.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from napari_lesion.support.atomic import whole_folder
from napari_lesion.support.errors import DownloadError
from napari_lesion.support.progress import Progress, silent

#: LIDC-IDRI-0171: the smallest series of LIDC-IDRI with slices thin enough for LUNA16; four nodules, 6 to 16 mm.
SERIES_UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.283569726884265181140892667131"

_SOURCE = "NCI Imaging Data Commons"
_ENDPOINT = "https://s3.amazonaws.com"
_POLL_S = 0.2


@dataclass(frozen=True)
class RealCase:
    """What is known about the case before it is downloaded."""

    patient_id: str
    series_uid: str
    images: int
    size_mb: float
    licence: str
    doi: str

    def __str__(self) -> str:
        return (
            f"{self.patient_id}: {self.images} CT images, {self.size_mb:.0f} MB, {self.licence}, "
            f"https://doi.org/{self.doi}"
        )


class Archive(Protocol):
    """What is needed of an archive; a test gives its own."""

    def find(self, series_uid: str) -> RealCase:
        """Look a series up in the archive's index. No network."""
        ...

    def fetch(self, case: RealCase, folder: Path) -> subprocess.Popen[str]:
        """Start a process that downloads the series into a folder, and says on stderr what goes wrong."""
        ...


class ImagingDataCommons:
    """The IDC as the package idc-index knows it: its index on disk, and its downloader s5cmd.

    Raises
    ------
    DownloadError
        If idc-index is not installed.
    """

    def __init__(self) -> None:
        try:
            idc_index = import_module("idc_index")
        except ImportError as error:
            raise DownloadError(
                "Downloads from the Imaging Data Commons need the package idc-index: pip install 'napari-lesion[idc]'."
            ) from error
        self._client = idc_index.IDCClient()

    def find(self, series_uid: str) -> RealCase:
        """Look a series up in the index that comes with idc-index."""
        return _case(self._row(series_uid))

    def fetch(self, case: RealCase, folder: Path) -> subprocess.Popen[str]:
        """Start s5cmd, which idc-index brings: a process of ours, so that Cancel can end it."""
        url = self._row(case.series_uid)["series_aws_url"]
        command = [str(self._client.s5cmdPath), "--no-sign-request", "--endpoint-url", _ENDPOINT, "--retry-count", "2"]
        return subprocess.Popen(
            [*command, "--log", "error", "cp", url, f"{folder}/"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def collection(self, name: str) -> tuple[RealCase, ...]:
        """List the CT series of a collection, by patient. No network."""
        index = self._client.index
        rows = index[(index["collection_id"] == name) & (index["Modality"] == "CT")].to_dict("records")
        return tuple(sorted((_case(row) for row in rows), key=lambda case: (case.patient_id, case.series_uid)))

    def _row(self, series_uid: str) -> dict[str, str]:
        index = self._client.index
        rows = index[index["SeriesInstanceUID"] == series_uid].to_dict("records")
        if not rows:
            raise DownloadError(
                f"series {series_uid} is not in the index of this version of idc-index: pip install -U idc-index."
            )
        row: dict[str, str] = rows[0]
        return row


def _case(row: Mapping[str, str]) -> RealCase:
    return RealCase(
        patient_id=row["PatientID"],
        series_uid=row["SeriesInstanceUID"],
        images=int(row["instanceCount"]),
        size_mb=float(row["series_size_MB"]),
        licence=row["license_short_name"],
        doi=row["source_DOI"],
    )


def describe_real_case(*, archive: Callable[[], Archive] = ImagingDataCommons) -> RealCase:
    """Describe what ``download_real_case`` would download: size, licence, source. No network.

    Raises
    ------
    DownloadError
        If the extra ``idc`` is not installed.
    """
    return archive().find(SERIES_UID)


def download_real_case(
    folder: Path | str, *, archive: Callable[[], Archive] = ImagingDataCommons, progress: Progress = silent
) -> Path:
    """Download one LIDC-IDRI chest CT into a folder, or find it there.

    Parameters
    ----------
    folder : path
        Gets the DICOM files, all or none. One that holds as many files as the case has images is taken to be it.
    archive : callable
        Makes the archive to ask.
    progress : callable
        ``progress(done, total, what)`` in MB, with size and licence in ``what``.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DownloadError
        If the extra ``idc`` is not installed, the network or the archive does not answer, files are missing in the
        end, or the folder holds something else.
    """
    idc = archive()
    return download_case(idc.find(SERIES_UID), Path(folder), idc, progress=progress)


def download_case(case: RealCase, folder: Path, idc: Archive, *, progress: Progress = silent) -> Path:
    """Download one series into a folder, or find it there, as ``download_real_case`` does.

    Raises
    ------
    DownloadError
        As ``download_real_case``.
    """
    total = max(1, round(case.size_mb))
    if folder.exists():
        found = len(list(folder.iterdir())) if folder.is_dir() else -1
        if found == case.images:
            progress(total, total, str(case))
            return folder
        if found:
            raise DownloadError(f"{folder} holds something else than {case.patient_id}. Name a new folder.")
    progress(0, total, str(case))
    with whole_folder(folder) as partial:
        process = idc.fetch(case, partial)
        try:
            complaint = _watch(process, partial, total, str(case), progress)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()
        if process.returncode != 0:
            raise DownloadError(_explain(case, complaint))
        got = len(list(partial.iterdir()))
        if got != case.images:
            raise DownloadError(
                f"{case.patient_id}: {got} of {case.images} images arrived from the {_SOURCE}. Try again."
            )
    return folder


def _watch(process: subprocess.Popen[str], folder: Path, total: int, what: str, progress: Progress) -> str:
    """Report the megabytes that have arrived until the process ends; its complaints."""
    while True:
        try:
            return process.communicate(timeout=_POLL_S)[1] or ""
        except subprocess.TimeoutExpired:
            arrived = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
            progress(min(total, round(arrived / 1e6)), total, what)


_OFFLINE = ("no such host", "dial tcp", "network is unreachable", "connection refused", "timeout", "temporary failure")


def _explain(case: RealCase, complaint: str) -> str:
    """One sentence for what the downloader wrote."""
    if any(sign in complaint.lower() for sign in _OFFLINE):
        return (
            f"{case.patient_id} cannot be downloaded: the {_SOURCE} ({_ENDPOINT}) cannot be reached. "
            "Connect to the internet and try again, or open the synthetic series, which need no network."
        )
    last = complaint.strip().splitlines()[-1] if complaint.strip() else "no reason was given"
    return f"{case.patient_id} cannot be downloaded from the {_SOURCE}: {last}."
