"""``report.html``: one page for a browser, a phone or paper, with the pictures in it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from napari_lesion.model.assessed import Term
from napari_lesion.model.findings import Report
from napari_lesion.model.volume import readable_date
from napari_lesion.report import growth_plot
from napari_lesion.report.content import COLUMNS
from napari_lesion.report.measurements import HEADINGS
from napari_lesion.report.page import Filters, save_page
from napari_lesion.report.parts import Content
from napari_lesion.report.wording import doubling, outcome

FILE_NAME = "report.html"
COLOURS = {"outline": "#ffd23f", "long axis": "#35d0ff", "short axis": "#35d0ff", "estimate": "#ffb000"}
"""Of what is drawn over the pictures, here and in the PDF."""


def save_html(report: Report, content: Content, path: Path) -> None:
    """Write a report as one HTML file, whole or not at all.

    Parameters
    ----------
    report : Report
    content : Content
        The same in words.
    path : Path
    """
    growth_histories = growth_plot.growth_histories(report)
    shown = growth_histories[: growth_plot.MOST]
    values = {
        "title": content.title,
        "content": content,
        "content_uid": report.series_uid,
        "columns": COLUMNS,
        "measured_columns": HEADINGS,
        "colours": COLOURS,
        "growth": growth_plot.growth_png(shown) if shown else b"",
        "growth_alt": growth_plot.in_words(shown),
        "growth_note": growth_note(len(growth_histories)),
        "now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    }
    filters: Filters = {"date": readable_date, "doubling": doubling, "outcome": outcome, "adds": adds}
    save_page(path, "report.html", values, filters)


def growth_note(count: int) -> str:
    """Describe what is in the plot of so many histories."""
    note = "Numbers are those of the findings; bars are 95 % intervals of measuring, where they are known."
    return note if count <= growth_plot.MOST else f"The {growth_plot.MOST} of {count} that changed the most. {note}"


def adds(term: Term) -> str:
    """Write what a term adds to the logit."""
    low, high = (f"{value:+.2f}".replace("-", "−") for value in (term.low, term.high))
    return low if low == high else f"{low} to {high}"
