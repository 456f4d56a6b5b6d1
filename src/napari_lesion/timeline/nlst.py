"""Tables in the form of NLST: participants, and the abnormalities that readers saw on their CT.

NLST's own tables come from the Cancer Data Access System after an application (https://cdas.cancer.gov/nlst/); names of
columns and their codes are those of its data dictionaries. This was tested on made tables of that form only.

NLST does not say which abnormality of one year is that of another. Here those of a lobe are one lesion where there is
no more than one in each year; the others are not taken. Its sizes are two axes, to a millimetre.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from napari_lesion.model.assessed import NoduleType
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.tables import read_table
from napari_lesion.timeline.course import Course, End, Person, Visit

NEEDED = ("participants (prsn)", "CT abnormalities (ctab)")
_PERSON = ("pid", "age", "gender", "scr_days0", "scr_days1", "scr_days2", "candx_days")
_SEEN = ("pid", "study_yr", "sct_ab_desc", "sct_epi_loc", "sct_long_dia", "sct_perp_dia", "sct_margins", "sct_pre_att")
_NODULE = "51"
"""Of ``sct_ab_desc``: a non-calcified nodule or mass of 4 mm and more."""
_TYPES: dict[str, NoduleType] = {"1": "solid", "2": "non-solid", "3": "part-solid"}
"""Of ``sct_pre_att``: soft tissue, ground glass, mixed; what is fluid, fat or other is none of them."""
_LOBES = {"1": ("locrup",), "2": ("locrmid",), "3": ("locrlow",), "4": ("loclup",), "5": ("loclin",), "6": ("locllow",)}
"""Of ``sct_epi_loc``: the lobes, and in which column of the participants it stands that the cancer was there."""
_UPPER = {"1", "4", "5"}
_FAMILY = ("fambrother", "famchild", "famfather", "fammother", "famsister")


def is_there(folder: Path) -> bool:
    """Whether a folder has both tables."""
    return all(_file(folder, name) is not None for name in ("prsn", "ctab"))


def read_nlst(folder: Path) -> tuple[tuple[Course, ...], tuple[str, ...]]:
    """Read lesions over the years of screening.

    A cancer counts where it was diagnosed in the lesion's lobe; one elsewhere, or of which no lobe is told, ends the
    watch of the lesion there. Else it ends with ``death_days`` or with the last day on which nothing was known
    (``fup_days`` or ``canc_free_days``).

    Parameters
    ----------
    folder : Path
        With a table whose name has ``prsn`` in it, and one with ``ctab`` or ``sct_ab``; a comparison's (``ctabc``) is
        not read.

    Returns
    -------
    tuple of Course, tuple of str
        The lesions, and what was not taken, as sentences.

    Raises
    ------
    InputFileError
        If a table is missing, or cannot be read.
    """
    people, seen = _file(folder, "prsn"), _file(folder, "ctab")
    if people is None or seen is None:
        raise InputFileError(f"{folder}: needed are tables of {' and '.join(NEEDED)}.")
    by_person: dict[str, list[dict[str, str]]] = {}
    for _, row in read_table(seen, _SEEN).rows():
        if row["sct_ab_desc"].removesuffix(".0") == _NODULE:
            by_person.setdefault(row["pid"], []).append({name: cell.removesuffix(".0") for name, cell in row.items()})
    courses: list[Course] = []
    problems: list[str] = []
    unlinked: list[str] = []
    for line, row in read_table(people, _PERSON).rows():
        nodules = by_person.pop(row["pid"], [])
        if not nodules:
            continue
        try:
            courses += _lesions(row, nodules, unlinked)
        except ValueError as error:
            problems.append(f"{people.name}, line {line}: {error}. It was not taken.")
    if unlinked:
        problems.append(
            f"{len(unlinked)} lobes had more than one nodule in a year, or nodules without a lobe: which of them are "
            "one lesion is not told, so they were not taken."
        )
    if by_person:
        problems.append(f"{seen.name}: {len(by_person)} persons are not in {people.name}. They were not taken.")
    return tuple(courses), tuple(problems)


def _file(folder: Path, kind: str) -> Path | None:
    names = ("ctab", "sct_ab") if kind == "ctab" else (kind,)
    found = (
        path
        for path in sorted(folder.glob("*.csv"))
        if any(name in path.stem.lower() for name in names) and "ctabc" not in path.stem.lower()
    )
    return next(found, None)


def _lesions(row: Mapping[str, str], nodules: list[dict[str, str]], unlinked: list[str]) -> Iterator[Course]:
    days = {str(year): _days(row, f"scr_days{year}") for year in range(3)}
    first_year = min(one["study_yr"] for one in nodules)
    count = sum(one["study_yr"] == first_year for one in nodules)
    by_lobe: dict[str, list[dict[str, str]]] = {}
    for one in nodules:
        by_lobe.setdefault(one["sct_epi_loc"], []).append(one)
    for lobe, found in sorted(by_lobe.items()):
        if lobe not in _LOBES or max(Counter(one["study_yr"] for one in found).values()) > 1:
            unlinked.append(f"{row['pid']} {lobe}")
            continue
        cancer = _days(row, "candx_days")
        told = [(day, one) for one in found if (day := days.get(one["study_yr"])) is not None]
        if not told:
            raise ValueError("the days of the scans (scr_days0 to 2) are not told")
        # What is seen after a diagnosis is no news of it.
        dated = sorted((one for one in told if cancer is None or one[0] <= cancer), key=lambda one: one[0])
        if not dated:
            continue
        first = dated[0][0]
        person = Person(
            row["pid"],
            (_days(row, "age") or 0) + first / 365.25 or None,
            {"1": False, "2": True}.get(row["gender"].removesuffix(".0")),
            _any(row, _FAMILY),
            _any(row, ("diagemph",)),
            float(row["pkyr"]) if row.get("pkyr") else None,
        )
        end = _end(row, lobe, first, dated[-1][0])
        visits = tuple(_visit(day - first, one) for day, one in dated)
        yield Course(f"{row['pid']}-{lobe}", person, visits, lobe in _UPPER, count, end)


def _visit(day: int, row: Mapping[str, str]) -> Visit:
    return Visit(
        day,
        None,
        float(row["sct_long_dia"]) if row["sct_long_dia"] else None,
        float(row["sct_perp_dia"]) if row["sct_perp_dia"] else None,
        _TYPES.get(row["sct_pre_att"]),
        {"1": True, "2": False, "3": False}.get(row["sct_margins"]),
    )


def _end(row: Mapping[str, str], lobe: str, first: int, last: int) -> End | None:
    cancer, death = _days(row, "candx_days"), _days(row, "death_days")
    known = max((one for name in ("fup_days", "canc_free_days") if (one := _days(row, name)) is not None), default=None)
    if cancer is not None:
        here = any(row.get(name, "").removesuffix(".0") == "1" for name in _LOBES[lobe])
        return End(max(cancer, last) - first, "cancer" if here else "censored")
    if death is not None:
        return End(max(death, last) - first, "other")
    return None if known is None else End(max(known, last) - first, "censored")


def _days(row: Mapping[str, str], name: str) -> int | None:
    text = row.get(name, "")
    return None if text in ("", ".", "NA") else round(float(text))


def _any(row: Mapping[str, str], names: tuple[str, ...]) -> bool | None:
    said = {row.get(name, "").removesuffix(".0") for name in names}
    return True if "1" in said else False if "0" in said else None
