"""The shape of a synthetic chest: where its tissues are, as signed distances.

Body coordinates are LPS mm (x to the left, y to the back, z to the head) with the carina near the origin. Every
length below is an ordinary adult's; a seed varies them together. A signed distance is negative inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from napari_lesion.phantom.shapes import (
    CAGE_DEPTH,
    CAGE_Y,
    CAGE_Z,
    FAR,
    Array,
    Points,
    along,
    cage_of,
    capsule_distance,
    ellipse,
    ellipsoid,
    smooth_max,
    smooth_min,
    superellipse,
    wall_point,
)

_BODY_Z = (-220, -110, -60, -10, 40, 75, 100, 125, 150)
_BODY_WIDTH = (160, 164, 166, 168, 172, 174, 166, 128, 82)
_BODY_DEPTH = (117, 120, 119, 115, 106, 96, 84, 72, 64)
_BODY_Y = (4, 4, 5, 8, 13, 18, 22, 20, 18)
_SPINE_Z = (-220, -110, -60, -10, 40, 75, 100, 150)
_SPINE_Y = (72, 75, 74, 69, 60, 53, 47, 36)
_VERTEBRA_PITCH = 23.0
_FIRST_VERTEBRA_Z = 88.0


class PhantomGrid(NamedTuple):
    """A regular grid in scanner space: the coordinates along z, y and x, LPS mm."""

    z: Points
    y: Points
    x: Points

    @property
    def shape(self) -> tuple[int, int, int]:
        """Points along (z, y, x)."""
        return len(self.z), len(self.y), len(self.x)


@dataclass(frozen=True)
class Pose:
    """How the patient lies in the scanner."""

    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Scanner position of the body's origin, LPS mm."""
    roll_deg: float = 0.0
    """Turn about the long axis; positive turns the patient's left side to the back."""

    def to_scanner(self, points: npt.ArrayLike) -> Points:
        """Body (..., 3) → scanner (..., 3), both LPS mm as (x, y, z)."""
        result: Points = np.asarray(points, dtype=np.float64) @ self.rotation.T + self.shift_mm
        return result

    def to_body(self, points: npt.ArrayLike) -> Points:
        """Scanner (..., 3) → body (..., 3)."""
        result: Points = (np.asarray(points, dtype=np.float64) - self.shift_mm) @ self.rotation
        return result

    @property
    def rotation(self) -> Points:
        """Body axes → scanner axes (3, 3)."""
        c, s = np.cos(np.radians(self.roll_deg)), np.sin(np.radians(self.roll_deg))
        return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Body:
    """The measures of one synthetic patient, drawn from a seed."""

    width: float
    """Factor on all that lies across."""
    depth: float
    """Factor on all that lies front to back."""
    height: float
    """Factor on all that lies head to feet."""
    fat_mm: float
    """Fat under the skin beyond the ordinary."""
    domes_mm: float
    """How much higher than ordinary the diaphragm stands."""
    heart: float
    """Factor on the size of the heart."""
    seed: int

    @classmethod
    def from_seed(cls, seed: int) -> Body:
        """Draw the measures of a patient."""
        rng = np.random.default_rng([seed, 1])
        size = rng.normal(1.0, 0.03)
        return cls(
            width=float(size * rng.normal(1.0, 0.03)),
            depth=float(size * rng.normal(1.0, 0.04)),
            height=float(size * rng.normal(1.0, 0.04)),
            fat_mm=float(rng.uniform(-6, 14)),
            domes_mm=float(rng.normal(0, 7)),
            heart=float(rng.normal(1.0, 0.06)),
            seed=seed,
        )

    def scale(self, points: npt.ArrayLike) -> Points:
        """Points of the ordinary adult → points of this body (both body coordinates)."""
        result: Points = np.asarray(points, dtype=np.float64) * (self.width, self.depth, self.height)
        return result


@dataclass(frozen=True)
class Tissues:
    """Signed distances (z, y, x), mm, to the surface of every tissue."""

    body: Array
    muscle: Array
    organ: Array
    blood: Array
    bone: Array
    cartilage: Array
    lung: Array
    gas: Array
    mediastinum: Array

    def items(self) -> list[tuple[str, Array]]:
        """Give name and field of each."""
        return list(vars(self).items())


