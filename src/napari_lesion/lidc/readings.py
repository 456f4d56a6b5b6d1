"""What the readers of LIDC-IDRI marked in a scan, whatever file it was read from, and where that lies in millimetres.

Contours are in pixels of the scan's images, so nothing has a place until the scan's own headers give it one.

References
----------
Armato et al., "The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative (IDRI)", Med. Phys. 38
(2011): an outline goes through the first pixels outside of the nodule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_lesion.dicom.index.series import Series
from napari_lesion.support.errors import GeometryError

MarkKind = Literal["nodule", "small nodule", "non-nodule"]
RATINGS = (
    "subtlety", "internalStructure", "calcification", "sphericity", "margin", "lobulation", "spiculation",
    "texture", "malignancy",
)  # fmt: skip
_OFF_MM = 0.1
"""By how much a contour's z may differ from its image's: they were rounded differently."""


@dataclass(frozen=True)
class Contour:
    """An outline on one image.

    Attributes
    ----------
    z_mm : float
        Of the image, as the file says it.
    sop_uid : str
        Of the image; empty where the file does not say.
    points : (n, 2) int
        Column and row, counted from 0, of the pixels that the outline goes through.
    inclusion : bool
        Whether what is within belongs to the nodule, or is cut out of it.
    """

    z_mm: float
    sop_uid: str
    points: npt.NDArray[np.int64]
    inclusion: bool = True


@dataclass(frozen=True)
class LidcReading:
    """What one reader marked as one finding.

    Attributes
    ----------
    reader : str
        Empty where the file does not say who it was.
    nodule : str
        Its name in the file.
    kind : MarkKind
        A nodule of 3 mm and more is outlined and rated; of the others there is a point.
    ratings : mapping
        ``RATINGS`` → 1 to 5 (calcification to 6, internalStructure to 4).
    """

    reader: str
    nodule: str
    kind: MarkKind
    contours: tuple[Contour, ...] = field(repr=False)
    ratings: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ScanReadings:
    """All readings of one scan."""

    series_uid: str
    patient_id: str
    """Empty where the file does not say."""
    readings: tuple[LidcReading, ...] = field(repr=False)
    complete: bool = True
    """Whether nodules below 3 mm and non-nodules are among them, as in the XML, and it is known who marked what."""


@dataclass(frozen=True)
class Plane:
    """An image of the scan: pixel (column, row) → LPS mm."""

    sop_uid: str
    origin: npt.NDArray[np.float64]
    along_columns: npt.NDArray[np.float64]
    """mm from one column to the next."""
    along_rows: npt.NDArray[np.float64]

    def place(self, points: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
        """(n, 2) columns and rows → (n, 3) LPS mm."""
        exact: npt.NDArray[np.float64] = np.asarray(points, dtype=np.float64)
        moved: npt.NDArray[np.float64] = self.origin + exact[:, :1] * self.along_columns
        moved += exact[:, 1:] * self.along_rows
        return moved


@dataclass(frozen=True)
class Planes:
    """The images of a scan in their order, and how far apart they lie."""

    series_uid: str
    planes: tuple[Plane, ...] = field(repr=False)
    distance_mm: float
    size: tuple[int, int]
    """Rows and columns."""

    @classmethod
    def of(cls, series: Series) -> Planes:
        """Take them from the headers of a series; no pixels are read.

        Raises
        ------
        GeometryError
            If the headers do not say where the images lie.
        """
        found = []
        for frame in series.frames:
            if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
                raise GeometryError(
                    f"series {series.identity.series_uid}: {frame.name} does not say where it lies, so readers' "
                    "outlines have no place in it."
                )
            row, column = np.array(frame.orientation[:3]), np.array(frame.orientation[3:])
            between_rows, between_columns = frame.pixel_spacing
            found.append(
                Plane(
                    frame.file.sop_instance_uid, np.array(frame.position), row * between_columns, column * between_rows
                )
            )
        normal = np.cross(found[0].along_columns, found[0].along_rows)
        normal /= np.linalg.norm(normal)
        found.sort(key=lambda plane: float(plane.origin @ normal))
        depths = np.array([plane.origin @ normal for plane in found])
        distance = float(np.median(np.diff(depths))) if len(depths) > 1 else 0.0
        if distance <= 0:
            raise GeometryError(f"series {series.identity.series_uid}: its images do not lie one above the other.")
        return cls(series.identity.series_uid, tuple(found), distance, series.size)

    def find(self, contour: Contour) -> int:
        """Find the image of a contour, by its UID, else by its z.

        Raises
        ------
        GeometryError
            If there is none.
        """
        if contour.sop_uid:
            for number, plane in enumerate(self.planes):
                if plane.sop_uid == contour.sop_uid:
                    return number
        apart = [abs(float(plane.origin[2]) - contour.z_mm) for plane in self.planes]
        best = int(np.argmin(apart))
        if contour.sop_uid or apart[best] > _OFF_MM:
            raise GeometryError(
                f"series {self.series_uid}: readers outlined something on an image at z = {contour.z_mm:g} mm"
                f"{' (' + contour.sop_uid + ')' if contour.sop_uid else ''}, which is not there. Images are missing: "
                "fetch the whole series."
            )
        return best


@dataclass(frozen=True)
class Placed:
    """A reading at its place.

    Attributes
    ----------
    center_mm : (x, y, z)
        LPS; the centre of mass of what lies within the outlines.
    diameter_mm : float
        Of the ball of the same volume; NaN for a point.
    voxels : mapping
        Number of the image → (n, 2) columns and rows that lie within.
    """

    reading: LidcReading
    center_mm: tuple[float, float, float]
    diameter_mm: float
    voxels: Mapping[int, npt.NDArray[np.int64]] = field(repr=False)


def place(reading: LidcReading, planes: Planes) -> Placed:
    """Put a reading at its place in a scan.

    Raises
    ------
    GeometryError
        If an image that was outlined on is missing, or the outline leaves it.
    """
    voxels: dict[int, set[tuple[int, int]]] = {}
    border: dict[int, set[tuple[int, int]]] = {}
    rows, columns = planes.size
    for contour in sorted(reading.contours, key=lambda one: not one.inclusion):
        number = planes.find(contour)
        low, high = contour.points.min(0), contour.points.max(0)
        if (low < 0).any() or high[0] >= columns or high[1] >= rows:
            raise GeometryError(
                f"series {planes.series_uid}: an outline leaves the image ({columns} × {rows} pixels). It is of "
                "another series."
            )
        within, edge = inside(contour.points)
        inner, outer = set(map(tuple, within.tolist())), set(map(tuple, edge.tolist()))
        if contour.inclusion:
            voxels.setdefault(number, set()).update(inner)
            border.setdefault(number, set()).update(outer)
        else:
            voxels.setdefault(number, set()).difference_update(inner)
    if not any(voxels.values()):  # so thin that nothing lies within, or a point: where the outline itself is
        voxels = border
    arrays = {n: np.array(sorted(points), dtype=np.int64) for n, points in voxels.items() if points}
    places = np.concatenate([planes.planes[n].place(points) for n, points in sorted(arrays.items())])
    plane = planes.planes[next(iter(arrays))]
    area = float(np.linalg.norm(np.cross(plane.along_columns, plane.along_rows)))
    diameter = (6 * len(places) * area * planes.distance_mm / np.pi) ** (1 / 3)
    x, y, z = map(float, places.mean(0))
    return Placed(reading, (x, y, z), diameter if reading.kind == "nodule" else float("nan"), arrays)


def inside(points: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pixels strictly within a closed outline, and those that it goes through.

    Parameters
    ----------
    points : (n, 2)
        Column and row.

    Returns
    -------
    within, edge : (m, 2), (k, 2)
    """
    low, high = points.min(0), points.max(0)
    column, row = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
    odd = np.zeros(column.shape, dtype=bool)
    edge = np.zeros(column.shape, dtype=bool)
    for (x1, y1), (x2, y2) in zip(points, np.roll(points, -1, axis=0), strict=True):
        cross = (x2 - x1) * (row - y1) - (y2 - y1) * (column - x1)
        spans = (column >= min(x1, x2)) & (column <= max(x1, x2)) & (row >= min(y1, y2)) & (row <= max(y1, y2))
        edge |= spans & (cross == 0)
        if y1 != y2:
            odd ^= ((row >= y1) != (row >= y2)) & ((cross > 0) == (y2 > y1))
    grid = np.stack((column, row), axis=-1)
    return grid[odd & ~edge], grid[edge]


