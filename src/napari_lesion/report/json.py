"""``findings.json``: the report of one series, its JSON Schema, and the way back.

The file carries a checksum for each finding and one for the rest. A file without any, of an earlier version or of
another program, is read as it is; one whose checksums do not fit is not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from napari_lesion.model.findings import SCHEMA_VERSION, Report, numbered
from napari_lesion.support.atomic import whole_file
from napari_lesion.support.bounded import is_finite, parse_json
from napari_lesion.support.checksums import CHECKSUMS, checksums_of, damage
from napari_lesion.support.errors import InputFileError
from napari_lesion.support.vault import read_text

FILE_NAME = "findings.json"


def save_report(report: Report, path: Path) -> None:
    """Write a report as JSON, whole or not at all; only the user may read the file, for it names the patient.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has no word for it.
    """
    content = report.model_dump(mode="json")
    text = json.dumps(
        {**content, CHECKSUMS: checksums_of(content, "findings")}, indent=2, ensure_ascii=False, allow_nan=False
    )
    with whole_file(path, private=True) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load_report(path: Path) -> Report:
    """Read a ``findings.json``.

    Raises
    ------
    InputFileError
        If the file is not there, is no report, was written by a later version whose schema is not known, or is not as
        it was written.
    """
    try:
        content = parse_json(read_text(path))
    except OSError as error:
        raise InputFileError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise InputFileError(f"{path}: not JSON ({error}). Run the analysis again.") from error
    if wrong := damage(content, "findings"):
        raise InputFileError(
            f"{path}: {wrong.problem}, so it was damaged or edited after it was written. Run the analysis again; if "
            f'you edited it on purpose, take "{CHECKSUMS}" out of it.'
        )
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
    InputFileError
        If it is no report, or was written by a later version whose schema is not known.
    """
    version = str(content.get("schema_version", "")) if isinstance(content, dict) else ""
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        said = f"has schema version {version}" if version else "has no schema_version"
        raise InputFileError(f"{where}: {said}, and this program reads {SCHEMA_VERSION}. Is it a findings.json?")
    try:
        report = Report.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputFileError(
            f"{where}: not a valid report ({error.error_count()} problems; the first: {field}: {first['msg']})."
        ) from error
    if not is_finite(report.model_dump()):
        raise InputFileError(f"{where}: not a valid report (a number in it is not finite).")
    # What an earlier version did not write has its default now, so that this is a report of this version.
    return numbered(report.model_copy(update={"schema_version": SCHEMA_VERSION}))


def report_schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of ``findings.json``, as published in ``docs/findings.schema.json``."""
    schema = Report.model_json_schema(mode="serialization")
    schema["properties"][CHECKSUMS] = {
        "description": "SHA-256 of each finding, in their order, and of all the rest; of values, not of bytes.",
        "type": "object",
        "properties": {
            "findings": {"type": "array", "items": {"type": "string"}},
            "rest": {"type": "string"},
        },
        "required": ["findings", "rest"],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:napari-lesion:findings:{SCHEMA_VERSION}",
        **schema,
        "title": "napari-lesion findings",
    }
