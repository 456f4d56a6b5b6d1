"""What lies under the cursor: the voxel's value, as it was acquired, and the place in the patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_lesion.model.findings import Point
from napari_lesion.model.volume import Volume
from napari_lesion.plugin.settings import LPS, option
from napari_lesion.plugin.texts import tr
from napari_lesion.plugin.viewer.layers import HEATMAP, OBLIQUE_DEG, frame_of
from napari_lesion.plugin.viewer.tools.slab import MODE_TEXTS, Mode, Slab

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

_PROJECTIONS: dict[Mode, Callable[..., Any]] = {Mode.MIP: np.max, Mode.MINIP: np.min, Mode.MEAN: np.mean}


@dataclass(frozen=True)
class Probe:
    """What is at one place.

    Attributes
    ----------
    place_mm : (3,)
        LPS mm (x, y, z), of the cursor itself.
    index : (3,)
        Voxel (k, j, i) of the volume that the place is in.
    value : float
        Of that voxel.
    slab : float or None
        What the slab shows there.
    probability : float or None
        Of the heatmap that is shown.
    """

    place_mm: Point
    index: tuple[int, int, int]
    value: float
    slab: float | None = None
    probability: float | None = None


def voxel_at(volume: Volume, place_mm: npt.ArrayLike) -> tuple[int, int, int] | None:
    """Find the voxel (k, j, i) that a place (LPS mm) is in; None outside, or where it has not been read yet."""
    k, j, i = np.rint(volume.to_index(place_mm)).astype(int).tolist()
    if not all(0 <= n < size for n, size in zip((k, j, i), volume.shape, strict=True)):
        return None
    if volume.load_state is not None and not volume.load_state.present[k]:
        return None
    return k, j, i


def slice_place(model: ViewerModel, scan: Image) -> npt.NDArray[np.float64] | None:
    """Find where the slice lies that a view shows of a scan; None beyond its ends.

    Parameters
    ----------
    model : ViewerModel
    scan : Image

    Returns
    -------
    (3,)
        Napari's world. Along the axis that one looks through it is the centre of the slice that is drawn, which
        napari's point need not be: other layers may have finer steps.
    """
    axis = int(model.dims.order[0])
    index = np.array(scan.world_to_data(model.dims.point), dtype=np.float64)
    index[axis] = np.rint(index[axis])
    if not 0 <= index[axis] < scan.data.shape[axis]:
        return None
    world: npt.NDArray[np.float64] = np.asarray(model.dims.point, dtype=np.float64).copy()
    world[axis] = scan.data_to_world(index)[axis]
    return world


def probe(model: ViewerModel, scan: Image, volume: Volume, slab: Slab) -> Probe | None:
    """Read what is under the cursor of a view; None where there is nothing of the scan."""
    dims = model.dims
    if dims.ndim != 3 or dims.ndisplay != 2:
        return None
    world = np.asarray(model.cursor.position, dtype=np.float64)
    if world.shape != (3,):
        return None
    shown = slice_place(model, scan)
    if shown is None:
        return None
    hidden = list(dims.not_displayed)
    world[hidden] = shown[hidden]  # the reader scrolls, and the cursor stays
    place = frame_of(volume).to_patient(world)
    index = voxel_at(volume, place)
    if index is None:
        return None
    x, y, z = map(float, place)
    return Probe(
        (x, y, z), index, float(volume.voxels[index]), _slab_value(model, scan, world, slab), _suspicion(model, world)
    )


def _slab_value(model: ViewerModel, scan: Image, world: npt.NDArray[np.float64], slab: Slab) -> float | None:
    """Value of the slab at a place, from the slices that it is made of."""
    axis = int(model.dims.order[0])
    count = slab.slices(abs(float(scan.scale[axis])))
    if count == 1:
        return None
    index: list[int | slice] = np.rint(np.asarray(scan.world_to_data(world))).astype(int).tolist()
    middle = int(index[axis])  # type: ignore[arg-type]
    index[axis] = slice(max(middle - count // 2, 0), middle + count // 2 + 1)
    return float(_PROJECTIONS[slab.mode](scan.data[tuple(index)]))


def _suspicion(model: ViewerModel, world: npt.NDArray[np.float64]) -> float | None:
    for layer in reversed(model.layers):
        if layer.visible and layer.metadata.get("kind") == HEATMAP:
            index = np.rint(np.asarray(layer.world_to_data(world))).astype(int)
            if np.all(index >= 0) and np.all(index < layer.data.shape):
                return float(layer.data[tuple(index)])
    return None


def number(value: float) -> str:
    """Write a value with a true minus sign, whole where it is whole."""
    text = f"{value:.0f}" if float(value).is_integer() else f"{value:.4g}"
    return text.replace("-", "−")


def value_text(found: Probe, volume: Volume, slab: Slab) -> str:
    """Phrase the value: ``−612 HU``; a scan that is not in HU gets no unit that it does not have."""
    unit = volume.certificate.unit

    def with_unit(value: float) -> str:
        return f"{number(value)} {unit}" if unit else tr("value {value}", value=number(value))

    if found.slab is None:
        return with_unit(found.value)
    return tr(
        "{projection} {shown} (slice {value})",
        projection=tr(MODE_TEXTS[slab.mode]),
        shown=with_unit(found.slab),
        value=number(found.value),
    )


def place_text(place_mm: Point, volume: Volume) -> str:
    """Phrase a place by the patient's sides, without signs: ``R 45.0  A 12.3  F 270.0 mm``; as LPS where asked for."""
    if volume.certificate.orientation == "unknown":
        _, row, column = np.rint(volume.to_index(place_mm)).astype(int).tolist()
        return tr("row {row}, column {column}", row=row, column=column)
    x, y, z = place_mm
    if option("tools/places") == LPS:
        return _lps_text(place_mm)
    return f"{side_text(0, x)}  {side_text(1, y)}  {side_text(2, z)} mm"


