"""An archive by DIMSE: C-ECHO, C-FIND, C-GET, C-MOVE, C-STORE and storage commitment (PS3.4, PS3.7)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pydicom
from pydicom import uid as uids
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from napari_lesion.dicom.read.codecs import SUPPORTED
from napari_lesion.pacs import engines
from napari_lesion.pacs.association import (
    COMMITMENT,
    MOST_CONTEXTS,
    VERIFICATION,
    Offer,
    answers_of,
    associated,
    checked,
    failure,
)
from napari_lesion.pacs.nodes import Local, Node
from napari_lesion.pacs.receiver import Receiver
from napari_lesion.pacs.records import (
    MOST_STUDIES,
    SERIES_KEYWORDS,
    STUDY_KEYWORDS,
    Instance,
    Keep,
    Query,
    Sent,
    SeriesRecord,
    StudyRecord,
    newest_first,
    series_record,
    study_record,
    text,
)
from napari_lesion.support.errors import PacsError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.uids import is_uid
from napari_lesion.support.vault import lies_sealed, open_file

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
_PLAIN = (uids.ExplicitVRLittleEndian, uids.ImplicitVRLittleEndian)
#: What we ask to be sent as it is stored: one context each, for an archive chooses one syntax of a context.
SYNTAXES: tuple[str, ...] = (
    *map(str, _PLAIN),
    str(uids.DeflatedExplicitVRLittleEndian),
    str(uids.ExplicitVRBigEndian),
    *sorted(SUPPORTED),
)
#: Assumed of series whose archive does not say of what class its instances are.
_CLASSES = {
    "CT": (uids.CTImageStorage, uids.EnhancedCTImageStorage),
    "MR": (uids.MRImageStorage, uids.EnhancedMRImageStorage),
    "PT": (uids.PositronEmissionTomographyImageStorage,),
    "SEG": (uids.SegmentationStorage,),
    "SR": (uids.Comprehensive3DSRStorage, uids.ComprehensiveSRStorage, uids.EnhancedSRStorage, uids.BasicTextSRStorage),
    "KO": (uids.KeyObjectSelectionDocumentStorage,),
    "DOC": (uids.EncapsulatedPDFStorage,),
    "SC": (uids.SecondaryCaptureImageStorage,),
    "OT": (uids.SecondaryCaptureImageStorage,),
}
#: The data set was stored, though not in every letter (PS3.4, B.2.3).
_STORED = (0x0000, 0xB000, 0xB006, 0xB007)
_MOST_UIDS = 100
"""In one request: their list stands in one value."""
_POLL_S = 0.1
_LATE_S = 5.0
"""After a C-MOVE's last answer, waited for what is still on its way."""


