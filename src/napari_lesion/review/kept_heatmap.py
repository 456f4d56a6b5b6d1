"""The heatmap that goes with a review, beside its journal: when a session comes back, so does the picture."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from napari_lesion.model.findings import Heatmap, Report
from napari_lesion.model.volume import Volume
from napari_lesion.review.journal import HEATMAP, journal_path, run_id
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.errors import SecurityError
from napari_lesion.support.vault import read_bytes

_LEVELS = 255


def heatmap_path(volume: Volume) -> Path:
    """Where the heatmap of a scan is kept; that of a later search takes its place."""
    return journal_path(volume).with_suffix(HEATMAP)


def keep_heatmap(volume: Volume, report: Report, heatmap: Heatmap) -> None:
    """Keep the heatmap of the search that made a report, in steps of 1/255.

    Raises
    ------
    OSError
        If the state folder cannot be written.
    """
    values = np.rint(np.clip(heatmap.values, 0, 1) * _LEVELS).astype(np.uint8)
    with whole_file(heatmap_path(volume), private=True) as temporary:
        np.savez_compressed(temporary, values=values, affine=heatmap.affine, run=np.array(run_id(report)))


def kept_heatmap(volume: Volume, report: Report) -> Heatmap | None:
    """Get the heatmap of the search that made a report; None if that of another, or none, was kept."""
    try:
        with np.load(io.BytesIO(read_bytes(heatmap_path(volume))), allow_pickle=False) as kept:
            if str(kept["run"]) != run_id(report):
                return None
            return Heatmap(kept["values"].astype(np.float32) / _LEVELS, kept["affine"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, SecurityError):
        return None  # a map can be made again; it must not keep a review from coming back
