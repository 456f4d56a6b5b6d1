"""Sample data in napari's File menu: two synthetic scans that come along, and a real one to download."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from qtpy.QtCore import QStandardPaths

from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import LayerData
from napari_lesion.plugin.viewer.reader import NOTHING, read
from napari_lesion.plugin.widgets.task import run_with_dialog
from napari_lesion.samples import download_real_case
from napari_lesion.support.errors import Cancelled, SeriesError


def sample_folder(name: str) -> Path:
    """Find one of the series in ``sample_dicoms``.

    Parameters
    ----------
    name : str
        ``baseline`` or ``followup``.

    Raises
    ------
    SeriesError
        If this installation has no sample data.
    """
    # In a checkout the folder at the top level is the source of what wheels hold, so it comes first.
    checkout = Path(__file__).resolve().parents[4] / "sample_dicoms"
    for root in (checkout, Path(str(files("napari_lesion_manifest"))) / "sample_dicoms"):
        if (root / name).is_dir():
            return root / name
    raise SeriesError(f"The sample series {name!r} is not part of this installation; reinstall napari-lesion.")


def baseline() -> list[LayerData]:
    """Open the synthetic chest CT."""
    return read(sample_folder("baseline"))


def followup() -> list[LayerData]:
    """Open the synthetic chest CT of the same patient a year later."""
    return read(sample_folder("followup"))


def real_case() -> list[LayerData]:
    """Open a public chest CT of a patient with nodules; it is downloaded once, and kept in the user's cache."""
    cache = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericCacheLocation)
    folder = Path(cache) / "napari-lesion" / "real-case"
    try:
        run_with_dialog(
            tr("Downloading a public chest CT"), lambda progress: download_real_case(folder, progress=progress)
        )
    except Cancelled:
        return NOTHING
    return read(folder)
