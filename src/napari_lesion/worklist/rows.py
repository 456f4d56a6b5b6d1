"""How studies and series lie in the worklist's tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.worklist.arrivals import Arrival
from napari_lesion.worklist.studies import Series
from napari_lesion.worklist.study_findings import Found

VERSIONS = (
    """
CREATE TABLE places (path TEXT PRIMARY KEY);
CREATE TABLE series (
    place TEXT NOT NULL,
    name TEXT NOT NULL,
    study TEXT NOT NULL,
    study_uid TEXT NOT NULL,
    identity TEXT NOT NULL,
    found TEXT NOT NULL,
    at REAL NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    folder TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (place, name)
);
CREATE INDEX series_of_study ON series (study);
CREATE INDEX series_of_uid ON series (study_uid);
CREATE TABLE studies (
    id TEXT PRIMARY KEY,
    arrived REAL NOT NULL,
    priority TEXT NOT NULL DEFAULT 'ROUTINE',
    version TEXT NOT NULL,
    read_version TEXT NOT NULL DEFAULT '',
    read_at REAL,
    read_by TEXT NOT NULL DEFAULT '',
    holder TEXT NOT NULL DEFAULT '',
    held_since REAL,
    held_until REAL NOT NULL DEFAULT 0,
    held_version TEXT NOT NULL DEFAULT ''
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    study TEXT NOT NULL,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX events_of_study ON events (study)
""",
    "ALTER TABLE studies ADD COLUMN seat TEXT NOT NULL DEFAULT ''",
)
"""What made the tables of each version."""


def latest(rows: Sequence[Any]) -> list[Any]:
    """Of results of one series in several places, keep the latest."""
    best: dict[str, Any] = {}
    for row in rows:
        identity = json.loads(row["identity"])
        name = Path(row["folder"]).name or identity["series_uid"]
        if name not in best or row["at"] > best[name]["at"]:
            best[name] = row
    return list(best.values())


def name_in_place(one: Arrival, place: Path) -> str:
    """Name a series among those of a place."""
    if one.folder is not None:
        return one.folder.relative_to(place).as_posix()
    return f"/{one.study}/{one.identity.series_uid}"


def arrival_of(row: Any) -> Arrival:
    """Read a row as what arrived."""
    one = series_of(row)
    return Arrival(one.identity, one.found, row["at"], row["version"], one.folder, one.source)


def series_of(row: Any) -> Series:
    """Read a row as a series of a study."""
    return Series(
        SeriesIdentity.model_validate_json(row["identity"]),
        Found.model_validate_json(row["found"]),
        Path(row["folder"]) if row["folder"] else None,
        Path(row["source"]) if row["source"] else None,
    )
