"""An archive by DICOMweb: QIDO-RS, WADO-RS in the stored transfer syntax, STOW-RS (PS3.18)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from napari_lesion.pacs import engines
from napari_lesion.pacs.association import CONNECT_S
from napari_lesion.pacs.nodes import Node
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
from napari_lesion.pacs.storage import DAMAGED
from napari_lesion.support.errors import PacsError
from napari_lesion.support.progress import Progress, silent
from napari_lesion.support.uids import is_uid
from napari_lesion.support.vault import read_bytes

#: As it is stored: without it, servers decompress everything.
_STORED = (("application/dicom", "*"),)
_PAGE = 1000
_BATCH_BYTES = 64 * 2**20
_BATCH_FILES = 50
_REASONS = {
    401: "does not accept our token, or user and password",
    403: "does not allow us this",
    404: "does not know this (is the URL right?)",
    409: "does not allow this in the state that it is in",
    413: "takes no files of this size",
}


class WebArchive:
    """An archive that is reached by DICOMweb.

    Parameters
    ----------
    name : str
        For sentences.
    node : Node
    """

    def __init__(self, name: str, node: Node) -> None:
        self.name, self._node = name, node
        self._client: Any = None

    def echo(self) -> str:
        """Ask whether it is there: for one study."""
        with self._answering("asked whether it is there"):
            self._engine().search_for_studies(limit=1)
        return f"{self.name}: {self._node.dicomweb} answers."

    def studies(self, query: Query, most: int = MOST_STUDIES) -> list[StudyRecord]:
        """List studies (QIDO-RS), the latest first; one more than ``most`` where there are more."""

        def search(limit: int, offset: int) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self._engine().search_for_studies(
                fields=list(STUDY_KEYWORDS), search_filters=query.keys(), limit=limit, offset=offset
            )
            return found

        answers = self._pages(search, "StudyInstanceUID", most + 1)
        return newest_first(study for study in map(study_record, answers) if query.fits(study))

    def series(self, study_uid: str) -> list[SeriesRecord]:
        """List the series of a study (QIDO-RS)."""

        def search(limit: int, offset: int) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self._engine().search_for_series(
                study_uid, fields=list(SERIES_KEYWORDS), limit=limit, offset=offset
            )
            return found

        return [series_record(answer, study_uid) for answer in self._pages(search, "SeriesInstanceUID")]

    def instances(self, study_uid: str, series_uid: str) -> list[str]:
        """List the instances of a series (QIDO-RS)."""

        def search(limit: int, offset: int) -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self._engine().search_for_instances(
                study_uid, series_uid, limit=limit, offset=offset
            )
            return found

        found = [text(answer, "SOPInstanceUID") for answer in self._pages(search, "SOPInstanceUID")]
        if not all(map(is_uid, found)):
            raise PacsError(f"{self.name}: lists an instance without a SOPInstanceUID in series {series_uid}.")
        return found

    def fetch(
        self, study_uid: str, series_uid: str, sop_uids: Iterable[str] | None, keep: Keep, progress: Progress = silent
    ) -> Iterator[str]:
        """Fetch a series, or these instances of it (WADO-RS); yield what the archive complains of."""
        engine, came = self._engine(), 0
        wanted = None if sop_uids is None else list(sop_uids)
        sources: list[Callable[[], Iterable[Dataset]]]
        if wanted is None:
            sources = [lambda: engine.iter_series(study_uid, series_uid, media_types=_STORED)]
        else:
            sources = [_one(engine, study_uid, series_uid, uid) for uid in wanted]
        for source in sources:
            try:
                with self._answering("sending instances"):
                    for instance in source():
                        content = _as_stored(instance)
                        try:
                            keep(content)
                        except PacsError as error:
                            yield f"{self.name}: an instance was not taken: {error}"
                            continue
                        came += 1
                        progress(came, max(came, len(wanted or ())), f"fetched {came}")
            except PacsError as error:
                yield str(error)

    def store(self, instances: Iterable[Instance], progress: Progress = silent) -> Sent:
        """Send files as they are stored (STOW-RS), into their own studies, and ask whether they are there."""
        files, done = list(instances), 0
        failed: dict[str, str] = {}
        for batch in _batches(files):
            progress(done, len(files), "sending files")
            failed.update(self._stow(batch))
            done += len(batch)
        there: set[str] = set()
        for study_uid, series_uid in dict.fromkeys((one.study_uid, one.series_uid) for one in files):
            progress(done, len(files), "asking what arrived")
            there |= set(self.instances(study_uid, series_uid))
        for one in files:
            if one.sop_uid not in there:
                failed.setdefault(one.sop_uid, f"{self.name}: said that it took it, but does not list it.")
        confirmed = tuple(one.sop_uid for one in files if one.sop_uid not in failed)
        progress(len(files), len(files), f"{len(confirmed)} confirmed")
        return Sent(confirmed, failed)

    def request(self, method: str, path: str, doing: str, **options: Any) -> Any:
        """Ask something else below the URL, as who we are to it; give the answer of requests.

        Raises
        ------
        PacsError
            If it cannot be asked, or refuses.
        """
        self._engine()
        with self._answering(doing):
            answer = self._http.request(
                method,
                f"{self._node.dicomweb}{path}",
                headers={"Accept": "application/dicom+json", "Content-Type": "application/dicom+json"},
                timeout=(CONNECT_S, self._node.timeout_s),
                **options,
            )
            answer.raise_for_status()
        return answer

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _engine(self) -> Any:
        if self._client is None:
            web = engines.dicomweb_client()
            self._client = web.DICOMwebClient(
                self._node.dicomweb, session=self._session(), timeout=(CONNECT_S, self._node.timeout_s)
            )
            # It would ask five times, for half a minute, also where there is no server or a certificate is wrong. Who
            # fetches asks a second time for what is missing, and the listener has a queue.
            self._client.set_http_retry_params(retry=False)
        return self._client

    def _session(self) -> Any:
        import requests

        session = requests.Session()
        # What stands in the environment (CA bundles, proxies, .netrc) would go before what the node says.
        session.trust_env = False
        tls = self._node.tls
        if tls is not None:
            if tls.ca is not None:
                session.verify = str(tls.ca.expanduser())
            if tls.certificate is not None and tls.key is not None:
                tls.client_context()  # says what is wrong with them, as a sentence
                session.cert = (str(tls.certificate.expanduser()), str(tls.key.expanduser()))
        if self._node.token is not None:
            session.headers["Authorization"] = f"Bearer {self._node.token.reveal().get_secret_value()}"
        elif self._node.user is not None and self._node.password is not None:
            session.auth = (self._node.user, self._node.password.reveal().get_secret_value())
        self._http = session
        return session

    def _pages(
        self, ask: Callable[[int, int], list[dict[str, Any]]], keyword: str, most: int | None = None
    ) -> list[Dataset]:
        """Ask page by page until nothing new comes: servers cut lists off, and some leave the offset out of account."""
        found: dict[str, Dataset] = {}
        while most is None or len(found) < most:
            limit = _PAGE if most is None else min(_PAGE, most - len(found))
            with self._answering("searching"):
                page = [Dataset.from_json(one) for one in ask(limit, len(found))]
            new = {text(one, keyword): one for one in page} if page else {}
            if not new.keys() - found.keys():
                break
            found.update(new)
        return list(found.values())

    def _stow(self, batch: Sequence[Instance]) -> dict[str, str]:
        """Send some files of one study; say which it did not take, and why."""
        self._engine()
        boundary = f"part-{uuid.uuid4().hex}"
        body = BytesIO()
        for one in batch:
            body.write(f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode())
            body.write(read_bytes(one.path))
            body.write(b"\r\n")
        body.write(f"--{boundary}--\r\n".encode())
        headers = {
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
            "Accept": "application/dicom+json",
        }
        with self._answering("being sent files"):
            # With its length, not in chunks: some servers answer 200 to those, and store nothing.
            answer = self._http.post(
                f"{self._node.dicomweb}/studies/{batch[0].study_uid}",
                data=body.getvalue(),
                headers=headers,
                timeout=(CONNECT_S, self._node.timeout_s),
            )
            if answer.status_code not in (200, 202, 409):
                answer.raise_for_status()
            try:
                said = Dataset.from_json(answer.json()) if answer.content else Dataset()
            except (ValueError, KeyError, TypeError):
                said = Dataset()
        refused = {}
        for item in said.get("FailedSOPSequence") or ():
            reason = f"0x{int(item.get('FailureReason') or 0):04X}"
            refused[text(item, "ReferencedSOPInstanceUID")] = f"{self.name}: did not take it (reason {reason})."
        if answer.status_code == 409 and not refused:
            return {one.sop_uid: f"{self.name}: did not take it (409 {answer.reason})." for one in batch}
        return refused

    @contextmanager
    def _answering(self, doing: str) -> Iterator[None]:
        """Make sentences of what goes wrong; they quote no URL, for what was searched for stands in it."""
        import requests

        try:
            yield
        except requests.exceptions.SSLError as error:
            raise PacsError(f"{self.name}: TLS failed while {doing}: {_innermost(error)}.") from error
        except requests.exceptions.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            why = _REASONS.get(status, "refused")
            raise PacsError(f"{self.name}: {why} (HTTP status {status}, while {doing}).") from error
        except requests.exceptions.Timeout as error:
            raise PacsError(
                f"{self.name}: did not answer within {self._node.timeout_s:.0f} s while {doing}."
            ) from error
        except requests.exceptions.RequestException as error:
            raise PacsError(
                f"{self.name}: {self._node.dicomweb} cannot be reached while {doing} ({_innermost(error)})."
            ) from error
        except DAMAGED as error:
            raise PacsError(f"{self.name}: answered something that is no DICOM ({type(error).__name__}).") from error


def _one(engine: Any, study_uid: str, series_uid: str, sop_uid: str) -> Callable[[], Iterable[Dataset]]:
    return lambda: [engine.retrieve_instance(study_uid, series_uid, sop_uid, media_types=_STORED)]


def _as_stored(instance: Dataset) -> bytes:
    """Write an instance as it came: nothing of it was decoded, so that its values are the same bytes."""
    content = BytesIO()
    pydicom.dcmwrite(content, instance, enforce_file_format=True)
    return content.getvalue()


def _batches(files: Sequence[Instance]) -> Iterator[list[Instance]]:
    """Divide files into requests of one study each, of a size that servers take."""
    batch: list[Instance] = []
    size = 0
    for one in files:
        length = one.path.stat().st_size
        full = len(batch) >= _BATCH_FILES or size + length > _BATCH_BYTES
        if batch and (full or one.study_uid != batch[0].study_uid):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += length
    if batch:
        yield batch


def _innermost(error: BaseException) -> str:
    """Name the reason at the bottom of requests' tower of errors, without the URL."""
    while True:
        inner = getattr(error, "reason", None) or next(
            (one for one in error.args if isinstance(one, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            return getattr(error, "strerror", None) or getattr(error, "verify_message", "") or type(error).__name__
        error = inner