def tissues(body: Body, grid: PhantomGrid, pose: Pose) -> Tissues:
    """Compute the tissues of a body that lies in the scanner.

    Parameters
    ----------
    body : Body
    grid : PhantomGrid
        2 to 3 mm are fine enough: distances are interpolated linearly.
    pose : Pose
    """
    corner = np.stack(np.meshgrid(grid.y, grid.x, indexing="ij"), axis=-1)
    flat = np.concatenate([corner[..., ::-1], np.zeros((*corner.shape[:2], 1))], axis=-1)
    placed = pose.to_body(flat)
    x = (placed[..., 0] / body.width).astype(np.float32)[None]
    y = (placed[..., 1] / body.depth).astype(np.float32)[None]
    z = ((grid.z - pose.shift_mm[2]) / body.height).astype(np.float32)[:, None, None]
    paint = _Painter(grid, body, pose)

    cage, theta = cage_of(x, y, z)
    spine_y = along(_SPINE_Z, _SPINE_Y, z)
    skin = superellipse(
        x, y - along(_BODY_Z, _BODY_Y, z), z, _BODY_Z,
        np.add(_BODY_WIDTH, body.fat_mm), np.add(_BODY_DEPTH, body.fat_mm), 2.5,
    )  # fmt: skip

    ribs, rib_cartilage = _ribs(x, y, z, cage)
    vertebrae, discs, canal, spine = _spine(x, y, z, spine_y, paint)
    bone = np.minimum(np.minimum(ribs, vertebrae), _sternum_and_scapulae(x, y, z, cage, theta))
    bone = np.maximum(bone, skin + 5)
    cartilage = np.minimum(rib_cartilage, discs)

    blood = paint.blank()
    _heart_and_vessels(blood, body, x, y, z, paint)
    gullet = paint.tubes([((4, 34, 140), (6, 42, 60), (7, 48, 0), (2, 52, -60), (10, 40, -130))], [7.0])
    airway_room = paint.tubes(AIRWAYS, [11.0, 8.5, 7.8])
    slab: Array = np.maximum(np.abs(x - 4 + 4 * (y > 20)) - 3.5, y - 70).astype(np.float32)
    mediastinum = smooth_min(np.minimum(np.minimum(blood, airway_room), gullet) - np.float32(2.5), spine - 2.0, 12.0)
    mediastinum = np.minimum(smooth_min(mediastinum, np.maximum(slab, cage - 2), 10.0), FAR)

    dome = _diaphragm(x, y, z, body)
    lung = smooth_max(smooth_max(cage, -mediastinum, 3.0), dome, 3.0)

    muscle = np.minimum(_chest_muscles(z, cage, theta), gullet)
    erector = ellipse(np.abs(x) - 27, y - spine_y - 33, 24.0, 16.0)
    muscle = np.minimum(muscle, np.maximum(erector, skin + 6))
    belly = np.maximum(cage, -dome)
    diaphragm = np.maximum(np.abs(dome) - 1.6, cage)
    muscle = np.maximum(np.minimum(muscle, np.where(mediastinum < 0, FAR, diaphragm)), skin + 5)
    organ, gas = _belly(x, y, z, belly, mediastinum)
    canal = np.minimum(canal, FAR)
    fields = {
        "body": skin, "muscle": np.minimum(muscle, canal), "organ": organ, "blood": blood, "bone": bone,
        "cartilage": cartilage, "lung": lung, "gas": gas, "mediastinum": mediastinum,
    }  # fmt: skip
    full = {k: np.broadcast_to(np.clip(v, -FAR, FAR), grid.shape).astype(np.float32) for k, v in fields.items()}
    return Tissues(**full)


#: Trachea, right and left main bronchus as (x, y, z) of the ordinary adult. Their radii are the lumen's plus room.
AIRWAYS: list[tuple[tuple[float, float, float], ...]] = [
    ((0, 22, 150), (0, 27, 60), (-2, 33, 0)),
    ((-2, 33, 0), (-16, 35, -10), (-34, 36, -24)),
    ((-2, 33, 0), (18, 35, -12), (42, 40, -28)),
]