class DimseArchive:
    """An archive that is reached by DIMSE.

    Parameters
    ----------
    name : str
        For sentences.
    node : Node
    local : Local
    """

    def __init__(self, name: str, node: Node, local: Local) -> None:
        self.name, self._node, self._local = name, node, local
        self._classes: dict[str, dict[str, str]] = {}
        """By series, the SOP class of each instance that was listed."""
        self._modalities: dict[str, str] = {}

    def echo(self) -> str:
        """Ask whether it is there (C-ECHO)."""
        with self._associated([Offer(VERIFICATION, tuple(map(str, _PLAIN)))]) as association:
            status = association.send_c_echo()
            if checked(status, "answering C-ECHO", self.name) != 0:
                raise failure(status, "answering C-ECHO", self.name)
            title = association.acceptor.implementation_version_name
        made_by = f", {title}" if title else ""
        secured = " by TLS" if self._node.tls else ""
        return f"{self.name}: {self._node.ae_title} at {self._node.host}:{self._node.port} answers{secured}{made_by}."

    def studies(self, query: Query, most: int = MOST_STUDIES) -> list[StudyRecord]:
        """List studies (C-FIND), the latest first; one more than ``most`` where there are more."""
        keys = {**dict.fromkeys(STUDY_KEYWORDS, ""), **query.keys()}
        answers = self._find("STUDY", keys, most + 1)
        return newest_first(study for study in map(study_record, answers) if query.fits(study))

    def series(self, study_uid: str) -> list[SeriesRecord]:
        """List the series of a study (C-FIND)."""
        keys = {**dict.fromkeys(SERIES_KEYWORDS, ""), "StudyInstanceUID": study_uid}
        found = [series_record(answer, study_uid) for answer in self._find("SERIES", keys)]
        self._modalities.update({one.series_uid: one.modality for one in found})
        return found

    def instances(self, study_uid: str, series_uid: str) -> list[str]:
        """List the instances of a series (C-FIND)."""
        keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid, "SOPInstanceUID": "", "SOPClassUID": ""}
        found = {text(one, "SOPInstanceUID"): text(one, "SOPClassUID") for one in self._find("IMAGE", keys)}
        if not all(map(is_uid, found)):
            raise PacsError(f"{self.name}: lists an instance without a SOPInstanceUID in series {series_uid}.")
        self._classes[series_uid] = found
        return list(found)

    def fetch(
        self, study_uid: str, series_uid: str, sop_uids: Iterable[str] | None, keep: Keep, progress: Progress = silent
    ) -> Iterator[str]:
        """Fetch a series, or these instances of it (C-GET or C-MOVE); yield what the archive complains of."""
        listed = list(sop_uids) if sop_uids is not None else None
        parts: list[list[str] | None] = [None]
        if listed is not None:
            parts = [listed[n : n + _MOST_UIDS] for n in range(0, len(listed), _MOST_UIDS)]
        for part in parts:
            keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
            if part is not None:
                keys["SOPInstanceUID"] = "\\".join(part)
            identifier = _identifier("SERIES" if part is None else "IMAGE", keys)
            fetch = self._move if self._node.retrieve == "move" else self._get
            yield from fetch(identifier, series_uid, keep, progress)

    def store(self, instances: Iterable[Instance], progress: Progress = silent) -> Sent:
        """Send files as they are stored (C-STORE), and have them confirmed."""
        files = list(instances)
        sent: list[Instance] = []
        failed: dict[str, str] = {}
        for some, offers in _by_contexts(files):
            with self._associated(offers) as association:
                accepted = {(cx.abstract_syntax, cx.transfer_syntax[0]) for cx in association.accepted_contexts}
                for one in some:
                    progress(len(sent) + len(failed), len(files), "sending files")
                    if (one.sop_class_uid, one.transfer_syntax) not in accepted:
                        failed[one.sop_uid] = self._not_taken(one, accepted)
                        continue
                    status = association.send_c_store(_content(one.path))
                    said = checked(status, f"being sent {one.path.name}", self.name)
                    if said in _STORED:
                        sent.append(one)
                    else:
                        failed[one.sop_uid] = str(failure(status, f"being sent {one.path}", self.name))
        confirmed, unconfirmed, notes = self._confirm(sent, progress)
        progress(len(files), len(files), f"{len(confirmed)} confirmed")
        return Sent(tuple(confirmed), {**failed, **unconfirmed}, tuple(notes))

    # -- asking -------------------------------------------------------------------------------------------------------

    def _associated(self, offers: Sequence[Offer], handlers: Sequence[Any] = ()) -> Any:
        return associated(self._local, self._node, offers, handlers, where=self.name)

    def _find(self, level: str, keys: dict[str, str], most: int | None = None) -> list[Dataset]:
        with self._associated([Offer(_FIND, tuple(map(str, _PLAIN)))]) as association:
            return answers_of(association, _identifier(level, keys), _FIND, where=self.name, most=most)

    # -- fetching -----------------------------------------------------------------------------------------------------

    def _get(self, identifier: Dataset, series_uid: str, keep: Keep, progress: Progress) -> Iterator[str]:
        """Have it sent over our own association; runs on the caller's thread, so that `progress` may end it."""
        pynetdicom = engines.pynetdicom()
        stop: list[BaseException] = []
        came = 0

        def store(event: Any) -> int:
            nonlocal came
            try:
                if stop:
                    return 0xA700
                keep(event.encoded_dataset())
                came += 1
                progress(came, max(len(self._classes.get(series_uid, ())), came), f"fetched {came}")
            except PacsError as error:
                complaints.append(f"{self.name}: an instance was not taken: {error}")
                return 0xC000
            except BaseException as error:  # pynetdicom would make a status of it; here it ends the work
                stop.append(error)
                # No answer any more: pynetdicom aborts as after its timeout, but now. An abort from here would not let
                # this status out, and the timeout would be waited for.
                event.assoc.dimse.msg_queue.put((None, None))
                return 0xA700
            return 0

        complaints: list[str] = []
        offers = [Offer(_GET, tuple(map(str, _PLAIN)))]
        offers += [
            Offer(sop_class, (syntax,), receive=True) for sop_class in self._expected(series_uid) for syntax in SYNTAXES
        ][: MOST_CONTEXTS - 1]
        with self._associated(offers, [(pynetdicom.evt.EVT_C_STORE, store)]) as association:
            status = _last(association.send_c_get(identifier, _GET))
        if stop:
            raise stop[0]
        yield from complaints
        yield from self._complaint(status, "C-GET")

    def _move(self, identifier: Dataset, series_uid: str, keep: Keep, progress: Progress) -> Iterator[str]:
        """Have it sent to a listener of ours; what comes there sets the pace, not the answers."""
        came, lock, last = 0, threading.Lock(), time.monotonic()

        def store(content: bytes, _: str) -> None:
            nonlocal came, last
            keep(content)
            with lock:
                came, last = came + 1, time.monotonic()

        ended: list[Dataset] = []
        expected = len(self._classes.get(series_uid, ()))
        with (
            Receiver(self._local, self._node.titles, store),
            self._associated([Offer(_MOVE, tuple(map(str, _PLAIN)))]) as association,
        ):
            association.dimse_timeout = None  # many archives say nothing until all is done

            def move() -> None:
                ended.append(_last(association.send_c_move(identifier, self._local.ae_title, _MOVE)))

            moving = threading.Thread(target=move, name="C-MOVE", daemon=True)
            moving.start()
            while moving.is_alive():
                moving.join(_POLL_S)
                with lock:
                    progress(came, max(expected, came), f"fetched {came}")
                    silence = time.monotonic() - last
                if silence > self._node.timeout_s:
                    raise PacsError(
                        f"{self.name}: C-MOVE: nothing came for {self._node.timeout_s:.0f} s. Does it know "
                        f"{self._local.ae_title} at our address and port {self._local.port}?"
                    )
            until = time.monotonic() + _LATE_S
            wanted = (
                len(str(identifier.get("SOPInstanceUID", "")).split("\\"))
                if "SOPInstanceUID" in identifier
                else expected
            )
            while came < wanted and ended and _status(ended[0]) == 0 and time.monotonic() < until:
                time.sleep(_POLL_S)
                progress(came, max(expected, came), f"fetched {came}")
        yield from self._complaint(ended[0] if ended else Dataset(), "C-MOVE")

    def _complaint(self, status: Dataset, doing: str) -> Iterator[str]:
        said = _status(status)
        if said is None:
            yield f"{self.name}: {doing} ended without an answer."
        elif said != 0:
            count = status.get("NumberOfFailedSuboperations")
            comment = f", {status.ErrorComment}" if status.get("ErrorComment") else ""
            failed = f", {count} failed" if count else ""
            advice = " It does not know us by this AE title." if said == 0xA801 else ""
            yield f"{self.name}: {doing} ended with status 0x{said:04X}{failed}{comment}.{advice}"

    def _expected(self, series_uid: str) -> list[str]:
        """Which SOP classes a series is of, as far as the archive says."""
        said = [one for one in dict.fromkeys(self._classes.get(series_uid, {}).values()) if one]
        modality = self._modalities.get(series_uid, "")
        return said or [str(one) for one in _CLASSES.get(modality, (*_CLASSES["CT"], *_CLASSES["SC"]))]

    # -- sending ------------------------------------------------------------------------------------------------------

    def _not_taken(self, one: Instance, accepted: set[tuple[str, str]]) -> str:
        others = sorted(uids.UID(syntax).name for kind, syntax in accepted if kind == one.sop_class_uid)
        kind, syntax = uids.UID(one.sop_class_uid).name, uids.UID(one.transfer_syntax).name
        takes = f"; it takes {', '.join(others)}" if others else ""
        return f"{self.name}: does not take {kind} in {syntax}{takes}. {one.path} was not sent."

    def _confirm(self, sent: Sequence[Instance], progress: Progress) -> tuple[list[str], dict[str, str], list[str]]:
        """Find out what it has: by storage commitment where the node is set so, else by a query."""
        if not sent:
            return [], {}, []
        notes: list[str] = []
        if self._node.commitment:
            try:
                promised, refused = self._commit(sent, progress)
                return promised, refused, []
            except PacsError as error:
                notes.append(f"{error} It was asked by a query instead.")
        there: set[str] = set()
        for study_uid, series_uid in dict.fromkeys((one.study_uid, one.series_uid) for one in sent):
            progress(0, 0, "asking what arrived")
            there |= set(self.instances(study_uid, series_uid))
        confirmed = [one.sop_uid for one in sent if one.sop_uid in there]
        lost = f"{self.name}: said that it took it, but does not list it."
        return confirmed, {one.sop_uid: lost for one in sent if one.sop_uid not in there}, notes

    def _commit(self, sent: Sequence[Instance], progress: Progress) -> tuple[list[str], dict[str, str]]:
        """Have it promise to keep them (storage commitment push model, PS3.4 J)."""
        transaction = generate_uid(prefix=None)
        reports: list[Dataset] = []
        request = Dataset()
        request.TransactionUID = transaction
        request.ReferencedSOPSequence = [_reference(one) for one in sent]

        def reported(report: Dataset) -> None:
            if report.get("TransactionUID") == transaction:
                reports.append(report)

        with Receiver(self._local, self._node.titles, _refuse, reported):
            with self._associated([Offer(COMMITMENT, tuple(map(str, _PLAIN)))]) as association:
                status, _ = association.send_n_action(request, 1, COMMITMENT, _COMMITMENT_INSTANCE)
                if checked(status, "asked for storage commitment", self.name) != 0:
                    raise failure(status, "asked for storage commitment", self.name)
            until = time.monotonic() + self._node.timeout_s
            while not reports:
                progress(0, 0, "waiting for the storage commitment")
                if time.monotonic() > until:
                    raise PacsError(
                        f"{self.name}: did not report on the storage commitment within {self._node.timeout_s:.0f} s. "
                        f"Does it reach us at port {self._local.port}?"
                    )
                time.sleep(_POLL_S)
        done = {str(item.ReferencedSOPInstanceUID) for item in reports[0].get("ReferencedSOPSequence") or ()}
        reasons = {
            str(item.ReferencedSOPInstanceUID): int(item.get("FailureReason") or 0)
            for item in reports[0].get("FailedSOPSequence") or ()
        }
        failed = {
            one.sop_uid: f"{self.name}: does not commit itself to keep it (reason 0x{reasons.get(one.sop_uid, 0):04X})."
            for one in sent
            if one.sop_uid not in done or one.sop_uid in reasons
        }
        return [one.sop_uid for one in sent if one.sop_uid not in failed], failed


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def _reference(instance: Instance) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = instance.sop_class_uid
    item.ReferencedSOPInstanceUID = instance.sop_uid
    return item


