"""A chest made of ellipsoids, on a grid of HU in canonical orientation, for tests of the lung mask."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Point = tuple[float, float, float]

LUNG_HU, AIR_HU, TISSUE_HU, BONE_HU, FOAM_HU = -850.0, -995.0, 40.0, 500.0, -900.0
HALF_MM = (150.0, 140.0, 180.0)
"""Half the extent of the whole chest along z, y and x."""


@dataclass
class Chest:
    """Coordinates are mm from the middle of the chest, (z, y, x): to the head, the back and the left."""

    spacing: Point = (2.5, 2.5, 2.5)
    z_range: tuple[float, float] = (-HALF_MM[0], HALF_MM[0])
    x_range: tuple[float, float] = (-HALF_MM[2], HALF_MM[2])
    lung_hu: float = LUNG_HU
    noise_hu: float = 25.0
    hu: np.ndarray = field(init=False, repr=False)
    lungs: np.ndarray = field(init=False, repr=False)
    trachea: np.ndarray = field(init=False, repr=False)
    table: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        ranges = (self.z_range, (-HALF_MM[1], HALF_MM[1]), self.x_range)
        self.z, self.y, self.x = (
            np.arange(low + s / 2, high, s, dtype=np.float32).reshape([-1 if axis == a else 1 for a in range(3)])
            for axis, ((low, high), s) in enumerate(zip(ranges, self.spacing, strict=True))
        )
        self.hu = np.full([self.z.size, self.y.size, self.x.size], AIR_HU, dtype=np.float32)
        self._table()
        self.put(self.tube((0, 0), (100, 165)), TISSUE_HU)
        right = self.ball((-10, 0, -75), (110, 80, 55))
        left = self.ball((-10, 0, 75), (110, 80, 55))
        heart = self.ball((-60, -30, 20), (60, 50, 60))
        self.lungs = (right | left) & ~heart & ~self.ball((-150, 0, 0), (80, 300, 300))
        self.put(self.lungs, self.lung_hu)
        self.put(self.tube((65, 0), (16, 16)), BONE_HU)
        for side in (-1, 1):
            for z in range(-140, 150, 30):
                self.put(self.ball((z, 0, side * 140), (6, 70, 5)), BONE_HU)
        for side in (-1, 1):  # vessels, fanning out of the hilum
            for angle in np.linspace(-1.2, 1.2, 7):
                end = (-10 + 70 * np.sin(angle), 20, side * (75 + 35 * np.cos(angle)))
                self.put(self.rod((-10, 0, side * 35), end, 2.5) & self.lungs, TISSUE_HU)
        wall = self.tube((15, 0), (11, 11)) & (self.z > 0)
        self.trachea = self.tube((15, 0), (9, 9)) & (self.z > 0)
        for side in (-1, 1):
            wall |= self.rod((2, 15, 0), (-12, 5, side * 45), 8)
            self.trachea |= self.rod((2, 15, 0), (-12, 5, side * 30), 6)
        self.put(wall & (abs(self.x) < 45), TISSUE_HU)
        self.put(self.trachea | self.rod((2, 15, -45), (2, 15, 45), 0), AIR_HU)
        for side in (-1, 1):
            self.put(self.rod((2, 15, 0), (-12, 5, side * 45), 6), AIR_HU)
        self.lungs &= ~(self.trachea | wall)

    def _table(self) -> None:
        self.table = (self.y > 104) & (self.y < 130) & (abs(self.x) < 150) & (self.z > -1e9)
        self.put((self.y > 101) & (self.y < 133) & (abs(self.x) < 153) & (self.z > -1e9), TISSUE_HU)
        self.put(self.table, FOAM_HU)

    def ball(self, center: Point, radii: Point) -> np.ndarray:
        """An ellipsoid."""
        parts = ((g - c) / r for g, c, r in zip((self.z, self.y, self.x), center, radii, strict=True))
        return sum(part**2 for part in parts) <= 1

    def tube(self, center: tuple[float, float], radii: tuple[float, float]) -> np.ndarray:
        """An elliptic cylinder along z."""
        plane = ((self.y - center[0]) / radii[0]) ** 2 + ((self.x - center[1]) / radii[1]) ** 2
        return (plane <= 1) & (self.z > -1e9)

    def rod(self, start: Point, end: Point, radius: float) -> np.ndarray:
        """What lies closer to a line between two points than a radius."""
        a, b = np.array(start, dtype=np.float32), np.array(end, dtype=np.float32)
        d = b - a
        axes, box = [], []
        for axis, g in enumerate((self.z, self.y, self.x)):
            line = g.ravel()
            reach = slice(*np.searchsorted(line, [min(a[axis], b[axis]) - radius, max(a[axis], b[axis]) + radius]))
            box.append(reach)
            axes.append(g[tuple(reach if n == axis else slice(None) for n in range(3))])
        t = np.clip(sum((g - o) * n for g, o, n in zip(axes, a, d, strict=True)) / (d @ d), 0, 1)
        result = np.zeros(self.hu.shape, dtype=bool)
        distance = sum((g - o - t * n) ** 2 for g, o, n in zip(axes, a, d, strict=True))
        result[tuple(box)] = distance <= radius**2
        return result

    def put(self, where: np.ndarray, hu: float) -> np.ndarray:
        """Fill a shape, and give it back."""
        self.hu[where] = hu
        return where

    def scan(self, seed: int = 0) -> np.ndarray:
        """HU with noise."""
        rng = np.random.default_rng(seed)
        return self.hu + rng.normal(0, self.noise_hu, self.hu.shape).astype(np.float32)
