"""TLS with client certificates, both ways: who has none, or one of another authority, is told so."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dicom_factory as factory
import pytest
from certificates import make_authority, sign
from orthanc import Orthanc, running
from pacs_studies import slices
from ports import free_port

from napari_lesion.pacs.archives import open_archive
from napari_lesion.pacs.nodes import Nodes, Tls
from napari_lesion.pacs.receiver import Receiver
from napari_lesion.pacs.records import Query
from napari_lesion.pacs.retrieve import retrieve
from napari_lesion.support.errors import ConfigError, PacsError


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    folder = tmp_path_factory.mktemp("tls")
    authority = make_authority(folder)
    sign(authority, "server")
    certificate, key = sign(authority, "client")
    tls = Tls(ca=authority[0], certificate=certificate, key=key)
    with running(folder, tls=tls, local_tls=tls) as archive:
        yield archive


@pytest.mark.parametrize("way", ["get", "move"])
def test_a_study_comes_by_tls(way: str, secured: Orthanc, tmp_path: Path) -> None:
    secured.empty()
    secured.put(factory.write(slices(), tmp_path / "source"))
    archive = open_archive(secured.nodes(retrieve=way), "orthanc")
    assert "by TLS" in archive.echo()
    assert retrieve(archive, factory.uid("study"), tmp_path / "fetched").is_complete


def test_a_server_of_another_authority_is_refused(secured: Orthanc, tmp_path: Path) -> None:
    stranger = make_authority(tmp_path, "stranger")
    assert secured.tls is not None
    tls = secured.tls.model_copy(update={"ca": stranger[0]})
    with pytest.raises(PacsError, match="TLS failed"):
        open_archive(secured.nodes(tls=tls.model_dump()), "orthanc").echo()


def test_without_a_certificate_of_ours_nobody_answers(secured: Orthanc) -> None:
    assert secured.tls is not None
    tls = {"ca": str(secured.tls.ca)}
    with pytest.raises(PacsError, match=r"TLS failed|ended the association"):
        open_archive(secured.nodes(tls=tls), "orthanc").echo()


def test_a_key_that_others_may_read_is_not_used(secured: Orthanc, tmp_path: Path) -> None:
    certificate, key = sign(make_authority(tmp_path), "open")
    key.chmod(0o644)
    tls = {"ca": str(certificate), "certificate": str(certificate), "key": str(key)}
    with pytest.raises(ConfigError, match="chmod 600"):
        open_archive(secured.nodes(tls=tls), "orthanc").echo()


def test_a_client_that_says_nothing_keeps_nobody_waiting(secured: Orthanc) -> None:
    server = secured.local.model_copy(update={"port": free_port()})
    nodes = secured.nodes(ae_title="LESION", port=server.port)
    with (
        Receiver(server, [], lambda content, caller: None),
        socket.create_connection(("127.0.0.1", server.port)),
    ):
        assert "by TLS" in open_archive(nodes, "orthanc").echo()


@pytest.fixture
def website(tmp_path: Path) -> Iterator[tuple[str, Tls, list[str]]]:
    """A DICOMweb server without studies, by https, for clients with a certificate; it notes their tokens."""
    authority = make_authority(tmp_path / "web")
    server_files, client_files = sign(authority, "server"), sign(authority, "client")
    seen: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            right = seen[-1] == "Bearer hunter2"
            body = b"[]" if right else b""
            self.send_response(200 if right else 401)
            self.send_header("Content-Type", "application/dicom+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = Tls(ca=authority[0], certificate=server_files[0], key=server_files[1]).server_context()
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    tls = Tls(ca=authority[0], certificate=client_files[0], key=client_files[1])
    yield f"https://127.0.0.1:{server.server_port}/dicom-web", tls, seen
    server.shutdown()
    server.server_close()
    thread.join()


def web_nodes(url: str, tls: Tls, token: str, folder: Path) -> Nodes:
    file = folder / "token"
    file.write_text(token)
    file.chmod(0o600)
    node = {"dicomweb": url, "tls": tls.model_dump(), "token": {"file": str(file)}, "timeout_s": 120}
    return Nodes.model_validate({"nodes": {"web": node}})


def test_dicomweb_by_https_with_certificate_and_token(
    website: tuple[str, Tls, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, tls, seen = website
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nothing"))  # requests would take it before ours
    archive = open_archive(web_nodes(url, tls, "hunter2", tmp_path), "web")
    assert archive.studies(Query(patient_id="X")) == []
    assert set(seen) == {"Bearer hunter2"}
    with pytest.raises(PacsError, match="does not accept our token") as error:
        open_archive(web_nodes(url, tls, "swordfish", tmp_path), "web").echo()
    assert "swordfish" not in str(error.value)


def test_dicomweb_without_what_tls_asks_for(website: tuple[str, Tls, list[str]], tmp_path: Path) -> None:
    url, tls, seen = website
    stranger = make_authority(tmp_path, "stranger")
    for wrong in (Tls(ca=tls.ca), tls.model_copy(update={"ca": stranger[0]})):
        with pytest.raises(PacsError, match=r"TLS failed|cannot be reached"):
            open_archive(web_nodes(url, wrong, "hunter2", tmp_path), "web").echo()
    assert seen == []
