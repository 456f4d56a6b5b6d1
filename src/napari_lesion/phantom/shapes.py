"""Shapes that the anatomy of the phantom is made of, as signed distances in mm."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

Array = npt.NDArray[np.float32]


Points = npt.NDArray[np.float64]


#: Distances are exact near a surface and cut off here, mm.
FAR = 30.0


CAGE_Z = (-220, -160, -110, -60, -10, 40, 75, 100, 118, 150)


_CAGE_WIDTH = (132, 133, 131, 127, 119, 101, 78, 50, 22, 16)  # half the inner width of the rib cage


CAGE_DEPTH = (92, 94, 95, 93, 86, 71, 56, 36, 16, 12)


CAGE_Y = (0, 0, 0, 2, 6, 14, 21, 26, 28, 28)


def capsule_distance(z: Array, y: Array, x: Array, start: Points, end: Points) -> Array:
    """Distance to the segment from ``start`` to ``end``, both (x, y, z)."""
    px, py, pz = x - np.float32(start[0]), y - np.float32(start[1]), z - np.float32(start[2])
    d = (end - start).astype(np.float32)
    t = np.clip((px * d[0] + py * d[1] + pz * d[2]) / max(float(d @ d), 1e-6), 0, 1)
    result: Array = np.sqrt((px - t * d[0]) ** 2 + (py - t * d[1]) ** 2 + (pz - t * d[2]) ** 2)
    return result


def along(knots: npt.ArrayLike, values: npt.ArrayLike, z: Array, derivative: int = 0) -> Array:
    """Interpolate a measure along the body axis without overshoot; constant beyond the ends."""
    k = np.asarray(knots, dtype=np.float64)
    result: Array = PchipInterpolator(k, np.asarray(values, dtype=np.float64))(np.clip(z, k[0], k[-1]), derivative)
    return result.astype(np.float32)


def superellipse(
    x: Array, y: Array, z: Array, knots: npt.ArrayLike, widths: npt.ArrayLike, depths: npt.ArrayLike, n: float
) -> Array:
    """First-order distance to a tube of superelliptic cross-section whose half axes change along z."""
    a, b = along(knots, widths, z), along(knots, depths, z)
    u, v = np.abs(x) / a, np.abs(y) / b
    un, vn = u**n, v**n
    f = np.maximum((un + vn) ** (1 / n), 1e-3)
    g = f ** (1 - n)
    fx = g * un / np.maximum(u, 1e-3) / a
    fy = g * vn / np.maximum(v, 1e-3) / b
    fz = g * (un * along(knots, widths, z, 1) / a + vn * along(knots, depths, z, 1) / b)
    slope = np.maximum(np.sqrt(fx**2 + fy**2 + fz**2), 4e-3)
    result: Array = ((f - 1) / slope).astype(np.float32)
    return result


def cage_of(x: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """Distance to the inside of the rib cage, and the angle about its axis: 0 in front, ±π at the back."""
    yc = y - along(CAGE_Z, CAGE_Y, z)
    distance = superellipse(x, yc, z, CAGE_Z, _CAGE_WIDTH, CAGE_DEPTH, 2.35)
    top = (z - 112) * np.float32(0.9)
    theta: Array = np.arctan2(x / along(CAGE_Z, _CAGE_WIDTH, z), -yc / along(CAGE_Z, CAGE_DEPTH, z))
    return smooth_max(distance, top, 10.0), theta


def wall_point(theta: Points, z: Points, outward: float) -> Points:
    """Points (x, y, z) on the rib cage's wall, ``outward`` mm outside of its inner surface."""
    s, c = np.sin(theta), np.cos(theta)
    r = (np.abs(s) ** 2.35 + np.abs(c) ** 2.35) ** (-1 / 2.35)
    z32 = z.astype(np.float32)
    a, b = along(CAGE_Z, _CAGE_WIDTH, z32) + outward, along(CAGE_Z, CAGE_DEPTH, z32) + outward
    return np.stack([a * r * s, along(CAGE_Z, CAGE_Y, z32) - b * r * c, z], axis=-1)


def ellipse(x: Array, y: Array, a: Array | float, b: Array | float) -> Array:
    """Near distance to an ellipse."""
    result: Array = (np.sqrt((x / a) ** 2 + (y / b) ** 2) - 1) * np.minimum(a, b)
    return result.astype(np.float32)


def ellipsoid(x: Array, y: Array, z: Array, a: float, b: float, c: float) -> Array:
    """Signed distance (mm, about) to an ellipsoid with the semi-axes a, b, c."""
    result: Array = (np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2) - 1) * min(a, b, c)
    return result


def smooth_min(p: Array, q: Array, k: float) -> Array:
    """Union of two bodies with a fillet of about ``k`` mm."""
    h = np.maximum(k - np.abs(p - q), 0) / np.float32(k)
    result: Array = np.minimum(p, q) - h * h * np.float32(k / 4)
    return result


def smooth_max(p: Array, q: Array, k: float) -> Array:
    """Larger of two distances, rounded where they meet."""
    return -smooth_min(-p, -q, k)
