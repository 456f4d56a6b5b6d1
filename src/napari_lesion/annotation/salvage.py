"""What is whole of a file of annotations that is not JSON any more: cut off, or damaged in its punctuation."""

from __future__ import annotations

import json
import re
from typing import Any

from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import CHECKSUMS, checksum

_LIST = re.compile(r'"annotations":\s*\[')
_SUMS = re.compile(rf'"{CHECKSUMS}":\s*(\{{[^}}]*\}}?),?')
_BEGIN = re.compile(r'\{\s*"id":')


def salvaged(text: str) -> tuple[dict[str, Any], bool] | None:
    """Take what is whole out of a damaged file.

    Returns
    -------
    content : dict
        What it says besides the annotations, and those annotations that are whole: where its checksums can be read,
        those that fit one; else all that are written to their end.
    sure : bool
        Whether there were checksums.

    None where not even the beginning can be read, that says of what the annotations are.
    """
    sums = _sums(text)
    text = _SUMS.sub("", text, count=1)  # there is a list of that name in it, too
    found = _LIST.search(text)
    if found is None:
        return None
    try:
        content = parse_json(text[: found.start()].rstrip().rstrip(",") + "}")
    except ValueError:
        return None
    if not isinstance(content, dict) or (sums and sums.get("rest") != checksum(content)):
        return None
    listed = None if sums is None else set(map(str, sums.get("annotations", ())))
    whole = []
    for begin in _BEGIN.finditer(text, found.end()):
        one = _value(text, begin.start())
        if isinstance(one, dict) and (listed is None or checksum(one) in listed):
            whole.append(one)
    return {**content, "annotations": whole}, sums is not None


def _sums(text: str) -> dict[str, Any] | None:
    """Read the checksums, where they are whole."""
    found = _SUMS.search(text)
    value = None if found is None else _value(text, found.start(1))
    return value if isinstance(value, dict) and isinstance(value.get("annotations"), list) else None


def _value(text: str, at: int) -> Any:
    try:
        return json.JSONDecoder().raw_decode(text, at)[0]
    except (ValueError, RecursionError):
        return None