class _Painter:
    """Distances to chains of capsules, computed only around them."""

    def __init__(self, grid: PhantomGrid, body: Body, pose: Pose) -> None:
        self.grid, self.body, self.pose = grid, body, pose

    def blank(self) -> Array:
        return np.full(self.grid.shape, FAR, np.float32)

    def tubes(self, chains: list[tuple[tuple[float, float, float], ...]], radii: list[float]) -> Array:
        """Distance to tubes through points of the ordinary adult."""
        field = self.blank()
        for chain, radius in zip(chains, radii, strict=True):
            points = self.pose.to_scanner(self.body.scale(chain))
            for start, end in pairwise(points):
                self._capsule(field, start, end, radius)
        return field

    def _capsule(self, field: Array, start: Points, end: Points, radius: float) -> None:
        reach = radius + FAR
        box = []
        for axis, (p, q) in zip(self.grid, zip(start[::-1], end[::-1], strict=True), strict=True):
            lo, hi = np.searchsorted(axis, (min(p, q) - reach, max(p, q) + reach))
            if lo >= hi:
                return
            box.append(slice(int(lo), int(hi)))
        z, y, x = (a[b].astype(np.float32) for a, b in zip(self.grid, box, strict=True))
        local = field[tuple(box)]
        np.minimum(local, capsule_distance(z[:, None, None], y[:, None], x, start, end) - np.float32(radius), out=local)


def _ribs(x: Array, y: Array, z: Array, cage: Array) -> tuple[Array, Array]:
    """Twelve pairs of ribs that slope from the spine down to the front, and their cartilage."""
    samples, cartilage_from = [], []
    for n in range(12):
        front = (0.30, 0.26, 0.24, 0.24, 0.25, 0.28, 0.34, 0.65, 0.8, 0.95, 1.5, 2.1)[n]
        drop = (22, 36, 48, 56, 62, 66, 68, 70, 70, 66, 50, 32)[n]
        s = np.linspace(0, 1, 90)
        theta = (np.pi - 0.24) * (1 - s) + front * s
        level = _FIRST_VERTEBRA_Z + 6 - _VERTEBRA_PITCH * n - drop * s**1.1
        if n < 10:
            level = level + (10 + 3 * n) * np.clip((s - 0.8) / 0.2, 0, 1) ** 2  # cartilage rises to the sternum
        for side in (-1, 1):
            samples.append(wall_point(side * theta, level, 5.5))
            cartilage_from.append((s > 0.8) if n < 10 else np.zeros_like(s, bool))
    points, is_cartilage = np.concatenate(samples), np.concatenate(cartilage_from)
    shell = np.argwhere((cage > -4) & (cage < 17) & (z < 120))
    distance = np.full(cage.shape, FAR, np.float32)
    soft = distance.copy()
    if len(shell):
        k, j, i = shell.T
        where = np.stack([x[0, j, i], y[0, j, i], z[k, 0, 0]], axis=-1)
        away, nearest = cKDTree(points).query(where, distance_upper_bound=25.0)
        hit = np.isfinite(away)
        across = cage[k, j, i][hit] - 5.5
        along = np.sqrt(np.maximum(away[hit] ** 2 - across**2, 0))
        value = (np.sqrt((across / 3.6) ** 2 + (along / 6.2) ** 2) - 1) * 4.2
        k, j, i = k[hit], j[hit], i[hit]
        gristle = is_cartilage[nearest[hit]]
        distance[k, j, i] = np.where(gristle, FAR, value)
        soft[k, j, i] = np.where(gristle, value, FAR)
    return distance, soft


