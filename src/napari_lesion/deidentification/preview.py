"""What a de-identification would change in one file, attribute by attribute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from napari_lesion.deidentification import files
from napari_lesion.deidentification.engine import Change, Deidentifier
from napari_lesion.deidentification.keys import Key
from napari_lesion.deidentification.options import Options
from napari_lesion.deidentification.run import Outcome
from napari_lesion.deidentification.table import iod_of
from napari_lesion.support.plain import one_line

_LONGEST = 120
ADDED = "added"


@dataclass(frozen=True)
class Row:
    """What becomes of one attribute of a file."""

    path: str
    """Names of the sequences that it is in, and its own, with points between."""
    before: str = field(repr=False)
    what: str
    """removed, emptied, dummy, replaced, moved, cleaned or added."""
    after: str


def rows_of(path: Path, outcome: Outcome, options: Options, key: Key) -> tuple[Row, ...]:
    """Describe what would become of the attributes of a file, those that change alone, in their order.

    Parameters
    ----------
    path : Path
        A DICOM object among those of ``outcome``; others have no rows.
    outcome : Outcome
        Of the preview: it knows whose the file is.
    options : Options
    key : Key
    """
    patient, pseudonym = next(((one, name) for one, name in outcome.patients if path in one.files), (None, ""))
    if patient is None:
        return ()
    try:
        source = files.read(path, headers=True)
    except files.NotDicomError:
        return ()
    iod = iod_of(str(source.get("SOPClassUID", "")))
    if iod is None:
        return ()
    changes: dict[str, str] = {}

    def on_change(change: Change) -> None:
        changes.setdefault(_named(change.path), change.what)

    by = Deidentifier(options, key, patient.identity, pseudonym, key.days(patient.identity_text))
    made = by.dataset(source, iod, on_change)
    files.mark(made, options)
    before, after = _texts(source), _texts(made)
    rows = [Row(name, before.get(name, ""), what, after.get(name, "")) for name, what in changes.items()]
    added = [name for name in after if name not in before and name not in changes]
    return (*rows, *(Row(name, "", ADDED, after[name]) for name in added))


def _named(path: str) -> str:
    """Give the keywords of attributes that the engine names by their tags."""
    return ".".join(_name(int(part[1:5] + part[6:10], 16)) if part.startswith("(") else part for part in _parts(path))


def _parts(path: str) -> list[str]:
    return [part.strip(".") for part in path.split(".") if part]


def _name(tag: int) -> str:
    return keyword_for_tag(tag) or str(Tag(tag))


def _texts(dataset: Dataset) -> dict[str, str]:
    """Give the values of all attributes, by path; those of several items with commas between."""
    found: dict[str, list[str]] = {}
    for path, text in _walk(dataset, ""):
        found.setdefault(path, []).append(text)
    return {path: one_line(", ".join(dict.fromkeys(texts)))[:_LONGEST] for path, texts in found.items()}


def _walk(dataset: Dataset, path: str) -> Iterator[tuple[str, str]]:
    for tag in dataset.keys():  # noqa: SIM118
        name = f"{path}{_name(int(tag))}"
        try:
            element = dataset[tag]
        except Exception:
            yield name, "?"
            continue
        if element.VR == "SQ":
            yield name, f"[{len(element.value or ())}]"
            for item in element.value or ():
                yield from _walk(item, f"{name}.")
        elif isinstance(element.value, bytes):
            yield name, f"{len(element.value)} bytes"
        else:
            yield name, str(element.value if element.value is not None else "")
