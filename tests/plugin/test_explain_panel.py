"""The row "Why?" of the panel and the model card, as a person uses them."""

from __future__ import annotations

import numpy as np
import pytest
from plugin_scan import NODULES, BlobDetector
from qtpy.QtCore import Qt

from napari_lesion.detection.registry import read_card
from napari_lesion.models import packages
from napari_lesion.plugin.findings.detect_panel import DetectPanel
from napari_lesion.plugin.findings.model_card import CardDialog, card_text

PATIENCE_MS = 120_000


@pytest.fixture
def panel(viewer, detector: BlobDetector, qtbot):
    _, panel = viewer.window.add_plugin_dock_widget("napari-lesion", "Detect lesions")
    qtbot.waitUntil(lambda: not panel._devices_task.running, timeout=PATIENCE_MS)
    panel.run()
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)
    yield panel
    panel.findings.why.cancel()
    qtbot.waitUntil(lambda: not panel.findings.why.running, timeout=PATIENCE_MS)


def maps(viewer) -> dict:
    return {one.metadata["method"]: one for one in viewer.layers if "method" in one.metadata}


def explain_selected(panel: DetectPanel, qtbot, *methods: str) -> None:
    panel.findings.why.choose(*methods)
    panel.findings.why.button.click()
    qtbot.waitUntil(lambda: not panel.findings.why.running, timeout=PATIENCE_MS)


def test_why_shows_maps_on_the_selected_finding_with_their_faithfulness(viewer, panel: DetectPanel, qtbot) -> None:
    assert not panel.findings.why.button.isEnabled(), "no finding is selected yet"
    panel.findings.jump(1)
    assert panel.findings.why.button.isEnabled()
    explain_selected(panel, qtbot, "heatmap", "occlusion", "grad-cam")
    assert set(maps(viewer)) == {"heatmap", "occlusion"}
    occlusion = maps(viewer)["occlusion"]
    assert occlusion.name == "Occlusion of F2: 2024-02-29 Thorax lung"
    assert [str(unit) for unit in viewer.layers.units] == ["millimeter"] * 3
    assert viewer.dims.range[0].step == 2.5
    strongest = np.argwhere(occlusion.data >= occlusion.data.max() * 0.999).mean(axis=0)
    center, diameter = NODULES[1]
    assert np.linalg.norm(occlusion.data_to_world(strongest) - np.array(center)[::-1]) < diameter / 2
    text = panel.findings.why.controls.status.text()
    assert "F2" in text
    assert f"Occlusion: {occlusion.metadata['faithfulness']:.2f}" in text
    assert "Grad-CAM needs gradients" in text
    visible = [one.name for one in viewer.layers if one.visible and ("method" in one.metadata or "Heat" in one.name)]
    assert visible == [occlusion.name], "one map at a time"


def test_cancel_stops_and_changes_nothing(viewer, panel: DetectPanel, detector: BlobDetector, qtbot) -> None:
    panel.findings.jump(0)
    before = list(viewer.layers)
    panel.findings.why.choose("occlusion")
    panel.findings.why.explain_selected()
    assert not panel.findings.why.button.isEnabled()
    qtbot.mouseClick(panel.findings.why.controls.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not panel.findings.why.running, timeout=PATIENCE_MS)
    assert list(viewer.layers) == before
    assert panel.findings.why.controls.status.text().startswith("Cancelled")
    assert panel.findings.why.button.isEnabled()


def test_an_error_is_a_sentence_and_maps_go_with_their_findings(viewer, panel, detector: BlobDetector, qtbot) -> None:
    panel.findings.jump(0)
    explain_selected(panel, qtbot, "heatmap")
    assert set(maps(viewer)) == {"heatmap"}
    detector.error = RuntimeError("broken")
    explain_selected(panel, qtbot, "heatmap")
    text = panel.findings.why.controls.status.text()
    assert "please report it: RuntimeError at napari_lesion/" in text
    assert "broken" not in text  # it may quote a header
    detector.error = None
    panel.run()
    qtbot.waitUntil(lambda: panel._task is None, timeout=PATIENCE_MS)
    assert maps(viewer) == {}


@pytest.mark.parametrize("folder", sorted(packages.SHIPPED.glob("*/")), ids=lambda p: p.name)
def test_the_card_of_a_shipped_model_is_a_page(folder, qtbot) -> None:
    card = read_card(folder.name)
    text = card_text(card, folder.name)
    dialog = CardDialog(card, text)
    qtbot.addWidget(dialog)
    page = dialog.browser.toPlainText()
    assert card.id in dialog.windowTitle()
    assert len(page) > 500
    assert "|---" not in page, "tables are drawn, not spelt out"
    assert "**" not in page


def test_a_model_without_a_card_says_so(tmp_path) -> None:
    card = BlobDetector().card
    assert "comes without a card" in card_text(card, str(tmp_path))
