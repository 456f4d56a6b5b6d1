"""A real archive for the tests: Orthanc, started on this machine on ports that are free; scripts/setup installs it."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ports import free_port

from napari_lesion.pacs.nodes import Local, Node, Nodes, Tls

#: Of this run: an archive that another run started does not answer to it.
USER, PASSWORD = "alice", secrets.token_hex(8)
_PLUGINS = Path("/usr/share/orthanc/plugins")
_PLUGIN = _PLUGINS / "libOrthancDicomWeb.so"
#: Only a machine that hangs is so slow: no test fails because others work beside it.
PATIENCE_S = 120.0


@dataclass(frozen=True)
class Orthanc:
    """A running archive and how we are known there."""

    folder: Path
    dicom_port: int
    http_port: int
    local: Local
    tls: Tls | None = field(default=None)

    def nodes(self, **changes: Any) -> Nodes:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        node = {
            "ae_title": "ORTHANC",
            "host": "127.0.0.1",
            "port": self.dicom_port,
            "dicomweb": f"http://127.0.0.1:{self.http_port}/dicom-web",
            "user": USER,
            "password": {"file": str(secret)},
            "timeout_s": PATIENCE_S,
            "tls": self.tls.model_dump() if self.tls else None,
            **changes,
        }
        return Nodes(local=self.local, nodes={"orthanc": Node.model_validate(node)})

    def rest(self, path: str, content: bytes | None = None, method: str | None = None) -> Any:
        """What Orthanc's own interface says: an independent look at what is in it."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/{path}", data=content, method=method, headers=_authorised()
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            body = answer.read()
        return json.loads(body) if answer.headers["Content-Type"].startswith("application/json") else body

    def put(self, paths: list[Path]) -> None:
        """Put files into it, by its own interface."""
        for path in paths:
            self.rest("instances", path.read_bytes())

    def empty(self) -> None:
        for study in self.rest("studies"):
            self.rest(f"studies/{study}", method="DELETE")

    def files(self) -> dict[str, bytes]:
        """By SOPInstanceUID, what it holds."""
        return {
            self.rest(f"instances/{one}/simplified-tags")["SOPInstanceUID"]: self.rest(f"instances/{one}/file")
            for one in self.rest("instances")
        }


@contextmanager
def running(
    folder: Path, *, tls: Tls | None = None, local_tls: Tls | None = None, **settings: Any
) -> Iterator[Orthanc]:
    """Start an archive; without Orthanc on this machine the test skips, but never in CI."""
    program = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or not _PLUGIN.is_file():
        message = "there is no Orthanc with its DICOMweb plugin; scripts/setup test installs them"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    dicom_port, http_port, ours = free_port(), free_port(), free_port()
    local = Local(ae_title="LESION", address="127.0.0.1", port=ours, tls=local_tls)
    modality = {"AET": "LESION", "Host": "127.0.0.1", "Port": ours, "AllowTranscoding": True, "UseDicomTls": bool(tls)}
    allowed = (
        "AllowEcho",
        "AllowFind",
        "AllowFindWorklist",
        "AllowGet",
        "AllowMove",
        "AllowStore",
        "AllowStorageCommitment",
    )
    secured = {}
    if tls:
        secured = {
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(folder / "server.crt"),
            "DicomTlsPrivateKey": str(folder / "server.key"),
            "DicomTlsTrustedCertificates": str(tls.ca),
            "DicomTlsRemoteCertificateRequired": True,
        }
    configuration = {
        "Name": "test-pacs",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "Plugins": [str(_PLUGIN), str(_PLUGINS / "libModalityWorklists.so")],
        "Worklists": {"Enable": True, "Database": str(folder / "worklists")},
        "HttpPort": http_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomAet": "ORTHANC",
        "DicomPort": dicom_port,
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowFind": False,
        "DicomAlwaysAllowGet": False,
        "DicomAlwaysAllowMove": False,
        "DicomModalities": {"lesion": {**modality, **dict.fromkeys(allowed, True)}},
        "UnknownSopClassAccepted": True,
        "OverwriteInstances": False,
        "SyncStorageArea": False,
        "HttpThreadsCount": 4,
        "ConcurrentJobs": 2,
        "DicomScuTimeout": int(PATIENCE_S),
        "DicomScpTimeout": int(PATIENCE_S),
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
        **secured,
        **settings,
    }
    (folder / "worklists").mkdir(parents=True, exist_ok=True)
    path = folder / "orthanc.json"
    path.write_text(json.dumps(configuration))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen([program, str(path)], stdout=log, stderr=log, cwd=folder)
    archive = Orthanc(folder, dicom_port, http_port, local, tls)
    try:
        _wait(archive, process, folder / "orthanc.log")
        yield archive
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(archive: Orthanc, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            archive.rest("system")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"Orthanc did not start: {log.read_text(errors='replace')[-2000:]}")


def _authorised() -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