def same_nodule(placed: Sequence[Placed]) -> list[list[Placed]]:
    """Put readings of the same nodule together: those closer than the sum of their radii, as LUNA16 does.

    Two of one reader are two nodules. Where more than four come together, nodules lie side by side: then they must be
    closer, until there are four at most.
    """
    return _groups(list(placed), 1.0)


def _groups(placed: list[Placed], share: float) -> list[list[Placed]]:
    parent = list(range(len(placed)))

    def root(n: int) -> int:
        while parent[n] != n:
            n = parent[n]
        return n

    pairs = sorted(
        (float(np.linalg.norm(np.subtract(a.center_mm, b.center_mm))), m, n)
        for m, a in enumerate(placed)
        for n, b in enumerate(placed[:m])
    )
    for distance, m, n in pairs:
        a, b = root(m), root(n)
        if a == b or distance >= share * (placed[m].diameter_mm + placed[n].diameter_mm) / 2:
            continue
        readers = [placed[k].reading.reader for k in range(len(placed)) if root(k) in (a, b)]
        named = [reader for reader in readers if reader]
        if len(named) == len(set(named)):
            parent[a] = b
    groups: dict[int, list[Placed]] = {}
    for n, one in enumerate(placed):
        groups.setdefault(root(n), []).append(one)
    found: list[list[Placed]] = []
    for group in groups.values():
        found += _groups(group, share * 0.8) if len(group) > 4 and share > 0.01 else [group]
    return found