def _spine(x: Array, y: Array, z: Array, spine_y: Array, paint: _Painter) -> tuple[Array, Array, Array, Array]:
    """Vertebrae with arches and processes, discs, the canal, and the column of bodies as a whole."""
    size = np.interp(z, (-200, 100), (1.12, 0.8)).astype(np.float32)
    column = ellipse(x, y - spine_y, 18.5 * size, 15.5 * size)
    column = np.maximum(column, -ellipse(x, y - spine_y - 26 * size, 12.0, 12.0) * 0.8)
    phase = np.abs((z - _FIRST_VERTEBRA_Z + _VERTEBRA_PITCH / 2) % _VERTEBRA_PITCH - _VERTEBRA_PITCH / 2)
    bodies = np.maximum(column, phase - 9.4)
    discs = np.maximum(column + 0.8, 9.4 - phase)
    canal = ellipse(x, y - spine_y - 15.5 * size - 8, 9.5, 8.0)
    arch = np.maximum(np.maximum(canal - 4.5, -canal), phase - 8)
    chains: list[tuple[tuple[float, float, float], ...]] = []
    radii: list[float] = []
    for n in range(-2, 14):
        level = _FIRST_VERTEBRA_Z - _VERTEBRA_PITCH * n
        back = float(np.interp(level, _SPINE_Z, _SPINE_Y)) + 16 * float(np.interp(level, (-200, 100), (1.12, 0.8)))
        chains += [((0, back + 17, level - 4), (0, back + 38, level - 22))]
        chains += [((s * 11, back + 9, level - 2), (s * 32, back + 17, level + 1)) for s in (-1, 1)]
        radii += [3.2, 4.0, 4.0]
    processes = paint.tubes(chains, radii)
    return np.minimum(np.minimum(bodies, arch), processes), discs, canal, np.minimum(column, canal - 4.5)


def _sternum_and_scapulae(x: Array, y: Array, z: Array, cage: Array, theta: Array) -> Array:
    """Flat bones of the wall, and the collar bones."""
    half = np.interp(z, (-90, -60, 20, 45), (9, 16, 13, 26)).astype(np.float32)
    front = along(CAGE_Z, CAGE_Y, z) - along(CAGE_Z, CAGE_DEPTH, z)
    across = ((np.abs(x) / half) ** 3 + (np.abs(y - front + 6.5) / 5.5) ** 3) ** (1 / 3)
    sternum = np.maximum((across - 1) * 5.5, np.abs(z + 20) - 66)
    turn = np.abs(theta)
    from_edge = (np.abs(turn - 2.13) - np.interp(z, (-45, 20, 90), (0.1, 0.36, 0.40)).astype(np.float32)) * 120
    plate = np.maximum(np.maximum(np.abs(cage - 26 - 3 * np.cos(6 * turn)) - 2.6, from_edge), np.abs(z - 22) - 66)
    spine_of = np.maximum(np.maximum(np.abs(cage - 34) - 6, np.abs(z - 60 - 30 * (2.2 - turn)) - 4), from_edge + 6)
    flat: Array = np.minimum(np.minimum(sternum, plate), spine_of).astype(np.float32)
    return flat


def _chest_muscles(z: Array, cage: Array, theta: Array) -> Array:
    """Between the ribs, and in a second layer: pectoral, serratus, latissimus, shoulder, trapezius."""
    turn = np.abs(theta)

    def bump(at: float, width: float) -> Array:
        result: Array = np.exp(-(((turn - at) / width) ** 2))
        return result

    def above(level: float, over: float) -> Array:
        result: Array = 1 / (1 + np.exp(-(z - level) / over))
        return result

    thick = 17 * bump(0.75, 0.42) * above(-20, 14) + 12 * bump(1.6, 0.4) * above(-110, 30)
    thick = thick + 26 * bump(2.2, 0.5) * above(-25, 18) + 12 * bump(2.75, 0.3) + 22 * above(78, 9)
    base = 12.2 + 1.6 * np.sin(3 * turn + z / 17)  # a fat plane of changing thickness between the layers
    layer = np.maximum(base - cage, cage - base - thick)
    layer = np.where(thick > 2.5, layer, FAR)
    intercostal = np.maximum(cage - 10.5, 0.8 - cage)
    muscles: Array = np.minimum(intercostal, layer).astype(np.float32)
    return muscles


