"""What is measured in phantoms of known volume: bias and spread for slices of 1 to 5 mm.

    python benchmarks/measurement.py [--thickness 1 2 3 5] [--diameters 6 10 16] [--places 4] [--csv measurement.csv]

Bodies are drawn twice as fine as the pixels (0.7 mm) in a lung of -850 HU, blurred as by a soft kernel, averaged
over the slice, with noise of 20 HU, each at several places between the voxels. Outline and numbers are the product's,
pointed at with the true centre and diameter. "mask" measures the true voxels instead (those with their centre inside):
what is left is the error of measuring, not of outlining.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_lesion.assessment.measure.measure import measure
from napari_lesion.assessment.measure.segment import segment
from napari_lesion.model.mask import Mask
from napari_lesion.model.volume import GeometryCertificate, SeriesIdentity, Volume
from napari_lesion.support.errors import LesionError

PIXEL_MM, FINE_MM, HALF_MM = 0.7, 0.35, 30.0
LUNG_HU, BLUR_MM, NOISE_HU = -850.0, 0.6, 20.0
KINDS = ("ball", "ellipsoid", "part-solid", "non-solid", "on pleura", "on vessel")
Array = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Phantom:
    """A body in a lung, and what is true of it."""

    volume: Volume
    mask: Mask
    volume_mm3: float
    mean_diameter_mm: float
    """Of both axes of its largest axial section."""
    center_mm: tuple[float, float, float]


def phantom(kind: str, diameter: float, thickness: float, rng: np.random.Generator) -> Phantom:
    """Draw a body of the volume of a ball with a diameter, somewhere between the voxels."""
    shift = rng.uniform(-0.5, 0.5, 3) * (thickness, PIXEL_MM, PIXEL_MM)
    steps = round(thickness / 0.5)
    counts = [2 * round(HALF_MM / thickness) + 1] + [2 * round(HALF_MM / PIXEL_MM) + 1] * 2
    fine = [thickness / steps, FINE_MM, FINE_MM]
    finer = (steps, round(PIXEL_MM / FINE_MM), round(PIXEL_MM / FINE_MM))
    z, y, x = (
        ((np.arange(n * f) - (n * f - 1) / 2) * s)
        .astype(np.float32)
        .reshape([-1 if a == axis else 1 for a in range(3)])
        for axis, (n, f, s) in enumerate(zip(counts, finer, fine, strict=True))
    )
    z, y, x = z - np.float32(shift[0]), y - np.float32(shift[1]), x - np.float32(shift[2])
    radius = diameter / 2
    stretch = (1.0, 0.8, 1.25) if kind == "ellipsoid" else (1.0, 1.0, 1.0)
    inside = _ellipsoid(z, y, x, [radius * s for s in stretch])
    level = {"part-solid": -600.0, "non-solid": -600.0}.get(kind, 30.0)
    hu = np.where(inside, np.float32(level), np.float32(LUNG_HU))
    if kind == "part-solid":
        hu[_ellipsoid(z, y, x, [radius / 2] * 3)] = 20.0
    true_volume = np.pi / 6 * diameter**3
    if kind == "on pleura":
        wall = _wall(z, y, x, diameter)
        hu[wall] = 40.0
        true_volume = float((inside & ~wall).sum()) * float(np.prod(fine))
    if kind == "on vessel":
        hu[np.broadcast_to(y**2 + z**2 + 0 * x < 1.5**2, hu.shape)] = 40.0
    hu = ndimage.gaussian_filter(hu, [BLUR_MM / s for s in fine])
    coarse = _blocks(hu, finer) + rng.normal(0, NOISE_HU, counts).astype(np.float32)
    spacing = (thickness, PIXEL_MM, PIXEL_MM)
    affine = np.array(
        [[0, 0, PIXEL_MM, 0], [0, PIXEL_MM, 0, 0], [thickness, 0, 0, 0], [0, 0, 0, 1.0]], dtype=np.float64
    )
    shape = (counts[0], counts[1], counts[2])
    certificate = GeometryCertificate(shape=shape, spacing_mm=spacing, orientation="axial", axes="HPL")
    volume = Volume(np.rint(coarse).astype(np.int16), affine, SeriesIdentity(series_uid=kind), certificate)
    middle = volume.to_patient([(n - 1) / 2 for n in counts]) + shift[::-1]
    z, y, x = (
        ((np.arange(n) - (n - 1) / 2) * p - d).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        for axis, (n, p, d) in enumerate(zip(shape, spacing, shift, strict=True))
    )
    mask = _ellipsoid(z, y, x, [radius * s for s in stretch])
    if kind == "on pleura":
        mask &= ~_wall(z, y, x, diameter)
    mean = diameter * (stretch[1] + stretch[2]) / 2
    return Phantom(
        volume,
        Mask.of(mask),
        true_volume,
        float("nan") if kind == "on pleura" else mean,
        (float(middle[0]), float(middle[1]), float(middle[2])),
    )


def _ellipsoid(z: Array, y: Array, x: Array, radii: list[float]) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (z / radii[0]) ** 2 + (y / radii[1]) ** 2 + (x / radii[2]) ** 2 <= 1
    return inside


def _wall(z: Array, y: Array, x: Array, diameter: float) -> npt.NDArray[np.bool_]:
    """Draw a wall of large radius, in which a fifth of the diameter lies."""
    wall: npt.NDArray[np.bool_] = (y + 80) ** 2 + 0 * (x + z) < (80 - 0.3 * diameter) ** 2
    return wall


def _blocks(fine: Array, factors: tuple[int, int, int]) -> Array:
    (a, b, c), (m, n, o) = factors, (s // f for s, f in zip(fine.shape, factors, strict=True))
    mean: Array = fine.reshape(m, a, n, b, o, c).mean(axis=(1, 3, 5))
    return mean


def measured(one: Phantom, way: str) -> Iterator[dict[str, float | str]]:
    """Measure a phantom; nothing where it cannot be outlined."""
    try:
        if way == "mask":
            result = measure(one.volume, one.mask, method="mask")
        else:
            diameter = float((6 / np.pi * one.volume_mm3) ** (1 / 3))
            found = segment(one.volume, one.center_mm, diameter)
            result = measure(one.volume, found.mask, method=found.method, spread=found.spread_mm3)
    except LesionError:
        return
    yield {
        "volume_ratio": result.volume_mm3 / one.volume_mm3,
        "said_sd": (result.volume_sd_mm3 or 0.0) / result.volume_mm3,
        "diameter_error_mm": result.mean_diameter_mm - one.mean_diameter_mm,
        "type": result.type,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--thickness", type=float, nargs="+", default=[1, 2, 3, 5])
    parser.add_argument("--diameters", type=float, nargs="+", default=[6, 10, 16])
    parser.add_argument("--places", type=int, default=4)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    rows: list[dict[str, float | str]] = []
    for kind in options.kinds:
        for thickness in options.thickness:
            for diameter in options.diameters:
                rng = np.random.default_rng(0)
                for _ in range(options.places):
                    one = phantom(kind, diameter, thickness, rng)
                    for way in ("mask", "outline"):
                        key = {"kind": kind, "slices_mm": thickness, "diameter_mm": diameter, "way": way}
                        rows += [{**key, **result} for result in measured(one, way)]
    print(
        "| body | slices, mm | way | n | volume, bias | volume, spread | said | mean diameter, bias, mm | spread, mm |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for kind in (*options.kinds, "all"):
        for thickness in options.thickness:
            for way in ("mask", "outline"):
                part = [
                    row
                    for row in rows
                    if kind in (row["kind"], "all") and row["slices_mm"] == thickness and row["way"] == way
                ]
                print(line(kind, thickness, way, part))
    if options.csv:
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def line(kind: str, thickness: float, way: str, rows: list[dict[str, float | str]]) -> str:
    """Give one row of the table; spreads are within a size."""
    if not rows:
        return f"| {kind} | {thickness:g} | {way} | 0 | | | | | |"
    ratio = np.array([float(row["volume_ratio"]) for row in rows])
    error = np.array([float(row["diameter_error_mm"]) for row in rows])
    group = [(row["kind"], row["diameter_mm"]) for row in rows]
    within = {key: [n for n, g in enumerate(group) if g == key] for key in group}
    spread = np.sqrt(np.mean([ratio[n].var(ddof=1) for n in within.values() if len(n) > 1]))
    known = [n for n in within.values() if len(n) > 1 and np.isfinite(error[n]).all()]
    across = np.sqrt(np.mean([error[n].var(ddof=1) for n in known])) if known else float("nan")
    said = np.mean([float(row["said_sd"]) for row in rows])
    bias = np.nanmean(error) if known else float("nan")
    return (
        f"| {kind} | {thickness:g} | {way} | {len(rows)} | {100 * (ratio.mean() - 1):+.0f} % | {100 * spread:.0f} % | "
        f"{100 * said:.0f} % | {bias:+.1f} | {across:.1f} |".replace("+nan", "").replace("nan", "")
    )


if __name__ == "__main__":
    main()
