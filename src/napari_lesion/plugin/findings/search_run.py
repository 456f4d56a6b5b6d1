"""A search for lesions, as the form runs it on a thread."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module

from napari_lesion.detection import registry
from napari_lesion.model.findings import Point, Report
from napari_lesion.model.volume import Volume
from napari_lesion.models.card import Card
from napari_lesion.pipeline import search
from napari_lesion.plugin.settings import option
from napari_lesion.plugin.viewer.layers import LayerData, heatmap_layer
from napari_lesion.plugin.widgets.torch_loading import load_torch
from napari_lesion.report.plane import side_of
from napari_lesion.review.kept_heatmap import keep_heatmap
from napari_lesion.support.progress import Progress


@dataclass(frozen=True)
class SearchResult:
    """What a run brings back from its thread."""

    report: Report
    """With every candidate as a finding, also those below the threshold."""
    card: Card
    model: str
    """Its id or folder."""
    heatmap: LayerData
    sides: dict[Point, str]
    """Of the patient, by centre (LPS mm)."""


def search_scan(
    volume: Volume, card: Card, model: str, device: str, progress: Progress, *, trust_code: bool = False
) -> SearchResult:
    """Search one scan with a model, named by its id or folder."""
    load_torch()
    import_module("pandas")  # napari wants it for tables of features: a second that the window need not wait for
    detector = registry.load_detector(model, trust_code=True) if trust_code else model
    limit = option("findings/threshold") or None
    analysis = search(volume, detector=detector, device=device, threshold=limit, progress=progress)
    report = analysis.report
    with suppress(OSError):  # a session that comes back can do without its heatmap
        keep_heatmap(volume, report, analysis.heatmap)
    return SearchResult(
        report=report,
        card=card,
        model=model,
        heatmap=heatmap_layer(analysis.heatmap, volume),
        sides={finding.center_mm: side_of(volume, finding.center_mm) for finding in report.findings},
    )


def available_devices(progress: Progress) -> tuple[str, ...]:
    """Which devices there are; loads torch, which takes a second, so it runs on a thread."""
    load_torch()
    import torch

    progress(0, 1, "looking for devices")
    return (
        "auto",
        "cpu",
        *(("cuda",) if torch.cuda.is_available() else ()),
        *(("mps",) if torch.backends.mps.is_available() else ()),
    )
