"""Lines of the audit log as DICOM audit messages (PS3.15, A.5), in syslog messages that carry them (RFC 5424)."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from napari_lesion.security.audit import Action
from napari_lesion.security.audit_log import Entry

Code = tuple[str, str, str]
"""Value, scheme, meaning."""

_PRIORITY = 85
"""Facility 10 (security and authorization), severity 5 (notice)."""
_MESSAGE_ID = "DICOM+RFC3881"
_PROGRAM = "napari-lesion"
_MOST_NAME = 255
"""Characters of a host's name (RFC 5424, 6)."""
_NOT_KNOWN = "not known"
_BOM = b"\xef\xbb\xbf"
"""A message in UTF-8 begins with it (RFC 5424, 6.4)."""

_ACCESSED: Code = ("110103", "DCM", "DICOM Instances Accessed")
_EXPORT: Code = ("110106", "DCM", "Export")
_IMPORT: Code = ("110107", "DCM", "Import")
_TRANSFER: Code = ("110104", "DCM", "DICOM Instances Transferred")
_QUERY: Code = ("110112", "DCM", "Query")
_ALERT: Code = ("110113", "DCM", "Security Alert")
_RESTRICTED: Code = ("110132", "DCM", "Use of Restricted Function")
_APPLICATION: Code = ("110150", "DCM", "Application")
_SOURCE: Code = ("110153", "DCM", "Source Role ID")
_DESTINATION: Code = ("110152", "DCM", "Destination Role ID")
_SOURCE_MEDIA: Code = ("110155", "DCM", "Source Media")
_DESTINATION_MEDIA: Code = ("110154", "DCM", "Destination Media")
_MEDIA: Code = ("110037", "DCM", "URI")
_STUDY: Code = ("110180", "DCM", "Study Instance UID")
_SOP_CLASS: Code = ("110181", "DCM", "SOP Class UID")
_PATIENT: Code = ("2", "RFC-3881", "Patient Number")
_URI: Code = ("12", "RFC-3881", "URI")
_STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"


@dataclass(frozen=True)
class _Kind:
    """How an action is told.

    Attributes
    ----------
    event : Code
        CID 400.
    code : str
        EventActionCode.
    life_cycle : str
        ParticipantObjectDataLifeCycle.
    role, other : Code
        Of the user, and of the other side, if the event has one.
    """

    event: Code
    code: str
    life_cycle: str
    role: Code = _APPLICATION
    other: Code | None = None


_KINDS = {
    Action.OPEN: _Kind(_ACCESSED, "R", "6"),
    Action.SEARCH: _Kind(_ACCESSED, "R", "8"),
    Action.CHANGE: _Kind(_ACCESSED, "U", "3"),
    Action.EXPORT: _Kind(_EXPORT, "R", "10", _SOURCE, _DESTINATION_MEDIA),
    Action.DE_IDENTIFY: _Kind(_EXPORT, "R", "7", _SOURCE, _DESTINATION_MEDIA),
    Action.SEND: _Kind(_TRANSFER, "R", "11", _SOURCE, _DESTINATION),
    Action.RECEIVE: _Kind(_IMPORT, "C", "2", _DESTINATION, _SOURCE_MEDIA),
    Action.QUERY: _Kind(_QUERY, "E", "6", _SOURCE, _DESTINATION),
    Action.KEY_USE: _Kind(_ALERT, "E", "6"),
    Action.REFUSE: _Kind(_ALERT, "E", "6"),
}


