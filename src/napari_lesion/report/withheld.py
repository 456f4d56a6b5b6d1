"""Keep what names a patient out of everything but ``findings.json``."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_lesion.model.findings import Report
from napari_lesion.model.volume import SeriesIdentity
from napari_lesion.support.progress import Progress

if TYPE_CHECKING:
    from napari_lesion.dicom.index.series import Series

#: Of a series, what names the patient or is free text that may.
FIELDS = (
    *("patient_id", "patient_name", "patient_birth_date", "accession_number"),
    *("study_description", "series_description"),
)
INSTEAD = "(withheld)"
#: Shorter words are those of sentences, too.
_SHORTEST = 3
#: Packed voxels: no words.
_NO_TEXT = {"mask"}


class Withheld(logging.Filter):
    """Takes out of text what it has learned to name a patient: values of headers, and names of files and folders.

    As a filter of the log it lets messages of this program through, without values and without traces; those of
    libraries quote headers, so they are dropped.
    """

    def __init__(self) -> None:
        super().__init__()
        self._words: set[str] = set()

    def learn_path(self, path: Path) -> None:
        """Learn a path that was given: as a whole and its last name."""
        self._words |= {str(path), str(path.absolute()), path.name, path.stem}

    def learn(self, identity: SeriesIdentity) -> None:
        """Learn what a series says of its patient."""
        values = [getattr(identity, name) for name in FIELDS]
        parts = [part for value in values[:2] for part in re.split(r"[\^=,;\s]+", value)]
        self._words |= {word for word in (*values, *parts) if len(word) >= _SHORTEST}

    def clear(self, text: str, series: Series | None = None, files: Iterable[Path] = ()) -> str:
        """Give a text without what was learned, and without names of a series' or other files."""
        paths = [*files, *(frame.file.path for frame in series.frames)] if series is not None else list(files)
        names = {part for path in paths for part in (str(path), path.name, path.stem, path.parent.name)}
        lower = text.casefold()
        found = [word for word in {*self._words, *names} if len(word) >= _SHORTEST and word.casefold() in lower]
        for word in sorted(found, key=len, reverse=True):
            text = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", INSTEAD, text, flags=re.IGNORECASE)
        return text

    def report(self, report: Report) -> Report:
        """Give a report that names nobody, for pages and pictures."""
        content = self._cleared(report.model_dump(mode="json"))
        content["series"] |= dict.fromkeys(FIELDS, "")
        content["series_uid"] = content["series"]["series_uid"] = report.series_uid
        return Report.model_validate(content)

    def progress(self, progress: Progress) -> Progress:
        """Make a scale whose texts name nobody."""
        return lambda done, total, what: progress(done, total, self.clear(what))

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a message of this program through, without values and without its trace."""
        record.msg, record.args, record.exc_info, record.exc_text = self.clear(record.getMessage()), (), None, None
        return record.name.startswith("napari_lesion")

    def _cleared(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clear(value)
        if isinstance(value, list):
            return [self._cleared(one) for one in value]
        if isinstance(value, dict):
            return {name: one if name in _NO_TEXT else self._cleared(one) for name, one in value.items()}
        return value
