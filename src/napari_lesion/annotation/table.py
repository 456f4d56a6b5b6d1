"""Tables (CSV), whole or not at all."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from napari_lesion.atomic import whole_file


def save_rows(columns: Sequence[str], rows: Iterable[Mapping[str, object]], path: Path) -> None:
    """Write rows; a column that a row does not have stays empty."""
    with whole_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
