"""Content items of structured reports and key object selections, cleaned by their value types (PS3.3, C.17.3)."""

from __future__ import annotations

from typing import get_args

from pydicom.dataset import Dataset

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.text import Identity, cleaned
from napari_lesion.dicom_objects import concepts
from napari_lesion.model.assessed import Airway, Category, Lobe, NoduleType, Source
from napari_lesion.model.findings import Action

_DUMMY = "REMOVED"
#: What our own reports answer their own questions with: closed lists, which name nobody.
_ANSWERS = frozenset({"yes", "no"}.union(*map(get_args, (Source, NoduleType, Lobe, Airway, Category, Action))))


def clean_content_item(item: Dataset, source: Dataset, options: Options, key: Key, identity: Identity) -> None:
    """Clean the text of one content item, in place; what else it may hold the walk has cleaned.

    Parameters
    ----------
    item : Dataset
        The cleaned copy.
    source : Dataset
        The item as it was.
    options : Options
        Without clean structured content, a dummy takes the place of each text.
    key : Key
    identity : Identity
    """
    if "TextValue" not in source:
        return
    text = str(source.TextValue or "")
    if _name_of(source) == (concepts.TRACKING_ID.scheme_designator, concepts.TRACKING_ID.value):
        # As that of segments, so that a report and a segmentation still speak of the same lesion.
        item.TextValue = tracking_identifier(text, key, identity)
        return
    if _name_of(source)[0] == concepts.SCHEME and text in _ANSWERS:
        item.TextValue = text
        return
    kept = cleaned(text, identity) if options.clean_structured_content else ""
    item.TextValue = kept or _DUMMY


def tracking_identifier(text: str, key: Key, identity: Identity) -> str:
    """Give what takes the place of a tracking identifier: itself where it is words of the list and numbers (F3)."""
    return text if cleaned(text, identity) == text else key.token("tracking", text)


def _name_of(item: Dataset) -> tuple[str, str]:
    names = item.get("ConceptNameCodeSequence") or [Dataset()]
    return str(names[0].get("CodingSchemeDesignator", "")), str(names[0].get("CodeValue", ""))
