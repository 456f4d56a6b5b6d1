"""The texts in the corners of a view: who and what is shown, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import numpy as np
from napari.components.overlays import TextOverlay
from qtpy.QtCore import QTimer

from napari_lesion.model.findings import image_name
from napari_lesion.model.volume import SeriesIdentity, Volume, readable_date
from napari_lesion.plugin.texts import N_, tr
from napari_lesion.plugin.viewer.layers import OBLIQUE_DEG, frame_of
from napari_lesion.plugin.viewer.tools.cursor import number, place_text, side_text, slice_place
from napari_lesion.plugin.viewer.tools.slab import MODE_TEXTS, Extreme, Mode, Slab, depth_slices, extreme_of
from napari_lesion.plugin.viewer.tools.windows import preset_of, window_of
from napari_lesion.plugin.viewer.view import PLANES
from napari_lesion.plugin.viewer.views.marks import marks_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

CORNERS = ("top_left", "top_right", "bottom_left", "bottom_right")
_PLANE_TEXTS = {"axial": N_("Axial"), "coronal": N_("Coronal"), "sagittal": N_("Sagittal")}
_AGE_UNITS = {"D": N_("{n} days"), "W": N_("{n} weeks"), "M": N_("{n} months"), "Y": N_("{n} years")}
COLOR = "#c8d2dc"
_BOX_COLOR = (0.0, 0.0, 0.0, 0.5)
FONT_SIZE = 10
SMALL_FONT_SIZE = 8
#: Canvases narrower than this get the small font, and the most important words only.
SMALL_PX = 520
#: Canvases narrower than this have room for one text above: the day is below the name.
TINY_PX = 280
#: Width of a letter, px for each point of the font size.
_LETTER = 0.82
#: What each corner may take of the width; the letter of the patient's side is between them.
_SHARE = {"top_left": 0.46, "top_right": 0.46, "bottom_left": 0.6, "bottom_right": 0.46}


def person_name(dicom: str) -> str:
    """Write a DICOM name (PS3.5 6.2) for people: ``Doe^Jane`` as ``Doe, Jane``; an ideographic name first."""
    groups = [group for group in dicom.split("=") if group.strip("^ ")]
    if not groups:
        return ""
    group = groups[1] if len(groups) > 1 else groups[0]
    family, *rest = [part.strip() for part in group.split("^")]
    given = " ".join(part for part in rest if part)
    return ", ".join(part for part in (family, given) if part)


def age_text(series: SeriesIdentity) -> str:
    """Age at the study: as the headers say, or counted from the day of birth; "" where neither is known."""
    age = series.patient_age.strip().upper()
    if len(age) == 4 and age[:3].isdigit() and age[3] in _AGE_UNITS and int(age[:3]):
        return tr(_AGE_UNITS[age[3]], n=int(age[:3]))
    born, then = series.patient_birth_date, series.study_date
    if len(born) == len(then) == 8 and (born + then).isdigit() and born <= then:
        return tr(_AGE_UNITS["Y"], n=int(then[:4]) - int(born[:4]) - (then[4:] < born[4:]))
    return ""


def patient_text(series: SeriesIdentity, names: bool, small: bool = False) -> str:
    """Who it is; without names: sex and age alone, which tell a case but not a person. Small: the name, or number."""
    sex = {"M": tr("male"), "F": tr("female"), "O": tr("sex: other")}.get(series.patient_sex.strip().upper(), "")
    about = ", ".join(part for part in (sex, age_text(series)) if part)
    if not names:
        return "\n".join(part for part in (tr("Names hidden"), "" if small else about) if part)
    if small:
        return person_name(series.patient_name) or series.patient_id
    return "\n".join(part for part in (person_name(series.patient_name), series.patient_id, about) if part)


def study_text(volume: Volume, names: bool, small: bool = False, caption: str = "") -> str:
    """Describe what it is: study, series, kernel, thickness of the slices as acquired. The day belongs to the names.

    Small: the day, and what the series is. A caption ("PRIOR") goes before the day.
    """
    series, certificate = volume.series, volume.certificate
    day = (caption, readable_date(series.study_date) if names else "")
    modality = series.modality if series.modality not in series.series_description else ""
    number = tr("Series {number}", number=series.series_number) if series.series_number else ""
    if small:
        return "\n".join(line for line in (*day, series.series_description or series.modality) if line)
    how = [series.kernel, series.contrast and tr("contrast")]
    if certificate.slice_thickness_mm:
        how.append(tr("{mm} mm slices", mm=f"{certificate.slice_thickness_mm:.3g}"))
    lines = [
        " ".join(part for part in day if part),
        series.study_description.replace("^", " "),
        " · ".join(part for part in (number, modality, series.series_description) if part),
        " · ".join(part for part in how if part),
    ]
    return "\n".join(line for line in lines if line)


def image_text(model: ViewerModel, scan: Image, volume: Volume) -> str:
    """Name the acquired image that a view shows, as a PACS does: "Se 3, Im 71"; "" on a plane that is none."""
    if model.dims.ndim != 3 or model.dims.ndisplay != 2:
        return ""
    world = slice_place(model, scan)
    if world is None:
        return ""
    frame, towards = frame_of(volume), np.eye(3)[int(model.dims.order[0])]
    place = frame.to_patient(world)
    instance = volume.acquired_at(place.tolist(), frame.to_patient(world + towards) - place)
    return image_name(volume.series, instance.number, instance.frame) if instance is not None else ""


def slice_text(model: ViewerModel, scan: Image, volume: Volume, small: bool = False) -> str:
    """Which acquired image it is, and where the slice itself lies; small: without the plane's name.

    Nothing but the place is said of a reformatted plane, which is no image of anybody's numbering. Images that nobody
    numbered are counted.
    """
    axis = int(model.dims.order[0])
    total, image = scan.data.shape[axis], image_text(model, scan, volume)
    if total == 1:
        return image
    plane = next((tr(_PLANE_TEXTS[name]) for name, order in PLANES.items() if order[0] == axis), "")
    world = slice_place(model, scan)
    if world is None:
        return tr("{plane}: beyond the scan", plane=plane)
    where = float(world[axis])
    if frame_of(volume).oblique_deg > OBLIQUE_DEG:
        place = tr("{mm} mm, oblique", mm=number(round(where, 1)))
    elif volume.certificate.orientation == "unknown":
        place = f"{number(round(where, 1))} mm"
        if not image:
            image = tr("slice {n} of {total}", n=int(np.rint(scan.world_to_data(world)[axis])) + 1, total=total)
    else:
        place = f"{side_text(2 - axis, where)} mm"
    text = " · ".join(filter(None, (image, place)))
    return text if small else f"{plane} {text}"


def window_text(scan: Image, small: bool = False) -> str:
    """Width and level, and the preset's name (not if small)."""
    window, preset = window_of(scan), preset_of(scan)
    text = f"W {number(_rounded(window.width))}  L {number(_rounded(window.level))}"
    return f"{text} · {tr(preset.text)}" if preset is not None and not small else text


