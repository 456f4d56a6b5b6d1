"""Audit messages keep the rules of PS3.15, A.5, and arrive by syslog over TLS, whole and in order."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import make_authority, sign
from lxml import etree
from typer.testing import CliRunner

from napari_lesion.cli.main import app
from napari_lesion.security.audit import Action, open_log, record
from napari_lesion.security.audit_message import audit_message, syslog_message

RULES = etree.RelaxNG(etree.parse(Path(__file__).parents[1] / "helpers" / "audit_message.rng"))


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings = tmp_path / "config" / "security.yaml"
    settings.parent.mkdir()
    settings.write_text(f"audit: {{log: {tmp_path}/audit.jsonl}}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(settings))
    return tmp_path / "audit.jsonl"


def record_all() -> None:
    for action in Action:
        record(action, patient_id="P1", study_uid="1.2.3", objects=("1.2.3.4",), detail='a "detail" & <more>')
        record(action, failed=True, reader="Müller")


def test_every_kind_of_line_keeps_the_rules_of_the_standard(configured: Path) -> None:
    record_all()
    entries = list(open_log().entries())
    assert len(entries) == 2 * len(Action)
    for entry in entries:
        tree = etree.fromstring(audit_message(entry))
        assert RULES.validate(tree), (entry.fields, RULES.error_log)


def test_the_rules_can_refuse() -> None:
    assert not RULES.validate(etree.fromstring("<AuditMessage/>"))


def test_codes_mean_what_pydicom_says(configured: Path) -> None:
    from pydicom.sr._concepts_dict import concepts

    meanings = {code: meaning for words in concepts["DCM"].values() for code, (meaning, _) in words.items()}
    record_all()
    seen = set()
    for entry in open_log().entries():
        for element in etree.fromstring(audit_message(entry)).iter():
            if element.get("codeSystemName") == "DCM":
                assert meanings[element.get("csd-code")].lower() == element.get("originalText").lower()
                seen.add(element.get("csd-code"))
    assert {"110103", "110104", "110106", "110107", "110112", "110113"} <= seen


def test_what_a_line_says_is_in_its_message(configured: Path) -> None:
    record(Action.EXPORT, patient_id="P1", study_uid="1.2.3", objects=("1.2.3.4",), detail="sr", reader="Müller")
    entry = next(open_log().entries())
    tree = etree.fromstring(audit_message(entry))
    assert tree.find("EventIdentification/EventID").get("csd-code") == "110106"
    assert tree.find("EventIdentification").get("EventOutcomeIndicator") == "0"
    assert tree.find("ActiveParticipant").get("UserName") == "Müller"
    assert [one.get("ParticipantObjectID") for one in tree.iter("ParticipantObjectIdentification")] == [
        "1.2.3",
        entry.fields["patient"],
    ]


def test_a_refusal_is_a_security_alert_that_did_not_succeed(configured: Path) -> None:
    record(Action.REFUSE, detail="reader may not export")
    tree = etree.fromstring(audit_message(next(open_log().entries())))
    assert tree.find("EventIdentification/EventTypeCode").get("csd-code") == "110132"
    assert tree.find("EventIdentification").get("EventOutcomeIndicator") == "4"


def test_exported_files_are_one_for_each_line(configured: Path, tmp_path: Path) -> None:
    record_all()
    result = CliRunner().invoke(app, ["audit", "export", "-o", str(tmp_path / "out"), "--after", "3"])
    assert result.exit_code == 0, result.output
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files[0] == "00000004.xml"
    assert len(files) == 2 * len(Action) - 3


def test_a_log_that_was_changed_is_not_exported(configured: Path, tmp_path: Path) -> None:
    record_all()
    configured.write_bytes(configured.read_bytes().replace(b'"open"', b'"send"', 1))
    result = CliRunner().invoke(app, ["audit", "export", "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert "line 1 was changed" in result.output
    assert not (tmp_path / "out").exists()


# -- syslog -----------------------------------------------------------------------------------------------------------


class SyslogServer:
    """Takes one connection by TLS, reads it to its end, and takes the messages apart as RFC 5425 says."""

    def __init__(self, folder: Path) -> None:
        authority = make_authority(folder)
        self.authority = authority[0]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority[0])
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_cert_chain(*sign(authority, "server"))
        self.client = sign(authority, "client")
        self._context, self._socket = context, socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(60)
        self.port = self._socket.getsockname()[1]
        self.content = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            plain, _ = self._socket.accept()
            plain.settimeout(60)
            with self._context.wrap_socket(plain, server_side=True) as connection:
                while some := connection.recv(2**16):
                    self.content += some
                connection.unwrap()
        except OSError:
            pass

    def messages(self) -> list[bytes]:
        self._thread.join(60)
        found, rest = [], self.content
        while rest:
            length, _, rest = rest.partition(b" ")
            found.append(rest[: int(length)])
            rest = rest[int(length) :]
        return found

    def close(self) -> None:
        self._socket.close()
        self._thread.join(60)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SyslogServer]:
    found = SyslogServer(tmp_path / "tls")
    yield found
    found.close()


def arguments(server: SyslogServer, *more: str) -> list[str]:
    return ["audit", "export", "--syslog", f"127.0.0.1:{server.port}", "--ca", str(server.authority), *more]


def test_all_messages_arrive_by_tls(configured: Path, server: SyslogServer) -> None:
    record_all()
    certificate, key = map(str, server.client)
    result = CliRunner().invoke(app, arguments(server, "--certificate", certificate, "--key", key))
    assert result.exit_code == 0, result.output
    got = server.messages()
    assert got == [syslog_message(entry) for entry in open_log().entries()]
    time = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00"
    header = rb"<85>1 " + time + rb" [!-~]+ napari-lesion \d+ DICOM\+RFC3881 - \xef\xbb\xbf<\?xml"
    assert all(re.match(header, message) for message in got)
    assert RULES.validate(etree.fromstring(got[0].partition(b"\xef\xbb\xbf")[2]))


def test_without_a_certificate_that_the_server_asks_for_nothing_is_said_to_be_sent(
    configured: Path, server: SyslogServer
) -> None:
    record_all()
    result = CliRunner().invoke(app, arguments(server))
    assert result.exit_code == 1
    assert "were not sent" in str(result.exception)
    assert server.messages() == []


def test_a_server_of_another_authority_gets_nothing(configured: Path, server: SyslogServer, tmp_path: Path) -> None:
    record_all()
    stranger = make_authority(tmp_path / "stranger")[0]
    result = CliRunner().invoke(app, [*arguments(server)[:-1], str(stranger)])
    assert result.exit_code == 1
    assert "were not sent" in str(result.exception)
    assert server.messages() == []
