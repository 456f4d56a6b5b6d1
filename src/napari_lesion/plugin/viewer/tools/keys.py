"""The keys of the tools of reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from napari_lesion.plugin.session.session import Session
from napari_lesion.plugin.viewer.actions import Action
from napari_lesion.plugin.viewer.tools.presets import PRESETS, Preset
from napari_lesion.plugin.viewer.tools.reading import ReadingTools, reading_tools
from napari_lesion.plugin.viewer.views.mpr import views


def _with(run: Callable[[ReadingTools], None]) -> Callable[[Session], None]:
    return lambda session: run(reading_tools(session))


def _preset(preset: Preset, session: Session) -> None:
    reading_tools(session).set_preset(preset)


def reset(session: Session) -> None:
    """Show everything as it was at the beginning, but for the place."""
    reading_tools(session).reset()
    views(session.viewer).reset()


ACTIONS = (
    *(
        Action(f"window.{preset.id}", f"{preset.text} window", str(key), partial(_preset, preset))
        for key, preset in enumerate(PRESETS, start=1)
    ),
    Action("window.auto", "Window chosen for the slice", "7", _with(ReadingTools.auto_window)),
    Action("window.invert", "Invert black and white", "I", _with(ReadingTools.invert)),
    Action("slab.mode", "Slab: single slice, MIP, MinIP, mean", "T", _with(lambda t: t.set_slab(t.slab.next_mode()))),
    Action("slab.thinner", "Thinner slab", "[", _with(lambda t: t.set_slab(t.slab.thinner()))),
    Action("slab.thicker", "Thicker slab", "]", _with(lambda t: t.set_slab(t.slab.thicker()))),
    Action("reading.cine", "Cine: play the slices, or stop", "C", _with(lambda t: t.cine.toggle())),
    Action("reading.names", "Show or hide the patient's name", "X", _with(lambda t: t.set_names(not t.names))),
    Action(
        "reading.overlays", "Hide or show all that is drawn over the picture", "Q", _with(lambda t: t.overlays.toggle())
    ),
    Action(
        "reading.interpolated",
        "Smooth picture, or raw pixels",
        "Shift-I",
        _with(lambda t: t.set_interpolated(not t.interpolated)),
    ),
    Action("reading.reset", "Window, slab and zoom as at the beginning", "R", reset),
)
