"""``index.html``: what became of every series of a folder of results, failures first; it needs no network."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from napari_lesion.model.findings import RESEARCH_USE
from napari_lesion.model.volume import readable_date
from napari_lesion.report.ledger import LedgerEntry, State
from napari_lesion.report.page import save_page
from napari_lesion.report.summary import Cells, SeriesOutcome, cells
from napari_lesion.support.plain import one_line

FILE_NAME = "index.html"
OVERVIEW = "overview.png"
MOST_THUMBNAILS = 2000
"""On one page: more would make it slow to open. The pictures of the others are behind their links."""
_ORDER: tuple[State, ...] = ("quarantined", "failed", "leased", "queued", "done", "skipped")
_SIZE = (128, 96)
_QUALITY = 65
_LINKS = {
    "overview.png": "overview",
    "findings.json": "findings",
    "report.html": "report",
    "report.pdf": "PDF",
    "findings.csv": "CSV",
    "structured_report.dcm": "SR",
    "segmentation.dcm": "SEG",
    "key_images.dcm": "key images",
    "heatmap.nii.gz": "heatmap",
}


@dataclass(frozen=True)
class SeriesRow:
    """A line of the page.

    Attributes
    ----------
    cells : mapping
        As ``summary.csv`` has them.
    thumbnail : bytes
        JPEG; empty where there is none.
    links : tuple of (str, str)
        Address and words.
    """

    state: State
    cells: Cells
    thumbnail: bytes = b""
    key: str = ""
    links: tuple[tuple[str, str], ...] = ()
    attempts: int = 0
    exit_code: int | None = None
    peak_memory_mb: float | None = None
    seconds: float | None = None

    @property
    def date(self) -> str:
        """Date of the study."""
        return readable_date(self.cells["study_date"]) if self.cells["study_date"] else ""


def save_index(
    out: Path,
    rows: Iterable[Cells],
    entries: Iterable[LedgerEntry],
    thumbnails: Mapping[str, bytes],
    shown: Callable[[Cells], Cells] = dict,
) -> None:
    """Write the page, whole or not at all; only the user may read it, for it names patients.

    Parameters
    ----------
    out : Path
        The folder of the results.
    rows : iterable of Cells
        Of ``summary.csv``: of results that the ledger knows nothing of, as older versions left them.
    entries : iterable of LedgerEntry
        Of the ledger.
    thumbnails : mapping
        JPEG by key of the entry.
    shown : callable
        Takes out of a row what is not to be shown.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    entries = list(entries)
    known = {entry.folder for entry in entries if entry.folder}
    unknown = [row for row in rows if row["folder"] and row["folder"] not in known]
    lines = [*(_of_entry(out, entry, shown) for entry in entries), *(_of_row(out, shown(row)) for row in unknown)]
    lines.sort(key=lambda line: _ORDER.index(line.state))
    counts = Counter(line.state for line in lines)
    values = {
        "title": "Results",
        "rows": [
            replace(line, thumbnail=thumbnails.get(line.key, b"") if number < MOST_THUMBNAILS else b"")
            for number, line in enumerate(lines)
        ],
        "counts": [(state, counts[state]) for state in _ORDER if counts[state]],
        "now": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "research_use": RESEARCH_USE,
    }
    save_page(out / FILE_NAME, "index.html", values)


def thumbnail(folder: Path) -> bytes:
    """Make the overview of a folder of results small; empty where there is none that can be read."""
    from PIL import Image

    try:
        with Image.open(folder / OVERVIEW) as picture:
            small = picture.convert("RGB")
            small.thumbnail(_SIZE)
            jpeg = io.BytesIO()
            small.save(jpeg, "JPEG", quality=_QUALITY)
    except (OSError, ValueError):
        return b""
    return jpeg.getvalue()


def _of_entry(out: Path, entry: LedgerEntry, shown: Callable[[Cells], Cells]) -> SeriesRow:
    outcome = entry.outcome or SeriesOutcome(entry.series_uid, "failed")
    row = _plain(shown({**cells(outcome), "reason": entry.reason}))
    return SeriesRow(
        entry.state,
        row,
        key=entry.key,
        links=_links(out, row["folder"]),
        attempts=entry.attempts,
        exit_code=entry.exit_code,
        peak_memory_mb=entry.peak_memory_mb,
        seconds=entry.seconds,
    )


def _of_row(out: Path, row: Cells) -> SeriesRow:
    state: State = "done" if row["status"] == "done" else "skipped" if row["status"] == "skipped" else "failed"
    return SeriesRow(state, _plain(row), links=_links(out, row["folder"]))


def _plain(row: Cells) -> Cells:
    """Take out what a page cannot show."""
    return {name: one_line(text) for name, text in row.items()}


def _links(out: Path, folder: str) -> tuple[tuple[str, str], ...]:
    """Addresses of what is in a folder, with words."""
    if not folder:
        return ()
    try:
        there = {entry.name for entry in os.scandir(out / folder)}
    except OSError:
        return ()
    return tuple((f"{quote(folder)}/{name}", words) for name, words in _LINKS.items() if name in there)
