"""Analyse what a study held at one time, in a child process: a crash or a hang costs that study only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pydicom
from pydicom.dataset import Dataset

from napari_lesion.pacs.storage import describe
from napari_lesion.support.atomic import PRIVATE_FILE, PRIVATE_FOLDER, whole_file
from napari_lesion.support.errors import Cancelled
from napari_lesion.support.patience import Patience
from napari_lesion.support.vault import open_file, read_bytes, temporary_file, vault_of

FILES: Mapping[str, str] = {
    "sr": "structured_report.dcm",
    "seg": "segmentation.dcm",
    "key-images": "key_images.dcm",
    "heatmap": "heatmap_segmentation.dcm",
}
"""Names of the results by kind, as `napari-lesion analyse --report` writes them."""
LOG = "analysis.log"
_SCAN, _RESULTS = "scan", "results"
#: Ends the child with all that it started when the listener is gone, however it ended: at its next start the analysis
#: begins again, and two must not work in one folder.
_WATCH = """
import os, signal, threading
def watch():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)
threading.Thread(target=watch, daemon=True).start()
"""
_PROGRAM = "from napari_lesion.cli.main import main; main()"
_POLL_S = 0.2
_END_S = 10.0


@dataclass(frozen=True)
class Outcome:
    """How an analysis ended.

    Attributes
    ----------
    status : int
        Exit status of the child; below 0 the signal that ended it.
    reason : str
        A sentence where it did not go well.
    """

    status: int
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the same files would give the same again: done, or refused for what is in them."""
        return self.status in (0, 1)


def analyse(
    inbox: Path,
    files: Sequence[str],
    folder: Path,
    *,
    kinds: Sequence[str],
    model: str | None,
    limit_s: float,
    stop: threading.Event,
) -> Outcome:
    """Analyse files of a study.

    Parameters
    ----------
    inbox : Path
        The study's folder.
    files : sequence of str
        Names below it: only these are looked at, whatever comes meanwhile.
    folder : Path
        Of the job: results are kept in ``results``.
    kinds : sequence of str
        Of `FILES`.
    model : str, optional
    limit_s : float
        As `support.patience` counts it.
    stop : Event
        Ends it.

    Raises
    ------
    Cancelled
        If ``stop`` was set.
    OSError
        If the folder cannot be written.
    """
    scan, results = folder / _SCAN, folder / _RESULTS
    _link(inbox, files, scan)
    command = [sys.executable, "-c", _WATCH + _PROGRAM, "analyse", str(scan), "-o", str(results), "--resume"]
    command += ["--report", ",".join(kinds)] if kinds else []
    command += ["--model", model] if model else []
    with _log(folder / LOG) as log:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        patience = Patience(child.pid, limit_s)
        try:
            while child.poll() is None:
                if stop.wait(_POLL_S):
                    raise Cancelled
                if too_long := patience.exceeded():
                    _end(child)
                    return Outcome(-signal.SIGKILL, f"{too_long} So it was ended.")
        finally:
            _end(child)
            if child.stdin is not None:
                child.stdin.close()
    status = child.returncode
    if status in (0, 1):
        _unlink(scan)
    if status == 0:
        return Outcome(0)
    if status < 0:
        return Outcome(status, f"The system or a crash ended it (signal {-status}); see {folder / LOG}.")
    return Outcome(status, f"It ended with status {status}; see {folder / LOG}.")


def results_in(folder: Path, kinds: Sequence[str]) -> dict[tuple[str, str], Path]:
    """Find the results of a job that can be sent: by the series' folder and the kind."""
    return {
        (path.parent.name, kind): path
        for kind in kinds
        for path in sorted((folder / _RESULTS).glob(f"*/{FILES[kind]}"))
        if not path.parent.name.startswith(".")
    }


def name_predecessors(report: Path, earlier: Sequence[Path]) -> None:
    """Enter into a structured report which ones it takes the place of (PS3.3 C.17.2, Predecessor Documents Sequence).

    Parameters
    ----------
    report : Path
        Is replaced, whole or not at all.
    earlier : sequence of Path
        Reports of the same series of fewer slices.
    """
    with open_file(report)[0] as file:
        document = pydicom.dcmread(file)
    document.PredecessorDocumentsSequence = [_document(path) for path in earlier]
    with whole_file(report, private=True) as temporary:
        document.save_as(temporary)


def _document(path: Path) -> Dataset:
    one = describe(path)
    instance, series, study = Dataset(), Dataset(), Dataset()
    instance.ReferencedSOPClassUID = one.sop_class_uid
    instance.ReferencedSOPInstanceUID = one.sop_uid
    series.SeriesInstanceUID = one.series_uid
    series.ReferencedSOPSequence = [instance]
    study.StudyInstanceUID = one.study_uid
    study.ReferencedSeriesSequence = [series]
    return study


@contextmanager
def _log(path: Path) -> Iterator[IO[bytes]]:
    """Give the file that a child prints to; in an encrypted folder it is in memory, has no name, and is sealed then."""
    if vault_of(path) is None:
        with open(path, "ab", opener=lambda name, flags: os.open(name, flags, PRIVATE_FILE)) as log:
            yield log
        return
    with temporary_file() as hidden:
        hidden.write(read_bytes(path) if path.exists() else b"")
        hidden.flush()
        try:
            yield hidden
        finally:
            hidden.seek(0)
            with whole_file(path, private=True) as temporary:
                temporary.write_bytes(hidden.read())


def _link(inbox: Path, files: Sequence[str], scan: Path) -> None:
    for name in files:
        path = scan / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        with suppress(FileExistsError):
            os.link(inbox / name, path)


def _unlink(scan: Path) -> None:
    import shutil

    shutil.rmtree(scan, ignore_errors=True)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child with all that it started: decoders, too."""
    if child.poll() is not None:
        return
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, kind)
        with suppress(subprocess.TimeoutExpired):
            child.wait(_END_S)
            return
