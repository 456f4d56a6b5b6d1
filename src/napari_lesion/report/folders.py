"""Folders of results: which series each belongs to, what a result was made from, and who writes there now."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from napari_lesion.model.findings import Inputs, Report
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.report import json as report_json
from napari_lesion.report import summary
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import file_sha256, lines_sha256
from napari_lesion.support.errors import ConfigError, OutputError
from napari_lesion.support.uids import digest
from napari_lesion.support.vault import read_text

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series

LOCK = ".napari-lesion.lock"
_LOCK_OF_SHARD = ".napari-lesion-shard-{}.lock"
_LOCK_OF_VIEWS = ".napari-lesion-views.lock"
_PATIENCE_S = 30.0
"""A shard waits so long for the others that begin at the same time: each holds the folder for a moment."""


def is_results(path: Path) -> bool:
    """Whether a folder is one that ``analyse`` wrote, or one series of it."""
    if (path / report_json.FILE_NAME).is_file():
        return True
    return (path / summary.FILE_NAME).is_file() and any(path.glob(f"*/{report_json.FILE_NAME}"))


def owner(identity: SeriesIdentity) -> tuple[str, ...]:
    """Whose series it is: results of another patient or study are never its own, whatever its UID."""
    return (
        identity.patient_id,
        identity.patient_name,
        identity.patient_birth_date,
        identity.study_uid,
        identity.series_uid,
    )


def contradict(one: SeriesIdentity, other: SeriesIdentity) -> bool:
    """Whether two series are of different patients or studies, by all that both say of them."""
    return any(a != b for a, b in zip(owner(one), owner(other), strict=True) if a and b)


def owner_digest(series: Series) -> str:
    """Whose series it is in a few characters, without a name."""
    return digest(*owner(series.identity))


def images_digest(series: Series) -> str:
    """SHA-256 of which planes a series has, in whatever order."""
    planes = sorted(f"{f.file.sop_instance_uid}/{f.number or ''}/{f.position or ''}" for f in series.frames)
    return lines_sha256(planes, "surrogatepass")


def files_digest(series: Series) -> str:
    """SHA-256 of the names, sizes and times of the files of a series: it costs no reading.

    Raises
    ------
    OSError
        If one is not there.
    """
    paths = sorted({frame.file.path for frame in series.frames})
    return lines_sha256(
        f"{path.absolute()}/{stat.st_size}/{stat.st_mtime_ns}/{stat.st_ctime_ns}/{stat.st_ino}"
        for path, stat in ((path, path.stat()) for path in paths)
    )


def content_digest(series: Series) -> str:
    """SHA-256 of all bytes of the files of a series, in whatever order, wherever they lie.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    return lines_sha256(sorted(map(file_sha256, {frame.file.path for frame in series.frames})))


def inputs_of(series: Series, settings: Mapping[str, str]) -> Inputs:
    """Describe what a result of a series is made from, before it is made.

    What changes while it is made is noticed later: the state of the files is taken before they are read.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    state = files_digest(series)
    return Inputs(
        images=series.n_slices,
        images_sha256=images_digest(series),
        content_sha256=content_digest(series),
        files_state=state,
        settings=dict(settings),
    )


def same_images(report: Report, series: Series) -> bool:
    """Whether a result was made from a series as it is now: these planes, and these bytes.

    Of results of earlier versions, which do not say from what they were made, only the number of planes is compared.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    if report.inputs is None:
        acquired = report.certificate.shape[0] - len(report.certificate.interpolated_slices)
        return acquired == series.n_slices
    if report.inputs.images_sha256 != images_digest(series):
        return False
    if report.inputs.files_state == files_digest(series):
        return True
    return report.inputs.content_sha256 == content_digest(series)


def results_state(folder: Path) -> str:
    """SHA-256 of the names, sizes and times of the files of a folder of results: it costs no reading.

    Raises
    ------
    OSError
        If one is not there.
    """
    return lines_sha256(
        f"{path.name}/{stat.st_size}/{stat.st_mtime_ns}/{stat.st_ino}"
        for path, stat in ((path, path.stat()) for path in sorted(folder.iterdir()))
    )