def _by_contexts(files: Sequence[Instance]) -> Iterator[tuple[list[Instance], list[Offer]]]:
    """Divide files into what one association can offer, each kind in its own syntax."""
    kinds = list(dict.fromkeys((one.sop_class_uid, one.transfer_syntax) for one in files))
    for start in range(0, len(kinds), MOST_CONTEXTS):
        some = kinds[start : start + MOST_CONTEXTS]
        taken = [one for one in files if (one.sop_class_uid, one.transfer_syntax) in some]
        yield taken, [Offer(sop_class, (syntax,)) for sop_class, syntax in some]


def _content(path: Path) -> Dataset | Path:
    """Give what is to be sent of a file: its path or, where it lies sealed, what it holds."""
    if not lies_sealed(path):
        return path
    with open_file(path)[0] as file:
        return pydicom.dcmread(file)


def _status(status: Dataset) -> int | None:
    return int(status.Status) if "Status" in status else None


def _last(answers: Iterable[tuple[Dataset, Dataset | None]]) -> Dataset:
    """Give the last status; an empty one where there was none."""
    status = Dataset()
    for answer in answers:
        status = answer[0]
    return status


def _refuse(_content: bytes, _caller: str) -> None:
    raise PacsError("nothing is received while a storage commitment is waited for")
