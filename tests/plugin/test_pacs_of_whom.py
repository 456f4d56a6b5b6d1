"""The panel PACS shows and says nothing of one patient as if it were of another: without an archive."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
import yaml
from fake_scan import make_volume

from napari_lesion.pacs.nodes import ENVIRONMENT
from napari_lesion.pacs.records import StudyRecord
from napari_lesion.plugin.pacs import pacs_panel
from napari_lesion.plugin.session.session import session_of
from napari_lesion.plugin.viewer import layers
from napari_lesion.plugin.viewer.tools.reading import reading_tools

PATIENCE_MS = 60_000


@pytest.fixture
def panel(make_napari_viewer: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "pacs.yaml"
    file.write_text(yaml.safe_dump({"nodes": {"hospital": {"ae_title": "PACS", "host": "127.0.0.1", "port": 104}}}))
    monkeypatch.setenv(ENVIRONMENT, str(file))
    viewer = make_napari_viewer(show=True)
    return viewer.window.add_plugin_dock_widget("napari-lesion", "PACS")[1]


def test_names_numbers_and_days_are_hidden_where_the_setting_says_so(panel) -> None:
    who = {"patient_name": "Kanarienvogel^Emil", "patient_id": "P7", "birth_date": "19500203", "date": "20260105"}
    panel._on_studies([StudyRecord(study_uid="1.2", modalities=("CT",), description="Thorax", **who)])
    row = panel.tree.topLevelItem(0)
    named = row.text(0)
    assert named == row.toolTip(0)
    assert all(text in named for text in ("Kanarienvogel Emil", "P7", "1950", "2026"))
    tools = reading_tools(session_of(panel._viewer))
    tools.set_names(False)
    assert row.text(0) == row.toolTip(0) == "Names hidden · CT · Thorax"
    panel._on_studies([row.study])
    assert panel.tree.topLevelItem(0).text(0) == "Names hidden · CT · Thorax"
    tools.set_names(True)
    assert panel.tree.topLevelItem(0).text(0) == named


def test_what_came_of_another_scan_than_that_on_the_screen_is_said_to_be_of_it(
    panel, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, asked = session_of(panel._viewer), Event()

    def studies(_query: object) -> list[StudyRecord]:
        assert asked.wait(60)
        return []

    monkeypatch.setattr(pacs_panel, "open_archive", lambda *_: SimpleNamespace(studies=studies))
    for number in (1, 2):
        volume = make_volume(series_uid=f"1.2.{number}")
        identity = volume.series.model_copy(update={"patient_id": f"P{number}", "study_uid": f"1.3.{number}"})
        volume = dataclasses.replace(volume, series=identity)
        data, attributes, _ = layers.scan_layer(volume)
        panel._viewer.add_image(data, **attributes)
    first, second = session.open_scans.scans
    session.open_scans.show(first)
    panel.fetch_priors()
    session.open_scans.show(second)
    asked.set()
    qtbot.waitUntil(lambda: not panel.running, timeout=PATIENCE_MS)
    assert panel.controls.status.text().splitlines() == [
        "⚠ This is of another scan than that on the screen:",
        "The archive has no earlier CT of this patient.",
    ]
    panel.fetch_priors()
    qtbot.waitUntil(lambda: not panel.running, timeout=PATIENCE_MS)
    assert panel.controls.status.text() == "The archive has no earlier CT of this patient."
