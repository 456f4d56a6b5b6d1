"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_collection_finish() -> None:
    """Take what was imported by then, 800,000 objects that stay, out of what is searched for garbage.

    Each search takes half a second with them, and napari's fixture makes two for each window.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_models_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the models that the user of this machine added out of the tests."""
    monkeypatch.setenv("NAPARI_LESION_MODELS", str(tmp_path_factory.getbasetemp() / "no-models"))


@pytest.fixture(autouse=True)
def _no_security_settings_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep the audit log of the user of this machine, and what models are refused there, out of the tests."""
    settings = tmp_path_factory.getbasetemp() / "security.yaml"
    if not settings.exists():
        settings.write_text("{}\n", encoding="utf-8")
    monkeypatch.setenv("NAPARI_LESION_SECURITY", str(settings))
    monkeypatch.delenv("NAPARI_LESION_AUDIT", raising=False)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with real CT series; it is not part of the repository, so tests that need it skip without it."""
    path = Path(os.environ.get("NAPARI_LESION_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (path / "ct").is_dir():
        pytest.skip(f"real CT series are not part of the repository and there are none in {path}")
    return path