def _heart_and_vessels(blood: Array, body: Body, x: Array, y: Array, z: Array, paint: _Painter) -> None:
    """Heart, aorta, caval veins, lung arteries: everything that carries blood in the mediastinum (in place)."""
    s = body.heart
    axis = np.array([0.74, -0.48, -0.47])
    axis /= np.linalg.norm(axis)
    side = np.cross(axis, (0, 0, 1.0))
    side /= np.linalg.norm(side)
    frame = np.stack([axis, side, np.cross(axis, side)]).astype(np.float32)
    for center, radii, rotation in (
        ((24, -36, -72), (64 * s, 44 * s, 46 * s), frame),  # ventricles
        ((-24, -26, -62), (26 * s, 29 * s, 36 * s), np.eye(3, dtype=np.float32)),  # right atrium
        ((4, 12, -46), (34 * s, 21 * s, 22 * s), np.eye(3, dtype=np.float32)),  # left atrium
    ):
        p = [x - center[0], y - center[1], z - center[2]]
        q = [sum(rotation[r, c] * p[c] for c in range(3)) / np.float32(radii[r]) for r in range(3)]
        f = np.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2)
        np.minimum(blood, (f - 1) * np.float32(min(radii)), out=blood)
    aorta = ((4, -28, -40), (-12, -36, -8), (-14, -32, 20), (-4, -14, 38), (12, 14, 40), (21, 36, 24), (23, 50, -8))
    vessels: list[tuple[tuple[tuple[float, float, float], ...], float]] = [
        (aorta[:4], 15.5),
        (aorta[3:], 13.0),
        ((aorta[-1], (22, 54, -60), (12, 56, -120), (6, 54, -220)), 12.0),
        (((10, -36, -45), (19, -22, -14), (30, 4, -4), (40, 26, -6)), 12.0),
        (((20, -14, -10), (2, 4, -12), (-22, 14, -14), (-34, 22, -18)), 10.0),
        (((-26, -18, 48), (-28, -20, 0), (-26, -22, -50)), 9.0),
        (((-24, 6, -80), (-24, 14, -130), (-20, 20, -220)), 11.0),
        (((-26, -18, 48), (-30, -4, 100), (-34, 4, 150)), 7.0),
        (((-26, -18, 46), (0, -22, 52), (26, -12, 70), (34, 2, 150)), 6.5),
        (((-6, -16, 38), (-14, 0, 80), (-22, 10, 150)), 6.0),
        (((4, 2, 40), (10, 12, 80), (20, 16, 150)), 4.5),
        (((12, 16, 40), (24, 24, 80), (40, 24, 112)), 5.0),
    ]
    np.minimum(blood, paint.tubes([c for c, _ in vessels], [r for _, r in vessels]), out=blood)


def _diaphragm(x: Array, y: Array, z: Array, body: Body) -> Array:
    """First-order distance to the domes; positive below. The right one stands higher, over the liver."""
    domes = []
    for x0, y0, top in ((-62, -12, -96), (64, -8, -110)):
        u, v = (x - x0) / 76, (y - y0) / 106
        rho = (np.abs(u) ** 2.6 + np.abs(v) ** 2.6) ** (1 / 2.6) + 1e-3
        level = top + body.domes_mm - 66 * rho**2.3
        slope = 66 * 2.3 * rho**1.3 * np.hypot((np.abs(u) / rho) ** 1.6 / 76, (np.abs(v) / rho) ** 1.6 / 106)
        domes.append((level - z) / np.sqrt(1 + slope**2))
    return np.where(x < 2, domes[0], domes[1]).astype(np.float32)


def _belly(x: Array, y: Array, z: Array, belly: Array, mediastinum: Array) -> tuple[Array, Array]:
    """Liver, spleen and stomach under the domes, and the stomach's gas."""
    room = belly + 2.5
    liver = np.maximum(np.maximum(room, x - 18 - 0.5 * (z + 130) * (y < 0)), y - 78)
    spleen = ellipsoid(x - 88, y - 42, z + 165, 36, 40, 45)
    stomach = ellipsoid(x - 52, y + 22, z + 158, 40, 42, 42)
    organ = np.minimum(liver, np.maximum(np.minimum(spleen, stomach), room + 1.5))
    organ = np.where((mediastinum < 0) & (x > -8), FAR, organ)  # the caval vein runs through the liver
    gas = np.maximum(np.maximum(stomach + 4, y + 34), room + 6)
    return organ.astype(np.float32), gas.astype(np.float32)
