"""Find lesions in DICOM: one flow for napari, the command line and whole archives.

The names below are the public API. They are imported on first use, so that ``import napari_lesion`` is instant
and loads neither torch nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series as Series
    from napari_lesion.dicom.index.series import find_series as find_series
    from napari_lesion.dicom.read.reader import read_series as read_series
    from napari_lesion.model.findings import Finding as Finding
    from napari_lesion.model.findings import Report as Report
    from napari_lesion.model.volume import GeometryCertificate as GeometryCertificate
    from napari_lesion.model.volume import Volume as Volume
    from napari_lesion.pipeline import analyse as analyse
    from napari_lesion.support.errors import Cancelled as Cancelled
    from napari_lesion.support.errors import ConfigError as ConfigError
    from napari_lesion.support.errors import DecodeError as DecodeError
    from napari_lesion.support.errors import DownloadError as DownloadError
    from napari_lesion.support.errors import GeometryError as GeometryError
    from napari_lesion.support.errors import LesionError as LesionError
    from napari_lesion.support.errors import LungsNotFoundError as LungsNotFoundError
    from napari_lesion.support.errors import ModelError as ModelError
    from napari_lesion.support.errors import SeriesError as SeriesError

_WHERE = {
    "find_series": "dicom.index.series",
    "Series": "dicom.index.series",
    "read_series": "dicom.read.reader",
    "analyse": "pipeline",
    "Volume": "model.volume",
    "GeometryCertificate": "model.volume",
    "Finding": "model.findings",
    "Report": "model.findings",
    "LesionError": "support.errors",
    "SeriesError": "support.errors",
    "GeometryError": "support.errors",
    "DecodeError": "support.errors",
    "LungsNotFoundError": "support.errors",
    "ModelError": "support.errors",
    "ConfigError": "support.errors",
    "DownloadError": "support.errors",
    "Cancelled": "support.errors",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])
