"""The dialog "Models": what can be had is fetched with one click, stopped, gone on with, and made the default."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from napari_lesion.detection.default import default_model
from napari_lesion.models import packages, pull
from napari_lesion.plugin.findings.models_dialog import ModelsDialog
from napari_lesion.support.errors import DownloadError
from napari_lesion.support.progress import Progress

PIN = pull.Pin(
    name="from-the-hub",
    repository="zoo/from-the-hub",
    revision="0" * 40,
    weights=(("models/model.pt", "0" * 64),),
    licence="Apache-2.0",
    size_mb=84,
    published="LUNA16: CPM 0.936",
)


@pytest.fixture
def dialog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot) -> Iterator[ModelsDialog]:
    monkeypatch.setenv(packages.HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr(pull, "CATALOGUE", (PIN,))
    made = ModelsDialog()
    qtbot.addWidget(made)
    made.show()
    yield made
    made.cancel()
    qtbot.waitUntil(lambda: made._task is None, timeout=60_000)


def row(dialog: ModelsDialog, name: str) -> list[str]:
    texts = [[dialog.table.item(r, c).text() for c in range(5)] for r in range(dialog.table.rowCount())]
    return next(line for line in texts if line[0] == name)


def press(button, dialog: ModelsDialog, qtbot) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog._task is None, timeout=60_000)


def install(pin: pull.Pin, progress: Progress) -> str:
    """Put a package of that name where a pull would."""
    progress(10_000_000, 84_000_000, "fetching models/model.pt")
    folder = packages.home() / pin.name
    shutil.copytree(packages.SHIPPED / "nodule-2d", folder)
    text = (folder / packages.DESCRIPTION).read_text()
    (folder / packages.DESCRIPTION).write_text(text.replace("id: nodule-2d", f"id: {pin.name}", 1))
    return pin.name


def test_what_can_be_had_is_shown_with_size_licence_and_numbers(dialog: ModelsDialog) -> None:
    assert row(dialog, PIN.name) == [PIN.name, "not fetched", "84 MB", "Apache-2.0", "LUNA16: CPM 0.936"]
    assert row(dialog, "nodule-3d")[1] == "default"
    assert row(dialog, "nodule-2d")[1] == "installed"
    assert dialog.get_button.isEnabled()
    assert not dialog.default_button.isEnabled()


def test_one_click_fetches_and_one_makes_it_the_default(
    dialog: ModelsDialog, monkeypatch: pytest.MonkeyPatch, qtbot
) -> None:
    monkeypatch.setattr(pull, "pull", lambda pin, card_in, *, progress: install(pin, progress))
    with qtbot.waitSignal(dialog.changed, timeout=60_000):
        press(dialog.get_button, dialog, qtbot)
    assert row(dialog, PIN.name)[1] == "installed"
    assert "is there" in dialog.status.text()
    assert not dialog.get_button.isEnabled()
    press(dialog.default_button, dialog, qtbot)
    assert default_model() == PIN.name
    assert row(dialog, PIN.name)[1] == "default"
    assert row(dialog, "nodule-3d")[1] == "installed"


def test_cancelled_it_can_go_on(dialog: ModelsDialog, monkeypatch: pytest.MonkeyPatch, qtbot) -> None:
    def endless(pin: pull.Pin, card_in: object, *, progress: Progress) -> str:
        while True:
            progress(10_000_000, 84_000_000, "fetching models/model.pt")

    monkeypatch.setattr(pull, "pull", endless)
    qtbot.mouseClick(dialog.get_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "10.0 of 84.0 MB" in dialog.status.text(), timeout=60_000)
    assert dialog.progress.isVisible()
    press(dialog.cancel_button, dialog, qtbot)
    assert "goes on where it was" in dialog.status.text()
    assert row(dialog, PIN.name)[1] == "not fetched"
    assert dialog.get_button.isEnabled()


def test_what_goes_wrong_is_a_sentence(dialog: ModelsDialog, monkeypatch: pytest.MonkeyPatch, qtbot) -> None:
    def fail(pin: pull.Pin, card_in: object, *, progress: Progress) -> str:
        raise DownloadError("The hub cannot be reached.")

    monkeypatch.setattr(pull, "pull", fail)
    press(dialog.get_button, dialog, qtbot)
    assert dialog.status.text() == "⚠ The hub cannot be reached."
    assert dialog.get_button.isEnabled()
