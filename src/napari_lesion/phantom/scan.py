"""A synthetic scan: tissues become HU on the scanner's grid, blurred and noisy as a scanner would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.phantom import nodules as nodule_shapes
from napari_lesion.phantom.anatomy import PhantomGrid, Pose, tissues
from napari_lesion.phantom.nodules import PhantomNodule, PlacedNodule
from napari_lesion.phantom.patient import PhantomPatient, make_patient
from napari_lesion.phantom.shapes import Array, Points, capsule_distance
from napari_lesion.phantom.trees import Tree
from napari_lesion.support.errors import ConfigError
from napari_lesion.support.progress import Progress, silent

_COARSE_MM = 2.0
_FINEST_SLICE_MM = 1.3  # thicker slices are averaged from several: partial volume

AIR, FAT, MUSCLE, BLOOD, ORGAN, DISC, CORTEX, MARROW, LUNG = -1000, -104, 52, 42, 57, 90, 720, 170, -872


@dataclass(frozen=True)
class Scanner:
    """How the images are made."""

    kernel: Literal["soft", "lung"] = "soft"
    noise_hu: float = 16.0
    """Standard deviation in the middle of the body, after the kernel."""
    contrast_hu: float = 0.0
    """What contrast medium adds to the blood."""
    table: bool = True


def make_scan(
    seed: int,
    nodules: Sequence[PhantomNodule] = (),
    *,
    spacing: tuple[float, float, float] = (2.5, 0.7, 0.7),
    shape: tuple[int, int, int] | None = None,
    field_mm: float = 358.4,
    pose: Pose | None = None,
    scanner: Scanner | None = None,
    scan_seed: int | None = None,
    progress: Progress = silent,
) -> tuple[Volume, tuple[PlacedNodule, ...]]:
    """Make a chest CT of a synthetic patient.

    Parameters
    ----------
    seed : int
        Of the patient: the same seed is the same anatomy in every scan.
    nodules : sequence of PhantomNodule
    spacing : (z, y, x), mm
    shape : (z, y, x), optional
        Voxels. Default: all of the lungs by ``field_mm``, square.
    field_mm : float
        Field of view across; a broad patient needs 400 mm.
    pose : Pose, optional
        How the patient lies. Default: as ``scan_seed`` says, some mm and degrees off the middle.
    scanner : Scanner, optional
    scan_seed : int, optional
        Of the pose and the noise. Default: ``seed``.
    progress : callable
        ``progress(done, total, what)``, once a slice.

    Returns
    -------
    volume : Volume
        int16 HU, axial, k to the head, j to the back, i to the left.
    truth : tuple of PlacedNodule
        In the order of ``nodules``.

    Raises
    ------
    ConfigError
        If the grid is impossible, or there is no room for a nodule.
    """
    if min(spacing) <= 0 or (shape is not None and min(shape) < 1):
        raise ConfigError(f"a phantom cannot have spacing {spacing} mm and shape {shape}: both must be positive.")
    scan_seed = seed if scan_seed is None else scan_seed
    rng = np.random.default_rng([scan_seed, 31])
    drawn = Pose((rng.uniform(-9, 9), rng.uniform(-9, 9), float(rng.integers(-900, -100))), rng.uniform(-3, 3))
    pose = pose or drawn
    scanner = scanner or Scanner()
    patient = make_patient(seed)
    body_places = patient.place(nodules, seed)
    truth = tuple(
        PlacedNodule(n, _point(pose.to_scanner(where)), _point(where))
        for n, where in zip(nodules, body_places, strict=True)
    )
    affine, shape = _affine(patient, pose, spacing, shape, field_mm)
    hu = _render(patient, truth, pose, affine, shape, scanner, rng, progress)
    certificate = GeometryCertificate(
        shape=shape, spacing_mm=spacing, orientation="axial", axes="HPL", patient_position="HFS"
    )
    return Volume(hu, affine, SeriesIdentity(series_uid="", modality="CT", kernel=scanner.kernel), certificate), truth


def _point(values: Points) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _affine(
    patient: PhantomPatient,
    pose: Pose,
    spacing: tuple[float, float, float],
    shape: tuple[int, int, int] | None,
    field_mm: float,
) -> tuple[Points, tuple[int, int, int]]:
    """Centre the grid on the table's middle, and along z on the lungs."""
    low, high = (z + pose.shift_mm[2] for z in patient.lung_range())
    if shape is None:
        shape = (
            int(np.ceil((high - low + 22) / spacing[0])),
            round(field_mm / spacing[1]),
            round(field_mm / spacing[2]),
        )
    middle = ((low + high) / 2, 8.0, 0.0)
    affine = np.eye(4)
    affine[:3, :3] = np.fliplr(np.diag(spacing[::-1]))
    affine[:3, 3] = [m - (n - 1) / 2 * s for m, n, s in zip(middle[::-1], shape[::-1], spacing[::-1], strict=True)]
    return affine, shape


