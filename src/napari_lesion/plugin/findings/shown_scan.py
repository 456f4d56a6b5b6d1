"""What is shown of the findings of one scan, and the model that found them."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari.layers import Layer

from napari_lesion.detection.registry import list_models
from napari_lesion.model.findings import Point, Report
from napari_lesion.models.card import Card
from napari_lesion.plugin.viewer.layers import LayerData
from napari_lesion.support.errors import LesionError


@dataclass
class ShownScan:
    """What is shown of the findings of one scan."""

    start: Report
    """The report that the layers were made for."""
    card: Card | None
    """Of the model that made it, if it is installed."""
    model: str
    """Id or folder of that model."""
    threshold: float
    heatmap: LayerData | None = None
    """To be shown with the next layers."""
    replaced: tuple[Layer, ...] = ()
    """Layers of an earlier report, which go when those of this one come."""
    layers: dict[str, Layer] = field(default_factory=dict)
    sides: dict[Point, str] = field(default_factory=dict)
    """Of the patient, by centre (LPS mm)."""


def card_of(report: Report) -> tuple[Card | None, str]:
    """Find the installed model that made a report, by the sha256 of its weights."""
    if not report.model.sha256:
        return None, ""
    try:
        cards = list_models()
    except LesionError:  # the panel that lists the models says why
        return None, ""
    return next(((card, card.id) for card in cards if card.sha256 == report.model.sha256), (None, ""))
