"""One archive for all tests here, emptied before each."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from pathlib import Path

import pytest
from orthanc import Orthanc, running

from napari_lesion.pacs import listener


@pytest.fixture(scope="session")
def _orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("orthanc")) as archive:
        yield archive


@pytest.fixture
def orthanc(_orthanc: Orthanc) -> Orthanc:
    """An empty archive."""
    _orthanc.empty()
    return _orthanc


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where retrieved studies go."""
    return tmp_path / "fetched"


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers here start and end many times: they look twenty times a second whether to end, not twice."""
    monkeypatch.setattr(socketserver.BaseServer.serve_forever, "__defaults__", (0.05,))
    monkeypatch.setattr(listener, "_TICK_S", 0.05)