def _render(
    patient: PhantomPatient,
    truth: Sequence[PlacedNodule],
    pose: Pose,
    affine: Points,
    shape: tuple[int, int, int],
    scanner: Scanner,
    rng: np.random.Generator,
    progress: Progress,
) -> npt.NDArray[np.int16]:
    """Draw the scan, a few slices at a time."""
    dz, dy, dx = affine[2, 0], affine[1, 1], affine[0, 2]
    thin = max(1, round(dz / _FINEST_SLICE_MM))
    x0, y0, z0 = affine[:3, 3]
    first = z0 - dz / 2 + dz / thin / 2
    fine = PhantomGrid(
        first + dz / thin * np.arange(shape[0] * thin), y0 + dy * np.arange(shape[1]), x0 + dx * np.arange(shape[2])
    )
    step = float(np.clip(min(dy, dx), _COARSE_MM, 8.0))  # no finer than the voxels need
    coarse = PhantomGrid(*(np.arange(a[0] - 2 * step, a[-1] + 3 * step, step) for a in fine))
    fields = tissues(patient.body, coarse, pose)
    grain = ndimage.gaussian_filter(rng.standard_normal(coarse.shape, dtype=np.float32), 0.7)
    grain /= grain.std()
    upsample = _Upsampler(coarse, fine)
    filters = _Filters(scanner.kernel, shape[1:], (dy, dx))
    blur = max(0.9, dx)
    table = _table(fine, 8.0 + 128.0 * patient.body.depth + patient.body.fat_mm) if scanner.table else None

    result = np.empty(shape, np.int16)
    block = max(1, 24 // thin)
    for start in range(0, shape[0], block):
        progress(start, shape[0], "Rendering the phantom")
        stop = min(start + block, shape[0])
        here = slice(start * thin, stop * thin)
        part = PhantomGrid(fine.z[here], fine.y, fine.x)
        hu = np.empty(part.shape, np.float32)
        lung = np.empty(part.shape, np.float32)
        skin = np.empty(part.shape, np.float32)
        for n, k in enumerate(range(here.start, here.stop)):
            layer = {name: upsample(field, k) for name, field in fields.items() if name != "mediastinum"}
            lung[n], skin[n] = layer["lung"], layer["body"]
            hu[n] = _compose(layer, upsample(grain, k), part, part.z[n], patient, pose, scanner, blur)
            if table is not None:
                hu[n] = np.where((layer["body"] > 1) & (table > -999), table, hu[n])
        _draw_trees(hu, part, patient, pose, scanner, blur)
        for placed in truth:
            _draw_nodule(hu, lung, part, placed, pose, blur)
        for n, k in enumerate(range(start, stop)):
            group = slice(n * thin, (n + 1) * thin)
            depth = skin[group].mean(axis=0)
            # Most photons are lost on the way to the middle; outside of the body noise would only cost bytes.
            noise_hu = scanner.noise_hu * np.interp(depth, (-30, 0, 12), (1, 0.75, 0)).astype(np.float32)
            image = filters(hu[group].mean(axis=0), noise_hu, rng)
            result[k] = np.clip(np.rint(image), -1024, 3071).astype(np.int16)
    progress(shape[0], shape[0], "Rendered the phantom")
    return result


class _Upsampler:
    """Linear interpolation of a coarse field on one plane of the fine grid."""

    def __init__(self, coarse: PhantomGrid, fine: PhantomGrid) -> None:
        (self._kz, self._fz), (self._ky, fy), (self._kx, self._fx) = (
            self._weights(c, f) for c, f in zip(coarse, fine, strict=True)
        )
        self._fy = fy[:, None]

    @staticmethod
    def _weights(coarse: Points, fine: Points) -> tuple[npt.NDArray[np.intp], Array]:
        position = (fine - coarse[0]) / (coarse[1] - coarse[0])
        index = np.clip(position.astype(np.intp), 0, len(coarse) - 2)
        return index, (position - index).astype(np.float32)

    def __call__(self, field: Array, k: int) -> Array:
        n, f = self._kz[k], self._fz[k]
        plane = field[n] + (field[n + 1] - field[n]) * f
        left = plane[:, self._kx]
        wide = left + (plane[:, self._kx + 1] - left) * self._fx
        upper = wide[self._ky]
        result: Array = upper + (wide[self._ky + 1] - upper) * self._fy
        return result


class _Filters:
    """The reconstruction kernel: what it does to edges, and the noise that it leaves."""

    def __init__(self, kernel: Literal["soft", "lung"], shape: tuple[int, int], pixel: tuple[float, float]) -> None:
        f = np.hypot(np.fft.fftfreq(shape[0], pixel[0])[:, None], np.fft.rfftfreq(shape[1], pixel[1]))  # cycles/mm
        boost, reach = {"soft": (0.0, 0.62), "lung": (1.1, 0.95)}[kernel]
        edges = (1 + boost * (1 - np.exp(-((f / 0.3) ** 2)))) * np.exp(-((f / reach) ** 4))
        noise = np.sqrt(f + 0.004) * edges * np.exp(-((f / (0.75 * reach)) ** 2))
        weight = np.where((np.arange(f.shape[1]) == 0), 1.0, 2.0)  # rfft keeps half of the spectrum
        power = (noise**2 * weight).sum() / (shape[0] * shape[1])
        self._edges, self._noise = edges.astype(np.float32), (noise / np.sqrt(power)).astype(np.float32)
        self._shape = shape

    def __call__(self, image: Array, noise_hu: Array, rng: np.random.Generator) -> Array:
        sharp = fft.irfft2(fft.rfft2(image) * self._edges, s=self._shape)
        white = rng.standard_normal(self._shape, dtype=np.float32)
        noise = fft.irfft2(fft.rfft2(white) * self._noise, s=self._shape)
        result: Array = sharp + noise * noise_hu
        return result


def _compose(
    layer: dict[str, Array],
    grain: Array,
    grid: PhantomGrid,
    z: float,
    patient: PhantomPatient,
    pose: Pose,
    scanner: Scanner,
    blur: float,
) -> Array:
    """HU of one thin plane, without branching trees, nodules and noise."""

    def cover(distance: Array, width: float = blur) -> Array:
        alpha: Array = np.clip(0.5 - distance / np.float32(width), 0, 1)
        return alpha

    body = layer["body"]
    hu = np.full(body.shape, AIR, np.float32)
    hu += cover(body) * (FAT + 9 * grain - AIR)
    hu += np.clip(1.5 - np.abs(body + 1.2), 0, 1) * 95  # skin
    for name, value, texture in (
        ("muscle", MUSCLE, 11.0),
        ("organ", ORGAN, 4.0),
        ("blood", BLOOD + scanner.contrast_hu, 3.0),
        ("cartilage", DISC, 8.0),
    ):
        alpha = cover(layer[name], blur + 0.4)
        if alpha.any():
            hu += alpha * (value + texture * grain - hu)
    bone = layer["bone"]
    if (bone < 1).any():
        hu += cover(bone) * (CORTEX + 60 * grain - hu)
        hu += cover(bone + 1.7, 1.4) * (MARROW + 45 * grain - hu)
    gas = cover(layer["gas"])
    hu += gas * (AIR + 15 - hu)

    lung = layer["lung"]
    if (lung < 1).any():
        x, y, height = _body_plane(grid, z, pose, patient)
        parenchyma = LUNG + 0.38 * (y - 10) + 17 * grain
        sheet = np.abs(height + 52 - 1.05 * (y + 0.0016 * (np.abs(x) - 60) ** 2)) / 1.45
        minor = np.where((x < 0) & (y < (height + 52) / 1.05 - 2), np.abs(height + 34 + 0.1 * y), 9.0)
        fissure = np.clip(1.0 - np.minimum(sheet, minor), 0, 1)
        parenchyma += 190 * fissure
        hu += cover(lung) * (parenchyma - hu)
    return hu


def _body_plane(grid: PhantomGrid, z: float, pose: Pose, patient: PhantomPatient) -> tuple[Array, Array, float]:
    """Coordinates of a plane's pixels in the ordinary adult: x and y (y, x), and z."""
    sx, sy, sz = pose.shift_mm
    rotation = pose.rotation
    u, v = (grid.x - sx)[None], (grid.y - sy)[:, None]
    x = (u * rotation[0, 0] + v * rotation[1, 0]) / patient.body.width
    y = (u * rotation[0, 1] + v * rotation[1, 1]) / patient.body.depth
    return x.astype(np.float32), y.astype(np.float32), float((z - sz) / patient.body.height)


def _table(grid: PhantomGrid, top: float) -> Array:
    """HU (y, x) of a carbon-fibre table with a foam core; −1000 where there is none."""
    y = grid.y[:, None] - (top - (grid.x / 52.0) ** 2)
    inside = np.maximum(np.maximum(-y, y - 26), np.abs(grid.x) - 205)
    hu = np.where(inside < 0, np.where(inside > -1.8, -180.0, -955.0), -1000.0)
    smooth: Array = ndimage.gaussian_filter(hu, 0.6).astype(np.float32)
    return smooth


def _draw_trees(
    hu: Array, grid: PhantomGrid, patient: PhantomPatient, pose: Pose, scanner: Scanner, blur: float
) -> None:
    """Vessels, then the walls and the air of the airways (in place)."""
    airways = patient.airways
    wall = np.clip(0.16 * airways.radius + 0.45, 0.5, 1.6)
    walls = Tree(airways.start, airways.end, airways.radius + wall)
    for tree, value in ((patient.vessels, BLOOD + scanner.contrast_hu), (walls, 20.0), (airways, AIR + 4.0)):
        alpha = np.zeros(hu.shape, np.uint8)
        placed = Tree(pose.to_scanner(tree.start), pose.to_scanner(tree.end), tree.radius)
        _draw_tubes(alpha, grid, placed, blur)
        touched = alpha > 0
        hu[touched] += alpha[touched] * np.float32(1 / 255) * (np.float32(value) - hu[touched])


def _draw_tubes(alpha: npt.NDArray[np.uint8], grid: PhantomGrid, tree: Tree, blur: float) -> None:
    """Raise the coverage (0 to 255) of the voxels that a tree passes through (in place)."""
    reach = tree.radius + blur
    low, high = np.minimum(tree.start, tree.end) - reach[:, None], np.maximum(tree.start, tree.end) + reach[:, None]
    bounds = [
        (np.searchsorted(axis, low[:, 2 - a]), np.searchsorted(axis, high[:, 2 - a])) for a, axis in enumerate(grid)
    ]
    hits = np.flatnonzero(np.logical_and.reduce([lo < hi for lo, hi in bounds]))
    for s in hits:
        box = tuple(slice(int(lo[s]), int(hi[s])) for lo, hi in bounds)
        z, y, x = (axis[b].astype(np.float32) for axis, b in zip(grid, box, strict=True))
        distance = capsule_distance(z[:, None, None], y[:, None], x, tree.start[s], tree.end[s])
        radius = tree.radius[s]
        # A tube thinner than the blur cannot fill a voxel.
        full = 255 * min(1.0, 1.6 * radius / blur)
        cover = (np.clip(0.5 + (np.float32(radius) - distance) / np.float32(blur), 0, 1) * np.float32(full)).astype(
            np.uint8
        )
        np.maximum(alpha[box], cover, out=alpha[box])


def _draw_nodule(hu: Array, lung: Array, grid: PhantomGrid, placed: PlacedNodule, pose: Pose, blur: float) -> None:
    """Put one nodule into a block of slices (in place)."""
    reach = 1.2 * placed.diameter_mm + 5
    box = []
    for axis, c in zip(grid, placed.center_mm[::-1], strict=True):
        lo, hi = np.searchsorted(axis, (c - reach, c + reach))
        if lo >= hi:
            return
        box.append(slice(int(lo), int(hi)))
    where = tuple(box)
    z, y, x = (axis[b] for axis, b in zip(grid, box, strict=True))
    center = np.asarray(placed.center_mm)
    nodule_shapes.paint(
        hu[where], lung[where], z, y, x, placed.nodule, center, rotation=pose.rotation, blur_mm=blur
    )  # fmt: skip
