"""Faces: which scans may show one."""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

NOTE = "a head scan shows a face, which can be recognised"
_PARTS = frozenset({"HEAD", "BRAIN", "SKULL", "FACE", "NECK", "HEADNECK", "SINUS", "ORBIT", "JAW", "WHOLEBODY"})
_WORDS = re.compile(
    r"\b(head|brain|skull|cerebr\w*|crani\w*|face|facial|sinus\w*|orbit\w*|mandib\w*|maxill\w*|dental|stroke|"
    r"neck|kopf|sch[aä]del\w*|gesicht|hals|nnh)\b",
    re.IGNORECASE,
)
_DESCRIPTIONS = ("StudyDescription", "SeriesDescription", "ProtocolName", "RequestedProcedureDescription")


def note_of(dataset: Dataset) -> str | None:
    """Give the sentence to read before a scan leaves, where its body part or descriptions say that it shows a head."""
    part = str(dataset.get("BodyPartExamined", "")).strip().upper()
    named = " ".join(str(dataset.get(name, "")) for name in _DESCRIPTIONS)
    return NOTE if part in _PARTS or "HEAD" in part or _WORDS.search(named) else None
