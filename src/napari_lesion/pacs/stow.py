"""Instances out of a STOW-RS request (PS3.18, 10.5), one after the other, and the answer about what became of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from napari_lesion.support.errors import PacsError

_BLOCK = 2**18
_MOST_HEADER = 16 * 2**10
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,200})"|([^\s;,"]{1,200}))""", re.IGNORECASE)


@dataclass(frozen=True)
class Outcome:
    """What became of one part of a request.

    Attributes
    ----------
    sop_class_uid, sop_uid : str
        Empty where it does not say them.
    failure : int
        Reason (PS3.18, table 10.5.3-2), 0 where it is on the disk.
    """

    sop_class_uid: str = ""
    sop_uid: str = ""
    failure: int = 0


def boundary_of(content_type: str) -> bytes:
    """Give what divides the parts of a request.

    Raises
    ------
    PacsError
        If it is no multipart request with DICOM in it.
    """
    kind = content_type.replace(" ", "").casefold()
    found = _BOUNDARY.search(content_type)
    if not kind.startswith("multipart/related") or "application/dicom" not in kind or found is None:
        raise PacsError('what is sent must be multipart/related; type="application/dicom", with a boundary')
    if re.search(r"application/dicom\+", kind):
        raise PacsError("instances are taken as files (application/dicom), not as JSON or XML")
    return (found[1] or found[2]).encode("latin-1", "replace")


def parts(read: Callable[[int], bytes], boundary: bytes, most: int) -> Iterator[bytes]:
    """Read one part after the other; no more than one is in memory.

    Parameters
    ----------
    read : callable
        Gives up to so many bytes of the body; none at its end.
    boundary : bytes
    most : int
        Bytes of a part.

    Raises
    ------
    PacsError
        If the body ends in the middle, or a part is larger.
    """
    buffer = bytearray(b"\r\n")  # the first delimiter may be at the very beginning
    delimiter = b"\r\n--" + boundary

    def more() -> None:
        block = read(_BLOCK)
        if not block:
            raise PacsError("what is sent ends before its last boundary")
        buffer.extend(block)

    def until(mark: bytes, limit: int) -> bytes:
        start = 0
        while (at := buffer.find(mark, start)) < 0:
            start = max(len(buffer) - len(mark) + 1, 0)
            if start > limit:
                break
            more()
        if at > limit or at < 0:
            raise PacsError("a part of what is sent is larger than is taken")
        found = bytes(memoryview(buffer)[:at])
        del buffer[: at + len(mark)]
        return found

    until(delimiter, _MOST_HEADER)
    while True:
        while len(buffer) < 2:
            more()
        if buffer.startswith(b"--"):
            return
        until(b"\r\n\r\n", _MOST_HEADER)
        yield until(delimiter, most)


def response_of(outcomes: Sequence[Outcome]) -> tuple[int, bytes]:
    """Give HTTP status and body (DICOM JSON): 200 all were stored, 202 some, 409 none."""
    said = Dataset()
    stored = [_reference(one) for one in outcomes if not one.failure]
    failed = [_reference(one) for one in outcomes if one.failure and one.sop_uid]
    others = [_reference(one) for one in outcomes if one.failure and not one.sop_uid]
    for keyword, items in (
        ("ReferencedSOPSequence", stored),
        ("FailedSOPSequence", failed),
        ("OtherFailuresSequence", others),
    ):
        if items:
            setattr(said, keyword, items)
    status = 200 if stored and not failed and not others else 202 if stored else 409
    return status, json.dumps(said.to_json_dict()).encode()


def _reference(one: Outcome) -> Dataset:
    item = Dataset()
    if one.sop_uid:
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = one.sop_class_uid, one.sop_uid
    if one.failure:
        item.FailureReason = one.failure
    return item
