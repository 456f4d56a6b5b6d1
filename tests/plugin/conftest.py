"""Fixtures for the tests of the plugin."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Before napari reads its settings: tests must neither see nor change those of whoever runs them.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="napari-lesion-tests-")) / "settings.yaml")

import pytest
from fake_scan import make_volume
from plugin_scan import NODULES, BlobDetector

from napari_lesion.model.volume import Volume
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.scan_view import scan_view
from napari_lesion.review.journal import STATE_VARIABLE


@pytest.fixture(autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own: a review that an earlier test left must not come back."""
    folder = tmp_path_factory.mktemp("state")
    monkeypatch.setenv(STATE_VARIABLE, str(folder))
    return folder


@pytest.fixture(autouse=True)
def _settings_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep settings and documents of the user of this machine, and those of other tests, out of each test."""
    monkeypatch.setenv("NAPARI_LESION_SETTINGS", str(tmp_path_factory.mktemp("settings") / "settings.ini"))
    monkeypatch.setenv("NAPARI_LESION_WORKLIST", str(tmp_path_factory.mktemp("worklist") / "worklist.sqlite"))
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path_factory.mktemp("documents")))


_freeze, _unfreeze = gc.freeze, gc.unfreeze


@pytest.fixture(autouse=True)
def _only_new_garbage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let searches for garbage see what a test makes, not all of the libraries: napari makes several a window.

    `widgets/garbage.py` hides what is old from each of napari's searches, and shows it again: here it stays hidden.
    """
    gc.collect()  # what the test before left: little
    _freeze()
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "unfreeze", lambda: None)


@pytest.fixture(autouse=True, scope="module")
def _windows_are_freed_here() -> Iterator[None]:
    """Leave no closed window to be found by the garbage collector in a later test, on a thread of training, say."""
    yield
    _unfreeze()
    gc.collect()
    _freeze()


@pytest.fixture
def scan() -> Volume:
    """An axial scan with `NODULES`."""
    return make_volume(nodules=NODULES)


@pytest.fixture
def viewer(make_napari_viewer, scan: Volume):
    """A window with the scan in it."""
    viewer = make_napari_viewer(show=True)
    scan_view(viewer)
    data, attributes, _ = layers.scan_layer(scan)
    viewer.add_image(data, **attributes)
    return viewer


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> BlobDetector:
    """The only model there is."""
    blobs = BlobDetector()
    monkeypatch.setattr("napari_lesion.detection.registry.load_detector", lambda name: blobs)
    monkeypatch.setattr("napari_lesion.plugin.findings.model_choice.list_models", lambda: (blobs.card,))
    return blobs
