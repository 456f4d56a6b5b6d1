"""Find lesions in DICOM: one flow for napari, the command line and whole archives.

The names below are the public API; modules may move freely. They are imported on first use, so that
``import napari_lesion`` is instant and loads neither torch nor Qt.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lesion.batch import BatchResult as BatchResult
    from napari_lesion.batch import analyse_folder as analyse_folder
    from napari_lesion.comparison.compare import Compared as Compared
    from napari_lesion.comparison.compare import compare as compare
    from napari_lesion.comparison.compare import tracked as tracked
    from napari_lesion.detection.registry import list_models as list_models
    from napari_lesion.detection.registry import load_detector as load_detector
    from napari_lesion.dicom.index.series import Series as Series
    from napari_lesion.dicom.index.series import SeriesIndex as SeriesIndex
    from napari_lesion.dicom.index.series import find_series as find_series
    from napari_lesion.dicom.read.reader import read_series as read_series
    from napari_lesion.dicom.writer import write_ct_series as write_ct_series
    from napari_lesion.dicom_objects.key_images import save_key_images as save_key_images
    from napari_lesion.dicom_objects.segmentation import save_heatmap_seg as save_heatmap_seg
    from napari_lesion.dicom_objects.segmentation import save_seg as save_seg
    from napari_lesion.dicom_objects.segmentation_reader import heatmap_from_seg as heatmap_from_seg
    from napari_lesion.dicom_objects.segmentation_reader import masks_from_seg as masks_from_seg
    from napari_lesion.dicom_objects.structured_report import save_sr as save_sr
    from napari_lesion.dicom_objects.structured_report_reader import findings_from_sr as findings_from_sr
    from napari_lesion.dicom_objects.structured_report_reader import report_from_sr as report_from_sr
    from napari_lesion.evaluation.compare import ModelComparison as ModelComparison
    from napari_lesion.evaluation.compare import compare_models as compare_models
    from napari_lesion.evaluation.froc import Evaluation as Evaluation
    from napari_lesion.evaluation.froc import Mark as Mark
    from napari_lesion.evaluation.froc import ScoredPoint as ScoredPoint
    from napari_lesion.evaluation.froc import evaluate as evaluate
    from napari_lesion.evaluation.froc import load_marks as load_marks
    from napari_lesion.evaluation.results import load_results as load_results
    from napari_lesion.model.compared import Comparison as Comparison
    from napari_lesion.model.findings import Analysis as Analysis
    from napari_lesion.model.findings import Candidate as Candidate
    from napari_lesion.model.findings import Detection as Detection
    from napari_lesion.model.findings import Finding as Finding
    from napari_lesion.model.findings import Heatmap as Heatmap
    from napari_lesion.model.findings import Report as Report
    from napari_lesion.model.volume import GeometryCertificate as GeometryCertificate
    from napari_lesion.model.volume import SeriesIdentity as SeriesIdentity
    from napari_lesion.model.volume import Volume as Volume
    from napari_lesion.models.card import Card as Card
    from napari_lesion.models.card import Detector as Detector
    from napari_lesion.pipeline import analyse as analyse
    from napari_lesion.pipeline import assess as assess
    from napari_lesion.pipeline import search as search
    from napari_lesion.report.json import load_report as load_report
    from napari_lesion.report.json import save_report as save_report
    from napari_lesion.report.summary import SeriesOutcome as SeriesOutcome
    from napari_lesion.report.write import write_reports as write_reports
    from napari_lesion.support.errors import Cancelled as Cancelled
    from napari_lesion.support.errors import ConfigError as ConfigError
    from napari_lesion.support.errors import ConfigFileError as ConfigFileError
    from napari_lesion.support.errors import DecodeError as DecodeError
    from napari_lesion.support.errors import DownloadError as DownloadError
    from napari_lesion.support.errors import GapsError as GapsError
    from napari_lesion.support.errors import GeometryError as GeometryError
    from napari_lesion.support.errors import InputFileError as InputFileError
    from napari_lesion.support.errors import LesionError as LesionError
    from napari_lesion.support.errors import LungsNotFoundError as LungsNotFoundError
    from napari_lesion.support.errors import ModelError as ModelError
    from napari_lesion.support.errors import OptionError as OptionError
    from napari_lesion.support.errors import OutputError as OutputError
    from napari_lesion.support.errors import ResultsError as ResultsError
    from napari_lesion.support.errors import ReviewError as ReviewError
    from napari_lesion.support.errors import SeriesError as SeriesError
    from napari_lesion.support.errors import UnitError as UnitError
    from napari_lesion.support.errors import UntrustedCodeError as UntrustedCodeError
    from napari_lesion.training.train import train as train

_WHERE = {
    "find_series": "dicom.index.series",
    "Series": "dicom.index.series",
    "SeriesIndex": "dicom.index.series",
    "read_series": "dicom.read.reader",
    "write_ct_series": "dicom.writer",
    "Volume": "model.volume",
    "GeometryCertificate": "model.volume",
    "SeriesIdentity": "model.volume",
    "analyse": "pipeline",
    "search": "pipeline",
    "assess": "pipeline",
    "analyse_folder": "batch",
    "BatchResult": "batch",
    "SeriesOutcome": "report.summary",
    "Analysis": "model.findings",
    "Candidate": "model.findings",
    "Detection": "model.findings",
    "Finding": "model.findings",
    "Heatmap": "model.findings",
    "Report": "model.findings",
    "load_detector": "detection.registry",
    "list_models": "detection.registry",
    "Detector": "models.card",
    "Card": "models.card",
    "compare": "comparison.compare",
    "tracked": "comparison.compare",
    "Compared": "comparison.compare",
    "Comparison": "model.compared",
    "write_reports": "report.write",
    "save_report": "report.json",
    "load_report": "report.json",
    "save_sr": "dicom_objects.structured_report",
    "save_seg": "dicom_objects.segmentation",
    "save_heatmap_seg": "dicom_objects.segmentation",
    "save_key_images": "dicom_objects.key_images",
    "report_from_sr": "dicom_objects.structured_report_reader",
    "findings_from_sr": "dicom_objects.structured_report_reader",
    "masks_from_seg": "dicom_objects.segmentation_reader",
    "heatmap_from_seg": "dicom_objects.segmentation_reader",
    "evaluate": "evaluation.froc",
    "load_marks": "evaluation.froc",
    "Mark": "evaluation.froc",
    "ScoredPoint": "evaluation.froc",
    "Evaluation": "evaluation.froc",
    "load_results": "evaluation.results",
    "compare_models": "evaluation.compare",
    "ModelComparison": "evaluation.compare",
    "train": "training.train",
    "LesionError": "support.errors",
    "SeriesError": "support.errors",
    "UnitError": "support.errors",
    "GeometryError": "support.errors",
    "GapsError": "support.errors",
    "DecodeError": "support.errors",
    "LungsNotFoundError": "support.errors",
    "ModelError": "support.errors",
    "UntrustedCodeError": "support.errors",
    "ConfigError": "support.errors",
    "OptionError": "support.errors",
    "ConfigFileError": "support.errors",
    "InputFileError": "support.errors",
    "OutputError": "support.errors",
    "ReviewError": "support.errors",
    "ResultsError": "support.errors",
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
