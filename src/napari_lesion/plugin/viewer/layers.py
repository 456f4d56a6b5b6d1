"""From scans and findings to napari layers and back: the one place where LPS mm and napari's world meet.

napari's world is (z, y, x) in mm: z grows to the head, y to the back, x to the patient's left, so a world position
is an LPS position reversed. y runs down and x runs right on the screen, which gives the radiologist's axial view:
the patient's right on the left, the front on top.

A scan whose planes are oblique keeps its own planes: its world is turned around the scan's centre so that the planes
lie upright (napari slices oblique affines wrongly, and resampling would blur). `UprightFrame` holds that turn, and
everything that is drawn on the scan goes through the same frame.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_lesion.imaging.axes import turned
from napari_lesion.model.findings import Heatmap
from napari_lesion.model.volume import FloatArray, SeriesIdentity, Volume, apply_affine, readable_date, spacing_of
from napari_lesion.plugin.viewer.tools.presets import opening_colors, opening_window
from napari_lesion.support.errors import GeometryError

if TYPE_CHECKING:
    from napari.layers import Points, Vectors

    from napari_lesion.dicom.index.series import Series

#: What npe2 readers return: data, keyword arguments, layer type.
LayerData: TypeAlias = tuple[Any, dict[str, Any], str]

AXIS_LABELS = ("z", "y", "x")
UNITS = ("mm", "mm", "mm")
#: ``metadata["kind"]`` of the layer of a heatmap.
HEATMAP = "heatmap"
#: Key in the metadata of a layer: the `scan_key` of the scan that it belongs to.
SCAN = "lesion_scan"
#: A tilt of the planes below this is rounding, not worth a word to the reader.
OBLIQUE_DEG = 0.1

#: Patient directions (LPS) that the world axes z, y, x stand for: head, back, left.
_WORLD_AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True)
class UprightFrame:
    """How patient positions (LPS mm) map to napari's world for one scan.

    Attributes
    ----------
    axes : (3, 3)
        Unit vectors (LPS) of the world axes z, y, x, one a row.
    pivot : (3,)
        The point (LPS mm) that the world is turned around; it is its own reverse in the world.
    """

    axes: FloatArray
    pivot: FloatArray

    def to_world(self, lps: npt.ArrayLike) -> FloatArray:
        """LPS mm (..., 3) as (x, y, z) → world mm (..., 3) as (z, y, x)."""
        world: FloatArray = (np.asarray(lps, dtype=np.float64) - self.pivot) @ self.axes.T + self.pivot[::-1]
        return world

    def to_patient(self, world: npt.ArrayLike) -> FloatArray:
        """World mm (..., 3) as (z, y, x) → LPS mm (..., 3) as (x, y, z)."""
        lps: FloatArray = (np.asarray(world, dtype=np.float64) - self.pivot[::-1]) @ self.axes + self.pivot
        return lps

    @property
    def oblique_deg(self) -> float:
        """Angle between the scan's axes and the patient's, degrees; 0 for a scan that lies upright."""
        cosine = (np.trace(self.axes @ _WORLD_AXES.T) - 1) / 2
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def canonical(voxels: npt.NDArray[Any], affine: FloatArray) -> tuple[npt.NDArray[Any], FloatArray]:
    """Turn an array so that its axes grow to the head, the back and the left, as well as they fit.

    Parameters
    ----------
    voxels : (z, y, x)
    affine : (4, 4)
        Index (k, j, i) → LPS mm.

    Returns
    -------
    voxels, affine
        A view (axes swapped and reversed, nothing copied) and its affine.

    Raises
    ------
    GeometryError
        If the axes of the affine are not perpendicular.
    """
    spacing = np.array(spacing_of(affine))
    cosines = affine[:3, :3] / spacing  # columns: directions of k, j, i
    if np.abs(cosines.T @ cosines - np.eye(3)).max() > 1e-3:
        raise GeometryError("the axes of this scan are not perpendicular, so it cannot be shown; resample it first.")
    return turned(voxels, affine)


def frame_of(volume: Volume) -> UprightFrame:
    """Find the frame in which a scan's planes lie upright."""
    return _frame(volume.voxels.shape, np.asarray(volume.affine, dtype=np.float64).tobytes())


@lru_cache(maxsize=64)
def _frame(shape: tuple[int, ...], affine_bytes: bytes) -> UprightFrame:
    """Compute it once for each grid: whoever draws or reads the pointer asks, several times for each slice."""
    there = np.frombuffer(affine_bytes).reshape(4, 4)
    voxels, affine = canonical(np.broadcast_to(np.int8(0), shape), there)
    axes = (affine[:3, :3] / np.array(spacing_of(affine))).T
    centre = apply_affine(affine, (np.array(voxels.shape) - 1) / 2)
    if np.abs(axes - _WORLD_AXES).max() < 1e-6:  # rounding in the headers: 1 µm at the edge of the largest scan
        axes = _WORLD_AXES
    for shared in (axes, centre):
        shared.setflags(write=False)
    return UprightFrame(axes, centre)


