"""What values of old reports are called in the user's language."""

from __future__ import annotations

from napari_lesion.assessment.patient.fields import PATIENT_FIELDS
from napari_lesion.plugin.texts import tr


def kind_text(about: str) -> str:
    """Describe what a value or a row is of: ``nodule 2``, ``advice``."""
    kind, _, number = about.partition(" ")
    words = {
        "nodule": tr("nodule"),
        "advice": tr("advice"),
        "patient": tr("patient"),
        "report": tr("report"),
        "laboratory": tr("laboratory"),
        "condition": tr("condition"),
        "scan": tr("scan"),
    }
    return f"{words.get(kind, kind)} {number}".strip()


def field_text(name: str) -> str:
    """Phrase a field."""
    words = {
        "size_mm": tr("Size, mm"),
        "earlier_size_mm": tr("Earlier size, mm"),
        "solid_part_mm": tr("Solid part, mm"),
        "volume_mm3": tr("Volume, mm³"),
        "place": tr("Place"),
        "type": tr("Type"),
        "calcified": tr("Calcified"),
        "count": tr("Count"),
        "change": tr("Change"),
        "there": tr("Nodule"),
        "no_nodules": tr("No nodules"),
        "no_new_nodules": tr("No new or other nodules"),
        "lung_rads": "Lung-RADS",
        "follow_up": tr("Advice (months)"),
    }
    if name in words:
        return words[name]
    return next((tr(field.label) for field in PATIENT_FIELDS if field.name == name), name)


def value_text(value: str) -> str:
    """Phrase a value; numbers and places of segments stay."""
    words = {
        "yes": tr("yes"),
        "no": tr("no"),
        "solid": tr("solid"),
        "part-solid": tr("part-solid"),
        "non-solid": tr("non-solid"),
        "stable": tr("stable"),
        "grown": tr("grown"),
        "shrunk": tr("shrunk"),
        "new": tr("new"),
        "resolved": tr("resolved"),
        "multiple": tr("multiple"),
        "right upper": tr("right upper"),
        "right middle": tr("right middle"),
        "right lower": tr("right lower"),
        "left upper": tr("left upper"),
        "left lower": tr("left lower"),
        "never": tr("never"),
        "former": tr("former"),
        "current": tr("current"),
        "screening": tr("screening"),
        "biopsy": tr("biopsy"),
        "surgery": tr("surgery"),
        "none": tr("none needed"),
    }
    return words.get(value, value)


def doubt_text(doubt: str) -> str:
    """Why a value is in doubt."""
    words = {"uncertain": tr("uncertain"), "history": tr("history"), "conditional": tr("conditional")}
    return words.get(doubt, doubt)
