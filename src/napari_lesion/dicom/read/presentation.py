"""What headers say about showing a scan: windows, VOI LUT, MONOCHROME1, and what a projection's spacing means."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from napari_lesion.dicom.index.frames import Frame
from napari_lesion.model.display import Display, Scale, Window
from napari_lesion.support.vault import open_file

#: Modalities whose images are projections: their spacing differs with the distance from the detector.
PROJECTIONS = ("CR", "DX", "MG", "RF", "XA", "IO", "PX", "RG")
#: Steps of a curve; a VOI LUT with more entries is thinned out.
_STEPS = 1024
#: A sigmoid (PS3.3 C.11.2.1.3.1) reaches 2 and 98 % of the greys one width from its centre.
_SIGMOID_REACH = 2.0


def display_of_stack(frames: Sequence[Frame]) -> Display:
    """How a stack asks to be shown: with the windows of its slices where they agree, else with their median."""
    shown = Display(inverted=any(frame.file.photometric == "MONOCHROME1" for frame in frames))
    windows = {frame.windows for frame in frames}
    if len(windows) == 1:
        return replace(shown, windows=windows.pop())
    first = [frame.windows[0] for frame in frames if frame.windows]
    if not first:
        return shown
    middle = Window(median(window.level for window in first), median(window.width for window in first))
    return replace(shown, windows=(middle,))


def display_of_image(frame: Frame, modality: str, turned_around: float | None) -> tuple[Display, list[str]]:
    """How a single image asks to be shown.

    Parameters
    ----------
    frame : Frame
    modality : str
    turned_around : float or None
        Where values v were inverted to c − v so that bright is high: c.

    Returns
    -------
    display : Display
    notes : list of str
        What a reader must know about its values and distances.
    """
    dataset = _header(frame)
    windows, curve, notes = _curve(dataset, frame.windows)
    if "ModalityLUTSequence" in dataset:
        windows, curve = (), ()
        notes.append("Its values have a Modality LUT, which is not applied: they are as stored.")
    if turned_around is not None:
        windows = tuple(Window(turned_around - window.level, window.width) for window in windows)
        curve = tuple(1 - grey for grey in reversed(curve))
    scale, more = _scale(frame, modality, dataset)
    return Display(
        windows=windows,
        curve=curve,
        inverted=turned_around is None and frame.file.photometric == "MONOCHROME1",
        scale=scale,
        sides=_sides(frame),
    ), notes + more


def _sides(frame: Frame) -> tuple[str, str]:
    """Give the sides that rows and columns run to (PS3.3 C.7.6.1.1.1)."""
    right, _, below = frame.patient_orientation.upper().partition("\\")
    return (right, below) if right and below and set(right + below) <= set("RLAPHF") else ("", "")


def _header(frame: Frame) -> Dataset:
    """Read the few elements that only single images are asked for."""
    tags = ["VOILUTSequence", "VOILUTFunction", "ModalityLUTSequence", "ImagerPixelSpacing"]
    tags += ["PixelSpacingCalibrationType", "PixelRepresentation"]
    try:
        with warnings.catch_warnings(), open_file(frame.file.path)[0] as file:
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=tags, force=True)
            for element in dataset:  # values are converted here, and may be damaged
                element.value  # noqa: B018
    except Exception:  # a damaged element says nothing; the image itself was read
        return Dataset()
    return dataset


def _curve(dataset: Dataset, windows: tuple[Window, ...]) -> tuple[tuple[Window, ...], tuple[float, ...], list[str]]:
    """Give windows and curve of a VOI LUT or a sigmoid; of a plain window there is no curve.

    References
    ----------
    DICOM PS3.3 C.11.2.1.1 (VOI LUT) and C.11.2.1.3 (VOI LUT function).
    """
    if str(dataset.get("VOILUTFunction", "")).upper() == "SIGMOID" and windows:
        steps = np.linspace(-_SIGMOID_REACH / 2, _SIGMOID_REACH / 2, 256)
        wide = Window(windows[0].level, _SIGMOID_REACH * windows[0].width)
        return (wide, *windows[1:]), tuple((1 / (1 + np.exp(-4 * steps))).tolist()), []
    sequence = dataset.get("VOILUTSequence")
    if not sequence:
        return windows, (), []
    try:
        entries, first, bits = (int(value) for value in sequence[0].LUTDescriptor)
        data = sequence[0].LUTData
        if isinstance(data, bytes):
            data = np.frombuffer(data, "<u2" if bits > 8 else np.uint8)
        greys = np.asarray(data, dtype=np.float64)[: entries or 65536] / (2**bits - 1)
        if len(greys) < 2 or not 8 <= bits <= 16 or greys.max() > 1:
            raise ValueError
    except (AttributeError, TypeError, ValueError):
        return windows, (), ["Its VOI LUT is damaged and was not used."]
    span = len(greys) - 1
    thinned = np.interp(np.linspace(0, span, min(len(greys), _STEPS)), np.arange(len(greys)), greys)
    return (Window(first + span / 2, float(span)), *windows), tuple(thinned.tolist()), []


def _scale(frame: Frame, modality: str, dataset: Dataset) -> tuple[Scale, list[str]]:
    """Describe what distances mean (PS3.3 10.7.1.3)."""
    if frame.pixel_spacing is None:
        return "none", ["PixelSpacing is missing: distances are in pixels, not mm."]
    if frame.spacing_source != "PixelSpacing":
        return "detector", [
            f"Distances come from {frame.spacing_source}: they hold at the detector, larger than in the patient."
        ]
    if modality not in PROJECTIONS:
        return "patient", []
    kind = str(dataset.get("PixelSpacingCalibrationType", "") or "")
    at_detector = dataset.get("ImagerPixelSpacing")
    apart = at_detector is not None and not np.allclose(
        np.asarray(at_detector, dtype=float), frame.pixel_spacing, rtol=1e-4
    )
    if kind or apart:
        how = f" ({kind.lower()})" if kind else ""
        return "patient", [
            f"Distances are calibrated{how}: they hold in the depth that was calibrated for, only there."
        ]
    return "detector", ["The image is a projection that is not calibrated: distances hold at the detector."]
