"""One HTML page of an evaluation: tables and plots in a single file, readable without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup
from matplotlib.figure import Figure

from napari_lesion.evaluation.compare import Difference
from napari_lesion.evaluation.plots import as_svg
from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.report import page

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Header, rows."""


def save_page(
    path: Path,
    title: str,
    *,
    facts: Sequence[str] = (),
    notes: Sequence[str] = (),
    tables: Mapping[str, Table] = MappingProxyType({}),
    figures: Mapping[str, Figure] = MappingProxyType({}),
    intended_use: str = RESEARCH_USE,
    language: str = "en",
) -> None:
    """Write a page.

    Parameters
    ----------
    path : Path
    title : str
    facts : sequence of str
        A paragraph each: what was measured, on what, and how.
    notes : sequence of str
        What the reader has to know before trusting the numbers.
    tables, figures : mapping
        By heading.
    intended_use : str
        What the program is not for, in the language of the page.
    language : str
        Code of the language that all of this is in.
    """
    drawings = {heading: as_svg(figure, heading) for heading, figure in figures.items()}
    values = {
        "title": title,
        "facts": facts,
        "notes": notes,
        "tables": tables,
        "drawings": {heading: Markup(drawing[drawing.index("<svg") :]) for heading, drawing in drawings.items()},
        "intended_use": intended_use,
        "language": language,
    }
    page.save_page(path, "tables.html", values)


def difference_cells(d: Difference) -> list[str]:
    """Write a difference of two models as cells: measure, A, B, B − A, its interval, p."""
    return [
        d.name,
        f"{d.a:.3f}",
        f"{d.b:.3f}",
        f"{d.difference:+.3f}",
        f"{d.interval[0]:+.3f} to {d.interval[1]:+.3f}",
        f"{d.p_value:.3f}",
    ]
