"""Content items of structured reports and key object selections, cleaned by their value types (PS3.3, C.17.3)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.text import Identity, cleaned
from napari_lesion.dicom_objects import concepts

_DUMMY = "REMOVED"


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
        item.TextValue = key.token("tracking", text)
        return
    kept = cleaned(text, identity) if options.clean_structured_content else ""
    item.TextValue = kept or _DUMMY


def _name_of(item: Dataset) -> tuple[str, str]:
    names = item.get("ConceptNameCodeSequence") or [Dataset()]
    return str(names[0].get("CodingSchemeDesignator", "")), str(names[0].get("CodeValue", ""))