def _lps_text(place_mm: Point) -> str:
    x, y, z = (number(round(value, 1)) for value in place_mm)
    return tr("LPS {x}, {y}, {z} mm", x=x, y=y, z=z)


#: Letters of the patient's sides in the direction of falling and rising x, y and z.
_SIDES = ("RL", "AP", "FH")


def side_text(axis: int, value: float) -> str:
    """Phrase one coordinate (axis 0 x, 1 y, 2 z of LPS) by the side that it lies on."""
    return f"{_SIDES[axis][value >= 0]} {abs(value):.1f}"


def status_text(found: Probe, volume: Volume, slab: Slab) -> str:
    """Phrase everything in one line, for the status bar."""
    parts = [value_text(found, volume, slab)]
    if volume.certificate.orientation != "unknown":
        x, y, z = found.place_mm
        sides = f"{side_text(0, x)}  {side_text(1, y)}  {side_text(2, z)} mm"
        parts += [sides, _lps_text(found.place_mm)]
        if volume.certificate.orientation == "oblique" and frame_of(volume).oblique_deg > OBLIQUE_DEG:
            parts.append(tr("oblique planes"))
    else:
        parts.append(place_text(found.place_mm, volume))
    if found.probability is not None:
        parts.append(suspicion_text(found.probability))
    return "   ".join(parts)


def suspicion_text(probability: float) -> str:
    """Phrase the value of the heatmap."""
    return tr("suspicion {value}", value=f"{probability:.2f}")


def corner_text(found: Probe, volume: Volume, slab: Slab, small: bool = False) -> str:
    """Phrase it in a few short lines, for a corner of the view; small: what is seen there, and nothing else."""
    if small:
        value = found.value if found.slab is None else found.slab
        return f"{number(value)} {volume.certificate.unit}"
    lines = [value_text(found, volume, slab), place_text(found.place_mm, volume)]
    if found.probability is not None:
        lines.insert(1, suspicion_text(found.probability))
    return "\n".join(lines)