def _rounded(value: float) -> float:
    return round(value) if abs(value) >= 20 else float(f"{value:.3g}")


def slab_text(model: ViewerModel, scan: Image, volume: Volume, slab: Slab, small: bool = False) -> str:
    """Describe what the slab is in this view: what it covers, and its highest (MinIP: lowest) value on the screen."""
    if slab.mode is Mode.OFF:
        return ""
    count, covered = depth_slices(model, scan, slab)
    if count == 1:
        return tr(
            "{projection}: single slice, {mm} mm apart", projection=tr(MODE_TEXTS[slab.mode]), mm=f"{covered:.3g}"
        )
    text = f"{tr(MODE_TEXTS[slab.mode])} {covered:.3g} mm"
    found = extreme_of(model, scan, volume, slab)
    if found is None:
        return text
    said = (tr("max {value}") if slab.mode is Mode.MIP else tr("min {value}")).format(
        value=f"{number(found.value)} {volume.certificate.unit}".rstrip()
    )
    return f"{text}, {said}" if small else f"{text}, {said} {_where(found, volume)}"


def _where(found: Extreme, volume: Volume) -> str:
    instance = volume.acquired_at(found.place_mm, volume.affine[:3, 0] / volume.spacing[0])
    if instance is not None and instance.number is not None:
        return tr("at Im {number}", number=instance.number)
    return tr("at {place}", place=place_text(found.place_mm, volume))


