"""A detector that some series are poison to: it crashes, hangs, takes all memory or never ends on them."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fake_scan import FakeDetector

MOST_MB = 1024
_STEP_MB = 32


@dataclass
class PoisonDetector(FakeDetector):
    """Finds what it is given, unless ``poison`` says of a SeriesInstanceUID how it ends the process."""

    poison: Mapping[str, str] = field(default_factory=dict)
    marks: Path | None = None
    """Folder in which it notes what it crashed on, for what crashes ``once``."""

    def detect(self, volume, **options):
        kind = self.poison.get(volume.series.series_uid, "")
        if kind == "once" and not (mark := self.marks / volume.series.series_uid).exists():
            mark.touch()
            kind = "crash"
        if kind == "crash":
            ctypes.string_at(0)
        elif kind == "hang":
            while True:
                time.sleep(1)
        elif kind == "endless":
            while True:
                options["progress"](0, 1, "searching")
        elif kind == "stuck":
            while True:
                options["progress"](0, 1, "searching")
                time.sleep(0.05)
        elif kind == "memory":
            held = []
            while len(held) * _STEP_MB < MOST_MB:
                held.append(b"x" * (_STEP_MB * 2**20))
                time.sleep(0.02)
            while True:
                time.sleep(1)
        elif kind == "bug":
            raise ZeroDivisionError("oops")
        return super().detect(volume, **options)
