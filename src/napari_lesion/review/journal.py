"""The journal of a review: every change is on disk before the next one, so a crash loses nothing.

One file a scan in the platform's state folder, JSON lines, only ever appended to. A line with ``journal`` starts a
review and holds the report that it starts from; each line after it is a ``change``, an ``undo`` or a ``redo``, or what
was ``measured`` or ``compared``. The last review in the file counts. The name of the patient is not in it, and of dates
only those of priors that were compared.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_lesion.model.compared import Comparison
from napari_lesion.model.findings import Report, may_be_of
from napari_lesion.model.volume import SeriesIdentity, Volume
from napari_lesion.report.json import report_from
from napari_lesion.review.review import Measured, Provenance, Review, ReviewChange, step, steps
from napari_lesion.security import audit
from napari_lesion.security.roles import May, require
from napari_lesion.support.bounded import parse_json
from napari_lesion.support.checksums import seal
from napari_lesion.support.errors import ConfigError, OutputError, ReviewError
from napari_lesion.support.journal_file import JournalFile, is_there, move, read_lines

VERSION = 4
SEALED = 3
"""Since this version, every line is sealed to those before it (`checksums.seal`), from the first of its review on."""
STATE_VARIABLE = "NAPARI_LESION_STATE"
"""Environment variable that puts the state folder elsewhere."""
HEATMAP = ".heatmap.npz"
"""What the name of the heatmap that goes with a journal ends with."""
_HEADER = b'{"journal"'
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "napari-lesion/review")


def state_folder() -> Path:
    """Folder in which the program keeps what it must not forget."""
    if override := os.environ.get(STATE_VARIABLE):
        return Path(override)
    from platformdirs import user_state_path

    return user_state_path("napari-lesion", appauthor=False)


def journal_path(volume: Volume) -> Path:
    """Where the journal of a scan is; two volumes of one series have one each."""
    uid = volume.series.series_uid
    name = uid if re.fullmatch(r"[0-9A-Za-z.]{1,64}", uid) else _digest(uid)
    return state_folder() / "reviews" / f"{name}-{volume.stack}.jsonl"


def take_over_earlier(volume: Volume) -> None:
    """Give a scan the journal that an earlier version kept by its first image alone, unless it is of another stack.

    The stacks of a multiframe image had one journal then, and so had images without a place in the patient.
    """
    place = journal_path(volume)
    first = min((instance.sop_instance_uid for instance in volume.instances), default="")
    earlier = place.with_name(f"{place.name.rpartition('-')[0]}-{_digest(first)}.jsonl")
    if earlier == place or is_there(place) or not earlier.exists():
        return
    journal = Journal(earlier, volume.series)
    try:
        review = journal.recover()
    finally:
        journal.close()
    if review is not None and may_be_of(review.start, volume):
        move(earlier, place)
        heatmap = earlier.with_suffix(HEATMAP)
        if heatmap.exists():
            heatmap.replace(place.with_suffix(HEATMAP))


def run_id(report: Report) -> str:
    """Id of the run that made a report: the same however often the report is saved and opened."""
    return str(uuid.uuid5(_NAMESPACE, f"{report.series_uid}/{report.model.sha256}/{report.created}"))


class Journal:
    """Writes the review of one scan down, and reads it back.

    Parameters
    ----------
    path : Path
        See `journal_path`.
    series : SeriesIdentity
        Of the scan; it is not written.

    Raises
    ------
    ConfigError
        If another window holds this journal, or the folder cannot be written.
    """

    def __init__(self, path: Path, series: SeriesIdentity) -> None:
        self.path = path
        self.warning = ""
        """What was damaged, as a sentence; nothing where all was whole."""
        self._series = series
        self._file = JournalFile(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = FileLock(f"{path}.lock", mode=0o600)
            self._lock.acquire(blocking=False)
        except Timeout as error:
            raise ReviewError(
                f"series {series.series_uid} is being reviewed in another window. Close the scan there first."
            ) from error
        except OSError as error:
            raise OutputError(
                f"{path}: cannot be written ({error.strerror}), so a crash would lose the review. Make room or set "
                f"{STATE_VARIABLE} to a folder that can be written."
            ) from error

    def close(self) -> None:
        """Let another window have the journal."""
        self._lock.release()

    def recover(self) -> Review | None:
        """Read the review as it was left; None if there is none.

        Where a line is damaged or was cut off, the review comes back as it was before that line, `warning` says so, and
        the file as it was is kept beside the one that goes on.

        Raises
        ------
        ConfigError
            If nothing of the review can come back: its first line is damaged, is of another series, or was written by
            a later version.
        """
        if not is_there(self.path):
            return None
        self.warning = ""
        found = read_lines(self.path)
        lines = found.whole
        begin = max((number for number, line in enumerate(lines) if line.startswith(_HEADER)), default=None)
        if begin is None:
            if lines:
                raise ReviewError(f"{self.path}: line 1 is damaged (no review begins there).")
            self._go_on_from((), "" if found.how == "torn" else found.missing, None)
            return None
        report, last, sealed = self._report(lines[begin], begin + 1)
        review, wrong, good = Review(report), "", len(lines)
        for number, line in enumerate(lines[begin + 1 :], begin + 1):
            try:
                entry, last = _unsealed(line, last, sealed)
                following = _next(review, entry)
                _ = following.findings  # fails where the line does not fit those before it
            except (ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
                wrong, good = f"line {number + 1} is damaged ({error})", number
                break
            review = following
        if wrong or found.missing:
            self._go_on_from(lines[:good], wrong or found.missing, review)
        return review

    def _go_on_from(self, lines: Sequence[bytes], wrong: str, review: Review | None) -> None:
        """Keep a damaged journal beside, and go on with the lines before the damage."""
        try:
            aside = self._file.go_on_from(lines)
        except OSError as error:
            raise OutputError(f"{self.path}: {wrong}, and it cannot be written anew ({error.strerror}).") from error
        if not wrong:  # a crash before the first line
            return
        back = "Nothing of the review is left."
        if review is not None:
            back = f"The review is back as it was before that, with {len(review.changes)} changes."
        kept = f" What came later is at most in the file as it was, which is kept as {aside.name}." if aside else ""
        self.warning = f"{self.path}: {wrong}. {back}{kept}"

    def begin(self, review: Review, by: Provenance) -> None:
        """Start to write a review; earlier ones stay in the file, unread."""
        report = review.start
        header = {
            "journal": VERSION,
            "run": run_id(report),
            "series_uid": report.series_uid,
            "model_sha256": report.model.sha256,
            "time": by.time,
            "report": report.model_dump(mode="json", exclude={"series"}),
        }
        self._note_change("begins", by)
        self._append([header], anew=True)
        self.record(Review(report), review, by)

    def record(self, old: Review, new: Review, by: Provenance) -> None:
        """Write what leads from one state to the next; when this returns, it is on the disk."""
        lines: list[dict[str, Any]] = []
        for change in steps(old, new):
            if change is None:
                lines.append({"undo": {"time": by.time, "reader": by.reader}})
            elif old.undone and old.undone[-1] == change:
                lines.append({"redo": change.model_dump(mode="json"), "time": by.time, "reader": by.reader})
            else:
                lines.append({"change": change.model_dump(mode="json")})
            old = step(old, change)
        if lines:
            self._note_change(f"{len(lines)} changes", by)
        news = new.measured[len(old.measured) :]
        lines += [{"measured": one.model_dump(mode="json")} for one in news]
        updated = new.updated[len(old.updated) :]
        lines += [{"compared": one.model_dump(mode="json")} for one in updated]
        if replace(old, measured=(*old.measured, *news), updated=(*old.updated, *updated)) != new:
            raise ReviewError("These are not states of one review: no undo, redo or change leads from one to the other")
        self._append(lines)

    def _note_change(self, what: str, by: Provenance) -> None:
        who = self._series
        audit.record(
            audit.Action.CHANGE,
            patient_id=who.patient_id,
            study_uid=who.study_uid,
            objects=(who.series_uid,),
            detail=f"review: {what}",
            reader=by.reader,
        )

    def set_aside(self) -> Path:
        """Move a damaged journal out of the way, so that a new one can be written; nothing is deleted."""
        return self._file.set_aside()

    def _append(self, lines: Sequence[dict[str, Any]], *, anew: bool = False) -> None:
        require(May.REVIEW, self.path)
        try:
            self._file.append(lines, anew=anew)
        except OSError as error:
            raise OutputError(
                f"{self.path}: the last change could not be written down ({error.strerror}). Make room, then save."
            ) from error

    def _report(self, line: bytes, number: int) -> tuple[Report, str, bool]:
        """Read the report that a review begins with, its seal, and whether the lines after it are all sealed."""
        where = f"{self.path}: line {number}"
        try:
            header = parse_json(line)
            version, content = header["journal"], {**header["report"], "series": self._series.model_dump()}
        except (ValueError, KeyError, TypeError) as error:
            raise ReviewError(f"{where} is damaged ({error}).") from error
        if version > VERSION:
            raise ReviewError(f"{where} was written by a later version of this program (journal {version}).")
        try:
            _, last = _unsealed(line, "", version >= SEALED)
        except ValueError as error:
            raise ReviewError(f"{where} is damaged ({error}).") from error
        if content["series_uid"] != self._series.series_uid:
            raise ReviewError(f"{where} is of series {content['series_uid']}, not {self._series.series_uid}.")
        return report_from(content, where), last, version >= SEALED


def _unsealed(line: bytes, before: str, needed: bool) -> tuple[dict[str, Any], str]:
    """Parse a line, and get its seal.

    Raises
    ------
    ValueError
        If the line is none, or its seal does not fit or is missing where one is needed.
    """
    entry = parse_json(line)
    if not isinstance(entry, dict):
        raise ValueError("it is no record")
    said = entry.pop("seal", None)
    if said is None and not needed and not before:
        return entry, ""
    if said != (found := seal(before, entry)):
        raise ValueError("its checksum does not fit")
    return entry, found


def _next(review: Review, line: dict[str, Any]) -> Review:
    if "measured" in line:
        return replace(review, measured=(*review.measured, Measured.model_validate(line["measured"])))
    if "compared" in line:
        return replace(review, updated=(*review.updated, Comparison.model_validate(line["compared"])))
    change = None if "undo" in line else ReviewChange.model_validate(line["redo"] if "redo" in line else line["change"])
    return step(review, change)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
