"""Small series on disk, and what a run over folders says of them."""

from __future__ import annotations

import pydicom
from fake_scan import make_volume

from napari_lesion.dicom.writer import write_ct_series
from napari_lesion.model.findings import Candidate

FOUND = (Candidate((40.0, -15.0, -289.0), 9.0, 0.9), Candidate((-40.0, -30.0, -286.0), 6.0, 0.6))
ONE, TWO = "1.2.826.1", "1.2.826.2"


def write(folder, uid, **changes):
    """A small CT series as DICOM."""
    volume = make_volume(shape=(12, 100, 150))
    files = write_ct_series(volume, folder, series_uid=uid)
    for file in files if changes else ():
        dataset = pydicom.dcmread(file)
        for name, value in changes.items():
            setattr(dataset, name, value)
        dataset.save_as(file)
    return files


def rows_of(result):
    return {row.series_uid: row for row in result.outcomes}