def scale_text(model: ViewerModel, scan: Image, volume: Volume) -> str:
    """Zoom in pixels of the screen for one of the scan, and what the distances mean where it is not plain."""
    zoom = model.scene.camera.zoom * abs(float(scan.scale[model.dims.order[-1]]))
    text = tr("Zoom {percent} %", percent=f"{100 * zoom:.0f}")
    if volume.display.scale == "detector":
        return text + "\n" + tr("mm at the detector, not in the patient")
    if volume.display.scale == "none":
        return text + "\n" + tr("no scale: distances count pixels")
    return text


class CornerTexts:
    """The four texts of one view. What they say is set from outside; empty ones are not drawn.

    Qt draws them above a canvas that has its `Marks`: napari draws the whole picture anew for every new text, twice.
    """

    def __init__(self, model: ViewerModel) -> None:
        self._model = ref(model)
        self._width = 0
        self._texts = dict.fromkeys(CORNERS, "")
        for corner in CORNERS:
            model.canvas.overlays[f"reading_{corner}"] = TextOverlay(
                position=corner, font_size=FONT_SIZE, color=COLOR, box_color=_BOX_COLOR, visible=False
            )
        model.canvas.events.size.connect(self._on_size)
        self._on_size()

    @property
    def small(self) -> bool:
        """Whether there is room for few words only."""
        return self._width < SMALL_PX

    def show_identity(self, patient: str, study: str) -> None:
        """Write whose scan it is, and which, into the upper corners; one below the other where there is little room."""
        tiny = self._width < TINY_PX
        self.set_text("top_left", "\n".join(filter(None, (patient, *study.splitlines()[:2]))) if tiny else patient)
        self.set_text("top_right", "" if tiny else study)

    @property
    def _font_size(self) -> float:
        return SMALL_FONT_SIZE if self.small else FONT_SIZE

    def set_text(self, corner: str, text: str) -> None:
        """Write into a corner; lines that would run into the other corner end in an ellipsis."""
        if self._texts[corner] != text:
            self._texts[corner] = text
            self._draw(corner)

    def text(self, corner: str) -> str:
        """Get what a corner says, at full length."""
        return self._texts[corner]

    def _draw(self, corner: str) -> None:
        model = self._model()
        if model is None:
            return
        lines = self._texts[corner].splitlines()
        most = max(12, int(self._width * _SHARE[corner] / (self._font_size * _LETTER)))
        text = "\n".join(line if len(line) <= most else line[: most - 1] + "…" for line in lines)
        overlay = model.canvas.overlays[f"reading_{corner}"]
        marks = marks_of(model)
        if marks is not None:
            marks.set_corner(corner, text, self._font_size)
            overlay.visible = False
            return
        if overlay.font_size != self._font_size:
            overlay.font_size = self._font_size
        if overlay.text != text:
            overlay.text = text
        if overlay.visible != bool(text):
            overlay.visible = bool(text)
            # napari measures a text that has just come before it knows the screen's resolution, and places it wrongly.
            QTimer.singleShot(0, overlay.events.font_size)

    def _on_size(self) -> None:
        model = self._model()
        if model is not None and model.canvas.size[1] != self._width:
            self._width = int(model.canvas.size[1])
            for corner in CORNERS:
                self._draw(corner)
