"""The start of the program: the picture comes first, and after it what it does not need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dicom_factory as factory
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from napari_lesion.dicom.read import decode
from napari_lesion.plugin import start

SAMPLE = Path(__file__).resolve().parents[2] / "sample_dicoms" / "baseline"
LATER = (
    "torch",
    "monai",
    "SimpleITK",
    "matplotlib",
    "nibabel",
    "scipy.spatial",
    "pydicom.sr",
    "napari_lesion.plugin.findings.search_form",
    "napari_lesion.plugin.annotate.annotate_panel",
    "napari_lesion.plugin.reading_study.second_reader_panel",
    "napari_lesion.plugin.pacs.pacs_panel",
    "napari_lesion.plugin.worklist.worklist_panel",
)
"""What the first picture does not wait for."""
SCRIPT = """
import os, sys
from napari_lesion.plugin import start
from napari_lesion.plugin.viewer import layout

show, later = layout.Layout.show, os.environ["LATER"].split()

def shown(self):
    show(self)
    viewer, steps = self._viewer, self.side.steps

    def on_draw(_event):
        if viewer.layers and viewer.layers[0].loaded:
            viewer.window._qt_viewer.canvas.events.draw.disconnect(on_draw)
            print("step at the picture:", repr(steps.step), [name for name in later if name in sys.modules], flush=True)
            steps.changed.connect(lambda step: (print("then:", step, flush=True), os._exit(0)))

    viewer.window._qt_viewer.canvas.events.draw.connect(on_draw, position="first")

layout.Layout.show = shown
start.main()
"""


def test_the_first_picture_waits_for_nothing_that_it_does_not_need(tmp_path) -> None:
    own = {"NAPARI_LESION_SETTINGS": str(tmp_path / "settings.ini"), "NAPARI_CONFIG": str(tmp_path / "napari.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(SAMPLE)],
        env={**os.environ, **own, "LATER": " ".join(LATER)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.stdout.splitlines() == ["step at the picture: '' []", "then: find"], done.stdout + done.stderr


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless, ExplicitVRLittleEndian])
def test_decoders_start_at_once_where_they_will_be_needed(tmp_path, monkeypatch, syntax) -> None:
    factory.write_phantom(tmp_path / "scans" / "one", syntax=syntax)
    asked: list[int] = []
    monkeypatch.setattr(decode, "prepare", asked.append)
    start.begin(tmp_path / "scans")
    assert bool(asked) is (syntax != ExplicitVRLittleEndian)


@pytest.mark.parametrize("name", ["nothing", "absent", "text"])
def test_what_is_no_dicom_starts_no_decoder(tmp_path, name) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "text").write_text("no DICOM")
    assert not start.looks_compressed(tmp_path / name)


def test_decoders_that_were_prepared_are_those_that_decode(monkeypatch) -> None:
    monkeypatch.setattr(decode, "_idle", [])
    decode.prepare(1)
    (waiting,) = decode._idle
    (taken,) = decode._take(1)
    assert taken is waiting
    taken.close()
