"""One HTML page of an evaluation: tables and plots in a single file, readable without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

from matplotlib.figure import Figure

from napari_lesion.atomic import whole_file
from napari_lesion.evaluation.compare import Difference
from napari_lesion.evaluation.plots import as_svg
from napari_lesion.findings import RESEARCH_USE

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""Header, rows."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
td { font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; }
.note { background: #fff6dd; padding: .4rem .8rem; border-left: 4px solid #d9a400; }
footer { margin-top: 3rem; color: #666; font-size: .85rem; }
"""


def save_page(
    path: Path,
    title: str,
    *,
    facts: Sequence[str] = (),
    notes: Sequence[str] = (),
    tables: Mapping[str, Table] = MappingProxyType({}),
    figures: Mapping[str, Figure] = MappingProxyType({}),
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
    """
    parts = [f"<h1>{escape(title)}</h1>"]
    parts += [f"<p>{escape(fact)}</p>" for fact in facts]
    parts += [f'<p class="note">{escape(note)}</p>' for note in notes]
    for heading, (header, rows) in tables.items():
        parts += [f"<h2>{escape(heading)}</h2>", "<table><thead>", _row(header, "th"), "</thead><tbody>"]
        parts += [_row(row, "td") for row in rows]
        parts.append("</tbody></table>")
    for heading, figure in figures.items():
        drawing = as_svg(figure, heading)
        parts += [f"<h2>{escape(heading)}</h2>", drawing[drawing.index("<svg") :]]
    parts.append(f"<footer>{escape(RESEARCH_USE)}</footer>")
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        "<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )
    with whole_file(path) as new:
        new.write_text(page, encoding="utf-8")


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


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