def results_digest(folder: Path) -> str:
    """SHA-256 of the names and all bytes of the files of a folder of results.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    return lines_sha256(f"{path.name}/{file_sha256(path)}" for path in sorted(folder.iterdir()) if path.is_file())


def place_of(folder: Path) -> tuple[int, int]:
    """Describe what a folder is on this computer, whatever its name: another one that takes its place differs.

    Raises
    ------
    OSError
        If it is not there.
    """
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def folder_for(series: Series, out: Path, taken: Collection[str] = ()) -> Path:
    """Choose the folder of the results of a series: its key, unless that holds what is not of this series.

    Parameters
    ----------
    series : Series
    out : Path
    taken : collection of str
        Names that belong to other series of this run.
    """
    ours: Path | None = None
    for name in _names(series):
        path = out / name
        if name in taken:
            continue
        if not _occupied(path):
            return ours or path
        report = _read(path)
        if report is None:
            if (path / report_json.FILE_NAME).exists() and not _of_others(path, series):
                return ours or path  # damaged: whoever writes there sets it aside
            continue
        if owner(report.series) == owner(series.identity):
            if report.inputs is not None and report.inputs.images_sha256 == images_digest(series):
                return path
            ours = ours or path
    raise AssertionError("names never end")


def find_results(series: Series, out: Path) -> Path | None:
    """Find the folder that holds the results of a series; None where there are none."""
    path = folder_for(series, out)
    return path if _read(path) is not None else None


def is_damaged(folder: Path) -> bool:
    """Whether a folder holds results that cannot be read."""
    return (folder / report_json.FILE_NAME).exists() and _read(folder) is None


def set_aside(folder: Path) -> Path:
    """Move damaged results to a name of their own beside their place, where nobody takes them for results."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}_damaged{number}")).exists():
        number += 1
    folder.replace(aside)
    findings = aside / report_json.FILE_NAME
    findings.replace(findings.with_name(f"{findings.name}.damaged"))
    return aside


@contextmanager
def held(out: Path, shard: str = "") -> Iterator[None]:
    """Keep other runs from writing to a folder of results; a run that was killed holds it no longer.

    Shards of one run write to it at the same time, each under its own name, and nobody else meanwhile.

    Raises
    ------
    ConfigError
        If another run holds it, or it cannot be written.
    """
    with ExitStack() as stack:
        stack.enter_context(_locked(out, out / LOCK, _PATIENCE_S if shard else 0.0))
        if not shard:
            for path in sorted(out.glob(_LOCK_OF_SHARD.format("*"))):
                with _locked(out, path):  # nobody holds it: what a run that was killed left
                    pass
            yield
            return
        with _locked(out, out / _LOCK_OF_SHARD.format(shard)):
            stack.close()
            yield


@contextmanager
def views_held(out: Path) -> Iterator[None]:
    """Wait until nobody else brings the tables and pages of a folder of results up to date, and keep others from it."""
    path = out / _LOCK_OF_VIEWS
    with FileLock(path, mode=0o600):
        yield


@contextmanager
def _locked(out: Path, path: Path, patience_s: float = 0.0) -> Iterator[None]:
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(timeout=patience_s)
    except Timeout as error:
        raise OutputError(
            f"{out}: another run is writing results there. Wait until it has ended, or choose another folder."
        ) from error
    except OSError as error:
        raise OutputError(f"{out}: cannot write results there ({error.strerror}). Choose another folder.") from error
    try:
        yield
    finally:
        if os.name == "posix":  # while it is held: who waits for it sees that it is gone, and makes a new one
            with suppress(OSError):
                path.unlink()
        lock.release()
        if os.name != "posix":
            with suppress(OSError):
                path.unlink()


def _names(series: Series) -> Iterator[str]:
    """Names for the results of a series, the best first; those after the first are of one patient and study only."""
    yield series.key
    own = f"{series.key}_{owner_digest(series)}"
    yield own
    number = 2
    while True:
        yield f"{own}_{number}"
        number += 1


def _occupied(path: Path) -> bool:
    try:
        return any(path.iterdir())
    except FileNotFoundError:
        return False
    except OSError:  # a file, or a folder that one may not look into
        return True


def _of_others(folder: Path, series: Series) -> bool:
    """Whether damaged results still say that they are of another series."""
    try:
        content = parse_json(read_text(folder / report_json.FILE_NAME))
        return owner(SeriesIdentity.model_validate(content["series"])) != owner(series.identity)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _read(folder: Path) -> Report | None:
    try:
        return report_json.load_report(folder / report_json.FILE_NAME)
    except ConfigError:
        return None
