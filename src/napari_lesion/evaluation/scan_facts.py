"""Whose a scan is and where it comes from, as far as that is known: what results are grouped by.

Headers say it, or a table does. What neither says is unknown, and stays a group of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from napari_lesion.assessment.patient.clinical import patient_of
from napari_lesion.dicom.index.series import Series
from napari_lesion.dicom_objects.study import header_text
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table

UNKNOWN = "unknown"
_AGES = (0, 50, 60, 70, 80)
_SEX = {"f": "female", "female": "female", "m": "male", "male": "male"}


@dataclass(frozen=True)
class ScanFacts:
    """What is known of one scan; an empty text, or None, is unknown.

    Attributes
    ----------
    patient : str
        Who it is, only to keep scans of one patient together; never written anywhere.
    age_years : float, optional
        At the study.
    sex : str
        ``female`` or ``male``.
    scanner : str
        Manufacturer and model.
    site : str
        Institution.
    """

    patient: str = ""
    age_years: float | None = None
    sex: str = ""
    scanner: str = ""
    site: str = ""

    def groups(self) -> dict[str, str]:
        """Name the group that the scan is in, for each thing to group by."""
        return {
            "age": age_band(self.age_years),
            "sex": self.sex or UNKNOWN,
            "scanner": self.scanner or UNKNOWN,
            "site": self.site or UNKNOWN,
        }


def age_band(years: float | None) -> str:
    """Name a band of ages."""
    if years is None:
        return UNKNOWN
    low = max(start for start in _AGES if start <= years)
    after = [start for start in _AGES if start > low]
    return f"{low} to {after[0] - 1} years" if after else f"{low} years and more"


def facts_of(identity: SeriesIdentity, site: str = "") -> ScanFacts:
    """Take what the headers say; a scan without a patient ID is a patient of its own."""
    patient = patient_of(identity)
    return ScanFacts(
        patient=identity.patient_id.strip() or identity.series_uid,
        age_years=patient.age_years.value if patient.age_years is not None else None,
        sex=patient.sex.value if patient.sex is not None else "",
        scanner=" ".join(filter(None, (identity.manufacturer.strip(), identity.manufacturer_model.strip()))),
        site=site.strip(),
    )


def facts_of_series(series: Series) -> ScanFacts:
    """Take what the headers of a series say, with the institution."""
    return facts_of(series.identity, header_text(series, "InstitutionName"))


def load_facts(path: Path) -> dict[str, dict[str, str]]:
    """Read a table of scans: ``seriesuid``, and any of ``patient``, ``age_years``, ``sex``, ``scanner``, ``site``.

    Returns
    -------
    dict
        What the table says of each scan, by its series UID.

    Raises
    ------
    InputFileError
        If it cannot be read, an age is no number, a sex neither ``female`` nor ``male``, or a scan is there twice.
    """
    table = read_table(path, ("seriesuid",))
    rows: dict[str, dict[str, str]] = {}
    for number, row in table.rows():
        if row["seriesuid"] in rows:
            raise InputFileError(f"{path}: line {number}: the scan is there twice. Leave one line.")
        try:
            if row.get("age_years") and not 0 <= table.number(row, "age_years") <= 120:
                raise ValueError
        except ValueError as error:
            raise InputFileError(f"{path}: line {number}: age_years is no number from 0 to 120.") from error
        if row.get("sex") and row["sex"].lower() not in _SEX:
            raise InputFileError(f"{path}: line {number}: sex is neither female nor male; leave it empty if unknown.")
        if row.get("age_years"):
            row["age_years"] = str(table.number(row, "age_years"))
        rows[row["seriesuid"]] = row
    return rows


def with_table(facts: ScanFacts, row: Mapping[str, str]) -> ScanFacts:
    """Let a row of a table say what it knows; the headers say the rest."""
    return replace(
        facts,
        patient=row.get("patient") or facts.patient,
        age_years=float(row["age_years"]) if row.get("age_years") else facts.age_years,
        sex=_SEX.get(row.get("sex", "").lower(), facts.sex),
        scanner=row.get("scanner") or facts.scanner,
        site=row.get("site") or facts.site,
    )
