"""One archive for all tests here, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from orthanc import Orthanc, running


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