def audit_message(entry: Entry) -> bytes:
    """Put a line of the log as an audit message: XML of the schema in PS3.15, A.5.1."""
    said = entry.fields
    action = Action(said["what"])
    kind = _KINDS[action]
    root = Element("AuditMessage")
    failed = said.get("outcome") == "failed" or action is Action.REFUSE
    event = SubElement(
        root,
        "EventIdentification",
        EventActionCode=kind.code,
        EventDateTime=str(said["time"]),
        EventOutcomeIndicator="4" if failed else "0",
    )
    _code(event, "EventID", kind.event)
    if kind.event == _ALERT:
        _code(event, "EventTypeCode", _RESTRICTED)
    if failed:
        SubElement(event, "EventOutcomeDescription").text = str(said.get("detail", ""))
    user = {"UserID": str(said.get("who", _NOT_KNOWN)), "UserIsRequestor": "true"}
    if said.get("reader"):
        user["UserName"] = str(said["reader"])
    if said.get("host"):
        user |= {"NetworkAccessPointID": str(said["host"]), "NetworkAccessPointTypeCode": "1"}
    _code(SubElement(root, "ActiveParticipant", user), "RoleIDCode", kind.role)
    if kind.other is not None:
        named = {"UserID": str(said.get("detail") or _NOT_KNOWN), "UserIsRequestor": "false"}
        other = SubElement(root, "ActiveParticipant", named)
        _code(other, "RoleIDCode", kind.other)
        if kind.other in (_SOURCE_MEDIA, _DESTINATION_MEDIA):
            _code(SubElement(other, "MediaIdentifier"), "MediaType", _MEDIA)
    source = SubElement(root, "AuditSourceIdentification", AuditSourceID=f"{_PROGRAM}@{said.get('host', _NOT_KNOWN)}")
    SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
    _objects(root, entry, kind)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _objects(root: Element, entry: Entry, kind: _Kind) -> None:
    said = entry.fields
    if kind.event == _QUERY:
        asked = _object(root, _SOP_CLASS, _STUDY_ROOT_FIND, "2", "3", kind.life_cycle)
        SubElement(asked, "ParticipantObjectQuery").text = _base64(said.get("detail", ""))
    elif kind.event == _ALERT:
        about = _object(root, _URI, str(next(iter(said.get("objects", ())), _NOT_KNOWN)), "2", "13", kind.life_cycle)
        SubElement(about, "ParticipantObjectName").text = str(said["what"])
        _detail(about, "Alert Description", said.get("detail", ""))
    else:
        study = _object(root, _STUDY, str(said.get("study") or _NOT_KNOWN), "2", "3", kind.life_cycle)
        SubElement(study, "ParticipantObjectName").text = "study"
        _detail(study, "what", said["what"])
        _detail(study, "how", said.get("detail", ""))
        for uid in said.get("objects", ()):
            _detail(study, "object", uid)
        if said["what"] == Action.DE_IDENTIFY:
            SubElement(SubElement(study, "ParticipantObjectDescription"), "Anonymized").text = "true"
        patient = _object(root, _PATIENT, str(said.get("patient") or _NOT_KNOWN), "1", "1", kind.life_cycle)
        SubElement(patient, "ParticipantObjectName").text = "withheld"
        _detail(patient, "line", entry.number)


def _object(root: Element, code: Code, name: str, kind: str, role: str, life_cycle: str) -> Element:
    found = SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=name,
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
        ParticipantObjectDataLifeCycle=life_cycle,
    )
    _code(found, "ParticipantObjectIDTypeCode", code)
    return found


def _detail(parent: Element, name: str, value: Any) -> None:
    if value != "":
        SubElement(parent, "ParticipantObjectDetail", type=name, value=_base64(value))


def _code(parent: Element, name: str, code: Code) -> None:
    value, scheme, meaning = code
    SubElement(parent, name, {"csd-code": value, "codeSystemName": scheme, "originalText": meaning})


def _base64(value: Any) -> str:
    return base64.b64encode(str(value).encode("utf-8", "backslashreplace")).decode()


def syslog_message(entry: Entry) -> bytes:
    """Put a line of the log as a syslog message (RFC 5424) with an audit message in it."""
    said = entry.fields
    host = _printable(str(said.get("host", "")))[:_MOST_NAME] or "-"
    header = f"<{_PRIORITY}>1 {said['time']} {host} {_PROGRAM} {said.get('process', '-')} {_MESSAGE_ID} - "
    return header.encode() + _BOM + audit_message(entry)


def framed(messages: Iterable[bytes]) -> Iterable[bytes]:
    """Put before each message how long it is, as syslog over TLS has them (RFC 5425, 4.3)."""
    for message in messages:
        yield f"{len(message)} ".encode() + message


def _printable(text: str) -> str:
    return "".join(one for one in text if "!" <= one <= "~")
