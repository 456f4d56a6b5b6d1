"""Find lesions in DICOM: one flow for napari, the command line and whole archives.

The names below are the public API. They are imported on first use, so that ``import napari_lesion`` is instant
and loads neither torch nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lesion.dicom.reader import read_series as read_series
    from napari_lesion.dicom.series import Series as Series
    from napari_lesion.dicom.series import find_series as find_series
    from napari_lesion.errors import Cancelled as Cancelled
    from napari_lesion.errors import ConfigError as ConfigError
    from napari_lesion.errors import DecodeError as DecodeError
    from napari_lesion.errors import DownloadError as DownloadError
    from napari_lesion.errors import GeometryError as GeometryError
    from napari_lesion.errors import LesionError as LesionError
    from napari_lesion.errors import LungsNotFoundError as LungsNotFoundError
    from napari_lesion.errors import ModelError as ModelError
    from napari_lesion.errors import SeriesError as SeriesError
    from napari_lesion.findings import Finding as Finding
    from napari_lesion.findings import Report as Report
    from napari_lesion.pipeline import analyse as analyse
    from napari_lesion.volume import GeometryCertificate as GeometryCertificate
    from napari_lesion.volume import Volume as Volume

_WHERE = {
    "find_series": "dicom.series",
    "Series": "dicom.series",
    "read_series": "dicom.reader",
    "analyse": "pipeline",
    "Volume": "volume",
    "GeometryCertificate": "volume",
    "Finding": "findings",
    "Report": "findings",
    "LesionError": "errors",
    "SeriesError": "errors",
    "GeometryError": "errors",
    "DecodeError": "errors",
    "LungsNotFoundError": "errors",
    "ModelError": "errors",
    "ConfigError": "errors",
    "DownloadError": "errors",
    "Cancelled": "errors",
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