def placement(affine: FloatArray, frame: UprightFrame) -> dict[str, Any]:
    """Scale and translate, mm, of an array with a canonical affine in a frame parallel to it."""
    return {
        "scale": spacing_of(affine),
        "translate": tuple(frame.to_world(affine[:3, 3]).tolist()),
        "units": UNITS,
        "axis_labels": AXIS_LABELS,
    }


def placed(volume: Volume) -> dict[str, Any]:
    """Scale, translate and axes of a layer whose data are on a scan's grid, in canonical orientation."""
    return placement(canonical(volume.voxels, volume.affine)[1], frame_of(volume))


def scan_name(series: SeriesIdentity) -> str:
    """Name a scan in the layer list: date and description, as the headers say."""
    what = series.series_description or f"{series.modality} series {series.series_number}".strip()
    return " ".join(part for part in (readable_date(series.study_date), what) if part)


def patient_key(series: SeriesIdentity) -> str:
    """Tell patients of a list apart: by their number, or by their name where the headers give none."""
    return series.patient_id.strip() or series.patient_name.strip()


def scan_key(volume: Volume) -> str:
    """Tell scans apart: patient, study, series, and which of its stacks. It names nobody, so it may stand in a log."""
    series = volume.series
    who = "\n".join((series.patient_id, series.study_uid, series.series_uid, volume.stack))
    return hashlib.sha256(who.encode()).hexdigest()[:16]


class _Identity(dict[str, Any]):
    """A `SeriesIdentity` as a dictionary that names nobody where it is printed: tracebacks show values of variables."""

    def __repr__(self) -> str:
        return f"<series {self.get('series_uid', '')}>"


def about(volume: Volume, **more: Any) -> dict[str, Any]:
    """Make the metadata of a layer that shows something of a scan: whose it is, and what else there is to say."""
    return {"series": _Identity(volume.series.model_dump()), SCAN: scan_key(volume), **more}


def scan_layer(volume: Volume, source: Series | None = None) -> LayerData:
    """Make the image layer of a scan.

    The layer's ``metadata`` holds ``series`` (identity) and ``certificate`` as plain dictionaries, ``volume``, the
    `Volume` itself, which later work starts from, and ``source``, the files that it was read from, if there are any.
    """
    voxels, affine = canonical(volume.voxels, volume.affine)
    frame = frame_of(volume)
    attributes = {
        "name": scan_name(volume.series),
        "contrast_limits": opening_window(volume).limits,
        "colormap": opening_colors(volume),
        "interpolation2d": "linear",  # the voxels' edges are not in the patient
        "projection_mode": "none",  # in napari it is the mean
        "metadata": {
            **about(volume),
            "certificate": volume.certificate.model_dump(),
            "volume": volume,
            "source": source,
        },
        **placement(affine, frame),
    }
    if volume.display.scale == "none":
        attributes["units"] = ("pixel",) * 3  # a scale bar in mm would be made up
    return voxels, attributes, "image"


def heatmap_layer(heatmap: Heatmap, volume: Volume) -> LayerData:
    """Make the layer that lies over a scan and glows where the network is suspicious.

    In plane the heatmap keeps its own grid. Through the plane it is interpolated at the scan's slices: napari's slider
    steps by the finest layer, and would otherwise stop between slices.
    """
    values, affine = canonical(heatmap.values, heatmap.affine)
    scan, scan_affine = canonical(volume.voxels, volume.affine)
    frame = frame_of(volume)
    along = scan_affine[:3, 0] / spacing_of(scan_affine)[0]
    positions = (scan_affine[:3, 3] - affine[:3, 3]) @ along + spacing_of(scan_affine)[0] * np.arange(scan.shape[0])
    positions /= spacing_of(affine)[0]
    # Half a voxel beyond the outermost centres still belongs to the heatmap.
    inside = np.flatnonzero((positions > -0.5) & (positions < values.shape[0] - 0.5))
    if not inside.size:
        raise GeometryError(f"series {volume.series.series_uid}: the heatmap lies outside of the scan.")
    position = np.clip(positions[inside], 0, values.shape[0] - 1)
    below = np.minimum(position.astype(int), max(values.shape[0] - 2, 0))
    above = np.minimum(below + 1, values.shape[0] - 1)
    weight = (position - below).astype(np.float32)[:, None, None]
    on_slices = values[below] * (1 - weight) + values[above] * weight

    placed = affine.copy()
    placed[:3, 3] += along * (positions[inside[0]] * spacing_of(affine)[0])
    placed[:3, 0] = scan_affine[:3, 0]
    attributes = {
        "name": f"Heatmap: {scan_name(volume.series)}",
        "contrast_limits": (0.0, 1.0),
        "colormap": "inferno",
        "blending": "additive",
        "opacity": 0.5,
        "interpolation2d": "linear",
        "projection_mode": "none",
        "metadata": about(volume, kind=HEATMAP),
        **placement(placed, frame),
    }
    return on_slices, attributes, "image"


def put_data(layer: Points | Vectors, data: npt.ArrayLike) -> None:
    """Give a layer of points or lines other ones.

    napari cuts no slice of a hidden layer, and would look there for what is gone.
    """
    layer.data = data
    if not layer.visible:
        layer.set_view_slice()
