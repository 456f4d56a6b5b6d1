"""Scans of LIDC-IDRI from the Imaging Data Commons: chosen, told how large they are, fetched, gone on with."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_lesion.dicom.index.series import find_series
from napari_lesion.lidc.readings import Planes, ScanReadings
from napari_lesion.lidc.truth import FOLDS, ScanTruth, fold_of, truth_of
from napari_lesion.samples import Archive, RealCase, download_case
from napari_lesion.support.atomic import PREFIX
from napari_lesion.support.errors import DownloadError, GeometryError, OptionError, SeriesError
from napari_lesion.support.progress import Progress, silent

COLLECTION = "lidc_idri"
SCANS, ASIDE = "scans", "set_aside"
_SPARE_MB = 1000
"""Left free on the disk."""


@dataclass(frozen=True)
class Fetched:
    """What came of a download.

    Attributes
    ----------
    cases : tuple of RealCase
        Whose scans are there now.
    failed : tuple of (RealCase, str)
        What could not be fetched, and why.
    """

    cases: tuple[RealCase, ...]
    failed: tuple[tuple[RealCase, str], ...]


def choose(
    cases: Sequence[RealCase],
    *,
    patients: Sequence[str] = (),
    folds: Collection[int] = (),
    series: Collection[str] | None = None,
) -> tuple[RealCase, ...]:
    """Choose series.

    Parameters
    ----------
    cases : sequence of RealCase
    patients : sequence of str
        ``LIDC-IDRI-0007``, ``7``, or ranges such as ``1-50``; all by default.
    folds : collection of int
        Only patients of these of the ten folds.
    series : collection of str, optional
        Only these SeriesInstanceUIDs.

    Raises
    ------
    OptionError
        If a patient or a fold is none, or nothing is left.
    """
    wanted: set[str] = set()
    for text in patients:
        numbers = re.fullmatch(r"(?:LIDC-IDRI-)?(\d{1,4})(?:-(\d{1,4}))?", text.strip())
        if numbers is None:
            raise OptionError(f"{text!r} names no patient. Write LIDC-IDRI-0007, 7, or 1-50.")
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        wanted |= {f"LIDC-IDRI-{n:04}" for n in range(first, last + 1)}
    if strange := sorted(set(folds) - set(range(FOLDS))):
        raise OptionError(f"There is no fold {strange[0]}: there are 0 to {FOLDS - 1}.")
    chosen = tuple(
        case
        for case in cases
        if (not wanted or case.patient_id in wanted)
        and (not folds or fold_of(case.patient_id) in folds)
        and (series is None or case.series_uid in series)
    )
    if not chosen:
        raise OptionError("None of the series of LIDC-IDRI is of these patients and folds.")
    return chosen


def describe(cases: Sequence[RealCase]) -> str:
    """How much it is, and under which licence."""
    size = sum(case.size_mb for case in cases) / 1000
    licences = ", ".join(sorted({case.licence for case in cases}))
    sources = ", ".join(sorted({f"https://doi.org/{case.doi}" for case in cases}))
    patients = len({case.patient_id for case in cases})
    return f"{len(cases)} CT series of {patients} patients of LIDC-IDRI, {size:.1f} GB, {licences}, {sources}"


def folder_of(case: RealCase, folder: Path) -> Path:
    """Where the images of a series lie."""
    return folder / SCANS / case.patient_id / case.series_uid


def _is_there(case: RealCase, folder: Path) -> bool:
    return folder_of(case, folder).is_dir() or _aside(case, folder).is_dir()


def _aside(case: RealCase, folder: Path) -> Path:
    """Where the images of a series without truth lie: nothing is learned from there."""
    return folder / ASIDE / case.patient_id / case.series_uid


def fetch(cases: Sequence[RealCase], folder: Path, archive: Archive, *, progress: Progress = silent) -> Fetched:
    """Fetch series into ``folder/scans/<patient>/<series>``; those that are there whole are left as they are.

    A series is there whole or not at all, so an interrupted download goes on with the series that was cut off. One
    that fails does not stop the others, unless the archive cannot be reached for several in a row.

    Parameters
    ----------
    cases : sequence of RealCase
    folder : Path
    archive : Archive
    progress : callable
        ``progress(done, total, what)`` in MB.

    Raises
    ------
    DownloadError
        If the disk is too small, or three series in a row cannot be fetched.
    Cancelled
        If ``progress`` raised it; what is whole stays.
    """
    missing = sum(case.size_mb for case in cases if not _is_there(case, folder))
    folder.mkdir(parents=True, exist_ok=True)
    for left in (folder / SCANS).glob(f"*/{PREFIX}*"):  # of a download that was killed
        shutil.rmtree(left, ignore_errors=True)
    free = shutil.disk_usage(folder).free / 1e6
    if missing + _SPARE_MB > free:
        raise DownloadError(
            f"{missing / 1000:.1f} GB are to be fetched into {folder}, but only {free / 1000:.1f} GB are free there. "
            "Choose fewer patients, or another disk."
        )
    total = max(1, round(sum(case.size_mb for case in cases)))
    there: list[RealCase] = []
    failed: list[tuple[RealCase, str]] = []
    done, in_a_row = 0.0, 0
    for number, case in enumerate(cases, 1):
        what = f"{number} of {len(cases)}: {case.patient_id}"

        def report(part: int, _all: int, _what: str, *, before: float = done, said: str = what) -> None:
            progress(min(total, round(before + part)), total, said)

        try:
            if not _aside(case, folder).is_dir():
                download_case(case, folder_of(case, folder), archive, progress=report)
        except DownloadError as error:
            failed.append((case, str(error)))
            in_a_row += 1
            if in_a_row == min(3, len(cases)):
                raise DownloadError(
                    f"{error} {len(there)} of {len(cases)} series are in {folder}; the same command goes on from there."
                ) from error
        else:
            there.append(case)
            in_a_row = 0
        done += case.size_mb
    return Fetched(tuple(there), tuple(failed))


def make_truth(
    cases: Sequence[RealCase],
    folder: Path,
    readings: Mapping[str, ScanReadings],
    *,
    progress: Progress = silent,
) -> tuple[list[ScanTruth], list[str]]:
    """Make the truth of all series that are there, from their headers.

    A series that has none is moved out of ``scans`` into ``set_aside``: without marks it would be learned as healthy.

    Parameters
    ----------
    cases : sequence of RealCase
        All of the collection; those that are not there are left out.
    folder : Path
    readings : mapping
        SeriesInstanceUID → its readings.

    Returns
    -------
    list of ScanTruth
    list of str
        A sentence for each series that has no truth.
    """
    found, without = [], []
    there = [case for case in cases if _is_there(case, folder)]
    for number, case in enumerate(there):
        progress(number, len(there), f"placing the readers' outlines: {case.patient_id}")
        home, aside = folder_of(case, folder), _aside(case, folder)
        try:
            if case.series_uid not in readings:
                raise GeometryError(f"nothing is known of what readers marked in series {case.series_uid}.")
            path = home if home.is_dir() else aside
            stacks = [one for one in find_series(path) if one.identity.series_uid == case.series_uid]
            if len(stacks) != 1:
                raise GeometryError(f"series {case.series_uid}: its images make {len(stacks)} volumes instead of one.")
            truth = truth_of(readings[case.series_uid], Planes.of(stacks[0]), case.patient_id)
            if path == aside:
                home.parent.mkdir(parents=True, exist_ok=True)
                aside.replace(home)
            found.append(truth)
        except (GeometryError, SeriesError) as error:
            if home.is_dir():
                aside.parent.mkdir(parents=True, exist_ok=True)
                home.replace(aside)
            without.append(f"{case.patient_id} is set aside, nothing is learned from it: {error}")
    progress(len(there), len(there), "placed")
    return found, without
