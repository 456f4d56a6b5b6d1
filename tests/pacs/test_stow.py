"""Studies that come by DICOMweb: what is answered 200 for is on the disk; how the listener is, it says on loopback."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import dicom_factory as factory
import pydicom
import pytest
from certificates import make_authority, sign
from listener_case import PATIENCE_S, STABLE_S, Time, listening, settings, wait_for
from pacs_studies import slices
from ports import free_port
from pydantic import ValidationError

from napari_lesion.pacs import analysis
from napari_lesion.pacs.dicomweb import WebArchive
from napari_lesion.pacs.nodes import Nodes
from napari_lesion.pacs.rules import Listening, Stow
from napari_lesion.pacs.storage import describe, instances_below
from napari_lesion.support.errors import PacsError

RULE = {"name": "chest", "sender": ["STOW"], "send": {}}


@pytest.fixture
def study(tmp_path: Path) -> list[Path]:
    return factory.write(slices("ct"), tmp_path / "source")


def stowing(tmp_path: Path, **changes: object) -> Listening:
    tmp_path.mkdir(exist_ok=True)
    token = tmp_path / "token"
    token.write_text("hunter2")
    token.chmod(0o600)
    stow = {"port": free_port(), "token": {"file": str(token)}}
    return settings(tmp_path, stow=stow, monitor={"port": free_port()}, **changes)


def sender(listener: Listening, **changes: object) -> WebArchive:
    """Our own client; it is not asked to confirm, since the listener is no archive."""
    assert listener.stow is not None
    assert listener.stow.token is not None
    url = f"http://127.0.0.1:{listener.stow.port}/dicom-web"
    node = {"dicomweb": url, "token": listener.stow.token.model_dump(), "timeout_s": PATIENCE_S, **changes}
    return WebArchive("us", Nodes.model_validate({"nodes": {"us": node}}).node("us"))


def post(listener: Listening, body: bytes, path: str = "/studies", **headers: str) -> tuple[int, dict[str, list[str]]]:
    """HTTP status, and by sequence the UIDs (or reasons) in the answer."""
    assert listener.stow is not None
    said = {
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=xyz',
        "Authorization": "Bearer hunter2",
        **headers,
    }
    request = urllib.request.Request(f"http://127.0.0.1:{listener.stow.port}{path}", body, said, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            status, content = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, content = error.code, error.read()
    if not content.startswith(b"{"):
        return status, {}
    found = pydicom.Dataset.from_json(json.loads(content))
    return status, {
        element.keyword: [str(one.get("ReferencedSOPInstanceUID") or hex(one.FailureReason)) for one in element.value]
        for element in found
    }


def body_of(*contents: bytes, end: bytes = b"--xyz--\r\n") -> bytes:
    return b"".join(b"--xyz\r\nContent-Type: application/dicom\r\n\r\n" + one + b"\r\n" for one in contents) + end


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_what_comes_by_stow_is_kept_byte_for_byte_and_analysed(
    study: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "_PROGRAM", "print('no lung is in view')")
    listener, time_there = stowing(tmp_path, rules=[RULE]), Time()
    with listening(listener, None, time_there) as said:
        assert sender(listener)._stow([describe(path) for path in study]) == {}
        kept = {one.sop_uid: one.path.read_bytes() for one in instances_below([listener.folder / "inbox"])}
        assert kept == {describe(path).sop_uid: path.read_bytes() for path in study}
        time_there.pass_by(STABLE_S)
        wait_for(lambda: any("no results; see" in line for line in said))
        assert listener.monitor is not None
        status, page = get(listener.monitor.port, "/metrics")
        assert status == 200
        figures = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
        assert figures['napari_lesion_listener_instances_total{outcome="new"}'] == "6"
        assert figures['napari_lesion_listener_analyses{state="done"}'] == "1"
        assert figures["napari_lesion_listener_studies_growing"] == "0"
        assert "ASYM" not in page  # no patient
        assert get(listener.monitor.port, "/health") == (200, '{"status": "ok"}')
        assert get(listener.monitor.port, "/studies")[0] == 404


def test_each_part_has_its_own_answer(study: list[Path], tmp_path: Path) -> None:
    contents = [path.read_bytes() for path in study]
    uids = [describe(path).sop_uid for path in study]
    with listening(listener := stowing(tmp_path)):
        assert post(listener, body_of(*contents[:2])) == (200, {"ReferencedSOPSequence": uids[:2]})
        assert post(listener, b"preamble\r\n" + body_of(contents[2], b"no DICOM")) == (
            202,
            {"ReferencedSOPSequence": uids[2:3], "OtherFailuresSequence": ["0xc000"]},
        )
        assert post(listener, body_of(contents[3]), "/dicom-web/studies/2.25.1") == (
            409,
            {"FailedSOPSequence": uids[3:4]},
        )
        # What was whole is there; what was cut off is not, and is said.
        status, said = post(listener, body_of(contents[4], contents[5], end=b"")[:-3])
        assert (status, said["ReferencedSOPSequence"]) == (202, uids[4:5])
        assert {one.sop_uid for one in instances_below([listener.folder / "inbox"])} == {*uids[:3], uids[4]}


def test_who_may_not_send_or_sends_something_else_is_refused(study: list[Path], tmp_path: Path) -> None:
    body = body_of(study[0].read_bytes())
    with listening(listener := stowing(tmp_path)):
        assert post(listener, body, Authorization="Bearer swordfish")[0] == 401
        assert post(listener, body, **{"Content-Type": "application/dicom"})[0] == 415
        assert post(listener, body, "/elsewhere")[0] == 404
        (tmp_path / "wrong").write_text("swordfish")
        (tmp_path / "wrong").chmod(0o600)
        stranger = sender(listener, token={"file": str(tmp_path / "wrong")})
        with pytest.raises(PacsError, match="does not accept our token"):
            stranger._stow([describe(study[0])])
    with listening(small := stowing(tmp_path / "small", instance_mb=0.0005)):
        assert post(small, body)[0] == 409
    with listening(full := stowing(tmp_path / "full", free_gb=10**9)):
        assert post(full, body) == (409, {"FailedSOPSequence": [describe(study[0]).sop_uid]})
        assert full.monitor is not None
        assert get(full.monitor.port, "/health") == (503, '{"status": "the disk is full"}')
    assert not list(tmp_path.glob("**/inbox/**/*.dcm"))


def test_a_body_in_chunks_is_read(study: list[Path], tmp_path: Path) -> None:
    body = body_of(*(path.read_bytes() for path in study))
    with listening(listener := stowing(tmp_path)):
        assert listener.stow is not None
        with socket.create_connection(("127.0.0.1", listener.stow.port), timeout=PATIENCE_S) as one:
            one.sendall(
                b"POST /studies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hunter2\r\nTransfer-Encoding: chunked\r\n"
                b'Content-Type: multipart/related; type="application/dicom"; boundary="xyz"\r\n\r\n'
            )
            for start in range(0, len(body), 777):
                some = body[start : start + 777]
                one.sendall(f"{len(some):x}\r\n".encode() + some + b"\r\n")
            one.sendall(b"0\r\n\r\n")
            assert one.recv(100).startswith(b"HTTP/1.1 200")
    assert len(instances_below([listener.folder / "inbox"])) == len(study)


def test_stow_by_tls_with_certificates(study: list[Path], tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    server, client = sign(authority, "server"), sign(authority, "client")
    tls = {"ca": str(authority[0]), "certificate": str(server[0]), "key": str(server[1])}
    listener = settings(tmp_path, stow={"port": free_port(), "tls": tls})
    assert listener.stow is not None
    url = f"https://127.0.0.1:{listener.stow.port}"
    ours = {"ca": str(authority[0]), "certificate": str(client[0]), "key": str(client[1])}
    with listening(listener), socket.create_connection(("127.0.0.1", listener.stow.port)):  # who says nothing
        for known, certificates in ((True, ours), (False, {"ca": str(authority[0])})):
            node = {"dicomweb": url, "tls": certificates, "timeout_s": PATIENCE_S}
            archive = WebArchive("us", Nodes.model_validate({"nodes": {"us": node}}).node("us"))
            if known:
                assert archive._stow([describe(path) for path in study]) == {}
            else:
                with pytest.raises(PacsError):
                    archive._stow([describe(path) for path in study])


def test_beyond_loopback_stow_needs_tls_and_knows_who_sends() -> None:
    for tls in (None, {"certificate": "a.crt", "key": "a.key"}):
        with pytest.raises(ValidationError, match=r"give it tls|say who may send"):
            Stow.model_validate({"port": 1, "address": "0.0.0.0", "tls": tls})
