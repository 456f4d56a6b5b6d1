"""``findings.json``: the report of one series, its JSON Schema, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_lesion.atomic import whole_file
from napari_lesion.bounded import parse_json
from napari_lesion.errors import ConfigError
from napari_lesion.findings import SCHEMA_VERSION, Report, numbered

FILE_NAME = "findings.json"


def save_report(report: Report, path: Path) -> None:
    """Write a report as JSON, whole or not at all.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has no word for it.
    """
    text = json.dumps(report.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load_report(path: Path) -> Report:
    """Read a ``findings.json``.

    Raises
    ------
    ConfigError
        If the file is not there, is no report, or was written by a later version whose schema is not known.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not JSON ({error}). Run the analysis again.") from error
    return report_from(content, str(path))


def report_from(content: Any, where: str) -> Report:
    """Make a report of this version out of parsed JSON, which an earlier version may have written.

    Parameters
    ----------
    content : object
        What the JSON says.
    where : str
        Names its place in errors.

    Raises
    ------
    ConfigError
        If it is no report, or was written by a later version whose schema is not known.
    """
    version = str(content.get("schema_version", "")) if isinstance(content, dict) else ""
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        said = f"has schema version {version}" if version else "has no schema_version"
        raise ConfigError(f"{where}: {said}, and this program reads {SCHEMA_VERSION}. Is it a findings.json?")
    try:
        report = Report.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{where}: not a valid report ({error.error_count()} problems; the first: {field}: {first['msg']})."
        ) from error
    # What an earlier version did not write has its default now, so that this is a report of this version.
    return numbered(report.model_copy(update={"schema_version": SCHEMA_VERSION}))


def report_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of ``findings.json``, as published in ``docs/findings.schema.json``."""
    schema = Report.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:napari-lesion:findings:{SCHEMA_VERSION}",
        **schema,
        "title": "napari-lesion findings",
    }
